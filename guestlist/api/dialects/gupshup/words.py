"""Gupshup's words beside ours, and what a tapped button brings back. Pure; imports no web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import phonenumbers

from guestlist.domain.messages import Channel
from guestlist.storage.base import Row

DIALECT_NAME = "gupshup"
REPORTS_NAME = "gupshup-v2"
"""The dialect of endpoints that get the POST callbacks, version 2; those of `gupshup` get the bot's GET."""

CHANNELS: Mapping[str, Channel] = {
    "fb": Channel.MESSENGER,
    "facebook": Channel.MESSENGER,
    "messenger": Channel.MESSENGER,
    "sms": Channel.SMS,
}
CHANNEL_WORDS: Mapping[Channel, str] = {Channel.MESSENGER: "fb", Channel.SMS: "sms", Channel.EMAIL: "email"}
"""Gupshup's `channeltype` for each of ours."""

PHONE, PERSON = "phone", "p2p"
"""What a context's id is."""

_TAP = "gupshup:"


def channel_of(account: Row) -> Channel:
    """The channel of a row of `pages` or `accounts`."""
    return Channel(account["channel"]) if "channel" in account else Channel.MESSENGER


@dataclass(frozen=True, slots=True)
class Tap:
    """What a button of ours tells when it is tapped."""

    text: str
    msgid: str = ""
    postback: str = ""  # `postbackText` of the current API


def build_payload(tap: Tap) -> str:
    """The payload of a button or quick reply. Messenger brings it back unread."""
    told = {"text": tap.text, "refmsgid": tap.msgid, "postbackText": tap.postback}
    return _TAP + orjson.dumps({name: value for name, value in told.items() if value}).decode()


def parse_payload(payload: str) -> Tap | None:
    """What was tapped; None for a payload that this dialect did not make."""
    if not payload.startswith(_TAP):
        return None
    try:
        told: Any = orjson.loads(payload.removeprefix(_TAP))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, Mapping):
        return None
    return Tap(*(str(told.get(name, "")) for name in ("text", "refmsgid", "postbackText")))


def split_phone(digits: str) -> tuple[str, str]:
    """Country code and national number; the first is empty for what cannot be split."""
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return "", digits
    code = str(number.country_code)
    return code, digits.removeprefix(code)
