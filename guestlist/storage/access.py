"""Statements about workspaces, API keys and idempotent requests."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from .base import Row, Transaction
from .tables import idempotency, keys, workspaces


async def ensure_workspace(tx: Transaction, workspace_id: str, name: str, at: int) -> None:
    """Makes the workspace unless it is there."""
    row = {"id": workspace_id, "name": name, "created_at": at}
    await tx.execute(upsert(workspaces).on_conflict_do_nothing(index_elements=["id"]), row)


async def list_workspace_ids(tx: Transaction) -> list[str]:
    """Every workspace, for the operator's checks."""
    return [row["id"] for row in await tx.fetch_all(select(workspaces.c.id).order_by(workspaces.c.id))]


async def insert_key(tx: Transaction, row: dict[str, object]) -> None:
    """Keeps a key by its digest."""
    await tx.execute(insert(keys), row)


async def find_keys(tx: Transaction, digests: Sequence[str]) -> list[Row]:
    """The unrevoked keys among those with these digests."""
    return await tx.fetch_all(select(keys).where(keys.c.digest.in_(sorted(set(digests))), keys.c.revoked_at.is_(None)))


async def list_keys(tx: Transaction, workspace_id: str) -> list[Row]:
    """The workspace's keys, oldest first."""
    return await tx.fetch_all(select(keys).where(keys.c.workspace_id == workspace_id).order_by(keys.c.id))


async def revoke_key(tx: Transaction, workspace_id: str, key_id: str, at: int) -> bool:
    """Revokes a key; whether there was one to revoke."""
    query = update(keys).where(keys.c.workspace_id == workspace_id, keys.c.id == key_id, keys.c.revoked_at.is_(None))
    return await tx.execute(query.values(revoked_at=at)) == 1


async def use_key(tx: Transaction, key_id: str, at: int) -> None:
    """Notes when a key was last used."""
    await tx.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=at))


async def begin_request(tx: Transaction, workspace_id: str, key: str, request: str, at: int) -> Row | None:
    """Reserves an Idempotency-Key. None when it is ours to answer; else the earlier request under the same key."""
    mine = upsert(idempotency).on_conflict_do_nothing(index_elements=["workspace_id", "key"])
    row = {"workspace_id": workspace_id, "key": key, "request": request, "created_at": at}
    if await tx.execute(mine, row) == 1:
        return None
    return await tx.fetch_one(select(idempotency).where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key))


async def finish_request(tx: Transaction, workspace_id: str, key: str, status: int, answer: bytes) -> None:
    """Keeps the answer for later repeats."""
    query = update(idempotency).where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key)
    await tx.execute(query.values(status=status, answer=answer))


async def forget_request(tx: Transaction, workspace_id: str, key: str) -> None:
    """Frees a key whose request had no effect."""
    await tx.execute(delete(idempotency).where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key))


async def forget_old_requests(tx: Transaction, before: int) -> int:
    """Drops keys older than their 24 hours."""
    return await tx.execute(delete(idempotency).where(idempotency.c.created_at < before))
