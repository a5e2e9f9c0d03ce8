"""What it means to own a lane: a lease that a heartbeat renews, and a clock that says when it can no longer be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from guestlist.engine.base import Lease, LeaseStore

log = structlog.get_logger(__name__)


class Holding:
    """A lane held by this process (`engine.base.Ownership`).

    It does not wait to be told that it is lost: a process that was paused or cut off from the database may have been
    replaced already, so it counts the lease itself, from *before* the call that last renewed it. Units: monotonic seconds.
    """

    def __init__(self, lease: Lease, *, held_since: float, lease_seconds: float, clock: Callable[[], float]) -> None:
        self.lease = lease
        self._renewed_at = held_since
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._gone = False

    def lost(self) -> bool:
        """True from the moment the heartbeat was refused or came too late; never False again."""
        if not self._gone and self._clock() - self._renewed_at >= self._lease_seconds:
            self._gone = True
            log.warning("lane.lost", lane=self.lease.lane, why="heartbeat late")
        return self._gone

    async def keep(self, leases: LeaseStore, beat_seconds: float) -> None:
        """Renews the lease every `beat_seconds` until it is lost. While the database is away it goes on trying."""
        while not self.lost():
            await asyncio.sleep(beat_seconds)
            asked_at = self._clock()
            try:
                renewed = await leases.renew(self.lease, self._lease_seconds)
            except Exception as error:  # whatever it was, the lease was not renewed
                log.warning("lane.beat_missed", lane=self.lease.lane, error=type(error).__name__)
                continue
            if not renewed:
                self._gone = True
                log.warning("lane.lost", lane=self.lease.lane, why="another owner")
            elif not self.lost():
                self._renewed_at = asked_at
