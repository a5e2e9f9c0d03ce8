"""Reading and changing one row by its workspace and id: what every noun's statements share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, Table, and_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into

from guestlist.domain.identifiers import check_cursor
from guestlist.errors import NotFoundError

from .base import Row, Transaction

PREFIXES = {
    "accounts": "acc",
    "audiences": "aud",
    "campaigns": "cmp",
    "contacts": "con",
    "conversations": "cnv",
    "endpoints": "end",
    "events": "evt",
    "invitations": "inv",
    "lists": "lst",
    "messages": "msg",
    "pages": "pag",
    "subscribers": "sub",
    "uploads": "upl",
}
"""How the ids begin of what is listed by them."""


async def insert(tx: Transaction, table: Table, row: Mapping[str, Any]) -> None:
    """Inserts one row."""
    await tx.execute(insert_into(table), row)


async def find(tx: Transaction, table: Table, workspace_id: str, row_id: str, *, lock: bool = False) -> Row | None:
    """The workspace's row with this id, if any; `lock` holds it until the transaction ends (writers only)."""
    query = select(table).where(table.c.workspace_id == workspace_id, table.c.id == row_id)
    return await tx.fetch_one(query.with_for_update() if lock else query)


async def get(tx: Transaction, table: Table, workspace_id: str, row_id: str, *, lock: bool = False) -> Row:
    """The workspace's row with this id; `lock` holds it until the transaction ends (writers only). Errors: NotFoundError."""
    row = await find(tx, table, workspace_id, row_id, lock=lock)
    if row is None:
        noun = table.name.removesuffix("s")
        raise NotFoundError(
            f"There is no {noun} {row_id} in this workspace.", remedy=f"List what there is with `guestlist {table.name} list`."
        )
    return row


async def change(tx: Transaction, table: Table, workspace_id: str, row_id: str, **values: Any) -> int:
    """Sets columns of one row; the number of rows touched."""
    return await tx.execute(update(table).where(table.c.workspace_id == workspace_id, table.c.id == row_id).values(**values))


async def delete(tx: Transaction, table: Table, workspace_id: str, row_id: str) -> int:
    """Deletes one row; the number of rows touched."""
    return await tx.execute(delete_from(table).where(table.c.workspace_id == workspace_id, table.c.id == row_id))


async def change_if(tx: Transaction, table: Table, row: Row, guard: Mapping[str, Any], **values: Any) -> bool:
    """Sets columns of one row only while the guarded columns still hold the given values; whether they did."""
    held = and_(*(table.c[name] == value for name, value in guard.items()))
    matching = update(table).where(table.c.workspace_id == row["workspace_id"], table.c.id == row["id"], held)
    return await tx.execute(matching.values(**values)) == 1


def page_of(table: Table, workspace_id: str, *, after: str | None, limit: int) -> Select[Any]:
    """Rows of a workspace, newest first, from below the cursor. Errors: UsageError `bad_cursor`."""
    query = select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.id.desc()).limit(limit)
    return query if after is None else query.where(table.c.id < check_cursor(after, PREFIXES[table.name]))
