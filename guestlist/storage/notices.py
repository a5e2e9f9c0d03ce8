"""Statements about notices: events on their way to endpoints, and the log of their tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import orjson
from sqlalchemy import (
    Integer,
    Text,
    Update,
    and_,
    bindparam,
    column,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.events import TEST, Event, family_of
from guestlist.domain.identifiers import check_cursor

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import endpoints, notice_tries, notices
from .tables import events

KEY = ("workspace_id", "endpoint_id", "id")
CHANGING = ("state", "attempts", "failures", "fence", "due_at", "status", "problem", "delivered_at")

Numbered: TypeAlias = Sequence[tuple[str, Event]]
"""Events with their ids."""


def notify_lane(workspace_id: str, endpoint_id: str) -> str:
    """The lane that tells an endpoint."""
    return f"notify:{workspace_id}:{endpoint_id}"


# -- fan out --------------------------------------------------------------------------------------------------------


async def fan_out(tx: Transaction, workspace_id: str, at: int, numbered: Numbered) -> set[str]:
    """Puts events on their way to every enabled endpoint that wants them; the lanes that may have something due."""
    told = await tx.fetch_all(_ENABLED, {"b_workspace": workspace_id})
    if not told:
        return set()
    given = {"b_workspace": workspace_id, "b_at": at, **give([_given(event_id, event) for event_id, event in numbered])}
    await tx.execute(_fan_out(tx.dialect), given)
    return {notify_lane(workspace_id, row["id"]) for row in told}


async def send_again(tx: Transaction, workspace_id: str, endpoint_id: str, at: int, numbered: Numbered) -> int:
    """Puts past events on their way to one endpoint, those it was told already too; how many it wants."""
    if not numbered:
        return 0
    given = {"b_workspace": workspace_id, "b_endpoint": endpoint_id, "b_at": at}
    return await tx.execute(_again(tx.dialect), {**given, **give([_given(event_id, event) for event_id, event in numbered])})


def _given(event_id: str, event: Event) -> dict[str, Any]:
    return {
        "id": event_id,
        "kind": f" {event.kind} ",
        "family": f" {family_of(event.kind)} ",
        "account": event.data.get("account_id") or "",
        "subject": event.subject,
    }


_ENABLED = select(endpoints.c.id).where(endpoints.c.workspace_id == bindparam("b_workspace"), endpoints.c.state == "enabled")
_NEW = ("workspace_id", "endpoint_id", "id", "event_id", "state", "due_at", "created_at")


def _wanted(dialect: str) -> Any:
    """The notices of the given events for the endpoints that want them. A notice has its event's tail, so it is made once."""
    names = ("id", "kind", "family", "account", "subject")
    given = given_rows(dialect, *(column(name, Text()) for name in names))
    holds = [func.replace(endpoints.c.kinds, given.c[name], "") != endpoints.c.kinds for name in ("kind", "family")]
    is_test = given.c.kind == f" {TEST} "
    in_scope = or_(endpoints.c.scope == "", endpoints.c.scope == given.c.account)
    values = (
        endpoints.c.workspace_id,
        endpoints.c.id,
        (literal("ntc_") + func.substr(given.c.id, 5)).label("notice_id"),
        given.c.id.label("event_id"),
        literal("pending").label("state"),
        bindparam("b_at", type_=notices.c.due_at.type).label("due_at"),
        bindparam("b_at", type_=notices.c.due_at.type).label("created_at"),
    )
    return (
        select(*values)
        .select_from(endpoints.join(given, true()))
        .where(
            endpoints.c.workspace_id == bindparam("b_workspace"),
            endpoints.c.state == "enabled",
            or_(
                and_(is_test, endpoints.c.id == given.c.subject),
                and_(~is_test, in_scope, or_(endpoints.c.kinds == "", *holds)),
            ),
        )
    )


@cache
def _fan_out(dialect: str) -> Executable:
    return upsert(notices).from_select(_NEW, _wanted(dialect)).on_conflict_do_nothing()


@cache
def _again(dialect: str) -> Executable:
    wanted = _wanted(dialect).where(endpoints.c.id == bindparam("b_endpoint"))
    fresh = upsert(notices).from_select(_NEW, wanted)
    begun = {"state": "pending", "failures": 0, "due_at": fresh.excluded.due_at}
    return fresh.on_conflict_do_update(index_elements=[notices.c[name] for name in KEY], set_=begun)


# -- the lane -------------------------------------------------------------------------------------------------------

_OF_ENDPOINT = (notices.c.workspace_id == bindparam("b_workspace"), notices.c.endpoint_id == bindparam("b_endpoint"))
_IS_EVENT = and_(events.c.workspace_id == notices.c.workspace_id, events.c.id == notices.c.event_id)
_DUE = (
    select(notices, events.c.kind, events.c.subject, events.c.data, events.c.at)
    .join(events, _IS_EVENT)
    .where(*_OF_ENDPOINT, notices.c.due_at <= bindparam("b_now"))
    .order_by(notices.c.due_at, notices.c.id)
    .limit(bindparam("b_limit"))
)


async def due_notices(tx: Transaction, workspace_id: str, endpoint_id: str, now: int, limit: int) -> list[Row]:
    """Notices of an endpoint whose time has come, with their events: kind, subject, data (JSON) and at."""
    return await tx.fetch_all(_DUE, {"b_workspace": workspace_id, "b_endpoint": endpoint_id, "b_now": now, "b_limit": limit})


_NEXT_DUE = select(func.min(notices.c.due_at).label("at")).where(*_OF_ENDPOINT, notices.c.due_at.is_not(None))


async def next_due(tx: Transaction, workspace_id: str, endpoint_id: str) -> int | None:
    """When the next notice of an endpoint is due; None when none waits."""
    row = await tx.fetch_one(_NEXT_DUE, {"b_workspace": workspace_id, "b_endpoint": endpoint_id})
    return None if row is None else row["at"]


async def settle_notices(tx: Transaction, settled: Sequence[Mapping[str, Any]]) -> None:
    """Writes what came of tries, as far as nobody has written since.

    Shape: the key, the changing columns, and `seen`, how many tries there were when this one began. A claim by a younger owner,
    or a try of its own, keeps an older owner's outcome out.
    """
    if settled:
        await tx.execute(_settle(tx.dialect), give(settled))


@cache
def _settle(dialect: str) -> Update:
    given = given_rows(dialect, *(like(notices.c[name]) for name in (*KEY, *CHANGING)), column("seen", Integer()))
    same = and_(*(notices.c[name] == given.c[name] for name in KEY))
    ours = and_(
        notices.c.state == literal_column("'pending'"),
        notices.c.attempts == given.c.seen,
        func.coalesce(notices.c.fence, 0) <= given.c.fence,
    )
    return update(notices).where(same, ours).values({name: given.c[name] for name in CHANGING})


async def drop_notices(tx: Transaction, workspace_id: str, endpoint_id: str, ids: Sequence[str]) -> None:
    """Removes notices of events that the endpoint's dialect does not have."""
    if ids:
        await tx.execute(delete(notices).where(*_of(workspace_id, endpoint_id), notices.c.id.in_(list(ids))))


async def log_tries(tx: Transaction, tries: Sequence[Mapping[str, Any]]) -> None:
    """Keeps tries for the log; one written twice is kept once."""
    if tries:
        await tx.execute_many(_try, tries)


_try = upsert(notice_tries).on_conflict_do_nothing()


async def fail_pending(tx: Transaction, workspace_id: str, endpoint_id: str, problem: str) -> int:
    """Ends what still waits for an endpoint; how many."""
    ended = {"state": "failed", "due_at": None, "problem": problem}
    pending = update(notices).where(*_of(workspace_id, endpoint_id), notices.c.state == "pending")
    return await tx.execute(pending.values(**ended))


def _of(workspace_id: str, endpoint_id: str) -> tuple[Any, ...]:
    return (notices.c.workspace_id == workspace_id, notices.c.endpoint_id == endpoint_id)


# -- people ---------------------------------------------------------------------------------------------------------

_TOLD = select(notices, events.c.kind, events.c.subject, events.c.data, events.c.at).join(events, _IS_EVENT)


async def list_notices(
    tx: Transaction, workspace_id: str, endpoint_id: str, *, state: str | None, after: str | None, limit: int
) -> list[Row]:
    """Notices of an endpoint with their events, newest first, from below the cursor."""
    query = _TOLD.where(*_of(workspace_id, endpoint_id)).order_by(notices.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(notices.c.state == state)
    return await tx.fetch_all(query if after is None else query.where(notices.c.id < check_cursor(after, "ntc")))


async def find_notice(tx: Transaction, workspace_id: str, endpoint_id: str, notice_id: str) -> Row | None:
    """One notice with its event."""
    return await tx.fetch_one(_TOLD.where(*_of(workspace_id, endpoint_id), notices.c.id == notice_id))


async def tries_of(tx: Transaction, workspace_id: str, endpoint_id: str, notice_id: str) -> list[Row]:
    """The tries of a notice, in order."""
    same = (notice_tries.c.workspace_id == workspace_id, notice_tries.c.endpoint_id == endpoint_id)
    query = select(notice_tries).where(*same, notice_tries.c.notice_id == notice_id)
    return await tx.fetch_all(query.order_by(notice_tries.c.number))


async def begin_again(tx: Transaction, workspace_id: str, endpoint_id: str, at: int, *, notice_id: str | None = None) -> int:
    """Makes one notice, whatever became of it, or all that are given up due from the beginning of the schedule; how many."""
    which = notices.c.state == "failed" if notice_id is None else notices.c.id == notice_id
    again = update(notices).where(*_of(workspace_id, endpoint_id), which)
    return await tx.execute(again.values(state="pending", failures=0, due_at=at))


async def events_between(tx: Transaction, workspace_id: str, *, after: str, before: str, limit: int) -> list[tuple[str, Event]]:
    """Events whose ids lie between the two, oldest first. Ids grow with time."""
    query = select(events).where(events.c.workspace_id == workspace_id, events.c.id > after, events.c.id < before)
    found = await tx.fetch_all(query.order_by(events.c.id).limit(limit))
    return [(row["id"], Event(row["kind"], row["subject"], orjson.loads(row["data"]))) for row in found]


# -- tidy -----------------------------------------------------------------------------------------------------------


async def drop_old_notices(tx: Transaction, workspace_id: str, endpoint_id: str, before: str, limit: int) -> int:
    """Drops up to `limit` notices below an id that wait no longer, with their tries; how many. Ids grow with time."""
    ended = (*_of(workspace_id, endpoint_id), notices.c.id < before, notices.c.state != "pending")
    old = [row["id"] for row in await tx.fetch_all(select(notices.c.id).where(*ended).order_by(notices.c.id).limit(limit))]
    if not old:
        return 0
    same = (notice_tries.c.workspace_id == workspace_id, notice_tries.c.endpoint_id == endpoint_id)
    await tx.execute(delete(notice_tries).where(*same, notice_tries.c.notice_id.in_(old)))
    return await tx.execute(delete(notices).where(*_of(workspace_id, endpoint_id), notices.c.id.in_(old)))
