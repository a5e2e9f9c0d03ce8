"""Every call of the contract: the exact request it makes, and both forms of answer where sources disagree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from graph_mock import BEARER, JSON_BEARER, PROOF, ROOT, SECRET, TOKEN, MockTransport, answer, make_client, make_clients, raw

from guestlist.errors import ConfigurationError
from guestlist.graph.base import Applied, ErrorClass, GraphError, Request, Session
from guestlist.graph.client import GraphClient

AUDIENCE_FIELDS = (
    "id,name,description,approximate_count_lower_bound,approximate_count_upper_bound,operation_status,delivery_status,"
    "messenger_marketing_messages_page"
)
TOKEN_FIELDS = (
    "notification_messages_token,recipient_id,creation_timestamp,token_expiry_timestamp,next_eligible_time_for_paid_messaging,"
    "notification_messages_timezone,topic_title,custom_audience_ids"
)
SESSION = Session(session_id=2**62 + 1, batch_seq=2, last=True, estimated_total=12_000)
NO_ROWS: dict[str, Any] = {"data": []}

READS: list[tuple[Callable[[GraphClient], Awaitable[Any]], Any, str, dict[str, str]]] = [
    (lambda g: g.read_page("11"), {"id": "11", "name": "Shop", "is_published": True}, "/11", {"fields": "id,name,is_published"}),
    (lambda g: g.subscribed_fields("11"), NO_ROWS, "/11/subscribed_apps", {}),
    (lambda g: g.read_terms("act_5"), {"id": "act_5"}, "/act_5", {"fields": "tos_accepted,user_tos_accepted"}),
    (lambda g: g.read_audience("77"), {"id": "77"}, "/77", {"fields": AUDIENCE_FIELDS}),
    (
        lambda g: g.read_sessions("77"),
        NO_ROWS,
        "/77/sessions",
        {"fields": "session_id,num_received,num_invalid_entries,stage", "limit": "100"},
    ),
    (
        lambda g: g.list_audiences("5"),
        NO_ROWS,
        "/act_5/customaudiences",
        {
            "fields": AUDIENCE_FIELDS,
            "filtering": '[{"field":"data_source.subtype","operator":"IN","value":[1010]}]',
            "limit": "20",
        },
    ),
    (
        lambda g: g.list_tokens("11"),
        NO_ROWS,
        "/11/notification_message_tokens",
        {"fields": TOKEN_FIELDS, "do_not_return_duplicates": "true", "limit": "1000"},
    ),
    (
        lambda g: g.list_tokens("11", after="QUZU", limit=250, opt_in_source="SUBSCRIBER_LIST"),
        NO_ROWS,
        "/11/notification_message_tokens",
        {
            "fields": TOKEN_FIELDS,
            "do_not_return_duplicates": "true",
            "opt_in_source": '["SUBSCRIBER_LIST"]',
            "limit": "250",
            "after": "QUZU",
        },
    ),
    (
        lambda g: g.list_campaigns("act_5"),
        NO_ROWS,
        "/act_5/ads",
        {"fields": "id,campaign{name,is_direct_send_campaign,is_message_campaign}", "limit": "100"},
    ),
]


@pytest.mark.parametrize(("call", "document", "path", "params"), READS)
async def test_a_read_is_a_get_with_the_token_in_the_header_alone(
    call: Callable[[GraphClient], Awaitable[Any]], document: Any, path: str, params: dict[str, str]
) -> None:
    graph, transport = make_client(answer(document))

    await call(graph)

    assert transport.request == Request("GET", ROOT + path, BEARER, params)


async def test_with_an_app_secret_a_read_carries_its_proof_as_a_parameter() -> None:
    graph, transport = make_client(answer({"id": "11", "name": "Shop"}), app_secret=SECRET)

    await graph.read_page("11")

    assert transport.request.params == {"fields": "id,name,is_published", "appsecret_proof": PROOF}


WRITES: list[tuple[Callable[[GraphClient], Awaitable[Any]], Any, str, dict[str, Any]]] = [
    (
        lambda g: g.subscribe_page("11", ["messages", "messaging_optins"]),
        {"success": True},
        "/11/subscribed_apps",
        {"subscribed_fields": "messages,messaging_optins"},
    ),
    (
        lambda g: g.create_audience("act_5", name="VIP", description="Best", page_id="11"),
        {"id": "77"},
        "/act_5/customaudiences",
        {
            "name": "VIP",
            "description": "Best",
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "subscription_info": ["MESSENGER"],
            "use_for_products": ["MARKETING_MESSAGES"],
            "marketing_message_channels": {"MESSENGER": "11"},
        },
    ),
    (
        lambda g: g.add_users("77", schema=("EMAIL", "PHONE"), data=(("ab", ""), ("", "cd")), session=SESSION),
        {"audience_id": "77", "num_received": 2, "num_invalid_entries": 0},
        "/77/users",
        {
            "payload": {"schema": ["EMAIL", "PHONE"], "data": [["ab", ""], ["", "cd"]]},
            "session": {"session_id": 2**62 + 1, "batch_seq": 2, "last_batch_flag": True, "estimated_num_total": 12_000},
        },
    ),
    (
        lambda g: g.remove_users("77", schema=("EMAIL",), data=(("ab",),), session=SESSION),
        {"audience_id": "77", "session_id": "5", "num_received": 1, "num_invalid_entries": 0, "invalid_entry_samples": {}},
        "/77/users",
        {
            "payload": {"schema": ["EMAIL"], "data": [["ab"]]},
            "session": {"session_id": 2**62 + 1, "batch_seq": 2, "last_batch_flag": True, "estimated_num_total": 12_000},
            "method": "DELETE",
        },
    ),
    (
        lambda g: g.replace_users("77", schema=("EMAIL",), data=(("ab",),), session=SESSION),
        {"account_id": "5", "session_id": "5", "num_received": 1, "num_invalid_entries": 0, "invalid_entry_samples": []},
        "/77/usersreplace",
        {
            "payload": {"schema": ["EMAIL"], "data": [["ab"]]},
            "session": {"session_id": 2**62 + 1, "batch_seq": 2, "last_batch_flag": True, "estimated_num_total": 12_000},
        },
    ),
    (
        lambda g: g.create_campaign(
            "5",
            name="Autumn",
            page_id="11",
            daily_budget=2_500,
            lifetime_budget=None,
            end_time=datetime(2026, 10, 1, tzinfo=UTC),
        ),
        {"id": "88"},
        "/act_5/message_campaign",
        {"name": "Autumn", "page_id": "11", "daily_budget": 2_500, "end_time": 1_790_812_800},
    ),
    (
        lambda g: g.create_campaign("5", name="Autumn", page_id="11", daily_budget=None, lifetime_budget=90_000, end_time=None),
        {"id": "88"},
        "/act_5/message_campaign",
        {"name": "Autumn", "page_id": "11", "lifetime_budget": 90_000},
    ),
    (
        lambda g: g.send_marketing_message("act_5", campaign_id="88", token="5000000000000001", message={"text": "Grüße"}),
        {"success": True, "marketing_message_tracking_id": "9f8e"},
        "/act_5/messages",
        {
            "message_id": "88",
            "messenger_delivery_data": {"subscription_token": "5000000000000001"},
            "message": {"text": "Grüße"},
        },
    ),
]


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize(("call", "document", "path", "body"), WRITES)
async def test_a_write_is_a_json_post_with_the_proof_in_its_body(
    call: Callable[[GraphClient], Awaitable[Any]], document: Any, path: str, body: dict[str, Any], secret: str | None
) -> None:
    graph, transport = make_client(answer(document), app_secret=secret)

    await call(graph)

    assert transport.request.method == "POST"
    assert transport.request.url == ROOT + path
    assert transport.request.headers == JSON_BEARER
    assert transport.request.params == {}
    assert transport.sent == (body if secret is None else {**body, "appsecret_proof": PROOF})


async def test_deleting_an_audience_is_a_delete_without_a_body() -> None:
    graph, transport = make_client(answer({"success": True}), app_secret=SECRET)

    await graph.delete_audience("77")

    assert transport.request == Request("DELETE", f"{ROOT}/77", BEARER, {"appsecret_proof": PROOF})


async def test_the_apps_webhooks_are_subscribed_on_the_app_itself() -> None:
    transport = MockTransport([answer({"success": True})])
    graph = make_clients(transport, app_id="42").with_token(f"42|{SECRET}")

    await graph.subscribe_app(callback_url="https://shop.test/webhooks/meta", verify_token="v", fields=["messages", "feed"])

    assert transport.request.url == f"{ROOT}/42/subscriptions"
    assert transport.request.headers["Authorization"] == f"Bearer 42|{SECRET}"
    assert transport.sent == {
        "object": "page",
        "callback_url": "https://shop.test/webhooks/meta",
        "verify_token": "v",
        "fields": "messages,feed",
    }


async def test_without_an_app_id_there_are_no_app_webhooks() -> None:
    graph, transport = make_client(answer({"success": True}))

    with pytest.raises(ConfigurationError, match="app's id"):
        await graph.subscribe_app(callback_url="https://shop.test/webhooks/meta", verify_token="v", fields=["messages"])

    assert transport.requests == []


async def test_debug_token_keeps_the_token_out_of_the_url() -> None:
    graph, transport = make_client(answer({"data": {"is_valid": True}}), app_id="42", app_secret=SECRET)

    await graph.debug_token()

    request = transport.request
    assert (request.method, request.url, request.params) == ("POST", f"{ROOT}/debug_token", {})
    assert request.headers["Authorization"] == f"Bearer 42|{SECRET}"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl((request.body or b"").decode())) == {"method": "GET", "input_token": TOKEN}


@pytest.mark.parametrize("settings", [{}, {"app_id": "42"}, {"app_secret": SECRET}, {"app_id": "42", "app_secret": "a\nb"}])
async def test_debug_token_without_the_apps_credentials_says_so(settings: dict[str, str]) -> None:
    graph, transport = make_client(answer({}), **settings)

    with pytest.raises(ConfigurationError, match="Meta app"):
        await graph.debug_token()

    assert transport.requests == []


async def test_debug_token_tells_a_valid_token() -> None:
    data = {
        "app_id": 42,
        "type": "PAGE",
        "is_valid": True,
        "expires_at": 0,
        "scopes": ["pages_messaging", 7],
        "profile_id": 11,
    }
    graph, _ = make_client(answer({"data": data}), app_id="42", app_secret=SECRET)

    info = await graph.debug_token()

    assert (info.valid, info.kind, info.app_id, info.profile_id) == (True, "PAGE", "42", "11")
    assert info.scopes == {"pages_messaging"}
    assert info.expires_at is None
    assert info.error is None


async def test_debug_token_tells_a_dead_token_in_our_words() -> None:
    error = {"code": 190, "subcode": 460, "message": "Ana Diaz changed her password"}
    graph, _ = make_client(answer({"data": {"is_valid": False, "error": error}}), app_id="42", app_secret=SECRET)

    info = await graph.debug_token()

    assert not info.valid
    assert info.error == "The person's password changed: reconnect the Page."


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [({"custom_audience_tos": 1}, True), ({"custom_audience_tos": "1"}, True), ({"custom_audience_tos": 0}, False), ({}, False)],
)
async def test_terms_are_accepted_only_where_meta_says_one(accepted: Any, expected: bool) -> None:
    graph, _ = make_client(answer({"tos_accepted": accepted, "id": "act_5"}))

    terms = await graph.read_terms("act_5")

    assert terms.accepted is expected
    assert terms.accept_url == "https://business.facebook.com/ads/manage/customaudiences/tos/?act=5"


@pytest.mark.parametrize("document", [{"id": "act_5"}, {"id": "act_5", "tos_accepted": []}, {"tos_accepted": None}])
async def test_terms_that_meta_does_not_mention_are_not_accepted(document: Any) -> None:
    graph, _ = make_client(answer(document))

    assert not (await graph.read_terms("5")).accepted


async def test_subscribed_fields_are_those_of_our_app() -> None:
    rows = [{"id": "42", "subscribed_fields": ["messages", "feed"]}, {"id": "43", "subscribed_fields": ["standby"]}, {"id": 42}]
    ours, _ = make_client(answer({"data": rows}), app_id="42")
    anybody, _ = make_client(answer({"data": rows}))

    assert await ours.subscribed_fields("11") == {"messages", "feed"}
    assert await anybody.subscribed_fields("11") == {"messages", "feed", "standby"}


async def test_an_audience_is_read_with_numbers_as_ids_and_unavailable_bounds_as_none() -> None:
    document = raw(
        b'{"id":120000000000000000000001,"name":"VIP","approximate_count_lower_bound":-1,"approximate_count_upper_bound":"-1",'
        b'"operation_status":{"code":441,"description":"populating"},"delivery_status":[],'
        b'"messenger_marketing_messages_page":{"id":9007199254740993,"name":"Shop"}}'
    )
    graph, _ = make_client(document)

    audience = await graph.read_audience("77")

    assert audience.id == "120000000000000000000001"
    assert (audience.page_id, audience.page_name) == ("9007199254740993", "Shop")
    assert (audience.lower, audience.upper) == (None, None)
    assert (audience.operation_code, audience.operation_text) == (441, "populating")
    assert (audience.delivery_code, audience.delivery_text, audience.description) == (None, "", "")


@pytest.mark.parametrize("samples", [{}, [], {"0": "<bad>"}, None])
async def test_an_upload_answer_is_read_whatever_the_form_of_its_samples(samples: Any) -> None:
    document = {"audience_id": "77", "session_id": 9778993, "num_received": "3", "num_invalid_entries": 1}
    graph, _ = make_client(answer({**document, "invalid_entry_samples": samples}))

    uploaded = await graph.add_users("77", schema=("EMAIL",), data=(("ab",),), session=SESSION)

    assert (uploaded.received, uploaded.invalid, uploaded.session_id) == (3, 1, "9778993")


async def test_an_upload_refused_for_messenger_inside_a_good_answer_is_an_error() -> None:
    refused = {"messenger": {"error": {"message": "no", "code": 2300066}, "num_subscribers_received": 0}}
    graph, transport = make_client(answer({"audience_id": "77", "num_received": 1, "subscription_info": refused}))

    with pytest.raises(GraphError) as caught:
        await graph.add_users("77", schema=("EMAIL",), data=(("ab",),), session=SESSION)

    assert (caught.value.kind, caught.value.reason) == (ErrorClass.TERMS, "terms")
    assert len(transport.requests) == 1


async def test_sessions_are_read_from_strings() -> None:
    row = {"session_id": "9778993", "num_received": "20000", "num_invalid_entries": "7", "stage": "uploading"}
    graph, _ = make_client(answer({"data": [row, {"session_id": 5}]}))

    first, second = await graph.read_sessions("77")

    assert (first.session_id, first.received, first.invalid, first.stage) == ("9778993", 20_000, 7, "uploading")
    assert (second.session_id, second.received, second.stage) == ("5", 0, "")


async def test_a_list_born_token_has_no_person_behind_it() -> None:
    row = {"notification_messages_token": 5000000000000001, "topic_title": "Updates", "custom_audience_ids": [12, "13", None]}
    graph, _ = make_client(answer({"data": [row]}))

    (token,) = (await graph.list_tokens("11")).rows

    assert (token.token, token.psid, token.title) == ("5000000000000001", None, "Updates")
    assert token.audience_ids == ("12", "13")
    assert (token.created_at, token.expires_at, token.next_eligible_at, token.timezone) == (None, None, None, None)


async def test_token_times_are_read_in_seconds_and_in_milliseconds() -> None:
    row = {
        "notification_messages_token": "5",
        "recipient_id": "24",
        "creation_timestamp": 1_750_000_000,
        "token_expiry_timestamp": 1_790_000_000_000,
        "next_eligible_time_for_paid_messaging": "1750043200",
        "notification_messages_timezone": "America/New_York",
    }
    graph, _ = make_client(answer({"data": [row]}))

    (token,) = (await graph.list_tokens("11")).rows

    assert token.psid == "24"
    assert token.created_at == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
    assert token.expires_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert token.next_eligible_at == datetime(2025, 6, 16, 3, 6, 40, tzinfo=UTC)


async def test_ordinary_ads_are_no_campaigns_of_ours() -> None:
    rows = [
        {"id": "1", "campaign": {"name": "Autumn", "is_message_campaign": True}},
        {"id": 2, "campaign": {"name": "Winter", "is_direct_send_campaign": True, "is_message_campaign": False}},
        {"id": "3", "campaign": {"name": "Banner", "is_direct_send_campaign": False, "is_message_campaign": False}},
        {"id": "4", "campaign": {"name": "Flags left out"}},
    ]
    graph, _ = make_client(answer({"data": rows}))

    assert [(c.id, c.name) for c in await graph.list_campaigns("5")] == [
        ("1", "Autumn"),
        ("2", "Winter"),
        ("4", "Flags left out"),
    ]


@pytest.mark.parametrize("document", [{"success": False, "marketing_message_tracking_id": "a"}, {"success": True}, {"ok": 1}])
async def test_a_send_whose_answer_confirms_nothing_is_in_doubt_and_not_repeated(document: Any) -> None:
    graph, transport = make_client(answer(document))

    with pytest.raises(GraphError) as caught:
        await graph.send_marketing_message("5", campaign_id="88", token="5", message={"text": "Hi"})

    assert (caught.value.applied, caught.value.reason) == (Applied.UNKNOWN, "answer_lost")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("bad_id", ["", "1/2", "../me", "1?x=1", "11 ", "1\n", "ä", "x" * 101])
async def test_an_id_that_no_node_has_never_reaches_a_url(bad_id: str) -> None:
    graph, transport = make_client(answer({}))

    with pytest.raises(GraphError) as caught:
        await graph.read_audience(bad_id)

    assert (caught.value.kind, caught.value.applied, caught.value.reason) == (ErrorClass.FIX, Applied.NO, "bad_request")
    assert transport.requests == []


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tökén", "x" * 4097])
async def test_a_token_that_cannot_be_one_is_refused_like_a_dead_one(token: str) -> None:
    transport = MockTransport([answer({})])
    graph = make_clients(transport, app_id="42", app_secret=SECRET).with_token(token)

    for call in (graph.read_page("11"), graph.delete_audience("77"), graph.debug_token()):
        with pytest.raises(GraphError) as caught:
            await call
        assert (caught.value.kind, caught.value.reason) == (ErrorClass.RECONNECT, "token_dead")
    assert transport.requests == []


@pytest.mark.parametrize(
    "base_url", ["graph.facebook.com", "ftp://x", "https://", "https://u:p@x", "https://x/?a=1", "https://a b"]
)
def test_a_base_url_that_is_none_is_a_configuration_error(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base URL"):
        make_clients(MockTransport([]), base_url=base_url)


@pytest.mark.parametrize("version", ["26", "v26", "v26.0/../x", ""])
def test_a_version_that_is_none_is_a_configuration_error(version: str) -> None:
    with pytest.raises(ConfigurationError, match=r"v26\.0"):
        make_clients(MockTransport([]), version=version)


async def test_a_base_url_may_have_a_path_and_a_slash_at_its_end() -> None:
    graph, transport = make_client(answer({"id": "11"}), base_url="http://127.0.0.1:8090/graph/", version="v25.0")

    await graph.read_page("11")

    assert transport.request.url == "http://127.0.0.1:8090/graph/v25.0/11"


async def test_closing_the_factory_closes_its_transport() -> None:
    transport = MockTransport([])

    await make_clients(transport).close()

    assert transport.closed


async def test_big_integers_leave_as_they_are() -> None:
    graph, transport = make_client(answer({"num_received": 1}))

    await graph.add_users("77", schema=("EMAIL",), data=(("ab",),), session=Session(2**63 - 1, 1, True, 1))

    assert b'"session_id":9223372036854775807' in (transport.request.body or b"")
    assert orjson.loads(transport.request.body or b"")["session"]["session_id"] == 2**63 - 1
