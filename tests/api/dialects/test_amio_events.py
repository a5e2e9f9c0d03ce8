"""Amio's webhooks (vendor page 3.7, 7): each event as it stands there, signed, told again when it is not taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
import pytest_asyncio
from support.inbound import event, said
from vendor_desk import HOOK, VendorDesk, decimal

from guestlist.graph.base import ErrorClass, GraphError
from guestlist.outbound.base import Answer
from guestlist.outbound.signing import HmacSigner

PSID = "7800000000000001"
SECRET = "0123456789abcdef"


@pytest_asyncio.fixture
async def hook(vendor) -> str:
    """A webhook for the Page's channel; its endpoint's id."""
    from guestlist.actions import endpoints

    given = {"webhook": {"url": HOOK, "secret": SECRET}}
    answered = await vendor.call("PATCH", f"/amio/v1/channels/{decimal(vendor.page)}", given)
    assert answered.status == 200, answered.text
    house = vendor.house
    [row] = await endpoints.list_endpoints(house.services, house.workspace_id)
    return str(row["id"])


async def told(vendor: VendorDesk, hook: str) -> list[dict[str, Any]]:
    """What the webhook was told, its ids of replies left out: they are ours alone."""
    return [json.loads(request.body) for request in await vendor.posted(hook)]


async def only(vendor: VendorDesk, hook: str) -> dict[str, Any]:
    [one] = await told(vendor, hook)
    return one


async def contact_of(vendor: VendorDesk) -> str:
    [known] = (await vendor.call("GET", f"/amio/v1/channels/{decimal(vendor.page)}/contacts")).json()
    return str(known["id"])


async def send(vendor: VendorDesk, **more: Any) -> str:
    """A message to somebody who wrote; Amio's id of it."""
    contact = decimal(await vendor.wrote(PSID))
    given = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": contact}, "content": {"type": "text", "payload": "Hi"}}
    answered = await vendor.call("POST", "/amio/v1/messages", {**given, **more})
    assert answered.status == 201, answered.text
    return str(answered.json()["id"])


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ('{"eventId":"e-1","name":"message.delivered"}', "72df085957e98ac431868c7f1e1c5076662da964"),
        ('{"event":"opt_in","timestamp":"2024-01-02T03:04:05Z","data":{}}', "0a4f6be0d2a3652facc2c18a96e0508a1eb48c65"),
        ('{"body":"Příliš ✓"}', "d0de5b2089dc016b3af5e6844bfbd16cccbacd80"),
    ],
)
async def test_the_vectors_of_section_7(vendor, body, signature):
    signer = vendor.house.services.outbound.dialects["amio"].signer
    assert isinstance(signer, HmacSigner)
    headers = signer.sign("evt_1", vendor.house.clock.now(), body.encode(), [SECRET])
    assert headers == {"X-Hub-Signature": f"sha1={signature}"}


async def test_a_text_is_message_received_and_signed_over_the_bytes_that_are_sent(vendor, hook):
    await vendor.tell(said(vendor.house, "Příliš ✓", "m_1"))
    [request] = await vendor.posted(hook)
    expected = hmac.new(SECRET.encode(), request.body, hashlib.sha1).hexdigest()
    assert request.headers["X-Hub-Signature"] == f"sha1={expected}"
    assert (request.method, request.url, request.headers["Content-Type"]) == ("POST", HOOK, "application/json")
    shown = json.loads(request.body)
    assert shown["data"].pop("id").isdigit()
    assert shown == {
        "event": "message_received",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "data": {
            "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
            "contact": {"id": await contact_of(vendor)},
            "content": {"type": "text", "payload": "Příliš ✓"},
        },
    }


@pytest.mark.parametrize(
    ("body", "name", "data"),
    [
        (
            {"message": {"mid": "m", "text": "Red", "quick_reply": {"payload": "red"}}},
            "message_received",
            {"content": {"type": "text", "payload": "Red", "quick_reply": {"payload": "red"}}},
        ),
        (
            {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "https://a.test/a.png"}}]}},
            "message_received",
            {"content": {"type": "image", "payload": {"url": "https://a.test/a.png"}}},
        ),
        ({"postback": {"mid": "m", "title": "Order", "payload": "order-7"}}, "postback", {"postback": {"payload": "order-7"}}),
        ({"optin": {"ref": "checkout-7"}}, "opt_in", {"opt_in": {"type": "send_to_messenger", "payload": "checkout-7"}}),
        (
            {"referral": {"ref": "r-7", "source": "SHORTLINK", "type": "OPEN_THREAD"}},
            "opt_in",
            {"opt_in": {"type": "m_me", "payload": "r-7"}},
        ),
    ],
)
async def test_what_people_do(vendor, hook, body, name, data):
    await vendor.tell(event(vendor.house, body))
    shown = await only(vendor, hook)
    assert shown["event"] == name
    shown["data"].pop("id", None)
    assert shown["data"] == {
        "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
        "contact": {"id": await contact_of(vendor)},
        **data,
    }


async def test_a_checkbox_opt_in_brings_its_user_ref(vendor, hook):
    opt_in = {"recipient": {"id": "10500000000000021"}, "timestamp": 1795176000000}
    await vendor.tell({**opt_in, "optin": {"ref": "checkout-7", "user_ref": "u-1"}})
    shown = await only(vendor, hook)
    assert shown["data"] == {
        "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
        "contact": {"id": await contact_of(vendor), "user_ref": "u-1"},
        "opt_in": {"type": "checkbox", "payload": "checkout-7"},
    }


async def test_acceptance_is_opt_in_by_phone_the_first_time_only(vendor, hook):
    """3.7's example; then `messages_delivered` each time."""
    phone = {"phone_number": "+1 (212) 555-0199"}
    given = {"channel": {"id": decimal(vendor.page)}, "contact": phone, "content": {"type": "text", "payload": "Hi"}}
    sent = (await vendor.call("POST", "/amio/v1/messages", given)).json()
    assert await told(vendor, hook) == []  # a request that waits for the person has no echo and no receipt
    vendor.house.clock.move(minutes=2)
    await vendor.tell(event(vendor.house, {"optin": {"message_request": "accept"}}, psid="7800000000000009"))
    shown = await told(vendor, hook)
    data = {
        "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
        "contact": {"id": sent["contact"]["id"], "phone_number": "12125550199"},
        "opt_in": {"type": "phone_number"},
    }
    assert {"event": "opt_in", "timestamp": "2026-11-20T12:02:00.000Z", "data": data} in shown
    assert sorted(each["event"] for each in shown) == ["messages_delivered", "opt_in"]
    await vendor.tell(event(vendor.house, {"optin": {"message_request": "accept"}}, psid="7800000000000009"))
    assert [each["event"] for each in await told(vendor, hook)].count("opt_in") == 1


async def test_a_sent_message_echoes_with_its_metadata(vendor, hook):
    message_id = await send(vendor, metadata={"order": 7})
    contact = await contact_of(vendor)
    assert await only(vendor, hook) == {
        "event": "message_echo",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "data": {
            "channel": {"id": decimal(vendor.page), "type": "facebook_messenger", "name": "Northwind Coffee"},
            "contact": {"id": contact},
            "id": message_id,
            "content": {"type": "text", "payload": "Hi"},
            "metadata": {"order": 7},
        },
    }


async def test_receipts(vendor, hook):
    message_id = await send(vendor)
    contact = {"id": await contact_of(vendor)}
    channel = {"id": decimal(vendor.page), "type": "facebook_messenger"}
    vendor.house.clock.move(minutes=1)
    await vendor.tell(event(vendor.house, {"delivery": {"mids": ["m_1"], "watermark": 1795176060000}}))
    vendor.house.clock.move(minutes=1)
    await vendor.tell(event(vendor.house, {"read": {"watermark": 1795176120000}}))
    _, delivered, read = await told(vendor, hook)
    at, later = "2026-11-20T12:01:00.000Z", "2026-11-20T12:02:00.000Z"
    assert delivered == {
        "event": "messages_delivered",
        "timestamp": at,
        "data": {"channel": channel, "contact": contact, "messages": [{"id": message_id}], "delivered_timestamp": at},
    }
    assert read == {
        "event": "messages_read",
        "timestamp": later,
        "data": {"channel": channel, "contact": contact, "last_read_timestamp": later},
    }


async def test_a_failure_behind_a_201_is_message_failed(vendor, hook):
    down = GraphError("Down.", kind=ErrorClass.RETRY, code=1200)
    no = GraphError("No.", kind=ErrorClass.RECIPIENT, code=551)
    vendor.house.graph.script["send_message"] = [down, no]
    message_id = await send(vendor)
    contact = {"id": await contact_of(vendor)}
    vendor.house.clock.move(minutes=10)
    await vendor.house.run_send(vendor.page)
    assert await only(vendor, hook) == {
        "event": "message_failed",
        "timestamp": "2026-11-20T12:10:00.000Z",
        "data": {
            "channel": {"id": decimal(vendor.page), "type": "facebook_messenger"},
            "contact": contact,
            "message": {"id": message_id},
            "error": {"code": 1, "message": "The person is not receiving messages."},
        },
    }


async def test_a_request_that_nobody_accepts_in_time_is_message_failed_4(vendor, hook):
    given = {"to": {"phone": "+12125550199"}, "rules": ["messenger"], "text": "Hi", "expires_at": "2026-11-21T12:00:00Z"}
    message = (await vendor.client.post("/v1/messages", given)).json()
    await vendor.settle()
    vendor.house.clock.move(hours=25)
    await vendor.house.run_due()
    shown = await only(vendor, hook)
    assert (shown["event"], shown["data"]["message"]) == ("message_failed", {"id": decimal(message["id"])})
    assert shown["data"]["error"] == {"code": 4, "message": "The message was not delivered in time."}


async def test_other_channels_and_other_events_are_not_told(vendor, hook):
    await vendor.tell(event(vendor.house, {"reaction": {"reaction": "love", "emoji": "x", "action": "react", "mid": "m_0"}}))
    text = {"to": {"phone": "+447911123456"}, "rules": ["sms"], "text": "Hello"}
    assert (await vendor.client.post("/v1/messages", text)).status == 201
    assert await told(vendor, hook) == []


async def test_redelivery_follows_the_minutes_of_3_7(vendor, hook):
    vendor.post.answers[HOOK] = [Answer(500, problem="refused")] * 7
    await vendor.tell(said(vendor.house, "Hello", "m_1"))
    pauses = [await vendor.house.run_notify(hook)]
    for minutes in (1, 5, 20, 60, 180, 480):
        vendor.house.clock.move(minutes=minutes)
        pauses.append(await vendor.house.run_notify(hook))
    assert pauses == [60, 300, 1200, 3600, 10800, 28800, None]
    bodies = {request.body for request in vendor.post.requests}
    assert (len(vendor.post.requests), len(bodies)) == (7, 1)


async def test_a_redacted_contact_and_message_are_told_empty(vendor, hook):
    """What was redacted before it was told stays redacted."""
    message_id = await send(vendor)
    [row] = (await vendor.client.get("/v1/messages")).json()["data"]
    assert (await vendor.client.post(f"/v1/messages/{row['id']}/redact")).status == 200
    shown = await only(vendor, hook)
    assert (shown["data"]["id"], shown["data"]["content"]) == (message_id, {"type": "text", "payload": ""})
