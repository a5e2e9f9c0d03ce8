"""From captured events to facts, in every envelope Meta is known to print."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from inbound_driver import RECEIVED, fixture, wire

from guestlist.domain.facts import Fact, Ignored, MarketingReceipt, OptIn, OptInChange, ReceiptKind, UploadStatus
from guestlist.inbound.parsers import PARSERS, PayloadRefusal, parse_body

PAGE = "102000000000000002"
JUNE = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
UPLOAD = "marketing_messages_subscriber_upload_status"

ENVELOPES = {
    "changes": lambda kind, value: {
        "object": "page",
        "entry": [{"id": PAGE, "time": 1, "changes": [{"field": kind, "value": value}]}],
    },
    "flat entry": lambda kind, value: {"object": "page", "entry": [{"id": PAGE, "time": 1, "field": kind, **value}]},
    "flat entry with value": lambda kind, value: {"object": "page", "entry": [{"id": PAGE, "field": kind, "value": value}]},
    "flat body": lambda kind, value: {"field": kind, **value},
    "flat body with value": lambda kind, value: {"field": kind, "value": value},
    "under ad_account": lambda kind, value: {
        "object": "ad_account",
        "entry": [{"id": "act_400000000000004", "time": 1, "changes": [{"field": kind, "value": value}]}],
    },
    "flat under ad_account": lambda kind, value: {"object": "ad_account", "entry": [{"field": kind, **value}]},
}
UPLOADED = UploadStatus(
    page_id=PAGE,
    audience_id="1200000000000000003",
    ad_account_id="400000000000004",
    at=JUNE,
    rows=1000,
    lower=105,
    upper=120,
    succeeded=True,
    raw_status="SUCCESS",
)
ECHO = MarketingReceipt(
    kind=ReceiptKind.ECHO,
    page_id=PAGE,
    at=JUNE,
    token="5000000000000001",
    campaign_id="120210000000000009",
    tracking_id="7700000000000000001",
)
PERSON = "3000000000000007"
RECEIPTS = {
    "marketing_message_echoes": ECHO,
    "marketing_message_deliveries": replace(ECHO, kind=ReceiptKind.DELIVERED, at=JUNE.replace(second=45)),
    "marketing_message_reads": replace(ECHO, kind=ReceiptKind.READ, at=JUNE.replace(minute=7), psid=PERSON),
    "marketing_message_clicks": replace(
        ECHO, kind=ReceiptKind.CLICKED, at=JUNE.replace(minute=8, second=10), tracking_id=None, psid=PERSON, mid="m_AbC-1_x"
    ),
    "marketing_message_delivery_failed": replace(
        ECHO,
        kind=ReceiptKind.FAILED,
        at=JUNE.replace(second=43),
        tracking_id=None,
        error_message="The message could not be delivered.",
    ),
}


def parse_one(document: object) -> Fact:
    """The single fact of a body in which nothing is refused."""
    parsed = parse_body("meta", wire(document), RECEIVED)
    assert parsed.refused == []
    [fact] = parsed.facts
    return fact


def parse_value(kind: str, value: object) -> Fact:
    return parse_one(ENVELOPES["changes"](kind, value))


def refused(document: object) -> list[PayloadRefusal]:
    """What a body in which nothing stands is refused for."""
    parsed = parse_body("meta", wire(document), RECEIVED)
    assert parsed.facts == []
    return parsed.refused


def messaging(*items: object) -> dict[str, Any]:
    return {"object": "page", "entry": [{"id": PAGE, "time": 1750000000000, "messaging": list(items)}]}


# --- the end of an upload's matching ---


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_upload_status_is_read_in_every_envelope(envelope: str) -> None:
    assert parse_one(ENVELOPES[envelope](UPLOAD, fixture("upload_status"))) == UPLOADED


def test_the_guides_flat_sample_stands_without_its_far_future_time() -> None:
    assert parse_one(fixture("upload_status_flat")) == replace(UPLOADED, at=None)


def test_ids_may_be_strings_and_the_ad_account_may_carry_its_prefix() -> None:
    ids = ("app_id", "page_id", "custom_audience_id", "ad_account_id", "business_id")
    value = fixture("upload_status")
    texts = value | {name: str(value[name]) for name in ids} | {"ad_account_id": "act_400000000000004", "num_rows": "1000"}
    assert parse_value(UPLOAD, texts) == UPLOADED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"batch_uploading_status": "FAILED"}, {"succeeded": False, "raw_status": "FAILED"}),
        ({"batch_uploading_status": "success?"}, {"succeeded": False, "raw_status": "success?"}),
        ({"batch_uploading_status": None}, {"succeeded": False, "raw_status": ""}),
        ({"approximate_count_lower_bound": -1, "approximate_count_upper_bound": -1}, {"lower": None, "upper": None}),
        ({"approximate_count_lower_bound": None}, {"lower": None}),
        ({"approximate_count_upper_bound": 0}, {"upper": 0}),
        ({"num_rows": None}, {"rows": 0}),
        ({"timestamp": 1750000000000}, {"at": JUNE}),
        ({"timestamp": "yesterday"}, {"at": None}),
        ({"timestamp": {"s": 1}}, {"at": None}),
    ],
)
def test_an_upload_status_is_read_with_what_it_has(change: dict[str, object], expected: dict[str, Any]) -> None:
    assert parse_value(UPLOAD, fixture("upload_status") | change) == replace(UPLOADED, **expected)


def test_an_event_without_a_time_takes_its_envelopes() -> None:
    value = fixture("upload_status")
    del value["timestamp"]
    document = {"object": "page", "entry": [{"id": PAGE, "time": 1750000000000, "changes": [{"field": UPLOAD, "value": value}]}]}
    assert parse_one(document) == UPLOADED


# --- receipts of marketing messages ---


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("kind", RECEIPTS)
def test_each_receipt_is_read_in_every_envelope(kind: str, envelope: str) -> None:
    assert parse_one(ENVELOPES[envelope](kind, fixture(kind))) == RECEIPTS[kind]


def test_a_receipt_that_does_not_name_its_page_takes_its_envelopes() -> None:
    value = fixture("marketing_message_echoes")
    del value["page_id"]
    assert parse_value("marketing_message_echoes", value) == ECHO
    nowhere = refused(ENVELOPES["flat body"]("marketing_message_echoes", value))
    assert nowhere == [PayloadRefusal("marketing_message_echoes", "page_id", "is missing")]


@pytest.mark.parametrize(
    ("missing", "refusal"),
    [
        (["marketing_message_tracking_id"], None),
        (["messenger_subscription_token"], None),
        (["message_id"], None),
        (["marketing_message_tracking_id", "messenger_subscription_token"], "messenger_subscription_token"),
        (["marketing_message_tracking_id", "message_id"], "message_id"),
    ],
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_receipt_must_say_which_message_it_is_for(missing: list[str], refusal: str | None, nothing: object) -> None:
    value = fixture("marketing_message_echoes") | dict.fromkeys(missing, nothing)
    parsed = parse_body("meta", wire(ENVELOPES["changes"]("marketing_message_echoes", value)), RECEIVED)
    assert [each.field for each in parsed.refused] == ([refusal] if refusal else [])
    assert len(parsed.facts) == (0 if refusal else 1)


def test_an_error_text_of_any_length_never_costs_the_receipt() -> None:
    value = fixture("marketing_message_delivery_failed") | {"error_message": "x" * 5000 + "\x00"}
    fact = parse_value("marketing_message_delivery_failed", value)
    assert isinstance(fact, MarketingReceipt)
    assert fact.error_message == "x" * 1000


# --- opt-ins ---

GRANTED = OptIn(
    change=OptInChange.OPTED_IN,
    page_id=PAGE,
    psid=PERSON,
    token="5000000000000002",
    at=JUNE,
    title="Weekly offers",
    timezone="America/New_York",
    expires_at=datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC),
    payload="optin:main",
)


def optin(**change: object) -> dict[str, Any]:
    """The captured opt-in with some of its properties changed."""
    item: dict[str, Any] = fixture("optin_granted")
    item["optin"] |= change
    return item


def test_an_opt_in_is_read() -> None:
    assert parse_one(messaging(optin())) == GRANTED
    assert parse_one(messaging(optin(user_token_status="REFRESHED"))) == GRANTED


def test_an_opt_in_from_the_dashboards_test_button_comes_as_a_change() -> None:
    assert parse_value("messaging_optins", optin()) == GRANTED


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("STOP NOTIFICATIONS", OptInChange.STOPPED),
        ("STOP_NOTIFICATIONS", OptInChange.STOPPED),
        (" stop", OptInChange.STOPPED),
        ("Resume Notifications", OptInChange.RESUMED),
        ("RESUME_NOTIFICATIONS", OptInChange.RESUMED),
        (None, OptInChange.OPTED_IN),
        ("", OptInChange.OPTED_IN),
    ],
)
def test_stop_and_resume_are_heard_in_every_spelling(status: str | None, change: OptInChange) -> None:
    assert parse_one(messaging(optin(notification_messages_status=status))) == replace(GRANTED, change=change)


def test_an_unknown_status_is_no_yes() -> None:
    refusal = PayloadRefusal("messaging_optins", "optin.notification_messages_status", "is neither stop nor resume")
    assert refused(messaging(optin(notification_messages_status="PAUSED"))) == [refusal]


@pytest.mark.parametrize("mark", [{"ref": "poster-7"}, {"source": "SHORTLINK"}, {"notification_messages_topic": "Offers"}])
def test_an_opt_in_from_a_link_says_so(mark: dict[str, object]) -> None:
    assert parse_one(messaging(optin(**mark))) == replace(GRANTED, from_link=True)


def test_an_opt_in_of_another_kind_moves_nothing() -> None:
    assert parse_one(messaging(optin(type="one_time_notif_req"))) == Ignored("messaging_optins", PAGE)
    assert parse_one(messaging({"sender": {"id": PERSON}, "optin": {}})) == Ignored("messaging_optins", PAGE)


@pytest.mark.parametrize(
    "person", [{}, {"sender": None}, {"sender": {}}, {"sender": {"id": 1.2e18}}, {"sender": {"user_ref": "u"}}]
)
def test_an_opt_in_needs_a_person(person: dict[str, object]) -> None:
    item = optin()
    del item["sender"]
    [refusal] = refused(messaging(item | person))
    assert refusal.field in ("sender", "sender.id")


# --- what moves nothing yet ---


@pytest.mark.parametrize("case", fixture("messaging_bodies"), ids=lambda case: f"{case['kind']}-{len(json.dumps(case))}")
def test_every_messaging_body_is_accepted_by_its_kind(case: dict[str, Any]) -> None:
    item = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": 1750000000000} | case["body"]
    assert parse_one(messaging(item)) == Ignored(case["kind"], PAGE)
    standby = {"object": "page", "entry": [{"id": PAGE, "time": 1750000000000, "standby": [item]}]}
    assert parse_one(standby) == Ignored("standby", PAGE)


def test_a_comment_is_accepted() -> None:
    assert parse_one(fixture("feed_comment")) == Ignored("feed", PAGE)


SUBSCRIBED = [
    *("messaging_optouts", "message_edits", "messaging_policy_enforcement", "messaging_handovers", "standby"),
    *("messaging_account_linking", "messaging_feedback", "messaging_integrity", "feed", "message_template_status_update"),
    "business_integrity",
]


@pytest.mark.parametrize("field", SUBSCRIBED)
@pytest.mark.parametrize("value", [{"a": 1}, "text", None, []])
def test_every_other_subscribed_field_is_accepted_whatever_it_holds(field: str, value: object) -> None:
    assert field not in PARSERS
    assert parse_value(field, value) == Ignored(field, PAGE)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"object": "page", "entry": [{"id": PAGE, "changes": [{"field": "brand_new_field", "value": {}}]}]}, "brand_new_field"),
        ({"object": "page", "entry": [{"id": PAGE, "changes": [{"field": "<b>Ana</b>", "value": {}}]}]}, "unknown"),
        ({"object": "page", "entry": [{"id": PAGE, "time": 1}]}, "unknown"),
        ({"object": "instagram", "entry": [{"id": "9", "messaging": [{"optin": {}}]}]}, "instagram"),
        ({"hello": "world"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_what_nobody_knows_is_accepted_without_effect(document: object, kind: str) -> None:
    fact = parse_one(document)
    assert isinstance(fact, Ignored)
    assert fact.kind == kind


def test_an_empty_batch_says_nothing() -> None:
    assert parse_body("meta", b'{"object":"page","entry":[]}', RECEIVED).facts == []
