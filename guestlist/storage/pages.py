"""Statements about connected Pages."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from .base import Row, Transaction
from .tables import pages


async def find_by_meta_id(tx: Transaction, page_id: str) -> list[Row]:
    """The Page as connected by each workspace, by Meta's id."""
    return await tx.fetch_all(select(pages).where(pages.c.page_id == page_id).order_by(pages.c.workspace_id))


async def find_connected(tx: Transaction, workspace_id: str, page_id: str) -> Row | None:
    """This workspace's connection of the Page with Meta's id, locked."""
    query = select(pages).where(pages.c.workspace_id == workspace_id, pages.c.page_id == page_id)
    return await tx.fetch_one(query.with_for_update())


async def of_ad_account(tx: Transaction, workspace_id: str, ad_account_id: str) -> list[Row]:
    """The workspace's Pages that pay through an ad account, oldest first."""
    query = select(pages).where(pages.c.workspace_id == workspace_id, pages.c.ad_account_id == ad_account_id)
    return await tx.fetch_all(query.order_by(pages.c.id))


_due = (
    update(pages)
    .where(pages.c.workspace_id == bindparam("b_workspace"), pages.c.id == bindparam("b_id"))
    .values(sync_at=bindparam("b_at", type_=pages.c.sync_at.type))
)


async def set_sync_due(tx: Transaction, workspace_id: str, page_id: str, at: int) -> None:
    """Makes the next token sync due at an instant."""
    await tx.execute(_due, {"b_workspace": workspace_id, "b_id": page_id, "b_at": at})
