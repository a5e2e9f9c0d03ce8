"""`/v1/accounts`: connected, listed beside Pages, changed, tried, deleted; secrets go in and never come out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from api_house import Api
from structlog.typing import EventDict

SID = "AC0123456789abcdef0123456789abcdef"
TWILIO: dict[str, Any] = {
    "channel": "sms",
    "provider": "twilio",
    "name": "Main number",
    "sender": "+44 7700 900999",
    "config": {"account_sid": SID},
    "secrets": {"auth_token": "sesame"},
}


async def test_an_account_is_connected_and_shown_without_its_secret(api: Api, logged: list[EventDict]) -> None:
    answered = await api.client.post("/v1/accounts", TWILIO)
    assert answered.status == 201
    told = answered.json()
    assert told == {
        "id": told["id"],
        "channel": "sms",
        "provider": "twilio",
        "name": "Main number",
        "sender": "447700900999",
        "config": {"account_sid": SID},
        "rate": 0,
        "state": "connected",
        "reason": "",
        "capabilities": {"delivery_receipts": True, "replies": True, "files": False, "unicode": True, "own_sender": True},
        "webhook_url": "",
        "created_at": "2026-11-20T12:00:00Z",
    }
    read = await api.client.get(f"/v1/accounts/{told['id']}")
    assert (read.status, read.json()) == (200, told)
    assert "sesame" not in answered.text + read.text + repr(logged)


async def test_the_webhook_address_holds_its_token_once(api: Api) -> None:
    api.app.state.services = replace(api.app.state.services, public_url="https://g.example.com")
    smtp = {"channel": "email", "provider": "smtp", "name": "Mail", "sender": "shop@example.com", "config": {"host": "m.example"}}
    made = (await api.client.post("/v1/accounts", smtp)).json()
    base, _, token = made["webhook_url"].partition("?token=")
    assert (base, len(token)) == (f"https://g.example.com/webhooks/mail/{made['id']}", 32)
    assert (await api.client.get(f"/v1/accounts/{made['id']}")).json()["webhook_url"] == base
    anew = (await api.client.patch(f"/v1/accounts/{made['id']}", {"new_webhook_token": True})).json()
    assert anew["webhook_url"].startswith(f"{base}?token=")
    assert token not in anew["webhook_url"]


async def test_pages_stand_in_the_list_and_slices_add_up(api: Api) -> None:
    page_id = await api.connect()
    await api.client.post("/v1/accounts", TWILIO)
    await api.client.post("/v1/accounts", {**TWILIO, "name": "Second"})
    everything = (await api.client.get("/v1/accounts")).json()["data"]
    assert [(each["channel"], each["name"]) for each in everything][1:] == [("sms", "Second"), ("sms", "Main number")]
    assert (everything[0]["id"], everything[0]["channel"], everything[0]["provider"]) == (page_id, "messenger", "meta")
    first = (await api.client.get("/v1/accounts", {"limit": 2})).json()
    rest = (await api.client.get("/v1/accounts", {"limit": 2, "after": first["next"]})).json()
    assert first["data"] + rest["data"] == everything
    assert rest["next"] is None
    only = (await api.client.get("/v1/accounts", {"channel": "messenger"})).json()["data"]
    assert [each["id"] for each in only] == [page_id]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"provider": "nexmo"}, 400, "bad_account"),
        ({"config": {}}, 400, "bad_account"),
        ({"config": {"account_sid": SID, "base_url": "http://169.254.169.254/"}}, 400, "bad_account"),
        ({"secrets": {}}, 400, "bad_account"),
        ({"sender": ""}, 400, "bad_account"),
        ({"channel": "messenger"}, 422, "invalid_request"),
        ({"rate": -1}, 422, "invalid_request"),
        ({"secret": {"auth_token": "sesame"}}, 422, "invalid_request"),
    ],
)
async def test_wrong_accounts_are_refused(api: Api, change: dict[str, Any], status: int, code: str) -> None:
    answered = await api.client.post("/v1/accounts", {**TWILIO, **change})
    assert (answered.status, answered.code) == (status, code)
    assert "sesame" not in answered.text


async def test_an_account_is_changed_tried_and_deleted(api: Api) -> None:
    sandbox = {"channel": "sms", "provider": "sandbox", "name": "Sandbox", "sender": "Shop"}
    account_id = await api.make("accounts", **sandbox)
    changed = await api.client.patch(f"/v1/accounts/{account_id}", {"config": {"help_text": "Call us."}, "rate": 5})
    assert (changed.status, changed.json()["config"], changed.json()["rate"]) == (200, {"help_text": "Call us."}, 5)
    tried = await api.client.post(f"/v1/accounts/{account_id}/check")
    assert tried.json() == {"ok": True, "code": "ok", "sentence": "A sandbox: everything is accepted, nothing is sent."}
    assert (await api.client.delete(f"/v1/accounts/{account_id}")).status == 204
    assert (await api.client.get(f"/v1/accounts/{account_id}")).code == "not_found"


async def test_a_page_is_changed_at_pages(api: Api) -> None:
    page_id = await api.connect()
    for answered in (
        await api.client.patch(f"/v1/accounts/{page_id}", {"name": "x"}),
        await api.client.delete(f"/v1/accounts/{page_id}"),
        await api.client.post(f"/v1/accounts/{page_id}/check"),
    ):
        assert (answered.status, answered.code) == (409, "is_a_page")


async def test_what_a_text_comes_to_is_explained(api: Api) -> None:
    await api.make("accounts", channel="sms", provider="sandbox", name="Sandbox", sender="Shop")
    given = {"to": {"phone": "+447911123456"}, "rules": ["sms"], "text": "a" * 161}
    told = (await api.client.post("/v1/messages/explain", given)).json()
    assert told["routes"][0]["measure"] == {"encoding": "gsm", "units": 161, "segments": 2}
    too_long = await api.client.post("/v1/messages", {**given, "text": "ж" * 671})
    assert (too_long.status, too_long.code) == (400, "too_long")
