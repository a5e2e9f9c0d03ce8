"""Receipts of marketing messages: echoes, deliveries, reads, clicks and late failures. Source: fact page 5.7."""

from __future__ import annotations

from datetime import datetime

from guestlist.domain.facts import MarketingReceipt, ReceiptKind
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import get_page_id, parse_event_instant
from guestlist.inbound.payloads import Fields

_MAX_ERROR_TEXT = 1000


def parse_receipt(kind: ReceiptKind, event: WireEvent, received_at: datetime) -> MarketingReceipt:
    """What happened to one marketing message.

    Shape: Meta's `message_id` is the campaign. Clicks and failures carry no tracking id; `recipient_id` and `mid` are
    missing or null for people who came from a list.
    Errors: PayloadError when neither the tracking id nor token and campaign say which message is meant.
    """
    fields = Fields(event.kind, event.value)
    receipt = MarketingReceipt(
        kind=kind,
        page_id=get_page_id(fields, event),
        at=parse_event_instant(fields, event, received_at),
        token=fields.find_identifier("messenger_subscription_token"),
        campaign_id=fields.find_identifier("message_id"),
        tracking_id=fields.find_identifier("marketing_message_tracking_id"),
        psid=fields.find_identifier("recipient_id"),
        mid=fields.find_identifier("mid"),
        error_message=fields.find_text("error_message", _MAX_ERROR_TEXT),
    )
    if receipt.tracking_id is None and receipt.token is None:
        raise fields.refuse("messenger_subscription_token", "is missing")
    if receipt.tracking_id is None and receipt.campaign_id is None:
        raise fields.refuse("message_id", "is missing")
    return receipt
