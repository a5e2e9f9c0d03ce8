"""Messages from outside: what is accepted, what is refused and how precisely, and what is told of one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio
from api_house import Api
from support.messaging import PSID, add_account, write_to_page

from guestlist.actions.opt_ins import state_opt_ins
from guestlist.domain.messages import Channel

PHONE = "+44 7911 123456"
NOT_THERE = "acc_01hq3k5y8v7d2w9g4m6n0p1r2s"


@pytest_asyncio.fixture
async def sms(api: Api) -> str:
    """A sandbox account for SMS; its id."""
    return str((await add_account(api.house, Channel.SMS))["id"])


def body(**more: Any) -> dict[str, Any]:
    return {"to": {"phone": PHONE}, "rules": ["sms"], "text": "Hello", **more}


async def test_a_message_is_accepted_and_its_story_is_told(api: Api, sms: str) -> None:
    answered = await api.client.post("/v1/messages", body(metadata={"order": 7}))
    sent = answered.json()
    assert (answered.status, sent["state"], sent["channel"], sent["attempt"]) == (201, "queued", "sms", None)
    await api.house.run_send(sms)
    story = (await api.client.get(f"/v1/messages/{sent['id']}")).json()
    assert (story["state"], story["metadata"], story["content"]["text"]) == ("sent", {"order": 7}, "Hello")
    [delivery] = story["deliveries"]
    assert (delivery["account_id"], delivery["address_kind"], delivery["state"]) == (sms, "phone", "sent")
    assert delivery["parts"][0]["provider_id"] == f"sandbox-{delivery['id']}.1"
    assert [entry["kind"] for entry in story["timeline"]] == ["accepted", "rule_opened", "attempt"]
    assert "7911123456" not in json.dumps([story["timeline"], story["deliveries"]])


async def test_waiting_answers_with_the_first_attempt(api: Api, sms: str) -> None:
    waiting = asyncio.create_task(api.client.post("/v1/messages", body(), prefer="respond-async, wait=5"))
    while not (await api.client.get("/v1/messages")).json()["data"]:
        await asyncio.sleep(0.01)
    await api.house.run_send(sms)
    answered = await asyncio.wait_for(waiting, 2)
    assert (answered.status, answered.headers["preference-applied"]) == (201, "wait=5")
    assert (answered.json()["state"], answered.json()["attempt"]["outcome"]) == ("sent", "accepted")


async def test_waiting_for_nothing_ends_with_the_message_kept(api: Api, sms: str) -> None:
    answered = await api.client.post("/v1/messages", body(), prefer="wait=0")
    assert (answered.status, answered.json()["state"], answered.json()["attempt"]) == (201, "queued", None)


async def test_the_same_key_sends_once(api: Api, sms: str) -> None:
    first = await api.client.post("/v1/messages", body(), idempotency_key="k-1")
    again = await api.client.post("/v1/messages", body(), idempotency_key="k-1")
    other = await api.client.post("/v1/messages", body(text="Else"), idempotency_key="k-1")
    assert first.json()["id"] == again.json()["id"]
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert len((await api.client.get("/v1/messages")).json()["data"]) == 1


async def test_a_refusal_names_every_rule_and_what_would_open_it(api: Api, sms: str) -> None:
    await api.connect()
    answered = await api.client.post("/v1/messages", {"to": {"psid": PSID}, "rules": ["messenger", "sms"], "text": "Hi"})
    assert (answered.status, answered.code) == (409, "no_route")
    routes = answered.json()["routes"]
    assert [(route["rule"], route["code"]) for route in routes] == [(1, "window_closed"), (2, "no_address")]
    assert all(route["opens"] for route in routes)


async def test_an_opt_in_can_be_required(api: Api, sms: str) -> None:
    refused = await api.client.post("/v1/messages", body(require_opt_in=True))
    assert (refused.status, refused.code) == (409, "no_opt_in")
    message = (await api.client.post("/v1/messages", body())).json()
    await state_opt_ins(api.house.services, api.house.workspace_id, message["contact_id"], {Channel.SMS: True}, by="shop")
    assert (await api.client.post("/v1/messages", body(require_opt_in=True))).status == 201


async def test_explaining_tells_the_way_and_keeps_nothing(api: Api, sms: str) -> None:
    page_id = await api.connect()
    await write_to_page(api.house, page_id)
    answered = await api.client.post(
        "/v1/messages/explain", {"to": {"psid": PSID, "phone": PHONE}, "rules": ["email", "messenger", "sms"], "text": "Hi"}
    )
    explained = answered.json()
    assert (answered.status, explained["taken"]) == (200, 2)
    assert [route["open"] for route in explained["routes"]] == [False, True, True]
    assert (explained["routes"][0]["code"], explained["routes"][1]["messaging_type"]) == ("no_account", "RESPONSE")
    assert (await api.client.get("/v1/messages")).json()["data"] == []


WRONG: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("an unknown channel", {"rules": ["pigeon"]}, 422, "invalid_request", "body.rules.0"),
    ("no rules", {"rules": []}, 422, "invalid_request", "body.rules"),
    ("a field nobody knows", {"ruleSet": ["sms"]}, 422, "invalid_request", "body.ruleSet"),
    ("nobody", {"to": {"first_name": "Ana"}}, 422, "invalid_request", "body.to"),
    ("half a phone number", {"to": {"phone": "0791"}}, 422, "invalid_request", "body.to.phone"),
    ("no e-mail address", {"to": {"email": "ana"}}, 422, "invalid_request", "body.to.email"),
    ("a duration in minutes", {"fallback": {"unless": "read", "within": 10}}, 422, "invalid_request", "body.fallback.within"),
    ("a naive instant", {"send_at": "2026-12-24T10:00:00"}, 422, "invalid_request", "body.send_at"),
    ("two sources of a file", {"parts": [{"type": "image", "url": "x", "data": "eA=="}]}, 422, "invalid_request", "body.parts.0"),
    ("an unknown contact", {"to": {"contact": "con_01hq3k5y8v7d2w9g4m6n0p1r2s"}}, 404, "unknown_contact", ""),
    (
        "an unknown account",
        {"rules": [{"channel": "sms", "account": "acc_01hq3k5y8v7d2w9g4m6n0p1r2s"}]},
        400,
        "unknown_account",
        "",
    ),
    ("an end in the past", {"expires_at": "2026-11-20T11:00:00Z"}, 400, "bad_expiry", ""),
    ("a broken merge field", {"text": "Dear {{ contact.first_name"}, 400, "bad_merge_field", ""),
    ("no text", {"text": ""}, 400, "missing", ""),
    ("too much metadata", {"metadata": {"x": "y" * 5000}}, 400, "metadata_too_long", ""),
    ("a channel without account", {"rules": ["email"], "to": {"email": "a@b.example"}}, 409, "no_account", ""),
]


@pytest.mark.parametrize(("given", "status", "code", "field"), [pytest.param(*each[1:], id=each[0]) for each in WRONG])
async def test_bad_input_is_refused_precisely(
    api: Api, sms: str, given: dict[str, Any], status: int, code: str, field: str
) -> None:
    answered = await api.client.post("/v1/messages", body(**given))
    assert (answered.status, answered.code) == (status, code)
    assert all(each["field"].startswith(field) for each in answered.json().get("errors", ())), answered.text
    assert (await api.client.get("/v1/messages")).json()["data"] == []


async def test_a_batch_answers_every_item(api: Api, sms: str) -> None:
    items = [body(), {"to": {}}, body(rules=["sms"], to={"email": "a@b.example"}), "no object", body()]
    answered = await api.client.post("/v1/messages/batch", {"messages": items})
    told = answered.json()
    assert (answered.status, told["accepted"], told["refused"]) == (200, 2, 3)
    assert [each["status"] for each in told["data"]] == [201, 422, 409, 422, 201]
    assert [each["problem"]["code"] for each in told["data"] if each["problem"]] == [
        "invalid_request",
        "no_address",
        "invalid_request",
    ]
    listed = (await api.client.get("/v1/messages", {"batch_id": told["batch_id"]})).json()["data"]
    assert {each["id"] for each in listed} == {each["message"]["id"] for each in told["data"] if each["message"]}


async def test_5001_items_are_refused_and_5000_are_one_request(api: Api, sms: str) -> None:
    many = [{"to": {"phone": f"+44791{n:07}"}, "rules": ["sms"], "text": "Hello"} for n in range(5000)]
    refused = await api.client.post("/v1/messages/batch", {"messages": [*many, many[0]]})
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "body.messages")
    answered = await api.client.post("/v1/messages/batch", {"messages": many})
    assert (answered.status, answered.json()["accepted"]) == (200, 5000)


async def test_listings_filter_and_page(api: Api, sms: str) -> None:
    ids = [(await api.client.post("/v1/messages", body())).json() for _ in range(3)]
    await api.client.post(f"/v1/messages/{ids[0]['id']}/cancel")
    cancelled = (await api.client.get("/v1/messages", {"state": "cancelled"})).json()["data"]
    first = (await api.client.get("/v1/messages", {"limit": 2, "contact_id": ids[0]["contact_id"]})).json()
    rest = (await api.client.get("/v1/messages", {"after": first["next"], "contact_id": ids[0]["contact_id"]})).json()
    assert [each["id"] for each in cancelled] == [ids[0]["id"]]
    assert [each["id"] for each in [*first["data"], *rest["data"]]] == [each["id"] for each in reversed(ids)]
    assert (await api.client.get("/v1/messages", {"channel": "email"})).json()["data"] == []


async def test_cancel_and_redact_are_refused_at_the_wrong_time(api: Api, sms: str) -> None:
    sent = (await api.client.post("/v1/messages", body())).json()["id"]
    assert (await api.client.post(f"/v1/messages/{sent}/redact")).code == "not_ended"
    await api.house.run_send(sms)
    assert (await api.client.post(f"/v1/messages/{sent}/cancel")).code == "already_sent"
    redacted = await api.client.post(f"/v1/messages/{sent}/redact")
    story = (await api.client.get(f"/v1/messages/{sent}")).json()
    assert redacted.status == 200
    assert (story["content"]["text"], story["state"]) == ("", "sent")


async def test_another_workspaces_message_does_not_exist(api: Api, sms: str) -> None:
    sent = (await api.client.post("/v1/messages", body())).json()["id"]
    stranger = await api.stranger()
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/redact")):
        answered = await stranger.call(method, f"/v1/messages/{sent}{path}")
        assert (answered.status, answered.code) == (404, "not_found")
    assert (await stranger.get("/v1/messages")).json()["data"] == []
    theirs = await stranger.post("/v1/messages", body(rules=[{"channel": "sms", "account": sms}]))
    assert (theirs.status, theirs.code) == (400, "unknown_account")


async def test_no_text_and_no_address_is_logged_or_in_an_event(api: Api, sms: str, logged: list[Any]) -> None:
    await api.client.post("/v1/messages", body(text="the secret word", to={"phone": PHONE, "first_name": "Anabel"}))
    await api.client.post("/v1/messages", body(text="{{ the secret word"))
    await api.house.run_send(sms)
    events = (await api.client.get("/v1/events")).text
    for private in ("secret word", "7911123456", "Anabel"):
        assert private not in events
        assert private not in str(logged)
