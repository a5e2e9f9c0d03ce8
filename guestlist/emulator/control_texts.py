"""Control calls of the SMS sandbox: what arrived on phones, and what phones answer."""

from __future__ import annotations

from typing import Any

from .emulator import Emulator
from .errors import invalid
from .params import Params
from .people import phone_digits
from .texts import NUMBER, Text


def show_texts(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Texts, the newest last: `phone` picks those of one phone."""
    given = params.text("phone")
    phone = phone_digits(given) if given else None
    shown = [_show(emulator, text) for text in emulator.texts.all if not given or text.phone == phone]
    return {"data": shown, "inbound_url": emulator.texts.inbound_url}


def set_inbound(emulator: Emulator, params: Params) -> dict[str, Any]:
    """`inbound_url`: where answers of phones are posted, signed as Twilio signs."""
    url = params.must("inbound_url")
    if not url.startswith(("http://", "https://")):
        raise invalid("Param inbound_url must be a URL")
    emulator.texts.inbound_url = url
    return {"inbound_url": url}


def let_phone_say(emulator: Emulator, params: Params) -> dict[str, Any]:
    """A phone (`from`) texts `body` to a number (`to`, else the one it last heard from)."""
    phone = phone_digits(params.must("from"))
    if phone is None:
        raise invalid("Param from must be a phone number with its country code")
    heard = next((text.sender for text in reversed(emulator.texts.all) if text.phone == phone), NUMBER)
    to = params.text("to")
    return _show(emulator, emulator.texts.say(phone, (phone_digits(to) or to) if to else heard, params.must("body")))


def _show(emulator: Emulator, text: Text) -> dict[str, Any]:
    return {
        "sid": text.sid,
        "by": text.by,
        "phone": text.phone,
        "sender": text.sender,
        "body": text.body,
        "media": list(text.media),
        "status": text.status,
        "at": emulator.clock.iso(text.at),
    }
