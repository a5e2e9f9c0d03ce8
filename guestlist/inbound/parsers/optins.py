"""Opt-ins to marketing messages in the thread: granted, stopped, resumed. Source: fact page 4.1; plugins: 9."""

from __future__ import annotations

from datetime import datetime

from guestlist.domain.facts import Ignored, OptIn, OptInChange
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import parse_event_instant
from guestlist.inbound.payloads import Fields
from guestlist.inbound.timestamps import parse_expiry

_MAX_TEXT = 1000
_MAX_ZONE = 64
_LINK_FIELDS = ("ref", "notification_messages_topic")  # of the m.me opt-in link alone
_CHANGES = {"STOP": OptInChange.STOPPED, "RESUME": OptInChange.RESUMED}


def parse_optin(event: WireEvent, received_at: datetime) -> OptIn | Ignored:
    """What the person decided. Opt-ins of the plugins (no type, or another one) move nothing yet.

    Errors: PayloadError without person, Page or token, or when the status is a word that is neither stop nor resume: it is
    no yes then, and a person must look.
    """
    fields = Fields(event.kind, event.value)
    optin = fields.get_child("optin")
    if optin.find_text("type", _MAX_TEXT) != "notification_messages":
        return Ignored(event.kind, event.page_id)
    return OptIn(
        change=_parse_change(optin),
        page_id=_get_page_id(fields, event),
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


def _get_page_id(fields: Fields, event: WireEvent) -> str:
    recipient = fields.find_child("recipient")
    page_id = (recipient.find_identifier("id") if recipient else None) or event.page_id
    if page_id is None:
        raise fields.refuse("recipient", "is missing")
    return page_id


def _came_from_link(optin: Fields) -> bool:
    return any(optin.raw(name) for name in _LINK_FIELDS) or optin.raw("source") == "SHORTLINK"
