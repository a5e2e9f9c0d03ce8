"""What Messenger reports of messages: delivered, by mids or watermark; read, by watermark. Source: fact page 8.3."""

from __future__ import annotations

from datetime import datetime

from guestlist.domain.facts import MessageReceipt, ReceiptKind
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import parse_event_instant
from guestlist.inbound.parsers.replies import CHANNEL, get_parties
from guestlist.inbound.payloads import Fields, read_identifier
from guestlist.inbound.timestamps import parse_instant

MOST_MIDS = 1_000
BODIES = {ReceiptKind.DELIVERED: "delivery", ReceiptKind.READ: "read"}


def parse_message_receipt(kind: ReceiptKind, event: WireEvent, received_at: datetime) -> MessageReceipt:
    """Messages to one person that arrived or were read: those of `mids`, else all up to `watermark`.

    Errors: PayloadError without person or Page, or when neither says which messages are meant.
    """
    fields = Fields(event.kind, event.value)
    parties, body = get_parties(fields, event), fields.get_child(BODIES[kind])
    listed = body.raw("mids")
    mids = [read_identifier(each) for each in listed[:MOST_MIDS]] if isinstance(listed, list) else []
    watermark = parse_instant(body.raw("watermark"), received_at)
    if watermark is None and not any(mids):
        raise body.refuse("watermark", "is missing or no time")
    return MessageReceipt(
        kind=kind,
        channel=CHANNEL,
        account=parties.page_id,
        at=parse_event_instant(fields, event, received_at),
        provider_ids=tuple(each for each in mids if each),
        watermark=watermark,
        person=parties.person,
    )
