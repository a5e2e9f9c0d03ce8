"""The raw inbox: verified bodies as they came, one row each, and what became of them.

A body is known by its digest, so a webhook that is repeated or replayed falls on the row that is already there. Parsing runs in
its own lane, one owner at a time: it takes due rows in the order of arrival and marks them in the transaction that applies them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, Final

import lz4.frame
from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable

from guestlist.domain.identifiers import Clock
from guestlist.errors import DependencyError

from .base import Database, Transaction
from .instants import to_ms
from .tables import webhooks

_COLUMNS: Final = ("provider", "app_id", "digest", "body", "received_at")
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

_LARGEST_INSERT = 64
_FAST = -8  # two thirds of the time of level 0 for a sixth more bytes
_PACKED_FROM = 2048
_Row = tuple[str, str, bytes, bytes, int]
_MAGIC: Final = bytes.fromhex("04224d18")  # what every LZ4 frame starts with


@cache
def _insert_of(dialect: str, rows: int) -> tuple[Executable, tuple[str, ...]]:
    """One statement that inserts so many rows, and the names of its parameters, row by row."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    values: list[dict[str, Any]] = [{column: bindparam(f"{column}_{row}") for column in _COLUMNS} for row in range(rows)]
    statement = insert(webhooks).values(values).on_conflict_do_nothing(index_elements=["digest"])
    return statement, tuple(f"{column}_{row}" for row in range(rows) for column in _COLUMNS)


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
class WebhookMark:
    """What became of one body: `reason` is a sentence without values, `applied_at` milliseconds since 1970 UTC."""

    id: int
    state: WebhookState
    reason: str = ""
    applied_at: int | None = None


def webhook_digest(provider: str, app_id: str, proof: bytes) -> bytes:
    """SHA-256 over provider, app and what makes the body itself and no other, each kept apart from the next."""
    return hashlib.sha256(f"{provider}\x00{app_id}\x00".encode() + proof).digest()


def pack_body(body: bytes) -> bytes:
    """How a body is stored: a large one as an LZ4 frame (a fifth of the disk, and less to write), a small one as it is.

    Shape: what is stored starts with LZ4's magic number exactly when it is packed; a body that starts so is always packed.
    """
    return lz4.frame.compress(body, compression_level=_FAST) if len(body) > _PACKED_FROM or body.startswith(_MAGIC) else body


def unpack_body(stored: bytes) -> bytes:
    """The very bytes that were signed."""
    return lz4.frame.decompress(stored) if stored.startswith(_MAGIC) else stored


async def insert_webhook(tx: Transaction, provider: str, app_id: str, body: bytes, received_at_ms: int) -> bool:
    """Keeps a body; False when the very same one is kept already."""
    return await insert_rows(tx, [build_row(provider, app_id, body, received_at_ms)]) == 1


async def insert_rows(tx: Transaction, rows: Sequence[_Row]) -> int:
    """Inserts rows in order, in as few statements as there are ones in the binary form of their number; how many were new."""
    new = start = 0
    while left := len(rows) - start:
        many = min(_LARGEST_INSERT, 1 << (left.bit_length() - 1))
        statement, names = _insert_of(tx.dialect, many)
        new += await tx.execute(statement, dict(zip(names, chain.from_iterable(rows[start : start + many]), strict=True)))
        start += many
    return new


def build_row(provider: str, app_id: str, body: bytes, received_at_ms: int, *, mac: bytes = b"") -> _Row:
    """The row to insert for a body. `mac` as in `StoredInbox.store`."""
    return provider, app_id, webhook_digest(provider, app_id, mac or body), pack_body(body), received_at_ms


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


_Waiting = tuple[_Row, asyncio.Future[None]]


class StoredInbox:
    """The `inbound.base.Inbox` over a database: bodies that arrive while others are being written go together in the next unit.

    The writer groups units anyway; gathering here spares each body a unit, a future and a hand-over between threads of its own,
    a third of the server's work for a small webhook. `stored` is called after each durable batch: a place for the wake-up.

    A unit takes what waits at the moment the writer reaches it, not when it was handed over, so the writer never has to wait for
    the event loop between two batches. At most one unit is on its way and one is being written.
    """

    def __init__(self, database: Database, clock: Clock, *, stored: Callable[[], None] | None = None) -> None:
        self._database = database
        self._clock = clock
        self._stored = stored
        self._waiting: deque[_Waiting] = deque()
        self._due = False  # a hand-over is due once the event loop has read what has arrived
        self._handed_over = False  # a unit is on its way that has not taken its batch yet
        self._writing: set[asyncio.Task[None]] = set()

    async def store(self, provider: str, app_id: str, body: bytes, mac: bytes = b"") -> None:
        """Returns once the body is durable. A body seen before changes nothing. Errors: DependencyError."""
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._waiting.append((build_row(provider, app_id, body, to_ms(self._clock.now()), mac=mac), durable))
        if not self._due:
            self._due = True
            loop.call_soon(self._hand_over)
        await durable

    def _hand_over(self) -> None:
        self._due = False
        if self._waiting and not self._handed_over:
            self._handed_over = True
            task = asyncio.create_task(self._write())
            self._writing.add(task)
            task.add_done_callback(self._end_writing)

    def _end_writing(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if task.cancelled():  # perhaps before it began: the process is stopping, and who waits is told so
            self._handed_over = False
            _abandon(self._waiting)
            self._waiting.clear()

    async def _write(self) -> None:
        batch: list[_Waiting] = []

        async def unit(tx: Transaction) -> None:
            if not batch:  # a unit that is run again writes the same bodies again
                self._take(batch)
            await insert_rows(tx, [row for row, _ in batch])

        try:
            await self._database.write(unit)
        except Exception as error:
            if not batch:
                self._take(batch)
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
            self._hand_over()

    def _take(self, batch: list[_Waiting]) -> None:
        """Runs in the writer's thread: first the note, then the bodies, so that none can slip between the two."""
        self._handed_over = False
        size = 0
        while (
            self._waiting
            and len(batch) < LARGEST_BATCH
            and (not batch or size + len(self._waiting[0][0][3]) <= LARGEST_BATCH_BYTES)
        ):
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0][3])


def _abandon(batch: Iterable[_Waiting]) -> None:
    """Nobody is left waiting for ever, even when the writing task itself is cancelled."""
    for _, durable in batch:
        if not durable.done():
            durable.set_exception(DependencyError("Guestlist is stopping.", code="stopping", remedy="Send it again later."))
