"""Amio's sends (vendor page 3.1, 3.3): the answer tells the outcome of the first attempt."""

from __future__ import annotations

import re

import pytest
from support.scripted import DEAD_TOKEN, LOST
from vendor_desk import VendorDesk, decimal

from guestlist.graph.base import Applied, ErrorClass, GraphError

PSID = "7800000000000001"
MESSAGES = "/amio/v1/messages"
NO_MATCH = GraphError("No match.", kind=ErrorClass.RECIPIENT, applied=Applied.NO, code=100, subcode=2018001, number=2018001)


def phone_send(vendor: VendorDesk) -> dict:
    """The example of 3.3, at our channel."""
    return {
        "channel": {"id": decimal(vendor.page)},
        "contact": {"phone_number": "+1 (212) 555-0199", "first_name": "Ada", "last_name": "Example"},
        "content": {"type": "text", "payload": "Your booking is confirmed."},
        "metadata": {"any": "data", "tag": "CONFIRMED_EVENT_UPDATE"},
    }


async def say(vendor: VendorDesk, content: dict, metadata: dict | None = None):
    """A message to somebody who wrote."""
    contact = await vendor.wrote(PSID)
    given = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": decimal(contact)}, "content": content}
    return await vendor.call("POST", MESSAGES, given if metadata is None else {**given, "metadata": metadata})


async def test_the_example_of_3_3_is_sent_and_answered_as_it_stands(vendor):
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert answered.status == 201, answered.text
    told = answered.json()
    contact_id, message_id = told["contact"].pop("id"), told.pop("id")
    assert (contact_id.isdigit(), message_id.isdigit()) == (True, True)
    assert told == {
        "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
        "contact": {"phone_number": "12125550199"},
        "content": {"type": "text", "payload": "Your booking is confirmed."},
        "metadata": {"any": "data", "tag": "CONFIRMED_EVENT_UPDATE"},
    }
    assert answered.headers["location"] == f"http://localhost/amio/v1/messages/{message_id}"
    [body] = vendor.sent
    assert body["recipient"] == {"phone_number": "+12125550199", "name": {"first_name": "Ada", "last_name": "Example"}}
    assert (body["messaging_type"], body["message"]["text"]) == ("UPDATE", "Your booking is confirmed.")


async def test_a_contact_by_id_is_answered_with_exactly_its_id(vendor):
    """3.3, the vendor's tests: contact is exactly `{id}`, channel exactly `{id, type}`; ids grow."""
    contact = decimal(await vendor.wrote(PSID))
    channel = {"id": decimal(vendor.page), "type": "facebook_messenger"}
    given = {"channel": channel, "contact": {"id": contact, "name": "Ada"}, "content": {"type": "text", "payload": "One"}}
    first, second = [(await vendor.call("POST", MESSAGES, given)).json() for _ in range(2)]
    assert int(first.pop("id")) < int(second["id"])
    assert first == {"channel": channel, "contact": {"id": contact}, "content": {"type": "text", "payload": "One"}}


async def test_a_phone_without_messenger_is_a_422_in_line(vendor):
    vendor.house.graph.script["send_message"] = [NO_MATCH]
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert answered.status == 422
    told = answered.json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("timestamp"))
    assert told == {
        "status": {"code": 422, "message": "Unprocessable Entity"},
        "errors": [{"message": "No person on Messenger matches."}],
    }


async def test_a_disconnected_page_is_a_502_and_the_message_is_taken_back(vendor):
    vendor.house.graph.script["send_message"] = [DEAD_TOKEN]
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert (answered.status, answered.json()["status"]) == (502, {"code": 502, "message": "Bad Gateway"})
    assert answered.json()["errors"] == [
        {"message": "The channel is disconnected from its platform. Connect it again; this message was taken back."}
    ]
    listed = (await vendor.client.get("/v1/messages")).json()["data"]
    assert [each["state"] for each in listed] == ["cancelled"]
    again = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert (again.status, vendor.sent) == (502, [])


async def test_what_is_tried_again_by_itself_is_a_201(vendor):
    vendor.house.graph.script["send_message"] = [GraphError("Down.", kind=ErrorClass.RETRY, code=1200)]
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert answered.status == 201, answered.text
    [message] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert message["state"] == "queued"


async def test_without_an_outcome_in_time_it_is_a_201(vendor, monkeypatch):
    monkeypatch.setattr("guestlist.actions.messages.LONGEST_WAIT", 0.05)
    vendor.lanes.awake = False
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert (answered.status, vendor.sent) == (201, [])


async def test_a_lost_answer_is_a_201_and_never_repeated(vendor):
    vendor.house.graph.script["send_message"] = [LOST]
    answered = await vendor.call("POST", MESSAGES, phone_send(vendor))
    assert answered.status == 201
    [message] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert (message["state"], len(vendor.sent)) == ("unknown", 1)


async def test_a_user_ref_is_the_address_of_the_first_message(vendor):
    given = {**phone_send(vendor), "contact": {"user_ref": "u-1"}, "metadata": {}}
    answered = await vendor.call("POST", MESSAGES, given)
    assert answered.status == 201, answered.text
    contact = answered.json()["contact"]
    assert (contact.pop("id").isdigit(), contact) == (True, {"user_ref": "u-1"})
    assert vendor.sent[0]["recipient"] == {"user_ref": "u-1"}
    again = await vendor.call("POST", MESSAGES, given)
    assert (again.status, again.json()["errors"][0]["message"][:40]) == (422, "This user_ref has had its one message. T")


async def test_a_mobile_channel_sends_by_sms(vendor):
    given = {**phone_send(vendor), "channel": {"id": decimal(vendor.sms)}, "metadata": {}}
    answered = await vendor.call("POST", MESSAGES, given)
    assert answered.status == 201, answered.text
    assert answered.json()["channel"] == {"id": decimal(vendor.sms), "type": "mobile"}
    [message] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert (message["state"], message["channel"]) == ("sent", "sms")


async def test_outside_the_window_the_refusal_names_what_would_open_it(vendor):
    contact = decimal(await vendor.wrote(PSID))
    vendor.house.clock.move(hours=25)
    given = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": contact}, "content": {"type": "text", "payload": "Late"}}
    answered = await vendor.call("POST", MESSAGES, given)
    assert answered.status == 422
    assert answered.json()["errors"][0]["message"].startswith("The 24-hour window is closed.")
    assert vendor.sent == []


@pytest.mark.parametrize("tag", ["SHIPPING_UPDATE", "issue_resolution", "non_promotional_subscription"])
async def test_a_withdrawn_tag_inside_the_window_goes_as_update(vendor, tag):
    """3.3's table of tags: all of its targets are withdrawn by now, so none of them is sent."""
    answered = await say(vendor, {"type": "text", "payload": "On its way"}, {"tag": tag})
    assert answered.status == 201, answered.text
    assert answered.json()["metadata"] == {"tag": tag}
    [body] = vendor.sent
    assert (body["messaging_type"], "tag" in body) == ("UPDATE", False)


async def test_reserved_metadata_reaches_facebook(vendor):
    answered = await say(vendor, {"type": "text", "payload": "Hi"}, {"type": "update", "platform_metadata": "ours-7"})
    assert answered.status == 201, answered.text
    [body] = vendor.sent
    assert (body["messaging_type"], body["message"]["metadata"]) == ("UPDATE", "ours-7")


async def test_braces_are_no_merge_fields(vendor):
    """Amio has none: what looks like ours is text."""
    text = "Use {{ name }} and {{{ here"
    answered = await say(vendor, {"type": "text", "payload": text})
    assert answered.json()["content"]["payload"] == vendor.sent[0]["message"]["text"] == text


STRUCTURE = {
    "title": "Cups",
    "text": "Two for one",
    "image_url": "https://shop.example.com/cup.png",
    "item_url": "https://shop.example.com/cups",
    "buttons": [
        {"type": "url", "title": "See", "payload": "https://shop.example.com/cups"},
        {"type": "postback", "title": "Order", "payload": "order-7"},
        {"type": "phone", "title": "Call", "payload": "+12125550100"},
    ],
}
CARD = {
    "title": "Cups",
    "subtitle": "Two for one",
    "image_url": "https://shop.example.com/cup.png",
    "default_action": {"type": "web_url", "url": "https://shop.example.com/cups"},
    "buttons": [
        {"type": "web_url", "title": "See", "url": "https://shop.example.com/cups"},
        {"type": "postback", "title": "Order", "payload": "order-7"},
        {"type": "phone_number", "title": "Call", "payload": "+12125550100"},
    ],
}
RECEIPT = {
    "order_id": "A-7",
    "timestamp": "2024-05-01T10:00:00Z",
    "currency": "USD",
    "payment_method": "Visa 1234",
    "url_order": "http://shop.example.com/orders/7",
    "shipping_address": {
        "name": "Ada Example",
        "address_line_1": "1 Main St",
        "city": "Springfield",
        "postal_code": "12345",
        "state": "CA",
        "country_code": "US",
    },
    "items": [{"title": "Cup", "text": "Blue", "quantity": 2, "price": 10, "image_url": "https://shop.example.com/c.png"}],
    "summary": {"shipping": 5, "tax": 1, "total": 26},
}
RECEIPT_SENT = {
    "template_type": "receipt",
    "recipient_name": "Ada Example",
    "order_number": "A-7",
    "currency": "USD",
    "payment_method": "Visa 1234",
    "order_url": "http://shop.example.com/orders/7",
    "timestamp": "1714557600",
    "address": {"street_1": "1 Main St", "city": "Springfield", "postal_code": "12345", "state": "CA", "country": "US"},
    "elements": [{"title": "Cup", "subtitle": "Blue", "quantity": 2, "price": 10, "image_url": "https://shop.example.com/c.png"}],
    "summary": {"shipping_cost": 5, "total_tax": 1, "total_cost": 26},
}
CONTENTS = [
    (
        {"type": "image", "payload": {"url": "http://shop.example.com/a.png"}},
        {"attachment": {"type": "image", "payload": {"url": "http://shop.example.com/a.png"}}},
    ),
    (
        {"type": "file", "payload": {"url": "https://shop.example.com/a.pdf"}},
        {"attachment": {"type": "file", "payload": {"url": "https://shop.example.com/a.pdf"}}},
    ),
    (
        {"type": "structure", "payload": STRUCTURE},
        {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [CARD]}}},
    ),
    (
        {"type": "structure", "payload": [{"text": "structure 1"}, {"text": "structure 2"}]},
        {
            "attachment": {
                "type": "template",
                "payload": {"template_type": "generic", "elements": [{"title": "structure 1"}, {"title": "structure 2"}]},
            }
        },
    ),
    (
        {"type": "structure", "payload": {"text": "Sure?", "buttons": [{"type": "postback", "title": "Yes", "payload": "y"}]}},
        {
            "attachment": {
                "type": "template",
                "payload": {
                    "template_type": "button",
                    "text": "Sure?",
                    "buttons": [{"type": "postback", "title": "Yes", "payload": "y"}],
                },
            }
        },
    ),
    ({"type": "receipt", "payload": RECEIPT}, {"attachment": {"type": "template", "payload": RECEIPT_SENT}}),
    (
        {
            "type": "text",
            "payload": "Which?",
            "quick_replies": [
                {"type": "text", "title": "Red", "payload": "red", "image_url": "https://shop.example.com/r.png"},
                {"type": "phone_number"},
                {"type": "email"},
            ],
        },
        {
            "text": "Which?",
            "quick_replies": [
                {"content_type": "text", "title": "Red", "payload": "red", "image_url": "https://shop.example.com/r.png"},
                {"content_type": "user_phone_number"},
                {"content_type": "user_email"},
            ],
        },
    ),
]


@pytest.mark.parametrize(("content", "message"), CONTENTS, ids=[each[0]["type"] for each in CONTENTS])
async def test_each_type_of_content_goes_to_messenger_in_its_words_and_is_told_back(vendor, content, message):
    answered = await say(vendor, content)
    assert answered.status == 201, answered.text
    assert answered.json()["content"] == content
    [body] = vendor.sent
    assert {name: value for name, value in body["message"].items() if name != "metadata"} == message


ERRORS = [
    ({}, [("Missing property 'channel'.", "."), ("Missing property 'contact'.", "."), ("Missing property 'content'.", ".")]),
    ({"channel": {}}, [("Missing property 'id'.", ".channel")]),
    ({"channel": {"id": "7"}}, [("There is no such channel.", ".channel.id")]),
    ({"contact": {}}, [("Must have exactly one of id, phone_number and user_ref.", ".contact")]),
    ({"contact": {"id": "7"}}, [("This channel has no such contact.", ".contact.id")]),
    (
        {"contact": {"phone_number": "12"}},
        [("Must be a phone number with its country code, such as +447911123456.", ".contact.phone_number")],
    ),
    ({"content": {"type": "text"}}, [("Missing property 'payload'.", ".content")]),
    ({"content": {"type": "image", "payload": {}}}, [("Missing property 'url'.", ".content.payload")]),
    (
        {"content": {"type": "location", "payload": {}}},
        [("Is received only: no channel here sends a location.", ".content.type")],
    ),
    (
        {"content": {"type": "text", "payload": "x" * 2001}},
        [("A text over Messenger, with its title, has less than 2,000 characters.", ".content.payload")],
    ),
    ({"metadata": {"type": "update", "tag": "X"}}, [("Cannot stand beside type: give one of them.", ".metadata.tag")]),
    (
        {"metadata": {"platform_metadata": "x" * 1001}},
        [("Must be a string of at most 1000 characters.", ".metadata.platform_metadata")],
    ),
    ({"message_template": {"id": "7"}}, [("Message_template is for WhatsApp, which is not offered here", ".")]),
]


@pytest.mark.parametrize(("change", "errors"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
async def test_what_is_wrong_is_told_field_by_field(vendor, change, errors):
    """3.1: 422, `errors[]` with message and a dotted field."""
    given = {**phone_send(vendor), **change} if change else {}
    answered = await vendor.call("POST", MESSAGES, given)
    assert answered.status == 422, answered.text
    assert [(each["message"], each["field"]) for each in answered.json()["errors"]] == errors
    assert vendor.sent == []


async def test_fourteen_quick_replies_are_refused_with_the_field(vendor):
    replies = [{"type": "text", "title": f"No {number}", "payload": "x"} for number in range(14)]
    answered = await say(vendor, {"type": "text", "payload": "Which?", "quick_replies": replies})
    assert answered.status == 422
    assert answered.json()["errors"] == [{"message": "There are at most 13 quick replies.", "field": ".content.quick_replies.13"}]


async def test_a_wrong_token_is_told_before_anything_else(vendor):
    """3.1: 401, `Unauthorized`, `Wrong accessToken.`; the token is everything behind `Bearer `, or in the query."""
    wrong = await vendor.call("POST", MESSAGES, {}, authorization="Bearer two words")
    assert wrong.status == 401
    told = wrong.json()
    told.pop("timestamp")
    assert told == {"status": {"code": 401, "message": "Unauthorized"}, "errors": [{"message": "Wrong accessToken."}]}
    vendor.client.headers = {}
    by_query = await vendor.call("GET", "/amio/v1/channels", query={"access_token": vendor.key})
    assert by_query.status == 200
    assert (await vendor.call("GET", "/amio/v1/channels")).status == 401


async def test_the_token_in_the_query_is_never_logged(vendor, logged):
    await vendor.call("GET", "/amio/v1/nothing", query={"access_token": vendor.key})
    assert vendor.key not in str(logged)


async def test_other_errors_have_the_same_shape(vendor):
    broken = await vendor.client.call("POST", MESSAGES, headers={"content_type": "application/json"}, chunks=[b"{"])
    unknown = await vendor.call("GET", "/amio/v1/nothing")
    method = await vendor.call("DELETE", MESSAGES)
    assert [(each.status, each.json()["status"]["code"]) for each in (broken, unknown, method)] == [
        (400, 400),
        (404, 404),
        (405, 405),
    ]
    assert method.headers["allow"] == "POST"
    assert all(each.json()["errors"][0]["message"] for each in (broken, unknown, method))


NASTY = {
    "a list": [],
    "a text": "hello",
    "nothing": None,
    "a number as id": {"channel": {"id": 7}},
    "a contact that is none": {"contact": None},
    "a NUL in a name": {"contact": {"phone_number": "+12125550199", "first_name": "a\x00b"}},
    "a NUL in a user_ref": {"contact": {"user_ref": "a\x00b"}},
    "a phone of other digits": {"contact": {"phone_number": "+١٢١٢٥٥٥٠١٩٩"}},
    "a contact's id of other digits": {"contact": {"id": "١٢"}},
    "a content that is a text": {"content": "hello"},
    "a type that is an object": {"content": {"type": {}, "payload": "x"}},
    "a text that is an object": {"content": {"type": "text", "payload": {}}},
    "quick replies that are an object": {"content": {"type": "text", "payload": "x", "quick_replies": {"a": 1}}},
    "a card that is a text": {"content": {"type": "structure", "payload": ["x"]}},
    "an empty carousel": {"content": {"type": "structure", "payload": []}},
    "eleven cards": {"content": {"type": "structure", "payload": [{"title": "x"}] * 11}},
    "an http button": {
        "content": {
            "type": "structure",
            "payload": {"title": "x", "buttons": [{"type": "url", "title": "x", "payload": "http://a.example.com"}]},
        }
    },
    "a private picture": {"content": {"type": "image", "payload": {"url": "http://10.0.0.1/a.png"}}},
    "a receipt without a total": {"content": {"type": "receipt", "payload": {**RECEIPT, "summary": {}}}},
    "a receipt of some time": {"content": {"type": "receipt", "payload": {**RECEIPT, "timestamp": "soon"}}},
    "metadata that is a text": {"metadata": "x"},
    "metadata that is long": {"metadata": {"x": "y" * 5000}},
    "a tag that is a number": {"metadata": {"tag": 7}},
    "a tag that never was": {"metadata": {"tag": "FREE_BEER"}},
}


@pytest.mark.parametrize("change", NASTY.values(), ids=NASTY)
async def test_nasty_bodies_are_refused_in_amios_shape(vendor, change):
    given = {**phone_send(vendor), **change} if isinstance(change, dict) else change
    answered = await vendor.call("POST", MESSAGES, given)
    told = answered.json()
    assert (answered.status in (400, 422), set(told), vendor.sent) == (True, {"timestamp", "status", "errors"}, [])
    assert all(each["message"] for each in told["errors"])
