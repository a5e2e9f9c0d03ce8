"""Gupshup's callbacks: the bot's GET, whose answer is the reply (vendor page 4.2), and the POSTs of version 2 (4.6)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from support.inbound import event, said
from support.telling import add_endpoint
from vendor_desk import VendorDesk

from guestlist.graph.base import ErrorClass, GraphError
from guestlist.outbound.base import Answer, Endpoint, Request, Told

PSID = "7800000000000001"
HOOK = "https://bot.example.net/hook?secret=s7"


@pytest_asyncio.fixture
async def bot(vendor) -> str:
    """The Page's bot; its endpoint's id."""
    return str((await add_endpoint(vendor.house, HOOK, dialect="gupshup", scope=vendor.page))["id"])


@pytest_asyncio.fixture
async def reports(vendor) -> str:
    """An app's callback of version 2, for everything."""
    given = {"name": "App", "url": "https://app.example.net/v2", "dialect": "gupshup-v2"}
    return str((await vendor.call("POST", "/v1/endpoints", given)).json()["id"])


def query_of(request: Request) -> dict[str, Any]:
    """The query of a callback, its JSON read."""
    found = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True, strict_parsing=True))
    return {name: json.loads(value) if name.endswith("obj") else value for name, value in found.items()}


def answering(vendor: VendorDesk, body: bytes, status: int = 200, problem: str = "") -> None:
    """The bot answers every callback like this."""

    class Always(dict[str, list[Answer]]):
        def __missing__(self, url: str) -> list[Answer]:
            return [Answer(status, body, problem=problem)]

    vendor.post.answers = Always()


async def test_a_text_is_a_get_with_all_seven_parameters(vendor, bot):
    await vendor.tell(said(vendor.house, "Příliš & co?", "m_1"))
    [request] = await vendor.posted(bot)
    assert (request.method, request.body) == ("GET", b"")
    assert request.url.startswith("https://bot.example.net/hook?secret=s7&botname=Northwind%20Coffee&channel=fb&")
    query = query_of(request)
    assert query["messageobj"].pop("id").count("-") == 4
    assert query == {
        "secret": "s7",
        "botname": "Northwind Coffee",
        "channel": "fb",
        "sender": PSID,
        "message": "Příliš & co?",
        "contextobj": {"botname": "Northwind Coffee", "channeltype": "fb", "contextid": PSID, "contexttype": "p2p"},
        "senderobj": {"channelid": PSID, "channeltype": "fb", "display": "", "subdisplay": ""},
        "messageobj": {"type": "msg", "text": "Příliš & co?"},
    }


TAP = 'gupshup:{"text":"Buy 2","refmsgid":"m7"}'
SITUATIONS = {
    "m.me link": (
        {"referral": {"ref": "r-7", "source": "SHORTLINK", "type": "OPEN_THREAD"}},
        {"type": "event", "text": "startchattingevent", "referralParam": "r-7"},
    ),
    "get started": (
        {"postback": {"mid": "m", "title": "Get Started", "payload": "GET_STARTED"}},
        {"type": "event", "text": "startchattingevent", "referralParam": ""},
    ),
    "get started by a link": (
        {"postback": {"mid": "m", "title": "Go", "payload": "x", "referral": {"ref": "r-8", "source": "SHORTLINK"}}},
        {"type": "event", "text": "startchattingevent", "referralParam": "r-8"},
    ),
    "opt-in": ({"optin": {"ref": "checkout"}}, {"type": "event", "text": "botoptinevent", "referralParam": "checkout"}),
    "quick reply": (
        {"message": {"mid": "m", "text": "Red", "quick_reply": {"payload": 'gupshup:{"text":"Red","refmsgid":"m7"}'}}},
        {"type": "msg", "text": "Red", "refmsgid": "m7"},
    ),
    "carousel button": (
        {"postback": {"mid": "m", "title": "Buy", "payload": TAP}},
        {"type": "msg", "text": "Buy 2", "refmsgid": "m7"},
    ),
    "persistent menu": (
        {"postback": {"mid": "m", "title": "Help", "payload": "help"}},
        {"type": "msg", "text": "Help", "refmsgid": "persistent_menu"},
    ),
    "image": (
        {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "https://a.test/a.png"}}]}},
        {"type": "image", "text": "https://a.test/a.png", "url": "https://a.test/a.png"},
    ),
    "location": (
        {
            "message": {
                "mid": "m",
                "attachments": [{"type": "location", "payload": {"title": "Here", "coordinates": {"lat": 1.5, "long": 2.5}}}],
            }
        },
        {"type": "location", "text": "Here", "address": "Here", "latitude": 1.5, "longitude": 2.5},
    ),
}


@pytest.mark.parametrize(("body", "messageobj"), SITUATIONS.values(), ids=SITUATIONS)
async def test_each_situation_of_4_2(vendor, bot, body, messageobj):
    await vendor.tell(event(vendor.house, body))
    [request] = await vendor.posted(bot)
    query = query_of(request)
    query["messageobj"].pop("id", None)
    assert (query["messageobj"], query["message"]) == (messageobj, messageobj["text"])


async def test_acceptance_of_a_message_request_is_a_bot_opt_in(vendor, bot):
    context = {"contextid": "12125550199", "contexttype": "phone"}
    path = "/sm/api/bot/Northwind%20Coffee/msg"
    await vendor.form("POST", path, {"context": json.dumps(context), "message": "Hello"})
    await vendor.tell(event(vendor.house, {"optin": {"message_request": "accept"}}))
    [request] = await vendor.posted(bot)
    query = query_of(request)
    assert query["messageobj"] == {"type": "event", "text": "botoptinevent", "referralParam": ""}
    assert query["contextobj"]["contextid"] == PSID


async def test_the_answers_text_is_sent_as_a_response(vendor, bot):
    answering(vendor, b" Yes, at ten. {{ really }}\n")
    await vendor.tell(said(vendor.house, "Open tomorrow?", "m_1"))
    await vendor.posted(bot)
    [body] = vendor.sent
    assert (body["recipient"], body["messaging_type"], body["message"]["text"]) == (
        {"id": PSID},
        "RESPONSE",
        "Yes, at ten. {{ really }}",
    )
    [message] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert (message["state"], message["channel"]) == ("sent", "messenger")


async def test_a_structured_answer_is_sent_and_its_tap_comes_back(vendor, bot):
    answering(vendor, json.dumps({"type": "survey", "question": "Which?", "msgid": "m7", "options": ["Red", "Blue"]}).encode())
    await vendor.tell(said(vendor.house, "Hi", "m_1"))
    await vendor.posted(bot)
    [body] = vendor.sent
    red = body["message"]["attachment"]["payload"]["buttons"][0]
    answering(vendor, b"")
    await vendor.tell(event(vendor.house, {"postback": {"mid": "m_2", "title": red["title"], "payload": red["payload"]}}))
    *_, request = await vendor.posted(bot)
    query = query_of(request)
    assert (query["message"], query["messageobj"]["refmsgid"]) == ("Red", "m7")
    assert len(vendor.sent) == 1


async def test_a_doubled_webhook_asks_the_bot_once(vendor, bot):
    answering(vendor, b"Hello back")
    await vendor.tell(said(vendor.house, "Hi", "m_1"), said(vendor.house, "Hi", "m_1"))
    await vendor.posted(bot)
    await vendor.posted(bot)
    assert len(vendor.sent) == len(vendor.post.requests) == 1


BAD_ANSWERS: dict[str, tuple[bytes, str]] = {
    "web page": (b"<!DOCTYPE html><title>Error</title>", "answer_refused: bad_answer"),
    "not UTF-8": (b"\xff\xfe", "answer_refused: bad_answer"),
    "too large": (b"x" * 65536, "answer_refused: answer_too_large"),
    "bad structure": (b'{"type": "survey", "question": "?"}', "answer_refused: bad_structure"),
    "too long for Messenger": (b"x" * 2001, "answer_refused: too_long"),
}


@pytest.mark.parametrize(("body", "problem"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_an_answer_that_cannot_be_sent_is_noted_and_not_asked_for_again(vendor, bot, body, problem):
    answering(vendor, body)
    await vendor.tell(said(vendor.house, "Hi", "m_1"))
    await vendor.posted(bot)
    [notice] = (await vendor.client.get(f"/v1/endpoints/{bot}/notices")).json()["data"]
    assert (notice["state"], notice["problem"], vendor.sent) == ("delivered", problem, [])


async def test_an_error_of_the_bot_is_no_reply(vendor, bot):
    answering(vendor, b"Internal Server Error", 500, "refused")
    await vendor.tell(said(vendor.house, "Hi", "m_1"))
    await vendor.posted(bot)
    assert vendor.sent == []


async def test_a_long_text_is_cut_so_that_the_url_stays_short(vendor, bot):
    await vendor.tell(said(vendor.house, "ž" * 2000, "m_1"))
    [request] = await vendor.posted(bot)
    query = query_of(request)
    assert 7900 < len(request.url) <= 8000
    assert query["message"] == query["messageobj"]["text"] == "ž" * len(query["message"])


async def test_what_our_side_writes_and_receipts_are_not_told_to_the_bot(vendor, bot):
    await vendor.wrote(PSID)
    context = json.dumps({"contextid": PSID, "contexttype": "p2p"})
    await vendor.form("POST", "/sm/api/bot/Northwind%20Coffee/msg", {"context": context, "message": "Hi"})
    await vendor.tell(event(vendor.house, {"read": {"watermark": 1795176000000}}))
    assert await vendor.posted(bot) == []


# -- version 2 (4.6) ------------------------------------------------------------------------------------------------


async def told(vendor: VendorDesk, reports: str) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in await vendor.posted(reports)]


async def test_a_text_is_a_message_callback(vendor, reports):
    await vendor.tell(said(vendor.house, "Hello", "m_1"))
    [shown] = await told(vendor, reports)
    assert shown["payload"].pop("id").count("-") == 4
    assert shown == {
        "app": "Northwind Coffee",
        "timestamp": 1795176000000,
        "version": 2,
        "type": "message",
        "payload": {
            "source": PSID,
            "type": "text",
            "payload": {"text": "Hello"},
            "sender": {"phone": PSID, "name": ""},
        },
    }


@pytest.mark.parametrize(
    ("body", "kind", "payload"),
    [
        (
            {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "https://a.test/a.png"}}]}},
            "image",
            {"url": "https://a.test/a.png", "caption": ""},
        ),
        (
            {
                "message": {
                    "mid": "m",
                    "attachments": [{"type": "location", "payload": {"coordinates": {"lat": 1.5, "long": 2.5}}}],
                }
            },
            "location",
            {"latitude": "1.5", "longitude": "2.5"},
        ),
        (
            {
                "message": {
                    "mid": "m",
                    "text": "Red",
                    "quick_reply": {"payload": 'gupshup:{"text":"Red","refmsgid":"m7","postbackText":"r"}'},
                }
            },
            "quick_reply",
            {"text": "Red", "type": "button", "postbackText": "r", "id": "m7"},
        ),
        (
            {"postback": {"mid": "m", "title": "Order", "payload": "order-7"}},
            "button_reply",
            {"title": "Order", "type": "button", "postbackText": "order-7"},
        ),
    ],
)
async def test_other_messages(vendor, reports, body, kind, payload):
    await vendor.tell(event(vendor.house, body))
    [shown] = await told(vendor, reports)
    assert (shown["type"], shown["payload"]["type"], shown["payload"]["payload"]) == ("message", kind, payload)


async def test_a_messages_states_are_message_events(vendor, reports):
    await vendor.wrote(PSID)
    context = json.dumps({"contextid": PSID, "contexttype": "p2p"})
    sent = await vendor.form("POST", "/sm/api/bot/Northwind%20Coffee/msg", {"context": context, "message": "Hi"})
    gs_id = sent.json()["messageId"]
    vendor.house.clock.move(minutes=1)
    await vendor.tell(event(vendor.house, {"delivery": {"mids": ["m_1"], "watermark": 1795176060000}}))
    vendor.house.clock.move(minutes=1)
    await vendor.tell(event(vendor.house, {"read": {"watermark": 1795176120000}}))
    events = [each["payload"] for each in await told(vendor, reports) if each["type"] == "message-event"]
    known = {"id": "m_1", "gsId": gs_id, "destination": PSID}
    assert events == [
        {**known, "type": "enqueued", "payload": {"ts": 1795176000}},
        {**known, "type": "sent", "payload": {"ts": 1795176000}},
        {**known, "type": "delivered", "payload": {"ts": 1795176060}},
        {**known, "type": "read", "payload": {"ts": 1795176120}},
    ]


async def test_a_failure_tells_code_and_reason(vendor, reports):
    no = GraphError("No.", kind=ErrorClass.RECIPIENT, code=100, subcode=2018001, number=2018001)
    vendor.house.graph.script["send_message"] = [no]
    context = json.dumps({"contextid": "12125550199", "contexttype": "phone"})
    sent = await vendor.form("POST", "/sm/api/bot/Northwind%20Coffee/msg", {"context": context, "message": "Hi"})
    [failed] = [each["payload"] for each in await told(vendor, reports) if each["payload"].get("type") == "failed"]
    assert failed == {
        "id": sent.json()["messageId"],
        "gsId": sent.json()["messageId"],
        "type": "failed",
        "destination": "12125550199",
        "payload": {"code": "100/2018001", "reason": "No person on Messenger matches."},
    }


async def test_opt_ins_and_opt_outs_are_user_events(vendor, reports):
    for way in ("in", "out"):
        await vendor.form("POST", f"/sm/api/v1/app/opt/{way}/Texts", {"user": "447911123456"})
    await vendor.tell(event(vendor.house, {"optin": {"ref": "checkout"}}))
    events = [(each["app"], each["payload"]) for each in await told(vendor, reports) if each["type"] == "user-event"]
    assert events == [
        ("Texts", {"phone": "447911123456", "type": "opted-out"}),
        ("Northwind Coffee", {"phone": PSID, "type": "opted-in"}),
    ]


async def test_an_answer_to_version_2_is_no_reply(vendor, reports):
    answering(vendor, b"Thank you")
    await vendor.tell(said(vendor.house, "Hello", "m_1"))
    await told(vendor, reports)
    assert vendor.sent == []


async def test_an_sms_tells_the_parts_of_its_number(vendor, reports):
    """4.6's sender: `country_code` and `dial_code`."""
    account = {"id": vendor.sms, "name": "Texts", "channel": "sms"}
    phone = {"kind": "phone", "account_id": "", "value": "447911123456"}
    contact = {"id": "con_1", "first_name": "Ana", "last_name": "Diaz"}
    reply = {"id": vendor.sms, "kind": "text", "content": '{"text":"Yes"}'}
    sms = Told(
        id="evt_1",
        kind="message.received",
        subject="rep_1",
        data={},
        at=vendor.house.clock.now(),
        contact=contact,
        addresses=[phone],
        reply=reply,
        account=account,
    )
    dialects = vendor.house.services.outbound.dialects
    endpoint = Endpoint("end_1", "wsp_1", HOOK, "gupshup-v2", "", {})
    shown = json.loads(dialects["gupshup-v2"].renderer.render(sms, endpoint).body)
    assert shown["payload"]["sender"] == {
        "phone": "447911123456",
        "name": "Ana Diaz",
        "country_code": "44",
        "dial_code": "7911123456",
    }
    request = dialects["gupshup"].renderer.render(sms, endpoint)
    query = query_of(Request("GET", request.url, {}, b""))
    assert (query["channel"], query["contextobj"]["contextid"], query["message"]) == ("sms", "447911123456", "Yes")
