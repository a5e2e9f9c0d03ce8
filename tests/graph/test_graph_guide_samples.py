"""The samples of Meta's guide, with their JSON repaired, against the client: requests it makes, answers it reads."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from graph_mock import ROOT, answer, make_client
from yarl import URL

from guestlist.graph.base import Session
from guestlist.graph.proof import appsecret_proof
from guestlist.graph.transport import encode_url

FILTER = "filtering=%5B%7B%22field%22%3A%22data_source.subtype%22%2C%22operator%22%3A%22IN%22%2C%22value%22%3A%5B1010%5D%7D%5D"


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@pytest.mark.parametrize("created", [{"data": [{"id": "1200000000000001"}]}, {"id": "1200000000000001", "message": ""}])
async def test_create_the_audience(created: Any) -> None:
    sample = json.loads(
        """{"name": "Customer list", "description": "People of our shop", "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY", "subscription_info": ["MESSENGER"],
            "use_for_products": ["MARKETING_MESSAGES"], "marketing_message_channels": {"MESSENGER": "1100000000000001"}}"""
    )
    graph, transport = make_client(answer(created))

    audience_id = await graph.create_audience(
        "act_1", name="Customer list", description="People of our shop", page_id="1100000000000001"
    )

    assert audience_id == "1200000000000001"
    assert transport.sent == sample


@pytest.mark.parametrize("session_id", [{"session_id": "9778993"}, {}])
async def test_upload_the_customers(session_id: dict[str, str]) -> None:
    rows = (
        ("f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79", digest("15559876543"), digest("mary")),
        ("", "25cc2f7574420a2d46c9f2d6cf94cdbb242ef7d479afe92ed6e8eb33a7493093", ""),
    )
    graph, transport = make_client(
        answer({"audience_id": "1200000000000001", **session_id, "num_received": 2, "num_invalid_entries": 0})
    )

    uploaded = await graph.add_users(
        "1200000000000001", schema=("EMAIL", "PHONE", "FN"), data=rows, session=Session(9778993, 1, True, 2)
    )

    assert transport.request.url == f"{ROOT}/1200000000000001/users"
    assert transport.sent["payload"] == {"schema": ["EMAIL", "PHONE", "FN"], "data": [list(row) for row in rows]}
    assert (uploaded.received, uploaded.invalid, uploaded.session_id) == (2, 0, session_id.get("session_id"))


async def test_list_the_audiences_with_the_encoded_filter() -> None:
    row = {"id": "1200000000000001", "name": "Customer list", "messenger_marketing_messages_page": {"id": "11", "name": "Shop"}}
    graph, transport = make_client(answer({"data": [row]}))

    (audience,) = await graph.list_audiences("act_1")

    url = encode_url(transport.request)
    assert FILTER in url.raw_query_string.split("&")
    assert URL(str(url)).query["filtering"] == '[{"field":"data_source.subtype","operator":"IN","value":[1010]}]'
    assert (audience.id, audience.page_id, audience.page_name) == ("1200000000000001", "11", "Shop")


async def test_list_the_tokens_of_a_page() -> None:
    sample = json.loads(
        """{"data":[{"notification_messages_token":"5000000000000001","topic_title":"Updates and promotions",
                     "notification_messages_reoptin":"ENABLED","custom_audience_ids":["1200000000000001"]}],
            "paging":{"cursors":{"before":"QQ==","after":"Qg=="},"next":"https://graph.facebook.com/…"}}"""
    )
    graph, transport = make_client(answer(sample))

    page = await graph.list_tokens("1100000000000001")

    assert transport.request.url == f"{ROOT}/1100000000000001/notification_message_tokens"
    assert page.after == "Qg=="
    assert [(row.token, row.psid, row.audience_ids) for row in page.rows] == [("5000000000000001", None, ("1200000000000001",))]


async def test_send_a_marketing_message() -> None:
    sample = json.loads(
        """{"message_id":"880","messenger_delivery_data":{"subscription_token":"5000000000000001"},
            "message":{"attachment":{"type":"template","payload":{"template_type":"generic","text":"Hello {{first_name}}",
             "elements":[{"title":"Autumn sale","subtitle":"For you, {{first_name}}","image_url":"https://shop.test/a.png",
             "buttons":[{"type":"web_url","url":"https://shop.test","title":"Shop"}]}]}}}}"""
    )
    tracking_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    graph, transport = make_client(answer({"success": True, "marketing_message_tracking_id": tracking_id}))

    sent = await graph.send_marketing_message("act_1", campaign_id="880", token="5000000000000001", message=sample["message"])

    assert sent == tracking_id
    assert transport.sent == sample


def test_the_proof_vector() -> None:
    proof = appsecret_proof("test-app-secret", "TEST-PAGE-TOKEN")

    assert proof == "54913f3e82923e7c7541b2d2d4eaea4d9192e29d452287bc625810c3585849a8"
