"""Conversations, and the one timeline of a contact: both sides, over all channels and accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from guestlist.domain.facts import ReplyKind
from guestlist.domain.messages import Content, decode_draft
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messages as message_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import replies as reply_rows
from guestlist.storage import rows, timelines
from guestlist.storage.base import Row, Transaction
from guestlist.storage.timelines import Place

from .base import Services
from .merging import BadMergeFieldError, facts_of, fill

Entry = dict[str, Any]
"""Something said or reported. Shape: place, at (ms since 1970), what (message | receipt | reply), direction (in | out), id,
channel, account_id, kind, state, text, content, message_id (whose receipt it is, or which is answered), part, code."""


async def list_conversations(
    services: Services,
    workspace_id: str,
    *,
    filters: Mapping[str, str | None] | None = None,
    unread: bool | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Conversations, newest first. `filters`: contact_id, account_id, channel."""

    async def unit(tx: Transaction) -> list[Row]:
        found = await reply_rows.list_conversations(
            tx, workspace_id, filters=filters or {}, unread=unread, after=after, limit=limit
        )
        return await _with_last_sent(tx, workspace_id, found)

    return await services.db.read(unit)


async def get_conversation(services: Services, workspace_id: str, conversation_id: str) -> Row:
    """One conversation. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Row:
        found = await rows.get(tx, tables.conversations, workspace_id, conversation_id)
        [row] = await _with_last_sent(tx, workspace_id, [found])
        return row

    return await services.db.read(unit)


async def _with_last_sent(tx: Transaction, workspace_id: str, found: Sequence[Row]) -> list[Row]:
    """Conversations with `last_out_at`: what was sent from elsewhere, or by us."""
    sent = await timelines.last_sent(tx, workspace_id, found)
    return [
        {**row, "last_out_at": max(row["last_out_at"] or 0, sent.get((row["contact_id"], row["account_id"]), 0)) or None}
        for row in found
    ]


async def mark_read(services: Services, workspace_id: str, conversation_id: str) -> Row:
    """Nothing of a conversation is unread any more. Doing it twice changes nothing. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Row:
        await rows.get(tx, tables.conversations, workspace_id, conversation_id, lock=True)
        await rows.change(tx, tables.conversations, workspace_id, conversation_id, unread=0)
        [row] = await _with_last_sent(tx, workspace_id, [await rows.get(tx, tables.conversations, workspace_id, conversation_id)])
        return row

    return await services.db.write(unit)


async def list_said(
    services: Services,
    workspace_id: str,
    conversation_id: str,
    *,
    oldest_first: bool = False,
    after: Place | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Both sides of one conversation. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Entry]:
        row = await rows.get(tx, tables.conversations, workspace_id, conversation_id)
        places = await timelines.read_timeline(
            tx,
            workspace_id,
            row["contact_id"],
            account_id=row["account_id"],
            with_receipts=False,
            oldest_first=oldest_first,
            after=after,
            limit=limit,
        )
        return await _tell(tx, workspace_id, row["contact_id"], places, account_id=row["account_id"])

    return await services.db.read(unit)


async def read_timeline(
    services: Services,
    workspace_id: str,
    contact_id: str,
    *,
    oldest_first: bool = False,
    after: Place | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Everything said to and by a contact, with what providers reported. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Entry]:
        await contact_rows.get_living(tx, workspace_id, contact_id)
        places = await timelines.read_timeline(tx, workspace_id, contact_id, oldest_first=oldest_first, after=after, limit=limit)
        return await _tell(tx, workspace_id, contact_id, places)

    return await services.db.read(unit)


async def _tell(
    tx: Transaction, workspace_id: str, contact_id: str, places: Sequence[Row], *, account_id: str | None = None
) -> list[Entry]:
    """The entries at these places."""
    wanted: dict[str, list[str]] = {"message": [], "receipt": [], "reply": []}
    for place in places:
        wanted[place["what"]].append(place["id"])
    contacts = await contact_rows.find_contacts(tx, workspace_id, [contact_id])
    messages = {row["id"]: row for row in await timelines.messages_of(tx, workspace_id, wanted["message"])}
    accounts: dict[str, Row] = {}
    for delivery in await message_rows.deliveries_of(tx, workspace_id, messages):
        if delivery["parts"] and (account_id is None or delivery["account_id"] == account_id):
            accounts[delivery["message_id"]] = delivery  # the last one opened
    replies = {row["id"]: row for row in await reply_rows.replies_of(tx, workspace_id, wanted["reply"])}
    answered = await _answered(tx, workspace_id, list(replies.values()))
    entries: list[Entry] = []
    for place in places:
        if place["what"] == "message":
            entry = _tell_message(messages[place["id"]], accounts.get(place["id"]), contacts[0])
        elif place["what"] == "receipt":
            entry = _tell_receipt(place)
        else:
            row = replies[place["id"]]
            entry = _tell_reply(row, row["answers"] or answered.get(row["id"]))
        entries.append({"place": f"{place['at']}~{place['key']}", "at": place["at"], "what": place["what"], **entry})
    return entries


async def _answered(tx: Transaction, workspace_id: str, replies: Sequence[Row]) -> dict[str, str]:
    """Which messages replies answer that were not known to be ours when the replies came."""
    open_ones = {
        row["id"]: (row["account_id"], given)
        for row in replies
        if row["answers"] is None and (given := orjson.loads(row["content"]).get("answers"))
    }
    found: dict[tuple[str, str], str] = {}
    for account_id in {account_id for account_id, _ in open_ones.values()}:
        ids = [given for account, given in open_ones.values() if account == account_id]
        for part in await message_rows.find_parts(tx, workspace_id, account_id, ids):
            found[account_id, part["provider_id"]] = part["message_id"]
    return {reply_id: found[key] for reply_id, key in open_ones.items() if key in found}


def _tell_message(row: Row, delivery: Row | None, contact: Row) -> Entry:
    content = _filled(row, contact)
    return {
        "direction": "out",
        "id": row["id"],
        "channel": delivery["channel"] if delivery else row["channel"],
        "account_id": delivery["account_id"] if delivery else None,
        "kind": "message",
        "state": row["state"],
        "text": "\n".join(filter(None, (content.title, content.text))),
        "content": orjson.loads(row["draft"])["content"] if row["redacted_at"] is None else {},
        "message_id": row["id"],
        "part": None,
        "code": row["reason"],
    }


def _filled(row: Row, contact: Row) -> Content:
    """What a message says to its contact, its merge fields filled as far as they can be."""
    draft = decode_draft(row["draft"])
    try:
        return fill(draft, facts_of(contact, draft.to)).content
    except BadMergeFieldError:
        return draft.content


def _tell_receipt(place: Row) -> Entry:
    kept = {name: place[name] for name in ("channel", "account_id", "kind", "part", "code")}
    told = {"direction": "out", "id": place["id"], "state": None, "text": "", "content": {}, "message_id": place["id"]}
    return {**kept, **told}


def _tell_reply(row: Row, answers: str | None) -> Entry:
    content = orjson.loads(row["content"])
    return {
        "direction": "out" if row["kind"] == ReplyKind.ECHO.value else "in",
        "id": row["id"],
        "channel": row["channel"],
        "account_id": row["account_id"],
        "kind": row["kind"],
        "state": None,
        "text": content.get("text", ""),
        "content": content,
        "message_id": answers,
        "part": None,
        "code": "",
    }
