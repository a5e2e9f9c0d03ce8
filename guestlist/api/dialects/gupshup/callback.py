"""The bot's callback (4.2): a GET whose query is what the person said, and whose answer's body is the reply.

Imports no web framework: `app.py` needs it in every process.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson

from guestlist.actions import messages
from guestlist.actions.base import Services
from guestlist.domain.identifiers import to_uuid
from guestlist.domain.messages import MessagingType, Rule, Target
from guestlist.errors import GuestlistError, UsageError
from guestlist.outbound.base import REPLY_READ, Endpoint, Rendered, Told
from guestlist.storage.base import Transaction

from .drafts import build_request
from .shapes import Speaker, build_messageobj, find_speaker
from .structured import read_message
from .words import CHANNEL_WORDS, DIALECT_NAME, PERSON

LONGEST_URL = 8000
"""Bytes of a callback's URL: what web servers take by default. A longer text is cut, as a URL must not fail for it."""

BY = "bot"
"""Who sends a bot's reply, in the message's `by`."""


class BadAnswerError(UsageError):
    """The bot's answer cannot be sent."""

    code = "bad_answer"


class GupshupRenderer:
    """Implements `outbound.base.Renderer`."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered | None:
        """The GET; None for events that a bot is not told, and for people who cannot be answered any more."""
        speaker = find_speaker(told)
        said = build_messageobj(told) if speaker is not None else None
        if speaker is None or said is None:
            return None
        if told.reply is not None:
            said["id"] = to_uuid(told.reply["id"])
        return Rendered(method="GET", url=build_url(endpoint.url, speaker, said), headers={})


def build_url(url: str, speaker: Speaker, said: dict[str, Any]) -> str:
    """The callback's URL with its query, whose text is cut where it would grow too long."""
    whole = join(url, speaker, said)
    if len(whole) <= LONGEST_URL:
        return whole
    fits, too_long = 0, len(said["text"])
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(join(url, speaker, {**said, "text": said["text"][:middle]})) <= LONGEST_URL:
            fits = middle
        else:
            too_long = middle
    return join(url, speaker, {**said, "text": said["text"][:fits]})


def join(url: str, speaker: Speaker, said: dict[str, Any]) -> str:
    """A URL with what somebody said as its query, behind what it has already."""
    bot, word = speaker.account["name"], CHANNEL_WORDS[speaker.channel]
    context = {"botname": bot, "channeltype": word, "contextid": speaker.address, "contexttype": PERSON}
    sender = {"channelid": speaker.address, "channeltype": word, "display": speaker.name, "subdisplay": speaker.name}
    query = {
        "botname": bot,
        "channel": word,
        "sender": speaker.address,
        "message": said["text"],
        "contextobj": orjson.dumps(context).decode(),
        "senderobj": orjson.dumps(sender).decode(),
        "messageobj": orjson.dumps(said).decode(),
    }
    base, _, _ = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{urlencode(query, quote_via=quote, safe='')}"


async def send_answer(tx: Transaction, services: Services, workspace_id: str, told: Told, body: bytes) -> set[str]:
    """Sends what a bot answered to the person who spoke; the lanes to wake. An empty answer is no reply.

    Errors: BadAnswerError, BadStructureError, and those of `messages.send_message`.
    """
    text = read_answer(body)
    speaker = find_speaker(told)
    if not text or speaker is None or told.contact is None:
        return set()
    rule = Rule(speaker.channel, speaker.account["id"])
    request = build_request(Target(contact_id=told.contact["id"]), rule, read_message(text), kind=MessagingType.RESPONSE)
    sent, lanes = await messages.send_in(tx, services, workspace_id, request, messages.Origin(by=BY, dialect=DIALECT_NAME))
    if isinstance(sent, GuestlistError):
        raise sent
    return lanes


def read_answer(body: bytes) -> str:
    """The text of an answer. Errors: BadAnswerError for one that was cut, is no text, or is a web page."""
    if len(body) >= REPLY_READ:
        raise BadAnswerError(f"The answer has {REPLY_READ:,} bytes or more.", code="answer_too_large")
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        raise BadAnswerError("The answer is not in UTF-8.") from None
    if text[:15].lower().startswith(("<!doctype", "<html")):
        raise BadAnswerError("The answer is a web page.")  # a proxy's or a framework's, never what a person is to read
    if "\x00" in text:
        raise BadAnswerError("The answer holds a NUL character.")
    return text
