"""Gupshup's sends (vendor page 4.1, 4.3, 4.4, 4.5): forms in, Messenger's words out, errors as they stand there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.asgi import Client
from vendor_desk import VendorDesk, guid

PSID = "7800000000000001"
BOT = "/sm/api/bot/Northwind%20Coffee/msg"
CONTEXT = {"botname": "acmebot", "channeltype": "fb", "contextid": "12125550199", "contexttype": "phone"}


async def to_person(vendor: VendorDesk, message: Any):
    """A bot's message to somebody who wrote."""
    await vendor.wrote(PSID)
    context = {"botname": "acmebot", "channeltype": "fb", "contextid": PSID, "contexttype": "p2p"}
    text = message if isinstance(message, str) else json.dumps(message)
    return await vendor.form("POST", BOT, {"context": json.dumps(context), "message": text})


async def test_the_example_of_4_1_asks_a_phone_number(vendor):
    answered = await vendor.form("POST", BOT, {"context": json.dumps(CONTEXT), "message": "Hello from Acme"})
    assert answered.status == 200, answered.text
    [message] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert answered.json() == {"status": "submitted", "messageId": guid(message["id"])}
    [body] = vendor.sent
    assert body["recipient"] == {"phone_number": "+12125550199"}
    assert body["message"]["text"] == "Hello from Acme"


@pytest.mark.parametrize(
    "name",
    [
        {"name": "Ada Example"},
        {"name": {"first_name": "Ada", "last_name": "Example"}},
        {"first_name": "Ada", "last_name": "Example"},
    ],
)
async def test_the_name_helps_the_match(vendor, name):
    answered = await vendor.form("POST", BOT, {"context": json.dumps({**CONTEXT, **name}), "message": "Hello"})
    assert answered.status == 200, answered.text
    assert vendor.sent[0]["recipient"]["name"] == {"first_name": "Ada", "last_name": "Example"}


async def test_a_person_is_answered_by_the_inbound_context(vendor):
    answered = await to_person(vendor, "Use {{ this }}")
    assert answered.status == 200, answered.text
    [body] = vendor.sent
    assert (body["recipient"], body["message"]["text"]) == ({"id": PSID}, "Use {{ this }}")


@pytest.mark.parametrize("bot", ["northwind%20coffee", "10500000000000021"])
async def test_a_bot_is_a_page_by_name_or_id(vendor, bot):
    await vendor.wrote(PSID)
    context = json.dumps({"contextid": PSID, "contexttype": "p2p"})
    answered = await vendor.form("POST", f"/sm/api/bot/{bot}/msg", {"context": context, "message": "Hi"})
    assert answered.status == 200, answered.text


async def test_the_key_may_stand_in_the_form(vendor):
    fields = {"context": json.dumps(CONTEXT), "message": "Hello", "apikey": vendor.key}
    answered = await vendor.form("POST", BOT, fields, apikey="")
    assert answered.status == 200, answered.text


def tap(text: str, msgid: str = "m7", **more: str) -> str:
    """What a button of ours carries."""
    return "gupshup:" + json.dumps({"text": text, "refmsgid": msgid, **more}, separators=(",", ":"))


def template(**payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


STRUCTURES = {
    "poll": (
        {"type": "poll", "question": "Happy?", "msgid": "m7"},
        template(
            template_type="button",
            text="Happy?",
            buttons=[
                {"type": "postback", "title": "Yes", "payload": tap("Yes")},
                {"type": "postback", "title": "No", "payload": tap("No")},
            ],
        ),
    ),
    "survey": (
        {
            "type": "survey",
            "question": "Which?",
            "msgid": "m7",
            "options": [
                "Red",
                {"type": "url", "title": "Shop", "url": "https://shop.example.com", "webview_height_ratio": "TALL"},
                {"type": "phone_number", "title": "Call", "phone_number": "+12125550100"},
            ],
        },
        template(
            template_type="button",
            text="Which?",
            buttons=[
                {"type": "postback", "title": "Red", "payload": tap("Red")},
                {"type": "web_url", "title": "Shop", "url": "https://shop.example.com", "webview_height_ratio": "tall"},
                {"type": "phone_number", "title": "Call", "payload": "+12125550100"},
            ],
        ),
    ),
    "quick_reply": (
        {
            "type": "quick_reply",
            "msgid": "m7",
            "content": {"type": "text", "text": "Which?"},
            "options": ["Red", {"type": "text", "title": "Blue", "iconurl": "https://a.example.com/b.png"}],
        },
        {
            "text": "Which?",
            "quick_replies": [
                {"content_type": "text", "title": "Red", "payload": tap("Red")},
                {"content_type": "text", "title": "Blue", "payload": tap("Blue"), "image_url": "https://a.example.com/b.png"},
            ],
        },
    ),
    "quick_reply of the current API": (
        {
            "type": "quick_reply",
            "msgid": "m7",
            "content": {"type": "text", "header": "Cups", "text": "Which?", "caption": "All blue"},
            "options": [{"title": "Red", "postbackText": "r"}],
        },
        {
            "text": "Cups\nWhich?\nAll blue",
            "quick_replies": [{"content_type": "text", "title": "Red", "payload": tap("Red", postbackText="r")}],
        },
    ),
    "catalogue": (
        {
            "type": "catalogue",
            "msgid": "m7",
            "imageaspectratio": "square",
            "items": [
                {"title": "Cup"},
                {
                    "title": "Pot",
                    "subtitle": "Blue",
                    "imgurl": "https://a.example.com/p.png",
                    "defaultaction": {"type": "url", "url": "https://a.example.com/p", "webview_height_ratio": "full"},
                    "options": [{"type": "text", "title": "Buy"}],
                },
            ],
        },
        template(
            template_type="generic",
            image_aspect_ratio="square",
            elements=[
                {"title": "Cup"},
                {
                    "title": "Pot",
                    "subtitle": "Blue",
                    "image_url": "https://a.example.com/p.png",
                    "default_action": {"type": "web_url", "url": "https://a.example.com/p", "webview_height_ratio": "full"},
                    "buttons": [{"type": "postback", "title": "Buy", "payload": tap("Buy 2")}],
                },
            ],
        ),
    ),
    "list": (
        {
            "type": "list",
            "msgid": "m7",
            "topElementStyle": "compact",
            "items": [{"title": "One"}, {"title": "Two"}],
            "globalButtons": [{"type": "text", "title": "More"}],
        },
        template(
            template_type="generic",
            elements=[
                {"title": "One"},
                {"title": "Two", "buttons": [{"type": "postback", "title": "More", "payload": tap("More 2")}]},
            ],
        ),
    ),
    "list of the current API": (
        {
            "type": "list",
            "title": "Cups",
            "body": "Choose one",
            "msgid": "m7",
            "globalButtons": [{"type": "text", "title": "Open"}],
            "items": [
                {
                    "title": "All",
                    "subtitle": "s",
                    "options": [{"type": "text", "title": "Red", "description": "d", "postbackText": "r"}],
                }
            ],
        },
        {
            "text": "Cups\nChoose one",
            "quick_replies": [{"content_type": "text", "title": "Red", "payload": tap("Red", postbackText="r")}],
        },
    ),
    "receipt": (
        {
            "type": "receipt",
            "recipient_name": "Ada",
            "merchant_name": "Acme",
            "order_number": "7",
            "currency": "USD",
            "payment_method": "Visa",
            "summary": {"total_cost": 26},
            "adjustments": [{"name": "Coupon", "amount": 1}],
        },
        template(
            template_type="receipt",
            recipient_name="Ada",
            merchant_name="Acme",
            order_number="7",
            currency="USD",
            payment_method="Visa",
            summary={"total_cost": 26},
            adjustments=[{"name": "Coupon", "amount": 1}],
        ),
    ),
    "image": (
        {"type": "image", "originalUrl": "https://a.example.com/a.png", "previewUrl": "https://a.example.com/s.png"},
        {"attachment": {"type": "image", "payload": {"url": "https://a.example.com/a.png"}}},
    ),
    "file": (
        {"type": "file", "url": "https://a.example.com/a.pdf", "filename": "a.pdf"},
        {"attachment": {"type": "file", "payload": {"url": "https://a.example.com/a.pdf"}}},
    ),
}


@pytest.mark.parametrize(("given", "message"), STRUCTURES.values(), ids=STRUCTURES)
async def test_each_structured_message_in_messengers_words(vendor, given, message):
    answered = await to_person(vendor, given)
    assert answered.status == 200, answered.text
    [body] = vendor.sent
    assert {name: value for name, value in body["message"].items() if name != "metadata"} == message


REFUSED = {
    "four options": ({"type": "survey", "question": "?", "options": ["1", "2", "3", "4"]}, "`options` is a list of 1 to 3."),
    "twelve replies": (
        {"type": "quick_reply", "content": {"type": "text", "text": "?"}, "options": ["x"] * 12},
        "`options` is a list of 1 to 11.",
    ),
    "long title": (
        {"type": "quick_reply", "content": {"type": "text", "text": "?"}, "options": ["x" * 21]},
        "`title` has at most 20 characters.",
    ),
    "location reply": (
        {"type": "quick_reply", "content": {"type": "text", "text": "?"}, "options": [{"type": "location"}]},
        "Messenger has no quick reply for a location any more: ask in words.",
    ),
    "eleven items": ({"type": "catalogue", "items": [{"title": "x"}] * 11}, "`items` is a list of 1 to 10."),
    "long subtitle": (
        {"type": "catalogue", "items": [{"title": "x", "subtitle": "x" * 81}]},
        "`subtitle` has at most 80 characters.",
    ),
    "short list": ({"type": "list", "items": [{"title": "x"}]}, "`items` is a list of 2 to 4."),
    "element share": (
        {"type": "catalogue", "items": [{"title": "x", "options": [{"type": "element_share", "title": "Share"}]}]},
        "An option is of the type text, url or phone_number; Messenger has no other any more.",
    ),
    "location": ({"type": "location", "longitude": 1, "latitude": 2}, "No channel here carries a message of the type location."),
    "unknown": (
        {"type": "carousel"},
        "A structured message is of a type among text, poll, survey, quick_reply, catalogue, list, receipt, image, audio, "
        "video, file, sticker, location, contact.",
    ),
    "http button": (
        {"type": "survey", "question": "?", "options": [{"type": "url", "title": "x", "url": "http://a.example.com"}]},
        "Meta opens only https:// URLs here. See `errors` for each field.",
    ),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
async def test_limits_of_structured_messages(vendor, given, message):
    answered = await to_person(vendor, given)
    assert (answered.status, answered.json()) == (400, {"status": "error", "message": message})
    assert vendor.sent == []


async def test_a_withdrawn_tag_of_a_catalogue_goes_as_update_in_the_window(vendor):
    answered = await to_person(vendor, {"type": "catalogue", "tag": "SHIPPING_UPDATE", "items": [{"title": "Cup"}]})
    assert answered.status == 200, answered.text
    assert (vendor.sent[0]["messaging_type"], "tag" in vendor.sent[0]) == ("UPDATE", False)


ERRORS = {
    "no bot": ("/sm/api/bot/nobody/msg", {"context": "{}", "message": "Hi"}, 400, "Invalid App Details"),
    "no number": (
        BOT,
        {"context": json.dumps({**CONTEXT, "contextid": "12"}), "message": "Hi"},
        400,
        "Invalid Destination",
    ),
    "no context": (BOT, {"message": "Hi"}, 400, "The field `context` is missing."),
    "broken context": (BOT, {"context": "{", "message": "Hi"}, 400, "The field `context` must hold a JSON object."),
    "no message": (BOT, {"context": json.dumps(CONTEXT)}, 400, "The field `message` is missing."),
    "another channel": (
        BOT,
        {"context": json.dumps({**CONTEXT, "channeltype": "ibc"}), "message": "Hi"},
        400,
        "`channeltype` must be fb: a bot here is a Facebook Page.",
    ),
    "unknown path": ("/sm/api/v2/msg", {}, 404, "There is no such address. See the docs for what the gupshup dialect answers."),
}


@pytest.mark.parametrize(("path", "fields", "status", "message"), ERRORS.values(), ids=ERRORS)
async def test_errors_are_as_in_4_5(vendor, path, fields, status, message):
    answered = await vendor.form("POST", path, fields)
    assert (answered.status, answered.json()) == (status, {"status": "error", "message": message})


async def test_without_a_key_authentication_fails(vendor):
    for headers in ({}, {"apikey": "wrong"}):
        answered = await Client(vendor.app).call("POST", BOT, headers=headers, chunks=[b"message=Hi"])
        assert (answered.status, answered.json()) == (401, {"status": "error", "message": "Authentication Failed"})


async def test_the_closed_window_is_told_at_once(vendor):
    await vendor.wrote(PSID)
    vendor.house.clock.move(hours=25)
    context = json.dumps({"contextid": PSID, "contexttype": "p2p"})
    answered = await vendor.form("POST", BOT, {"context": context, "message": "Late"})
    assert answered.status == 400
    assert answered.json()["message"].startswith("The 24-hour window is closed.")


# -- the current API (4.4) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/wa/api/v1/msg", "/sm/api/v1/msg"])
async def test_a_message_goes_by_the_account_it_names(vendor, path):
    message = json.dumps({"type": "text", "text": "Ready"})
    sender = {"channel": "sms", "source": "447700900999", "src.name": "Texts", "disablePreview": "true"}
    by_sms = await vendor.form("POST", path, {**sender, "destination": "+44 7911 123456", "message": message})
    assert by_sms.status == 202, by_sms.text
    [sent] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert by_sms.json() == {"status": "submitted", "messageId": guid(sent["id"])}
    await vendor.wrote(PSID)
    page = {"channel": "messenger", "source": "10500000000000021", "destination": PSID, "message": message}
    by_messenger = await vendor.form("POST", path, page)
    assert by_messenger.status == 202, by_messenger.text
    assert vendor.sent[0]["message"]["text"] == "Ready"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "15550000000"}, "Invalid App Details"),
        ({"channel": "viber"}, "Invalid App Details"),
        ({"channel": "whatsapp", "source": "15550000000"}, "Invalid App Details"),
        ({"destination": "12"}, "Invalid Destination"),
    ],
)
async def test_the_current_apis_errors(vendor, change, message):
    given = {"channel": "sms", "source": "447700900999", "destination": "447911123456", "message": "Hi", **change}
    answered = await vendor.form("POST", "/wa/api/v1/msg", given)
    assert (answered.status, answered.json()) == (400, {"status": "error", "message": message})


async def test_a_template_is_a_pages_utility_template(vendor):
    await vendor.wrote(PSID)
    vendor.house.clock.move(hours=48)
    given = {
        "source": "Northwind Coffee",
        "destination": PSID,
        "template": json.dumps({"id": "order_shipped", "params": ["Ada", "A-7"]}),
    }
    answered = await vendor.form("POST", "/wa/api/v1/template/msg", given)
    assert answered.status == 202, answered.text
    parameters = [{"type": "text", "text": "Ada"}, {"type": "text", "text": "A-7"}]
    assert vendor.sent[0]["message"]["template"] == {
        "name": "order_shipped",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": parameters}],
    }


async def test_the_older_text_way(vendor):
    answered = await vendor.form("PUT", "/sm/api/sms/msg", {"destination": "447911123456", "text": "Vote: 1 or 2"})
    assert answered.status == 200, answered.text
    [sent] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert answered.json()["messageId"] == guid(sent["id"])


async def test_opt_in_opt_out_and_the_list_of_users(vendor):
    for phone in ("447911123456", "12125550199"):
        answered = await vendor.form("POST", "/sm/api/v1/app/opt/in/Texts", {"user": phone})
        assert (answered.status, answered.body) == (202, b"")
    out = await vendor.form("POST", "/sm/api/v1/app/opt/out/Texts", {"user": "12125550199"})
    assert out.status == 202
    listed = await vendor.form("GET", "/sm/api/v1/users/Texts", {})
    user = {
        "countryCode": "44",
        "phoneCode": "7911123456",
        "optinSource": "OPT_IN",
        "optinStatus": "OPT_IN",
        "optinTimeStamp": 1795176000000,
        "lastMessageTimeStamp": None,
    }
    assert listed.json() == {"status": "success", "users": [user]}
    send = {"source": "447700900999", "destination": "12125550199", "message": "Hi"}
    refused = await vendor.form("POST", "/wa/api/v1/msg", send)
    again = await vendor.form("POST", "/sm/api/v1/app/opt/in/Texts", {"user": "12125550199"})
    assert (refused.status, again.status) == (400, 400)
    assert again.json()["message"].startswith("The person stopped messages to this number.")


async def test_opt_ins_and_opt_outs_stand_in_the_ledger(vendor):
    from support.inbound import rows_of

    from guestlist.storage.tables import consents

    for way in ("in", "in", "out", "out"):
        await vendor.form("POST", f"/sm/api/v1/app/opt/{way}/Texts", {"user": "447911123456"})
    kept = [(row["act"], row["source"], row["channel"]) for row in await rows_of(vendor.house, consents, consents.c.number)]
    assert kept == [("granted", "gupshup_opt_in", "sms"), ("withdrawn", "gupshup_opt_out", "sms")]


NASTY = {
    "no form": (BOT, b"\xff\xfe=1"),
    "a context that is a list": (BOT, b"context=[]&message=Hi"),
    "a contextid that is an object": (BOT, b'context={"contextid":{}}&message=Hi'),
    "a contextid that is true": (BOT, b'context={"contextid":true}&message=Hi'),
    "a p2p id that is a word": (BOT, b'context={"contextid":"ana"}&message=Hi'),
    "another contexttype": (BOT, b'context={"contextid":"12125550199","contexttype":"room"}&message=Hi'),
    "a name that is a number": (BOT, b'context={"contextid":"12125550199","contexttype":"phone","name":7}&message=Hi'),
    "a name with a NUL": (BOT, b'context={"contextid":"12125550199","contexttype":"phone","name":"a%5Cu0000b"}&message=Hi'),
    "a message with a NUL": (BOT, b'context={"contextid":"12125550199","contexttype":"phone"}&message=a%00b'),
    "options that are a text": (BOT, b'context={"contextid":"1"}&message={"type":"survey","question":"?","options":"x"}'),
    "a question that is a list": (BOT, b'context={"contextid":"1"}&message={"type":"poll","question":[]}'),
    "items that are texts": (BOT, b'context={"contextid":"1"}&message={"type":"catalogue","items":["x"]}'),
    "a template that is a text": ("/wa/api/v1/template/msg", b"source=Northwind%20Coffee&destination=1&template=x"),
    "params that are numbers": (
        "/wa/api/v1/template/msg",
        b'source=Northwind%20Coffee&destination=1&template={"id":"x","params":[1]}',
    ),
    "a template by SMS": ("/wa/api/v1/template/msg", b'source=447700900999&destination=447911123456&template={"id":"x"}'),
    "a user that is no number": ("/sm/api/v1/app/opt/in/Texts", b"user=ana"),
    "an app that is none": ("/sm/api/v1/app/opt/in/nobody", b"user=447911123456"),
    "a picture without a URL": ("/wa/api/v1/msg", b'source=447700900999&destination=447911123456&message={"type":"image"}'),
}


@pytest.mark.parametrize(("path", "body"), NASTY.values(), ids=NASTY)
async def test_nasty_forms_are_refused_in_gupshups_shape(vendor, path, body):
    answered = await Client(vendor.app).call("POST", path, headers={"apikey": vendor.key}, chunks=[body])
    told = answered.json()
    assert (answered.status, told["status"], set(told), vendor.sent) == (400, "error", {"status", "message"}, [])
