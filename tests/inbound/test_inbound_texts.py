"""What Twilio, Kannel and mail relays tell, as facts."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from urllib.parse import quote_from_bytes, urlencode

import pytest

from guestlist.domain.facts import Ignored, MessageReceipt, Objection, ReceiptKind, Reply, ReplyKind
from guestlist.inbound.parsers import parse_body
from guestlist.inbound.parsers.texts import KANNEL_STATES, TWILIO_STATES

ACC = "acc_01jd4kz0m8e5r7t9v2x4y6a8c0"
PART = "dlv_01jd4kz0m8e5r7t9v2x4y6a8c0.1"
RECEIVED = datetime(2026, 7, 1, 12, tzinfo=UTC)


def parse(provider: str, body: bytes):
    parsed = parse_body(provider, body, RECEIVED, app_id=ACC)
    return parsed.facts, [f"{each.kind}: {each.field} {each.problem}" for each in parsed.refused]


def twilio(**form: str):
    return parse("twilio", urlencode(form).encode())


def kannel(**form: str):
    return parse("kannel", urlencode(form).encode())


def mail(document):
    return parse("mail", json.dumps(document).encode())


# -- Twilio ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "kind"), sorted(TWILIO_STATES.items()))
def test_every_status_of_twilio(word: str, kind: ReceiptKind) -> None:
    code = "30003" if kind is ReceiptKind.FAILED else ""
    facts, refused = twilio(MessageSid="SM1", MessageStatus=word, ErrorCode="30003", To="+447700900123", part=PART)
    assert facts == [MessageReceipt(kind, "sms", ACC, None, provider_ids=("SM1",), part_id=PART, code=code)]
    assert refused == []


def test_a_text_refused_for_a_stop_at_twilio_is_an_objection_too() -> None:
    facts, _ = twilio(MessageSid="SM1", MessageStatus="failed", ErrorCode="21610")
    assert facts[1:] == [Objection("sms", ACC, None, "21610", provider_ids=("SM1",))]


def test_an_incoming_text() -> None:
    facts, _ = twilio(
        MessageSid="SM2", SmsStatus="received", From="+447700900123", To="+447700900999", Body="Stop 🛑", NumMedia="0"
    )
    assert facts == [Reply(ReplyKind.TEXT, "sms", ACC, "SM2", None, person="447700900123", text="Stop 🛑")]


def test_an_incoming_picture() -> None:
    facts, _ = twilio(
        MessageSid="MM1",
        From="+447700900123",
        Body="",
        NumMedia="1",
        MediaUrl0="https://api.twilio.com/x",
        MediaContentType0="image/png",
    )
    assert facts[0].kind is ReplyKind.ATTACHMENT
    assert facts[0].attachments == ({"type": "image/png", "url": "https://api.twilio.com/x"},)


@pytest.mark.parametrize(
    ("form", "refused"),
    [
        ({"MessageStatus": "sent"}, "twilio: MessageSid is missing"),
        ({"Body": "Hi", "From": "+44"}, "twilio: MessageSid is missing"),
        ({"MessageSid": "SM1", "Body": "Hi", "From": "Northwind"}, "twilio: From is not a phone number"),
        ({"MessageSid": "SM1", "Body": "Hi", "From": "whatsapp:+447700900123"}, "twilio: From is not a phone number"),
    ],
)
def test_forms_that_say_nothing(form, refused: str) -> None:
    assert twilio(**form) == ([], [refused])


def test_what_twilio_may_say_some_day_is_ignored() -> None:
    assert twilio(MessageSid="SM1", MessageStatus="teleported") == ([Ignored("twilio", None)], [])
    assert twilio(EventType="onMessageAdded") == ([Ignored("twilio", None)], [])


# -- Kannel ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "kind"), sorted(KANNEL_STATES.items()))
def test_every_report_of_kannel(status: str, kind: ReceiptKind) -> None:
    facts, refused = kannel(part=PART, status=status, at="1782900000", id="77f")
    at = datetime.fromtimestamp(1782900000, UTC)
    code = status if kind is ReceiptKind.FAILED else ""
    assert facts == [MessageReceipt(kind, "sms", ACC, at, provider_ids=("77f",), part_id=PART, code=code)]
    assert refused == []


def test_an_incoming_text_over_kannel() -> None:
    facts, _ = kannel(**{"from": "+447700900123", "to": "60123", "text": "Arrêt", "at": "1782900000", "id": "u-1"})
    at = datetime.fromtimestamp(1782900000, UTC)
    assert facts == [Reply(ReplyKind.TEXT, "sms", ACC, "u-1", at, person="447700900123", text="Arrêt")]


def test_texts_in_kannels_character_sets() -> None:
    text = quote_from_bytes("Стоп".encode("utf-16-be"))
    facts, _ = parse("kannel", f"from=447700900123&text={text}&charset=UTF-16BE&id=1".encode())
    assert facts[0].text == "Стоп"
    assert parse("kannel", b"from=447700900123&text=%FF&charset=utf-8&id=1") == (
        [],
        ["kannel: charset is not the one of the text"],
    )
    assert parse("kannel", b"from=447700900123&text=a&charset=nonsense&id=1")[0] == []


def test_a_text_without_id_gets_one_from_what_it_says() -> None:
    one, again, other = (kannel(**{"from": "447700900123", "text": text, "at": "1782900000"})[0][0] for text in ("a", "a", "b"))
    assert one.provider_id == again.provider_id != other.provider_id


@pytest.mark.parametrize("form", [{"status": "1"}, {"part": PART, "status": "9"}, {"text": "Hi"}, {"from": "Shop", "text": "Hi"}])
def test_queries_that_say_nothing(form) -> None:
    facts, refused = kannel(**form)
    assert (facts, len(refused)) == ([], 1)


# -- mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        ("accepted", ReceiptKind.ECHO, ""),
        ("delivered", ReceiptKind.DELIVERED, ""),
        ("bounced", ReceiptKind.FAILED, "5.1.1"),
        ("opened", ReceiptKind.READ, ""),
        ("clicked", ReceiptKind.CLICKED, ""),
    ],
)
def test_every_event_of_mail(event: str, kind: ReceiptKind, code: str) -> None:
    facts, _ = mail({"message_id": f"<{PART}@example.com>", "event": event, "code": "5.1.1", "at": "2026-07-01T11:00:00Z"})
    at = datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert facts == [MessageReceipt(kind, "email", ACC, at, provider_ids=(f"{PART}@example.com",), part_id=PART, code=code)]


@pytest.mark.parametrize("event", ["complained", "unsubscribed"])
def test_complaints_are_objections(event: str) -> None:
    facts, _ = mail({"message_id": "abc@relay", "event": event})
    assert facts == [Objection("email", ACC, None, event, provider_ids=("abc@relay",))]


def test_several_events_and_a_bad_one_among_them() -> None:
    good = {"message_id": "a@b", "event": "delivered"}
    for document in ([good, {"event": "bounced"}, 7, good], {"events": [good, {"event": "bounced"}, 7, good]}):
        facts, refused = mail(document)
        assert len(facts) == 2
        assert refused == ["mail: message_id is missing", "mail: value is not an object"]


@pytest.mark.parametrize("body", [b"", b"{", b'"x"', b'{"events": 7}', b"[" + b"{}," * 10_001 + b"{}]"])
def test_mail_that_is_none(body: bytes) -> None:
    facts, refused = parse("mail", body)
    assert (facts, len(refused)) == ([], 1)


@pytest.mark.parametrize("at", ["yesterday", "2026-07-01T11:00:00", "9999-12-31T00:00:00+00:00", -1, 1e300, [], "9" * 30])
def test_times_that_cannot_be_are_none(at) -> None:
    [fact], _ = mail({"message_id": "a@b", "event": "delivered", "at": at})
    assert fact.at is None


@pytest.mark.parametrize("provider", ["twilio", "kannel", "mail"])
def test_garbage_never_raises(provider: str) -> None:
    generator = random.Random(11)
    words = [
        b"MessageSid=1&",
        b"MessageStatus=sent&",
        b"Body=%ff%fe&",
        b"from=447700900123&",
        b"text=%00&",
        b"status=1&",
        b"%",
        b"=&=",
        b"part=",
    ]
    for _ in range(300):
        body = b"".join(generator.choices(words, k=6)) + os.urandom(generator.randrange(8))
        parsed = parse_body(provider, body, RECEIVED, app_id=ACC)
        assert len(parsed.facts) + len(parsed.refused) >= 1
