"""The crowd: people nobody listed. Who stands behind a digest, and what they do, is a pure function of seed and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# Shares of the people who exist.
REFUSED_REGION = 0.015  # 2300032
UNREACHABLE = 0.01  # 2300036
LATE_FAILURE = 0.02  # accepted, then a failure by webhook
READS = 0.70  # of those the message reaches
CLICKS = 0.22  # of the readers
OPTS_OUT = 0.02  # of the readers, silently
REPLIES = 0.03  # of the readers
ACCEPTS_OPT_IN = 0.70  # of those asked

EMPTY = hashlib.sha256(b"").digest()  # what a client sends that hashes a missing value: nobody


@dataclass(frozen=True, slots=True)
class Traits:
    """What one person does. Delays are seconds of emulated time after the step before."""

    exists: bool
    refused_region: bool
    unreachable: bool
    late_failure: bool
    reads: bool
    clicks: bool
    opts_out: bool
    replies: bool
    accepts_opt_in: bool
    deliver_after: float
    fail_after: float
    read_after: float
    click_after: float
    reply_after: float
    accept_after: float


class Person:
    """Somebody, or nobody (`exists` is false), behind one or more digests."""

    __slots__ = ("digests", "exists", "key")

    def __init__(self, key: bytes, *, exists: bool) -> None:
        self.key = key
        self.exists = exists
        self.digests: list[bytes] = [key]


class Crowd:
    """All people, found by the digests of their e-mail addresses and phone numbers."""

    def __init__(self, *, seed: int, match_rate: float) -> None:
        self._seed = seed.to_bytes(16, "big", signed=True)
        self._match_rate = match_rate
        self._people: dict[bytes, Person] = {}
        self._met = self._existing = 0

    @property
    def met(self) -> int:
        """Different people uploads and sends have named, nobodies included."""
        return self._met

    @property
    def existing(self) -> int:
        """Those of them who exist."""
        return self._existing

    def meet(self, digests: Iterable[bytes]) -> Person | None:
        """The one person behind the digests of a row; rows that share a digest are the same person.

        The first digest ever seen of a person decides everything about them. None for a row without digests.
        """
        found: Person | None = None
        for digest in digests:
            known = self._people.get(digest)
            if found is None:
                found = known or self._introduce(digest)
            elif known is None:
                self._people[digest] = found
                found.digests.append(digest)
            elif known is not found:
                self._join(found, known)
        return found

    def find(self, digest: bytes) -> Person | None:
        """The person behind a digest that was met before."""
        return self._people.get(digest)

    def create(self, digest: bytes) -> Person:
        """The person behind a digest, who exists from now on whatever the seed says."""
        person = self._people.get(digest) or self._introduce(digest)
        self._existing += not person.exists
        person.exists = True
        return person

    def root(self, person: Person) -> Person:
        """The same person, after it may have turned out that two were one."""
        return self._people.get(person.key, person)

    def organic(self, name: str) -> Person:
        """A person who came by themselves; always exists."""
        return Person(hashlib.sha256(f"organic:{name}".encode()).digest(), exists=True)

    def traits(self, person: Person) -> Traits:
        """What this person does."""
        return _traits(self._seed, person.key, person.exists)

    def number(self, person: Person, purpose: str) -> int:
        """A stable 53-bit number of this person, such as for a token."""
        mixed = hashlib.blake2b(person.key + purpose.encode(), digest_size=8, key=self._seed).digest()
        return int.from_bytes(mixed, "big") >> 11

    def _introduce(self, digest: bytes) -> Person:
        draw = hashlib.blake2b(digest, digest_size=8, key=self._seed).digest()
        person = Person(digest, exists=int.from_bytes(draw, "big") / 2**64 < self._match_rate)
        self._people[digest] = person
        self._met += 1
        self._existing += person.exists
        return person

    def _join(self, kept: Person, joined: Person) -> None:
        for digest in joined.digests:
            self._people[digest] = kept
        kept.digests.extend(joined.digests)
        self._met -= 1
        self._existing -= joined.exists


@lru_cache(maxsize=100_000)
def _traits(seed: bytes, key: bytes, exists: bool) -> Traits:
    raw = hashlib.blake2b(key, digest_size=64, key=seed, person=b"traits").digest()
    draws = [int.from_bytes(raw[at : at + 4], "big") / 2**32 for at in range(0, 64, 4)]
    return Traits(
        exists=exists,
        refused_region=draws[0] < REFUSED_REGION,
        unreachable=draws[1] < UNREACHABLE,
        late_failure=draws[2] < LATE_FAILURE,
        reads=draws[3] < READS,
        clicks=draws[4] < CLICKS,
        opts_out=draws[5] < OPTS_OUT,
        replies=draws[6] < REPLIES,
        accepts_opt_in=draws[7] < ACCEPTS_OPT_IN,
        deliver_after=1.0 + 14.0 * draws[8],
        fail_after=5.0 + 55.0 * draws[9],
        read_after=30.0 + 1500.0 * draws[10] ** 2,
        click_after=3.0 + 90.0 * draws[11],
        reply_after=20.0 + 600.0 * draws[12],
        accept_after=10.0 + 300.0 * draws[13],
    )
