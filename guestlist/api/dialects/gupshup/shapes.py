"""What people said and did, as both of Gupshup's callbacks see it (4.2, 4.6). Pure; imports no web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from guestlist.domain.facts import ReplyKind
from guestlist.domain.messages import AddressKind, Channel
from guestlist.outbound.base import Row, Told

from .words import Tap, channel_of, parse_payload

ADDRESSES: Mapping[Channel, AddressKind] = {
    Channel.MESSENGER: AddressKind.PSID,
    Channel.SMS: AddressKind.PHONE,
    Channel.EMAIL: AddressKind.EMAIL,
}

MENU = "persistent_menu"
"""The `refmsgid` of every tap on the persistent menu."""

GET_STARTED = "GET_STARTED"
"""The payload that the Page's get-started button must have to be told from the menu."""

STARTED, OPTED_IN = "startchattingevent", "botoptinevent"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks to which account."""

    account: Row = field(repr=False)
    channel: Channel
    address: str = field(repr=False)
    name: str = field(default="", repr=False)


def find_speaker(told: Told) -> Speaker | None:
    """The person of an event and their address on its account; None where either is not known any more."""
    if told.account is None or told.contact is None:
        return None
    channel = channel_of(told.account)
    kind, own = ADDRESSES[channel].value, ("", told.account["id"])
    address = next((row["value"] for row in told.addresses if row["kind"] == kind and row["account_id"] in own), None)
    if address is None:
        return None
    name = " ".join(filter(None, (told.contact["first_name"], told.contact["last_name"])))
    return Speaker(told.account, channel, address, name)


def build_messageobj(told: Told) -> dict[str, Any] | None:
    """The bot's `messageobj`; None for what a bot is not told: receipts, reactions, what our side wrote."""
    if told.kind == "opt_in.received":
        ref = read_said(told.reply).get("ref", "") if told.reply is not None else ""
        return {"type": "event", "text": OPTED_IN, "referralParam": ref}
    if told.kind != "message.received" or told.reply is None:
        return None
    said = read_said(told.reply)
    kind = ReplyKind(told.reply["kind"])
    if kind is ReplyKind.REFERRAL:
        return {"type": "event", "text": STARTED, "referralParam": said.get("ref", "")}
    if kind is ReplyKind.POSTBACK:
        return _build_postback(said)
    if kind is ReplyKind.QUICK_REPLY:
        return _build_tap(parse_payload(said.get("payload", "")), said, msgid="")
    if kind is ReplyKind.ATTACHMENT:
        return _build_attachment(said)
    return {"type": "msg", "text": said.get("text", "")}


def read_said(reply: Row) -> Mapping[str, Any]:
    """The content of a reply."""
    said: Mapping[str, Any] = orjson.loads(reply["content"])
    return said


def _build_postback(said: Mapping[str, Any]) -> dict[str, Any]:
    payload = said.get("payload", "")
    tap = parse_payload(payload)
    if tap is None and ("referral" in said or payload == GET_STARTED):
        return {"type": "event", "text": STARTED, "referralParam": said.get("ref", "")}
    return _build_tap(tap, said, msgid=MENU)


def _build_tap(tap: Tap | None, said: Mapping[str, Any], *, msgid: str) -> dict[str, Any]:
    """A tap on a button of ours, or on one that was made elsewhere."""
    text, refmsgid = (tap.text, tap.msgid) if tap is not None else (said.get("text") or said.get("payload", ""), msgid)
    return {"type": "msg", "text": text, **({"refmsgid": refmsgid} if refmsgid else {})}


def _build_attachment(said: Mapping[str, Any]) -> dict[str, Any]:
    """The first file, or the place, that was sent."""
    first: Mapping[str, Any] = next(iter(said.get("attachments") or ()), {})
    if first.get("type") == "location":
        point = (first.get("payload") or {}).get("coordinates") or {}
        told = {"type": "location", "text": first.get("title", ""), "address": first.get("title", "")}
        return {**told, "latitude": point.get("lat"), "longitude": point.get("long")}
    url = first.get("url", "")
    return {"type": str(first.get("type", "file")), "text": said.get("text") or url, "url": url}
