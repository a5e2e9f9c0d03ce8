"""The rows that events are about, read in bulk when endpoints are told of them: what was redacted since is empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Table, select

from . import contacts as contact_rows
from . import messages as message_rows
from .base import Row, Transaction
from .messaging_tables import accounts, contacts, messages, replies
from .tables import pages

SECRET = {"page_token", "ads_token", "secret"}
"""Columns of accounts that nobody outside is shown."""


@dataclass(slots=True)
class EventRows:
    """Rows by id, or in order by the id they belong to."""

    messages: dict[str, Row] = field(default_factory=dict)
    deliveries: dict[str, list[Row]] = field(default_factory=dict)  # by message
    parts: dict[str, list[Row]] = field(default_factory=dict)  # by delivery, as attempts
    attempts: dict[str, list[Row]] = field(default_factory=dict)
    receipts: dict[str, list[Row]] = field(default_factory=dict)  # by message
    replies: dict[str, Row] = field(default_factory=dict)
    contacts: dict[str, Row] = field(default_factory=dict)
    addresses: dict[str, list[Row]] = field(default_factory=dict)  # by contact
    accounts: dict[str, Row] = field(default_factory=dict)

    def about(self, event: Row) -> dict[str, Any]:
        """The rows of one event, as `outbound.base.Told` names them."""
        ids = ids_of(event)
        message, reply = self.messages.get(ids["message"]), self.replies.get(ids["reply"])
        deliveries = self.deliveries.get(ids["message"], ())
        contact = ids["contact"] or next((row["contact_id"] for row in (message, reply) if row and row["contact_id"]), "")
        return {
            "message": message,
            "deliveries": deliveries,
            "parts": [row for each in deliveries for row in self.parts.get(each["id"], ())],
            "attempts": [row for each in deliveries for row in self.attempts.get(each["id"], ())],
            "receipts": self.receipts.get(ids["message"], ()),
            "contact": self.contacts.get(contact),
            "addresses": self.addresses.get(contact, ()),
            "reply": reply,
            "answered": self.messages.get(reply["answers"] or "") if reply else None,
            "account": self.accounts.get(ids["account"]),
        }


PREFIXES: Mapping[str, tuple[str, ...]] = {
    "message": ("msg_",),
    "reply": ("rep_",),
    "contact": ("con_",),
    "account": ("pag_", "acc_"),
}
"""What an event's subject is, by the prefix of its id."""


def ids_of(event: Row) -> dict[str, str]:
    """The ids an event names, as its subject or in its data; "" where it names none."""
    data = orjson.loads(event["data"])
    ids = {
        noun: event["subject"] if event["subject"].startswith(prefixes) else data.get(f"{noun}_id") or ""
        for noun, prefixes in PREFIXES.items()
    }
    return {**ids, "message": ""} if ids["reply"] else ids  # what a reply answers is `answered`


async def read_event_rows(tx: Transaction, workspace_id: str, events: Sequence[Row]) -> EventRows:
    """Everything a renderer may want to know of these events. Shape of each: subject and data (JSON)."""
    ids = [ids_of(event) for event in events]
    found = EventRows()
    found.replies = await _by_id(tx, replies, workspace_id, (each["reply"] for each in ids))
    answered = [row["answers"] for row in found.replies.values() if row["answers"]]
    found.messages = await _by_id(tx, messages, workspace_id, (*(each["message"] for each in ids), *answered))
    people = [row["contact_id"] for row in (*found.replies.values(), *found.messages.values())]
    found.contacts = await _by_id(tx, contacts, workspace_id, (*(each["contact"] for each in ids), *people))
    if found.contacts:
        found.addresses = _group(await contact_rows.find_addresses(tx, workspace_id, found.contacts), "contact_id")
    if about := [each["message"] for each in ids if each["message"] in found.messages]:
        found.deliveries = _group(await message_rows.deliveries_of(tx, workspace_id, about), "message_id")
        found.receipts = _group(await message_rows.receipts_of(tx, workspace_id, about), "message_id")
        of_them = [row["id"] for group in found.deliveries.values() for row in group]
        found.parts = _group(await message_rows.parts_of(tx, workspace_id, of_them), "delivery_id")
        found.attempts = _group(await message_rows.attempts_of(tx, workspace_id, of_them), "delivery_id")
    for table in (pages, accounts):
        named = await _by_id(tx, table, workspace_id, (each["account"] for each in ids))
        found.accounts |= {key: _without_secrets(row) for key, row in named.items()}
    return found


async def _by_id(tx: Transaction, table: Table, workspace_id: str, ids: Iterable[str | None]) -> dict[str, Row]:
    wanted = sorted({each for each in ids if each})
    if not wanted:
        return {}
    query = select(table).where(table.c.workspace_id == workspace_id, table.c.id.in_(wanted))
    return {row["id"]: row for row in await tx.fetch_all(query)}


def _group(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[name]].append(row)
    return dict(grouped)


def _without_secrets(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in SECRET}
