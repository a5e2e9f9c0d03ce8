"""Our own shape of events, as Standard Webhooks has it: `{"type", "timestamp", "data"}`, with the rows the event is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from guestlist.domain.messages import Content, decode_draft

from .base import Endpoint, Rendered, Row, Told

MESSAGE_WORDS = ("id", "contact_id", "state", "reason", "channel", "purpose", "batch_id")
MESSAGE_TIMES = ("created_at", "sent_at", "delivered_at", "read_at", "ended_at")
DELIVERY_WORDS = ("id", "rule", "channel", "account_id", "address_kind", "address", "state", "reason")
CONTACT_WORDS = ("id", "external_id", "first_name", "last_name", "locale", "timezone", "gender", "picture_url")
ADDRESS_WORDS = ("channel", "account_id", "kind", "value")
REPLY_WORDS = ("id", "kind", "conversation_id", "contact_id", "channel", "account_id", "answers")


class NativeRenderer:
    """Implements `outbound.base.Renderer`."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered:
        """Every event, whole."""
        return Rendered(orjson.dumps({"type": told.kind, "timestamp": tell_time(told.at), "data": build_data(told)}))


def build_data(told: Told) -> dict[str, Any]:
    """The event's id and facts, and what its rows say."""
    data: dict[str, Any] = {"event_id": told.id, "subject": told.subject, **told.data}
    if told.message is not None:
        data["message"] = build_message(told.message)
    if (delivery := find_delivery(told)) is not None:
        data["delivery"] = build_delivery(delivery, redacted=told.message is not None and bool(told.message["redacted_at"]))
    if told.contact is not None:
        data["contact"] = build_contact(told.contact, told.addresses)
    if told.reply is not None:
        data["reply"] = build_reply(told.reply)
    if told.answered is not None:
        data["answered"] = {"id": told.answered["id"], "metadata": orjson.loads(told.answered["metadata"])}
    return data


def find_delivery(told: Told) -> Row | None:
    """The delivery an event speaks of: the one it names, else the newest over the message's channel."""
    if named := told.data.get("delivery_id"):
        return next((row for row in told.deliveries if row["id"] == named), None)
    channel = told.message["channel"] if told.message is not None else ""
    return next((row for row in reversed(told.deliveries) if row["channel"] == channel), None)


def build_message(row: Row) -> dict[str, Any]:
    """A message with what it says; a redacted one says nothing."""
    content = tell_content(decode_draft(row["draft"]).content)
    times = {name: tell_ms(row[name]) for name in MESSAGE_TIMES}
    redacted = row["redacted_at"] is not None
    return {**_pick(row, MESSAGE_WORDS), **content, "metadata": orjson.loads(row["metadata"]), "redacted": redacted, **times}


def tell_content(content: Content) -> dict[str, Any]:
    """What a message says: title and text always, the rest where there is any. Files given as data are named, not repeated."""
    whole = msgspec.to_builtins(content)
    parts = [{name: value for name, value in part.items() if value and name != "data"} for part in whole["parts"]]
    more = {name: whole[name] for name in ("quick_replies", "buttons", "template") if whole[name]}
    return {"title": whole["title"], "text": whole["text"], **({"parts": parts} if parts else {}), **more}


def build_delivery(row: Row, *, redacted: bool) -> dict[str, Any]:
    """The delivery, with the address it went to."""
    told = _pick(row, DELIVERY_WORDS)
    return {**told, "address": ""} if redacted else told


def build_contact(row: Row, addresses: Iterable[Row]) -> dict[str, Any]:
    """A person with their addresses; of a deleted one the id alone."""
    if row["deleted_at"] is not None:
        return {"id": row["id"], "deleted": True}
    reachable = [{**_pick(each, ADDRESS_WORDS), "opted_out": each["opted_out_at"] is not None} for each in addresses]
    return {**_pick(row, CONTACT_WORDS), "fields": orjson.loads(row["fields"]), "addresses": reachable, "deleted": False}


def build_reply(row: Row) -> dict[str, Any]:
    """What a person said or did; a redacted one is empty."""
    content = orjson.loads(row["content"])
    redacted = row["redacted_at"] is not None
    return {**_pick(row, REPLY_WORDS), "content": content, "redacted": redacted, "at": tell_ms(row["at"])}


def _pick(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def tell_ms(milliseconds: int | None) -> str | None:
    """A row's instant as text."""
    return None if milliseconds is None else tell_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def tell_time(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
