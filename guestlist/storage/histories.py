"""Statements about what was said to a contact and by it, over all accounts, newest first."""

from __future__ import annotations

from sqlalchemy import select

from .base import Row, Transaction
from .messaging_tables import messages, replies


async def sent_to(
    tx: Transaction, workspace_id: str, contact_id: str, *, channel: str | None, since: int, limit: int
) -> list[Row]:
    """Messages to a contact, from an instant on (ms since 1970). `channel` None = any."""
    query = select(messages).where(messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id)
    query = query.where(messages.c.created_at >= since).order_by(messages.c.id.desc()).limit(limit)
    return await tx.fetch_all(query if channel is None else query.where(messages.c.channel == channel))


async def said_by(
    tx: Transaction, workspace_id: str, contact_id: str, *, channel: str | None, since: int, limit: int
) -> list[Row]:
    """Replies of a contact, from an instant on (ms since 1970). `channel` None = any."""
    query = select(replies).where(replies.c.workspace_id == workspace_id, replies.c.contact_id == contact_id)
    query = query.where(replies.c.at >= since).order_by(replies.c.at.desc(), replies.c.id.desc()).limit(limit)
    return await tx.fetch_all(query if channel is None else query.where(replies.c.channel == channel))
