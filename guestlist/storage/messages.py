"""Statements about messages, their deliveries, parts and attempts. Claims and changes go in bulk, a statement a kind of row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.messages import AddressKind
from guestlist.domain.states import Delivery, MessageState

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import accounts, addresses, attempts, contacts, deliveries, message_requests, messages, parts, receipts
from .rows import page_of
from .tables import pages

PartKey: TypeAlias = tuple[str, int]
"""A part: its delivery's id and its number there."""

PART_KEY = ("workspace_id", "delivery_id", "number")
PROVIDER_KEY = ("workspace_id", "account_id", "provider_id")
ID_KEY = ("workspace_id", "id")

PART_COLUMNS = (
    "state", "reason", "provider_id", "attempts", "fence", "due_at",
    "claimed_at", "called_at", "sent_at", "delivered_at", "read_at",
)  # fmt: skip
DELIVERY_COLUMNS = ("state", "reason", "awaiting", "route", "sent_at", "delivered_at", "read_at")
MESSAGE_COLUMNS = ("state", "reason", "channel", "rule", "due_at", "sent_at", "delivered_at", "read_at", "ended_at")
"""What changes of each after it was inserted."""

NO_ACCOUNT = (AddressKind.PHONE.value, AddressKind.EMAIL.value)


# -- insert and change in bulk --------------------------------------------------------------------------------------


async def insert_rows(tx: Transaction, table: Table, new: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows of one of these tables; all of them hold the same columns."""
    if new:
        await tx.execute_many(_insert(table), new)


@cache
def _insert(table: Table) -> Executable:
    return insert(table)


async def change_parts(tx: Transaction, changed: Sequence[Mapping[str, Any]]) -> None:
    """Writes the changing columns of parts whose message the caller has locked."""
    if changed:
        await tx.execute(_change(tx.dialect, parts, PART_KEY, PART_COLUMNS), give(_only(changed, PART_KEY, PART_COLUMNS)))


async def change_deliveries(tx: Transaction, changed: Sequence[Mapping[str, Any]]) -> None:
    """Writes the changing columns of deliveries whose message the caller has locked."""
    if changed:
        await tx.execute(
            _change(tx.dialect, deliveries, ID_KEY, DELIVERY_COLUMNS), give(_only(changed, ID_KEY, DELIVERY_COLUMNS))
        )


async def change_messages(tx: Transaction, changed: Sequence[Mapping[str, Any]]) -> None:
    """Writes the changing columns of messages the caller has locked."""
    if changed:
        await tx.execute(_change(tx.dialect, messages, ID_KEY, MESSAGE_COLUMNS), give(_only(changed, ID_KEY, MESSAGE_COLUMNS)))


def _only(changed: Sequence[Mapping[str, Any]], *names: Sequence[str]) -> list[dict[str, Any]]:
    wanted = [name for group in names for name in group]
    return [{name: row[name] for name in wanted} for row in changed]


@cache
def _change(dialect: str, table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Update:
    given = given_rows(dialect, *(like(table.c[name]) for name in (*key, *columns)))
    same = and_(*(table.c[name] == given.c[name] for name in key))
    return update(table).where(same).values({name: given.c[name] for name in columns})


async def write_bodies(tx: Transaction, changed: Sequence[Mapping[str, Any]]) -> None:
    """Writes anew what parts will send: their way changed before the call. Shape: the key and `body`."""
    if changed:
        await tx.execute(_change(tx.dialect, parts, PART_KEY, ("body",)), give(_only(changed, PART_KEY, ("body",))))


async def log_attempts(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Keeps tries for the timeline; one written twice is kept once."""
    if new:
        await tx.execute_many(_attempt, new)


_attempt = upsert(attempts).on_conflict_do_nothing()


async def write_route(tx: Transaction, workspace_id: str, delivery_id: str, route: str) -> None:
    """Notes that a delivery goes another way than it was opened for."""
    same = (deliveries.c.workspace_id == workspace_id, deliveries.c.id == delivery_id)
    await tx.execute(update(deliveries).where(*same).values(route=route))


# -- read, for a change ---------------------------------------------------------------------------------------------


async def lock_messages(tx: Transaction, workspace_id: str, ids: Iterable[str]) -> list[Row]:
    """The messages of these ids, whole, locked in the order of ids: whoever changes what is below a message locks it first."""
    wanted = _ids(workspace_id, ids)
    return await tx.fetch_all(_of_ids(tx.dialect, messages, "id", lock=True), give(wanted)) if wanted else []


async def deliveries_of(tx: Transaction, workspace_id: str, message_ids: Iterable[str]) -> list[Row]:
    """The deliveries of these messages, in the order of their rules."""
    wanted = _ids(workspace_id, message_ids)
    return await tx.fetch_all(_of_ids(tx.dialect, deliveries, "message_id", order="rule"), give(wanted)) if wanted else []


async def parts_of(tx: Transaction, workspace_id: str, delivery_ids: Iterable[str], *, lock: bool = False) -> list[Row]:
    """The parts of these deliveries in order, without their bodies. Whoever is about to change them locks them: the last check
    before a call marks parts without their message."""
    wanted = _ids(workspace_id, delivery_ids)
    if not wanted:
        return []
    return await tx.fetch_all(_of_ids(tx.dialect, parts, "delivery_id", order="number", leave="body", lock=lock), give(wanted))


async def attempts_of(tx: Transaction, workspace_id: str, delivery_ids: Iterable[str]) -> list[Row]:
    """The attempts of these deliveries, in order."""
    wanted = _ids(workspace_id, delivery_ids)
    return await tx.fetch_all(_of_ids(tx.dialect, attempts, "delivery_id", order="part, number"), give(wanted)) if wanted else []


async def receipts_of(tx: Transaction, workspace_id: str, message_ids: Iterable[str]) -> list[Row]:
    """What providers reported of these messages, as it came in."""
    wanted = _ids(workspace_id, message_ids)
    return await tx.fetch_all(_of_ids(tx.dialect, receipts, "message_id", order="at"), give(wanted)) if wanted else []


@cache
def _of_ids(dialect: str, table: Table, name: str, *, order: str = "", leave: str = "", lock: bool = False) -> Executable:
    given = given_rows(dialect, like(table.c.workspace_id), like(messages.c.id))
    same = and_(table.c.workspace_id == given.c.workspace_id, table.c[name] == given.c.id)
    orders = [table.c[name], *(table.c[each.strip()] for each in order.split(",") if each)]
    query = select(*(column for column in table.c if column.name != leave)).join(given, same).order_by(*orders)
    return query.with_for_update(of=[table]) if lock else query


def _ids(workspace_id: str, ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"workspace_id": workspace_id, "id": each} for each in dict.fromkeys(ids)]


async def message_ids_of(tx: Transaction, workspace_id: str, delivery_ids: Iterable[str]) -> dict[str, str]:
    """Delivery -> message."""
    wanted = _ids(workspace_id, delivery_ids)
    found = await tx.fetch_all(_of_ids(tx.dialect, deliveries, "id"), give(wanted)) if wanted else []
    return {row["id"]: row["message_id"] for row in found}


# -- claim ----------------------------------------------------------------------------------------------------------


def _whole() -> Any:
    """Parts with their delivery and message."""
    of_delivery = and_(deliveries.c.workspace_id == parts.c.workspace_id, deliveries.c.id == parts.c.delivery_id)
    of_message = and_(messages.c.workspace_id == deliveries.c.workspace_id, messages.c.id == deliveries.c.message_id)
    return parts.join(deliveries, of_delivery).join(messages, of_message)


def _is_address() -> ColumnElement[bool]:
    """The address row of a delivery. A phone that Messenger is asked to match is no address of Messenger's."""
    account = case((deliveries.c.address_kind.in_(NO_ACCOUNT), ""), else_=deliveries.c.account_id)
    return and_(
        addresses.c.workspace_id == deliveries.c.workspace_id,
        addresses.c.channel == deliveries.c.channel,
        addresses.c.account_id == account,
        addresses.c.kind == deliveries.c.address_kind,
        addresses.c.value == deliveries.c.address,
    )


def _is_contact() -> ColumnElement[bool]:
    return and_(contacts.c.workspace_id == messages.c.workspace_id, contacts.c.id == messages.c.contact_id)


def _is_request() -> ColumnElement[bool]:
    return and_(
        message_requests.c.workspace_id == deliveries.c.workspace_id,
        message_requests.c.account_id == deliveries.c.account_id,
        message_requests.c.phone == deliveries.c.address,
        deliveries.c.address_kind == AddressKind.PHONE.value,
        deliveries.c.channel == "messenger",
    )


_DUE = (
    select(
        *(parts.c[name] for name in (*PART_KEY, "account_id", "body", *PART_COLUMNS)),
        deliveries.c.message_id, deliveries.c.rule, deliveries.c.channel, deliveries.c.address_kind, deliveries.c.address,
        deliveries.c.route, deliveries.c.parts, messages.c.draft, messages.c.contact_id, messages.c.state.label("message_state"),
        addresses.c.opened_at, addresses.c.opted_out_at, contacts.c.deleted_at, message_requests.c.state.label("request"),
    )
    .select_from(
        _whole().outerjoin(addresses, _is_address()).outerjoin(contacts, _is_contact()).outerjoin(message_requests, _is_request())
    )
    .order_by(parts.c.due_at, parts.c.delivery_id)
    .with_for_update(of=[messages, parts], skip_locked=True)
)  # fmt: skip
_OF_LANE = (parts.c.workspace_id == bindparam("b_workspace"), parts.c.account_id == bindparam("b_account"))
_CLAIM = _DUE.where(
    *_OF_LANE, parts.c.due_at <= bindparam("b_now"), parts.c.state == Delivery.QUEUED.value
).limit(bindparam("b_limit"))  # fmt: skip


async def due_parts(tx: Transaction, workspace_id: str, account_id: str, now: int, limit: int) -> list[Row]:
    """Parts of an account whose time has come, with all that is asked at hand-over. They and their messages are locked; what
    somebody else holds at this moment is skipped."""
    return await tx.fetch_all(_CLAIM, {"b_workspace": workspace_id, "b_account": account_id, "b_now": now, "b_limit": limit})


_NEXT_DUE = select(func.min(parts.c.due_at).label("at")).where(*_OF_LANE, parts.c.due_at.is_not(None))


async def next_due(tx: Transaction, workspace_id: str, account_id: str) -> int | None:
    """When the next part of an account is due; None when none waits."""
    row = await tx.fetch_one(_NEXT_DUE, {"b_workspace": workspace_id, "b_account": account_id})
    return None if row is None else row["at"]


async def mark_called(tx: Transaction, workspace_id: str, keys: Sequence[PartKey], fence: int, at: int) -> set[PartKey]:
    """Notes that the calls for these parts are about to be made; from here on they are in doubt.

    The parts that were marked: those we still hold, of a connected account, whose message was neither cancelled nor has
    expired, to somebody who has neither opted out nor been deleted.
    """
    marked = await tx.fetch_all(_call(tx.dialect), {"b_fence": fence, "b_at": at, **_give_parts(workspace_id, keys)})
    return {(row["delivery_id"], row["number"]) for row in marked}


@cache
def _call(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(parts.c[name]) for name in PART_KEY))
    at = bindparam("b_at", type_=parts.c.called_at.type)
    of_delivery = and_(deliveries.c.workspace_id == parts.c.workspace_id, deliveries.c.id == parts.c.delivery_id)
    of_message = and_(messages.c.workspace_id == deliveries.c.workspace_id, messages.c.id == deliveries.c.message_id)
    may_go = (
        select(literal(1))
        .select_from(deliveries.join(messages, of_message))
        .where(
            of_delivery,
            messages.c.state != literal_column(f"'{MessageState.CANCELLED.value}'"),
            or_(messages.c.expires_at.is_(None), messages.c.expires_at > at),
            ~exists().where(_is_address(), addresses.c.opted_out_at.is_not(None)),
            ~exists().where(_is_contact(), contacts.c.deleted_at.is_not(None)),
        )
        .correlate(parts)
    )
    connected = [
        exists().where(each.c.workspace_id == parts.c.workspace_id, each.c.id == parts.c.account_id, each.c.state == "connected")
        for each in (pages, accounts)
    ]
    return (
        update(parts)
        .where(
            *(parts.c[name] == given.c[name] for name in PART_KEY),
            parts.c.state == Delivery.SENDING.value,
            parts.c.fence == bindparam("b_fence"),
            may_go.exists(),
            or_(*connected),
        )
        .values(called_at=at)
        .returning(parts.c.delivery_id, parts.c.number)
    )


async def claimed_parts(tx: Transaction, workspace_id: str, keys: Sequence[PartKey], fence: int) -> list[Row]:
    """Those of the parts that we still hold, locked with their messages, as a claim reads them."""
    return await tx.fetch_all(_claimed(tx.dialect), {"b_fence": fence, **_give_parts(workspace_id, keys)})


@cache
def _claimed(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(parts.c[name]) for name in PART_KEY))
    same = (parts.c[name] == given.c[name] for name in PART_KEY)
    waiting = _DUE.with_for_update(of=[messages, parts])
    return waiting.where(*same, parts.c.state == Delivery.SENDING.value, parts.c.fence == bindparam("b_fence"))


_ABANDONED = (
    select(parts.c.delivery_id, parts.c.number, deliveries.c.message_id)
    .select_from(_whole())
    .where(*_OF_LANE, parts.c.state == literal_column(f"'{Delivery.SENDING.value}'"), parts.c.fence < bindparam("b_fence"))
    .order_by(deliveries.c.message_id)
    .limit(bindparam("b_limit"))
)


async def abandoned_parts(tx: Transaction, workspace_id: str, account_id: str, fence: int, limit: int) -> list[Row]:
    """Parts of an account claimed under an older fence: their owner died. Shape: delivery_id, number, message_id."""
    return await tx.fetch_all(
        _ABANDONED, {"b_workspace": workspace_id, "b_account": account_id, "b_fence": fence, "b_limit": limit}
    )


def _give_parts(workspace_id: str, keys: Sequence[PartKey]) -> dict[str, str]:
    return give([dict(zip(PART_KEY, (workspace_id, *key), strict=True)) for key in keys])


ONE_MESSAGE = (AddressKind.COMMENT, AddressKind.POST, AddressKind.USER_REF)
"""Addresses that take a single message."""


async def first_deliveries(tx: Transaction, workspace_id: str, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """For each (account, address) that takes one message only: the first delivery to it that has not failed."""
    wanted = [{"workspace_id": workspace_id, "account_id": account, "address": address} for account, address in places]
    found = await tx.fetch_all(_first(tx.dialect), give(wanted)) if wanted else []
    return {(row["account_id"], row["address"]): row["id"] for row in found}


@cache
def _first(dialect: str) -> Executable:
    key = (deliveries.c.workspace_id, deliveries.c.account_id, deliveries.c.address)
    given = given_rows(dialect, *map(like, key))
    same = and_(*(column == given.c[column.name] for column in key))
    failed = (Delivery.FAILED.value, Delivery.EXPIRED.value)
    return (
        select(deliveries.c.account_id, deliveries.c.address, func.min(deliveries.c.id).label("id"))
        .join(given, same)
        .where(deliveries.c.address_kind.in_([kind.value for kind in ONE_MESSAGE]), deliveries.c.state.not_in(failed))
        .group_by(deliveries.c.account_id, deliveries.c.address)
    )


# -- timers ---------------------------------------------------------------------------------------------------------

_TIMERS = (
    select(messages.c.id)
    .where(messages.c.workspace_id == bindparam("b_workspace"), messages.c.due_at <= bindparam("b_now"))
    .order_by(messages.c.due_at)
    .limit(bindparam("b_limit"))
    .with_for_update(skip_locked=True)
)


async def due_messages(tx: Transaction, workspace_id: str, now: int, limit: int) -> list[str]:
    """Messages with a step due that is not a provider call, locked; what somebody else holds at this moment is skipped."""
    found = await tx.fetch_all(_TIMERS, {"b_workspace": workspace_id, "b_now": now, "b_limit": limit})
    return [row["id"] for row in found]


_NEXT_TIMER = select(func.min(messages.c.due_at).label("at")).where(messages.c.workspace_id == bindparam("b_workspace"))


async def next_timer(tx: Transaction, workspace_id: str) -> int | None:
    """When the next message of the workspace has a step due."""
    row = await tx.fetch_one(_NEXT_TIMER.where(messages.c.due_at.is_not(None)), {"b_workspace": workspace_id})
    return None if row is None else row["at"]


# -- receipts -------------------------------------------------------------------------------------------------------


async def find_parts(tx: Transaction, workspace_id: str, account_id: str, provider_ids: Sequence[str]) -> list[Row]:
    """The parts a provider knows by these ids. Shape: message_id, delivery_id, number, provider_id."""
    given = [
        {"workspace_id": workspace_id, "account_id": account_id, "provider_id": each} for each in dict.fromkeys(provider_ids)
    ]
    return await tx.fetch_all(_reported_as(tx.dialect, *PROVIDER_KEY), give(given)) if given else []


async def find_parts_by_id(tx: Transaction, workspace_id: str, keys: Sequence[PartKey]) -> list[Row]:
    """The parts of these keys, in the same shape."""
    return await tx.fetch_all(_reported_as(tx.dialect, *PART_KEY), _give_parts(workspace_id, keys)) if keys else []


@cache
def _reported_as(dialect: str, *key: str) -> Executable:
    given = given_rows(dialect, *(like(parts.c[name]) for name in key))
    return _reported().join(given, and_(*(parts.c[name] == given.c[name] for name in key)))


async def find_parts_up_to(tx: Transaction, workspace_id: str, account_id: str, address: str, at: int) -> list[Row]:
    """The parts that had left to an address by an instant and are not read yet, in the same shape.

    Two statements, so that no planner begins with the parts of the whole workspace.
    """
    unread = select(deliveries.c.id, deliveries.c.message_id).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.account_id == account_id,
        deliveries.c.address == address,
        deliveries.c.read_at.is_(None),
    )
    message_of = {row["id"]: row["message_id"] for row in await tx.fetch_all(unread)}
    left = [row for row in await parts_of(tx, workspace_id, message_of) if row["read_at"] is None]
    return [
        {**row, "message_id": message_of[row["delivery_id"]]}
        for row in left
        if row["sent_at"] is not None and row["sent_at"] <= at
    ]


def _reported() -> Select[Any]:
    return select(deliveries.c.message_id, parts.c.delivery_id, parts.c.number, parts.c.provider_id).select_from(_whole())


async def insert_receipts(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Keeps what was reported; what was reported before stays as it first came."""
    if new:
        await tx.execute_many(_receipt, new)


_receipt = upsert(receipts).on_conflict_do_nothing()


# -- listings -------------------------------------------------------------------------------------------------------


async def list_messages(
    tx: Transaction,
    workspace_id: str,
    *,
    filters: Mapping[str, str | None],
    after: str | None,
    limit: int,
) -> list[Row]:
    """Messages, newest first, from below the cursor. `filters`: contact_id, state, channel, batch_id; None = any."""
    query = page_of(messages, workspace_id, after=after, limit=limit)
    return await tx.fetch_all(query.where(*(messages.c[name] == value for name, value in filters.items() if value is not None)))


async def redact(tx: Transaction, workspace_id: str, message_id: str, *, draft: str, at: int) -> None:
    """Empties what a message says and whom it names, in the message and in its parts, and drops its provider's sentences."""
    await tx.execute(
        update(messages)
        .where(messages.c.workspace_id == workspace_id, messages.c.id == message_id)
        .values(draft=draft, redacted_at=at)
    )
    its = select(deliveries.c.id).where(deliveries.c.workspace_id == workspace_id, deliveries.c.message_id == message_id)
    await tx.execute(update(parts).where(parts.c.workspace_id == workspace_id, parts.c.delivery_id.in_(its)).values(body="{}"))
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.workspace_id == workspace_id, deliveries.c.message_id == message_id)
        .values(address="")
    )
