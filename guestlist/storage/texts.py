"""Statements about texts and letters: what an objection is about, and what was answered of late."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, select

from .base import Transaction
from .messages import PartKey
from .messaging_tables import deliveries, messages, parts


async def find_address(
    tx: Transaction, workspace_id: str, account_id: str, *, key: PartKey | None, provider_ids: Sequence[str]
) -> str | None:
    """The address that a part of this account went to: by its own key, else by an id of the provider's."""
    if key is None and not provider_ids:
        return None
    own = and_(parts.c.delivery_id == key[0], parts.c.number == key[1]) if key else parts.c.provider_id.in_(list(provider_ids))
    same = and_(parts.c.workspace_id == deliveries.c.workspace_id, parts.c.delivery_id == deliveries.c.id)
    query = select(deliveries.c.address).join(parts, same)
    row = await tx.fetch_one(query.where(parts.c.workspace_id == workspace_id, parts.c.account_id == account_id, own).limit(1))
    return row["address"] if row else None


async def was_sent_since(tx: Transaction, workspace_id: str, contact_id: str, by: str, at: int) -> bool:
    """Whether a contact was sent a message by this sender since an instant."""
    query = select(messages.c.id).where(
        messages.c.workspace_id == workspace_id,
        messages.c.contact_id == contact_id,
        messages.c.by == by,
        messages.c.created_at > at,
    )
    return await tx.fetch_one(query.limit(1)) is not None


async def has_parts_under_way(tx: Transaction, workspace_id: str, account_id: str) -> bool:
    """Whether an account still has something to send, or on the wire."""
    query = select(parts.c.number).where(
        parts.c.workspace_id == workspace_id, parts.c.account_id == account_id, parts.c.state.in_(["queued", "sending"])
    )
    return await tx.fetch_one(query.limit(1)) is not None
