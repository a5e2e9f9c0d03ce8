"""The emulator's clock, which can run fast or jump, and the scheduler that follows it."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime

SLICE = 200  # actions run before other work gets a turn
LONGEST_NAP = 600.0  # seconds; guards against overflow at tiny speeds


class Clock:
    """Emulated time: unix seconds (UTC) that advance `speed` times as fast as real ones."""

    def __init__(self, *, speed: float = 1.0, start: datetime | None = None) -> None:
        self._speed = speed
        self._origin = start.timestamp() if start is not None else time.time()
        self._real = time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        """Unix seconds."""
        return self._origin + (time.monotonic() - self._real) * self._speed

    def iso(self, unix: float | None = None) -> str:
        """A moment, else now, in ISO 8601, UTC."""
        return datetime.fromtimestamp(self.now() if unix is None else unix, UTC).isoformat()

    def set_speed(self, speed: float) -> None:
        self._rebase(self.now())
        self._speed = speed

    def jump_to(self, unix: float) -> None:
        self._rebase(unix)

    def _rebase(self, unix: float) -> None:
        self._origin, self._real = unix, time.monotonic()


class Scheduler:
    """Runs actions when the emulated time comes. Each action is called with the moment it was due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = 0
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, when: float, action: Callable[[float], None]) -> None:
        """Runs `action` at the emulated moment `when`; actions due together run in the order they were given."""
        self._order += 1
        entry = (when, self._order, action)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._woken.set()

    def wake(self) -> None:
        """Looks again at once: the clock has jumped or changed speed."""
        self._woken.set()

    def clear(self) -> None:
        self._heap.clear()

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await self._run_due()
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), self._nap())
            except TimeoutError:
                continue

    async def _run_due(self) -> None:
        done = 0
        while self._heap and self._heap[0][0] <= self._clock.now():
            when, _, action = heapq.heappop(self._heap)
            action(when)
            done += 1
            if done % SLICE == 0:
                await asyncio.sleep(0)

    def _nap(self) -> float | None:
        if not self._heap:
            return None
        if self._clock.speed <= 0:
            return LONGEST_NAP
        return min(LONGEST_NAP, max(0.0, (self._heap[0][0] - self._clock.now()) / self._clock.speed))
