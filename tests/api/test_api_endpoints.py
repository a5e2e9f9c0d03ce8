"""Endpoints from outside: made with a secret shown once, changed, tested, watched, told again; what cannot be is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_house import Api
from standardwebhooks import Webhook
from support.scripted import START
from support.telling import URL, emit, posted, scripted_post

from guestlist.outbound.base import Answer


async def make(api: Api, **given: Any) -> dict[str, Any]:
    """An endpoint; what the answer said."""
    answered = await api.client.post("/v1/endpoints", {"name": "shop", "url": URL, **given})
    assert answered.status == 201, answered.text
    return dict(answered.json())


async def test_the_secret_is_shown_once_and_verifies_what_comes(api: Api) -> None:
    made = await make(api, kinds=["message.*", "list.imported"])
    path = f"/v1/endpoints/{made['id']}"
    assert (made["state"], made["kinds"], made["account_id"]) == ("enabled", ["message.*", "list.imported"], "")
    for text in ((await api.client.get(path)).text, (await api.client.get("/v1/endpoints")).text):
        assert made["secret"] not in text
    await api.import_list()
    await api.house.run_notify(made["id"])
    [request] = posted(api.house)
    assert Webhook(made["secret"]).verify(request.body, dict(request.headers))["type"] == "list.imported"


async def test_a_test_event_is_sent_and_its_answer_shown(api: Api) -> None:
    made = await make(api, kinds=["list.*"])
    scripted_post(api.house).answers[URL] = [Answer(500, b"no such route", problem="refused", milliseconds=7)]
    answered = await api.client.post(f"/v1/endpoints/{made['id']}/test")
    assert (answered.status, answered.json()["state"]) == (202, "pending")
    await api.house.run_notify(made["id"])
    told = (await api.client.get(f"/v1/endpoints/{made['id']}/notices/{answered.json()['id']}")).json()
    assert (told["kind"], told["state"], told["status"], told["problem"]) == ("endpoint.test", "pending", 500, "refused")
    assert told["due_at"] == "2026-11-20T12:00:05Z"
    assert told["tries"] == [
        {
            "number": 1,
            "status": 500,
            "problem": "refused",
            "answer": "no such route",
            "milliseconds": 7,
            "at": "2026-11-20T12:00:00Z",
        }
    ]
    assert json.loads(told["request"]["body"])["data"]["name"] == "shop"
    assert (told["request"]["method"], told["request"]["url"]) == ("POST", URL)


async def test_it_is_changed_disabled_and_enabled(api: Api) -> None:
    made = await make(api)
    path = f"/v1/endpoints/{made['id']}"
    assert (await api.client.patch(path, {"name": "till", "kinds": ["contact.*"]})).json()["kinds"] == ["contact.*"]
    await emit(api.house, "contact.created", "con_1")
    disabled = (await api.client.patch(path, {"enabled": False})).json()
    assert (disabled["name"], disabled["state"], disabled["reason"]) == ("till", "disabled", "by_hand")
    assert [each["state"] for each in (await api.client.get(f"{path}/notices")).json()["data"]] == ["failed"]
    assert (await api.client.post(f"{path}/test")).code == "endpoint_disabled"
    assert (await api.client.patch(path, {"enabled": True})).json()["reason"] == ""
    assert (await api.client.post(f"{path}/replay", {"failed": True})).json() == {"replayed": 1}
    assert (await api.client.delete(path)).status == 204
    assert (await api.client.get(path)).status == 404


async def test_a_rotation_shows_the_new_secret_and_until_when_both_hold(api: Api) -> None:
    made = await make(api)
    rotated = (await api.client.post(f"/v1/endpoints/{made['id']}/rotate", {"overlap_hours": 2})).json()
    assert rotated["secret"] not in ("", made["secret"])
    assert rotated["old_secret_until"] == "2026-11-20T14:00:00Z"


async def test_events_are_told_again_by_time_and_one_by_one(api: Api) -> None:
    await emit(api.house, "list.imported", "lst_1")
    made = await make(api)
    path = f"/v1/endpoints/{made['id']}"
    assert (await api.client.post(f"{path}/replay", {"since": START.isoformat()})).json() == {"replayed": 1}
    await api.house.run_notify(made["id"])
    [notice] = (await api.client.get(f"{path}/notices", {"state": "delivered"})).json()["data"]
    again = await api.client.post(f"{path}/notices/{notice['id']}/replay")
    assert (again.status, again.json()["state"]) == (202, "pending")
    await api.house.run_notify(made["id"])
    assert [request.headers["webhook-id"] for request in posted(api.house)] == [notice["event_id"]] * 2


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"url": "http://127.0.0.1/in"}, 400, "private_address"),
        ({"url": "http://[::ffff:169.254.169.254]/latest/meta-data"}, 400, "private_address"),
        ({"url": "http://localhost:8080/v1/messages"}, 400, "private_address"),
        ({"url": "ftp://example.com/"}, 400, "bad_url"),
        ({"url": "https://ann:secret@example.com/"}, 400, "bad_url"),
        ({"url": "https://example.com/\ud800"}, 422, "invalid_request"),
        ({"secret": "whsec_short"}, 400, "bad_secret"),
        ({"kinds": ["message.snet"]}, 422, "invalid_request"),
        ({"account_id": "pag_01hq3k5y8v7d2w9g4m6n0p1r2s"}, 404, "not_found"),
        ({"name": " "}, 422, "invalid_request"),
        ({"colour": "red"}, 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused_and_nothing_is_kept(
    api: Api, given: dict[str, Any], status: int, code: str
) -> None:
    answered = await api.client.post("/v1/endpoints", {"name": "shop", "url": URL, **given})
    assert (answered.status, answered.code) == (status, code)
    assert (await api.client.get("/v1/endpoints")).json()["data"] == []


async def test_a_misspelt_event_is_told_what_it_may_mean(api: Api) -> None:
    answered = await api.client.post("/v1/endpoints", {"name": "shop", "url": URL, "kinds": ["message.deliverd"]})
    assert "did you mean 'message.delivered'?" in answered.text


@pytest.mark.parametrize("given", [{}, {"failed": True, "since": "2026-11-20T12:00:00Z"}, {"until": "2026-11-20T12:00:00Z"}])
async def test_a_replay_says_what_it_wants(api: Api, given: dict[str, Any]) -> None:
    made = await make(api)
    assert (await api.client.post(f"/v1/endpoints/{made['id']}/replay", given)).status == 422


async def test_another_workspace_sees_and_touches_nothing_of_it(api: Api) -> None:
    made = await make(api)
    notice = (await api.client.post(f"/v1/endpoints/{made['id']}/test")).json()
    stranger, path = await api.stranger(), f"/v1/endpoints/{made['id']}"
    assert (await stranger.get("/v1/endpoints")).json()["data"] == []
    for call in (
        stranger.get(path),
        stranger.patch(path, {"name": "mine"}),
        stranger.delete(path),
        stranger.post(f"{path}/rotate", {}),
        stranger.post(f"{path}/test"),
        stranger.post(f"{path}/replay", {"failed": True}),
        stranger.get(f"{path}/notices"),
        stranger.get(f"{path}/notices/{notice['id']}"),
        stranger.post(f"{path}/notices/{notice['id']}/replay"),
    ):
        assert (await call).status == 404
    assert (await api.client.get(path)).json()["name"] == "shop"
