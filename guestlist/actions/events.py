"""Events: the normalised facts of a workspace, as they were recorded."""

from __future__ import annotations

from guestlist.storage import ledgers
from guestlist.storage.base import Row

from .base import Services


async def list_events(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Events, newest first."""
    return await services.db.read(lambda tx: ledgers.list_events(tx, workspace_id, after=after, limit=limit))
