"""Gupshup's POST callbacks, version 2 (4.6): `{app, timestamp, version, type, payload}`. Pure; imports no web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from guestlist.domain.facts import ReplyKind
from guestlist.domain.identifiers import to_uuid
from guestlist.domain.messages import AddressKind, Channel
from guestlist.outbound.base import Endpoint, Rendered, Row, Told
from guestlist.storage.instants import to_ms

from .shapes import Speaker, find_speaker, read_said
from .words import parse_payload, split_phone

VERSION = 2

STATES: Mapping[str, tuple[str, str]] = {
    "message.accepted": ("enqueued", "created_at"),
    "message.sent": ("sent", "sent_at"),
    "message.delivered": ("delivered", "delivered_at"),
    "message.read": ("read", "read_at"),
    "message.failed": ("failed", "ended_at"),
    "message.expired": ("failed", "ended_at"),
}
"""Gupshup's word for each of our kinds of events, and the message's instant it tells."""

CONSENTS: Mapping[str, str] = {
    "opt_in.received": "opted-in",
    "contact.opted_in": "opted-in",
    "contact.opted_out": "opted-out",
}

Shape = tuple[str, dict[str, Any]]
"""A callback's type and payload."""


class ReportRenderer:
    """Implements `outbound.base.Renderer`."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered | None:
        """The callback; None for what Gupshup has no word for."""
        shape = find_shape(told)
        if shape is None:
            return None
        kind, payload = shape
        app = told.account["name"] if told.account is not None else ""
        whole = {"app": app, "timestamp": to_ms(told.at), "version": VERSION, "type": kind, "payload": payload}
        return Rendered(orjson.dumps(whole))


def find_shape(told: Told) -> Shape | None:
    """What an event is in Gupshup's words."""
    if told.kind in STATES:
        return _tell_state(told)
    if told.kind in CONSENTS:
        return _tell_consent(told)
    if told.kind == "message.received" and told.reply is not None and (speaker := find_speaker(told)) is not None:
        return _tell_reply(told, told.reply, speaker)
    return None


# -- states ---------------------------------------------------------------------------------------------------------


def _tell_state(told: Told) -> Shape | None:
    if told.message is None:
        return None
    word, name = STATES[told.kind]
    delivery = find_delivery(told)
    ours = to_uuid(told.message["id"])
    provider_id = _provider_id(told, delivery)
    payload = {"id": provider_id or ours, "gsId": ours, "type": word, "destination": delivery["address"] if delivery else ""}
    return "message-event", {**payload, "payload": _detail(told, word, told.message[name])}


def find_delivery(told: Told) -> Row | None:
    """The newest delivery over the event's account, else the newest at all."""
    account_id = told.data.get("account_id")
    over_it = [row for row in told.deliveries if row["account_id"] == account_id] or list(told.deliveries)
    return over_it[-1] if over_it else None


def _provider_id(told: Told, delivery: Row | None) -> str:
    parts = [row for row in told.parts if delivery is not None and row["delivery_id"] == delivery["id"]]
    return next((row["provider_id"] for row in parts if row["provider_id"]), "")


def _detail(told: Told, word: str, at: int | None) -> dict[str, Any]:
    """When it was, in seconds; of a failure the provider's code and sentence."""
    if word != "failed":
        return {"ts": (to_ms(told.at) if at is None else at) // 1000}
    last = told.attempts[-1] if told.attempts else None
    reason = str(told.data.get("reason") or "refused")
    return {"code": last["code"] if last and last["code"] else reason, "reason": (last and last["sentence"]) or reason}


# -- people ---------------------------------------------------------------------------------------------------------


def _tell_consent(told: Told) -> Shape | None:
    """By the phone where there is one, else by the address on the account."""
    phone = next((row["value"] for row in told.addresses if row["kind"] == AddressKind.PHONE.value), None)
    speaker = find_speaker(told)
    known = phone or (speaker.address if speaker is not None else None)
    return None if known is None else ("user-event", {"phone": known, "type": CONSENTS[told.kind]})


def _tell_reply(told: Told, reply: Row, speaker: Speaker) -> Shape | None:
    tell = TELL_REPLY.get(ReplyKind(reply["kind"]))
    if tell is None:
        return None
    kind, payload = tell(read_said(reply))
    whole: dict[str, Any] = {
        "id": to_uuid(reply["id"]),
        "source": speaker.address,
        "type": kind,
        "payload": payload,
        "sender": build_sender(speaker),
    }
    if told.answered is not None:
        whole["context"] = {"id": read_said(reply).get("answers", ""), "gsId": to_uuid(told.answered["id"])}
    return "message", whole


def build_sender(speaker: Speaker) -> dict[str, str]:
    """Who speaks. A phone number is told with its country and its national part."""
    sender = {"phone": speaker.address, "name": speaker.name}
    if speaker.channel is not Channel.SMS:
        return sender
    country, national = split_phone(speaker.address)
    return {**sender, "country_code": country, "dial_code": national}


def _tell_text(said: Mapping[str, Any]) -> Shape:
    return "text", {"text": said.get("text", "")}


def _tell_tap(said: Mapping[str, Any]) -> Shape:
    """A tap tells the title seen, and what the message gave it as `postbackText`; `id` is the message's `msgid`."""
    payload = said.get("payload", "")
    tap = parse_payload(payload)
    title = said.get("text") or (tap.text if tap is not None else payload)
    postback, msgid = (tap.postback or tap.text, tap.msgid) if tap is not None else (payload, "")
    return "quick_reply", {"text": title, "type": "button", "postbackText": postback, **({"id": msgid} if msgid else {})}


def _tell_button(said: Mapping[str, Any]) -> Shape:
    _, told = _tell_tap(said)
    return "button_reply", {"title": told.pop("text"), **told}


def _tell_file(said: Mapping[str, Any]) -> Shape:
    first: Mapping[str, Any] = next(iter(said.get("attachments") or ()), {})
    kind = str(first.get("type", "file"))
    if kind == "location":
        point = (first.get("payload") or {}).get("coordinates") or {}
        return kind, {"latitude": str(point.get("lat", "")), "longitude": str(point.get("long", ""))}
    return kind, {"url": first.get("url", ""), "caption": said.get("text", "")}


TELL_REPLY: Mapping[ReplyKind, Callable[[Mapping[str, Any]], Shape]] = {
    ReplyKind.TEXT: _tell_text,
    ReplyKind.QUICK_REPLY: _tell_tap,
    ReplyKind.POSTBACK: _tell_button,
    ReplyKind.ATTACHMENT: _tell_file,
}
