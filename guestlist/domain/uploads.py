"""Uploads: which rows go, how large a batch may be, and when to pause. Pure rules; facts from fact page 0.4, 1.2, 1.4."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum


class Mode(StrEnum):
    """What an upload makes of its audience."""

    ADD = "add"  # sends rows the audience does not have; takes nobody out
    SYNC = "sync"  # the audience becomes this list: additions, and removals of rows that earlier uploads sent
    REPLACE = "replace"  # the audience becomes this list, by Meta's replace session, whoever filled it before


class Act(StrEnum):
    """Which call carries a batch. Taking rows out of an audience is no opt-out: the people stay subscribers."""

    ADD = "add"  # POST …/users
    REMOVE = "remove"  # DELETE …/users
    REPLACE = "replace"  # POST …/usersreplace


MOST_ROWS = 10_000
"""Rows Meta takes in one call."""

MOST_BYTES = 5_000_000 - 4_096
"""Bytes of JSON that the rows of one call may have; the rest of 5 MB is for the schema, the session and the proof."""

REPLACE_LASTS = timedelta(minutes=90)
"""Within this time a whole replace session must end."""

MOST_RESTARTS = 3
"""Sessions begun anew before a person is asked."""

SLOW_FROM, FULL = 75.0, 100.0
"""Percent of an ad account's allowance: from where calls are spread, and where Meta refuses them."""

LONGEST_SPREAD = 60.0
"""Seconds between two calls just below the limit."""

IDENTIFIERS = ("EMAIL", "PHONE")
"""The keys by which a row is known in the ledger and taken out again."""


def member_key(email: str, phone: str) -> bytes:
    """16 bytes that stand for a row's identifiers: lowercase hex digests, "" where the row has none."""
    blank = bytes(32)
    both = (bytes.fromhex(email) or blank) + (bytes.fromhex(phone) or blank)
    return hashlib.blake2b(both, digest_size=16).digest()


def row_bytes(row: Sequence[str]) -> int:
    """Bytes of one row of digests in the JSON of a call, its comma included."""
    return sum(map(len, row)) + 3 * len(row) + 2


def count_fitting(sizes: Sequence[int], *, taken: int = 0, most: int = MOST_BYTES) -> int:
    """How many of the rows, by their bytes and in order, still fit behind `taken` bytes. A row alone always fits."""
    for index, size in enumerate(sizes):
        taken += size
        if taken > most and (index or taken > size):
            return index
    return len(sizes)


def decide_pause(percent: float, regain: float) -> tuple[float, str]:
    """Seconds to the next call of an ad account, and the reason shown; 0 while there is room.

    `percent` is the highest use the headers reported, `regain` the seconds until access is regained, as Meta estimates.
    """
    if regain > 0:
        return regain, "throttled"
    if percent >= SLOW_FROM:
        return LONGEST_SPREAD * min(1.0, (percent - SLOW_FROM) / (FULL - SLOW_FROM)), "slowing_down"
    return 0.0, ""


class ReplaceClock(StrEnum):
    """Whether a replace session can still end in time."""

    RUNNING = "running"
    LATE = "late"  # at its pace it would not: wait until Meta gives it up, then begin anew
    OVER = "over"


def decide_replace(elapsed: timedelta, sent: int, left: int) -> ReplaceClock:
    """How a replace session stands after `elapsed`, with so many batches acknowledged and so many left."""
    if elapsed >= REPLACE_LASTS:
        return ReplaceClock.OVER
    if sent and elapsed * (sent + left) > REPLACE_LASTS * sent:
        return ReplaceClock.LATE
    return ReplaceClock.RUNNING
