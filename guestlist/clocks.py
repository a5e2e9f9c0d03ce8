"""Where the time comes from, and ids that grow with it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from guestlist.domain.identifiers import Clock, encode_id

ReadClock = Callable[[], Awaitable[tuple[float, float]]]
"""Asks a foreign clock: (Unix seconds now, how many of its seconds pass in one of ours)."""


class SystemClock:
    """The system's time. `serve` uses no other."""

    def now(self) -> datetime:
        """The current instant, UTC."""
        return datetime.now(UTC)


class FollowingClock:
    """Follows a foreign clock that may run fast or jump, such as the emulator's in `demo`: asked often, counted on in between."""

    def __init__(self, read: ReadClock, *, every: float = 0.1) -> None:
        self._read = read
        self._every = every
        self._base, self._speed, self._at = time.time(), 1.0, time.monotonic()

    def now(self) -> datetime:
        """The foreign clock's instant, UTC."""
        return datetime.fromtimestamp(self._base + (time.monotonic() - self._at) * self._speed, UTC)

    async def follow_once(self) -> None:
        """Asks the foreign clock. It never makes ours go backwards."""
        unix, speed = await self._read()
        earliest = self.now().timestamp() if speed == self._speed else 0.0
        self._base, self._speed, self._at = max(unix, earliest), speed, time.monotonic()

    async def follow(self) -> None:
        """Keeps asking until cancelled."""
        while True:
            await self.follow_once()
            await asyncio.sleep(self._every)


class TimedIds:
    """Ids from the clock and random tails, rising within the process even when the clock stands still."""

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._last = (0, 0)

    def new(self, prefix: str) -> str:
        """A fresh id that sorts after every earlier one of this process."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        if milliseconds > self._last[0]:
            self._last = (milliseconds, self._random_bits(79))
        else:
            self._last = (self._last[0], self._last[1] + 1)
        return encode_id(prefix, *self._last)

    def integer63(self) -> int:
        """A random positive 63-bit integer."""
        return self._random_bits(62) + 1
