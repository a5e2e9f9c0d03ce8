"""Leases: one owner at a time, and a fence that only rises."""

from __future__ import annotations

import asyncio

from sqlalchemy import update

from guestlist.storage.base import Database, Transaction
from guestlist.storage.leases import Leases
from guestlist.storage.tables import lanes

LANE = "page:pag_1"


async def expire(database: Database) -> None:
    """Lets every lease run out."""

    async def unit(transaction: Transaction) -> None:
        await transaction.execute(update(lanes).values(expires_at=1))

    await database.write(unit)


async def test_only_one_of_many_owners_gets_the_lane(database: Database) -> None:
    leases = Leases(database)
    got = await asyncio.gather(*(leases.acquire(LANE, f"worker-{n}", 30) for n in range(10)))
    assert len([lease for lease in got if lease]) == 1


async def test_the_fence_rises_with_every_owner(database: Database) -> None:
    leases = Leases(database)
    first = await leases.acquire(LANE, "a", 30)
    await expire(database)
    second = await leases.acquire(LANE, "b", 30)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence


async def test_an_owner_whose_lease_was_taken_cannot_renew_it(database: Database) -> None:
    leases = Leases(database)
    first = await leases.acquire(LANE, "a", 30)
    assert first is not None
    assert await leases.renew(first, 30)
    await expire(database)
    await leases.acquire(LANE, "b", 30)
    assert not await leases.renew(first, 30)


async def test_a_renewed_lease_keeps_others_out(database: Database) -> None:
    leases = Leases(database)
    lease = await leases.acquire(LANE, "a", 30)
    assert lease is not None
    await expire(database)
    assert await leases.renew(lease, 30)
    assert await leases.acquire(LANE, "b", 30) is None


async def test_a_released_lane_is_free_at_once_and_keeps_its_fence(database: Database) -> None:
    leases = Leases(database)
    first = await leases.acquire(LANE, "a", 30)
    assert first is not None
    await leases.release(first)
    second = await leases.acquire(LANE, "b", 30)
    assert second is not None
    assert second.fence == first.fence + 1
    assert not await leases.renew(first, 30)


async def test_releasing_a_lease_that_was_taken_changes_nothing(database: Database) -> None:
    leases = Leases(database)
    first = await leases.acquire(LANE, "a", 30)
    assert first is not None
    await expire(database)
    second = await leases.acquire(LANE, "b", 30)
    await leases.release(first)
    assert second is not None
    assert await leases.renew(second, 30)


async def test_the_same_process_acquiring_again_fences_off_its_older_self(database: Database) -> None:
    leases = Leases(database)
    first = await leases.acquire(LANE, "a", 30)
    second = await leases.acquire(LANE, "a", 30)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence
    assert not await leases.renew(first, 30)
