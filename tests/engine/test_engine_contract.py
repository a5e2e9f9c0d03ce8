"""The engine's contract on its real queues: in memory, and on PostgreSQL when GUESTLIST_TEST_POSTGRES names a server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from support.databases import DIALECTS, empty_url, postgres_only
from support.hand_overs import Row, Rows
from support.leases import MemoryLeases
from support.virtual_time import until

from guestlist.engine.base import Engine, Ownership, Wakeups
from guestlist.engine.bucket import TokenBucket
from guestlist.engine.lanes import Lanes, Timing
from guestlist.engine.pump import pump
from guestlist.engine.wakeups import PgQueuerWakeups

QUICK = Timing(lease=1.0, beat=0.2, sweep=0.2, grace=5.0, first_back_off=0.05, longest_back_off=0.2)


@pytest_asyncio.fixture(params=["memory" if dialect == "sqlite" else dialect for dialect in DIALECTS])
async def new_wakeups(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Wakeups]]:
    """Makes the wake-ups of one more process on the same queue. In memory every process has its own."""
    if request.param == "memory":
        yield PgQueuerWakeups.in_memory
        return
    async with empty_url(request.param, tmp_path) as url:
        yield lambda: PgQueuerWakeups.on_postgres(url)


@pytest_asyncio.fixture
async def postgres_url(tmp_path: Path) -> AsyncIterator[str]:
    async with empty_url("postgresql", tmp_path) as url:
        yield url


@asynccontextmanager
async def running(*parts: Engine | Wakeups) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        await asyncio.gather(*(part.stop() for part in parts))
        await asyncio.gather(*tasks)


def note(into: list[str]) -> Callable[[str], Awaitable[None]]:
    async def ring(lane: str) -> None:
        into.append(lane)

    return ring


# --- the four calls ---------------------------------------------------------------------------------------------------


async def test_a_wake_up_rings_with_the_lane_of_its_kind(new_wakeups: Callable[[], Wakeups]) -> None:
    wakeups, pages, uploads = new_wakeups(), list[str](), list[str]()
    wakeups.handler("page", note(pages))
    wakeups.handler("upload", note(uploads))
    async with running(wakeups):
        await wakeups.wake("page:1")
        await wakeups.wake("upload:é:2")
        await until(lambda: pages and uploads)
    assert (pages, uploads) == (["page:1"], ["upload:é:2"])


async def test_a_lane_can_be_woken_again_and_again(new_wakeups: Callable[[], Wakeups]) -> None:
    wakeups, rung = new_wakeups(), list[str]()
    wakeups.handler("page", note(rung))
    async with running(wakeups):
        for times in range(1, 20):
            await wakeups.wake("page:1")
            await until(lambda times=times: len(rung) >= times)
            await asyncio.sleep(0.02)  # the library writes the last job off


async def test_wake_ups_made_before_the_queue_runs_are_kept_once(new_wakeups: Callable[[], Wakeups]) -> None:
    wakeups, rung = new_wakeups(), list[str]()
    wakeups.handler("page", note(rung))
    for _ in range(5):
        await wakeups.wake("page:1")
    async with running(wakeups):
        await until(lambda: rung)
        await asyncio.sleep(0.2)
    assert rung == ["page:1"]


async def test_a_delayed_wake_up_comes_later_and_blocks_no_earlier_one(new_wakeups: Callable[[], Wakeups]) -> None:
    wakeups, rung = new_wakeups(), list[str]()
    wakeups.handler("page", note(rung))
    async with running(wakeups):
        await wakeups.wake("page:1", 3600)
        await wakeups.wake("page:2", 0.3)
        await wakeups.wake("page:1")
        await until(lambda: len(rung) == 2)
        await asyncio.sleep(0.1)
    assert rung == ["page:1", "page:2"]


async def test_the_queue_stops_while_nothing_happens(new_wakeups: Callable[[], Wakeups]) -> None:
    wakeups = new_wakeups()
    wakeups.handler("page", note([]))
    async with asyncio.timeout(5):
        async with running(wakeups):
            await asyncio.sleep(0.05)


# --- the engine on it -------------------------------------------------------------------------------------------------


async def test_many_lanes_in_two_processes_hand_over_every_row_once(new_wakeups: Callable[[], Wakeups]) -> None:
    # Given 20 lanes of 50 rows each and two processes that share the rows and the leases
    leases = MemoryLeases()
    lanes = {f"page:{n}": Rows(50, latency=0.002) for n in range(20)}

    async def hand_over(ownership: Ownership) -> float | None:
        await pump(lanes[ownership.lease.lane], TokenBucket(0), ownership)
        return None

    async def due() -> list[str]:
        return [lane for lane, rows in lanes.items() if rows.counts()[Row.QUEUED]]

    engines = [Lanes(leases, new_wakeups(), owner=owner, timing=QUICK) for owner in ("one", "two")]
    for engine in engines:
        engine.lane("page", hand_over)
        engine.sweep(due)
    # When every lane is woken by both
    async with running(*engines):
        await asyncio.gather(*(engine.wake(lane) for engine in engines for lane in lanes))
        await until(lambda: all(rows.counts()[Row.SENT] == 50 for rows in lanes.values()))
    # Then
    assert all(sorted(rows.called()) == list(range(50)) for rows in lanes.values())


async def test_in_one_process_rows_that_arrive_while_the_lane_runs_are_not_left_to_the_sweep() -> None:
    rows = Rows(0, latency=0.001)
    engine = Lanes(MemoryLeases(), PgQueuerWakeups.in_memory(), owner="me", timing=Timing(sweep=3600))

    async def hand_over(ownership: Ownership) -> float | None:
        await pump(rows, TokenBucket(0), ownership)
        return None

    engine.lane("page", hand_over)
    async with running(engine):
        for row in range(30):
            rows.states[row] = Row.QUEUED
            await engine.wake("page:1")
            await asyncio.sleep(0.011 * (row % 3))
        await until(lambda: rows.counts() == {Row.SENT: 30}, within=5)


async def test_shutdown_in_the_middle_of_a_hand_over_leaves_nothing_in_doubt(new_wakeups: Callable[[], Wakeups]) -> None:
    rows, leases = Rows(1_000, latency=0.05), MemoryLeases()
    engine = Lanes(leases, new_wakeups(), owner="me", timing=QUICK)

    async def hand_over(ownership: Ownership) -> float | None:
        await pump(rows, TokenBucket(200), ownership)
        return None

    engine.lane("page", hand_over)
    async with running(engine):
        await engine.wake("page:1")
        await until(lambda: rows.calls)
    assert rows.counts()[Row.SENDING] == 0
    assert rows.counts()[Row.SENT] == len(rows.calls)
    assert await leases.acquire("page:1", "another", 1)


# --- PostgreSQL going away --------------------------------------------------------------------------------------------


async def disconnect_all(url: str) -> None:
    """What a restart of the server does to its clients."""
    connection = await asyncpg.connect(url)
    try:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        await connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    finally:
        await connection.close()


@postgres_only
async def test_wake_ups_go_on_after_the_server_dropped_every_connection(postgres_url: str) -> None:
    wakeups, rung = PgQueuerWakeups.on_postgres(postgres_url), list[str]()
    wakeups.handler("page", note(rung))
    async with running(wakeups):
        await wakeups.wake("page:1")
        await until(lambda: rung)
        await disconnect_all(postgres_url)
        await asyncio.sleep(0.5)
        await wakeups.wake("page:2")
        await until(lambda: "page:2" in rung, within=10)


@postgres_only
async def test_many_processes_may_create_the_queue_at_once(postgres_url: str) -> None:
    workers, rung = [PgQueuerWakeups.on_postgres(postgres_url) for _ in range(6)], list[str]()
    for worker in workers:
        worker.handler("page", note(rung))
    async with running(*workers):
        await workers[0].wake("page:1")
        await until(lambda: rung)
    assert rung == ["page:1"]


@postgres_only
async def test_the_queue_keeps_to_its_own_schema(postgres_url: str) -> None:
    wakeups = PgQueuerWakeups.on_postgres(postgres_url)
    await wakeups.wake("page:1")
    await wakeups.stop()
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = await connection.fetch("SELECT schemaname FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'")
        assert {row["schemaname"] for row in tables} == {"guestlist_wakeups"}
    finally:
        await connection.close()


async def test_a_wake_up_without_a_database_is_lost_without_a_sound() -> None:
    wakeups = PgQueuerWakeups.on_postgres(f"postgresql://nobody@127.0.0.1:1/{secrets.token_hex(4)}")
    await wakeups.wake("page:1")
    await wakeups.stop()


async def test_an_engine_whose_queue_is_unreachable_lives_on_its_sweep() -> None:
    ran = list[str]()
    engine = Lanes(MemoryLeases(), PgQueuerWakeups.on_postgres("postgresql://nobody@127.0.0.1:1/x"), owner="me", timing=QUICK)

    async def handle(ownership: Ownership) -> float | None:
        ran.append(ownership.lease.lane)
        return None

    async def due() -> list[str]:
        return ["page:1"]

    engine.lane("page", handle)
    engine.sweep(due)
    async with running(engine):
        await until(lambda: len(ran) > 2)
