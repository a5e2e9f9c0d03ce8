"""PostgreSQL behind a few group-commit writers and a pool of readers, through asyncpg.

Writers run at READ COMMITTED: a unit that reads, decides and writes locks what it read (`with_for_update()`) or leans on a key.
Readers see one REPEATABLE READ snapshot. A connection that goes away is opened again, with back-off, for `PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.sql.base import Executable

from .base import Row, Unit
from .failures import DRIVER_ERRORS, closed, commit_unknown, connect_failure, postgres_failure, refused_statement, reruns
from .statements import compile_statement
from .writer import Job, new_job, run_jobs, run_unit

T = TypeVar("T")

WRITERS = 2
READERS = 8
PATIENCE = 15.0  # seconds
_LARGEST_GROUP = 128  # units; they hold their locks until the group ends
_CONNECT_SECONDS = 10.0
_STATEMENT_SECONDS = 60.0  # without an answer for so long, the line counts as lost
_ROLLBACK_SECONDS = 5.0
_SETTINGS = {
    "application_name": "guestlist",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60000",  # a frozen worker must not hold its locks for ever
}


def place_of(url: str) -> str:
    """Host, port and name of the database, without user or password, for messages."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path}"


async def connect_postgres(url: str, *, statement_seconds: float | None = None) -> asyncpg.Connection:
    """One connection, on which a statement may take so long (None: any time). Errors: ConfigurationError, DependencyError."""
    try:
        connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_SECONDS,
            command_timeout=statement_seconds,
            statement_cache_size=512,
            server_settings=_SETTINGS,
        )
        await connection.set_type_codec(
            "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
        )  # SUM over BIGINT is NUMERIC; rows hold plain numbers on both databases
    except (*DRIVER_ERRORS, ValueError) as error:
        raise connect_failure(error, place_of(url)) from None
    return connection


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text or "N" in text else int(text)


class PostgresTransaction:
    """One unit's view of a connection."""

    dialect = "postgresql"

    def __init__(self, connection: asyncpg.Connection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._failure: Exception | None = None
        self._over = False
        self.waiting = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        text, values = self._compiled(statement, parameters or {})
        return _touched(await self._guarded(lambda: self._connection.execute(text, *values)))

    async def execute_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        text, values = compile_statement(statement, self.dialect, tuple(rows[0])).render_many(rows)
        await self._guarded(lambda: self._connection.executemany(text, values))

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        text, values = self._compiled(statement, parameters or {})
        return [dict(record) for record in await self._guarded(lambda: self._connection.fetch(text, *values))]

    async def fetch_one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row | None:
        rows = await self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    def end(self) -> Exception | None:
        self._over = True
        return self._failure

    def _compiled(self, statement: Executable, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        return compile_statement(statement, self.dialect, tuple(parameters)).render(parameters)

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        if self._over:
            raise RuntimeError("The transaction is over.")
        if self._failure is not None:
            raise self._failure
        self.waiting = True
        try:
            return await call()
        except DRIVER_ERRORS as error:
            self._failure = postgres_failure(error, self._place)
        finally:
            self.waiting = False
        raise self._failure from None


def _touched(tag: str) -> int:
    """Rows touched, from a command tag such as "UPDATE 5" or "INSERT 0 5"."""
    verb, _, rest = tag.partition(" ")
    return int(rest.rpartition(" ")[2]) if verb in {"INSERT", "UPDATE", "DELETE", "MERGE"} else 0


class _PostgresSession:
    """One writer's connection, as the grouping algorithm sees it."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._place = place_of(url)
        self._patience = patience
        self._connection: asyncpg.Connection | None = None

    async def begin(self) -> None:
        async def attempt() -> None:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect_postgres(self._url, statement_seconds=_STATEMENT_SECONDS)
            try:
                await self._connection.execute("BEGIN")
            except DRIVER_ERRORS as error:
                self.drop()
                raise postgres_failure(error, self._place) from None

        await persist(attempt, self._patience)

    def transaction(self) -> PostgresTransaction:
        return PostgresTransaction(self._connection, self._place)

    async def commit(self) -> None:
        assert self._connection is not None
        try:
            tag = await self._connection.execute("COMMIT")
        except DRIVER_ERRORS as error:
            failure = postgres_failure(error, self._place)
            if getattr(failure, "code", "") == "connection_lost":
                self.drop()
                failure = commit_unknown(self._place)
            raise failure from None
        if tag != "COMMIT":
            raise refused_statement(f"COMMIT was answered with {tag}")

    async def rollback(self) -> None:
        if self._connection is None or self._connection.is_closed():
            return
        try:
            await self._connection.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except DRIVER_ERRORS:
            self.drop()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def drop(self) -> None:
        """Lets go of the connection at once."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


async def persist(attempt: Callable[[], Awaitable[T]], patience: float) -> T:
    """The outcome of `attempt`, made again with back-off while the server is away, for `patience` seconds."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + patience, 0.05
    while True:
        try:
            return await attempt()
        except Exception as error:
            away = reruns(error) or getattr(error, "code", "") in {"database_away", "database_full"}
            if not away or loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause * (0.5 + random.random()))
        pause = min(pause * 2, 1.0)


class PostgresDatabase:
    """The database of an installation with several workers. Bound to the event loop it was opened in."""

    dialect = "postgresql"

    def __init__(self, url: str, pool: asyncpg.Pool, patience: float) -> None:
        self._place = place_of(url)
        self._pool = pool
        self._patience = patience
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue()
        self._closing = False
        self._writers = [
            asyncio.create_task(self._run(_PostgresSession(url, patience)), name=f"postgres-writer-{n}") for n in range(WRITERS)
        ]

    @classmethod
    async def open(cls, url: str, *, patience: float = PATIENCE) -> PostgresDatabase:
        """Connects once, so that what is wrong is told at the start. Errors: ConfigurationError, DependencyError."""
        await (await connect_postgres(url)).close()

        async def connect(*_: Any, **__: Any) -> asyncpg.Connection:
            return await connect_postgres(url, statement_seconds=_STATEMENT_SECONDS)

        pool = await asyncpg.create_pool(min_size=0, max_size=READERS, connect=connect, reset=_leave_as_it_is)
        return cls(url, pool, patience)

    async def write(self, unit: Unit[T]) -> T:
        """Runs the unit in a group-commit writer; returns once it is durable. It runs even if the caller stops waiting."""
        if self._closing:
            raise closed()
        job = new_job(unit)
        self._jobs.put_nowait(job)
        return await job.future  # type: ignore[no-any-return]

    async def read(self, unit: Unit[T]) -> T:
        """Runs the unit on a reader connection, in one consistent snapshot."""
        if self._closing:
            raise closed()
        return await persist(lambda: self._read(unit), self._patience)

    async def close(self) -> None:
        """Finishes what is queued, then closes the connections. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._jobs.put_nowait(None)
        await asyncio.gather(*self._writers)
        await self._pool.close()

    async def _read(self, unit: Unit[T]) -> T:
        try:
            async with self._pool.acquire() as connection:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await run_unit(unit, PostgresTransaction(connection, self._place))
        except DRIVER_ERRORS as error:
            raise postgres_failure(error, self._place) from None

    async def _run(self, session: _PostgresSession) -> None:
        """One writer: takes what waits, writes it as one group, delivers the outcomes."""
        while group := await self._next_group():
            try:
                await run_jobs(session, group)
            except BaseException as error:  # the writer outlives whatever a unit does
                session.drop()
                for job in group:
                    if not job.settled:
                        job.fail(error)
                if isinstance(error, asyncio.CancelledError):  # the event loop is ending
                    raise
            finally:
                for job in group:
                    job.deliver()
        session.drop()

    async def _next_group(self) -> list[Job]:
        """At least one job, waiting for it if need be; empty when the database is closing and nothing waits."""
        job = await self._jobs.get()
        group = []
        while job is not None:
            group.append(job)
            if len(group) == _LARGEST_GROUP or self._jobs.empty():
                return group
            job = self._jobs.get_nowait()
        self._jobs.put_nowait(None)  # the end, to be met again by every writer
        return group


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Readers leave nothing behind on a connection, so the pool's round trip to reset it is spared."""
