"""One line of time for a contact: messages, what providers reported of them, and replies, over all channels and accounts.

A place in it is an instant and, within one, a key: `1:` messages, `2:` receipts, `3:` replies. Cause stands before effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, and_, cast, exists, func, literal, null, or_, select, union_all

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import conversations, deliveries, messages, receipts, replies

Place = tuple[int, str]
"""An instant in milliseconds, and the key within it."""


async def read_timeline(
    tx: Transaction,
    workspace_id: str,
    contact_id: str,
    *,
    account_id: str | None = None,
    with_receipts: bool = True,
    oldest_first: bool = False,
    after: Place | None = None,
    limit: int,
) -> list[Row]:
    """Places of a contact's timeline from behind `after`. `account_id` = only what went over this account.

    Shape: at, key, what (message | receipt | reply), id; of a receipt delivery_id, channel, account_id, part, kind, code, too.
    """
    sources = [_messages(workspace_id, contact_id, account_id), _replies(workspace_id, contact_id, account_id)]
    if with_receipts:
        sources.append(_receipts(workspace_id, contact_id, account_id))
    whole = union_all(*sources).subquery("timeline")
    place = (whole.c.at, whole.c.key)
    query = select(whole)
    if after is not None:
        at, key = after
        beyond = (whole.c.at > at, whole.c.key > key) if oldest_first else (whole.c.at < at, whole.c.key < key)
        query = query.where(or_(beyond[0], and_(whole.c.at == at, beyond[1])))
    order = place if oldest_first else (place[0].desc(), place[1].desc())
    return await tx.fetch_all(query.order_by(*order).limit(limit))


def _entry(what: str, *, at: Any, key: Any, of: Any, **more: Any) -> list[ColumnElement[Any]]:
    columns = {"at": at, "key": key, "what": literal(what), "id": of}
    for name in ("delivery_id", "channel", "account_id", "part", "kind", "code"):
        columns[name] = more.get(name, cast(null(), Integer() if name == "part" else Text()))
    return [column.label(name) for name, column in columns.items()]


def _messages(workspace_id: str, contact_id: str, account_id: str | None) -> Select[Any]:
    entry = _entry("message", at=messages.c.created_at, key=literal("1:") + messages.c.id, of=messages.c.id)
    query = select(*entry).where(messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id)
    if account_id is None:
        return query
    over = exists().where(*_of_message(), deliveries.c.account_id == account_id, deliveries.c.parts > 0)
    return query.where(over)


def _receipts(workspace_id: str, contact_id: str, account_id: str | None) -> Select[Any]:
    what = (receipts.c.message_id, receipts.c.delivery_id, cast(receipts.c.part, Text()), receipts.c.kind)
    key: Any = literal("2")
    for each in what:
        key = key + literal(":") + each
    of_delivery = and_(deliveries.c.workspace_id == receipts.c.workspace_id, deliveries.c.id == receipts.c.delivery_id)
    of_message = and_(messages.c.workspace_id == receipts.c.workspace_id, messages.c.id == receipts.c.message_id)
    entry = _entry(
        "receipt",
        at=receipts.c.at,
        key=key,
        of=receipts.c.message_id,
        delivery_id=receipts.c.delivery_id,
        channel=deliveries.c.channel,
        account_id=deliveries.c.account_id,
        part=receipts.c.part,
        kind=receipts.c.kind,
        code=receipts.c.code,
    )
    query = select(*entry).select_from(receipts.join(messages, of_message).join(deliveries, of_delivery))
    query = query.where(messages.c.workspace_id == workspace_id, messages.c.contact_id == contact_id)
    return query if account_id is None else query.where(deliveries.c.account_id == account_id)


def _replies(workspace_id: str, contact_id: str, account_id: str | None) -> Select[Any]:
    entry = _entry("reply", at=replies.c.at, key=literal("3:") + replies.c.id, of=replies.c.id)
    query = select(*entry).where(replies.c.workspace_id == workspace_id, replies.c.contact_id == contact_id)
    return query if account_id is None else query.where(replies.c.account_id == account_id)


def _of_message() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.workspace_id == messages.c.workspace_id, deliveries.c.message_id == messages.c.id


async def messages_of(tx: Transaction, workspace_id: str, ids: Sequence[str]) -> list[Row]:
    """The messages of these ids."""
    if not ids:
        return []
    return await tx.fetch_all(select(messages).where(messages.c.workspace_id == workspace_id, messages.c.id.in_(ids)))


async def last_sent(tx: Transaction, workspace_id: str, threads: Sequence[Row]) -> dict[tuple[str, str], int]:
    """When something of ours last went out in each of these conversations, by contact and account."""
    if not threads:
        return {}
    given = given_rows(tx.dialect, like(conversations.c.contact_id), like(conversations.c.account_id))
    mine = and_(messages.c.workspace_id == workspace_id, messages.c.contact_id == given.c.contact_id)
    over = and_(*_of_message(), deliveries.c.account_id == given.c.account_id)
    query = (
        select(given.c.contact_id, given.c.account_id, func.max(deliveries.c.sent_at).label("at"))
        .select_from(given.join(messages, mine).join(deliveries, over))
        .where(deliveries.c.sent_at.is_not(None))
        .group_by(given.c.contact_id, given.c.account_id)
    )
    wanted = [{"contact_id": row["contact_id"], "account_id": row["account_id"]} for row in threads]
    return {(row["contact_id"], row["account_id"]): row["at"] for row in await tx.fetch_all(query, give(wanted))}


def parse_place(text: str | None) -> Place | None:
    """A place as its text, `at~key`, holds it; None for none."""
    if text is None:
        return None
    at, _, key = text.partition("~")
    return int(at), key
