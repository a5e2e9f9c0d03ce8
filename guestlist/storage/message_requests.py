"""Statements about message requests: how far phone matching is with a phone on a Page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.messages import AddressKind, RequestState

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import addresses, contacts, deliveries, message_requests

KEY = ("workspace_id", "account_id", "phone")
OPEN = (RequestState.PENDING.value, RequestState.DECLINED.value)
"""States that an acceptance ends: a request that ran out may be accepted late."""


async def find_requests(tx: Transaction, workspace_id: str, wanted: Sequence[tuple[str, str]]) -> list[Row]:
    """The requests of these (Page, phone) pairs, as far as they exist."""
    if not wanted:
        return []
    given = [dict(zip(KEY, (workspace_id, *pair), strict=True)) for pair in wanted]
    return await tx.fetch_all(_find(tx.dialect), give(given))


@cache
def _find(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(message_requests.c[name]) for name in KEY))
    return select(message_requests).join(given, and_(*(message_requests.c[name] == given.c[name] for name in KEY)))


async def note_pending(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Notes that people were asked. Shape: workspace_id, account_id, phone, contact_id, asked_at. An accepted one stays so."""
    if not new:
        return
    asked = upsert(message_requests)
    accepted = message_requests.c.state == RequestState.ACCEPTED.value
    state = case((accepted, message_requests.c.state), else_=asked.excluded.state)
    kept = asked.on_conflict_do_update(index_elements=list(KEY), set_={"state": state})
    await tx.execute_many(kept, [{**row, "state": RequestState.PENDING.value} for row in new])


async def requests_of(tx: Transaction, workspace_id: str, account_id: str, contact_id: str) -> list[Row]:
    """The requests to one contact from a Page."""
    query = select(message_requests).where(*_on(workspace_id, account_id), message_requests.c.contact_id == contact_id)
    return await tx.fetch_all(query.order_by(message_requests.c.asked_at))


async def find_open(
    tx: Transaction, workspace_id: str, account_id: str, *, names: tuple[str, str] | None = None, limit: int = 2
) -> list[Row]:
    """Requests that may still be accepted, pending ones first, of people whose PSID on the Page is not known.

    `names` (first, last) = only of contacts of that name.
    """
    pending = case((message_requests.c.state == RequestState.PENDING.value, 0), else_=1)
    has_psid = exists().where(
        addresses.c.workspace_id == message_requests.c.workspace_id,
        addresses.c.contact_id == message_requests.c.contact_id,
        addresses.c.account_id == message_requests.c.account_id,
        addresses.c.kind == AddressKind.PSID.value,
    )
    of_contact = and_(contacts.c.workspace_id == message_requests.c.workspace_id, contacts.c.id == message_requests.c.contact_id)
    query = select(message_requests).join(contacts, of_contact)
    query = query.where(*_on(workspace_id, account_id), message_requests.c.state.in_(OPEN), ~has_psid)
    if names is not None:
        first, last = (name.lower() for name in names)
        query = query.where(func.lower(contacts.c.first_name) == first, func.lower(contacts.c.last_name) == last)
    return await tx.fetch_all(query.order_by(pending, message_requests.c.phone).limit(limit))


def _on(workspace_id: str, account_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return message_requests.c.workspace_id == workspace_id, message_requests.c.account_id == account_id


async def accept_request(tx: Transaction, row: Row, at: int) -> bool:
    """Notes that a request was accepted; whether that is news."""
    same = [message_requests.c[name] == row[name] for name in KEY]
    changed = update(message_requests).where(*same, message_requests.c.state != RequestState.ACCEPTED.value)
    return await tx.execute(changed.values(state=RequestState.ACCEPTED.value, accepted_at=at)) == 1


async def awaiting_deliveries(tx: Transaction, workspace_id: str, account_id: str, phone: str) -> list[Row]:
    """Deliveries that wait for the person behind a phone to accept. Shape: id, message_id."""
    query = select(deliveries.c.id, deliveries.c.message_id).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.account_id == account_id,
        deliveries.c.address == phone,
        deliveries.c.awaiting == 1,
    )
    return await tx.fetch_all(query)


async def end_requests(tx: Transaction, workspace_id: str, ended: Mapping[tuple[str, str], RequestState]) -> None:
    """What became of requests by (Page, phone): only one that was not made yet has no match or is refused, only one that
    waits is declined or known to have been made. Phones that no request is kept of are passed over."""
    for (account_id, phone), state in sorted(ended.items()):
        before = RequestState.PENDING if state is RequestState.DECLINED else RequestState.QUEUED
        same = (*_on(workspace_id, account_id), message_requests.c.phone == phone, message_requests.c.state == before.value)
        await tx.execute(update(message_requests).where(*same).values(state=state.value))
