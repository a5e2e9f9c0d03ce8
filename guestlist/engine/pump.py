"""The pump: hands the rows of one lane to a provider, at its rate, without ever losing what came of a call.

    claim ──► waiting ──► permits ──► recheck ──► call (many at once) ──► outcomes ──► record, in bulk

Claims run ahead of the calls and calls overlap, so latency costs no rate; yet no more than about a second of the rate waits
claimed, because every row claimed and not answered is in doubt should this process die.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

import structlog

from guestlist.engine.backoff import decide_back_off
from guestlist.engine.base import Bucket, HandOver, Item, Outcome, Ownership
from guestlist.errors import DependencyError

UNCAPPED_WINDOW = 1000
"""Rows claimed ahead where no rate says how many a second's worth is."""

LARGEST_GROUP = 128
GROUP_SECONDS = 0.01
"""A group is the rows that share one wait for permits and one recheck, and leave as one burst: so much of the rate, or 128,
half of what may be in flight: while one half is rechecked, durably, the other is on the wire."""

QUIET_SECONDS = 0.025
QUIET_CALLS = 6
"""A capped pump whose calls go unanswered for this long, and for the time of this many calls, holds its fire until the next
answer: the other side has stalled, and all it is sent meanwhile would arrive there in one moment and break the cap."""

MOST_HELD = 0.05
"""Share of a run that holding fire may cost, so that a provider which answers in bursts is not starved."""

LOOK_UP_SECONDS = 0.1
"""How long the pump ever waits for permits without looking whether it still owns the lane."""

log = structlog.get_logger(__name__)


async def pump(
    work: HandOver[Item, Outcome],
    bucket: Bucket,
    ownership: Ownership,
    *,
    in_flight: int = 256,
    claim_seconds: float = 1.0,
    flush_seconds: float = 0.05,
    grace_seconds: float = 10.0,
) -> None:
    """Claims, rechecks, calls and records until `claim` gives nothing and every outcome is written.

    When the lane is lost it starts no further call and still records, fenced, what came of those that left. When cancelled
    (shutdown) it does the same within `grace_seconds`, gives back the rows that never left, and raises CancelledError.
    While the database is away outcomes stay in memory and the write is repeated.

    Units: seconds; `in_flight` calls at once; at most `claim_seconds` of the rate is claimed ahead of the calls.
    Errors: what `claim`, `recheck` or (against its contract) `call` or `record` raised, once all that can be saved is.
    """
    run = _Run(work, bucket, ownership, in_flight, claim_seconds, flush_seconds, grace_seconds)
    await run.to_the_end()


@dataclass(slots=True, eq=False)
class _Run(Generic[Item, Outcome]):
    """One run of the pump. Rows are in exactly one place: `waiting`, a task of `calls`, `outcomes`, or recorded."""

    work: HandOver[Item, Outcome]
    bucket: Bucket
    ownership: Ownership
    in_flight: int
    claim_seconds: float
    flush_seconds: float
    grace_seconds: float
    waiting: deque[Item] = field(default_factory=deque)
    calls: set[asyncio.Task[None]] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    claiming: asyncio.Task[None] | None = None
    exhausted: bool = False
    failure: BaseException | None = None
    now: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)
    started_at: float = 0.0
    answered_at: float | None = None
    held_seconds: float = 0.0
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def to_the_end(self) -> None:
        self.started_at = self.now()
        flusher = asyncio.create_task(self._flush_regularly())
        try:
            try:
                await self._hand_over()
            except Exception as error:
                self.failure = self.failure or error
            await self._settle(flusher)
        except asyncio.CancelledError:
            await self._settle_in_time(flusher)
            raise
        if self.failure:
            raise self.failure

    # --- claim, permit, recheck, call -------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Starts calls until nothing is left to claim or the run must stop."""
        while not self._stopped():
            if await self._wait_out_a_pause():
                continue
            self._claim_ahead()
            if not self.waiting:
                if self.claiming is None:
                    return
                await asyncio.wait({self.claiming})
                continue
            n = await self._permits()
            if n:
                await self._start_calls(n)

    def _stopped(self) -> bool:
        return self.failure is not None or self.ownership.lost()

    def _window(self) -> int:
        rate = self.bucket.rate
        return max(1, int(rate * self.claim_seconds)) if rate else UNCAPPED_WINDOW

    def _claim_ahead(self) -> None:
        """Starts the next claim when the rows waiting ran low, while earlier calls are still in flight."""
        if self.claiming is not None and self.claiming.done():
            finished, self.claiming = self.claiming, None
            finished.result()
        window = self._window()
        if self.claiming is None and not self.exhausted and len(self.waiting) <= window // 2:
            # A task of its own: cancelling the run must not lose rows that the database has already handed out.
            self.claiming = asyncio.create_task(self._claim(window - len(self.waiting)))

    async def _claim(self, limit: int) -> None:
        rows = await self.work.claim(limit)
        self.waiting.extend(rows)
        self.exhausted = not rows

    async def _wait_out_a_pause(self) -> bool:
        """In a pause longer than a claim may wait, gives the waiting rows back and lets a moment pass."""
        pause = self.bucket.try_take(0)
        if pause <= self.claim_seconds:
            return False
        await self._finish_claim()
        await self._give_back()
        await asyncio.sleep(min(pause, LOOK_UP_SECONDS))
        return True

    async def _permits(self) -> int:
        """Waits for room in flight, then for permits: how many of the waiting rows may go; 0 when to look around first."""
        rate = self.bucket.rate
        group = max(1, int(rate * GROUP_SECONDS)) if rate else LARGEST_GROUP
        most = min(LARGEST_GROUP, len(self.waiting), self.in_flight)
        n = min(group, most)
        while len(self.calls) + n > self.in_flight:
            await self._one_landed()
        while wait := self.bucket.try_take(n):
            if self._stopped() or self.bucket.try_take(0) > self.claim_seconds:
                return 0
            await asyncio.sleep(min(wait, LOOK_UP_SECONDS))
            await self._hold_fire()
        while n < most and len(self.calls) + n < self.in_flight and not self.bucket.try_take(1):
            n += 1  # permits that came in during a slow recheck would else be forgotten
        return n

    async def _hold_fire(self) -> None:
        """Waits for an answer when none came for suspiciously long."""
        rate, now = self.bucket.rate, self.now()
        if not (rate and self.calls and self.answered_at):
            return
        may_hold = MOST_HELD * (1.0 + now - self.started_at) - self.held_seconds
        if may_hold > 0 and now - self.answered_at > max(QUIET_SECONDS, QUIET_CALLS / rate):
            self.landed.clear()
            await _wait_for(self.landed, may_hold)
            self.held_seconds += self.now() - now

    async def _start_calls(self, n: int) -> None:
        """Rechecks the next `n` rows and starts their calls at once. Until then they count as waiting: they can be given back."""
        group = [self.waiting[i] for i in range(n)]
        may_go = await self.work.recheck(group)
        if self._stopped():
            return
        for _ in group:
            self.waiting.popleft()
        for row in may_go:
            task = asyncio.create_task(self._call(row))
            self.calls.add(task)
            task.add_done_callback(self._call_ended)

    async def _call(self, row: Item) -> None:
        self.outcomes.append(await self.work.call(row))

    def _call_ended(self, task: asyncio.Task[None]) -> None:
        self.calls.discard(task)
        self.answered_at = self.now()
        self.landed.set()
        if not task.cancelled() and (error := task.exception()):
            # Nobody can say what came of it: the row stays as it is, in doubt, and the next owner reconciles it.
            self.failure = self.failure or error

    async def _one_landed(self) -> None:
        self.landed.clear()
        await self.landed.wait()

    # --- record -----------------------------------------------------------------------------------------------------

    async def _flush_regularly(self) -> None:
        """Records outcomes every `flush_seconds`; returns when the run is closing and all are written."""
        while not (self.closing.is_set() and not self.outcomes):
            if not self.closing.is_set():
                await _wait_for(self.closing, self.flush_seconds)
            if batch := list(self.outcomes):
                await self._record(batch)
                del self.outcomes[: len(batch)]

    async def _record(self, batch: Sequence[Outcome]) -> None:
        """Writes a batch. One outcome that cannot be written must not take the others with it: the batch is halved around it."""
        try:
            await self._insist(lambda: self.work.record(batch))
        except Exception as error:
            if len(batch) == 1:
                self.failure = self.failure or error
                return
            middle = len(batch) // 2
            await self._record(batch[:middle])
            await self._record(batch[middle:])

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        """Repeats a write while the database is away, with back-off."""
        failures = 0
        while True:
            try:
                return await write()
            except DependencyError as error:
                failures += 1
                pause = decide_back_off(failures, random.random(), first=0.05, longest=2.0)
                log.warning("pump.write_waits", lane=self.ownership.lease.lane, code=error.code, failures=failures)
                await asyncio.sleep(pause)

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _settle(self, flusher: asyncio.Task[None]) -> None:
        """Waits for the calls in flight, gives back the rows that never left, and writes every outcome."""
        await self._finish_claim()
        await self._give_back()
        while self.calls:
            await self._one_landed()
        self.closing.set()
        await asyncio.wait({flusher})  # not `await flusher`: a cancelled run must not cancel a write half done

    async def _settle_in_time(self, flusher: asyncio.Task[None]) -> None:
        """The same at shutdown, when calls in flight and writes get `grace_seconds` and no more."""
        try:
            async with asyncio.timeout(self.grace_seconds):
                await self._settle(flusher)
        except TimeoutError:
            in_doubt = len(self.calls) + len(self.outcomes) + len(self.waiting)
            log.error("pump.stopped_late", lane=self.ownership.lease.lane, in_doubt=in_doubt)
        finally:
            for task in (flusher, *self.calls, *filter(None, [self.claiming])):
                task.cancel()

    async def _finish_claim(self) -> None:
        if self.claiming is None:
            return
        await asyncio.wait({self.claiming})
        finished, self.claiming = self.claiming, None
        if not finished.cancelled() and (error := finished.exception()):
            self.failure = self.failure or error

    async def _give_back(self) -> None:
        rows = list(self.waiting)
        if not rows:
            return
        try:
            await self._insist(lambda: self.work.release(rows))
        except Exception as error:
            self.failure = self.failure or error
        self.waiting.clear()
        self.exhausted = False


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
