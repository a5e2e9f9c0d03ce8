"""Statements about conversations and what people said in them: kept in bulk, once each, and listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, and_, bindparam, case, column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from . import rows
from .base import Row, Transaction
from .contacts import ADDRESS_KEY, Place
from .given import give, given_rows, like
from .messaging_tables import addresses, contacts, conversations, replies

PROVIDER_KEY = ("workspace_id", "account_id", "provider_id")
THREAD_KEY = ("workspace_id", "contact_id", "account_id")


# -- what was said --------------------------------------------------------------------------------------------------


async def find_known(tx: Transaction, workspace_id: str, account_id: str, provider_ids: Iterable[str]) -> set[str]:
    """Those of the providers' ids under which a reply is kept already."""
    given = [dict(zip(PROVIDER_KEY, (workspace_id, account_id, each), strict=True)) for each in dict.fromkeys(provider_ids)]
    if not given:
        return set()
    return {row["provider_id"] for row in await tx.fetch_all(_known(tx.dialect), give(given))}


@cache
def _known(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(replies.c[name]) for name in PROVIDER_KEY))
    return select(replies.c.provider_id).join(given, and_(*(replies.c[name] == given.c[name] for name in PROVIDER_KEY)))


async def insert_replies(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Keeps replies. One that is kept already changes nothing."""
    if new:
        await tx.execute_many(_insert_reply, new)


_insert_reply = upsert(replies).on_conflict_do_nothing()


async def replies_of(tx: Transaction, workspace_id: str, ids: Sequence[str]) -> list[Row]:
    """The replies of these ids."""
    if not ids:
        return []
    return await tx.fetch_all(select(replies).where(replies.c.workspace_id == workspace_id, replies.c.id.in_(ids)))


async def redact_replies(tx: Transaction, workspace_id: str, contact_id: str, *, at: int) -> int:
    """Empties what a contact said; how many replies had something."""
    same = (replies.c.workspace_id == workspace_id, replies.c.contact_id == contact_id, replies.c.redacted_at.is_(None))
    return await tx.execute(update(replies).where(*same).values(content="{}", redacted_at=at))


# -- windows and profiles -------------------------------------------------------------------------------------------


async def open_windows(tx: Transaction, workspace_id: str, opened: Mapping[Place, int]) -> None:
    """Notes when people last did something that opens the window; an earlier instant changes nothing."""
    if opened:
        await tx.execute(_open(tx.dialect), give(_places(workspace_id, opened, "opened_at")))


@cache
def _open(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(addresses.c[name]) for name in ADDRESS_KEY), column("opened_at", BigInteger()))
    later = or_(addresses.c.opened_at.is_(None), addresses.c.opened_at < given.c.opened_at)
    return update(addresses).where(_same_place(given), later).values(opened_at=given.c.opened_at)


async def want_profiles(tx: Transaction, workspace_id: str, places: Iterable[Place], *, now: int, older_than: int) -> int:
    """Makes profiles due that were never asked, or last before an instant; how many."""
    due = dict.fromkeys(places, now)
    if not due:
        return 0
    return await tx.execute(_want(tx.dialect), {"older_than": older_than, **give(_places(workspace_id, due, "due_at"))})


@cache
def _want(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(addresses.c[name]) for name in ADDRESS_KEY), column("due_at", BigInteger()))
    old = or_(contacts.c.profiled_at.is_(None), contacts.c.profiled_at < bindparam("older_than", type_=BigInteger()))
    of_contact = and_(contacts.c.workspace_id == addresses.c.workspace_id, contacts.c.id == addresses.c.contact_id)
    stale = select(contacts.c.id).where(of_contact, old).correlate(addresses).exists()
    return update(addresses).where(_same_place(given), addresses.c.due_at.is_(None), stale).values(due_at=given.c.due_at)


def _places(workspace_id: str, instants: Mapping[Place, int], name: str) -> list[dict[str, Any]]:
    return [
        {
            **dict(zip(ADDRESS_KEY, (workspace_id, place.channel, place.account_id, place.kind, place.value), strict=True)),
            name: at,
        }
        for place, at in instants.items()
    ]


def _same_place(given: Any) -> Any:
    return and_(*(addresses.c[name] == given.c[name] for name in ADDRESS_KEY))


# -- conversations --------------------------------------------------------------------------------------------------


async def find_conversations(tx: Transaction, workspace_id: str, account_id: str, contact_ids: Iterable[str]) -> dict[str, str]:
    """The conversations of contacts with an account: ids by contact."""
    given = [dict(zip(THREAD_KEY, (workspace_id, each, account_id), strict=True)) for each in dict.fromkeys(contact_ids)]
    if not given:
        return {}
    return {row["contact_id"]: row["id"] for row in await tx.fetch_all(_threads(tx.dialect), give(given))}


@cache
def _threads(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(conversations.c[name]) for name in THREAD_KEY))
    same = and_(*(conversations.c[name] == given.c[name] for name in THREAD_KEY))
    return select(conversations.c.contact_id, conversations.c.id).join(given, same)


async def add_conversations(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Opens conversations; one that is there stays: read `find_conversations` afterwards."""
    if new:
        await tx.execute_many(upsert(conversations).on_conflict_do_nothing(), new)


async def note_said(tx: Transaction, said: Sequence[Mapping[str, Any]]) -> None:
    """Counts what came in. Shape: workspace_id, id, unread (to add), last_in_at and last_out_at or None."""
    if said:
        await tx.execute(_note(tx.dialect), give(said))


@cache
def _note(dialect: str) -> Executable:
    names = ("workspace_id", "id", "unread", "last_in_at", "last_out_at")
    given = given_rows(dialect, *(like(conversations.c[name]) for name in names))
    same = and_(conversations.c.workspace_id == given.c.workspace_id, conversations.c.id == given.c.id)
    values: dict[Any, Any] = {conversations.c.unread: conversations.c.unread + given.c.unread}
    for name in ("last_in_at", "last_out_at"):
        old, new = conversations.c[name], given.c[name]
        values[old] = case((new.is_(None), old), (old.is_(None), new), (old < new, new), else_=old)
    return update(conversations).where(same).values(values)


async def list_conversations(
    tx: Transaction, workspace_id: str, *, filters: Mapping[str, str | None], unread: bool | None, after: str | None, limit: int
) -> list[Row]:
    """Conversations, newest first. `filters`: contact_id, account_id, channel; `unread` = only those with something unread."""
    query = rows.page_of(conversations, workspace_id, after=after, limit=limit)
    query = query.where(*(conversations.c[name] == value for name, value in filters.items() if value is not None))
    if unread is not None:
        query = query.where(conversations.c.unread > 0 if unread else conversations.c.unread == 0)
    return await tx.fetch_all(query)
