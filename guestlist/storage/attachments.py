"""Statements about media uploaded to Meta: found again by what they were made of."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from .base import Row, Transaction
from .messaging_tables import attachments


async def find_attachment(tx: Transaction, workspace_id: str, account_id: str, source: str, *, after: int) -> Row | None:
    """The upload of this source on this account that is still good after that instant."""
    same = (
        attachments.c.workspace_id == workspace_id,
        attachments.c.account_id == account_id,
        attachments.c.source == source,
        attachments.c.expires_at > after,
    )
    return await tx.fetch_one(select(attachments).where(*same))


async def keep_attachment(tx: Transaction, row: Row) -> None:
    """Keeps an upload; a newer one of the same source takes the place of the one before."""
    statement = upsert(attachments)
    key = ("workspace_id", "account_id", "source")
    fresh = {name: statement.excluded[name] for name in ("attachment_id", "expires_at")}
    await tx.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh), row)
