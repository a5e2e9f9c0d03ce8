"""The contract of the engine: lanes are owned, rows are the truth, a job is a wake-up.

Engine time is the system's: leases, heartbeats and back-off never follow the business clock, which may run fast in `demo`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from guestlist.domain.lanes import Lease as Lease

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class LeaseStore(Protocol):
    """Where leases live. Implemented by storage, wired by app.py."""

    async def acquire(self, lane: str, owner: str, seconds: float) -> Lease | None:
        """The lease, with a fence higher than any before, or None while another owner's has not run out."""
        ...

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """False when the lease is no longer ours."""
        ...

    async def release(self, lease: Lease) -> None: ...


class Ownership(Protocol):
    """What a lane's handler sees while it runs."""

    lease: Lease

    def lost(self) -> bool:
        """True from the moment the heartbeat failed: stop claiming, write nothing more than `where fence = mine` allows."""
        ...


LaneHandler = Callable[[Ownership], Awaitable[float | None]]
"""Works until no row of the lane is due. Returns the seconds until the next row is due, or None when nothing waits."""


class Wakeups(Protocol):
    """The queue library behind four calls. A wake-up may be lost or doubled without harm."""

    async def wake(self, lane: str, delay: float = 0.0) -> None:
        """Asks that the lane be run, in some process, after `delay` seconds."""
        ...

    def handler(self, kind: str, function: Callable[[str], Awaitable[None]]) -> None:
        """Registers what runs when a lane of this kind is woken; it gets the lane's name."""
        ...

    async def run(self) -> None: ...

    async def stop(self) -> None: ...


class Engine(Protocol):
    """Runs lanes in this process, together with any number of other processes."""

    def lane(self, kind: str, handler: LaneHandler) -> None:
        """Registers the handler of a kind of lane."""
        ...

    def sweep(self, due: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Registers a function that derives the lanes with due rows from the rows themselves. Run every second."""
        ...

    async def wake(self, lane: str, delay: float = 0.0) -> None: ...

    async def run(self) -> None:
        """Runs until `stop`. Survives a restart of the database."""
        ...

    async def stop(self) -> None:
        """Lets running hand-overs finish and their results be written (bounded), then releases the lanes."""
        ...

    def idle(self) -> bool:
        """True when no lane runs in this process."""
        ...


class HandOver(Protocol, Generic[Item, Outcome]):
    """How the rows of a lane are handed to a provider. The pump drives it; actions implement it."""

    async def claim(self, limit: int) -> Sequence[Item]:
        """Marks up to `limit` due rows as being sent under our fence and returns them. Durable before it returns."""
        ...

    async def recheck(self, rows: Sequence[Item]) -> Sequence[Item]:
        """Just before the calls: those of the rows that may still go. It closes or puts back the others."""
        ...

    async def call(self, row: Item) -> Outcome:
        """The provider call. Never raises: a failure is an outcome."""
        ...

    async def record(self, outcomes: Sequence[Outcome]) -> None:
        """Writes the outcomes, fenced, in bulk."""
        ...

    async def release(self, rows: Sequence[Item]) -> None:
        """Puts back claimed rows that provably never left, fenced. Rows that `recheck` closed meanwhile stay closed."""
        ...


class Bucket(Protocol):
    """A token bucket held by the lane's owner. Rates are calls a second."""

    @property
    def rate(self) -> float:
        """The rate just now; 0 = no cap."""
        ...

    def try_take(self, n: int) -> float:
        """Takes `n` permits and gives 0.0, or takes none and gives the seconds to wait before asking again.

        `try_take(0)` takes nothing: it gives the seconds a pause still lasts.
        """
        ...

    async def take(self, n: int) -> None:
        """Waits until `n` calls may go."""
        ...

    def slow_down(self) -> None:
        """Halves the rate; it recovers 5 % of its full value a second."""
        ...

    def pause(self, seconds: float) -> None:
        """Nothing goes for so long."""
        ...


class Pump(Protocol):
    """Claims, rechecks, calls and records until `claim` gives nothing and all outcomes are written."""

    def __call__(
        self, work: HandOver[Any, Any], bucket: Bucket, ownership: Ownership, /, *, in_flight: int = ...
    ) -> Awaitable[None]:
        """`in_flight` calls at once, at most."""
        ...
