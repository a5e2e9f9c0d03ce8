"""Every refusal a sender or uploader can meet, with its real number."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from emulator_client import Client, digest, list_rows

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


async def test_a_campaign_warms_up_for_an_hour_of_emulated_time(graph: Client) -> None:
    token = (await graph.tokens())[0]["notification_messages_token"]
    campaign = await graph.campaign(warm=False)
    refused = await graph.send(campaign, token)
    assert refused["error"]["code"] == 2300041
    assert 3590 <= refused["error"]["error_data"]["remaining_seconds"] <= 3600
    await graph.advance(3601)
    assert await graph.send_code(campaign, token) is None


async def test_one_message_per_token_in_twelve_hours(graph: Client) -> None:
    token = (await graph.tokens())[0]["notification_messages_token"]
    campaign = await graph.campaign()
    assert await graph.send_code(campaign, token) is None
    again = await graph.send(campaign, token)
    assert again["error"]["code"] == 2300035
    assert 43100 < again["error"]["error_data"]["remaining_seconds"] <= 43200
    await graph.advance(43201)
    assert await graph.send_code(campaign, token) is None


async def test_the_crowd_refuses_some_by_region_and_reach(graph: Client) -> None:
    await graph.control("limits", {"rate": 0})
    tokens, campaign = await graph.list_subscribers(900), await graph.campaign()
    codes = await asyncio.gather(*(graph.send_code(campaign, token) for token in tokens))
    assert set(codes) == {None, 2300032, 2300036}
    assert codes.count(None) > 450


async def test_the_rate_of_a_page_is_kept_in_any_rolling_second(graph: Client) -> None:
    await graph.control("limits", {"rate": 20})
    tokens, campaign = await graph.tokens(), await graph.campaign()
    codes = await asyncio.gather(*(graph.send_code(campaign, row["notification_messages_token"]) for row in tokens))
    (page,) = (await graph.control("state"))["pages"]
    assert codes.count(2300078) == page["rate"]["refused"] > 0
    assert page["rate"]["peak"] <= 20


async def test_wrong_campaigns_and_tokens(graph: Client) -> None:
    token = (await graph.tokens())[0]["notification_messages_token"]
    campaign = await graph.campaign()
    other = await graph.control("pages", {"name": "Second Page"})
    elsewhere = await graph.campaign(page_id=other["page_id"])
    account = (await graph.control("ad_accounts", {"name": "Second account"}))["ad_account_id"]

    assert await graph.send_code(campaign, "123") == 2300004
    assert await graph.send_code("123", token) == 2300001
    assert await graph.send_code(elsewhere, token) == 2300005
    assert await graph.error("POST", f"{account}/messages", json=graph.send_body(campaign, token)) == (2300014, None)
    await graph.call("POST", campaign, json={"status": "PAUSED"})
    assert await graph.send_code(campaign, token) == 2300000
    await graph.call("DELETE", campaign)
    assert await graph.send_code(campaign, token) == 2300001


async def test_an_opted_out_person_is_refused_and_no_longer_listed(graph: Client) -> None:
    (first, *_) = await graph.tokens()
    token = first["notification_messages_token"]
    await graph.control("people/opt_out", {"token": token})
    assert await graph.send_code(await graph.campaign(), token) == 2300034
    assert token not in {row["notification_messages_token"] for row in await graph.tokens()}


async def test_a_conversation_gap_is_respected(graph: Client) -> None:
    token = (await graph.tokens())[0]["notification_messages_token"]
    campaign = await graph.campaign()
    await graph.control("people/say", {"token": token})
    assert await graph.send_code(campaign, token, min_conversation_gap_seconds=600) == 2300052
    await graph.advance(601)
    assert await graph.send_code(campaign, token, min_conversation_gap_seconds=600) is None


async def test_a_spent_budget_stops_the_campaign(graph: Client) -> None:
    tokens = await graph.list_subscribers(600)
    campaign = await graph.campaign(daily_budget=100)
    await graph.control("limits", {"rate": 0})
    for token in tokens:
        await graph.send_code(campaign, token)
    await graph.advance(60)
    await graph.until(lambda state: state["campaigns"][0]["delivered"] >= 175)
    assert await graph.send_code(campaign, tokens[0]) == 2300054


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, 100),
        ({"page_id": "1"}, 100),
        ({"daily_budget": 5000, "lifetime_budget": 500000}, 100),
        ({"daily_budget": 99}, 100),
        ({"lifetime_budget": 2999}, 100),
        ({"start_time": 99999999999999}, 100),
        ({"start_time": 1788000000}, 100),
        ({"end_time": 1}, 100),
        ({"daily_budget": "many"}, 100),
    ],
)
async def test_campaigns_that_cannot_be(graph: Client, changes: dict[str, Any], code: int) -> None:
    body = {"name": "Autumn", "page_id": graph.world["page_id"], **changes}
    path = f"{graph.world['ad_account_id']}/message_campaign"
    assert await graph.error("POST", path, json=body) == (code, None)


@pytest.mark.parametrize(
    ("payload", "session"),
    [
        (None, None),
        ("no json", None),
        ({"schema": ["EMAIL"], "data": []}, None),
        ({"schema": ["EMAIL"], "data": "x"}, None),
        ({"schema": ["EMAIL"], "data": [["a", "b"]]}, None),
        ({"schema": ["EMAIL"], "data": ["a"]}, None),
        ({"schema": ["SHOE_SIZE"], "data": [["44"]]}, None),
        ({"schema": "EMAIL", "data": [["x"]]}, None),
        ({"schema": 5, "data": [["x"]]}, None),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]] * 10001}, None),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, {"session_id": 0, "batch_seq": 1}),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, {"session_id": 1}),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, "x"),
    ],
)
async def test_uploads_with_a_wrong_shape(graph: Client, payload: object, session: object) -> None:
    audience = await graph.create_audience()
    body = {name: value for name, value in (("payload", payload), ("session", session)) if value is not None}
    assert await graph.error("POST", f"{audience}/users", json=body) == (100, None)


async def test_rows_without_a_usable_digest_are_counted_invalid(graph: Client) -> None:
    good, empty = digest("guest1@example.com"), digest("")
    rows = [[good, ""], ["", ""], [empty, empty], ["guest@example.com", ""], [good.upper(), ""], [None, 5], [good, empty]]
    answer = await graph.upload(await graph.create_audience(), rows)
    assert (answer["num_received"], answer["num_invalid_entries"]) == (7, 6)
    assert set(answer["invalid_entry_samples"]) == {"1", "2", "3", "4", "5", "6"}
    assert answer["invalid_entry_samples"]["3"] == "guest@example.com"


async def test_received_rows_add_up_over_a_session(graph: Client) -> None:
    audience = await graph.create_audience()
    first = await graph.upload(audience, list_rows(10), last_batch_flag=False)
    second = await graph.upload(audience, list_rows(5, "more"), batch_seq=2)
    assert (first["num_received"], second["num_received"]) == (10, 15)
    await graph.advance(200)
    await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 200)
    (session,) = (await graph.call("GET", f"{audience}/sessions"))["data"]
    assert (session["num_received"], session["stage"], session["progress"]) == ("15", "completed", "100")
    assert all(isinstance(value, str) for value in session.values())


@pytest.mark.parametrize(
    ("parts", "subcode"),
    [
        ([(7, 2, False)], 1870147),
        ([(7, 1, False), (8, 1, False)], 1870145),
        ([(7, 1, True), (7, 2, True)], 1870159),
        ([(7, 1, False), (7, 3, True)], 1870148),
    ],
)
async def test_replacing_out_of_order(graph: Client, parts: list[tuple[int, int, bool]], subcode: int) -> None:
    audience = await graph.create_audience()
    payload = {"schema": ["EMAIL", "PHONE"], "data": list_rows(3)}
    answer: dict[str, Any] = {}
    for session_id, batch_seq, last in parts:
        session = {"session_id": session_id, "batch_seq": batch_seq, "last_batch_flag": last}
        answer = await graph.call("POST", f"{audience}/usersreplace", json={"payload": payload, "session": session})
    assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (2650, subcode)


async def test_replacing_puts_new_people_in_place_of_all_others(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.upload(audience, list_rows(200))
    await graph.advance(200)
    payload = {"schema": ["EMAIL", "PHONE"], "data": list_rows(400, "new")}
    session = {"session_id": 9, "batch_seq": 1, "last_batch_flag": True}
    answer = await graph.call("POST", f"{audience}/usersreplace", json={"payload": payload, "session": session})
    assert (answer["account_id"], answer["num_received"]) == (graph.world["ad_account_id"].removeprefix("act_"), 400)
    await graph.advance(200)
    state = await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 200)
    assert 180 < state["audiences"][0]["matched"] < 260


async def test_terms_flags_and_limits(graph: Client) -> None:
    account, audience = graph.world["ad_account_id"], await graph.create_audience()
    await graph.control("audiences/flag", {"audience_id": audience})
    body = {"payload": {"schema": "EMAIL_SHA256", "data": [digest("a@b.test")]}}
    assert await graph.error("POST", f"{audience}/users", json=body) == (100, 1713230)

    await graph.control("terms", {"ad_account_id": account, "accepted": False})
    create = {"name": "x", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    assert await graph.error("POST", f"{account}/customaudiences", json=create) == (200, 1870090)
    assert "tos_accepted" not in await graph.call("GET", account, params={"fields": "tos_accepted"})
    assert await graph.error("POST", f"{account}/customaudiencetos", json={"tos_id": "1"}) == (200, None)
    await graph.call("POST", f"{account}/customaudiencetos", token="user_token", json={"tos_id": "1"})
    assert (await graph.call("GET", account, params={"fields": "tos_accepted"}))["tos_accepted"] == {"custom_audience_tos": 1}

    await graph.control("limits", {"custom_audience": 1})
    assert await graph.error("GET", f"{account}/customaudiences") == (80003, 2446079)
    await graph.control("limits", {"tokens": 1})
    await graph.tokens()
    assert await graph.error("GET", f"{graph.world['page_id']}/notification_message_tokens", token="page_token") == (
        2300080,
        None,
    )
