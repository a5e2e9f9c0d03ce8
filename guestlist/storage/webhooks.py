"""The raw inbox: verified bodies as they came, one row each, and what became of them.

A body is known by its digest, so a webhook that is repeated or replayed falls on the row that is already there. Parsing runs in
its own lane, one owner at a time: it takes due rows in the order of arrival and marks them in the transaction that applies them.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from guestlist.domain.identifiers import Clock
from guestlist.errors import DependencyError

from .base import Database, Transaction
from .instants import to_ms
from .tables import webhooks

_COLUMNS: Final = ("provider", "app_id", "digest", "body", "received_at")
_INSERT: Final = {
    dialect.dialect.name: dialect.insert(webhooks)
    .values({name: bindparam(name) for name in _COLUMNS})
    .on_conflict_do_nothing(index_elements=["digest"])
    .inline()
    for dialect in (sqlite, postgresql)
}
_DUE: Final = (
    select(webhooks.c.id, webhooks.c.provider, webhooks.c.app_id, webhooks.c.body, webhooks.c.received_at, webhooks.c.attempts)
    .where(webhooks.c.state == literal_column("'stored'"), webhooks.c.id > bindparam("after"))
    .order_by(webhooks.c.id)
    .limit(bindparam("most"))
)
_MARK: Final = (
    update(webhooks)
    .where(webhooks.c.id == bindparam("of"))
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        applied_at=bindparam("at"),
        attempts=webhooks.c.attempts + 1,
    )
)


LARGEST_BATCH = 256
"""Bodies written together at most: bounds how long the first of them waits."""

LARGEST_BATCH_BYTES = 16 * 1024 * 1024

_THREAD_FROM = 16 * 1024  # bytes of bodies: from here on hashing and packing them would hold up the event loop
_PACKED_FROM = 2048
_ZLIB = b"x"


class WebhookState(StrEnum):
    """What became of a stored body."""

    STORED = "stored"  # to be parsed, or to be tried again
    APPLIED = "applied"  # parsed; what it said is in the tables
    REFUSED = "refused"  # authentic, but not one event in it could be read or applied


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A body that waits to be parsed. `received_at` is milliseconds since 1970 UTC, `attempts` how often it was tried."""

    id: int
    provider: str
    app_id: str
    body: bytes
    received_at: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified body to be kept. `received_at` is milliseconds since 1970 UTC."""

    provider: str
    app_id: str
    body: bytes
    received_at: int


@dataclass(frozen=True, slots=True)
class WebhookMark:
    """What became of one body: `reason` is a sentence without values, `applied_at` milliseconds since 1970 UTC."""

    id: int
    state: WebhookState
    reason: str = ""
    applied_at: int | None = None


def webhook_digest(provider: str, app_id: str, body: bytes) -> bytes:
    """SHA-256 over provider, app and body, each kept apart from the next."""
    hasher = hashlib.sha256(f"{provider}\x00{app_id}\x00".encode())
    hasher.update(body)
    return hasher.digest()


def pack_body(body: bytes) -> bytes:
    """How a body is stored: a large one by zlib (an eighth of the disk, and less to write), a small one as it is.

    Shape: what is stored starts with "x", zlib's first byte, exactly when it is packed; a body that starts so is always packed.
    """
    return zlib.compress(body, 1) if len(body) > _PACKED_FROM or body.startswith(_ZLIB) else body


def unpack_body(stored: bytes) -> bytes:
    """The very bytes that were signed."""
    return zlib.decompress(stored) if stored.startswith(_ZLIB) else stored


async def insert_webhook(tx: Transaction, provider: str, app_id: str, body: bytes, received_at_ms: int) -> bool:
    """Keeps a body; False when the very same one is kept already."""
    return await tx.execute(_INSERT[tx.dialect], build_row(Arrival(provider, app_id, body, received_at_ms))) == 1


def build_row(arrival: Arrival) -> dict[str, object]:
    """The row to insert for a body. Takes its time for a large one: it is hashed and packed."""
    return {
        "provider": arrival.provider,
        "app_id": arrival.app_id,
        "digest": webhook_digest(arrival.provider, arrival.app_id, arrival.body),
        "body": pack_body(arrival.body),
        "received_at": arrival.received_at,
    }


async def due_webhooks(tx: Transaction, limit: int, *, after: int = 0) -> list[StoredWebhook]:
    """Up to `limit` bodies that wait to be parsed, in the order they came, from behind the id `after`."""
    rows = await tx.fetch_all(_DUE, {"after": after, "most": limit})
    return [StoredWebhook(**{**row, "body": unpack_body(row["body"])}) for row in rows]


async def mark_webhooks(tx: Transaction, marks: Sequence[WebhookMark]) -> None:
    """Records what became of bodies, and that they were tried once more. `STORED` leaves one for another try."""
    rows = [
        {"of": mark.id, "to": mark.state.value, "why": mark.reason, "at": mark.applied_at}
        for mark in sorted(marks, key=lambda each: each.id)
    ]
    if rows:
        await tx.execute_many(_MARK, rows)


_Waiting = tuple[Arrival, asyncio.Future[None]]


class StoredInbox:
    """The `inbound.base.Inbox` over a database: bodies that arrive while others are being written go together in the next unit.

    The writer groups units anyway; gathering here spares each body a unit, a future and a hand-over between threads of its own,
    a third of the server's work for a small webhook. `stored` is called after each durable batch: a place for the wake-up.
    """

    def __init__(self, database: Database, clock: Clock, *, stored: Callable[[], None] | None = None) -> None:
        self._database = database
        self._clock = clock
        self._stored = stored
        self._waiting: deque[_Waiting] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def store(self, provider: str, app_id: str, body: bytes) -> None:
        """Returns once the body is durable. A body seen before changes nothing. Errors: DependencyError."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((Arrival(provider, app_id, body, to_ms(self._clock.now())), durable))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await durable

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._write(self._take_batch())
        finally:
            self._flushing = None
            _abandon(self._waiting)  # none, unless this task was cancelled

    def _take_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0][0].body)
        while self._waiting and len(batch) < LARGEST_BATCH and size + len(self._waiting[0][0].body) <= LARGEST_BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].body)
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            rows = await _build_rows([arrival for arrival, _ in batch])
            await self._database.write(lambda tx: tx.execute_many(_INSERT[tx.dialect], rows))
        except Exception as error:
            for _, durable in batch:
                if not durable.done():  # its request may have been cancelled
                    durable.set_exception(error)
        else:
            for _, durable in batch:
                if not durable.done():
                    durable.set_result(None)
            if self._stored is not None:
                self._stored()
        finally:
            _abandon(batch)


async def _build_rows(arrivals: Sequence[Arrival]) -> list[dict[str, object]]:
    if sum(len(arrival.body) for arrival in arrivals) < _THREAD_FROM:
        return [build_row(arrival) for arrival in arrivals]
    return await asyncio.to_thread(lambda: [build_row(arrival) for arrival in arrivals])


def _abandon(batch: Iterable[_Waiting]) -> None:
    """Nobody is left waiting for ever, even when the writing task itself is cancelled."""
    for _, durable in batch:
        if not durable.done():
            durable.set_exception(DependencyError("Guestlist is stopping.", code="stopping", remedy="Send it again later."))
