"""What every kind of event shares: whose Page it is about, and when it happened."""

from __future__ import annotations

from datetime import datetime

from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.payloads import Fields
from guestlist.inbound.timestamps import parse_instant


def get_page_id(fields: Fields, event: WireEvent) -> str:
    """The Page the event is about: its own word before its envelope's. Errors: PayloadError when neither says."""
    page_id = fields.find_identifier("page_id") or event.page_id
    if page_id is None:
        raise fields.refuse("page_id", "is missing")
    return page_id


def parse_event_instant(fields: Fields, event: WireEvent, received_at: datetime) -> datetime | None:
    """When it happened: the event's own time, the envelope's only where the event has none."""
    own = fields.raw("timestamp")
    return parse_instant(event.sent_at if own is None else own, received_at)
