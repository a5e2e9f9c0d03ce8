"""Lanes in simulated time: one owner, no lost ring, no zombie, and nothing a handler does ends the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
from support.leases import MemoryLeases
from support.virtual_time import VirtualLoop, now, until, virtual
from support.wakeups import DirectWakeups

from guestlist.engine.base import LaneHandler, Ownership
from guestlist.engine.lanes import Lanes, Timing
from guestlist.engine.ownership import Holding
from guestlist.errors import DependencyError

LANE = "page:1"


class Worker:
    """One process: an engine and a log of when its handler ran."""

    def __init__(self, leases: MemoryLeases, *, name: str = "me", copies: int = 1, timing: Timing | None = None) -> None:
        self.ran: list[float] = []
        self.due: list[str] = []
        self.pauses: list[float | None] = []
        self.takes = 0.0
        self.seen: list[Ownership] = []
        self.engine = Lanes(leases, DirectWakeups(copies), owner=name, timing=timing, clock=now)
        self.engine.lane("page", self.handle)
        self.engine.sweep(self.find_due)

    async def handle(self, ownership: Ownership) -> float | None:
        self.ran.append(now())
        self.seen.append(ownership)
        await asyncio.sleep(self.takes)
        return self.pauses.pop(0) if self.pauses else None

    async def find_due(self) -> Sequence[str]:
        return self.due


@asynccontextmanager
async def running(*engines: Lanes) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(engine.run()) for engine in engines]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        await asyncio.gather(*(engine.stop() for engine in engines))
        await asyncio.gather(*tasks)


def leases() -> MemoryLeases:
    return MemoryLeases(now)


@virtual
async def test_a_wake_up_runs_the_lane_at_once_and_gives_it_back() -> None:
    store = leases()
    me = Worker(store)
    async with running(me.engine):
        await me.engine.wake(LANE)
        await until(me.engine.idle)
        assert len(me.ran) == 1
        assert await store.acquire(LANE, "somebody else", 10)


@virtual
async def test_a_lost_wake_up_is_found_by_the_sweep_within_a_second() -> None:
    me = Worker(leases(), copies=0)
    async with running(me.engine):
        await asyncio.sleep(5)
        committed_at = now()
        me.due = [LANE]
        await me.engine.wake(LANE)
        await until(lambda: me.ran)
    assert me.ran[0] - committed_at <= 1.01


@virtual
async def test_a_doubled_wake_up_does_no_harm() -> None:
    me = Worker(leases(), copies=2)
    me.takes = 1.0
    async with running(me.engine):
        await me.engine.wake(LANE)
        await asyncio.sleep(10)
        assert len(me.ran) == 1


@virtual
async def test_a_ring_while_the_lane_runs_causes_one_more_pass() -> None:
    me = Worker(leases())
    me.takes = 1.0
    async with running(me.engine):
        await me.engine.wake(LANE)
        await asyncio.sleep(0.5)
        for _ in range(3):
            await me.engine.wake(LANE)
        await asyncio.sleep(10)
    assert len(me.ran) == 2
    assert len({each.lease.fence for each in me.seen}) == 1  # under the same lease


@virtual
async def test_a_sweep_that_finds_the_rows_in_hand_over_causes_no_further_pass() -> None:
    me = Worker(leases())
    me.takes = 4.5
    async with running(me.engine):
        me.due = [LANE]
        await until(lambda: me.ran)
        await asyncio.sleep(4)
        me.due = []
        await asyncio.sleep(10)
    assert len(me.ran) == 1


@virtual
async def test_the_lane_runs_again_when_its_next_row_is_due() -> None:
    me = Worker(leases())
    me.pauses = [3600.0, 0.0, None]
    async with running(me.engine):
        await me.engine.wake(LANE)
        await asyncio.sleep(4000)
    assert me.ran[1] - me.ran[0] == pytest.approx(3600)
    assert me.ran[2] - me.ran[1] == pytest.approx(0.05)  # due already: soon, but no spin
    assert len(me.ran) == 3


@virtual
async def test_a_lane_waiting_for_tomorrow_can_be_woken_now() -> None:
    me = Worker(leases())
    me.pauses = [86_400.0]
    async with running(me.engine):
        await me.engine.wake(LANE)
        await asyncio.sleep(60)
        await me.engine.wake(LANE)
        await asyncio.sleep(1)
    assert len(me.ran) == 2


@virtual
async def test_two_processes_never_run_one_lane_at_once() -> None:
    store = leases()
    one, two = Worker(store, name="one"), Worker(store, name="two")
    one.takes = two.takes = 30.0
    one.due = two.due = [LANE]
    async with running(one.engine, two.engine):
        await asyncio.sleep(100)
    moments = sorted(one.ran + two.ran)
    assert all(b - a >= 30 for a, b in zip(moments, moments[1:], strict=False))
    assert len(moments) >= 3


@virtual
async def test_a_killed_owner_is_replaced_within_its_lease_and_a_sweep() -> None:
    store = leases()
    await store.acquire(LANE, "killed", 10)
    died_at = now()
    me = Worker(store)
    me.due = [LANE]
    async with running(me.engine):
        await until(lambda: me.ran)
    assert 10 <= me.ran[0] - died_at <= 11.1
    assert me.seen[0].lease.fence == 2


@virtual
async def test_a_paused_owner_knows_it_is_a_zombie_before_it_does_anything() -> None:
    # Given an owner whose process is stopped for longer than its lease, while another takes over
    store = leases()
    me = Worker(store)
    me.takes = 1.0
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    async with running(me.engine):
        await me.engine.wake(LANE)
        await until(lambda: me.ran)
        mine = me.seen[0]
        assert not mine.lost()
        loop.stall(10.5)
        # Then it is lost at once, without asking anyone, and its fence is too low for any write
        assert mine.lost()
        taken = await store.acquire(LANE, "another", 10)
        assert taken
        assert store.fence(LANE) > mine.lease.fence
        await asyncio.sleep(2)
        assert await store.renew(taken, 10)  # the zombie did not release what is no longer its own


@virtual
async def test_an_owner_cut_off_from_the_database_gives_up_when_its_lease_runs_out() -> None:
    store = leases()
    me = Worker(store)
    me.takes = 60.0
    async with running(me.engine):
        await me.engine.wake(LANE)
        await until(lambda: me.ran)
        store.away = True
        await asyncio.sleep(9)
        assert not me.seen[0].lost()
        await asyncio.sleep(2)
        assert me.seen[0].lost()


@virtual
async def test_a_short_outage_of_the_database_costs_no_lane() -> None:
    store = leases()
    me = Worker(store)
    me.takes = 60.0
    async with running(me.engine):
        await me.engine.wake(LANE)
        await until(lambda: me.ran)
        store.away = True
        await asyncio.sleep(5)
        store.away = False
        await asyncio.sleep(40)
        assert not me.seen[0].lost()


@virtual
async def test_a_heartbeat_that_is_refused_ends_the_ownership() -> None:
    store = leases()
    lease = await store.acquire(LANE, "me", 10)
    assert lease
    holding = Holding(lease, held_since=now(), lease_seconds=10, clock=now)
    await store.release(lease)
    await store.acquire(LANE, "another", 10)
    await holding.keep(store, 3)
    assert holding.lost()


@virtual
async def test_a_handler_that_fails_rests_longer_each_time_and_never_ends_the_engine() -> None:
    me, failing = Worker(leases()), []

    async def fail(ownership: Ownership) -> float | None:
        failing.append(now())
        raise RuntimeError("someone@example.com +4915112345678")

    me.engine.lane("upload", fail)
    me.due = ["upload:7"]
    with structlog.testing.capture_logs() as lines:
        async with running(me.engine):
            await asyncio.sleep(300)
            await me.engine.wake(LANE)
            await until(lambda: me.ran)
    rests = [b - a for a, b in zip(failing, failing[1:], strict=False)]
    assert all(0.25 * 2**n <= rest <= min(30.2, 0.5 * 2**n + 0.2) for n, rest in enumerate(rests[:6]))
    assert all(15 <= rest <= 30.2 for rest in rests[7:])
    assert lines
    assert "example.com" not in str(lines)  # the log says what failed and where, never what the error quoted


@virtual
async def test_after_a_success_the_next_failure_rests_shortly_again() -> None:
    store, ran = leases(), []
    outcomes = [True, True, True, False, True, False]

    async def handle(ownership: Ownership) -> float | None:
        ran.append(now())
        if outcomes.pop(0):
            raise DependencyError
        return 5.0 if outcomes else None

    engine = engine_with(store, handle)
    async with running(engine):
        await engine.wake(LANE)
        await until(lambda: not outcomes)
    assert 0.25 <= ran[5] - ran[4] <= 0.51


def engine_with(store: MemoryLeases, handle: LaneHandler) -> Lanes:
    engine = Lanes(store, DirectWakeups(), owner="me", clock=now)
    engine.lane("page", handle)
    return engine


@virtual
async def test_the_database_away_at_the_start_only_delays() -> None:
    store = leases()
    store.away = True
    me = Worker(store)
    me.due = [LANE]
    async with running(me.engine):
        await asyncio.sleep(120)
        store.away = False
        await until(lambda: me.ran, within=32)


@virtual
async def test_a_sweep_that_fails_is_tried_again_and_stops_no_other() -> None:
    me = Worker(leases())

    async def broken() -> Sequence[str]:
        raise DependencyError

    me.engine._sweeps.insert(0, broken)
    me.due = [LANE]
    async with running(me.engine):
        await until(lambda: len(me.ran) > 2)


@virtual
async def test_lanes_of_a_kind_nobody_handles_are_left_to_others() -> None:
    me = Worker(leases())
    me.due = ["fax:1", "", LANE]
    async with running(me.engine):
        await until(lambda: me.ran)


@virtual
async def test_stopping_waits_for_hand_overs_releases_lanes_and_starts_nothing_more() -> None:
    store, finished = leases(), []

    async def handle(ownership: Ownership) -> float | None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(2)  # as the pump does: what is on the wire ends
            finished.append(now())
            raise
        return None

    engine = engine_with(store, handle)
    async with running(engine):
        await engine.wake(LANE)
        await asyncio.sleep(1)
        assert not engine.idle()
        await engine.stop()
        assert finished
        assert engine.idle()
        await engine.wake(LANE)
        assert engine.idle()
    assert await store.acquire(LANE, "another", 10)


@virtual
async def test_stopping_is_bounded_even_when_a_handler_hangs() -> None:
    async def handle(ownership: Ownership) -> float | None:
        while True:
            try:
                await asyncio.sleep(20)
                return None
            except asyncio.CancelledError:
                continue

    engine = engine_with(leases(), handle)
    async with running(engine):
        await engine.wake(LANE)
        await asyncio.sleep(1)
        started = now()
        await engine.stop()
        assert now() - started == pytest.approx(12)
    await asyncio.sleep(30)


@virtual
async def test_an_engine_stopped_before_it_ran_ends_at_once() -> None:
    engine = engine_with(leases(), Worker(leases()).handle)
    await engine.stop()
    await engine.run()


@virtual
async def test_a_kind_has_one_handler() -> None:
    me = Worker(leases())
    with pytest.raises(ValueError, match="have a handler already"):
        me.engine.lane("page", me.handle)
