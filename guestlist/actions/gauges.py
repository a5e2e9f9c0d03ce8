"""What waits, in numbers: for metrics. No workspace, no name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from guestlist.storage import work
from guestlist.storage.base import Transaction
from guestlist.storage.tables import webhooks

from .base import Services

LANE_KINDS = ("page", "ads", "sync", "inbox")


@dataclass(frozen=True, slots=True)
class Gauges:
    """Lanes with due rows by kind, and webhooks stored but not yet applied."""

    lanes_due: Mapping[str, int]
    webhooks_waiting: int


async def read_gauges(services: Services) -> Gauges:
    """The numbers as they stand. Errors: DependencyError."""

    async def unit(tx: Transaction) -> Gauges:
        kinds = Counter(lane.partition(":")[0] for lane in await work.due_lanes(tx, services.now_ms()))
        waiting = await tx.fetch_one(select(func.count().label("n")).where(webhooks.c.state == "stored"))
        return Gauges({kind: kinds[kind] for kind in LANE_KINDS}, waiting["n"] if waiting else 0)

    return await services.db.read(unit)
