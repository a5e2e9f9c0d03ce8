"""Wake-ups on PgQueuer: in memory for one process, on PostgreSQL (LISTEN/NOTIFY) for many. Nothing else here knows the library.

Why it is set up this way:

* The library drops a wake-up whose key is queued *or being worked on*. So our jobs do nothing but start the lane, and jobs
  are taken one at a time: the library then writes each job off at once instead of collecting them for 0.1 s.
* An immediate and a delayed wake-up have different keys, or a lane waiting for tomorrow could not be woken today.
* The tables are unlogged and live in their own schema: rows are the truth, a wiped queue costs one sweep.
* Only the queue manager runs, not the library's cron scheduler, which would ask the database every second for nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.inmemory import InMemoryDriver, InMemoryQueries
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.models import Job

from guestlist.engine.backoff import decide_back_off

BATCH = 1
MAX_CONCURRENT = 64  # the library wants at least twice the batch
POLL_SECONDS = 10.0  # without a notification; those make a wake-up start within milliseconds
STALE_SECONDS = 5.0  # a job picked by a process that died is given to another after this
CLEAN_SECONDS = 60.0  # the library keeps a log of every job; nobody reads ours
CALL_SECONDS = 5.0  # a wake-up that takes longer is given up: the sweep finds the lane

log = structlog.get_logger(__name__)

Ring = Callable[[str], Awaitable[None]]


class Link(Protocol):
    """Where the queue lives."""

    async def queries(self) -> Queries | InMemoryQueries:
        """The queue, connected. Errors: whatever the driver raises while the database is away."""
        ...

    def on_break(self, function: Callable[[], None]) -> None:
        """What to call when the connection breaks."""
        ...

    async def close(self) -> None: ...


class PgQueuerWakeups:
    """The queue library behind four calls (`engine.base.Wakeups`)."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._rings: dict[str, Ring] = {}
        self._stopping = asyncio.Event()
        self._shutdown = asyncio.Event()  # of the manager that runs now
        link.on_break(lambda: self._shutdown.set())

    @classmethod
    def in_memory(cls) -> PgQueuerWakeups:
        """For one process: the queue lives and dies with it."""
        return cls(_InMemoryLink())

    @classmethod
    def on_postgres(cls, url: str, *, schema: str = "guestlist_wakeups") -> PgQueuerWakeups:
        """For many processes: the queue lives in its own schema of the database, created when first needed.

        `url` must reach PostgreSQL itself or a session-mode pooler: LISTEN does not work through a transaction-mode one.
        """
        return cls(_PostgresLink(url, schema))

    async def wake(self, lane: str, delay: float = 0.0) -> None:
        """Asks that the lane be run, in some process, after `delay` seconds. Never raises: a lost wake-up costs one sweep."""
        key = lane if delay <= 0 else f"{lane} at {int(time.time() + delay)}"
        try:
            async with asyncio.timeout(CALL_SECONDS):
                queries = await self._link.queries()
                await queries.enqueue(
                    lane.partition(":")[0],
                    lane.encode(),
                    execute_after=timedelta(seconds=max(0.0, delay)),
                    dedupe_key=key,
                    on_conflict="skip",
                )
        except Exception as error:
            log.warning("wakeup.lost", lane=lane, error=type(error).__name__)

    def handler(self, kind: str, function: Ring) -> None:
        """Registers what runs when a lane of this kind is woken. It should start the work and return."""
        self._rings[kind] = function

    async def run(self) -> None:
        """Takes wake-ups until `stop`. Comes back by itself after the database was away."""
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                await self._take_wakeups()
            except Exception as error:
                log.warning("wakeups.away", error=type(error).__name__)
            if self._stopping.is_set():
                break
            failures = 0 if time.monotonic() - started > CLEAN_SECONDS else failures + 1
            await asyncio.sleep(decide_back_off(failures, random.random(), first=0.1, longest=5.0))

    async def stop(self) -> None:
        """Ends `run` and closes the connection."""
        self._stopping.set()
        self._shutdown.set()
        await self._link.close()

    async def _take_wakeups(self) -> None:
        """One manager, from connection to the break of it."""
        queries = await self._link.queries()
        manager = QueueManager(queries, channel=queries.qbe.settings.channel)
        manager.min_dequeue_poll_interval = timedelta(milliseconds=10)
        for kind, ring in self._rings.items():
            manager.entrypoint(kind, accepts_context=False)(_job_for(ring))
        self._shutdown = manager.shutdown
        if self._stopping.is_set():
            return
        cleaner = asyncio.create_task(self._clean_regularly(queries))
        try:
            await manager.run(
                batch_size=BATCH,
                max_concurrent_tasks=MAX_CONCURRENT,
                dequeue_timeout=timedelta(seconds=POLL_SECONDS),
                heartbeat_timeout=timedelta(seconds=STALE_SECONDS),
                log_aggregation_interval=timedelta(0),
            )
        finally:
            cleaner.cancel()
            await asyncio.wait({cleaner})

    async def _clean_regularly(self, queries: Queries | InMemoryQueries) -> None:
        while True:
            await asyncio.sleep(CLEAN_SECONDS)
            await queries.clear_queue_log(list(self._rings))


def _job_for(ring: Ring) -> Callable[[Job], Awaitable[None]]:
    async def job(job: Job) -> None:
        await ring((job.payload or b"").decode())

    return job


def _settings(schema: str | None) -> DBSettings:
    """Every name spelled out: left open, the library would take them from environment variables as general as `CHANNEL`."""
    names = {
        "prefix": "",
        "function": "fn_wakeups_changed",
        "statistics_table": "wakeups_statistics",
        "queue_status_type": "wakeups_status",
        "queue_table": "wakeups",
        "queue_table_log": "wakeups_log",
        "trigger": "tg_wakeups_changed",
        "schedules_table": "wakeups_schedules",
    }
    channel = Channel(f"{schema or 'guestlist'}_wakeups")
    return DBSettings(db_schema=schema, channel=channel, durability=Durability.volatile, widen_id=True, **names)


def _builders(settings: DBSettings) -> tuple[QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder]:
    return QueryBuilderEnvironment(settings), QueryQueueBuilder(settings), QuerySchedulerBuilder(settings)


class _InMemoryLink:
    """A queue in this process's memory."""

    def __init__(self) -> None:
        self._queries = InMemoryQueries(InMemoryDriver(), *_builders(_settings(None)))

    async def queries(self) -> InMemoryQueries:
        return self._queries

    def on_break(self, function: Callable[[], None]) -> None:
        """Memory does not break."""

    async def close(self) -> None:
        await self._queries.clear_queue()


class _PostgresLink:
    """One connection of our own to PostgreSQL, for LISTEN and for the queue's statements; made anew after a break."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._settings = _settings(schema)
        self._queries: Queries | None = None
        self._connection: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()
        self._broken: Callable[[], None] = lambda: None

    def on_break(self, function: Callable[[], None]) -> None:
        self._broken = function

    async def queries(self) -> Queries:
        async with self._connecting:
            if self._queries is None or self._connection is None or self._connection.is_closed():
                await self.close()
                self._connection = await asyncpg.connect(self._url, timeout=CALL_SECONDS, command_timeout=CALL_SECONDS)
                self._connection.add_termination_listener(self._on_termination)
                queries = Queries(AsyncpgDriver(self._connection), *_builders(self._settings))
                await self._install(queries)
                self._queries = queries
            return self._queries

    async def close(self) -> None:
        connection, self._connection, self._queries = self._connection, None, None
        if connection and not connection.is_closed():
            await connection.close(timeout=CALL_SECONDS)

    def _on_termination(self, connection: object) -> None:
        if connection is self._connection:
            self._broken()

    async def _install(self, queries: Queries) -> None:
        """Creates or upgrades the queue's tables; one process at a time, as all workers may start at once."""
        key = f"guestlist.wakeups.{self._settings.db_schema}"
        await queries.driver.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", key)
        try:
            if await queries.schema_is_installed():
                await queries.upgrade()
            else:
                await queries.install()
        finally:
            await queries.driver.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key)
