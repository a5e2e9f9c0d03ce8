"""Contacts deleted, and forgotten: what goes, what stays and why, and by when the last copy is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guestlist.domain.messages import decode_draft, encode_draft, redact
from guestlist.domain.states import Delivery, MessageState
from guestlist.errors import NotFoundError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import erasures as erasure_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import replies as reply_rows
from guestlist.storage import rows
from guestlist.storage import sessions as session_rows
from guestlist.storage.base import Row, Transaction

from .base import Services
from .contact_merges import PLAIN
from .message_book import Book

BLOCK = 200
"""Messages emptied in one transaction."""

UNDER_WAY = (MessageState.QUEUED.value, MessageState.SENDING.value)


@dataclass(frozen=True, slots=True)
class Remnant:
    """Something that is still kept of a forgotten contact: what, how many, why, and until when."""

    what: str
    count: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a contact that was forgotten."""

    contact_id: str
    addresses: int
    messages: int
    replies: int
    cancelled: int
    remains: Sequence[Remnant]


async def delete_contact(services: Services, workspace_id: str, contact_id: str) -> None:
    """Ends a contact: its facts and addresses go, messages to it that have not left are cancelled. What was said stays.

    Errors: NotFoundError.
    """

    async def unit(tx: Transaction) -> set[str]:
        row = await contact_rows.get_living(tx, workspace_id, contact_id, lock=True)
        _, lanes = await _delete(tx, services, row)
        return lanes | await services.emit(tx, workspace_id, "contact.deleted", contact_id)

    for lane in sorted(await services.db.write(unit)):
        await services.wake(lane)


async def forget_contact(services: Services, workspace_id: str, contact_id: str) -> Forgotten:
    """Erases a contact: facts, addresses, what was said both ways. Also one that was deleted before; repeating it is harmless.

    Errors: NotFoundError.
    """
    counts: dict[str, Any] = {"addresses": 0, "messages": 0, "replies": 0}
    counts["addresses"], counts["cancelled"], lanes = await services.db.write(
        lambda tx: _begin(tx, services, workspace_id, contact_id)
    )
    while more := await services.db.write(lambda tx: _empty_messages(tx, services, workspace_id, contact_id)):
        counts["messages"] += more

    async def end(tx: Transaction) -> tuple[int, Sequence[Remnant], set[str]]:
        emptied = await reply_rows.redact_replies(tx, workspace_id, contact_id, at=services.now_ms())
        await erasure_rows.forget_traces(tx, workspace_id, contact_id)
        told = await services.emit(tx, workspace_id, "contact.deleted", contact_id, forgotten=True)
        return emptied, await _remains(tx, services, workspace_id, contact_id), told

    counts["replies"], remains, told = await services.db.write(end)
    for lane in sorted(lanes | told):
        await services.wake(lane)
    return Forgotten(contact_id, remains=remains, **counts)


async def _begin(tx: Transaction, services: Services, workspace_id: str, contact_id: str) -> tuple[int, int, set[str]]:
    row = await rows.get(tx, tables.contacts, workspace_id, contact_id, lock=True)
    if row["merged_into"]:
        sentence = f"The contact {contact_id} was merged into {row['merged_into']}."
        raise NotFoundError(sentence, code="merged", remedy="Forget that one.", merged_into=row["merged_into"])
    addresses = len(await contact_rows.find_addresses(tx, workspace_id, [contact_id]))
    cancelled, lanes = await _delete(tx, services, row)
    left = len(await contact_rows.find_addresses(tx, workspace_id, [contact_id]))
    return addresses - left, cancelled, lanes


async def _delete(tx: Transaction, services: Services, row: Row) -> tuple[int, set[str]]:
    """Empties a contact's row and takes its addresses; how many messages were cancelled, and the lanes to wake."""
    workspace_id, now = row["workspace_id"], services.now_ms()
    waiting = await erasure_rows.waiting_messages(tx, workspace_id, row["id"], UNDER_WAY)
    book = await Book.open(tx, services, workspace_id, waiting)
    cancelled = 0
    for message in book.messages.values():
        parts = [part for delivery in book.deliveries[message["id"]] for part in book.parts[delivery["id"]]]
        if all(part["called_at"] is None or part["state"] == Delivery.FAILED.value for part in parts):
            book.cancel(message)
            cancelled += 1
    lanes = await book.close(tx)
    await contact_rows.remove_addresses(tx, workspace_id, row["id"])
    if row["external_id"]:
        await session_rows.forget_sessions(tx, workspace_id, row["external_id"])
    empty: dict[str, Any] = {**dict.fromkeys(PLAIN, ""), "fields": "{}", "messenger": "{}", "external_id": None}
    await contact_rows.update_contact(tx, row, now, **empty, deleted_at=row["deleted_at"] or now)
    return cancelled, lanes


async def _empty_messages(tx: Transaction, services: Services, workspace_id: str, contact_id: str) -> int:
    """Empties a block of messages. Those still under way too: no call follows to a contact that is deleted."""
    found = await erasure_rows.readable_messages(tx, workspace_id, contact_id, BLOCK)
    emptied = [{**row, "draft": encode_draft(redact(decode_draft(row["draft"])))} for row in found]
    await erasure_rows.empty_messages(tx, workspace_id, emptied, at=services.now_ms())
    return len(found)


async def _remains(tx: Transaction, services: Services, workspace_id: str, contact_id: str) -> list[Remnant]:
    kept = await contact_rows.find_addresses(tx, workspace_id, [contact_id])
    days = services.pace.webhooks_kept.days
    remnants = [
        Remnant("contact_id", 1, "The bare id, so that records which name it stay whole."),
        Remnant("message_states", None, "Times, states and provider codes of messages and replies, without content or address."),
        Remnant("raw_webhooks", None, f"Bodies of webhooks as they came are dropped {days} days after they were applied."),
        Remnant("consents", None, "The ledger of consents holds ids, words and times; it proves what was lawful."),
        Remnant("providers", None, "What Meta, the SMS carrier and the mail servers keep is theirs to erase."),
    ]
    if kept:
        why = "The person opted out there: it is kept so that nothing is ever sent to it again."
        remnants.insert(1, Remnant("opted_out_addresses", len(kept), why))
    return remnants
