"""The engine: wakes lanes, owns them one at a time across all processes, and runs their handlers.

    wake-up, timer or sweep ──► acquire the lease ──► handler, under a heartbeat ──► release ──► timer for the next due row

Whatever rings may ring twice or not at all: a lane that runs notes the ring and makes one more pass, and the sweep finds
every lane whose rows are due. Nothing a handler does ends the engine.
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from guestlist.engine.backoff import decide_back_off
from guestlist.engine.base import LaneHandler, LeaseStore, Wakeups
from guestlist.engine.ownership import Holding
from guestlist.errors import DependencyError, GuestlistError

Due = Callable[[], Awaitable[Sequence[str]]]

SHORTEST_PAUSE = 0.05
"""Before a lane whose handler says that rows are due already runs again: one that claims less than it finds must not spin."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How the engine keeps time. Units: seconds, of the system's monotonic clock."""

    lease: float = 10.0  # a dead owner is replaced after this, plus up to one sweep
    beat: float = 3.0
    sweep: float = 1.0
    grace: float = 12.0  # for hand-overs at shutdown; more than the pump takes for itself
    first_back_off: float = 0.5
    longest_back_off: float = 30.0


@dataclass(slots=True)
class _Lane:
    """What this process knows of a lane."""

    name: str
    handler: LaneHandler
    running: asyncio.Task[None] | None = None
    holding: Holding | None = None
    rung: bool = False  # woken while it ran
    failures: int = 0
    rests_until: float = 0.0  # backing off: rings before this do nothing
    timer: asyncio.TimerHandle | None = None


class Lanes:
    """Runs lanes in this process, together with any number of other processes (`engine.base.Engine`)."""

    def __init__(
        self,
        leases: LeaseStore,
        wakeups: Wakeups,
        *,
        owner: str,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._wakeups = wakeups
        self._owner = owner
        self._timing = timing or Timing()
        self._clock = clock
        self._handlers: dict[str, LaneHandler] = {}
        self._sweeps: list[Due] = []
        self._lanes: dict[str, _Lane] = {}
        self._stop_asked = asyncio.Event()
        self._stopped = asyncio.Event()
        self._is_running = False

    def lane(self, kind: str, handler: LaneHandler) -> None:
        """Registers the handler of a kind of lane. Call it before `run`."""
        if kind in self._handlers:
            raise ValueError(f"lanes of kind {kind!r} have a handler already")
        self._handlers[kind] = handler
        self._wakeups.handler(kind, self._ring)

    def sweep(self, due: Due) -> None:
        """Registers a function that derives the lanes with due rows from the rows themselves."""
        self._sweeps.append(due)

    async def wake(self, lane: str, delay: float = 0.0) -> None:
        """Asks that the lane be run, here or in another process. A ring for a lane that runs here is noted at once."""
        known = self._lanes.get(lane)
        if delay <= 0 and known and known.running:
            known.rung = True
            if known.holding:
                return
        await self._wakeups.wake(lane, delay)

    def idle(self) -> bool:
        """True when no lane runs in this process."""
        return not any(lane.running for lane in self._lanes.values())

    async def run(self) -> None:
        """Runs until `stop` or cancellation. Survives a restart of the database."""
        self._is_running = True
        helpers = [asyncio.create_task(self._wakeups.run()), asyncio.create_task(self._sweep_regularly())]
        try:
            await self._stop_asked.wait()
        finally:
            self._stop_asked.set()
            try:
                await self._end_lanes()
                await self._wakeups.stop()
            finally:
                for task in helpers:
                    task.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
                self._stopped.set()

    async def stop(self) -> None:
        """Lets running hand-overs finish and their results be written (bounded), then releases the lanes."""
        self._stop_asked.set()
        if self._is_running:
            await self._stopped.wait()
        else:
            await self._wakeups.stop()  # a process that only rang has a connection to close

    # --- what starts a lane -----------------------------------------------------------------------------------------

    async def _ring(self, lane: str) -> None:
        self._start(lane)

    async def _sweep_regularly(self) -> None:
        while True:
            for due in self._sweeps:
                try:
                    for lane in await due():
                        # Started here, not by way of the queue: the queue may be what is broken, and the lease decides anyway.
                        self._start(lane, rung=False)
                except Exception as error:
                    log.warning("sweep.failed", **_describe(error))
            await asyncio.sleep(self._timing.sweep * random.uniform(0.8, 1.0))

    def _start(self, name: str, *, rung: bool = True) -> None:
        """Starts the lane unless it runs, rests or the engine is stopping. A sweep finds rows in hand-over too: no ring."""
        handler = self._handlers.get(name.partition(":")[0])
        if handler is None:
            log.warning("lane.unknown", lane=name)
            return
        lane = self._lanes.setdefault(name, _Lane(name, handler))
        if lane.running:
            lane.rung = lane.rung or rung
        elif not self._stop_asked.is_set() and self._clock() >= lane.rests_until:
            self._clear_timer(lane)
            lane.running = asyncio.create_task(self._run_lane(lane))

    def _start_later(self, lane: _Lane, seconds: float) -> None:
        """Sets the lane's one timer. Only a convenience: should this process die, a sweep finds the row when it is due."""
        self._clear_timer(lane)
        lane.timer = asyncio.get_running_loop().call_later(seconds, self._timer_rang, lane)

    def _timer_rang(self, lane: _Lane) -> None:
        lane.rests_until = 0.0
        self._start(lane.name)

    @staticmethod
    def _clear_timer(lane: _Lane) -> None:
        if lane.timer:
            lane.timer.cancel()
            lane.timer = None

    # --- one lane ---------------------------------------------------------------------------------------------------

    async def _run_lane(self, lane: _Lane) -> None:
        """Owns and runs the lane once, then decides when it runs again. Nothing but cancellation leaves this function."""
        lane.rung = False
        try:
            pause = await self._own_and_handle(lane)
        except Exception as error:
            lane.failures += 1
            limits = self._timing
            pause = decide_back_off(lane.failures, random.random(), first=limits.first_back_off, longest=limits.longest_back_off)
            lane.rests_until = self._clock() + pause
            log.error("lane.failed", lane=lane.name, failures=lane.failures, rest_seconds=round(pause, 3), **_describe(error))
        else:
            lane.failures = 0
        finally:
            lane.running = None
        if self._stop_asked.is_set():
            return
        if lane.rung and not lane.failures:
            self._start(lane.name)
        elif pause is not None:
            self._start_later(lane, max(pause, SHORTEST_PAUSE))
        else:
            del self._lanes[lane.name]

    async def _own_and_handle(self, lane: _Lane) -> float | None:
        """Acquires the lane, runs its handler until no row is due, releases it. None at once while another process owns it."""
        asked_at = self._clock()
        lease = await self._leases.acquire(lane.name, self._owner, self._timing.lease)
        if lease is None:
            return None
        holding = Holding(lease, held_since=asked_at, lease_seconds=self._timing.lease, clock=self._clock)
        heart = asyncio.create_task(holding.keep(self._leases, self._timing.beat))
        lane.holding = holding
        try:
            return await self._passes(lane, holding)
        finally:
            lane.holding = None
            heart.cancel()
            await asyncio.wait({heart})
            if not holding.lost():
                await self._release(holding)

    async def _passes(self, lane: _Lane, holding: Holding) -> float | None:
        """One pass, and one more for every ring that came meanwhile."""
        while True:
            lane.rung = False
            pause = await lane.handler(holding)
            if not lane.rung or holding.lost() or self._stop_asked.is_set():
                return SHORTEST_PAUSE if holding.lost() else pause

    async def _release(self, holding: Holding) -> None:
        try:
            await self._leases.release(holding.lease)
        except DependencyError as error:
            log.warning("lane.not_released", lane=holding.lease.lane, code=error.code)  # it runs out by itself

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _end_lanes(self) -> None:
        """Cancels the handlers, which the pump takes as "finish what is on the wire", and waits for them, bounded."""
        for lane in self._lanes.values():
            self._clear_timer(lane)
        running = {lane.running for lane in self._lanes.values() if lane.running}
        for task in running:
            task.cancel()
        if running:
            _, late = await asyncio.wait(running, timeout=self._timing.grace)
            if late:
                log.error("engine.stopped_late", lanes=len(late))


def _describe(error: Exception) -> dict[str, object]:
    """What a log line may say of an error: its type, our code and the place. Messages may quote personal data, so never those."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    code = error.code if isinstance(error, GuestlistError) else ""
    return {"error": type(error).__name__, "code": code, "at": place}
