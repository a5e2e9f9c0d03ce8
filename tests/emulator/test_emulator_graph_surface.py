"""The ground rules of Graph: versions, tokens, encodings, paging, batches, fields, and bad input."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from emulator_client import FIELDS, Callback, Client, client_of, digest, list_rows

from guestlist.emulator.config import EmulatorConfig
from guestlist.emulator.server import running

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator


@pytest.mark.parametrize("path", ["/v26.0/me", "/v2.8/me", "/me", "/v25.0/me/", "//v26.0/me"])
async def test_versions_and_slashes(graph: Client, path: str) -> None:
    _, body, _ = await graph.raw("GET", path, params={"access_token": graph.world["user_token"]})
    assert json.loads(body) == {"id": "40500000000000051", "name": "Alex Example"}


@pytest.mark.parametrize(
    ("path", "code"), [("/v1.0/me", 2635), ("/v99.0/me", 2500), ("/v26.0/me/friends", 2500), ("/v26.0/12345", 100)]
)
async def test_unknown_places(graph: Client, path: str, code: int) -> None:
    _, body, _ = await graph.raw("GET", path, params={"access_token": graph.world["user_token"]})
    assert json.loads(body)["error"]["code"] == code


async def test_a_call_is_the_same_in_json_form_multipart_and_query(graph: Client) -> None:
    path = f"/v26.0/{graph.world['ad_account_id']}/message_campaign"
    params = {
        "name": "Über",
        "page_id": graph.world["page_id"],
        "daily_budget": "5000",
        "access_token": graph.world["user_token"],
    }
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in params.items():
        multipart.add_field(name, value)
    for options in (
        {"json": params},
        {"data": params},
        {"data": multipart},
        {"params": params},
        {"params": {**params, "method": "POST"}},
    ):
        status, body, _ = await graph.raw("POST", path, **options)
        assert (status, "id" in json.loads(body)) == (200, True)
    names = {one["name"] for one in (await graph.control("state"))["campaigns"]}
    assert names == {"Über"}


async def test_post_can_stand_for_get_and_delete(graph: Client) -> None:
    audience = await graph.create_audience()
    assert (await graph.call("POST", audience, data={"method": "get", "fields": "name"}))["name"] == "Guests"
    assert await graph.call("POST", audience, data={"method": "DELETE"}) == {"success": True}
    assert await graph.error("GET", audience) == (100, 33)


@pytest.mark.parametrize(("value", "code"), [("", 104), ("nonsense", 190)])
async def test_tokens_that_are_none(graph: Client, value: str, code: int) -> None:
    assert await graph.error("GET", "me", token=value) == (code, None)


async def test_a_killed_and_an_expired_token(graph: Client) -> None:
    short = await graph.control("tokens", {"expires_in": 60})
    await graph.advance(61)
    await graph.control("tokens/kill", {"token": graph.world["user_token"]})
    assert await graph.error("GET", "me", token=short["token"]) == (190, 463)
    assert await graph.error("GET", "me", token="user_token") == (190, 460)
    told = await graph.call("GET", "debug_token", params={"input_token": graph.world["user_token"]})
    assert told["data"]["is_valid"] is False


async def test_a_token_without_the_permission(graph: Client) -> None:
    weak = (await graph.control("tokens", {"scopes": ["pages_show_list"]}))["token"]
    account, page = graph.world["ad_account_id"], graph.world["page_id"]
    assert await graph.error("GET", f"{account}/customaudiences", token=weak) == (200, None)
    assert await graph.error("POST", f"{account}/message_campaign", token=weak, json={}) == (200, None)
    assert await graph.error("GET", f"{page}/notification_message_tokens", token="user_token") == (210, None)
    other = (await graph.control("pages", {"name": "Other"}))["page_token"]
    assert await graph.error("GET", f"{page}/notification_message_tokens", token=other) == (200, None)


async def test_appsecret_proof_is_checked_when_given_and_demanded_when_set(graph: Client) -> None:
    token, secret = graph.world["user_token"], graph.world["app_secret"]
    proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    assert "id" in await graph.call("GET", "me", token=token, params={"appsecret_proof": proof})
    assert await graph.error("GET", "me", token=token, params={"appsecret_proof": "00"}) == (100, None)
    await graph.control("switches", {"require_proof": "on"})
    assert await graph.error("GET", "me", token=token) == (100, None)
    assert "id" in await graph.call("GET", "me", token=token, params={"appsecret_proof": proof})


async def test_debug_token_me_accounts_and_permissions(graph: Client) -> None:
    world = graph.world
    app_token = f"{world['app_id']}|{world['app_secret']}"
    page = await graph.call("GET", "debug_token", token=app_token, params={"input_token": world["page_token"]})
    by_post = await graph.call("POST", "debug_token", token=app_token, data={"method": "GET", "input_token": world["page_token"]})
    (mine,) = (await graph.call("GET", "me/accounts", token="user_token"))["data"]
    (account,) = (await graph.call("GET", "me/adaccounts", params={"fields": "id,account_status"}))["data"]
    granted = {row["permission"] for row in (await graph.call("GET", "me/permissions"))["data"]}
    assert page == by_post
    assert (page["data"]["type"], page["data"]["profile_id"], page["data"]["expires_at"]) == ("PAGE", world["page_id"], 0)
    assert (mine["id"], mine["access_token"]) == (world["page_id"], world["page_token"])
    assert account == {"id": world["ad_account_id"], "account_status": 1}
    assert {"ads_management", "pages_messaging", "paid_marketing_messages"} <= granted


async def test_logging_in_gives_tokens_that_work(graph: Client) -> None:
    app = {"client_id": graph.world["app_id"], "client_secret": graph.world["app_secret"]}
    _, body, _ = await graph.raw("GET", "/v26.0/oauth/access_token", params={**app, "code": "abc", "redirect_uri": "x"})
    fresh = json.loads(body)
    assert (fresh["token_type"], (await graph.call("GET", "me", token=fresh["access_token"]))["name"]) == (
        "bearer",
        "Alex Example",
    )
    _, body, _ = await graph.raw("GET", "/oauth/access_token", params={**app, "client_secret": "x", "code": "abc"})
    assert json.loads(body)["error"]["code"] == 1


async def test_webhook_subscriptions_of_page_and_app(graph: Client) -> None:
    page, app = graph.world["page_id"], graph.world["app_id"]
    await graph.subscribe()
    (row,) = (await graph.page("GET", f"{page}/subscribed_apps"))["data"]
    assert (row["id"], row["subscribed_fields"]) == (app, FIELDS)
    assert await graph.error("POST", f"{page}/subscribed_apps", token="page_token", data={"subscribed_fields": "tea"}) == (
        100,
        None,
    )
    await graph.page("DELETE", f"{page}/subscribed_apps")
    assert (await graph.page("GET", f"{page}/subscribed_apps"))["data"] == []
    refused = await graph.set_callback(graph.callback.url + "/not-there")
    assert refused["error"]["code"] == 2200
    assert (await graph.set_callback("ftp://example.com"))["error"]["code"] == 100
    assert await graph.error("POST", f"{app}/subscriptions", data={"object": "page"}) == (200, None)


async def test_fields_are_chosen_nested_and_checked(graph: Client) -> None:
    campaign = await graph.campaign(daily_budget=5000)
    fields = "id,campaign{name},creative{actor_id},adset{name,daily_budget,lifetime_budget,promoted_object{pixel_id}}"
    read = await graph.call("GET", campaign, params={"fields": fields})
    assert read["campaign"]["name"] == "Autumn"
    assert read["creative"]["actor_id"] == graph.world["page_id"]
    assert read["adset"]["daily_budget"] == "5000"
    assert "lifetime_budget" not in read["adset"]
    assert await graph.error("GET", campaign, params={"fields": "shoe_size"}) == (100, None)
    assert await graph.error("GET", campaign, params={"fields": "campaign{name"}) == (2500, None)
    assert await graph.error("GET", campaign, params={"fields": "a{" * 1000}) == (2500, None)


async def test_pages_link_forward_and_back_on_their_own(graph: Client) -> None:
    page = graph.world["page_id"]
    first = await graph.page("GET", f"{page}/notification_message_tokens", params={"limit": "15", "summary": "true"})
    _, body, _ = await graph.raw("GET", first["paging"]["next"].removeprefix(graph.base))
    second = json.loads(body)
    _, body, _ = await graph.raw("GET", second["paging"]["previous"].removeprefix(graph.base))
    assert (len(first["data"]), first["summary"]) == (15, {"total_count": 40})
    assert first["data"] == json.loads(body)["data"] != second["data"]


@pytest.mark.parametrize(
    "params", [{"after": "zzz"}, {"after": "MS4wMDAwMDAwMA=="}, {"limit": "0"}, {"limit": "x"}, {"since": "soon"}]
)
async def test_bad_cursors_and_limits(graph: Client, params: dict[str, str]) -> None:
    path = f"{graph.world['page_id']}/notification_message_tokens"
    assert await graph.error("GET", path, token="page_token", params=params) == (100, None)


async def test_usage_headers_ride_on_answers(graph: Client) -> None:
    headers = {"Authorization": f"Bearer {graph.world['user_token']}"}
    _, _, answer = await graph.raw("GET", f"/v26.0/{graph.world['ad_account_id']}/customaudiences", headers=headers)
    usage = json.loads(answer["X-Business-Use-Case-Usage"])
    ((business, (row,)),) = usage.items()
    assert (f"act_{business}", row["type"], row["estimated_time_to_regain_access"]) == (
        graph.world["ad_account_id"],
        "custom_audience",
        0,
    )
    assert {"call_count", "total_time", "total_cputime"} == set(json.loads(answer["X-App-Usage"]))
    assert "acc_id_util_pct" in json.loads(answer["X-Ad-Account-Usage"])


async def test_a_batch_answers_in_order_and_can_build_on_itself(graph: Client) -> None:
    account, page = graph.world["ad_account_id"], graph.world["page_id"]
    create = urlencode({"name": "From a batch", "page_id": page})
    batch = [
        {"method": "POST", "relative_url": f"{account}/message_campaign", "body": create, "name": "made"},
        {"method": "GET", "relative_url": "{result=made:$.id}?fields=name", "depends_on": "made"},
        {"method": "GET", "relative_url": "v26.0/999"},
        {"method": "POST", "relative_url": f"{account}/message_campaign", "body": {"name": "JSON body", "page_id": page}},
        {"method": "GET", "relative_url": "me", "depends_on": "nobody"},
    ]
    answers = await graph.call("POST", "", data={"batch": json.dumps(batch)})
    assert answers[0] is None
    assert json.loads(answers[1]["body"])["name"] == "From a batch"
    assert (answers[2]["code"], answers[3]["code"], answers[4]) == (400, 200, None)
    assert {"name": "facebook-api-version", "value": "v26.0"} in answers[1]["headers"]


async def test_a_batch_of_more_than_fifty_is_refused(graph: Client) -> None:
    batch = [{"method": "GET", "relative_url": "me"}] * 51
    answer = await graph.call("POST", "", json={"batch": batch})
    assert answer["error"]["type"] == "GraphBatchException"
    assert "Maximum batch size is 50" in answer["error"]["message"]


async def test_a_very_long_query_string_arrives_whole(graph: Client) -> None:
    audience = await graph.create_audience()
    payload = json.dumps({"schema": ["EMAIL", "PHONE"], "data": list_rows(2000)})
    assert len(payload) > 250_000
    answer = await graph.call("DELETE", f"{audience}/users", params={"payload": payload})
    assert (answer["num_received"], answer["num_invalid_entries"]) == (2000, 0)


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"a":' + NESTED.encode()),
        ("application/json", b'{"payload":"' + NESTED.encode() + b'"}'),
        ("application/json", b'{"payload":"\xff"}'),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % number for number in range(2000))),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1"),
        ("application/x-www-form-urlencoded", b"payload=%ff%00%7b"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y\r\ngarbage"),
        ("text/plain", b"hello"),
        ("", b"\x00\x01"),
    ],
)
async def test_garbage_bodies_get_a_graph_error(graph: Client, content_type: str, body: bytes) -> None:
    audience = await graph.create_audience()
    headers = {"Authorization": f"Bearer {graph.world['user_token']}", "Content-Type": content_type}
    status, raw, _ = await graph.raw("POST", f"/v26.0/{audience}/users", headers=headers, data=body)
    error = json.loads(raw)["error"]
    assert (status, error["code"]) == (400, 100)
    assert error["fbtrace_id"]


@pytest.mark.parametrize(
    "body",
    [
        {"message_id": {"a": 1}},
        {"message_id": "1"},
        {"message_id": "1", "messenger_delivery_data": []},
        {"message_id": "1", "messenger_delivery_data": {"subscription_token": {"a": 1}}},
        {"message_id": True, "messenger_delivery_data": {"subscription_token": "1"}},
    ],
)
async def test_sends_with_a_wrong_shape(graph: Client, body: dict[str, Any]) -> None:
    code, _ = await graph.error("POST", f"{graph.world['ad_account_id']}/messages", json=body)
    assert code in (100, 2300001)


async def test_a_body_over_the_cap_is_refused(callback: Callback) -> None:
    async with running(EmulatorConfig(port=0, max_body=100_000)) as url, client_of(url, callback) as graph:
        audience = await graph.create_audience()
        body = json.dumps({"payload": {"schema": ["EMAIL"], "data": [[digest("x")]] * 5000}})
        status, raw, _ = await graph.raw("POST", f"/v26.0/{audience}/users", data=body)
        assert (status, json.loads(raw)["error"]["code"]) == (413, 1)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
async def test_other_methods(graph: Client, method: str) -> None:
    status, raw, _ = await graph.raw(method, "/v26.0/me", params={"access_token": graph.world["user_token"]})
    assert (status, json.loads(raw)["error"]["code"]) == (400, 100)
