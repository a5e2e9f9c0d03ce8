"""The way of a list: audience, upload, tokens, campaign, send, receipts."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from emulator_client import Client, list_rows

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


async def test_a_list_becomes_tokens_and_the_upload_webhook_tells(graph: Client) -> None:
    await graph.subscribe()
    audience = await graph.create_audience()

    answer = await graph.upload(audience, list_rows(400))
    assert (answer["num_received"], answer["num_invalid_entries"], answer["session_id"]) == (400, 0, "7")
    assert (await graph.call("GET", audience, params={"fields": "operation_status"}))["operation_status"]["code"] == 441
    await graph.advance(200)
    await graph.settled()

    (status,) = graph.callback.events("marketing_messages_subscriber_upload_status")
    tokens = await graph.tokens(opt_in_source="SUBSCRIBER_LIST")
    assert status["num_rows"] == 400
    assert status["custom_audience_id"] == int(audience)
    assert status["batch_uploading_status"] == "SUCCESS"
    assert status["approximate_count_lower_bound"] <= len(tokens) < status["approximate_count_upper_bound"]
    assert 180 < len(tokens) < 260  # 55 % of 400, give or take
    fields = {"notification_messages_token", "topic_title", "notification_messages_reoptin", "custom_audience_ids"}
    assert all(set(row) == fields and row["custom_audience_ids"] == [audience] for row in tokens)


async def test_an_accepted_message_comes_back_as_echo_delivery_read_and_click(graph: Client) -> None:
    await graph.subscribe()
    tokens = await graph.list_subscribers(400)
    campaign = await graph.campaign()

    answers = [await graph.send(campaign, token) for token in tokens]
    await graph.advance(3 * 3600)
    totals = (await graph.settled())["campaigns"][0]

    accepted = [answer["marketing_message_tracking_id"] for answer in answers if answer.get("success")]
    assert totals["accepted"] == len(accepted) == len(set(accepted))
    assert totals["delivered"] + totals["failed"] == totals["accepted"]
    assert totals["accepted"] > totals["read"] > totals["clicked"] > 0
    for name, total in (("echoes", "accepted"), ("deliveries", "delivered"), ("reads", "read"), ("clicks", "clicked")):
        events = graph.callback.events(f"marketing_message_{name}")
        assert len(events) == totals[total], name
        assert all(event["message_id"] == campaign and event["page_id"] == graph.world["page_id"] for event in events)
    assert {event["marketing_message_tracking_id"] for event in graph.callback.events("marketing_message_echoes")} == set(
        accepted
    )
    assert len(graph.callback.events("marketing_message_delivery_failed")) == totals["failed"]


async def test_list_born_people_stay_nameless_until_they_write_back(graph: Client) -> None:
    await graph.subscribe()
    (token, *_) = await graph.list_subscribers()
    await graph.send(await graph.campaign(), token)
    await graph.advance(60)
    await graph.settled()
    assert all("recipient_id" not in event and "mid" not in event for event in graph.callback.events("marketing_message_echoes"))

    said = await graph.control("people/say", {"token": token, "text": "für mich ☕"})
    await graph.settled()

    (row,) = [row for row in await graph.tokens() if row["notification_messages_token"] == token]
    (message,) = graph.callback.messaging("message")
    assert row["recipient_id"] == said["psid"] == message["sender"]["id"]
    assert message["message"]["text"] == "für mich ☕"


async def test_every_webhook_is_ascii_and_carries_both_signatures(graph: Client) -> None:
    await graph.subscribe()
    (token, *_) = await graph.list_subscribers()
    await graph.control("people/say", {"token": token, "text": "für"})
    await graph.settled()

    secret = graph.world["app_secret"].encode()
    assert b"f\\u00fcr" in graph.callback.posts[-1][1]
    for headers, body in graph.callback.posts:
        assert body.isascii()
        assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature"] == "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()


async def test_fewer_than_a_hundred_matched_people_show_no_tokens_and_no_error(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.upload(audience, list_rows(100))
    await graph.advance(200)
    await graph.until(lambda state: state["audiences"][0]["matched"] > 0)
    assert await graph.tokens(opt_in_source="SUBSCRIBER_LIST") == []

    await graph.upload(audience, list_rows(300, "more"), session_id=8)
    await graph.advance(200)
    await graph.until(lambda state: state["audiences"][0]["matched"] > 100)

    assert len(await graph.tokens(opt_in_source="SUBSCRIBER_LIST")) > 100


async def test_the_page_has_forty_organic_subscribers_with_psids(graph: Client) -> None:
    tokens = await graph.tokens()
    by_source = {source: await graph.tokens(opt_in_source=source) for source in ("CTM", "COMMENT_AUTOMATION", "REPLY_AUTOMATION")}
    assert len(tokens) == 40
    assert [len(rows) for rows in by_source.values()] == [21, 13, 6]
    assert all(int(row["recipient_id"]) > 2**53 for row in tokens)


async def test_email_and_phone_of_one_row_are_the_same_person(graph: Client) -> None:
    """Given rows with both, an upload of the phones alone finds the very same people."""
    rows = list_rows(400)
    born = await graph.list_subscribers(400)
    second = await graph.create_audience(name="Phones")
    payload = {"schema": "PHONE_SHA256", "data": [phone for _, phone in rows]}
    await graph.call("POST", f"{second}/users", json={"payload": payload})
    await graph.advance(200)
    await graph.until(lambda state: state["audiences"][1]["matched"] > 0)

    tokens = await graph.tokens(custom_audience_ids=f'["{second}"]')
    assert {row["notification_messages_token"] for row in tokens} == set(born)
    assert all(len(row["custom_audience_ids"]) == 2 for row in tokens)


async def test_the_crowd_is_a_function_of_seed_and_digest(graph: Client) -> None:
    first = set(await graph.list_subscribers())
    await graph.control("reset", {})
    assert await graph.tokens(opt_in_source="SUBSCRIBER_LIST") == []
    assert set(await graph.list_subscribers()) == first


async def test_removing_people_keeps_their_opt_in(graph: Client) -> None:
    born = await graph.list_subscribers()
    (audience,) = (await graph.control("state"))["audiences"]
    payload = {"schema": ["EMAIL", "PHONE"], "data": list_rows(300)}
    answer = await graph.call("DELETE", f"{audience['id']}/users", json={"payload": payload})
    assert (answer["audience_id"], answer["num_received"]) == (audience["id"], 300)
    left = await graph.tokens(opt_in_source="SUBSCRIBER_LIST")
    assert {row["notification_messages_token"] for row in left} == set(born)
    assert all(row["custom_audience_ids"] == [] for row in left)


async def test_unsubscribing_by_list_is_a_true_opt_out(graph: Client) -> None:
    (token, *rest) = await graph.list_subscribers()
    psid = (await graph.tokens())[0]["recipient_id"]
    rows = [{"subscriber_token": token}, {"psid": psid}, {"phone": "12"}, {"psid": psid, "email": "a@example.com"}, 5]
    answer = await graph.page("POST", f"{graph.world['page_id']}/messaging_customer_base/unsubscribe", json={"data": rows})
    listed = {row["notification_messages_token"] for row in await graph.tokens()}
    assert answer == {"invalid_rows_count": 3}
    assert token not in listed
    assert set(rest) <= listed
    assert await graph.send_code(await graph.campaign(), token) == 2300034


@pytest.mark.parametrize("source", ["opt_in_source", "do_not_return_duplicates"])
async def test_token_pages_join_without_loss(graph: Client, source: str) -> None:
    await graph.list_subscribers()
    filters = {"opt_in_source": "SUBSCRIBER_LIST"} if source == "opt_in_source" else {source: "true"}
    whole = await graph.tokens(**filters)
    assert await graph.tokens(**filters, limit="7") == whole
