"""Statements that move all that belongs to one contact to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update

from .base import Row, Transaction
from .messaging_tables import addresses, conversations, message_requests, messages, replies

PLAIN: Sequence[Table] = (addresses, messages, replies, message_requests)
"""Tables whose rows belong to a contact, and of which it may have any number."""


async def move_belongings(tx: Transaction, workspace_id: str, gone: str, kept: str) -> None:
    """Everything of `gone` becomes that of `kept`. Two conversations with one account become one."""
    of_kept = {row["account_id"]: row for row in await _conversations(tx, workspace_id, kept)}
    for row in await _conversations(tx, workspace_id, gone):
        if (into := of_kept.get(row["account_id"])) is not None:
            await _join(tx, row, into)
    for table in (*PLAIN, conversations):
        await tx.execute(
            update(table)
            .where(table.c.workspace_id == workspace_id, table.c.contact_id == gone)
            .values({table.c.contact_id: kept})
        )


async def _conversations(tx: Transaction, workspace_id: str, contact_id: str) -> list[Row]:
    same = (conversations.c.workspace_id == workspace_id, conversations.c.contact_id == contact_id)
    return await tx.fetch_all(select(conversations).where(*same).with_for_update())


async def _join(tx: Transaction, row: Row, into: Row) -> None:
    workspace_id = row["workspace_id"]
    moved = update(replies).where(replies.c.workspace_id == workspace_id, replies.c.conversation_id == row["id"])
    await tx.execute(moved.values(conversation_id=into["id"]))
    values: dict[str, Any] = {"unread": row["unread"] + into["unread"], "created_at": min(row["created_at"], into["created_at"])}
    for name in ("last_in_at", "last_out_at"):
        values[name] = max((at for at in (row[name], into[name]) if at is not None), default=None)
    same = (conversations.c.workspace_id == workspace_id, conversations.c.id == into["id"])
    await tx.execute(update(conversations).where(*same).values(**values))
    await tx.execute(delete(conversations).where(conversations.c.workspace_id == workspace_id, conversations.c.id == row["id"]))
