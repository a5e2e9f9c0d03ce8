"""The straight way of a plain send: it answers what the route answers, and leaves all else to it."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from api_house import Api
from support.messaging import add_account

from guestlist.api.straight import read_plain
from guestlist.domain.messages import Channel

PLAIN = {"to": {"phone": "+44 7911 123456"}, "rules": ["sms"], "text": "Hello", "metadata": {"order": 7}}
OWN = ("id", "created_at")


@pytest_asyncio.fixture(autouse=True)
async def sms(api: Api) -> str:
    return str((await add_account(api.house, Channel.SMS))["id"])


def scope_of(body: bytes, **more: Any) -> dict[str, Any]:
    scope = {"path": "/v1/messages", "method": "POST", "query_string": b"", "headers": [(b"content-type", b"application/json")]}
    return {**scope, "state": {"body": BytesIO(body)}, **more}


async def test_both_ways_answer_the_same(api: Api) -> None:
    straight = await api.client.post("/v1/messages", PLAIN)
    by_route = await api.client.post("/v1/messages", PLAIN, prefer="return=representation")
    assert (straight.status, by_route.status) == (201, 201)
    one, two = ({name: value for name, value in each.json().items() if name not in OWN} for each in (straight, by_route))
    assert one == two
    assert straight.headers.keys() == by_route.headers.keys()
    assert straight.headers["content-type"] == by_route.headers["content-type"]


async def test_both_ways_are_counted_under_the_same_route(api: Api) -> None:
    await api.client.post("/v1/messages", PLAIN)
    await api.client.post("/v1/messages", PLAIN, prefer="return=representation")
    text = (await api.client.get("/metrics")).text
    assert 'guestlist_http_requests_total{method="POST",route="/v1/messages",status="201"} 2.0' in text


async def test_a_refusal_of_the_action_is_the_routes(api: Api) -> None:
    closed = {**PLAIN, "rules": ["email"]}
    straight = await api.client.post("/v1/messages", closed)
    by_route = await api.client.post("/v1/messages", closed, prefer="return=representation")
    assert (straight.status, straight.code) == (by_route.status, by_route.code) == (409, "no_account")
    assert {**straight.json(), "instance": ""} == {**by_route.json(), "instance": ""}


def test_a_plain_message_goes_straight() -> None:
    given = read_plain(scope_of(json.dumps(PLAIN).encode()))
    assert given is not None
    assert (given.to.phone, given.metadata) == ("447911123456", {"order": 7})


@pytest.mark.parametrize(
    "scope",
    [
        scope_of(json.dumps({**PLAIN, "rules": []}).encode()),
        scope_of(b"{"),
        scope_of(b"[" * 100_000),
        scope_of(b"\xff"),
        scope_of(json.dumps(PLAIN).encode(), query_string=b"wait=1"),
        scope_of(json.dumps(PLAIN).encode(), path="/v1/messages/batch"),
        scope_of(json.dumps(PLAIN).encode(), method="PUT"),
        scope_of(json.dumps(PLAIN).encode(), headers=[(b"content-type", b"text/plain")]),
        scope_of(json.dumps(PLAIN).encode(), headers=[(b"content-type", b"application/json"), (b"prefer", b"wait")]),
    ],
    ids=["wrong", "no JSON", "too deep", "no UTF-8", "query", "path", "method", "type", "prefer"],
)
def test_everything_else_is_the_routes(scope: dict[str, Any]) -> None:
    assert read_plain(scope) is None
