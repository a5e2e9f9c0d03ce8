"""Statements about subscribers: tokens as Meta lists them, opt-outs, and what a complete list says of the missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.policy import VANISHED_AFTER, VISIBLE_MATCHES
from guestlist.domain.states import Audience, Source

from . import rows
from .base import Row, Transaction
from .given import give, given_rows, like
from .tables import audiences, subscriber_audiences, subscribers


async def known_tokens(tx: Transaction, workspace_id: str, page_id: str, tokens: Sequence[str]) -> dict[str, Row]:
    """The subscribers behind these tokens of a Page, by token, locked."""
    query = select(subscribers).where(
        subscribers.c.workspace_id == workspace_id, subscribers.c.page_id == page_id, subscribers.c.token.in_(tokens)
    )
    return {row["token"]: row for row in await tx.fetch_all(query.order_by(subscribers.c.id).with_for_update())}


def _unless_silent(name: str) -> ColumnElement[Any]:
    """What Meta says of a column; what we know where it says nothing, as of list-born tokens."""
    column = subscribers.c[name]
    return func.coalesce(bindparam(f"b_{name}", type_=column.type), column)


_insert = upsert(subscribers).on_conflict_do_nothing(index_elements=["workspace_id", "page_id", "token"])
_place = upsert(subscriber_audiences).on_conflict_do_nothing(index_elements=["workspace_id", "audience_id", "subscriber_id"])
_see = (
    update(subscribers)
    .where(subscribers.c.workspace_id == bindparam("b_workspace"), subscribers.c.id == bindparam("b_id"))
    .values(
        seen_in=bindparam("b_seen_in"),
        misses=0,
        psid=_unless_silent("psid"),
        next_eligible_at=_unless_silent("next_eligible_at"),
        expires_at=_unless_silent("expires_at"),
    )
)
_change = (
    update(subscribers)
    .where(subscribers.c.workspace_id == bindparam("b_workspace"), subscribers.c.id == bindparam("b_id"))
    .values(opted_out_at=bindparam("b_at", type_=subscribers.c.opted_out_at.type), opt_out_reason=bindparam("b_reason"))
)


@cache
def _cool_down(dialect: str) -> Executable:
    among = subscribers.c.id.in_(select(given_rows(dialect, like(subscribers.c.id)).c.id))
    of_workspace = subscribers.c.workspace_id == bindparam("b_workspace")
    in_order = select(subscribers.c.id).where(of_workspace, among).order_by(subscribers.c.id).with_for_update()
    until = bindparam("b_until", type_=subscribers.c.next_eligible_at.type)
    longer = case((subscribers.c.next_eligible_at > until, subscribers.c.next_eligible_at), else_=until)
    return update(subscribers).where(of_workspace, subscribers.c.id.in_(in_order)).values(next_eligible_at=longer)


async def insert_new(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Adds subscribers; a token already there is left as it is."""
    await tx.execute_many(_insert, new)


async def place(tx: Transaction, placements: Sequence[Mapping[str, Any]]) -> None:
    """Notes which audiences subscribers belong to."""
    if placements:
        await tx.execute_many(_place, placements)


async def see(tx: Transaction, seen: Sequence[Mapping[str, Any]]) -> None:
    """Notes that a sync listed these subscribers, and what it said of them."""
    if seen:
        await tx.execute_many(_see, seen)


async def set_opt_out(
    tx: Transaction, workspace_id: str, subscriber_ids: Sequence[str], *, at: int | None, reason: str | None
) -> None:
    """Opts subscribers out (`at` given) or lifts their opt-out (`at` None)."""
    changes = [{"b_workspace": workspace_id, "b_id": each, "b_at": at, "b_reason": reason} for each in sorted(subscriber_ids)]
    if changes:
        await tx.execute_many(_change, changes)


async def start_cool_down(tx: Transaction, workspace_id: str, subscriber_ids: Sequence[str], until: int) -> None:
    """No marketing message to these before `until`; a longer wait that Meta told of stays."""
    if subscriber_ids:
        people = give([{"id": each} for each in subscriber_ids])
        await tx.execute(_cool_down(tx.dialect), {"b_workspace": workspace_id, "b_until": until, **people})


def _missing(workspace_id: str, page_id: str, sync_number: int) -> ColumnElement[bool]:
    """Open tokens that a complete list lacked."""
    return and_(
        subscribers.c.workspace_id == workspace_id,
        subscribers.c.page_id == page_id,
        subscribers.c.seen_in < sync_number,
        subscribers.c.opted_out_at.is_(None),
    )


def _visible() -> ColumnElement[bool]:
    """Whether nothing can hide a token: none of its audiences is below the threshold, unknown, deleted, or not ours."""
    placed = (
        select(literal(1))
        .select_from(subscriber_audiences.join(audiences, _same_audience()))
        .where(
            subscriber_audiences.c.workspace_id == subscribers.c.workspace_id,
            subscriber_audiences.c.subscriber_id == subscribers.c.id,
        )
    )
    small = or_(audiences.c.lower.is_(None), audiences.c.upper.is_(None), audiences.c.lower < VISIBLE_MATCHES)
    hidden = placed.where(or_(small, audiences.c.state != Audience.READY.value)).exists()
    from_elsewhere = and_(subscribers.c.source == Source.LIST.value, ~placed.exists())
    return and_(~hidden, ~from_elsewhere)


async def is_any_missing(tx: Transaction, workspace_id: str, page_id: str, sync_number: int) -> bool:
    """Whether a complete list lacked an open token."""
    query = select(literal(1)).select_from(subscribers).where(_missing(workspace_id, page_id, sync_number)).limit(1)
    return await tx.fetch_one(query) is not None


async def count_misses(tx: Transaction, workspace_id: str, page_id: str, sync_number: int) -> None:
    """After a complete list: one more miss for every open token it lacked, unless it may be hidden rather than gone."""
    missed = and_(_missing(workspace_id, page_id, sync_number), _visible())
    await tx.execute(update(subscribers).where(missed).values(misses=subscribers.c.misses + 1))


async def find_vanished(tx: Transaction, workspace_id: str, page_id: str, sync_number: int, limit: int) -> list[str]:
    """Up to `limit` ids of those missing from as many lists as it takes, locked."""
    often = and_(_missing(workspace_id, page_id, sync_number), subscribers.c.misses >= VANISHED_AFTER, _visible())
    gone = select(subscribers.c.id).where(often).order_by(subscribers.c.id).limit(limit)
    return [row["id"] for row in await tx.fetch_all(gone.with_for_update(of=[subscribers]))]


def _same_audience() -> ColumnElement[bool]:
    return and_(
        audiences.c.workspace_id == subscriber_audiences.c.workspace_id, audiences.c.id == subscriber_audiences.c.audience_id
    )


async def list_subscribers(
    tx: Transaction, workspace_id: str, *, page_id: str | None, after: str | None, limit: int, opted_out: bool | None = None
) -> list[Row]:
    """Subscribers, newest first."""
    query = rows.page_of(subscribers, workspace_id, after=after, limit=limit)
    if page_id is not None:
        query = query.where(subscribers.c.page_id == page_id)
    if opted_out is not None:
        query = query.where(subscribers.c.opted_out_at.is_not(None) if opted_out else subscribers.c.opted_out_at.is_(None))
    return await tx.fetch_all(query)


async def count_by_source(tx: Transaction, workspace_id: str, page_id: str) -> dict[str, dict[str, int]]:
    """Subscribers of a Page by source, each as {"open", "opted_out"}."""
    out = case((subscribers.c.opted_out_at.is_(None), 0), else_=1)
    query = (
        select(subscribers.c.source, func.count().label("n"), func.sum(out).label("out"))
        .where(subscribers.c.workspace_id == workspace_id, subscribers.c.page_id == page_id)
        .group_by(subscribers.c.source)
    )
    return {row["source"]: {"open": row["n"] - row["out"], "opted_out": row["out"]} for row in await tx.fetch_all(query)}


async def open_among(tx: Transaction, workspace_id: str, subscriber_ids: Sequence[str]) -> list[str]:
    """Those of the subscribers that are not opted out, locked."""
    query = select(subscribers.c.id).where(
        subscribers.c.workspace_id == workspace_id, subscribers.c.id.in_(subscriber_ids), subscribers.c.opted_out_at.is_(None)
    )
    return [row["id"] for row in await tx.fetch_all(query.order_by(subscribers.c.id).with_for_update())]
