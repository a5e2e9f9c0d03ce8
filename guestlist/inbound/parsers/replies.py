"""What people say and do on Messenger: messages, taps, links, reactions; and echoes of what left from elsewhere.

Source: fact page 7.5 (what opens the window), 8.3 (bodies), 6 and 9 (`prior_message`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guestlist.domain.facts import Reply, ReplyKind
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import parse_event_instant
from guestlist.inbound.payloads import Fields, find_document

CHANNEL = "messenger"
MOST_ATTACHMENTS = 50
_MAX_TEXT = 20_000
_MAX_PAYLOAD = 4_000
_MAX_URL = 4_000
_MAX_EMOJI = 64
_MAX_DOCUMENT = 10_000
_LINK = "SHORTLINK"


@dataclass(frozen=True, slots=True)
class Parties:
    """Who an event is between. One of `person` (PSID) and `user_ref` is known."""

    page_id: str
    person: str
    user_ref: str = ""


def parse_message(event: WireEvent, received_at: datetime) -> Reply:
    """What a person wrote, tapped as a quick reply, or sent as a file.

    Errors: PayloadError without a person, Page or mid.
    """
    fields = Fields(event.kind, event.value)
    parties, message = get_parties(fields, event), fields.get_child("message")
    quick_reply, answered = message.find_child("quick_reply"), message.find_child("reply_to")
    attachments = parse_attachments(message.raw("attachments"))
    referral = find_document(message.raw("referral"), _MAX_DOCUMENT)
    kind = ReplyKind.ATTACHMENT if attachments else ReplyKind.TEXT
    return Reply(
        kind=ReplyKind.QUICK_REPLY if quick_reply else kind,
        channel=CHANNEL,
        account=parties.page_id,
        provider_id=message.get_identifier("mid"),
        at=parse_event_instant(fields, event, received_at),
        person=parties.person,
        user_ref=parties.user_ref,
        text=message.find_text("text", _MAX_TEXT) or "",
        payload=(quick_reply.find_text("payload", _MAX_PAYLOAD) if quick_reply else None) or "",
        ref=_ref_of(referral),
        attachments=attachments,
        referral=referral,
        answers=(answered.find_identifier("mid") if answered else None) or "",
        prior=_parse_prior(fields),
        opens_window=True,
    )


def parse_echo(event: WireEvent, received_at: datetime) -> Reply:
    """What was sent in the Page's name, by us or from elsewhere. `metadata` is the part's id where it was us.

    Shape: sender is the Page, recipient the person. Errors: PayloadError without a person, Page or mid.
    """
    fields = Fields(event.kind, event.value)
    message, recipient, sender = fields.get_child("message"), fields.get_child("recipient"), fields.find_child("sender")
    page_id = (sender.find_identifier("id") if sender else None) or event.page_id
    if page_id is None:
        raise fields.refuse("sender", "is missing")
    return Reply(
        kind=ReplyKind.ECHO,
        channel=CHANNEL,
        account=page_id,
        provider_id=message.get_identifier("mid"),
        at=parse_event_instant(fields, event, received_at),
        person=recipient.get_identifier("id"),
        text=message.find_text("text", _MAX_TEXT) or "",
        attachments=parse_attachments(message.raw("attachments")),
        part_id=message.find_text("metadata", _MAX_PAYLOAD) or "",
        app_id=message.find_identifier("app_id") or "",
    )


def parse_postback(event: WireEvent, received_at: datetime) -> Reply:
    """A tap on a button, a menu or Get Started; its own referral says how a new person came."""
    fields = Fields(event.kind, event.value)
    parties, postback = get_parties(fields, event), fields.get_child("postback")
    referral = find_document(postback.raw("referral"), _MAX_DOCUMENT)
    return Reply(
        kind=ReplyKind.POSTBACK,
        channel=CHANNEL,
        account=parties.page_id,
        provider_id=postback.find_identifier("mid") or make_id(event),
        at=parse_event_instant(fields, event, received_at),
        person=parties.person,
        user_ref=parties.user_ref,
        text=postback.find_text("title", _MAX_TEXT) or "",
        payload=postback.find_text("payload", _MAX_PAYLOAD) or "",
        ref=_ref_of(referral),
        referral=referral,
        prior=_parse_prior(fields),
        opens_window=True,
    )


def parse_referral(event: WireEvent, received_at: datetime) -> Reply:
    """An m.me link or an ad led somebody into a thread that is there already. The click on an ad alone opens no window."""
    fields = Fields(event.kind, event.value)
    parties, inner = get_parties(fields, event), fields.get_child("referral")
    referral = find_document(fields.raw("referral"), _MAX_DOCUMENT)
    return Reply(
        kind=ReplyKind.REFERRAL,
        channel=CHANNEL,
        account=parties.page_id,
        provider_id=make_id(event),
        at=parse_event_instant(fields, event, received_at),
        person=parties.person,
        user_ref=parties.user_ref,
        ref=_ref_of(referral),
        referral=referral,
        opens_window=inner.raw("source") == _LINK,
    )


def parse_reaction(event: WireEvent, received_at: datetime) -> Reply:
    """A reaction put on a message, or taken back (`payload` is Meta's action). Errors: PayloadError without a mid."""
    fields = Fields(event.kind, event.value)
    parties, reaction = get_parties(fields, event), fields.get_child("reaction")
    action = reaction.find_text("action", _MAX_EMOJI) or "react"
    return Reply(
        kind=ReplyKind.REACTION,
        channel=CHANNEL,
        account=parties.page_id,
        provider_id=make_id(event),
        at=parse_event_instant(fields, event, received_at),
        person=parties.person,
        user_ref=parties.user_ref,
        text=reaction.find_text("emoji", _MAX_EMOJI) or reaction.find_text("reaction", _MAX_EMOJI) or "",
        payload=action,
        answers=reaction.get_identifier("mid"),
        opens_window=action == "react",
    )


# -- shared ---------------------------------------------------------------------------------------------------------


def get_parties(fields: Fields, event: WireEvent, *, person_needed: bool = True) -> Parties:
    """The person and the Page of an event. Errors: PayloadError without a Page, or without a person where one is needed."""
    sender, recipient = fields.find_child("sender"), fields.find_child("recipient")
    page_id = (recipient.find_identifier("id") if recipient else None) or event.page_id
    if page_id is None:
        raise fields.refuse("recipient", "is missing")
    person = (sender.find_identifier("id") if sender else None) or ""
    user_ref = (sender.find_identifier("user_ref") if sender else None) or ""
    if person_needed and not (person or user_ref):
        raise sender.refuse("id", "is missing") if sender else fields.refuse("sender", "is missing")
    return Parties(page_id, person, user_ref)


def make_id(event: WireEvent) -> str:
    """An id for an event that has none: the same for the same event, however often it comes."""
    digest = hashlib.sha256(json.dumps([event.kind, event.value], sort_keys=True).encode())
    return f"event:{digest.hexdigest()[:40]}"


def parse_attachments(value: object) -> tuple[Mapping[str, Any], ...]:
    """Files and what else goes along, each as type, url and title where it has them, and its whole payload where it is small.

    What is no attachment is left out: it never costs the message.
    """
    found = value if isinstance(value, list) else []
    return tuple(_parse_attachment(each) for each in found[:MOST_ATTACHMENTS] if isinstance(each, dict))


def _parse_attachment(given: dict[str, Any]) -> Mapping[str, Any]:
    payload = find_document(given.get("payload"), _MAX_DOCUMENT) or {}
    known = {"type": given.get("type"), "url": payload.get("url") or given.get("url"), "title": payload.get("title")}
    texts = {name: text[:_MAX_URL].replace("\x00", "\ufffd") for name, text in known.items() if isinstance(text, str)}
    return {"type": "unknown", **texts, "payload": payload}


def _ref_of(referral: Mapping[str, Any] | None) -> str:
    ref = (referral or {}).get("ref")
    return ref[:_MAX_PAYLOAD] if isinstance(ref, str) else ""


def _parse_prior(fields: Fields) -> Mapping[str, str] | None:
    """What the person was known by before their first message: a `user_ref`, or a phone number."""
    prior = fields.find_child("prior_message")
    identifier = prior.find_identifier("identifier") if prior else None
    if prior is None or identifier is None:
        return None
    return {"source": prior.find_text("source", _MAX_EMOJI) or "", "identifier": identifier}
