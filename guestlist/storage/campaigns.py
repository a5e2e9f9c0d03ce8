"""Statements about campaigns and audiences: what a lane may work on."""

from __future__ import annotations

from sqlalchemy import literal, literal_column, or_, select

from guestlist.domain.states import Audience, Campaign, Delivery

from .base import Row, Transaction
from .tables import audiences, campaigns, pages, recipients


async def running_campaigns(tx: Transaction, workspace_id: str, page_id: str, now: int) -> list[Row]:
    """Campaigns of a Page that may send now, oldest launch first, held: a pause or stop comes before or after, never amid."""
    query = (
        select(campaigns)
        .where(
            campaigns.c.workspace_id == workspace_id,
            campaigns.c.page_id == page_id,
            campaigns.c.state == Campaign.RUNNING.value,
            or_(campaigns.c.not_before.is_(None), campaigns.c.not_before <= now),
        )
        .order_by(campaigns.c.launched_at)
        .with_for_update(read=True)
    )
    return await tx.fetch_all(query)


async def unfinished_stops(tx: Transaction, workspace_id: str, page_id: str) -> list[str]:
    """Ids of a Page's stopped campaigns that still have somebody queued."""
    queued = select(literal(1)).where(
        recipients.c.workspace_id == campaigns.c.workspace_id,
        recipients.c.campaign_id == campaigns.c.id,
        recipients.c.state == literal_column(f"'{Delivery.QUEUED.value}'"),
    )
    query = select(campaigns.c.id).where(
        campaigns.c.workspace_id == workspace_id,
        campaigns.c.page_id == page_id,
        campaigns.c.state == Campaign.STOPPED.value,
        queued.exists(),
    )
    return [row["id"] for row in await tx.fetch_all(query.order_by(campaigns.c.id))]


async def open_campaigns(tx: Transaction, workspace_id: str, page_id: str) -> list[Row]:
    """Campaigns of a Page that have not ended, oldest first."""
    ended = [state.value for state in (Campaign.STOPPED, Campaign.FINISHED, Campaign.FAILED)]
    query = select(campaigns).where(campaigns.c.workspace_id == workspace_id, campaigns.c.page_id == page_id)
    return await tx.fetch_all(query.where(campaigns.c.state.not_in(ended)).order_by(campaigns.c.id))


async def lock_page(tx: Transaction, workspace_id: str, page_id: str) -> Row | None:
    """A Page by our id, held against a change of its state while we claim for it."""
    query = select(pages).where(pages.c.workspace_id == workspace_id, pages.c.id == page_id)
    return await tx.fetch_one(query.with_for_update(read=True))


async def audience_by_meta_id(tx: Transaction, workspace_id: str, meta_id: str) -> Row | None:
    """The workspace's audience with Meta's id, locked."""
    query = select(audiences).where(audiences.c.workspace_id == workspace_id, audiences.c.meta_id == meta_id)
    return await tx.fetch_one(query.with_for_update())


async def audiences_of_page(tx: Transaction, workspace_id: str, page_id: str) -> list[Row]:
    """The audiences of a Page that exist at Meta, oldest first."""
    query = select(audiences).where(
        audiences.c.workspace_id == workspace_id, audiences.c.page_id == page_id, audiences.c.state == Audience.READY.value
    )
    return await tx.fetch_all(query.order_by(audiences.c.id))
