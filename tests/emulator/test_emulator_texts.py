"""The SMS sandbox in Twilio's shape: texts in, status callbacks and answers out, each signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from emulator_client import Client

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


async def text(graph: Client, *, password: str = "", **form: str) -> tuple[int, dict[str, Any]]:
    auth = aiohttp.encode_basic_auth(graph.world["text_account_sid"], password or graph.world["text_auth_token"])
    path = f"/2010-04-01/Accounts/{graph.world['text_account_sid']}/Messages.json"
    async with graph.session.post(graph.base + path, data=form, headers={"Authorization": auth}) as answer:
        return answer.status, await answer.json()


def forms(graph: Client) -> list[dict[str, str]]:
    """What the callback got, after its signature was checked by Twilio's recipe."""
    found = []
    for headers, body in graph.callback.posts:
        form = dict(parse_qsl(body.decode()))
        content = graph.callback.url + "".join(name + form[name] for name in sorted(form))
        digest = hmac.new(graph.world["text_auth_token"].encode(), content.encode(), hashlib.sha1).digest()
        assert headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()
        found.append(form)
    return found


async def test_a_text_is_taken_shown_and_reported_sent_and_delivered(graph: Client) -> None:
    status, made = await text(graph, To="+12125552368", From="+15550100061", Body="Grüße", StatusCallback=graph.callback.url)
    assert (status, made["status"], made["to"], made["body"]) == (201, "queued", "+12125552368", "Grüße")
    await graph.advance(10)
    await graph.settled()
    told = forms(graph)
    assert sorted(form["MessageStatus"] for form in told) == ["delivered", "sent"]
    assert {form["MessageSid"] for form in told} == {made["sid"]}
    [shown] = (await graph.control("texts?phone=12125552368"))["data"]
    assert (shown["body"], shown["status"]) == ("Grüße", "delivered")


async def test_a_phone_answers_to_the_number_it_heard_from(graph: Client) -> None:
    await graph.control("texts", {"inbound_url": graph.callback.url})
    await text(graph, To="+12125552368", From="+15550100061", Body="Hi")
    await graph.control("texts/say", {"from": "+1 212 555 2368", "body": "STOP"})
    await graph.settled()
    [form] = forms(graph)
    assert (form["From"], form["To"], form["Body"]) == ("+12125552368", "+15550100061", "STOP")
    assert form["AccountSid"] == graph.world["text_account_sid"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "+15550100061", "Body": "Hi"}, 21604),
        ({"To": "12125552368", "From": "+15550100061", "Body": "Hi"}, 21211),
        ({"To": "+12125552368", "Body": "Hi"}, 21603),
        ({"To": "+12125552368", "From": "+15550100061"}, 21602),
        ({"To": "+12125552368", "From": "+15550100061", "Body": "x" * 1601}, 21617),
        ({"To": "+12125552368", "From": "+15550100061", "Body": "Hi", "StatusCallback": "ftp://a"}, 21609),
    ],
)
async def test_texts_that_cannot_be(graph: Client, form: dict[str, str], code: int) -> None:
    status, told = await text(graph, **form)
    assert (status, told["code"], told["status"]) == (400, code, 400)
    assert (await graph.control("texts"))["data"] == []


async def test_a_wrong_token_is_nobody(graph: Client) -> None:
    status, told = await text(graph, password="wrong", To="+12125552368", From="+15550100061", Body="Hi")
    assert (status, told["code"]) == (401, 20003)


@pytest.mark.parametrize("path", ["people", "people/1", "texts"])
async def test_browsers_get_a_page_without_anything_from_elsewhere(graph: Client, path: str) -> None:
    status, page, headers = await graph.raw("GET", f"/_emulator/{path}", headers={"accept": "text/html"})
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"width=device-width" in page
    assert b"http://" not in page
    assert b"https://" not in page
    _, style, _ = await graph.raw("GET", "/_emulator/people.css")
    assert b"@import" not in style
    assert b"url(" not in style
