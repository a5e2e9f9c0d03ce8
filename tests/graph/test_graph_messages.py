"""The calls around conversations: the exact request of each, and both forms of answer where sources disagree."""

from __future__ import annotations

from typing import Any

import pytest
from graph_mock import BEARER, JSON_BEARER, ROOT, answer, make_client

from guestlist.graph.base import Applied, GraphError, Persona, Request

ATTACHMENT = {"message": {"attachment": {"type": "image", "payload": {"url": "https://a.com/1.png", "is_reusable": True}}}}
PROFILE = f"{ROOT}/me/messenger_profile"

WRITES: list[tuple[Any, list[Any], Any, str, Any]] = [
    (
        lambda g: g.send_message("11", {"recipient": {"id": "7"}, "message": {"text": "Hi"}}),
        [{"recipient_id": "7", "message_id": "m_1"}, {"recipient": {"id": "7", "message_id": "m_1"}}],
        None,
        "/11/messages",
        {"recipient": {"id": "7"}, "message": {"text": "Hi"}},
    ),
    (
        lambda g: g.send_action("11", "7", "typing_on"),
        [{"recipient_id": "7"}, {"recipient": {"id": "7"}}, {"success": True}],
        None,
        "/11/messages",
        {"recipient": {"id": "7"}, "sender_action": "typing_on"},
    ),
    (
        lambda g: g.upload_attachment("11", "image", "https://a.com/1.png"),
        [{"attachment_id": "66"}, {"attachment_id": 66}, {"data": {"attachment_id": "66"}}],
        "66",
        "/11/message_attachments",
        ATTACHMENT,
    ),
    (
        lambda g: g.create_persona("11", "Ana", "https://a.com/ana.png"),
        [{"id": "55"}, {"id": 55}, {"data": [{"id": "55"}]}],
        "55",
        "/11/personas",
        {"name": "Ana", "profile_picture_url": "https://a.com/ana.png"},
    ),
    (
        lambda g: g.set_messenger_profile({"get_started": {"payload": "START"}}),
        [{"result": "success"}, {"success": True}],
        None,
        "/me/messenger_profile",
        {"get_started": {"payload": "START"}},
    ),
]


@pytest.mark.parametrize(
    ("call", "document", "gives", "path", "body"),
    [(call, document, gives, path, body) for call, documents, gives, path, body in WRITES for document in documents],
)
async def test_a_write_is_a_post_and_every_form_of_its_answer_is_read(
    call: Any, document: Any, gives: Any, path: str, body: Any
) -> None:
    client, transport = make_client(answer(document))
    got = await call(client)
    request = transport.request
    assert (request.method, request.url, request.params, request.headers) == ("POST", ROOT + path, {}, JSON_BEARER)
    assert transport.sent == body
    assert gives in (None, got)


@pytest.mark.parametrize("call", [row[0] for row in WRITES])
async def test_an_answer_that_confirms_nothing_leaves_a_write_in_doubt(call: Any) -> None:
    client, transport = make_client(answer({"note": "?"}))
    with pytest.raises(GraphError) as caught:
        await call(client)
    assert (caught.value.applied, len(transport.requests)) == (Applied.UNKNOWN, 1)


async def test_personas_are_read_to_the_end() -> None:
    row = {"id": 55, "name": "Ana", "profile_picture_url": "https://a.com/ana.png"}
    more = {"cursors": {"after": "QQ"}, "next": "https://graph.facebook.com/x?after=QQ"}
    client, transport = make_client(answer({"data": [row], "paging": more}), answer({"data": [{"id": "56"}]}))
    found = await client.list_personas("11")
    fields = {"fields": "id,name,profile_picture_url", "limit": "100"}
    assert found == [Persona("55", "Ana", "https://a.com/ana.png"), Persona("56", "", "")]
    assert [request.params for request in transport.requests] == [fields, {**fields, "after": "QQ"}]


async def test_a_persona_is_deleted_by_its_id() -> None:
    client, transport = make_client(answer({"success": True}))
    await client.delete_persona("55")
    assert transport.request == Request("DELETE", f"{ROOT}/55", BEARER, {})


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"data": [{"get_started": {"payload": "S"}, "greeting": []}]}, {"get_started": {"payload": "S"}, "greeting": []}),
        ({"data": [{"get_started": {"payload": "S"}}, {"greeting": []}]}, {"get_started": {"payload": "S"}, "greeting": []}),
        ({"data": {"greeting": []}}, {"greeting": []}),
        ({"data": []}, {}),
    ],
)
async def test_a_profile_is_read_in_every_form(document: Any, found: Any) -> None:
    client, transport = make_client(answer(document))
    assert await client.read_messenger_profile(("get_started", "greeting")) == found
    assert transport.request == Request("GET", PROFILE, BEARER, {"fields": "get_started,greeting"})


async def test_fields_of_a_profile_are_cleared_by_name() -> None:
    client, transport = make_client(answer({"result": "success"}))
    await client.clear_messenger_profile(("get_started", "greeting"))
    assert transport.request == Request("DELETE", PROFILE, BEARER, {"fields": "get_started,greeting"})
