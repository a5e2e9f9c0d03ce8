"""Foreign JSON is wild: whatever a signed body holds, reading it never fails as a whole."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbound_driver import RECEIVED, fixture, wire

from guestlist.domain.facts import Ignored, MarketingReceipt, MessageReceipt, OptIn, Reply, RequestAccepted, UploadStatus
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers import PARSERS, ParsedBody, PayloadRefusal, parse_body
from guestlist.inbound.payloads import PayloadError, mend_surrogates

PAGE = "102000000000000002"
parse = partial(parse_body, "meta", received_at=RECEIVED)
SAMPLES = {
    kind: fixture(
        {"marketing_messages_subscriber_upload_status": "upload_status", "messaging_optins": "optin_granted"}.get(kind, kind)
    )
    for kind in PARSERS
}
PATHS = [(kind, (name,)) for kind, value in SAMPLES.items() for name in value]
PATHS += [
    ("messaging_optins", ("optin", name))
    for name in [*SAMPLES["messaging_optins"]["optin"], "notification_messages_status", "ref"]
]
PATHS += [("messaging_optins", ("optin", name)) for name in ("user_ref", "message_request")]
PATHS += [(kind, (party, "id")) for kind, value in SAMPLES.items() for party in ("sender", "recipient") if party in value]
BODIES = ("message", "postback", "referral", "reaction", "delivery", "read", "prior_message")
PATHS += [(kind, (body, name)) for kind, value in SAMPLES.items() for body in BODIES for name in value.get(body, ())]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
)
WRONG = [None, True, False, 0, -1, 1.2e18, 2**63, "", "x" * 600, "a\x00b", " ", [], ["1"], {}, {"id": "1"}]


def with_field(kind: str, path: tuple[str, ...], value: object) -> Any:
    """The captured sample with one field replaced."""
    first, *rest = path
    return SAMPLES[kind] | {first: SAMPLES[kind][first] | {rest[0]: value} if rest else value}


def check_tame(parsed: ParsedBody) -> None:
    """Every fact has the types it promises, whatever the wire held."""
    for fact in parsed.facts:
        match fact:
            case UploadStatus():
                texts, counts = [fact.audience_id, fact.raw_status], [fact.rows, fact.lower, fact.upper]
            case MarketingReceipt() | OptIn():
                texts, counts = [fact.page_id, fact.token], []
                assert isinstance(fact, MarketingReceipt) or (fact.psid and fact.token)
            case Reply():
                said = [fact.text, fact.payload, fact.ref, fact.answers, fact.part_id, fact.app_id, json.dumps(fact.attachments)]
                texts, counts = [fact.account, fact.person, fact.user_ref, fact.provider_id, *said], []
                assert all((fact.account, fact.provider_id, fact.person or fact.user_ref))
            case MessageReceipt():
                texts, counts = [fact.account, fact.person, *fact.provider_ids], []
                assert all((fact.account, fact.person, fact.provider_ids or fact.watermark))
            case RequestAccepted():
                texts, counts = [fact.page_id, fact.psid], []
                assert all((fact.page_id, fact.psid))
            case Ignored():
                texts, counts = [fact.kind, fact.page_id], []
        assert all(text is None or (isinstance(text, str) and "\x00" not in text) for text in texts)
        assert all(count is None or (type(count) is int and 0 <= count < 2**63) for count in counts)


def parse_tamed(kind: str, value: object, page_id: str | None) -> PayloadError | None:
    """The refusal of one event, or None after a look at the fact it became."""
    try:
        fact = PARSERS[kind](WireEvent(kind, value, page_id), RECEIVED)
    except PayloadError as error:
        return error
    check_tame(ParsedBody([fact]))
    return None


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path[0]}:{'.'.join(path[1])}")
@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
def test_a_wrong_type_in_any_field_is_tamed_or_refused_by_name(path: tuple[str, tuple[str, ...]], value: object) -> None:
    kind, names = path
    refusal = parse_tamed(kind, with_field(kind, names, value), PAGE)
    if refusal is not None:
        assert refusal.kind == kind
        assert refusal.field.startswith(".".join(names))
        assert "1.2e" not in str(refusal)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), anything)
def test_no_json_in_any_field_raises_anything_but_a_payload_error(path: tuple[str, tuple[str, ...]], value: object) -> None:
    kind, names = path
    refusal = parse_tamed(kind, with_field(kind, names, value), None)
    assert refusal is None or refusal.code == "bad_payload"


envelope_keys = st.sampled_from(
    ["object", "entry", "changes", "messaging", "standby", "field", "value", "id", "time", "sender", "message", "optin", "page"]
)
leaves = scalars | st.sampled_from(["page", "ad_account", *PARSERS]) | st.sampled_from(list(SAMPLES.values()))
envelopes = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(envelope_keys, inner, max_size=5), max_leaves=25
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(envelopes)
def test_no_envelope_raises(document: object) -> None:
    check_tame(parse(wire(document)))


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_raise(body: bytes) -> None:
    check_tame(parse(body))


# --- siblings ---


def changes(*pairs: tuple[str, object]) -> bytes:
    return wire(
        {"object": "page", "entry": [{"id": PAGE, "changes": [{"field": kind, "value": value} for kind, value in pairs]}]}
    )


@pytest.mark.parametrize("bad", [None, "text", 7, [], {"custom_audience_id": 1.2e18}, {}])
def test_a_malformed_event_does_not_spoil_its_siblings(bad: object) -> None:
    upload, good = "marketing_messages_subscriber_upload_status", SAMPLES["marketing_messages_subscriber_upload_status"]
    parsed = parse(changes((upload, good), (upload, bad), (upload, good)))
    assert len(parsed.facts) == 2
    assert [each.kind for each in parsed.refused] == [upload]


@pytest.mark.parametrize("junk", [None, 1, "x", [], [[]], True])
def test_junk_in_the_place_of_an_entry_or_item_is_refused_by_itself(junk: object) -> None:
    good = {"field": "feed", "value": {}}
    entries = [
        junk,
        {"id": PAGE, "changes": [junk, good, {"value": 1}, {"field": 7}]},
        {"id": PAGE, "messaging": [junk, {"game_play": {}}]},
    ]
    entries.append({"id": PAGE, "standby": [junk, {"read": {}}], "messaging": junk})
    parsed = parse(wire({"object": "page", "entry": entries}))
    assert [fact.kind for fact in parsed.facts if isinstance(fact, Ignored)] == ["feed", "game_play", "standby"]
    assert len(parsed.refused) >= 6


def test_a_repeated_key_is_harmless() -> None:
    body = b'{"object":"page","entry":1,"entry":[{"id":"8","id":"9","changes":[{"field":"x","field":"feed","value":{}}]}]}'
    assert parse(body).facts == [Ignored("feed", "9")]


def test_an_id_too_long_for_a_float_keeps_every_digit() -> None:
    value = SAMPLES["marketing_messages_subscriber_upload_status"] | {"custom_audience_id": 9007199254740993}
    [fact] = parse(changes(("marketing_messages_subscriber_upload_status", value))).facts
    assert isinstance(fact, UploadStatus)
    assert fact.audience_id == "9007199254740993"


def test_an_id_that_lost_digits_on_its_way_is_refused() -> None:
    value = SAMPLES["marketing_messages_subscriber_upload_status"] | {"custom_audience_id": 1.2e18}
    parsed = parse(changes(("marketing_messages_subscriber_upload_status", value)))
    assert parsed.refused == [PayloadRefusal("marketing_messages_subscriber_upload_status", "custom_audience_id", "is not an id")]


# --- whole bodies ---


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"nonsense", b'{"object":"page","entry":[{"id":"1"', b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe{\x00}\x00"]
    + [b'{"object":"page","entry":' + b"[" * 2000 + b"]" * 2000 + b"}"]
    + [b"[]", b'"text"', b"7", b"null", b'{"object":7,"entry":[]}'.replace(b"{", b"[{").replace(b"}", b"}]")],
)
def test_an_unreadable_body_is_refused_as_a_whole(body: bytes) -> None:
    parsed = parse(body)
    assert parsed.facts == []
    assert [each.kind for each in parsed.refused] == ["body"]


def test_deep_nesting_inside_one_value_is_harmless() -> None:
    deep = b'{"object":"page","entry":[{"id":"9","changes":[{"field":"feed","value":' + b"[" * 900 + b"]" * 900 + b"}]}]}"
    assert parse(deep).facts == [Ignored("feed", "9")]


def test_a_body_with_too_many_events_is_refused_and_one_with_just_enough_is_read() -> None:
    def body(n: int) -> bytes:
        return wire({"object": "page", "entry": [{"id": PAGE, "changes": [{"field": "feed", "value": {}}] * n}]})

    assert len(parse(body(10_000)).facts) == 10_000
    assert parse(body(10_001)) == ParsedBody(refused=[PayloadRefusal("body", "entry", "holds too many events")])


def test_a_text_cut_in_the_middle_of_an_emoji_does_not_cost_the_body() -> None:
    echo = dict(SAMPLES["marketing_message_delivery_failed"]) | {"error_message": "CUT"}
    whole = changes(("marketing_message_delivery_failed", echo), ("feed", {"message": "CUT"}))
    parsed = parse(whole.replace(b"CUT", rb"ok \ud83d\ude00 \\ud83d cut \ud83d"))
    [receipt, comment] = parsed.facts
    assert isinstance(receipt, MarketingReceipt)
    assert receipt.error_message == "ok \U0001f600 \\ud83d cut \ufffd"
    assert comment == Ignored("feed", PAGE)


@pytest.mark.parametrize(
    ("escaped", "mended"),
    [
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (rb"\ud83d", rb"\ufffd"),
        (rb"\ude00", rb"\ufffd"),
        (rb"\uD83D\uD83D\uDE00", rb"\ufffd\uD83D\uDE00"),
        (rb"\\ud83d", rb"\\ud83d"),
        (rb"\\\ud83d", rb"\\\ufffd"),
        (rb"\u00fc\n", rb"\u00fc\n"),
    ],
)
def test_only_halves_of_characters_are_mended(escaped: bytes, mended: bytes) -> None:
    assert mend_surrogates(escaped) == mended


def test_another_provider_is_not_read() -> None:
    assert parse_body("nobody", b"{}", RECEIVED).refused == [PayloadRefusal("body", "provider", "is not known")]
