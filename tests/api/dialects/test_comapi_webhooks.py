"""Comapi's webhooks: their administration, envelope, signature and batches. Source: vendor-apis.md 2.8, 2.9, 7."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from comapi_desk import Desk

from guestlist.outbound.base import Answer

SECRET = "0123456789abcdef0123456789abcdef0123"
HOOK = {"name": "shop", "url": "https://shop.example.com/hook", "secret": SECRET}


async def hook(desk: Desk, **more: Any) -> str:
    """Makes a webhook; our id of its endpoint."""
    answered = await desk.post("/webhooks", {**HOOK, **more})
    assert answered.status == 201, answered.text
    listed = (await desk.client.get("/v1/endpoints")).json()["data"]
    return str(listed[0]["id"])


async def told(desk: Desk, endpoint_id: str) -> list[Any]:
    """What the customer's server got since it was last asked, parsed."""
    await desk.api.house.run_notify(endpoint_id)
    requests = desk.api.house.services.outbound.post.requests
    bodies = [json.loads(request.body) for request in requests]
    requests.clear()
    return bodies


async def test_webhooks_are_made_read_replaced_and_deleted(desk: Desk) -> None:
    """2.8: POST 201, GET, PUT, DELETE 204."""
    given = {**HOOK, "subscriptions": [{"type": "message.sent", "filters": [{"name": "metadata.shop", "value": "x"}]}]}
    made = await desk.post("/webhooks", given)
    webhook_id = made.json()["id"]
    expected = {
        "id": webhook_id,
        "name": "shop",
        "url": "https://shop.example.com/hook",
        "subscriptions": [{"type": "message.sent", "filters": [{"name": "metadata.shop", "value": "x"}]}],
        "batch": False,
        "_createdOn": "2026-11-20T12:00:00.000Z",
    }
    assert (made.status, made.json()) == (201, expected)
    assert (await desk.get(f"/webhooks/{webhook_id}")).json() == expected
    assert (await desk.get("/webhooks")).json() == [expected]
    changed = await desk.send("PUT", f"/webhooks/{webhook_id}", {**HOOK, "batch": True, "maxBatchSize": 2, "batchTimeout": 3})
    assert (changed.status, changed.json()["batch"], changed.json()["maxBatchSize"]) == (200, True, 2)
    assert (await desk.send("DELETE", f"/webhooks/{webhook_id}")).status == 204
    assert [(await desk.send(method, f"/webhooks/{webhook_id}", HOOK)).status for method in ("GET", "PUT", "DELETE")] == [404] * 3


async def test_the_events_there_are_can_be_listed(desk: Desk) -> None:
    """2.8: availableevents, availabletemplates; 2.9: names with a dot and camel case."""
    assert [each["type"] for each in (await desk.get("/webhooks/availableevents")).json()] == [
        "message.sentRequest",
        "message.sent",
        "message.delivered",
        "message.read",
        "message.expired",
        "message.failed",
        "message.inbound",
        "facebook.optin",
        "profile.create",
        "profile.update",
        "profile.delete",
    ]
    assert (await desk.get("/webhooks/availabletemplates")).json() == []


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"secret": "short"}, "secret"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://127.0.0.1/hook"}, "url"),
        ({"name": ""}, "name"),
        ({"maxBatchSize": 501}, "maxBatchSize"),
        ({"batchTimeout": 0}, "batchTimeout"),
        ({"subscriptions": [{"type": "message:sent"}]}, "subscriptions.0.type"),
    ],
)
async def test_bad_webhooks_name_the_parameter(desk: Desk, given: dict[str, Any], parameter: str) -> None:
    """2.8: sizes and the secret's length; 2.9: no colon in names."""
    answered = await desk.post("/webhooks", {**HOOK, **given})
    assert answered.status == 400
    assert [each["paramName"] for each in answered.json()["validationFailures"]] == [parameter]
    assert (await desk.get("/webhooks")).json() == []


async def test_a_message_is_told_from_request_to_read(desk: Desk) -> None:
    """2.9: the envelope and the payloads of receipts; `payload.id` is the `messageId` (8.6)."""
    endpoint_id = await hook(desk, subscriptions=[{"type": "message.*"}])
    to = {"phoneNumber": "447700900123"}
    sent = await desk.accepted({"to": to, "body": "Hi", "rules": ["sms"], "metadata": {"orderId": "A-17"}})
    await desk.run()
    await desk.post(f"/messages/{sent['messageId']}/statuses/read", {"channel": "sms"})
    request, *receipts = await told(desk, endpoint_id)
    assert request["payload"] == {
        "messageId": sent["messageId"],
        "sentOn": "2026-11-20T12:00:00.000Z",
        "status": "processing",
        "to": {"phoneNumber": "447700900123"},
        "body": "Hi",
        "rules": ["sms"],
        "metadata": {"orderId": "A-17"},
    }
    assert [each["name"] for each in (request, *receipts)] == [
        "message.sentRequest",
        "message.sent",
        "message.delivered",
        "message.read",
    ]
    event_id = receipts[0].pop("eventId")
    assert len(event_id) == 36
    assert receipts[0].pop("etag") == f'"{event_id}"'
    mid = receipts[0]["payload"]["details"]["additionalInfo"].pop("messageId")
    assert mid.startswith("sandbox-")
    assert receipts[0] == {
        "accountId": int(desk.space[:8], 16),
        "apiSpaceId": desk.space,
        "name": "message.sent",
        "revision": 0,
        "timestamp": "2026-11-20T12:00:00.000Z",
        "payload": {
            "id": sent["messageId"],
            "details": {
                "channel": "sms",
                "additionalInfo": {},
                "channelStatus": {"sms": {"status": "sent", "details": {}, "updatedOn": "2026-11-20T12:00:00.000Z"}},
            },
            "channelData": {"sms": {"phoneNumberCountryCode": "GB", "segmentCount": 1}},
            "metadata": {"orderId": "A-17"},
            "updatedOn": "2026-11-20T12:00:00.000Z",
        },
    }


async def test_a_messenger_receipt_has_the_mid_and_the_person(desk: Desk) -> None:
    """2.9 notes: `additionalInfo{fbMessengerId, messageId:"mid.…"}`."""
    endpoint_id = await hook(desk, subscriptions=[{"type": "message.sent"}])
    await desk.wrote("7800000000000001")
    await desk.accepted({"to": {"fbMessengerId": "7800000000000001"}, "body": "Hi", "rules": ["fbMessenger"]})
    await desk.run()
    [event] = await told(desk, endpoint_id)
    assert event["payload"]["details"] == {
        "channel": "fbMessenger",
        "additionalInfo": {"messageId": "m_1", "fbMessengerId": "7800000000000001"},
        "channelStatus": {},
    }
    assert event["payload"]["channelData"] == {}


async def test_a_failure_names_its_reason(desk: Desk) -> None:
    """2.9: where the reason stands is uncertain; ours stands in `details.failureReason`."""
    endpoint_id = await hook(desk, subscriptions=[{"type": "message.failed"}])
    await desk.accepted({"to": {"profileId": "ada"}, "body": "Hi", "rules": ["sms"]})
    [event] = await told(desk, endpoint_id)
    assert (event["name"], event["payload"]["details"]["failureReason"]) == ("message.failed", "no_address")


async def test_an_inbound_message_is_told_as_documented(desk: Desk) -> None:
    """2.9: `message.inbound`; `payload.messageId` (8.6)."""
    await desk.post("/profiles", {"id": "ada@example.com", "phoneNumber": "447700900123"})
    endpoint_id = await hook(desk, subscriptions=[{"type": "message.inbound", "filters": [{"name": "channel", "value": "sms"}]}])
    pushed = (
        await desk.post("/messages/inbounds", {"channel": "sms", "from": {"phoneNumber": "447700900123"}, "body": "Thanks!"})
    ).json()
    [event] = await told(desk, endpoint_id)
    assert len(event["payload"].pop("conversationId")) == 36
    assert (event["name"], event["payload"]) == (
        "message.inbound",
        {
            "messageId": pushed["messageId"],
            "receivedOn": "2026-11-20T12:00:00.000Z",
            "status": "received",
            "channel": "sms",
            "from": {"profileId": "ada@example.com", "phoneNumber": "447700900123"},
            "to": {"phoneNumber": "447700900999"},
            "body": "Thanks!",
            "messageParts": [],
            "channelData": {"body": {"text": "Thanks!"}},
        },
    )


async def test_profiles_are_told(desk: Desk) -> None:
    """2.9: `profile.create`, `profile.update`: the profile; `profile.delete`: `{id, date, by}`."""
    endpoint_id = await hook(desk, subscriptions=[{"type": "profile.*"}])
    await desk.post("/profiles", {"id": "ada", "firstName": "Ada"})
    [created] = await told(desk, endpoint_id)
    await desk.send("PATCH", "/profiles/ada", {"firstName": "Ada L."})
    [updated] = await told(desk, endpoint_id)
    await desk.send("DELETE", "/profiles/ada")
    [deleted] = await told(desk, endpoint_id)
    assert [each["name"] for each in (created, updated, deleted)] == ["profile.create", "profile.update", "profile.delete"]
    assert (created["payload"]["id"], created["payload"]["firstName"], created["etag"]) == ("ada", "Ada", '"1"')
    assert (updated["payload"]["firstName"], updated["revision"]) == ("Ada L.", 2)
    assert set(deleted["payload"]) == {"id", "date", "by"}


async def test_what_was_not_asked_for_is_not_told(desk: Desk) -> None:
    """2.8: subscriptions with filters."""
    filters = [{"name": "metadata.shop", "value": "north"}]
    endpoint_id = await hook(desk, subscriptions=[{"type": "message.sent", "filters": filters}])
    for shop in ("north", "south"):
        await desk.accepted({"to": {"phoneNumber": "447700900123"}, "body": "Hi", "rules": ["sms"], "metadata": {"shop": shop}})
    await desk.run()
    assert [each["payload"]["metadata"] for each in await told(desk, endpoint_id)] == [{"shop": "north"}]


async def test_requests_are_signed_as_documented(desk: Desk) -> None:
    """2.9: lower-case hex HMAC-SHA1 of the raw body, no prefix; 7: the vectors."""
    vectors = {
        '{"eventId":"e-1","name":"message.delivered"}': "72df085957e98ac431868c7f1e1c5076662da964",
        '{"event":"opt_in","timestamp":"2024-01-02T03:04:05Z","data":{}}': "0a4f6be0d2a3652facc2c18a96e0508a1eb48c65",
        '{"body":"Příliš ✓"}': "d0de5b2089dc016b3af5e6844bfbd16cccbacd80",
    }
    house = desk.api.house
    signer = house.services.outbound.dialects["comapi"].signer
    for body, signature in vectors.items():
        assert signer.sign("evt", house.clock.now(), body.encode(), ["0123456789abcdef"]) == {"X-Comapi-Signature": signature}
    endpoint_id = await hook(desk)
    await desk.post("/profiles", {"id": "ada", "city": "Příliš"})
    await house.run_notify(endpoint_id)
    [request] = house.services.outbound.post.requests
    assert request.headers["X-Comapi-Signature"] == hmac.new(SECRET.encode(), request.body, hashlib.sha1).hexdigest()
    assert request.headers["Content-Type"] == "application/json"


async def test_the_check_that_the_docs_show_takes_what_is_sent(desk: Desk) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "comapi.md").read_text(encoding="utf-8")
    shown: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], shown)
    endpoint_id = await hook(desk)
    await desk.post("/profiles", {"id": "ada"})
    await desk.api.house.run_notify(endpoint_id)
    [request] = desk.api.house.services.outbound.post.requests
    assert shown["is_genuine"](SECRET, request.body, request.headers["X-Comapi-Signature"])
    assert not shown["is_genuine"](SECRET, request.body + b" ", request.headers["X-Comapi-Signature"])


async def test_a_batch_is_one_signed_array(desk: Desk) -> None:
    """2.8, 2.9: `batch`, `maxBatchSize`; the array is what is signed."""
    endpoint_id = await hook(desk, batch=True, maxBatchSize=2, batchTimeout=1)
    for name in ("ada", "bob", "cid"):
        await desk.post("/profiles", {"id": name})
    desk.api.house.clock.move(seconds=2)
    await desk.api.house.run_notify(endpoint_id)
    requests = desk.api.house.services.outbound.post.requests
    assert [[each["payload"]["id"] for each in json.loads(request.body)] for request in requests] == [["ada", "bob"], ["cid"]]
    for request in requests:
        assert request.headers["X-Comapi-Signature"] == hmac.new(SECRET.encode(), request.body, hashlib.sha1).hexdigest()


async def test_400_ends_an_event_and_all_else_is_tried_again(desk: Desk) -> None:
    """2.9: 400 is never retried; everything else after 5 s, 5 s, 30 s …"""
    endpoint_id = await hook(desk)
    post = desk.api.house.services.outbound.post
    post.answers[HOOK["url"]] = [Answer(400, problem="status"), Answer(401, problem="status"), Answer(503, problem="status")]
    await desk.post("/profiles", {"id": "ada"})
    assert len(await told(desk, endpoint_id)) == 1
    desk.api.house.clock.move(hours=5)
    assert await told(desk, endpoint_id) == []
    await desk.post("/profiles", {"id": "bob"})
    ids = [each["eventId"] for each in await told(desk, endpoint_id)]
    for seconds in (5, 5):
        desk.api.house.clock.move(seconds=seconds - 1)
        assert await told(desk, endpoint_id) == []
        desk.api.house.clock.move(seconds=1)
        ids += [each["eventId"] for each in await told(desk, endpoint_id)]
    assert len(ids) == 3
    assert len(set(ids)) == 1
