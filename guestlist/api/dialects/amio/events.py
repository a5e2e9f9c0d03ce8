"""Our events as Amio's webhooks tell them: `{event, timestamp, data}` (3.7). Pure; imports no web framework.

What Amio has no event for is not told: acceptances by a server (the 201 is that receipt), new contacts, reactions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from guestlist.api.dialects.literal import tell_braces
from guestlist.domain.facts import ReplyKind
from guestlist.domain.identifiers import to_decimal
from guestlist.domain.messages import AddressKind, Channel, decode_draft
from guestlist.outbound.base import Endpoint, Rendered, Row, Told

from .shapes import tell_content, tell_said
from .words import find_value, tell_channel, tell_instant, tell_time

PROCESSING_ERROR, NOT_DELIVERED = 1, 4
"""Amio's codes of a failure."""

FROM_LINK = "m_me"
"""Amio fires `opt_in` for m.me links too and documents no type for it: this one is ours."""

Shape = tuple[str, dict[str, Any]]
"""An event's name, and what its data has beside channel and contact."""


class AmioRenderer:
    """Implements `outbound.base.Renderer`."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered | None:
        """The event in Amio's words; None where it has none, or the event is of no channel."""
        shape = find_shape(told)
        contact_id = told.contact["id"] if told.contact is not None else told.data.get("contact_id")
        if shape is None or told.account is None or not contact_id:
            return None
        event, data = shape
        channel = tell_channel(told.account["id"], channel_of(told.account))
        if event == "message_echo":
            channel["name"] = told.account["name"]
        contact = {"id": to_decimal(contact_id), **data.pop("contact", {})}
        whole = {"channel": channel, "contact": contact, **data}
        return Rendered(orjson.dumps({"event": event, "timestamp": tell_time(told.at), "data": whole}))


def channel_of(account: Row) -> Channel:
    """The channel of a row of `pages` or `accounts`."""
    return Channel(account["channel"]) if "channel" in account else Channel.MESSENGER


def find_shape(told: Told) -> Shape | None:
    """What an event is in Amio's words."""
    tell = TELL.get(told.kind)
    return tell(told) if tell is not None else None


# -- what became of our messages ------------------------------------------------------------------------------------


def _tell_sent(told: Told) -> Shape | None:
    """An echo: Messenger has one for what goes to a person it knows; phone numbers and user_refs have none."""
    delivery = _find_delivery(told)
    if told.message is None or delivery is None or delivery["address_kind"] != AddressKind.PSID.value:
        return None
    content = tell_content(tell_braces(decode_draft(told.message["draft"]).content))
    said = {"id": to_decimal(told.message["id"]), "content": content}
    metadata = orjson.loads(told.message["metadata"])
    return "message_echo", {**said, **({"metadata": metadata} if metadata else {})}


def _find_delivery(told: Told) -> Row | None:
    account_id = told.data.get("account_id")
    return next((row for row in reversed(told.deliveries) if row["account_id"] == account_id), None)


def _tell_delivered(told: Told) -> Shape:
    return "messages_delivered", {"messages": [_message_id(told)], "delivered_timestamp": _instant(told, "delivered_at")}


def _tell_read(told: Told) -> Shape:
    return "messages_read", {"last_read_timestamp": _instant(told, "read_at")}


def _instant(told: Told, name: str) -> str:
    at = told.message[name] if told.message is not None else None
    return tell_instant(at) or tell_time(told.at)


def _tell_failed(told: Told) -> Shape:
    """The platform's own sentence where there was an answer, else our word."""
    sentence = next((row["sentence"] for row in reversed(told.attempts) if row["sentence"]), "")
    message = sentence or str(told.data.get("reason") or "The message was refused.")
    return "message_failed", {"message": _message_id(told), "error": {"code": PROCESSING_ERROR, "message": message}}


def _tell_expired(told: Told) -> Shape:
    error = {"code": NOT_DELIVERED, "message": "The message was not delivered in time."}
    return "message_failed", {"message": _message_id(told), "error": error}


def _message_id(told: Told) -> dict[str, str]:
    return {"id": to_decimal(told.subject)}


# -- what people said and did ---------------------------------------------------------------------------------------


def _tell_reply(told: Told) -> Shape | None:
    reply = told.reply
    if reply is None:
        return None
    said = orjson.loads(reply["content"])
    tell = TELL_REPLY.get(ReplyKind(reply["kind"]))
    return tell(reply, said) if tell is not None else None


def _tell_received(reply: Row, said: Mapping[str, Any]) -> Shape:
    return "message_received", {"id": to_decimal(reply["id"]), "content": tell_said(said)}


def _tell_echoed(reply: Row, said: Mapping[str, Any]) -> Shape:
    return "message_echo", {"id": to_decimal(reply["id"]), "content": tell_said(said)}


def _tell_postback(reply: Row, said: Mapping[str, Any]) -> Shape:
    return "postback", {"postback": {"payload": said.get("payload", "")}}


def _tell_referral(reply: Row, said: Mapping[str, Any]) -> Shape:
    return "opt_in", {"opt_in": {"type": FROM_LINK, "payload": said.get("ref", "")}}


def _tell_opt_in(told: Told) -> Shape | None:
    """By the phone number that was asked, by a plugin with its ref, or by a checkbox with the user_ref, too."""
    if told.data.get("source") == "request":
        phone = find_value(told.addresses, AddressKind.PHONE)
        return "opt_in", {"contact": {"phone_number": phone} if phone else {}, "opt_in": {"type": "phone_number"}}
    if told.reply is None:
        return None
    said = orjson.loads(told.reply["content"])
    opt_in = {"type": "send_to_messenger", "payload": said.get("ref", "")}
    if user_ref := said.get("user_ref"):
        return "opt_in", {"contact": {"user_ref": user_ref}, "opt_in": {**opt_in, "type": "checkbox"}}
    return "opt_in", {"opt_in": opt_in}


TELL_REPLY: Mapping[ReplyKind, Callable[[Row, Mapping[str, Any]], Shape]] = {
    **dict.fromkeys((ReplyKind.TEXT, ReplyKind.QUICK_REPLY, ReplyKind.ATTACHMENT), _tell_received),
    ReplyKind.ECHO: _tell_echoed,
    ReplyKind.POSTBACK: _tell_postback,
    ReplyKind.REFERRAL: _tell_referral,
}

TELL: Mapping[str, Callable[[Told], Shape | None]] = {
    "message.sent": _tell_sent,
    "message.delivered": _tell_delivered,
    "message.read": _tell_read,
    "message.failed": _tell_failed,
    "message.expired": _tell_expired,
    "message.received": _tell_reply,
    "message.echoed": _tell_reply,
    "opt_in.received": _tell_opt_in,
}
"""Our kinds of events that Amio has a word for."""
