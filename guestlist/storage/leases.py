"""Leases in the `lanes` table: who owns a lane, until when, and with which fence.

The clock is the database's, so workers on machines whose clocks differ agree; it is never the business clock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, bindparam, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from guestlist.domain.lanes import Lease

from .base import Database, Transaction
from .tables import lanes


class database_now(FunctionElement[int]):
    """Milliseconds since 1970, UTC, by the database's clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _now_on_sqlite(element: database_now, compiler: Any, **options: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(database_now, "postgresql")
def _now_on_postgresql(element: database_now, compiler: Any, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


_until = database_now() + bindparam("milliseconds", type_=BigInteger)
_claim = insert(lanes).values(lane=bindparam("lane"), owner=bindparam("owner"), fence=1, expires_at=_until)
ACQUIRE = _claim.on_conflict_do_update(
    index_elements=[lanes.c.lane],
    set_={"owner": _claim.excluded.owner, "fence": lanes.c.fence + 1, "expires_at": _claim.excluded.expires_at},
    where=or_(lanes.c.expires_at <= database_now(), lanes.c.owner == _claim.excluded.owner),
).returning(lanes.c.fence)
_HELD = (
    lanes.c.lane == bindparam("held_lane"),
    lanes.c.owner == bindparam("held_owner"),
    lanes.c.fence == bindparam("held_fence"),
)
RENEW = update(lanes).where(*_HELD).values(expires_at=_until)
RELEASE = update(lanes).where(*_HELD).values(owner="", expires_at=0)


class Leases:
    """The engine's lease store on either database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, lane: str, owner: str, seconds: float) -> Lease | None:
        """The lease, with a fence higher than any before, or None while another owner's has not run out."""
        wanted = {"lane": lane, "owner": owner, "milliseconds": round(seconds * 1000)}

        async def claim(transaction: Transaction) -> Lease | None:
            row = await transaction.fetch_one(ACQUIRE, wanted)
            return Lease(lane, owner, row["fence"]) if row else None

        return await self._database.write(claim)

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Moves the end of the lease to `seconds` from now. False when somebody else has had the lane since."""

        async def extend(transaction: Transaction) -> bool:
            return await transaction.execute(RENEW, {**_held(lease), "milliseconds": round(seconds * 1000)}) == 1

        return await self._database.write(extend)

    async def release(self, lease: Lease) -> None:
        """Lets the lane go, if it is still ours. The fence stays, so the next owner's is higher."""

        async def let_go(transaction: Transaction) -> None:
            await transaction.execute(RELEASE, _held(lease))

        await self._database.write(let_go)


def _held(lease: Lease) -> dict[str, Any]:
    return {"held_lane": lease.lane, "held_owner": lease.owner, "held_fence": lease.fence}
