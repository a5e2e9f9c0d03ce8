"""What one account sees: the people it knows, and the messages between it and each of them. For doors that list by account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guestlist.errors import NotFoundError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messages as message_rows
from guestlist.storage import replies as reply_rows
from guestlist.storage import threads as thread_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.senders import Account, find_account

from .base import Services


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a listing. Units: `since` (from it on) and `until` (before it) are milliseconds."""

    offset: int = 0
    limit: int = 50
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of a thread: a message of ours with its deliveries, or a reply."""

    message: Row | None = None
    deliveries: Sequence[Row] = ()
    reply: Row | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A contact with their addresses, newest first, and when they last spoke to the account (ms)."""

    row: Row
    addresses: Sequence[Row] = field(default=(), repr=False)
    last_said_at: int | None = None


async def list_accounts(services: Services, workspace_id: str) -> list[Account]:
    """Every Page and account of the workspace with its whole row, oldest first."""
    return await services.db.read(lambda tx: thread_rows.read_whole_accounts(tx, workspace_id))


async def get_account(services: Services, workspace_id: str, account_id: str) -> Account:
    """One of them, by our id. Errors: NotFoundError."""
    account = await services.db.read(lambda tx: find_account(tx, workspace_id, account_id))
    if account is None:
        raise NotFoundError("There is no such Page or account in this workspace.", remedy="Copy its id from a listing.")
    return account


async def read_thread(
    services: Services, workspace_id: str, account_id: str, contact_id: str, window: Window
) -> tuple[list[Entry], int]:
    """What the account and the contact said to each other, newest first, and how much there is in all."""

    async def unit(tx: Transaction) -> tuple[list[Entry], int]:
        found, total = await thread_rows.list_thread(
            tx,
            workspace_id,
            account_id,
            contact_id,
            since=window.since,
            until=window.until,
            offset=window.offset,
            limit=window.limit,
        )
        entries = await _read_entries(tx, workspace_id, [row["id"] for row in found])
        return [entries[row["id"]] for row in found], total

    return await services.db.read(unit)


async def _read_entries(tx: Transaction, workspace_id: str, ids: Sequence[str]) -> Mapping[str, Entry]:
    said = await reply_rows.replies_of(tx, workspace_id, ids)
    entries = {row["id"]: Entry(reply=row) for row in said}
    deliveries: dict[str, list[Row]] = {}
    sent = await thread_rows.messages_of(tx, workspace_id, [each for each in ids if each not in entries])
    for row in await message_rows.deliveries_of(tx, workspace_id, sent):
        deliveries.setdefault(row["message_id"], []).append(row)
    return {**entries, **{each: Entry(message=row, deliveries=deliveries[each]) for each, row in sent.items()}}


async def list_people(services: Services, workspace_id: str, account_id: str, window: Window) -> tuple[list[Person], int]:
    """The contacts that an account knows, newest first, and how many there are in all."""

    async def unit(tx: Transaction) -> tuple[list[Person], int]:
        found, total = await thread_rows.list_people(tx, workspace_id, account_id, offset=window.offset, limit=window.limit)
        return await _with_addresses(tx, workspace_id, account_id, found), total

    return await services.db.read(unit)


async def get_person(services: Services, workspace_id: str, account_id: str, contact_id: str) -> Person:
    """A contact that an account knows. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Person:
        row = await _get_person(tx, workspace_id, account_id, contact_id)
        return (await _with_addresses(tx, workspace_id, account_id, [row]))[0]

    return await services.db.read(unit)


async def _with_addresses(tx: Transaction, workspace_id: str, account_id: str, found: Sequence[Row]) -> list[Person]:
    ids = [row["id"] for row in found]
    kept: dict[str, list[Row]] = {}
    for address in await contact_rows.find_addresses(tx, workspace_id, ids):
        kept.setdefault(address["contact_id"], []).append(address)
    spoke = await thread_rows.last_said(tx, workspace_id, account_id, ids)
    return [Person(row, kept.get(row["id"], ()), spoke.get(row["id"])) for row in found]


async def _get_person(tx: Transaction, workspace_id: str, account_id: str, contact_id: str) -> Row:
    row = await thread_rows.find_person(tx, workspace_id, account_id, contact_id)
    if row is None:
        raise NotFoundError("This account knows no such contact.", remedy="List the contacts it knows.")
    return row
