"""What the pump costs a row, against bare loops over the same call; and how soon a wake-up starts a lane.

Two calls: one that does nothing, the worst case for any overhead, and one that burns as much CPU as a small HTTP call of the
client we use (about 100 us a call on the machine where it was measured), which says what is left of a sender's speed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

import uvloop

from guestlist.domain.lanes import Lease
from guestlist.engine.bucket import TokenBucket
from guestlist.engine.pump import pump
from guestlist.engine.wakeups import PgQueuerWakeups

ROWS = 20_000
ROUNDS = 5
IN_FLIGHT = 256
PERMITS = 500_000
WAKEUPS = 500

Call = Callable[[int], Awaitable[int]]


class Owned:
    """A lane nobody else wants."""

    lease = Lease("page:benchmark", "benchmark", 1)

    def lost(self) -> bool:
        return False


class Counted:
    """Rows that cost nothing to claim and to record, so that only the pump is measured."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.left = ROWS
        self.recorded = 0

    async def claim(self, limit: int) -> Sequence[int]:
        n = min(limit, self.left)
        self.left -= n
        return range(n)

    async def recheck(self, rows: Sequence[int]) -> Sequence[int]:
        return rows

    async def record(self, outcomes: Sequence[int]) -> None:
        self.recorded += len(outcomes)

    async def release(self, rows: Sequence[int]) -> None:
        self.left += len(rows)


async def nothing(row: int) -> int:
    return row


async def like_http(row: int) -> int:
    await asyncio.sleep(0)
    busy_until = time.perf_counter() + 0.0001
    while time.perf_counter() < busy_until:
        pass
    return row


async def _bare(call: Call) -> None:
    """The least a sender can do: so many loops over the rows at once, nothing claimed, limited or recorded."""
    rows = iter(range(ROWS))

    async def loop() -> None:
        for row in rows:
            await call(row)

    await asyncio.gather(*(loop() for _ in range(IN_FLIGHT)))


async def _pumped(call: Call) -> None:
    work = Counted(call)
    await pump(work, TokenBucket(0), Owned(), in_flight=IN_FLIGHT)
    if work.recorded != ROWS:
        raise RuntimeError(f"recorded {work.recorded} of {ROWS} rows")


async def _seconds(run: Callable[[Call], Awaitable[None]], call: Call) -> float:
    started = time.perf_counter()
    await run(call)
    return time.perf_counter() - started


async def _compare(name: str, call: Call) -> None:
    bare, pumped = [], []
    for _ in range(ROUNDS):
        bare.append(await _seconds(_bare, call))
        pumped.append(await _seconds(_pumped, call))
    ratio = median(bare) / median(pumped)
    cost = (median(pumped) - median(bare)) / ROWS * 1e6
    print(
        f"pump, a call {name}: ratio {ratio:.2f} of a bare loop; {cost:.1f} us a row on top; {ROWS / median(pumped):,.0f} rows/s"
    )


def _permits() -> None:
    for name, bucket in (("no cap", TokenBucket(0)), ("a cap", TokenBucket(1e9))):
        started = time.perf_counter()
        for _ in range(PERMITS):
            bucket.try_take(1)
        print(f"bucket, {name}: {(time.perf_counter() - started) / PERMITS * 1e6:.2f} us a permit")


async def _wake_ups() -> None:
    wakeups, rung = PgQueuerWakeups.in_memory(), asyncio.Event()

    async def ring(lane: str) -> None:
        rung.set()

    wakeups.handler("page", ring)
    running = asyncio.create_task(wakeups.run())
    took = []
    for _ in range(WAKEUPS):
        rung.clear()
        started = time.perf_counter()
        await wakeups.wake("page:1")
        await rung.wait()
        took.append(time.perf_counter() - started)
        await asyncio.sleep(0.001)
    await wakeups.stop()
    await running
    took.sort()
    print(f"wake-up in memory: {median(took) * 1000:.2f} ms, slowest of a hundred {took[int(WAKEUPS * 0.99)] * 1000:.2f} ms")


async def _all() -> None:
    await _compare("that does nothing", nothing)
    await _compare("as dear as HTTP", like_http)
    await _wake_ups()


def run() -> None:
    """Prints the pump's ratios, the price of a permit and the latency of a wake-up."""
    _permits()
    uvloop.run(_all())


if __name__ == "__main__":
    run()
