"""Statements that empty what is kept of a contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, delete, select, update

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import deliveries, message_requests, messages, parts


async def waiting_messages(tx: Transaction, workspace_id: str, contact_id: str, states: Sequence[str]) -> list[str]:
    """Messages to a contact in these states."""
    mine = (messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id, messages.c.state.in_(states))
    return [row["id"] for row in await tx.fetch_all(select(messages.c.id).where(*mine))]


async def readable_messages(tx: Transaction, workspace_id: str, contact_id: str, limit: int) -> list[Row]:
    """Messages to a contact that still say something. Shape: workspace_id, id, draft."""
    mine = (messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id, messages.c.redacted_at.is_(None))
    query = select(messages.c.workspace_id, messages.c.id, messages.c.draft).where(*mine)
    return await tx.fetch_all(query.order_by(messages.c.id).limit(limit))


async def empty_messages(tx: Transaction, workspace_id: str, emptied: Sequence[Mapping[str, Any]], *, at: int) -> None:
    """Writes the emptied drafts, and empties the bodies and addresses of what was built from them."""
    if not emptied:
        return
    given = given_rows(tx.dialect, like(messages.c.workspace_id), like(messages.c.id), like(messages.c.draft))
    same = and_(messages.c.workspace_id == given.c.workspace_id, messages.c.id == given.c.id)
    changed = update(messages).where(same).values(draft=given.c.draft, metadata="{}", redacted_at=at)
    await tx.execute(changed, give(list(emptied)))
    ids = [row["id"] for row in emptied]
    below = select(deliveries.c.id).where(deliveries.c.workspace_id == workspace_id, deliveries.c.message_id.in_(ids))
    await tx.execute(update(parts).where(parts.c.workspace_id == workspace_id, parts.c.delivery_id.in_(below)).values(body="{}"))
    mine = (deliveries.c.workspace_id == workspace_id, deliveries.c.message_id.in_(ids))
    await tx.execute(update(deliveries).where(*mine).values(address=""))


async def forget_traces(tx: Transaction, workspace_id: str, contact_id: str) -> None:
    """Drops the requests that name the contact's phone."""
    mine = (message_requests.c.workspace_id == workspace_id, message_requests.c.contact_id == contact_id)
    await tx.execute(delete(message_requests).where(*mine))
