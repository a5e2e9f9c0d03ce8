"""Comapi's messages over HTTP, as its clients write and read them. Source: vendor-apis.md 2.2, 2.3, 2.4, 2.5."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comapi_desk import Desk

from guestlist.api.dialects.comapi.message_shapes import tell_status
from guestlist.domain.states import MessageState

PARCEL = json.loads(
    """
{"to":{"phoneNumber":"447700900123","firstName":"Ada","lastName":"Example"},
 "body":"Your parcel arrives today.",
 "channelOptions":{"fbMessenger":{"messagingType":"MESSAGE_TAG","messageTag":"SHIPPING_UPDATE"},"sms":{"from":"Acme"}},
 "rules":["fbMessenger","sms"],
 "metadata":{"orderId":"A-17"}}
"""
)
"""2.3, the example, as it stands there."""


async def test_the_documented_send_is_answered_with_the_documented_message(desk: Desk) -> None:
    """2.4: the Message object; the request's own fields come back."""
    told = await desk.accepted(PARCEL)
    message_id = told.pop("messageId")
    assert len(message_id) == 36
    assert message_id.count("-") == 4
    assert told == {
        "sentOn": "2026-11-20T12:00:00.000Z",
        "status": "processing",
        "statusDetails": {"channelId": "sms"},
        "to": {"phoneNumber": "447700900123", "firstName": "Ada", "lastName": "Example"},
        "body": "Your parcel arrives today.",
        "channelOptions": {
            "fbMessenger": {"messagingType": "MESSAGE_TAG", "messageTag": "SHIPPING_UPDATE"},
            "sms": {"from": "Acme"},
        },
        "rules": ["fbMessenger", "sms"],
        "metadata": {"orderId": "A-17"},
        "_createdOn": "2026-11-20T12:00:00.000Z",
        "_createdBy": "access:api",
        "_updatedOn": "2026-11-20T12:00:00.000Z",
        "_updatedBy": "access:api",
    }
    await desk.run()
    read = (await desk.get(f"/messages/{message_id}")).json()
    assert (read["status"], read["statusDetails"]) == ("sent", {"channelId": "sms"})
    assert {name: read[name] for name in PARCEL} == PARCEL


SEEDS: list[tuple[str, dict[str, Any]]] = [
    ("a Messenger id", {"to": {"fbMessengerId": "7800000000000001"}, "body": "Hello", "rules": ["fbMessenger"]}),
    (
        "a profile and a subscription tag",
        {
            "to": {"profileId": "ada@example.com", "mobileNumber": "447700900123"},
            "body": "Hello",
            "rules": ["fbMessenger", "sms"],
            "channelOptions": {
                "fbMessenger": {"messagingType": "MESSAGE_TAG", "messageTag": "NON_PROMOTIONAL_SUBSCRIPTION"},
            },
        },
    ),
    (
        "an update",
        {
            "to": {"fbMessengerId": "7800000000000001"},
            "body": "Hello",
            "rules": ["fbMessenger"],
            "channelOptions": {"fbMessenger": {"messagingType": "UPDATE"}},
        },
    ),
    (
        "a response",
        {
            "to": {"fbMessengerId": "7800000000000001"},
            "body": "Hello",
            "rules": ["fbMessenger"],
            "channelOptions": {"fbMessenger": {"messagingType": "RESPONSE"}},
        },
    ),
]
"""2.3: the tables' own fields with `channelOptions`, in the four ways that the source document shows."""


@pytest.mark.parametrize("given", [pytest.param(each[1], id=each[0]) for each in SEEDS])
async def test_sends_with_channel_options_are_taken_once_their_brace_is_closed(desk: Desk, given: dict[str, Any]) -> None:
    """8.1: four of the source document's examples lack their last brace: a clear 400; mended they are taken."""
    whole = json.dumps(given)
    broken = await desk.client.call(
        "POST", desk.root + "/messages", headers={"content_type": "application/json"}, chunks=[whole[:-1].encode()]
    )
    assert broken.status == 400
    assert broken.json() == {
        "validationFailures": [
            {
                "paramName": "body",
                "message": "The body is no JSON. Send JSON in UTF-8, not nested too deeply.",
            }
        ]
    }
    assert (await desk.accepted(given))["rules"] == given["rules"]


async def test_a_withdrawn_tag_falls_to_the_next_rule_and_inside_the_window_goes_as_update(desk: Desk) -> None:
    """8.2: never dropped in silence. 2.3 `rules`: the next channel is tried."""
    outside = await desk.accepted(SEEDS[1][1])
    await desk.run()
    assert (await desk.get(f"/messages/{outside['messageId']}")).json()["statusDetails"] == {"channelId": "sms"}
    await desk.wrote("7800000000000001")
    inside = {**SEEDS[1][1], "to": {"fbMessengerId": "7800000000000001"}, "rules": ["fbMessenger"]}
    sent = await desk.accepted(inside)
    await desk.run()
    assert (await desk.get(f"/messages/{sent['messageId']}")).json()["status"] == "sent"
    [call] = desk.sent_to_meta()
    assert call["messaging_type"] == "UPDATE"
    assert "tag" not in call


async def test_a_raw_body_reaches_facebook_untouched_but_for_merge_fields(desk: Desk) -> None:
    """2.3 and 8.7: `customBody.fbMessenger`, `{{profile.…}}`, `{{body}}`; an unknown field is an empty text."""
    await desk.wrote("7800000000000001")
    template = {"template_type": "button", "text": "{{body}} {{profile.unknown}}{{ kept }}", "buttons": []}
    template["buttons"] = [{"type": "web_url", "url": "https://example.com/a?b=1", "title": "Open"}]
    given = {
        "to": {"fbMessengerId": "7800000000000001", "firstName": "Ada", "colour": "red", "phoneNumber": "447700900123"},
        "body": "Hi {{profile.firstName}}, {{profile.colour}}, {{profile.phoneNumber}}",
        "customBody": {"fbMessenger": {"attachment": {"type": "template", "payload": template}}},
        "rules": ["fbMessenger"],
    }
    sent = await desk.accepted(given)
    await desk.run()
    [call] = desk.sent_to_meta()
    assert call["message"]["attachment"] == {
        "type": "template",
        "payload": {
            "template_type": "button",
            "text": "Hi Ada, red, 447700900123 {{ kept }}",
            "buttons": [{"type": "web_url", "url": "https://example.com/a?b=1", "title": "Open"}],
        },
    }
    assert sent["customBody"] == given["customBody"]


async def test_merge_fields_are_filled_from_the_profile_in_every_place(desk: Desk) -> None:
    """2.3: in `title`, `body`, `customBody`, `metadata`, `channelOptions`; unknown: an empty text."""
    await desk.post(
        "/profiles", {"id": "ada", "firstName": "Ada", "phoneNumber": "447700900123", "city": "Bath", "brand": "Acme"}
    )
    given = {
        "to": {"profileId": "ada", "order": "A-17"},
        "title": "{{profile.city}}",
        "body": "{{profile.firstName}} {{profile.phoneNumber}} {{profile.order}}{{profile.facebook.locale}}{{profile.x}}.",
        "channelOptions": {"sms": {"from": "{{profile.brand}}"}},
        "rules": ["sms"],
        "metadata": {"who": "{{profile.id}}", "of": ["{{profile.city}}", "{{profile.x}}"], "order": "{{ profile.order }}"},
    }
    sent = await desk.accepted(given)
    story = (await desk.client.get("/v1/messages")).json()["data"][0]
    assert story["metadata"] == {"who": "ada", "of": ["Bath", ""], "order": "A-17"}
    await desk.run()
    read = (await desk.get(f"/messages/{sent['messageId']}")).json()
    assert (read["status"], read["title"]) == ("sent", "{{profile.city}}")
    assert read["body"] == "{{profile.firstName}} 447700900123 {{profile.order}}{{profile.x}}."
    [text] = await desk.texts()
    assert (text["sender"], text["text"]) == ("Acme", "Bath\nAda 447700900123 A-17.")


async def test_braces_that_are_no_merge_field_stay(desk: Desk) -> None:
    sent = await desk.accepted(
        {"to": {"phoneNumber": "447700900123"}, "body": "{{ 1 + 1 }} {{ contact.x }} {{", "rules": ["sms"]}
    )
    assert (await desk.get(f"/messages/{sent['messageId']}")).json()["body"] == "{{ 1 + 1 }} {{ contact.x }} {{"
    [text] = await desk.texts()
    assert text["text"] == "{{ 1 + 1 }} {{ contact.x }} {{"


async def test_message_parts_are_the_text_and_then_the_files(desk: Desk) -> None:
    """2.3: the first part is the text; an attachment is `type` and `url`, for some channels only where it says so."""
    await desk.wrote("7800000000000001")
    sent = await desk.accepted(
        {
            "to": {"fbMessengerId": "7800000000000001"},
            "messageParts": [
                {"name": "text", "type": "text/plain", "data": "Your invoice"},
                {"name": "picture", "type": "image/png", "url": "https://example.com/a.png", "size": 12},
                {"type": "image/png", "url": "https://example.com/b.png", "channels": ["sms"]},
            ],
            "rules": ["fbMessenger"],
        }
    )
    await desk.run()
    await desk.run()
    said = [call["message"] for call in desk.sent_to_meta()]
    assert [each.get("text") for each in said] == ["Your invoice", None]
    assert said[1]["attachment"]["payload"]["url"] == "https://example.com/a.png"
    assert (await desk.get(f"/messages/{sent['messageId']}")).json()["messageParts"] == [
        {"name": "picture", "type": "image/png", "url": "https://example.com/a.png"},
        {"type": "image/png", "url": "https://example.com/b.png", "channels": ["sms"]},
    ]


async def test_channels_that_this_server_has_not_are_skipped(desk: Desk) -> None:
    """2.3 `rules`: a channel without an address for the person is skipped; those we do not carry have none."""
    sent = await desk.accepted({"to": {"phoneNumber": "447700900123"}, "body": "Hi", "rules": ["whatsApp", "rcs", "sms"]})
    assert sent["rules"] == ["whatsApp", "rcs", "sms"]
    await desk.run()
    assert (await desk.get(f"/messages/{sent['messageId']}")).json()["status"] == "sent"


async def test_nobody_to_reach_is_accepted_and_fails(desk: Desk) -> None:
    """2.3: if no channel accepts it, the message is `failed`; the send itself was a 201."""
    sent = await desk.accepted({"to": {"profileId": "ada@example.com"}, "body": "Hi", "rules": ["fbMessenger", "sms"]})
    assert sent["status"] == "failed"
    assert sent["statusDetails"]["failureReason"] == "no_address"


async def test_text_that_is_too_long_is_cut(desk: Desk) -> None:
    """2.3: Comapi cuts, each channel's text at that channel's limit."""
    await desk.wrote("7800000000000001")
    to = {"fbMessengerId": "7800000000000001", "phoneNumber": "447700900123"}
    sent = await desk.accepted({"to": to, "title": "T", "body": "x" * 2500, "rules": ["fbMessenger", "sms"]})
    await desk.run()
    [call] = desk.sent_to_meta()
    assert call["message"]["text"] == "T\n" + "x" * 1997
    assert (await desk.get(f"/messages/{sent['messageId']}")).json()["body"] == "x" * 2500
    by_sms = await desk.accepted({"to": to, "body": "ž" * 900, "rules": ["sms"]})
    await desk.run()
    read = (await desk.get(f"/messages/{by_sms['messageId']}")).json()
    assert (read["status"], read["customBody"]) == ("sent", {"sms": "ž" * 670})


async def test_a_cut_never_halves_a_merge_field(desk: Desk) -> None:
    """2.3: the field at the edge goes as a whole, and so is left out as a whole."""
    ada = {"profileId": "ada", "firstName": "Ada", "phoneNumber": "447700900123"}
    for length in (1500, 1525, 1529):
        body = "x" * length + "{{profile.firstName}}" + "y" * 100
        await desk.accepted({"to": ada, "body": body, "rules": ["sms"]})
    assert [each["text"][1490:].strip("x") for each in await desk.texts()] == ["Adayy", "", ""]


async def test_an_opt_in_that_is_asked_for_and_missing_is_a_failure(desk: Desk) -> None:
    """2.3: `requireOptIn` rejects a profile that is opted in to none of the channels."""
    given = {"to": {"phoneNumber": "447700900123"}, "body": "Hi", "rules": ["sms"], "requireOptIn": True}
    answered = await desk.post("/messages", given)
    assert (answered.status, answered.json()) == (
        400,
        {
            "validationFailures": [
                {"paramName": "requireOptIn", "message": "No channel in rules is open to the profile and opted in to."}
            ]
        },
    )


BASE = {"to": {"phoneNumber": "447700900123"}, "body": "Hi", "rules": ["sms"]}
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("no rules", {"rules": None}, "rules", "Name at least one channel, such as fbMessenger."),
    ("empty rules", {"rules": []}, "rules", "Name at least one channel, such as fbMessenger."),
    ("rules and ruleSet", {"ruleSet": "x"}, "ruleSet", "Give rules or ruleSet, not both."),
    ("a ruleSet alone", {"rules": None, "ruleSet": "x"}, "ruleSet", "No rule sets are stored here: name the channels in rules."),
    ("an unknown channel", {"rules": ["pigeon"]}, "rules.0", "There is no such channel here. Use fbMessenger, sms, email."),
    (
        "channels we have not",
        {"rules": ["mms"]},
        "rules",
        "None of these channels is carried here. Add one of fbMessenger, sms, email.",
    ),
    ("nobody", {"to": {}}, "to", "Name somebody: profileId, phoneNumber, email or fbMessengerId."),
    (
        "half a phone",
        {"to": {"phoneNumber": "12"}},
        "to.phoneNumber",
        "Value error, must be a phone number with its country code, such as +447911123456",
    ),
    (
        "two texts",
        {"messageParts": [{"type": "text/plain", "data": "x"}]},
        "messageParts",
        "Give body or messageParts, not both.",
    ),
    ("a part of nothing", {"body": "", "messageParts": [{"type": "image/png"}]}, "messageParts.0", "Give either url or data."),
    (
        "a template",
        {"templateId": "t-1"},
        "templateId",
        "No templates are stored here: give body, messageParts or customBody.",
    ),
    (
        "a type nobody knows",
        {"channelOptions": {"fbMessenger": {"messagingType": "SPAM"}}},
        "channelOptions.fbMessenger.messagingType",
        "There is no such messaging type. Use RESPONSE, UPDATE, MESSAGE_TAG, UTILITY.",
    ),
    (
        "a type without its tag",
        {
            "rules": ["fbMessenger"],
            "to": {"fbMessengerId": "1"},
            "channelOptions": {"fbMessenger": {"messagingType": "MESSAGE_TAG"}},
        },
        "channelOptions.fbMessenger.messageTag",
        "The messaging type MESSAGE_TAG needs a tag. Give a tag, or another type.",
    ),
    (
        "a short sender",
        {"channelOptions": {"sms": {"from": "ab"}}},
        "channelOptions.sms.from",
        "String should have at least 3 characters",
    ),
    (
        "an end in the past",
        {"expiresOn": "2026-11-20T11:00:00Z"},
        "expiresOn",
        "`expires_at` lies in the past, or before `send_at`. Give a later instant, or none.",
    ),
]


@pytest.mark.parametrize(("given", "parameter", "message"), [pytest.param(*each[1:], id=each[0]) for each in WRONG])
async def test_bad_input_names_the_parameter(desk: Desk, given: dict[str, Any], parameter: str, message: str) -> None:
    """2.5: `{"validationFailures": [{paramName, message}]}`; nothing is kept."""
    answered = await desk.post("/messages", {name: value for name, value in {**BASE, **given}.items() if value is not None})
    assert answered.status == 400
    assert answered.json() == {"validationFailures": [{"paramName": parameter, "message": message}]}
    assert (await desk.client.get("/v1/messages")).json()["data"] == []


async def test_a_batch_answers_each_item(desk: Desk) -> None:
    """2.2: 202 with index and messageId; what is wrong with an item is told in its place."""
    answered = await desk.post("/messages/batch", [BASE, {**BASE, "rules": []}, BASE])
    told = answered.json()
    assert answered.status == 202
    assert [each["index"] for each in told] == [0, 1, 2]
    assert told[1] == {
        "index": 1,
        "validationFailures": [{"paramName": "rules", "message": "Name at least one channel, such as fbMessenger."}],
    }
    assert set(told[0]) == {"index", "messageId"}
    assert (await desk.get(f"/messages/{told[2]['messageId']}")).json()["status"] == "processing"


async def test_a_batch_of_nothing_good_or_of_too_many_is_refused(desk: Desk) -> None:
    """2.2: 400; at most 5,000 items and 10 MB."""
    bad = await desk.post("/messages/batch", [{**BASE, "to": {}}])
    assert (bad.status, bad.json()["validationFailures"][0]["paramName"]) == (400, "[0].to")
    for given in ([], {}, [BASE] * 5001):
        refused = await desk.post("/messages/batch", given)
        assert refused.json() == {
            "validationFailures": [{"paramName": "body", "message": "must be an array of 1 to 5,000 messages"}]
        }
    large = await desk.post("/messages/batch", [{**BASE, "body": "x" * 11_000_000}])
    assert (large.status, large.json()["validationFailures"][0]["paramName"]) == (400, "body")
    assert (await desk.client.get("/v1/messages")).json()["data"] == []


async def test_a_message_is_redacted_and_taken_back_at_the_right_time(desk: Desk) -> None:
    """2.2: PATCH 202, 400, 404, 409; DELETE 204, 404, 409."""
    path = f"/messages/{(await desk.accepted(BASE))['messageId']}"
    assert (await desk.send("PATCH", path, {"redact": True})).status == 409
    assert (await desk.send("PATCH", path, {"redact": False})).status == 400
    assert (await desk.send("PATCH", path, {"redact": True, "redactSource": "all"})).status == 400
    await desk.run()
    assert (await desk.send("DELETE", path)).status == 409
    assert (await desk.send("PATCH", path, {"redact": True, "redactSource": "message"})).status == 202
    read = (await desk.get(path)).json()
    assert (read["status"], read["to"], read.get("body"), read["redacted"]) == ("sent", {}, None, True)
    taken = f"/messages/{(await desk.accepted(BASE))['messageId']}"
    assert (await desk.send("DELETE", taken)).status == 204
    assert (await desk.get(taken)).json()["statusDetails"]["failureReason"] == "cancelled"
    unknown = "/messages/6d0b7f2e-0000-4000-8000-000000000001"
    assert [(await desk.send(method, unknown, {"redact": True})).status for method in ("PATCH", "DELETE", "GET")] == [404] * 3


async def test_statuses_are_reported_and_only_rise(desk: Desk) -> None:
    """2.2: `POST /messages/{messageId}/statuses/{status}`: 200, 400, 404."""
    path = f"/messages/{(await desk.accepted(BASE))['messageId']}"
    await desk.run()
    report = {"channel": "sms", "timestamp": "2026-11-20T12:00:00Z", "channelStatus": {}}
    assert (await desk.post(f"{path}/statuses/read", report)).status == 200
    assert (await desk.post(f"{path}/statuses/delivered", report)).status == 200
    assert (await desk.get(path)).json()["status"] == "read"
    assert (await desk.post(f"{path}/statuses/lost", report)).json()["validationFailures"][0]["paramName"] == "status"
    assert (await desk.post(f"{path}/statuses/read", {"channel": "email"})).json()["validationFailures"][0][
        "paramName"
    ] == "channel"
    failed = f"/messages/{(await desk.accepted(BASE))['messageId']}"
    await desk.run()
    assert (await desk.post(f"{failed}/statuses/filtered", report)).status == 200
    assert (await desk.get(failed)).json()["status"] == "failed"


async def test_what_was_said_with_a_profile_is_listed(desk: Desk) -> None:
    """2.2: `GET /profiles/{profileId}/messages` with its query, and inbounds that a client pushes (201)."""
    to = {"profileId": "ada@example.com", "phoneNumber": "447700900123"}
    sent = await desk.accepted({**BASE, "to": to, "title": "Parcel"})
    desk.api.house.clock.move(minutes=1)
    pushed = await desk.post(
        "/messages/inbounds", {"channel": "sms", "from": {"phoneNumber": "+44 7700 900123"}, "body": "Thanks!"}
    )
    assert pushed.status == 201
    listed = (await desk.get("/profiles/ada@example.com/messages")).json()
    assert listed == [
        {
            "messageId": pushed.json()["messageId"],
            "submittedOn": "2026-11-20T12:01:00.000Z",
            "profileId": "ada@example.com",
            "channelId": "sms",
            "direction": "inbound",
            "status": "received",
            "message": {"title": "", "body": "Thanks!", "channelData": {"body": {"text": "Thanks!"}}},
        },
        {
            "messageId": sent["messageId"],
            "submittedOn": "2026-11-20T12:00:00.000Z",
            "profileId": "ada@example.com",
            "channelId": "sms",
            "direction": "outbound",
            "status": "processing",
            "message": {"title": "Parcel", "body": "Hi", "channelData": {}},
        },
    ]
    inbound = f"/messages/inbounds/{pushed.json()['messageId']}/statuses"
    [thread] = (await desk.client.get("/v1/conversations")).json()["data"]
    assert thread["unread"] == 1
    assert (await desk.post(f"{inbound}/delivered", {"timestamp": "2026-11-20T12:02:00Z"})).status == 200
    assert (await desk.post(f"{inbound}/read", {"timestamp": "2026-11-20T12:02:00Z", "channelStatus": {}})).status == 200
    [thread] = (await desk.client.get("/v1/conversations")).json()["data"]
    assert thread["unread"] == 0
    assert (await desk.post(f"{inbound}/read", {})).json()["validationFailures"][0]["paramName"] == "timestamp"
    assert (await desk.post(f"{inbound}/seen", {"timestamp": "2026-11-20T12:02:00Z"})).status == 400
    unknown = "/messages/inbounds/6d0b7f2e-0000-4000-8000-000000000001/statuses/read"
    assert (await desk.post(unknown, {"timestamp": "2026-11-20T12:02:00Z"})).status == 404
    query = {"direction": "outbound", "channelId": "sms", "limit": 5, "from": "2026-11-20T11:00:00Z"}
    assert [each["direction"] for each in (await desk.get("/profiles/ada@example.com/messages", query)).json()] == ["outbound"]
    wrong = await desk.get("/profiles/ada@example.com/messages", {"direction": "up", "channelId": "x", "limit": 0, "from": "y"})
    assert [each["paramName"] for each in wrong.json()["validationFailures"]] == ["channelId", "direction", "from", "limit"]


def test_every_state_has_its_word() -> None:
    """2.4 and 5: `processing, retrying, sent, delivered, read, expired, failed`."""
    words = {state.value: tell_status({"state": state.value}) for state in MessageState}
    assert words == {
        "queued": "processing",
        "sending": "processing",
        "unknown": "processing",
        "sent": "sent",
        "expired": "expired",
        "failed": "failed",
        "delivered": "delivered",
        "read": "read",
        "cancelled": "failed",
    }
    assert tell_status({"state": "queued"}, [{"attempts": 1, "state": "queued"}]) == "retrying"
    assert tell_status({"state": "queued"}, [{"attempts": 0, "state": "queued"}]) == "processing"
