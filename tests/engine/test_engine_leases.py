"""The contract of leases, for the double that the engine's tests use and for the real one; and a takeover from the dead."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.leases import MemoryLeases
from support.virtual_time import until
from support.wakeups import DirectWakeups

from guestlist.engine.base import LeaseStore, Ownership
from guestlist.engine.lanes import Lanes, Timing
from guestlist.storage.base import Database
from guestlist.storage.leases import Leases

LANE = "page:1"


@pytest.fixture(params=["double", "real"])
def leases(request: pytest.FixtureRequest) -> LeaseStore:
    return MemoryLeases() if request.param == "double" else Leases(request.getfixturevalue("database"))


@pytest.fixture
def _database_first(database: Database) -> None:
    """Opened outside `getfixturevalue`, which cannot run asynchronous fixtures inside a running loop."""


pytestmark = pytest.mark.usefixtures("_database_first")


async def test_a_lane_has_one_owner_until_its_lease_runs_out(leases: LeaseStore) -> None:
    first = await leases.acquire(LANE, "one", 0.2)
    assert first
    assert await leases.acquire(LANE, "two", 10) is None
    await asyncio.sleep(0.25)
    second = await leases.acquire(LANE, "two", 10)
    assert second
    assert second.fence > first.fence
    assert not await leases.renew(first, 10)
    assert await leases.renew(second, 10)


async def test_a_renewed_lease_holds(leases: LeaseStore) -> None:
    lease = await leases.acquire(LANE, "one", 0.1)
    assert lease
    assert await leases.renew(lease, 10)
    await asyncio.sleep(0.15)
    assert await leases.acquire(LANE, "two", 10) is None


async def test_a_released_lane_is_free_and_its_fence_still_rises(leases: LeaseStore) -> None:
    first = await leases.acquire(LANE, "one", 10)
    assert first
    await leases.release(first)
    second = await leases.acquire(LANE, "two", 10)
    assert second
    assert second.fence > first.fence
    await leases.release(first)  # late: it is not the first one's any more
    assert await leases.renew(second, 10)


async def test_an_owner_that_lost_count_takes_its_own_lane_again_with_a_higher_fence(leases: LeaseStore) -> None:
    first = await leases.acquire(LANE, "one", 10)
    again = await leases.acquire(LANE, "one", 10)
    assert first
    assert again
    assert again.fence > first.fence
    assert not await leases.renew(first, 10)


OWNER = """
import asyncio, sys
from guestlist.engine.lanes import Lanes, Timing
from guestlist.engine.wakeups import PgQueuerWakeups
from guestlist.storage.database import open_database
from guestlist.storage.leases import Leases

async def handle(ownership):
    print("owned", flush=True)
    await asyncio.sleep(3600)

async def main():
    leases = Leases(await open_database(sys.argv[1]))
    engine = Lanes(leases, PgQueuerWakeups.in_memory(), owner="to be killed", timing=Timing(lease=1.0, beat=0.2))
    engine.lane("page", handle)
    await engine.wake("page:1")
    await engine.run()

asyncio.run(main())
"""


async def test_a_lane_whose_process_was_killed_is_taken_over(database_url: str, database: Database) -> None:
    # Given another process that owns the lane and is killed without a chance to say so
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, database_url, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert owner.stdout
    assert await owner.stdout.readline() == b"owned\n"
    fences = list[int]()

    async def handle(ownership: Ownership) -> float | None:
        fences.append(ownership.lease.fence)
        return None

    async def due() -> Sequence[str]:
        return [LANE]

    engine = Lanes(Leases(database), DirectWakeups(), owner="me", timing=Timing(sweep=0.2))
    engine.lane("page", handle)
    engine.sweep(due)
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(1.5)
    assert fences == []  # its heart beats
    os.kill(owner.pid, signal.SIGKILL)
    await owner.wait()
    # Then the sweep finds the lane free once the lease has run out
    await until(lambda: fences, within=5)
    await engine.stop()
    await running
    assert fences[0] == 2
