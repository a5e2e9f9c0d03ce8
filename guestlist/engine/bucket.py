"""The rate of a lane, kept in the memory of its only owner.

Why the numbers are what they are. Meta counts calls in a rolling second *where they arrive*. In a bucket of capacity `c`
filled at `r` a second, at most `c + r` permits go out in any second. Between permit and arrival stand a recheck, two event
loops and a network; when their delay varies by `j` seconds, a second at the receiver holds up to `c + r * (1 + j)` calls.
With `r = 0.95 * cap` and `c = r / 50` that stays within the cap while `j` is at most 32 ms; with `c = r / 20`, the largest
burst the design allows, only 2.6 ms would be left. A small bucket costs nothing in a steady flow: it merely forgets
permits when this process stalls for longer than 20 ms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

SHARE_OF_CAP = 0.95
"""Of the provider's limit: what we aim for."""

BURST_SECONDS = 0.02
"""The capacity, in seconds of the full rate. Never above 1/20: then any one second stays within 1.05 x the rate."""

RECOVERY_A_SECOND = 0.05
"""Share of the full rate won back each second after `slow_down`; also the least it falls to."""

SAME_THROTTLE_SECONDS = 1.0
"""Throttles reported within this time are one event: the calls in flight all report it, and must not halve again."""


class TokenBucket:
    """A token bucket (`engine.base.Bucket`). It starts empty, so that a takeover never adds to what the last owner sent.

    Units: `rate` is calls a second, 0 = no cap. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst_seconds: float = BURST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if not rate >= 0:
            raise ValueError("a rate is zero (no cap) or more calls a second")
        self._full = float(rate)
        self._capacity = max(1.0, rate * burst_seconds)
        self._clock = clock
        self._sleep = sleep
        self._rate = self._full
        self._tokens = 0.0
        self._filled_at = clock()
        self._slowed_at = -SAME_THROTTLE_SECONDS
        self._paused_until = 0.0

    @classmethod
    def under_cap(cls, cap: float, *, share: float = SHARE_OF_CAP, clock: Callable[[], float] = time.monotonic) -> TokenBucket:
        """The bucket for a provider's limit of `cap` calls in any second; 0 = no cap."""
        return cls(cap * share, clock=clock)

    @property
    def rate(self) -> float:
        """Calls a second just now; 0 = no cap."""
        self._fill(self._clock())
        return self._rate

    def try_take(self, n: int) -> float:
        """Takes `n` permits and gives 0.0, or takes none and gives the seconds to wait. `n` may exceed the capacity."""
        if not self._full and not self._paused_until:
            return 0.0
        now = self._clock()
        if now < self._paused_until:
            return self._paused_until - now
        self._paused_until = 0.0
        if not self._full or n == 0:
            return 0.0
        self._fill(now, room_for=n)
        missing = n - self._tokens
        if missing > 1e-9:  # rounding must not cost a sleep of a nanosecond
            return missing / self._rate
        self._tokens -= n
        return 0.0

    async def take(self, n: int) -> None:
        """Waits until `n` calls may go."""
        while wait := self.try_take(n):
            await self._sleep(wait)

    def slow_down(self) -> None:
        """Halves the rate; it recovers 5 % of its full value a second. Without a cap there is no rate to halve: it pauses 1 s."""
        now = self._clock()
        if not self._full:
            self.pause(SAME_THROTTLE_SECONDS)
            return
        self._fill(now)
        if now - self._slowed_at < SAME_THROTTLE_SECONDS:
            return
        self._slowed_at = now
        self._rate = max(self._rate / 2, self._full * RECOVERY_A_SECOND)
        self._tokens = 0.0

    def pause(self, seconds: float) -> None:
        """Nothing goes for so long, and nothing is saved up meanwhile. A shorter pause never ends a longer one."""
        now = self._clock()
        self._fill(now)
        until = max(self._paused_until, now + max(0.0, seconds))
        self._paused_until = until
        self._tokens = 0.0
        self._filled_at = until

    def _fill(self, now: float, room_for: int = 0) -> None:
        """Adds what came in since the last time, at the rate as it recovered meanwhile."""
        passed = now - self._filled_at
        if passed <= 0 or not self._full:
            return
        before = self._rate
        self._rate = min(self._full, before + self._full * RECOVERY_A_SECOND * passed)
        room = max(self._capacity, float(room_for))
        self._tokens = min(room, self._tokens + passed * (before + self._rate) / 2)
        self._filled_at = now
