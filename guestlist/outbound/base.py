"""The contract of outbound: what an endpoint is told of an event, how that is signed, when it is tried again.

    event ──► Renderer (a dialect's shape) ──► Signer (its signature) ──► Post (past the guard) ──► Schedule (the next try)

The four differ by dialect and are data in a `Dialect`; the lane that drives them is the same for all (`actions/notices.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from guestlist.domain.networks import Network

Row = Mapping[str, Any]
"""A row by column name. Instants are integers: milliseconds since 1970, UTC."""

JSON_HEADERS: Mapping[str, str] = {"Content-Type": "application/json"}

ANSWER_KEPT = 1024
"""Bytes of an answer that the log keeps."""

REPLY_READ = 64 * 1024
"""Bytes that are read of an answer which is itself a reply to a person. One of this size may have been cut."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A customer's URL. `secrets` are the newest first; more than one while a rotation overlaps, none where it is unsigned."""

    id: str
    workspace_id: str
    url: str = field(repr=False)
    dialect: str
    scope: str  # an account's id, "" for all
    config: Mapping[str, Any]
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the rows it is about, as they are now: what was redacted or forgotten since is empty here.

    `data` are the event's own ids and facts as they were when it happened. Rows are None, or none, where it has no such thing.
    """

    id: str  # "evt_…", the same over all tries
    kind: str
    subject: str
    data: Mapping[str, Any]
    at: datetime
    message: Row | None = field(default=None, repr=False)
    deliveries: Sequence[Row] = field(default=(), repr=False)
    parts: Sequence[Row] = field(default=(), repr=False)  # without bodies
    attempts: Sequence[Row] = field(default=(), repr=False)
    receipts: Sequence[Row] = field(default=(), repr=False)
    contact: Row | None = field(default=None, repr=False)
    addresses: Sequence[Row] = field(default=(), repr=False)
    reply: Row | None = field(default=None, repr=False)
    answered: Row | None = field(default=None, repr=False)  # the message of ours that the reply answers
    account: Row | None = field(default=None, repr=False)  # of `pages` or `accounts`, without its secrets


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a dialect sends for an event. Without a `url` it goes to the endpoint's own."""

    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)


class Renderer(Protocol):
    """A dialect's shape of events. Pure: no I/O, no clock."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered | None:
        """What the endpoint gets, or None where the dialect has no such event: then its notice is dropped."""
        ...


class Signer(Protocol):
    """A dialect's signature, over the bytes that are sent."""

    def sign(self, webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
        """The headers to add. `webhook_id` is the event's, the same over all tries; `at` is the moment of this try."""
        ...

    def new_secret(self) -> str:
        """A fresh secret, random; "" where the dialect signs nothing."""
        ...

    def check_secret(self, secret: str) -> None:
        """Errors: ValueError, with what a secret must be."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a failed notice is tried again.

    Units: `pauses[n]` are the seconds after the failed try n + 1, so there is one try more than pauses. `jitter` is the share of
    a pause that chance may add; it never takes away. Statuses in `never_again` end it at once.
    """

    pauses: tuple[float, ...]
    jitter: float = 0.0
    never_again: frozenset[int] = frozenset()

    def decide_pause(self, failures: int, status: int, draw: float) -> float | None:
        """Seconds until the next try after so many failed ones, the last with this status (0 = no answer); None = no more.

        `draw` is a random number from 0 to 1.
        """
        if status in self.never_again or failures > len(self.pauses):
            return None
        return self.pauses[failures - 1] * (1 + self.jitter * draw)


@dataclass(frozen=True, slots=True)
class Batching:
    """Several events in one request, as a JSON array: at most `most`, and nobody waits longer than `seconds` for the others."""

    most: int
    seconds: float


OnAnswer = Callable[..., Awaitable[set[str]]]
"""`(tx, services, workspace_id, told, body)` -> lanes to wake. In the transaction that records the try, so its effect is once."""


def no_batching(endpoint: Endpoint) -> Batching | None:
    """Each event by itself."""
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How endpoints of one kind are told: "" is ours (Standard Webhooks), the others are vendors'."""

    name: str
    renderer: Renderer
    signer: Signer
    schedule: Schedule
    timeout: float  # seconds for the whole exchange
    batching: Callable[[Endpoint], Batching | None] = no_batching
    answer_limit: int = ANSWER_KEPT  # bytes of an answer that are read
    on_answer: OnAnswer | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to an endpoint."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `status` 0 = no answer; `problem` is a stable word, "" for a 2xx; `body` is its beginning."""

    status: int
    body: bytes = field(default=b"", repr=False)
    problem: str = ""
    milliseconds: int = 0

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it."""
        return not self.problem


class Post(Protocol):
    """Posts to addresses that strangers chose."""

    async def __call__(self, request: Request, *, timeout: float, limit: int) -> Answer:
        """The answer, with at most `limit` bytes of its body. Never raises: a failure is an answer with status 0."""
        ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """What actions need to tell endpoints. `now` is the wall clock: signatures are checked against it by strangers."""

    post: Post
    dialects: Mapping[str, Dialect]
    allowed: Sequence[Network] = ()  # private networks where endpoints may live
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
