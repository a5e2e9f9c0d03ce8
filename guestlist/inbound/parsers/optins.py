"""Opt-ins: to marketing messages in the thread (fact page 4.1), through the plugins (9), and a message request accepted (6)."""

from __future__ import annotations

from datetime import datetime

from guestlist.domain.facts import Ignored, OptIn, OptInChange, Reply, ReplyKind, RequestAccepted
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import parse_event_instant
from guestlist.inbound.parsers.replies import CHANNEL, get_parties, make_id
from guestlist.inbound.payloads import Fields
from guestlist.inbound.timestamps import parse_expiry

_MAX_TEXT = 1000
_MAX_ZONE = 64
_MAX_REF = 4_000
_ACCEPTED = "accept"
_LINK_FIELDS = ("ref", "notification_messages_topic")  # of the m.me opt-in link alone
_CHANGES = {"STOP": OptInChange.STOPPED, "RESUME": OptInChange.RESUMED}


def parse_optin(event: WireEvent, received_at: datetime) -> OptIn | Reply | RequestAccepted | Ignored:
    """What the person decided. An opt-in of another type moves nothing.

    Errors: PayloadError as each kind says.
    """
    fields = Fields(event.kind, event.value)
    optin = fields.get_child("optin")
    kind = optin.find_text("type", _MAX_TEXT)
    if kind == "notification_messages":
        return _parse_marketing(fields, optin, event, received_at)
    if optin.find_text("message_request", _MAX_TEXT) == _ACCEPTED:
        parties = get_parties(fields, event)
        psid = fields.get_child("sender").get_identifier("id")
        return RequestAccepted(parties.page_id, psid, parse_event_instant(fields, event, received_at))
    if kind is None and (optin.raw("ref") is not None or optin.raw("user_ref") is not None):
        return _parse_plugin(fields, optin, event, received_at)
    return Ignored(event.kind, event.page_id)


def _parse_plugin(fields: Fields, optin: Fields, event: WireEvent, received_at: datetime) -> Reply:
    """A tap on Send to Messenger, or a checkbox confirmed, which names only its `user_ref`. Both open the window."""
    parties = get_parties(fields, event, person_needed=False)
    user_ref = optin.find_identifier("user_ref") or parties.user_ref
    if not (parties.person or user_ref):
        raise fields.refuse("sender", "is missing")
    return Reply(
        kind=ReplyKind.PLUGIN,
        channel=CHANNEL,
        account=parties.page_id,
        provider_id=make_id(event),
        at=parse_event_instant(fields, event, received_at),
        person=parties.person,
        user_ref=user_ref,
        ref=optin.find_text("ref", _MAX_REF) or "",
        opens_window=True,
    )


def _parse_marketing(fields: Fields, optin: Fields, event: WireEvent, received_at: datetime) -> OptIn:
    """Marketing messages granted, stopped or resumed.

    Errors: PayloadError without person, Page or token, or when the status is a word that is neither stop nor resume: it is
    no yes then, and a person must look.
    """
    return OptIn(
        change=_parse_change(optin),
        page_id=get_parties(fields, event, person_needed=False).page_id,
        psid=fields.get_child("sender").get_identifier("id"),
        token=optin.get_identifier("notification_messages_token"),
        at=parse_event_instant(fields, event, received_at),
        title=optin.find_text("title", _MAX_TEXT),
        timezone=optin.find_text("notification_messages_timezone", _MAX_ZONE),
        expires_at=parse_expiry(optin.raw("token_expiry_timestamp"), received_at),
        payload=optin.find_text("payload", _MAX_TEXT),
        from_link=_came_from_link(optin),
    )


def _parse_change(optin: Fields) -> OptInChange:
    """The docs write `STOP NOTIFICATIONS`, others `STOP_NOTIFICATIONS`: the first word decides, in either case."""
    name = "notification_messages_status"
    status = (optin.find_text(name, _MAX_TEXT) or "").strip().upper()
    if not status:
        return OptInChange.OPTED_IN
    for prefix, change in _CHANGES.items():
        if status.startswith(prefix):
            return change
    raise optin.refuse(name, "is neither stop nor resume")


def _came_from_link(optin: Fields) -> bool:
    return any(optin.raw(name) for name in _LINK_FIELDS) or optin.raw("source") == "SHORTLINK"
