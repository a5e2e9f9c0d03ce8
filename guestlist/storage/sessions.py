"""Statements about the sessions of apps and the schemes by which their users are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from .base import Row, Transaction
from .messaging_tables import session_schemes, sessions


async def write_scheme(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Keeps a workspace's scheme, in the place of an earlier one."""
    made = upsert(session_schemes)
    values = {name: made.excluded[name] for name in row if name != "workspace_id"}
    await tx.execute(made.on_conflict_do_update(index_elements=["workspace_id"], set_=values), row)


async def find_scheme(tx: Transaction, space: str) -> Row | None:
    """The scheme of the workspace with this GUID (32 hex digits)."""
    return await tx.fetch_one(select(session_schemes).where(session_schemes.c.space == space))


async def scheme_of(tx: Transaction, workspace_id: str) -> Row | None:
    """The workspace's scheme."""
    return await tx.fetch_one(select(session_schemes).where(session_schemes.c.workspace_id == workspace_id))


async def add_session(tx: Transaction, row: Mapping[str, Any]) -> bool:
    """Keeps a session; False where its id was used before."""
    return await tx.execute(upsert(sessions).on_conflict_do_nothing(), row) == 1


async def end_session(tx: Transaction, workspace_id: str, session_id: str, at: int) -> bool:
    """Ends a session; whether there was one to end."""
    same = (sessions.c.workspace_id == workspace_id, sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    return await tx.execute(update(sessions).where(*same).values(ended_at=at)) == 1


async def forget_sessions(tx: Transaction, workspace_id: str, profile_id: str) -> int:
    """Drops the sessions of a person, running ones too."""
    same = (sessions.c.workspace_id == workspace_id, sessions.c.profile_id == profile_id)
    return await tx.execute(delete(sessions).where(*same))


async def forget_old_sessions(tx: Transaction, before: int) -> int:
    """Drops sessions that ran out before an instant."""
    return await tx.execute(delete(sessions).where(sessions.c.expires_at < before))
