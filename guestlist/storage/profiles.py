"""Statements about profiles that are to be asked of Meta: PSIDs whose person wrote, a Page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, update

from .base import Row, Transaction
from .messaging_tables import addresses

_OF_PAGE = (addresses.c.workspace_id == bindparam("b_workspace"), addresses.c.account_id == bindparam("b_page"))
_DUE = (
    select(addresses.c.value, addresses.c.contact_id)
    .where(*_OF_PAGE, addresses.c.due_at <= bindparam("b_now"))
    .order_by(addresses.c.due_at)
    .limit(bindparam("b_limit"))
    .with_for_update(skip_locked=True)
)
_NEXT = select(func.min(addresses.c.due_at).label("at")).where(*_OF_PAGE, addresses.c.due_at.is_not(None))


async def due_profiles(tx: Transaction, workspace_id: str, page_id: str, now: int, limit: int) -> list[Row]:
    """People whose profile is to be asked, locked. Shape: value (the PSID), contact_id."""
    return await tx.fetch_all(_DUE, {"b_workspace": workspace_id, "b_page": page_id, "b_now": now, "b_limit": limit})


async def set_profiles_due(tx: Transaction, workspace_id: str, page_id: str, psids: Sequence[str], at: int | None) -> None:
    """When these people's profiles are asked next; None = when they write again."""
    same = (addresses.c.workspace_id == workspace_id, addresses.c.account_id == page_id, addresses.c.value.in_(psids))
    await tx.execute(update(addresses).where(*same, addresses.c.due_at.is_not(None)).values(due_at=at))


async def next_profile(tx: Transaction, workspace_id: str, page_id: str) -> int | None:
    """When the next profile of a Page is to be asked; None where none is."""
    row = await tx.fetch_one(_NEXT, {"b_workspace": workspace_id, "b_page": page_id})
    return None if row is None else row["at"]
