"""Scripted faults, webhook delivery under trouble, and the clock."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import aiohttp
import pytest
from emulator_client import START, Callback, Client, client_of

from guestlist.emulator.config import EmulatorConfig
from guestlist.emulator.server import running

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


async def ready(graph: Client) -> tuple[str, str]:
    """A warm campaign and a token."""
    token = (await graph.tokens())[0]["notification_messages_token"]
    return await graph.campaign(), token


async def sends(graph: Client) -> list[dict[str, Any]]:
    return (await graph.control("calls?path=/act_*/messages"))["data"]


async def test_a_scripted_error_strikes_so_often_and_has_no_effect(graph: Client) -> None:
    campaign, token = await ready(graph)
    error = {"code": 613, "subcode": 1996, "message": "Slow down", "is_transient": True}
    await graph.control("faults", {"faults": [{"method": "POST", "path": "/act_*/messages", "times": 2, "error": error}]})
    for _ in range(2):
        refused = (await graph.send(campaign, token))["error"]
        assert (refused["code"], refused["error_subcode"], refused["is_transient"]) == (613, 1996, True)
    assert await graph.send_code(campaign, token) is None
    assert (await graph.control("state"))["campaigns"][0]["accepted"] == 1


@pytest.mark.parametrize(("rule", "effects"), [({"swallow": True}, 1), ({"refuse": True}, 0)])
async def test_a_lost_answer_has_its_effect_and_a_refused_connection_none(
    graph: Client, rule: dict[str, Any], effects: int
) -> None:
    campaign, token = await ready(graph)
    await graph.control("faults", [{"path": "/act_*/messages", "times": 1, **rule}])
    with pytest.raises(aiohttp.ClientError):
        await graph.send(campaign, token)
    state, (entry,) = await graph.control("state"), await sends(graph)
    assert state["campaigns"][0]["accepted"] == effects
    assert entry["answered"] is False
    assert ("tracking_id" in entry) is bool(effects)


async def test_html_truncated_and_bare_status_answers(graph: Client) -> None:
    rules = [{"path": "/me", "times": 1, **rule} for rule in ({"html": True, "status": 502}, {"truncate": True}, {"status": 503})]
    await graph.control("faults", {"faults": rules})
    headers = {"Authorization": f"Bearer {graph.world['user_token']}"}
    status, body, _ = await graph.raw("GET", "/v26.0/me", headers=headers)
    assert (status, body[:9]) == (502, b"<!DOCTYPE")
    status, body, _ = await graph.raw("GET", "/v26.0/me", headers=headers)
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    status, body, _ = await graph.raw("GET", "/v26.0/me", headers=headers)
    assert (status, json.loads(body)["error"]["code"]) == (503, 2)


async def test_faults_by_share_are_seeded_and_can_be_lifted(graph: Client) -> None:
    await graph.control("faults", {"faults": [{"path": "/me", "share": 0.5, "status": 500}]})
    hit = [("error" in await graph.call("GET", "me")) for _ in range(40)]
    assert 5 < sum(hit) < 35
    await graph.control("faults", method="DELETE")
    assert "error" not in await graph.call("GET", "me")


@pytest.mark.parametrize(
    "rule",
    [
        {"share": 2},
        {"times": 0},
        {"status": 42},
        {"sttus": 500},
        {"delay_seconds": -1},
        {"error": "x"},
        {"error": {"code": "x"}},
        5,
    ],
)
async def test_rules_that_make_no_sense_are_refused(graph: Client, rule: object) -> None:
    answer = await graph.control("faults", {"faults": [rule]})
    assert answer["error"]["code"] == 100
    assert (await graph.control("faults"))["faults"] == []


async def webhooks_of(graph: Client, faults: dict[str, float]) -> Counter[str]:
    """How often each echo arrived, under webhook faults."""
    await graph.subscribe()
    campaign = await graph.campaign()
    await graph.control("faults", {"webhooks": faults})
    await asyncio.gather(*(graph.send(campaign, row["notification_messages_token"]) for row in await graph.tokens()))
    await graph.advance(7200)
    await graph.settled()
    return Counter(event["marketing_message_tracking_id"] for event in graph.callback.events("marketing_message_echoes"))


async def test_webhooks_can_come_twice(graph: Client) -> None:
    assert set((await webhooks_of(graph, {"duplicate": 1})).values()) == {2}


async def test_webhooks_can_be_lost(graph: Client) -> None:
    seen = await webhooks_of(graph, {"drop": 0.5})
    assert len(seen) < (await graph.control("state"))["campaigns"][0]["accepted"]


async def test_webhooks_can_come_out_of_order_but_all_come(graph: Client) -> None:
    seen = await webhooks_of(graph, {"reorder": 0.5})
    moments = [event["timestamp"] for event in graph.callback.events("marketing_message_echoes")]
    assert len(seen) == (await graph.control("state"))["campaigns"][0]["accepted"]
    assert moments != sorted(moments)


async def test_without_faults_the_order_of_a_page_is_kept_and_events_are_batched(graph: Client) -> None:
    await webhooks_of(graph, {})
    entries = [entry for body in graph.callback.bodies() for entry in body["entry"]]
    moments = [change["value"]["timestamp"] for entry in entries for change in entry.get("changes", ())]
    assert moments == sorted(moments)
    assert len(graph.callback.posts) < len(moments)


async def test_a_failing_callback_is_tried_again_until_it_answers(graph: Client, callback: Callback) -> None:
    await graph.subscribe()
    callback.status = 500
    await graph.control("people/say", {"token": (await graph.tokens())[0]["notification_messages_token"]})
    await graph.until(lambda state: state["webhooks"]["retries"] >= 1)
    assert (await graph.control("state"))["webhooks"]["due"] == 1

    callback.status = 200
    state = await graph.settled()

    bodies = {body for _, body in callback.posts}
    assert (len(bodies), state["webhooks"]["delivered"], state["webhooks"]["failed"]) == (1, 1, 0)
    assert len(callback.posts) >= 2


async def test_after_the_last_try_an_event_counts_as_failed(callback: Callback) -> None:
    config = EmulatorConfig(port=0, give_up_seconds=0.1)
    async with running(config) as url, client_of(url, callback) as graph:
        await graph.subscribe()
        callback.status = 500
        await graph.control("people/say", {"token": (await graph.tokens())[0]["notification_messages_token"]})
        assert (await graph.settled())["webhooks"]["failed"] == 1


@pytest.mark.parametrize("envelope", ["flat_entry", "flat_body"])
async def test_the_other_envelopes(graph: Client, envelope: str) -> None:
    await graph.subscribe()
    await graph.control("switches", {"envelope": envelope})
    campaign, token = await ready(graph)
    await graph.send(campaign, token)
    await graph.until(lambda state: state["webhooks"]["delivered"] >= 1)
    (body, *_) = graph.callback.bodies()
    event = body["entry"][0] if envelope == "flat_entry" else body
    assert event["field"] == "marketing_message_echoes"
    assert event["messenger_subscription_token"] == token


async def test_upload_status_under_the_ad_account_object(graph: Client) -> None:
    await graph.subscribe()
    await graph.control("switches", {"upload_status_object": "ad_account", "upload_status": "FAILED"})
    await graph.list_subscribers()
    await graph.settled()
    (body,) = graph.callback.bodies()
    assert body["object"] == "ad_account"
    assert body["entry"][0]["id"] == graph.world["ad_account_id"].removeprefix("act_")
    assert body["entry"][0]["changes"][0]["value"]["batch_uploading_status"] == "FAILED"


async def test_switches_change_the_form_of_answers(graph: Client) -> None:
    campaign, token = await ready(graph)
    await graph.send(campaign, token)
    await graph.control("switches", {"audience_create": "data", "marketing_errors": "subcode"})
    account = graph.world["ad_account_id"]
    body = {"name": "x", "customer_file_source": "USER_PROVIDED_ONLY"}
    created = await graph.call("POST", f"{account}/customaudiences", json=body)
    refused = (await graph.send(campaign, token))["error"]
    assert set(created) == {"data"}
    assert (refused["code"], refused["error_subcode"]) == (100, 2300035)
    assert (await graph.control("switches", {"envelope": "carrier pigeon"}))["error"]["code"] == 100


async def test_the_clock_jumps_runs_fast_and_can_be_set(graph: Client) -> None:
    clock = await graph.control("clock")
    assert (clock["now"][:16], clock["speed"]) == (START[:16], 1.0)
    moved = await graph.control("clock", {"advance_seconds": 3600})
    assert 3600 <= moved["unix"] - clock["unix"] < 3660
    await graph.control("clock", {"speed": 100000})
    await asyncio.sleep(0.02)
    assert (await graph.control("clock"))["unix"] - moved["unix"] > 1000
    there = await graph.control("clock", {"now": "2027-01-01T00:00:00+00:00", "speed": 1})
    assert there["now"].startswith("2027-01-01T00:00:00")


@pytest.mark.parametrize(
    "body", [{}, {"speed": -1}, {"speed": "fast"}, {"now": "soon"}, {"now": "2027-01-01"}, {"advance_seconds": 1e300}]
)
async def test_the_clock_refuses_nonsense(graph: Client, body: dict[str, Any]) -> None:
    assert (await graph.control("clock", body))["error"]["code"] == 100


async def test_the_call_log_can_be_read_on_from_where_one_stood(graph: Client) -> None:
    campaign, token = await ready(graph)
    await graph.send(campaign, token)
    page = await graph.control("calls?limit=2")
    assert [entry["seq"] for entry in page["data"]] == [1, 2]
    rest = await graph.control(f"calls?since={page['next_since']}&path=/act_*/messages")
    (entry,) = rest["data"]
    assert (entry["subscription_token"], entry["campaign_id"], entry["status"], entry["code"]) == (token, campaign, 200, None)


async def test_reset_forgets_everything(graph: Client) -> None:
    await graph.subscribe()
    campaign, token = await ready(graph)
    await graph.send(campaign, token)
    world = await graph.control("reset", {})
    state = await graph.control("state")
    assert world == graph.world
    assert (state["calls"], state["campaigns"], state["app"]["callback_url"], state["webhooks"]["due"]) == (0, [], None, 0)


async def test_the_page_for_people_is_self_contained(graph: Client) -> None:
    status, body, headers = await graph.raw("GET", "/_emulator")
    page = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "http://" not in page
    assert "https://" not in page
    assert "viewport" in page
