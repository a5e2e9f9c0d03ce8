"""What providers of SMS and e-mail tell: Twilio's forms, Kannel's queries, and bounces of mail as JSON.

Each parser gives, in order, facts and what could not be read in their place; it never raises. Facts bear our id of the account.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson

from guestlist.domain.facts import Fact, Ignored, MessageReceipt, Objection, ReceiptKind, Reply, ReplyKind
from guestlist.inbound.payloads import Fields, PayloadError
from guestlist.inbound.timestamps import parse_instant

MAX_FIELDS = 500
MAX_EVENTS = 10_000
_MAX_TEXT = 20_000
_MAX_URL = 4_000
_MOST_FILES = 10
_NUMBER = re.compile(r"\+?([0-9]{3,15})", re.ASCII)

Told = Iterator[Fact | PayloadError]

TWILIO_STATES = {
    "accepted": ReceiptKind.ECHO,
    "scheduled": ReceiptKind.ECHO,
    "queued": ReceiptKind.ECHO,
    "sending": ReceiptKind.ECHO,
    "sent": ReceiptKind.ECHO,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "undelivered": ReceiptKind.FAILED,
    "failed": ReceiptKind.FAILED,
    "canceled": ReceiptKind.FAILED,
}
"""Twilio's words. Whatever comes before delivery says that Twilio has it, which settles an answer that was lost."""

TWILIO_OPTED_OUT = "21610"

KANNEL_STATES = {
    "1": ReceiptKind.DELIVERED,
    "2": ReceiptKind.FAILED,
    "4": ReceiptKind.ECHO,  # waits at the SMSC
    "8": ReceiptKind.ECHO,  # the SMSC took it
    "16": ReceiptKind.FAILED,  # the SMSC refused it
}
"""Kannel's delivery report values."""

MAIL_EVENTS = {
    "accepted": ReceiptKind.ECHO,
    "delivered": ReceiptKind.DELIVERED,
    "bounced": ReceiptKind.FAILED,
    "opened": ReceiptKind.READ,
    "clicked": ReceiptKind.CLICKED,
}
MAIL_OBJECTIONS = frozenset({"complained", "unsubscribed"})


# -- Twilio ---------------------------------------------------------------------------------------------------------


def parse_twilio(account_id: str, body: bytes, received_at: datetime) -> Told:
    """A status callback or an incoming message. Shape: a form, with the query of the callback address behind it."""
    try:
        form = Fields("twilio", _read_form(body))
        if form.raw("MessageStatus") is not None:
            yield from _twilio_status(account_id, form)
        elif form.raw("Body") is not None or form.raw("NumMedia") is not None:
            yield _twilio_message(account_id, form)
        else:
            yield Ignored("twilio", None)
    except PayloadError as error:
        yield error


def _twilio_status(account_id: str, form: Fields) -> Told:
    kind = TWILIO_STATES.get(form.get_identifier("MessageStatus").lower())
    if kind is None:
        yield Ignored("twilio", None)
        return
    code = form.find_identifier("ErrorCode") or ""
    sid, part_id = form.get_identifier("MessageSid"), form.find_identifier("part") or ""
    failed = kind is ReceiptKind.FAILED
    yield MessageReceipt(kind, "sms", account_id, None, provider_ids=(sid,), part_id=part_id, code=code if failed else "")
    if code == TWILIO_OPTED_OUT:
        yield Objection("sms", account_id, None, code, provider_ids=(sid,), part_id=part_id)


def _twilio_message(account_id: str, form: Fields) -> Reply:
    files = tuple(
        {"type": form.find_text(f"MediaContentType{number}", 100) or "", "url": url}
        for number in range(_MOST_FILES)
        if (url := form.find_text(f"MediaUrl{number}", _MAX_URL))
    )
    return Reply(
        kind=ReplyKind.ATTACHMENT if files else ReplyKind.TEXT,
        channel="sms",
        account=account_id,
        provider_id=form.get_identifier("MessageSid"),
        at=None,
        person=_number(form, "From"),
        text=form.find_text("Body", _MAX_TEXT) or "",
        attachments=files,
    )


# -- Kannel ---------------------------------------------------------------------------------------------------------


def parse_kannel(account_id: str, body: bytes, received_at: datetime) -> Told:
    """A delivery report (`part`, `status`) or an incoming message (`from`, `text`). Shape: the query of the address."""
    try:
        form = Fields("kannel", _read_query(body))
        if form.raw("status") is not None:
            yield _kannel_report(account_id, form, received_at)
        else:
            yield _kannel_message(account_id, form, body, received_at)
    except PayloadError as error:
        yield error


def _kannel_report(account_id: str, form: Fields, received_at: datetime) -> MessageReceipt:
    status = form.get_identifier("status")
    kind = KANNEL_STATES.get(status)
    if kind is None:
        raise form.refuse("status", "is no delivery report of Kannel's")
    code = status if kind is ReceiptKind.FAILED else ""
    at = parse_instant(form.raw("at"), received_at)
    smsc_id = form.find_identifier("id")
    provider_ids = (smsc_id,) if smsc_id else ()
    part_id = form.get_identifier("part")
    return MessageReceipt(kind, "sms", account_id, at, provider_ids=provider_ids, part_id=part_id, code=code)


def _kannel_message(account_id: str, form: Fields, body: bytes, received_at: datetime) -> Reply:
    """An incoming text. Where Kannel gives no id, one is made from all it says, its time too."""
    return Reply(
        kind=ReplyKind.TEXT,
        channel="sms",
        account=account_id,
        provider_id=form.find_identifier("id") or f"kannel-{hashlib.sha256(body).hexdigest()[:32]}",
        at=parse_instant(form.raw("at"), received_at),
        person=_number(form, "from"),
        text=form.find_text("text", _MAX_TEXT) or "",
    )


def _read_query(body: bytes) -> Mapping[str, str]:
    """The query, its text in the character set it names: UTF-8, or what Kannel's %C says."""
    fields = _read_form(body, encoding="latin-1")
    charset = fields.get("charset") or "utf-8"
    try:
        return {**fields, "text": fields.get("text", "").encode("latin-1").decode(charset)}
    except (LookupError, UnicodeError):
        raise PayloadError("kannel", "charset", "is not the one of the text") from None


# -- mail -----------------------------------------------------------------------------------------------------------


def parse_mail(account_id: str, body: bytes, received_at: datetime) -> Told:
    """What became of letters. Shape: one event, a list of them, or them under `events`: message_id, event, code?, at?."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield PayloadError("mail", "body", "is not readable JSON")
        return
    events = document.get("events", [document]) if isinstance(document, dict) else document
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        yield PayloadError("mail", "events", f"is not a list of at most {MAX_EVENTS:,} events")
        return
    for event in events:
        try:
            yield _mail_event(account_id, Fields("mail", event), received_at)
        except PayloadError as error:
            yield error


def _mail_event(account_id: str, event: Fields, received_at: datetime) -> Fact:
    message_id = event.get_identifier("message_id").strip("<>")
    what = event.get_identifier("event").lower()
    part_id = message_id.partition("@")[0]
    part_id = part_id if part_id.startswith("dlv_") else ""
    at = _parse_mail_instant(event.raw("at"), received_at)
    if what in MAIL_OBJECTIONS:
        return Objection("email", account_id, at, what, provider_ids=(message_id,), part_id=part_id)
    kind = MAIL_EVENTS.get(what)
    if kind is None:
        return Ignored("mail", None)
    code = (event.find_text("code", 100) or "") if kind is ReceiptKind.FAILED else ""
    return MessageReceipt(kind, "email", account_id, at, provider_ids=(message_id,), part_id=part_id, code=code)


def _parse_mail_instant(value: Any, received_at: datetime) -> datetime | None:
    """ISO 8601 with a zone, or seconds or milliseconds since 1970; None where it cannot be."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and not value.isdigit() else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None:
        return parse_instant(value, received_at) if at is None else None
    return parse_instant(int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)), received_at)


# -- both -----------------------------------------------------------------------------------------------------------


def _read_form(body: bytes, encoding: str = "utf-8") -> dict[str, str]:
    """The first value of each name. Errors: PayloadError."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise PayloadError("form", "body", "is not a form") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _number(form: Fields, name: str) -> str:
    """Digits, country code first. Kannel and Twilio write a plus or leave it; names of senders are no numbers."""
    found = _NUMBER.fullmatch((form.find_text(name, 50) or "").strip())
    if found is None:
        raise form.refuse(name, "is not a phone number")
    return found[1]


TEXT_PARSERS: Mapping[str, Callable[[str, bytes, datetime], Told]] = {
    "twilio": parse_twilio,
    "kannel": parse_kannel,
    "mail": parse_mail,
}
"""By provider, as in the path of its webhooks."""
