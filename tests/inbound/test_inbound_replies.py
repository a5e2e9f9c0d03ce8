"""What people say and do on Messenger, from captured events to facts; and what Meta reports of our messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from inbound_driver import RECEIVED, fixture, wire

from guestlist.domain.facts import Fact, MessageReceipt, ReceiptKind, Reply, ReplyKind, RequestAccepted
from guestlist.inbound.parsers import PayloadRefusal, parse_body

PAGE, PERSON = "102000000000000002", "3000000000000007"
JUNE = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
ASKED = Reply(ReplyKind.TEXT, "messenger", PAGE, "m_1", JUNE, person=PERSON, opens_window=True)


def parse(item: object) -> Any:
    """The facts of a body with this one event, and what was refused of it."""
    document = {"object": "page", "entry": [{"id": PAGE, "time": 1750000000000, "messaging": [item]}]}
    return parse_body("meta", wire(document), RECEIVED)


def parse_one(item: object) -> Fact:
    parsed = parse(item)
    assert parsed.refused == []
    [fact] = parsed.facts
    return fact


def from_person(**body: object) -> dict[str, Any]:
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": 1750000000000, **body}


def test_a_message_is_read_with_all_that_goes_along() -> None:
    referral = fixture("messages")["message"]["referral"]
    sticker = {"url": "https://cdn.test/a.png", "sticker_id": 369239263222822}
    assert parse_one(fixture("messages")) == replace(
        ASKED,
        kind=ReplyKind.QUICK_REPLY,
        text="für",
        payload="yes",
        ref="r",
        attachments=({"type": "image", "url": "https://cdn.test/a.png", "payload": sticker},),
        referral=referral,
        answers="m_0",
        prior={"source": "checkbox_plugin", "identifier": "u-1a2b3c"},
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"mid": "m_1", "text": "hi"}, {"text": "hi"}),
        ({"mid": "m_1"}, {}),
        ({"mid": "m_1", "text": "x" * 30_000}, {"text": "x" * 20_000}),
        ({"mid": "m_1", "attachments": [7, None]}, {}),
        ({"mid": "m_1", "attachments": {"type": "image"}}, {}),
        ({"mid": "m_1", "referral": "r"}, {}),
        ({"mid": "m_1", "referral": {"ref": {"a": 1}}}, {"referral": {"ref": {"a": 1}}}),
        ({"mid": "m_1", "referral": {"ref": "x" * 20_000}}, {}),
    ],
)
def test_odd_members_never_cost_the_message(message: dict[str, object], expected: dict[str, Any]) -> None:
    assert parse_one(from_person(message=message)) == replace(ASKED, **expected)


def test_a_file_without_a_url_is_kept_for_what_it_is() -> None:
    fact = parse_one(from_person(message={"mid": "m_1", "attachments": [{"type": "location", "payload": {"lat": 1.5}}, {}]}))
    assert isinstance(fact, Reply)
    assert fact.kind is ReplyKind.ATTACHMENT
    assert fact.attachments == ({"type": "location", "payload": {"lat": 1.5}}, {"type": "unknown", "payload": {}})


def test_an_echo_names_person_part_and_app() -> None:
    assert parse_one(fixture("message_echoes")) == Reply(
        ReplyKind.ECHO, "messenger", PAGE, "m_4", JUNE, person=PERSON, text="hello", part_id="dlv_01.1", app_id="26390203743090"
    )


def test_a_tap_is_read_and_a_checkbox_person_has_only_a_user_ref() -> None:
    tap = replace(ASKED, kind=ReplyKind.POSTBACK, provider_id="m_5", text="Start", payload="start", ref="r")
    expected = replace(tap, referral={"ref": "r", "source": "SHORTLINK", "type": "OPEN_THREAD"})
    assert parse_one(fixture("messaging_postbacks")) == expected
    nameless = fixture("messaging_postbacks") | {"sender": {"user_ref": "u-1"}}
    assert parse_one(nameless) == replace(expected, person="", user_ref="u-1")


def test_an_event_without_an_id_gets_the_same_one_each_time() -> None:
    ids = [parse_one(item).provider_id for item in (fixture("messaging_referrals"), fixture("messaging_referrals"))]  # type: ignore[union-attr]
    later = parse_one(fixture("messaging_referrals") | {"timestamp": 1750000000001})
    assert isinstance(later, Reply)
    assert ids[0] == ids[1] != later.provider_id
    assert ids[0].startswith("event:")


def test_the_click_on_an_ad_alone_opens_no_window() -> None:
    link = parse_one(fixture("messaging_referrals"))
    ad = parse_one(from_person(referral={"ref": "r", "source": "ADS", "ad_id": "6", "type": "OPEN_THREAD"}))
    assert isinstance(link, Reply)
    assert isinstance(ad, Reply)
    assert (link.opens_window, ad.opens_window) == (True, False)


def test_a_reaction_opens_the_window_and_taking_it_back_does_not() -> None:
    put = parse_one(fixture("message_reactions"))
    assert isinstance(put, Reply)
    expected = replace(ASKED, kind=ReplyKind.REACTION, provider_id=put.provider_id, text="\u2764", payload="react", answers="m_4")
    assert put == expected
    back = parse_one(from_person(reaction={"action": "unreact", "mid": "m_4"}))
    assert isinstance(back, Reply)
    assert (back.opens_window, back.text, back.payload) == (False, "", "unreact")


def test_the_plugins_tell_person_or_user_ref_and_ref() -> None:
    button, checkbox = parse_one(fixture("optin_plugin")), parse_one(fixture("optin_checkbox"))
    assert isinstance(button, Reply)
    assert isinstance(checkbox, Reply)
    shared = replace(ASKED, kind=ReplyKind.PLUGIN, ref="checkout-7")
    assert button == replace(shared, provider_id=button.provider_id)
    assert checkbox == replace(shared, provider_id=checkbox.provider_id, person="", user_ref="u-1a2b3c")


def test_an_accepted_request_tells_the_psid() -> None:
    assert parse_one(fixture("optin_request")) == RequestAccepted(PAGE, PERSON, JUNE)
    assert isinstance(parse_one(from_person(optin={"message_request": "decline", "ref": "r"})), Reply)


def test_receipts_are_read_by_mids_and_by_watermark() -> None:
    read = MessageReceipt(ReceiptKind.READ, "messenger", PAGE, JUNE, watermark=JUNE, person=PERSON)
    delivered = replace(read, kind=ReceiptKind.DELIVERED)
    assert parse_one(fixture("message_reads")) == read
    assert parse_one(fixture("message_deliveries")) == replace(delivered, provider_ids=("m_4",))
    assert parse_one(from_person(delivery={"watermark": 1750000000000})) == delivered
    assert parse_one(from_person(delivery={"mids": ["m_4", 7, None, ""]})) == replace(
        delivered, provider_ids=("m_4", "7"), watermark=None
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"read": {}}, "read.watermark"),
        ({"read": {"watermark": 10**17}}, "read.watermark"),
        ({"delivery": {"mids": []}}, "delivery.watermark"),
        ({"message": {"text": "no mid"}}, "message.mid"),
        ({"message": "text"}, "message"),
        ({"reaction": {"action": "react"}}, "reaction.mid"),
        ({"postback": 7}, "postback"),
    ],
)
def test_what_means_nothing_is_refused_by_its_field(body: dict[str, object], field: str) -> None:
    parsed = parse(from_person(**body))
    assert parsed.facts == []
    assert [each.field for each in parsed.refused] == [field]


def test_a_message_without_a_person_is_refused() -> None:
    item = from_person(message={"mid": "m_1"})
    assert parse(item | {"sender": {}}).refused == [PayloadRefusal("messages", "sender.id", "is missing")]
    del item["sender"]
    assert parse(item).refused == [PayloadRefusal("messages", "sender", "is missing")]
