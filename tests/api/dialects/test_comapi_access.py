"""Who gets in, and how errors are told. Source: vendor-apis.md 2.1, 2.5, 2.10."""

from __future__ import annotations

import json

import pytest
from comapi_desk import Desk, basic
from support.asgi import Client

from guestlist.api.dialects.comapi.errors import tell_error
from guestlist.errors import GuestlistError


def as_(desk: Desk, authorization: str) -> Client:
    return Client(desk.api.app, authorization=authorization) if authorization else Client(desk.api.app)


def key_of(desk: Desk) -> str:
    return desk.client.headers["authorization"].removeprefix("Bearer ")


async def test_both_prefixes_and_both_schemes_open_the_same_space(desk: Desk) -> None:
    """2.1: `/apispaces/{apiSpaceId}` with a bearer token, `/cpaas` with HTTP Basic; the GUID with or without dashes."""
    key = key_of(desk)
    for root in (
        f"/apispaces/{desk.space}",
        f"/apispaces/{desk.space.replace('-', '')}",
        f"/apispaces/{desk.space.upper()}",
        "/cpaas",
    ):
        for header in (f"Bearer {key}", basic("apiuser-1@apiconnector.com", key), basic(key, ""), f"bearer {key}"):
            answered = await as_(desk, header).get(f"{root}/profiles")
            assert (answered.status, answered.json()) == (200, [])


@pytest.mark.parametrize("header", ["", "Bearer gl_wrong", "Bearer", "Basic !!!", "Basic " + "eA==", "Token x", "Bearer a.b.c"])
async def test_bad_credentials_are_401(desk: Desk, header: str) -> None:
    """2.5: 401."""
    for path in ("/cpaas/profiles", f"{desk.root}/messages/x", "/cpaas/nothing"):
        answered = await as_(desk, header).get(path)
        assert answered.status == 401
        assert answered.headers["www-authenticate"] == 'Bearer realm="guestlist", Basic realm="guestlist"'
        assert set(answered.json()) == {"errorCode", "description", "details"}


async def test_another_space_is_403_whether_it_exists_or_not(desk: Desk) -> None:
    """2.1, 2.5: the wrong region or space is a 403; it tells nothing of other workspaces."""
    stranger = await desk.api.stranger()
    theirs = (await stranger.get("/cpaas/apispace")).json()["id"]
    assert theirs != desk.space
    told = []
    for space in (theirs, "6d0b7f2e-0000-4000-8000-000000000001", "no-guid"):
        answered = await desk.client.get(f"/apispaces/{space}/profiles")
        told.append((answered.status, answered.json()))
    assert (
        told
        == [
            (
                403,
                {
                    "errorCode": "WRONG_API_SPACE",
                    "description": "These credentials do not open this API space. "
                    "Use the id of your own API space; `GET /cpaas/apispace` tells it.",
                    "details": [],
                },
            )
        ]
        * 3
    )


@pytest.mark.parametrize(
    "path", ["/conversations", "/chats/c-1/messages", "/templates", "/automation/inboundrules", "/content", "/"]
)
async def test_what_is_not_there_is_404_in_the_dialects_shape(desk: Desk, path: str) -> None:
    """2.10: conversations, chats, templates and automation are not built."""
    answered = await desk.get(path)
    assert (answered.status, answered.json()["errorCode"]) == (404, "UNKNOWN_PATH")
    assert answered.headers["content-type"] == "application/json"


async def test_a_wrong_method_names_the_right_ones(desk: Desk) -> None:
    answered = await desk.send("DELETE", "/messages")
    assert (answered.status, answered.headers["allow"]) == (405, "POST")
    assert answered.json()["errorCode"] == "WRONG_METHOD"


async def test_what_is_no_json_is_a_failure_of_the_body(desk: Desk) -> None:
    """2.5: 400 in the shape of validation failures."""
    for body in (b"", b"{", b'{"to":', b"\xff"):
        answered = await desk.client.call("POST", desk.root + "/messages", chunks=[body])
        assert answered.status == 400
        assert [each["paramName"] for each in answered.json()["validationFailures"]] == ["body"]
    for given in (1, "x", None, []):
        answered = await desk.post("/messages", given if given is not None else "null")
        assert answered.json() == {"validationFailures": [{"paramName": "body", "message": "must be an object"}]}


async def test_what_is_unexpected_is_told_without_its_cause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("447700900123 does not work")

    monkeypatch.setattr("guestlist.actions.contacts.list_contacts", fail)
    answered = await desk.client.call("GET", desk.root + "/profiles", query={"phoneNumber": "447700900123"})
    assert (answered.status, answered.json()["errorCode"]) == (500, "INTERNAL")
    assert "900123" not in answered.text
    assert answered.headers["x-request-id"]


async def test_ids_may_hold_slashes_and_no_nul(desk: Desk) -> None:
    assert (await desk.post("/profiles", {"id": "a/b c"})).status == 201
    assert (await desk.get("/profiles/a%2Fb%20c")).json()["id"] == "a/b c"
    assert (await desk.get("/profiles/a/b%20c")).status == 404
    for path, query in (("/profiles/a%00b", None), ("/profiles", {"tier": "a\x00"})):
        answered = await desk.get(path, query)
        assert answered.status == 400
    nul = await desk.post("/profiles", {"id": "x", "deep": [{"a": "\x00"}]})
    assert nul.json() == {"validationFailures": [{"paramName": "body", "message": "must not hold NUL"}]}


async def test_no_path_is_counted_and_nothing_is_cached(desk: Desk) -> None:
    """Ids of profiles are often e-mail addresses: metrics hold the template alone."""
    answered = await desk.get("/profiles/ada@example.com")
    assert answered.headers["cache-control"] == "no-store"
    metrics = (await Client(desk.api.app).get("/metrics")).text
    assert 'route="/apispaces/{space}/profiles/{profile_id}",status="404"' in metrics
    assert "ada@example.com" not in metrics


@pytest.mark.parametrize(("status", "retry_after"), [(409, None), (412, None), (429, "7"), (503, "7")])
def test_refusals_have_one_shape_and_say_when_to_come_back(status: int, retry_after: str | None) -> None:
    """2.5: 409, 412, 429."""
    error = GuestlistError("It cannot be.", code="some_rule", remedy="Wait.", retry_after=retry_after)
    error.status = status
    answered = tell_error(error)
    assert (answered.status_code, json.loads(answered.body)) == (
        status,
        {"errorCode": "SOME_RULE", "description": "It cannot be. Wait.", "details": []},
    )
    assert answered.headers.get("retry-after") == retry_after


async def test_the_native_api_keeps_its_own_shape(desk: Desk) -> None:
    answered = await Client(desk.api.app).get("/v1/messages")
    assert (answered.status, answered.headers["content-type"]) == (401, "application/problem+json")
