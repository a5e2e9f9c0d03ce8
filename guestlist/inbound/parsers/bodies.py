"""The table of parsers, and the one function that reads a whole body. It never raises: what cannot be read is listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import orjson

from guestlist.domain.facts import Fact, Ignored, ReceiptKind
from guestlist.inbound.envelopes import WireEvent, walk_events
from guestlist.inbound.parsers.marketing import parse_receipt
from guestlist.inbound.parsers.optins import parse_optin
from guestlist.inbound.parsers.receipts import parse_message_receipt
from guestlist.inbound.parsers.replies import parse_echo, parse_message, parse_postback, parse_reaction, parse_referral
from guestlist.inbound.parsers.texts import TEXT_PARSERS
from guestlist.inbound.parsers.uploads import parse_upload_status
from guestlist.inbound.payloads import PayloadError, mend_surrogates

MAX_EVENTS = 10_000
"""Ten times the most that Meta batches into one body."""

Parser = Callable[[WireEvent, datetime], Fact]

PARSERS: Mapping[str, Parser] = {
    "marketing_messages_subscriber_upload_status": parse_upload_status,
    "marketing_message_echoes": partial(parse_receipt, ReceiptKind.ECHO),
    "marketing_message_deliveries": partial(parse_receipt, ReceiptKind.DELIVERED),
    "marketing_message_reads": partial(parse_receipt, ReceiptKind.READ),
    "marketing_message_clicks": partial(parse_receipt, ReceiptKind.CLICKED),
    "marketing_message_delivery_failed": partial(parse_receipt, ReceiptKind.FAILED),
    "messaging_optins": parse_optin,
    "messages": parse_message,
    "message_echoes": parse_echo,
    "messaging_postbacks": parse_postback,
    "messaging_referrals": parse_referral,
    "message_reactions": parse_reaction,
    "message_deliveries": partial(parse_message_receipt, ReceiptKind.DELIVERED),
    "message_reads": partial(parse_message_receipt, ReceiptKind.READ),
}
"""Kinds that move something. Every other kind, known or not, is `Ignored`: stored, accepted, without effect."""


@dataclass(frozen=True, slots=True)
class PayloadRefusal:
    """Why one event of a body became no fact. Never holds a value of the wire."""

    kind: str
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """What a body said, in the order of the wire, and what in it was refused."""

    facts: list[Fact] = field(default_factory=list)
    refused: list[PayloadRefusal] = field(default_factory=list)


def parse_body(provider: str, body: bytes, received_at: datetime, *, app_id: str = "") -> ParsedBody:
    """The facts in a raw body. `received_at` (aware) is what implausible times are measured against.

    `app_id` is where it was addressed to: for providers of SMS and e-mail our id of the account.

    A malformed event is refused by itself; its siblings count. A body that is no JSON, nests deeper than 1,024 levels or holds
    more than 10,000 events is refused whole. Errors: none.
    """
    if provider in TEXT_PARSERS:
        return _parse_text(provider, app_id, body, received_at)
    if provider != "meta":
        return _refuse("provider", "is not known")
    try:
        document = _load(body)
    except orjson.JSONDecodeError:
        return _refuse("body", "is not readable JSON")
    parsed = ParsedBody()
    for number, event in enumerate(walk_events(document)):
        if number == MAX_EVENTS:
            return _refuse("entry", "holds too many events")
        try:
            if isinstance(event, PayloadError):
                raise event
            parsed.facts.append(PARSERS.get(event.kind, parse_ignored)(event, received_at))
        except PayloadError as error:
            parsed.refused.append(PayloadRefusal(error.kind, error.field, error.problem))
    return parsed


def _parse_text(provider: str, account_id: str, body: bytes, received_at: datetime) -> ParsedBody:
    parsed = ParsedBody()
    for fact in TEXT_PARSERS[provider](account_id, body, received_at):
        if isinstance(fact, PayloadError):
            parsed.refused.append(PayloadRefusal(fact.kind, fact.field, fact.problem))
        else:
            parsed.facts.append(fact)
    return parsed


def parse_ignored(event: WireEvent, _received_at: datetime) -> Ignored:
    """What moves nothing yet."""
    return Ignored(event.kind, event.page_id)


def _load(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.loads(mend_surrogates(body))


def _refuse(where: str, problem: str) -> ParsedBody:
    return ParsedBody(refused=[PayloadRefusal("body", where, problem)])
