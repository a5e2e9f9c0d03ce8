"""Statements about endpoints: customers' URLs that receive events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from . import rows
from .base import Row, Transaction
from .messaging_tables import endpoints, notice_tries, notices


async def list_endpoints(
    tx: Transaction, workspace_id: str, *, dialect: str | None, scope: str | None, after: str | None, limit: int
) -> list[Row]:
    """Endpoints, newest first, from below the cursor. `dialect` and `scope`: None = any."""
    query = rows.page_of(endpoints, workspace_id, after=after, limit=limit)
    if dialect is not None:
        query = query.where(endpoints.c.dialect == dialect)
    return await tx.fetch_all(query if scope is None else query.where(endpoints.c.scope == scope))


async def all_endpoints(tx: Transaction) -> list[Row]:
    """Workspace and id of every endpoint of every workspace, for the lane that tidies."""
    return await tx.fetch_all(select(endpoints.c.workspace_id, endpoints.c.id))


async def delete_endpoint(tx: Transaction, workspace_id: str, endpoint_id: str) -> bool:
    """Removes an endpoint with its notices and their log; whether there was one."""
    for table in (notice_tries, notices):
        await tx.execute(delete(table).where(table.c.workspace_id == workspace_id, table.c.endpoint_id == endpoint_id))
    gone = delete(endpoints).where(endpoints.c.workspace_id == workspace_id, endpoints.c.id == endpoint_id)
    return await tx.execute(gone) == 1


async def note_health(tx: Transaction, endpoint: Row, *, failing_since: int | None) -> None:
    """Notes since when every try has failed; None once one succeeded. Writes nothing where that is known."""
    if endpoint["failing_since"] != failing_since:
        await rows.change(tx, endpoints, endpoint["workspace_id"], endpoint["id"], failing_since=failing_since)


async def change_endpoint(tx: Transaction, workspace_id: str, endpoint_id: str, **values: Any) -> Row:
    """Sets columns of an endpoint; the row as it is then. Errors: NotFoundError."""
    await rows.get(tx, endpoints, workspace_id, endpoint_id, lock=True)
    if values:
        same = (endpoints.c.workspace_id == workspace_id, endpoints.c.id == endpoint_id)
        await tx.execute(update(endpoints).where(*same).values(**values))
    return await rows.get(tx, endpoints, workspace_id, endpoint_id)
