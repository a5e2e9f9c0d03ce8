"""Sending by e-mail, over the account's relay."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from email.errors import MessageError
from typing import Any

from guestlist.channels.base import Accepted, PartCall, Probe, Problem, Refused, Remedy, Sender
from guestlist.channels.sandbox import PROVIDER as SANDBOX
from guestlist.channels.sandbox import SandboxGateway
from guestlist.domain.messages import Channel, Draft, Media, media_for
from guestlist.domain.routes import Open

from .mime import Letter, choose_subject, encode_letter
from .relay import Relay

LARGEST_FILES = 10 * 1024 * 1024
"""Bytes of attachments together, before they are encoded: what relays commonly take."""

ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
"""An address of one person: no display name, no list, no line break."""


_KIND = re.compile(
    r"image|audio|video|file|(?!multipart/|message/)[a-z0-9.+\-]{1,60}/[a-z0-9.+\-]{1,80}", re.IGNORECASE | re.ASCII
)


class EmailChannel:
    """Implements channels.base.Channel and Probing."""

    name = Channel.EMAIL

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._sandbox = SandboxGateway()

    def check(self, draft: Draft) -> Sequence[Problem]:
        """A text or HTML, files as data, a plain address to reply to. A raw body is a whole letter's fields."""
        problems = [*_check_fields(draft), *_check_files(draft)]
        letter = build_letter(draft)
        if not (letter.text or letter.html):
            problems.insert(0, Problem("content.text", "missing", "An e-mail needs a text, or HTML in `options.email.html`."))
        return problems

    def build(self, draft: Draft, route: Open) -> Sequence[Mapping[str, Any]]:
        """One call. Shape: to, and the fields of `Letter`."""
        return ({"to": route.address, **asdict(build_letter(draft))},)

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """One letter to the relay. Its Message-ID is made from the part's id: the same at every try."""
        if sender.provider == SANDBOX:
            return await self._sandbox.send(sender, call)
        if sender.provider != "smtp":
            return Refused(Remedy.STOP, "unknown_provider", "", f"There is no e-mail provider called {sender.provider}.")
        given = dict(call.body)
        to = given.pop("to")
        if not ADDRESS.fullmatch(to):
            return Refused(Remedy.NEXT, "bad_address", "", "This is not an address that mail servers can write.")
        try:
            message_id, encoded = encode_letter(Letter(**given), to=to, part_id=call.part_id, sender=sender)
        except (ValueError, LookupError, TypeError, MessageError):
            return Refused(Remedy.STOP, "bad_letter", "", "This cannot be written as a letter.")
        refused = await self._relay.send(sender, to, encoded)
        return refused or Accepted(message_id)

    async def probe(self, sender: Sender) -> Probe:
        """Greets the relay and logs in."""
        return await (self._sandbox.probe(sender) if sender.provider == SANDBOX else self._relay.probe(sender))


def build_letter(draft: Draft) -> Letter:
    """What the draft says by e-mail. A raw body's fields go before: subject, text, html, reply_to, unsubscribe."""
    content, options = draft.content, draft.options.email
    files = [{"type": part.type, "name": part.name, "data": part.data} for part in media_for(content, Channel.EMAIL) if part.data]
    raw = content.raw.get(Channel.EMAIL.value, {})
    text = str(raw.get("text", content.text))
    html = str(raw.get("html", options.html))
    title = str(raw.get("subject") or options.subject or content.title)
    return Letter(
        subject=choose_subject(title, text),
        text=text or ("" if html else content.title),
        html=html,
        reply_to=str(raw.get("reply_to", options.reply_to)),
        unsubscribe=str(raw.get("unsubscribe", options.unsubscribe_url)),
        files=files,
    )


def _check_fields(draft: Draft) -> Sequence[Problem]:
    problems = []
    letter = build_letter(draft)
    if letter.reply_to and not ADDRESS.fullmatch(letter.reply_to):
        sentence = "`reply_to` is one plain e-mail address, such as shop@example.com."
        problems.append(Problem("options.email.reply_to", "bad_address", sentence))
    if letter.unsubscribe and not re.fullmatch(r"(https?://|mailto:)[!-;=?-~]+", letter.unsubscribe):
        sentence = "The unsubscribe link is a web address or mailto: link without spaces."
        problems.append(Problem("options.email.unsubscribe_url", "bad_url", sentence))
    return problems


def _check_files(draft: Draft) -> Sequence[Problem]:
    problems, size = [], 0
    said = draft.content.text + draft.options.email.html
    for part in media_for(draft.content, Channel.EMAIL):
        field = f"content.parts.{draft.content.parts.index(part)}"
        if not _KIND.fullmatch(part.type):
            problems.append(Problem(f"{field}.type", "bad_type", "A file's type is image, audio, video, file or a MIME type."))
        if part.data:
            size += len(part.data) * 3 // 4
            if not _is_base64(part):
                problems.append(Problem(f"{field}.data", "bad_base64", "The file's data is not base64."))
        elif not (part.url and part.url in said):
            sentence = "E-mail takes files as `data`. Give it so, put the link into the text, or use the file's `channels`."
            problems.append(Problem(field, "not_supported", sentence))
    if size > LARGEST_FILES:
        sentence = f"The files have {size:,} bytes together; an e-mail takes {LARGEST_FILES:,}."
        problems.append(Problem("content.parts", "too_large", sentence))
    return problems


def _is_base64(part: Media) -> bool:
    try:
        b64decode(part.data, validate=True)
    except (NotBase64, ValueError):
        return False
    return True
