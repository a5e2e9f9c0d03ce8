"""Statements about what one account and the people it knows have said to each other: messages and replies as one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import CompoundSelect, Select, and_, exists, func, literal_column, or_, select, union_all

from guestlist.domain.facts import ReplyKind
from guestlist.domain.messages import Channel

from .base import Row, Transaction
from .messaging_tables import accounts, addresses, contacts, conversations, deliveries, messages, replies
from .senders import Account, read_accounts
from .tables import pages

SAID = (ReplyKind.TEXT, ReplyKind.QUICK_REPLY, ReplyKind.ATTACHMENT, ReplyKind.ECHO)
"""Replies that are messages; taps, reactions and opt-ins are events."""


async def list_thread(
    tx: Transaction,
    workspace_id: str,
    account_id: str,
    contact_id: str,
    *,
    since: int | None,
    until: int | None,
    offset: int,
    limit: int,
) -> tuple[list[Row], int]:
    """Ids of messages and replies between an account and a contact, newest first, and how many there are in all.

    Units: `since` (from it on) and `until` (before it) are milliseconds. Shape of each: id, at.
    """
    whole = _thread(workspace_id, account_id, contact_id).subquery("thread")
    query = select(whole.c.id, whole.c.at)
    if since is not None:
        query = query.where(whole.c.at >= since)
    if until is not None:
        query = query.where(whole.c.at < until)
    found = await tx.fetch_all(query.order_by(whole.c.at.desc(), whole.c.id.desc()).offset(offset).limit(limit))
    return found, await _count(tx, query)


def _thread(workspace_id: str, account_id: str, contact_id: str) -> CompoundSelect[Any]:
    over_it = exists().where(
        deliveries.c.workspace_id == messages.c.workspace_id,
        deliveries.c.message_id == messages.c.id,
        deliveries.c.account_id == account_id,
    )
    sent = select(messages.c.id, messages.c.created_at.label("at")).where(
        messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id, over_it
    )
    said = select(replies.c.id, replies.c.at).where(
        replies.c.workspace_id == workspace_id,
        replies.c.contact_id == contact_id,
        replies.c.account_id == account_id,
        replies.c.kind.in_([kind.value for kind in SAID]),
    )
    return union_all(sent, said)


async def messages_of(tx: Transaction, workspace_id: str, ids: Sequence[str]) -> dict[str, Row]:
    """The messages of these ids, by id."""
    query = select(messages).where(messages.c.workspace_id == workspace_id, messages.c.id.in_(ids))
    return {row["id"]: row for row in await tx.fetch_all(query)} if ids else {}


async def read_whole_accounts(tx: Transaction, workspace_id: str) -> list[Account]:
    """Every Page and account with its whole row, oldest first."""
    whole: dict[str, Row] = {}
    for table in (pages, accounts):
        found = await tx.fetch_all(select(table).where(table.c.workspace_id == workspace_id))
        whole |= {row["id"]: row for row in found}
    return [replace(each, row=whole[each.id]) for each in await read_accounts(tx, workspace_id) if each.id in whole]


async def list_people(tx: Transaction, workspace_id: str, account_id: str, *, offset: int, limit: int) -> tuple[list[Row], int]:
    """The contacts that an account knows, newest first, and how many there are in all."""
    query = _people(workspace_id, account_id)
    found = await tx.fetch_all(query.order_by(contacts.c.id.desc()).offset(offset).limit(limit))
    return found, await _count(tx, query)


async def find_person(tx: Transaction, workspace_id: str, account_id: str, contact_id: str) -> Row | None:
    """A contact, if the account knows them."""
    return await tx.fetch_one(_people(workspace_id, account_id).where(contacts.c.id == contact_id))


def _people(workspace_id: str, account_id: str) -> Select[Any]:
    """An account knows who has an address on it, who spoke with it, and who was written to from it."""
    of_contact = and_(addresses.c.workspace_id == contacts.c.workspace_id, addresses.c.contact_id == contacts.c.id)
    spoke = and_(conversations.c.workspace_id == contacts.c.workspace_id, conversations.c.contact_id == contacts.c.id)
    written = and_(
        messages.c.workspace_id == contacts.c.workspace_id,
        messages.c.contact_id == contacts.c.id,
        deliveries.c.workspace_id == messages.c.workspace_id,
        deliveries.c.message_id == messages.c.id,
    )
    known = or_(
        exists().where(of_contact, addresses.c.account_id == account_id),
        exists().where(spoke, conversations.c.account_id == account_id),
        exists().where(written, deliveries.c.account_id == account_id),
    )
    return select(contacts).where(contacts.c.workspace_id == workspace_id, contacts.c.deleted_at.is_(None), known)


async def list_phones(tx: Transaction, workspace_id: str, *, limit: int) -> list[Row]:
    """Phone numbers that are not opted out, newest first. Shape: value, contact_id, created_at, source (the contact's)."""
    of_contact = and_(contacts.c.workspace_id == addresses.c.workspace_id, contacts.c.id == addresses.c.contact_id)
    query = (
        select(addresses.c.value, addresses.c.contact_id, addresses.c.created_at, contacts.c.source)
        .join(contacts, of_contact)
        .where(
            addresses.c.workspace_id == workspace_id,
            addresses.c.channel == Channel.SMS.value,
            addresses.c.opted_out_at.is_(None),
            contacts.c.deleted_at.is_(None),
        )
    )
    return await tx.fetch_all(query.order_by(addresses.c.created_at.desc(), addresses.c.value).limit(limit))


async def last_said(tx: Transaction, workspace_id: str, account_id: str, contact_ids: Sequence[str]) -> dict[str, int]:
    """When each of these contacts last said something to the account, in milliseconds."""
    query = select(conversations.c.contact_id, conversations.c.last_in_at).where(
        conversations.c.workspace_id == workspace_id,
        conversations.c.account_id == account_id,
        conversations.c.contact_id.in_(contact_ids),
        conversations.c.last_in_at.is_not(None),
    )
    return {row["contact_id"]: row["last_in_at"] for row in await tx.fetch_all(query)} if contact_ids else {}


async def _count(tx: Transaction, query: Select[Any]) -> int:
    row = await tx.fetch_one(select(func.count(literal_column("1")).label("total")).select_from(query.subquery()))
    return row["total"] if row else 0
