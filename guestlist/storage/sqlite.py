"""SQLite behind one writer thread with group commit and a few reader threads.

WAL with `synchronous=FULL`: what `write` returned for is on the disk. Once grouped, FULL costs nothing that can be measured.
"""

from __future__ import annotations

import asyncio
import importlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy.sql.base import Executable

from guestlist.errors import ConfigurationError

from .base import Row, Unit
from .checkpoints import WAL_PAGES, Checkpointer
from .failures import closed, read_only_unit, sqlite_failure
from .statements import compile_statement
from .writer import LARGEST_GROUP, Job, drive, new_job, run_jobs, run_unit

T = TypeVar("T")

READERS = 4
BUSY_SECONDS = 10.0
_FAULT_FIXED_IN = (3, 51, 3)


def _load_driver() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return importlib.import_module("sqlite3")


driver = _load_driver()


@dataclass(frozen=True, slots=True)
class SqliteVersion:
    """The SQLite library in use."""

    version: str
    module: str  # "pysqlite3" | "sqlite3"
    wal_reset_fault: bool
    """True before 3.51.3: a WAL reset racing with another connection's write can damage the database (sqlite.org/wal.html)."""


def sqlite_version() -> SqliteVersion:
    """Which SQLite runs here, and whether it has the WAL-reset fault."""
    return describe_version(driver.sqlite_version, driver.__name__)


def describe_version(version: str, module: str) -> SqliteVersion:
    """The same for any version."""
    numbers = tuple(int(part) for part in version.split("."))
    return SqliteVersion(version, module, wal_reset_fault=numbers < _FAULT_FIXED_IN)


def connect(path: Path) -> Any:
    """A connection in autocommit mode with the settings durability rests on. Errors: ConfigurationError, DependencyError."""
    try:
        connection = driver.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        for pragma in ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON", "temp_store=MEMORY", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
    except driver.Error as error:
        raise sqlite_failure(error, str(path)) from None
    if mode != "wal":
        connection.close()
        raise ConfigurationError(
            f"{path} cannot be kept in WAL mode (journal_mode is {mode}).",
            code="no_wal",
            remedy="Keep the data folder on a local disk; network file systems cannot share the WAL index.",
        )
    return connection


class SqliteTransaction:
    """One unit's view of the writer's or a reader's connection. Its methods are async but never suspend."""

    dialect = "sqlite"
    waiting = False

    def __init__(self, connection: Any, path: str) -> None:
        self._connection = connection
        self._path = path
        self._failure: Exception | None = None
        self._over = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        cursor = self._run(statement, parameters or {})
        if cursor.description is None:
            return max(int(cursor.rowcount), 0)
        returned = len(self._guarded(cursor.fetchall))
        return 0 if getattr(statement, "is_select", False) else returned

    async def execute_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        compiled = compile_statement(statement, self.dialect, tuple(rows[0]))
        text, values = compiled.render_many(rows)
        self._guarded(lambda: self._connection.executemany(text, values))

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        cursor = self._run(statement, parameters or {})
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self._guarded(cursor.fetchall)]

    async def fetch_one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row | None:
        rows = await self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    def end(self) -> Exception | None:
        self._over = True
        return self._failure

    def _run(self, statement: Executable, parameters: Mapping[str, Any]) -> Any:
        text, values = compile_statement(statement, self.dialect, tuple(parameters)).render(parameters)
        return self._guarded(lambda: self._connection.execute(text, values))

    def _guarded(self, call: Callable[[], T]) -> T:
        if self._over:
            raise RuntimeError("The transaction is over.")
        if self._failure is not None:
            raise self._failure
        try:
            return call()
        except (driver.Error, UnicodeEncodeError) as error:
            self._failure = _translate(error, self._path)
        raise self._failure from None


def _translate(error: Exception, path: str) -> Exception:
    if "attempt to write a readonly database" in str(error) and getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY":
        return read_only_unit()
    return sqlite_failure(error, path)


class _SqliteSession:
    """The writer's connection, as the grouping algorithm sees it."""

    def __init__(self, connection: Any, path: str) -> None:
        self._connection = connection
        self._path = path

    async def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")

    def transaction(self) -> SqliteTransaction:
        return SqliteTransaction(self._connection, self._path)

    async def commit(self) -> None:
        self._execute("COMMIT")

    async def rollback(self) -> None:
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - runs in the writer thread, never on an event loop

    def _execute(self, text: str) -> None:
        try:
            self._connection.execute(text)
        except driver.Error as error:
            raise sqlite_failure(error, self._path) from None


class SqliteDatabase:
    """The embedded database: one file, one writer thread, a few readers."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        """Opens the file, creating it when it is missing. Errors: ConfigurationError, DependencyError."""
        self._path = str(path)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closing = False
        self._connection = connect(path)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(READERS):
            reader = connect(path)
            reader.execute("PRAGMA query_only=ON")
            self._idle.put(reader)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._checkpointer = None if sqlite_version().wal_reset_fault else Checkpointer(connect(path), driver.Error)
        if self._checkpointer is not None:
            self._connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, unit: Unit[T]) -> T:
        """Runs the unit in the writer thread; returns once it is durable. It runs even if the caller stops waiting."""
        if self._closing:
            raise closed()
        job = new_job(unit)
        self._jobs.put(job)
        return await job.future  # type: ignore[no-any-return]

    async def read(self, unit: Unit[T]) -> T:
        """Runs the unit on a reader connection, in one consistent snapshot."""
        if self._closing:
            raise closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    async def close(self) -> None:
        """Finishes what is queued, then closes the file. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._jobs.put(None)
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        self._thread.join()
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._readers.shutdown(wait=True)
        for _ in range(READERS):
            self._idle.get().close()
        self._connection.close()

    def _read(self, unit: Unit[T]) -> T:
        connection = self._idle.get()
        try:
            connection.execute("BEGIN")
            return drive(run_unit(unit, SqliteTransaction(connection, self._path)))
        except driver.Error as error:
            raise sqlite_failure(error, self._path) from None
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)

    def _run(self) -> None:
        """The writer thread: takes what waits, writes it as one group, delivers the outcomes."""
        session = _SqliteSession(self._connection, self._path)
        while group := self._next_group():
            try:
                drive(run_jobs(session, group))
            except BaseException as error:  # the thread outlives whatever a unit does
                self._abandon()
                for job in group:
                    if not job.settled:
                        job.fail(error)
            _deliver(group)
            if self._checkpointer is not None:
                self._checkpointer.wake()

    def _next_group(self) -> list[Job]:
        """At least one job, waiting for it if need be; empty when the database is closing and nothing waits."""
        group = [first] if (first := self._jobs.get()) else []
        with suppress(queue.Empty):
            while group and len(group) < LARGEST_GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    self._jobs.put(None)  # the end, to be met again after this group
                    break
                group.append(job)
        return group

    def _abandon(self) -> None:
        with suppress(driver.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _deliver(jobs: Sequence[Job]) -> None:
    """Hands the outcomes to the event loops they belong to, one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, own in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_deliver_here, own)


def _deliver_here(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.deliver()
