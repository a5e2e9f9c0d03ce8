"""Sending by SMS, over whichever provider the account has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.channels.base import Accepted, PartCall, Probe, Problem, Refused, Remedy, Sender
from guestlist.channels.http import Http
from guestlist.channels.sandbox import PROVIDER as SANDBOX
from guestlist.channels.sandbox import SandboxGateway
from guestlist.domain.messages import Channel, Draft, media_for
from guestlist.domain.routes import Open

from .gateway import Gateway
from .kannel import Kannel
from .segments import Encoding, Size, convert_to_gsm, measure
from .twilio import Twilio

MOST_SEGMENTS = 10
"""Joined they hold 1,530 septets, or 670 UCS-2 units: less than the 1,600 characters that Twilio takes at most."""

_SENDER = re.compile(r"\+?[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 &.\-_+]{3,11}", re.ASCII)


class SmsChannel:
    """Implements channels.base.Channel, Measuring and Probing. `public_url` is where providers reach us; "" = nowhere."""

    name = Channel.SMS

    def __init__(self, http: Http, *, public_url: str = "") -> None:
        self._gateways: Mapping[str, Gateway] = {
            "twilio": Twilio(http, public_url),
            "kannel": Kannel(http, public_url),
            SANDBOX: SandboxGateway(),
        }

    def check(self, draft: Draft) -> Sequence[Problem]:
        """A text of at most ten segments, and no file that the text does not link to. A raw body is the provider's to judge."""
        if draft.content.raw.get(self.name.value):
            return ()
        return [*_check_text(draft), *_check_sender(draft), *_check_media(draft)]

    def build(self, draft: Draft, route: Open) -> Sequence[Mapping[str, Any]]:
        """One call. Shape: to (digits), sender ("" = the account's), text, encoding, segments; or raw."""
        common = {"to": route.address, "sender": draft.options.sms.sender}
        if raw := draft.content.raw.get(self.name.value):
            return ({**common, "raw": raw},)
        text = text_of(draft)
        size = measure(text)
        return ({**common, "text": text, "encoding": size.encoding.value, "segments": size.segments},)

    def measure(self, draft: Draft) -> Mapping[str, Any]:
        """What the text comes to. Shape: encoding (`gsm`, `ucs2`), units, segments; nothing for a raw body."""
        if draft.content.raw.get(self.name.value):
            return {}
        size = measure(text_of(draft))
        return {"encoding": size.encoding.value, "units": size.units, "segments": size.segments}

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """One call to the provider."""
        gateway = self._gateways.get(sender.provider)
        if gateway is None:
            return Refused(Remedy.STOP, "unknown_provider", "", f"There is no SMS provider called {sender.provider}.")
        return await gateway.send(sender, call)

    async def probe(self, sender: Sender) -> Probe:
        """What the provider says of the account, without sending anything."""
        return await self._gateways[sender.provider].probe(sender)


def text_of(draft: Draft) -> str:
    """What goes out: the title as the first line, then the text, in GSM where the sender wants no other alphabet."""
    text = "\n".join(filter(None, (draft.content.title, draft.content.text))).replace("\r\n", "\n")
    return text if draft.options.sms.allow_unicode else convert_to_gsm(text)


def _check_text(draft: Draft) -> Sequence[Problem]:
    text = text_of(draft)
    if not text.strip():
        return (Problem("content.text", "missing", "An SMS needs a text."),)
    size = measure(text)
    if size.segments > MOST_SEGMENTS:
        return (Problem("content.text", "too_long", _too_long(size)),)
    return ()


def _too_long(size: Size) -> str:
    limit = "1,530 GSM characters" if size.encoding is Encoding.GSM else "670 characters, as some of them are not in GSM 03.38"
    return f"The text takes {size.segments} SMS segments; at most {MOST_SEGMENTS} are sent, which is {limit}."


def _check_sender(draft: Draft) -> Sequence[Problem]:
    sender = draft.options.sms.sender
    if not sender or _SENDER.fullmatch(sender):
        return ()
    sentence = "A sender is a number of 3 to 15 digits, or 3 to 11 letters and digits with at least one letter."
    return (Problem("options.sms.sender", "bad_sender", sentence),)


def _check_media(draft: Draft) -> Sequence[Problem]:
    text = text_of(draft)
    refused = [part for part in media_for(draft.content, Channel.SMS) if not (part.url and part.url in text)]
    sentence = "SMS carries no files. Put the file's link into the text, or keep it to other channels with its `channels`."
    return [Problem(f"content.parts.{draft.content.parts.index(part)}", "not_supported", sentence) for part in refused]
