"""Statements about saved mappings: what was said of the columns under a header."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from .base import Row, Transaction
from .tables import list_mappings

_new = insert(list_mappings)
_SAVE = _new.on_conflict_do_update(
    index_elements=["workspace_id", "fingerprint"],
    set_={"columns": _new.excluded.columns, "updated_at": _new.excluded.updated_at},
)


async def save_mapping(tx: Transaction, workspace_id: str, fingerprint: str, columns: str, at: int) -> None:
    """Keeps a mapping under its header's fingerprint, in the place of an earlier one."""
    row = {"workspace_id": workspace_id, "fingerprint": fingerprint, "columns": columns, "created_at": at, "updated_at": at}
    await tx.execute(_SAVE, row)


async def find_mapping(tx: Transaction, workspace_id: str, fingerprint: str) -> Row | None:
    """The mapping saved under a fingerprint, if any."""
    return await tx.fetch_one(
        select(list_mappings).where(list_mappings.c.workspace_id == workspace_id, list_mappings.c.fingerprint == fingerprint)
    )


async def read_mappings(tx: Transaction, workspace_id: str, *, after: str, limit: int) -> list[Row]:
    """Saved mappings by fingerprint, from behind one."""
    query = select(list_mappings).where(list_mappings.c.workspace_id == workspace_id, list_mappings.c.fingerprint > after)
    return await tx.fetch_all(query.order_by(list_mappings.c.fingerprint).limit(limit))


async def delete_mapping(tx: Transaction, workspace_id: str, fingerprint: str) -> bool:
    """Forgets a mapping; whether there was one."""
    query = delete(list_mappings).where(list_mappings.c.workspace_id == workspace_id, list_mappings.c.fingerprint == fingerprint)
    return await tx.execute(query) == 1
