"""The double of `engine.base.LeaseStore`: in memory, one for all the engines of a test, true to the contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from guestlist.engine.base import Lease
from guestlist.errors import DependencyError


@dataclass
class _Held:
    owner: str
    fence: int
    expires_at: float


class MemoryLeases:
    """Leases by lane. A fence only rises, also over release and expiry; `away` makes every call fail as a lost database does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self.away = False

    async def acquire(self, lane: str, owner: str, seconds: float) -> Lease | None:
        self._check_reachable()
        held = self._held.get(lane)
        if held and held.owner != owner and held.expires_at > self._clock():
            return None
        fence = held.fence + 1 if held else 1
        self._held[lane] = _Held(owner, fence, self._clock() + seconds)
        return Lease(lane, owner, fence)

    async def renew(self, lease: Lease, seconds: float) -> bool:
        self._check_reachable()
        held = self._held.get(lease.lane)
        if not held or (held.owner, held.fence) != (lease.owner, lease.fence):
            return False
        held.expires_at = self._clock() + seconds
        return True

    async def release(self, lease: Lease) -> None:
        self._check_reachable()
        held = self._held.get(lease.lane)
        if held and (held.owner, held.fence) == (lease.owner, lease.fence):
            held.expires_at = self._clock()

    def fence(self, lane: str) -> int:
        """The highest fence given out for the lane: a fenced write with a lower one changes nothing."""
        return self._held[lane].fence

    def _check_reachable(self) -> None:
        if self.away:
            raise DependencyError("The database is away.")
