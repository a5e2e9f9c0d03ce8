"""Every refusal a sender or uploader can meet, with its real number."""

from __future__ import annotations

import asyncio
import json
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
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, {"session_id": 0, "batch_seq": 1}),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, {"session_id": 1}),
        ({"schema": ["EMAIL"], "data": [[digest("a@b.test")]]}, "x"),
    ],
)
async def test_uploads_with_a_wrong_shape(graph: Client, payload: object, session: object) -> None:
    audience = await graph.create_audience()
    body = {name: value for name, value in (("payload", payload), ("session", session)) if value is not None}
    assert await graph.error("POST", f"{audience}/users", json=body) == (100, None)


async def test_uploads_that_are_too_large(graph: Client) -> None:
    users = f"{await graph.create_audience()}/users"
    body = {"payload": {"schema": ["EMAIL"], "data": [[digest("a@b.test")]] * 10_001}}
    assert await graph.error("POST", users, json=body) == (105, None)
    assert (await graph.control("limits"))["upload_bytes"] == 5_000_000
    await graph.control("limits", {"upload_rows": 2, "upload_bytes": 600})
    assert await graph.error("POST", users, json={"payload": {"schema": ["EMAIL"], "data": [["x"]] * 3}}) == (105, None)
    answer = await graph.call("POST", users, json={"payload": {"schema": ["EMAIL"], "data": [["x" * 600]]}})
    assert (answer["error"]["code"], "reduce the amount of data" in answer["error"]["message"]) == (1, True)


async def test_rows_without_a_usable_digest_are_counted_invalid(graph: Client) -> None:
    good, empty = digest("guest1@example.com"), digest("")
    rows = [[good, ""], ["", ""], [empty, empty], ["guest@example.com", ""], [good.upper(), ""], [None, 5], [good, empty]]
    answer = await graph.upload(await graph.create_audience(), rows)
    assert (answer["num_received"], answer["num_invalid_entries"]) == (7, 6)
    assert set(answer["invalid_entry_samples"]) == {"1", "2", "3", "4", "5", "6"}
    assert answer["invalid_entry_samples"]["3"] == "guest@example.com"


async def test_a_messenger_row_needs_an_email_or_phone_and_holds_no_id_in_clear(graph: Client) -> None:
    audience, email, name = await graph.create_audience(), digest("guest1@example.com"), digest("ana")
    schema = ["EMAIL", "FN", "MADID", "EXTERN_ID", "PAGEUID", "APPUID"]
    rows = [
        [email, name, "", "", "", ""],
        ["", name, "", "", "", ""],
        ["", name, "", "c-17", "", ""],
        [email, name, "ab1234bc-0000-4000-8000-0123456789ab", "", "", ""],
        [email, name, "", "c-17", "", ""],
        [email, name, "", "", "5", ""],
        [email, name, "", "", "", "6"],
    ]
    other = await graph.create_audience()
    for path, batch in ((f"{audience}/users", 7), (f"{other}/usersreplace", 8)):
        part = {"session_id": batch, "batch_seq": 1, "last_batch_flag": True}
        body = {"payload": {"schema": schema, "data": rows}, "session": part}
        answer = await graph.call("POST", path, json=body)
        assert answer["num_received"] == 7
        assert answer["num_invalid_entries"] == 6
        assert answer["invalid_entry_samples"]["4"] == "c-17"


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


async def replace_rows(graph: Client, audience: str, rows: list[list[str]], *session: Any) -> dict[str, Any]:
    part = dict(zip(("session_id", "batch_seq", "last_batch_flag"), session, strict=True))
    body = {"payload": {"schema": ["EMAIL", "PHONE"], "data": rows}, "session": part}
    return await graph.call("POST", f"{audience}/usersreplace", json=body)


async def test_a_replace_session_that_does_not_end_within_90_minutes_changes_nothing(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.upload(audience, list_rows(200))
    await graph.advance(200)
    before = await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 200)
    await replace_rows(graph, audience, list_rows(5, "new"), 9, 1, False)
    await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 414)
    await graph.advance(90 * 60 + 1)
    late = await replace_rows(graph, audience, list_rows(5, "newer"), 9, 2, True)
    assert late["error"]["error_subcode"] == 1870158
    after = await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 415)
    assert after["audiences"][0]["matched"] == before["audiences"][0]["matched"]
    again = await replace_rows(graph, audience, list_rows(300, "newer"), 10, 1, True)
    assert again["num_received"] == 300


async def test_nothing_is_replaced_while_an_upload_is_matching(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.upload(audience, list_rows(200))
    refused = await replace_rows(graph, audience, list_rows(5), 9, 1, True)
    assert refused["error"]["error_subcode"] == 1870145


async def test_people_are_removed_in_a_session_that_counts_its_rows(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.upload(audience, list_rows(300))
    await graph.advance(200)
    matched = (await graph.until(lambda state: state["audiences"][0]["operation_status"]["code"] == 200))["audiences"][0][
        "matched"
    ]
    for batch_seq, rows in ((1, list_rows(300)[:100]), (2, list_rows(300)[100:])):
        session = {"session_id": 11, "batch_seq": batch_seq, "last_batch_flag": batch_seq == 2}
        body = {"payload": {"schema": ["EMAIL", "PHONE"], "data": rows}, "session": session, "method": "DELETE"}
        answer = await graph.call("POST", f"{audience}/users", json=body)
    assert (matched > 100, answer["num_received"]) == (True, 300)
    assert (await graph.control("state"))["audiences"][0]["matched"] == 0
    sessions = (await graph.call("GET", f"{audience}/sessions", params={"session_id": "11"}))["data"]
    assert [(each["num_received"], each["stage"]) for each in sessions] == [("300", "completed")]


async def test_a_call_too_many_says_when_access_is_regained(graph: Client) -> None:
    audience = await graph.create_audience()
    await graph.control("limits", {"custom_audience": 2})
    await graph.call("GET", audience)
    headers = {"Authorization": f"Bearer {graph.world['system_user_token']}"}
    _, raw, answered = await graph.raw("GET", f"/v26.0/{audience}", headers=headers)
    [usage] = json.loads(answered["x-business-use-case-usage"]).values()
    assert json.loads(raw)["error"]["code"] == 80003
    assert usage[0]["estimated_time_to_regain_access"] == 60


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
