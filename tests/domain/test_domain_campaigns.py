"""Messages that Meta would refuse are refused here, with the place and the limit."""

import pytest

from guestlist.domain.campaigns import check_message, text_message
from guestlist.domain.consent import chain_hash, check_attestation
from guestlist.errors import RefusedError, UsageError


def template(**payload):
    return {"attachment": {"type": "template", "payload": {"template_type": "generic", **payload}}}


BUTTON = {"type": "web_url", "url": "https://shop.test", "title": "Shop"}


@pytest.mark.parametrize(
    "message",
    [
        text_message("x" * 640),
        template(text="Hello {{first_name}}", elements=[{"title": "Sale", "buttons": [BUTTON] * 3}]),
        template(elements=[{"title": "No buttons"}]),
        {"attachment": {"type": "template", "payload": {"template_type": "button", "text": "Hi", "buttons": [BUTTON]}}},
        {**text_message("Which?"), "quick_replies": [{"content_type": "text", "title": "A", "payload": "a"}] * 13},
    ],
)
def test_what_meta_takes_passes(message):
    check_message(message)


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({}, "message"),
        ({"text": "a", "attachment": {}}, "message"),
        (text_message("x" * 641), "message.text"),
        (text_message("  "), "message.text"),
        ({"text": 5}, "message.text"),
        ({"attachment": {"type": "image"}}, "message.attachment"),
        (template(elements=[]), "message.attachment.payload.elements"),
        (template(elements=[{}] * 11), "message.attachment.payload.elements"),
        (template(elements=[{"buttons": [BUTTON] * 4}]), "message.attachment.payload.elements[0].buttons"),
        (template(elements=[{"buttons": [{**BUTTON, "url": "http://shop.test"}]}]), "elements[0].buttons[0].url"),
        (template(elements=[{"buttons": [{"type": "phone_number"}]}]), "elements[0].buttons[0].type"),
        ({**text_message("a"), "quick_replies": [{}] * 14}, "message.quick_replies"),
    ],
)
def test_what_meta_refuses_is_refused_with_its_place(message, where):
    with pytest.raises(UsageError) as refusal:
        check_message(message)
    assert where in refusal.value.sentence


def test_an_attestation_names_what_is_missing():
    with pytest.raises(RefusedError) as refusal:
        check_attestation("Ana", " ", "")
    assert refusal.value.code == "consent_missing"
    assert refusal.value.exit_code == 6
    assert refusal.value.data["missing"] == ["words", "basis"]


def test_a_changed_entry_breaks_the_chain():
    first = chain_hash("0" * 64, {"act": "granted"})
    assert chain_hash(first, {"act": "withdrawn"}) != chain_hash(first, {"act": "granted"})
    assert chain_hash(first, {"act": "granted"}) != chain_hash("0" * 64, {"act": "granted"})
