"""The Page's own sending: window, opt-in requests, the older token send."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import Client

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


def opt_in(**changes: Any) -> dict[str, Any]:
    payload = {"template_type": "notification_messages", "title": "Weekly offers", "payload": "optin:main", **changes}
    return {"attachment": {"type": "template", "payload": payload}}


async def thread(graph: Client, index: int = 0) -> dict[str, Any]:
    """A token row of somebody who has just written to the Page."""
    row = (await graph.tokens())[index]
    await graph.control("people/say", {"psid": row["recipient_id"]})
    return row


async def send(graph: Client, recipient: dict[str, Any], message: dict[str, Any], **extra: Any) -> dict[str, Any]:
    body = {"recipient": recipient, "message": message, **extra}
    return await graph.page("POST", f"{graph.world['page_id']}/messages", json=body)


async def test_inside_the_window_a_text_is_sent_echoed_and_delivered(graph: Client) -> None:
    await graph.subscribe()
    row = await thread(graph)
    answer = await send(graph, {"id": row["recipient_id"]}, {"text": "Grüße", "metadata": "order-7"}, messaging_type="RESPONSE")
    await graph.advance(3600)
    await graph.settled()
    (echo,) = [event["message"] for event in graph.callback.messaging("message") if event["message"].get("is_echo")]
    (delivery,) = graph.callback.messaging("delivery")
    assert answer["recipient_id"] == row["recipient_id"]
    assert (echo["mid"], echo["metadata"], echo["text"]) == (answer["message_id"], "order-7", "Grüße")
    assert delivery["delivery"]["mids"] == [answer["message_id"]]


async def test_a_day_after_the_person_wrote_the_window_is_closed(graph: Client) -> None:
    row = await thread(graph)
    await graph.advance(24 * 3600 + 5)
    refused = (await send(graph, {"id": row["recipient_id"]}, {"text": "Hi"}))["error"]
    assert (refused["code"], refused["error_subcode"]) == (10, 2018278)
    tagged = await send(graph, {"id": row["recipient_id"]}, {"text": "Hi"}, messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT")
    assert "message_id" in tagged
    dead = await send(graph, {"id": row["recipient_id"]}, {"text": "Hi"}, messaging_type="MESSAGE_TAG", tag="ACCOUNT_UPDATE")
    assert dead["error"]["code"] == 100


async def test_opt_in_requests_are_accepted_by_most_and_tell_by_webhook(graph: Client) -> None:
    await graph.subscribe()
    rows = [await thread(graph, index) for index in range(20)]
    answers = [
        await send(graph, {"id": row["recipient_id"]}, opt_in(notification_messages_timezone="Europe/Berlin")) for row in rows
    ]
    assert all(answer["recipient"]["message_id"] for answer in answers)
    await graph.advance(600)
    await graph.settled()
    optins = [event["optin"] for event in graph.callback.messaging("optin")]
    assert 5 < len(optins) < 20
    assert {optin["payload"] for optin in optins} == {"optin:main"}
    assert {optin["notification_messages_timezone"] for optin in optins} == {"Europe/Berlin"}
    again = (await send(graph, {"id": rows[0]["recipient_id"]}, opt_in()))["error"]
    assert (again["code"], again["error_subcode"]) == (613, 1893016)


async def test_the_older_token_send_keeps_its_own_pace(graph: Client) -> None:
    row = (await graph.tokens())[0]
    recipient = {"notification_messages_token": row["notification_messages_token"]}
    assert (await send(graph, recipient, {"text": "Hi"}))["recipient"] == row["recipient_id"]
    refused = (await send(graph, recipient, {"text": "Hi"}))["error"]
    assert (refused["code"], refused["error_subcode"]) == (4, 2018354)
    await graph.control("people/opt_out", recipient | {"token": row["notification_messages_token"]})
    stopped = (await send(graph, recipient, {"text": "Hi"}))["error"]
    assert (stopped["code"], stopped["error_subcode"]) == (10, 1893015)


@pytest.mark.parametrize(
    ("message", "subcode"),
    [
        ({}, 2018034),
        ({"text": ""}, 2018034),
        ({"text": "x" * 2000}, None),
        ({"text": "x", "metadata": "y" * 1000}, None),
        (opt_in(title="x" * 66), None),
        (opt_in(payload=None), None),
        (opt_in(notification_messages_cta_text="NOW"), None),
    ],
)
async def test_messages_that_cannot_be(graph: Client, message: dict[str, Any], subcode: int | None) -> None:
    row = await thread(graph)
    refused = (await send(graph, {"id": row["recipient_id"]}, message))["error"]
    assert (refused["code"], refused.get("error_subcode")) == (100, subcode)


async def test_strangers_and_missing_recipients(graph: Client) -> None:
    refused = (await send(graph, {"id": "1"}, {"text": "Hi"}))["error"]
    assert (refused["code"], refused["error_subcode"]) == (100, 2018001)
    assert (await send(graph, {"phone": "1"}, {"text": "Hi"}))["error"]["code"] == 100
    wrong = await graph.error("POST", f"{graph.world['page_id']}/messages", json={"recipient": {"id": "1"}, "message": {}})
    assert wrong == (210, None)
