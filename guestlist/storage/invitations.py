"""Statements about invitations: lists turned into message requests, one a person and Page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from guestlist.domain.messages import RequestState

from .base import Transaction
from .message_requests import KEY
from .messaging_tables import message_requests


async def note_asked(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Notes whom an invitation is going to ask. Whoever was asked before, by anybody, stays as they are."""
    if new:
        await tx.execute_many(upsert(message_requests).on_conflict_do_nothing(index_elements=list(KEY)), new)


async def mark_refused(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """People whom our own rules keep from being asked."""
    for row in rows:
        same = [message_requests.c[name] == row[name] for name in KEY]
        await tx.execute(update(message_requests).where(*same).values(state=RequestState.REFUSED.value))


async def count_states(tx: Transaction, workspace_id: str, invitation_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """People by how far their request is, of each invitation."""
    state, invitation_id = message_requests.c.state, message_requests.c.invitation_id
    query = select(invitation_id, state, func.count().label("n")).where(
        message_requests.c.workspace_id == workspace_id, invitation_id.in_(list(invitation_ids))
    )
    counts: dict[str, dict[str, int]] = {each: {} for each in invitation_ids}
    for row in await tx.fetch_all(query.group_by(invitation_id, state)):
        counts[row["invitation_id"]][row["state"]] = row["n"]
    return counts
