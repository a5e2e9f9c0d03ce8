"""The raw inbox: verified bodies as they came, one row each, and what became of them.

A body is known by its digest, so a webhook that is repeated or replayed falls on the row that is already there. Parsing runs in
its own lane, one owner at a time: it takes due rows in the order of arrival and marks them in the transaction that applies them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from itertools import chain
from typing import Any, Final, NamedTuple

import lz4.frame
from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable

from guestlist.domain.identifiers import Clock
from guestlist.errors import DependencyError

from .base import Database, Transaction
from .instants import to_ms
from .tables import webhooks

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

_LARGEST_INSERT = 64  # rows in one statement
_PACKED_FROM = 2048
_FAST = -8  # LZ4's level: two thirds of the time of level 0 for a sixth more bytes
_MAGIC: Final = bytes.fromhex("04224d18")  # what every LZ4 frame starts with


class _Row(NamedTuple):
    """What is inserted for a body."""

    provider: str
    app_id: str
    digest: bytes
    body: bytes  # as it is stored
    received_at: int


@cache
def _insert_of(dialect: str, rows: int) -> tuple[Executable, tuple[str, ...]]:
    """The statement that inserts so many rows at once, and the names of its parameters, row by row."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    values: list[dict[str, Any]] = [{column: bindparam(f"{column}_{row}") for column in _Row._fields} for row in range(rows)]
    statement = insert(webhooks).values(values).on_conflict_do_nothing(index_elements=["digest"])
    return statement, tuple(f"{column}_{row}" for row in range(rows) for column in _Row._fields)


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
    """SHA-256 over provider, app and `proof`, each kept apart from the next. `proof` is the body, or a MAC only it can have."""
    return hashlib.sha256(f"{provider}\x00{app_id}\x00".encode() + proof).digest()


def pack_body(body: bytes) -> bytes:
    """How a body is stored: a large one as an LZ4 frame (a fifth of the disk, and less to write), a small one as it is.

    Shape: what is stored starts with LZ4's magic number exactly when it is packed; a body that starts so is always packed.
    """
    packed = len(body) > _PACKED_FROM or body.startswith(_MAGIC)
    return lz4.frame.compress(body, compression_level=_FAST) if packed else body


def unpack_body(stored: bytes) -> bytes:
    """The very bytes that were signed."""
    return lz4.frame.decompress(stored) if stored.startswith(_MAGIC) else stored


async def insert_webhook(tx: Transaction, provider: str, app_id: str, body: bytes, received_at_ms: int) -> bool:
    """Keeps a body; False when the very same one is kept already."""
    return await _insert(tx, [_build_row(provider, app_id, body, received_at_ms)]) == 1


async def _insert(tx: Transaction, rows: Sequence[_Row]) -> int:
    """Inserts rows in order; how many were new.

    Their number is split into powers of two, each one statement, so that few statements, which stay compiled, serve any number.
    With a statement a row, the writer and the event loop would hand Python's lock to and fro for each.
    """
    new = start = 0
    while left := len(rows) - start:
        many = min(_LARGEST_INSERT, 1 << (left.bit_length() - 1))
        statement, names = _insert_of(tx.dialect, many)
        new += await tx.execute(statement, dict(zip(names, chain.from_iterable(rows[start : start + many]), strict=True)))
        start += many
    return new


def _build_row(provider: str, app_id: str, body: bytes, received_at_ms: int, mac: bytes = b"") -> _Row:
    return _Row(provider, app_id, webhook_digest(provider, app_id, mac or body), pack_body(body), received_at_ms)


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
    a third of the server's work for a small webhook. A unit takes its batch when the writer comes to it, not when it is handed
    over, so that between two batches the writer does not wait for the event loop. `stored` is called after each durable batch: a
    place for the wake-up.
    """

    def __init__(self, database: Database, clock: Clock, *, stored: Callable[[], None] | None = None) -> None:
        self._database = database
        self._clock = clock
        self._stored = stored
        self._waiting: deque[_Waiting] = deque()
        self._gathering = False  # the event loop still reads what has arrived with the first that waits
        self._handed_over = False  # a unit is on its way that has not taken its batch yet
        self._writing: set[asyncio.Task[None]] = set()

    async def store(self, provider: str, app_id: str, body: bytes, mac: bytes = b"") -> None:
        """Returns once the body is durable. A body seen before, known by `mac` if there is one, changes nothing.

        Errors: DependencyError.
        """
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._waiting.append((_build_row(provider, app_id, body, to_ms(self._clock.now()), mac), durable))
        if not self._gathering:
            self._gathering = True
            loop.call_soon(self._end_gathering)
        await durable

    def _end_gathering(self) -> None:
        self._gathering = False
        self._hand_over()

    def _hand_over(self) -> None:
        if self._waiting and not self._handed_over:
            self._handed_over = True
            batch: list[_Waiting] = []
            task = asyncio.create_task(self._write(batch))
            self._writing.add(task)
            task.add_done_callback(partial(self._end, batch))

    async def _write(self, batch: list[_Waiting]) -> None:
        async def unit(tx: Transaction) -> None:
            if not batch:  # a unit that is run again writes the same bodies again
                self._take(batch)
            await _insert(tx, [row for row, _ in batch])

        await self._database.write(unit)

    def _take(self, batch: list[_Waiting]) -> None:
        """Moves what waits into `batch`, up to its limits. Runs in the writer's thread.

        First the note, then the bodies: a body that comes in between is taken now, or finds the note gone and is handed over.
        """
        self._handed_over = False
        size = 0
        while self._waiting and len(batch) < LARGEST_BATCH:
            size += len(self._waiting[0][0].body)
            if batch and size > LARGEST_BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())

    def _end(self, batch: list[_Waiting], task: asyncio.Task[None]) -> None:
        """Tells every delivery of a batch how it ended: nobody is left waiting for ever, even when the task was cancelled."""
        self._writing.discard(task)
        error = _stopping() if task.cancelled() else task.exception()
        if error is not None and not batch:  # the unit never ran: what it would have taken
            self._take(batch)
        for _, durable in batch:
            if durable.done():  # its request was cancelled
                continue
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)
        if error is None and self._stored is not None:
            self._stored()
        self._hand_over()  # what was too much for this batch


def _stopping() -> DependencyError:
    return DependencyError("Guestlist is stopping.", code="stopping", remedy="Send it again later.")
