"""The proof by a client nobody here wrote: Meta's own Python SDK. No control call but start and clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from emulator_client import MESSAGE, Client
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

T = TypeVar("T")
pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator
GUESTS = [[f"guest{number}@Example.com ", f"+1 (555) 010-{number:04d}", "Ana"] for number in range(300)]
SCHEMA = ["EMAIL", "PHONE", "FN"]


@pytest.fixture
def sdk(graph: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    """The SDK as a business would set it up, with app secret (so with appsecret_proof)."""
    monkeypatch.setattr(FacebookSession, "GRAPH", graph.base)
    world = graph.world
    api = FacebookAdsApi.init(world["app_id"], world["app_secret"], world["system_user_token"], crash_log=False)
    yield api
    api._session.requests.close()


@pytest.fixture
def page_sdk(graph: Client, sdk: FacebookAdsApi) -> Iterator[FacebookAdsApi]:
    session = FacebookSession(graph.world["app_id"], graph.world["app_secret"], graph.world["page_token"])
    yield FacebookAdsApi(session)
    session.requests.close()


async def in_thread(action: Callable[..., T], *arguments: Any, **options: Any) -> T:
    return await asyncio.to_thread(action, *arguments, **options)


def create_audience(account: AdAccount, page_id: str) -> CustomAudience:
    return account.create_custom_audience(
        params={
            "name": "SDK guests",
            "description": "from the SDK",
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "subscription_info": ["MESSENGER"],
            "use_for_products": ["MARKETING_MESSAGES"],
            "marketing_message_channels": {"MESSENGER": page_id},
        }
    )


async def test_the_sdk_goes_from_list_to_sent_message(graph: Client, sdk: FacebookAdsApi, page_sdk: FacebookAdsApi) -> None:
    account, page_id = AdAccount(graph.world["ad_account_id"]), graph.world["page_id"]

    audience = await in_thread(create_audience, account, page_id)
    session = {"session_id": 9778993, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": len(GUESTS)}
    added = (await in_thread(audience.add_users, SCHEMA, GUESTS, is_raw=True, session=session)).json()
    assert (added["num_received"], added["num_invalid_entries"]) == (300, 0)

    params = {"name": "SDK campaign", "page_id": page_id, "daily_budget": 5000}
    campaign = await in_thread(account.create_message_campaign, params=params)
    await graph.advance(3700)
    await asyncio.sleep(0.05)

    fields = ["name", "operation_status", "approximate_count_lower_bound", "messenger_marketing_messages_page"]
    read = await in_thread(audience.api_get, fields=fields)
    assert read["operation_status"]["code"] == 200
    assert read["messenger_marketing_messages_page"]["id"] == page_id
    (sent_session,) = await in_thread(lambda: list(audience.get_sessions()))
    assert (sent_session["session_id"], sent_session["num_received"]) == ("9778993", "300")

    page = Page(page_id, api=page_sdk)
    query = {"limit": 50, "opt_in_source": ["SUBSCRIBER_LIST"], "do_not_return_duplicates": True}
    tokens = await in_thread(lambda: list(page.get_notification_message_tokens(params=query)))
    assert len(tokens) > 100

    delivery = {"subscription_token": tokens[0]["notification_messages_token"]}
    body = {"message_id": campaign["id"], "messenger_delivery_data": delivery, "message": MESSAGE}
    answer = await in_thread(account.create_message, params=body)
    assert len(answer["marketing_message_tracking_id"]) == 36

    with pytest.raises(FacebookRequestError) as refused:
        await in_thread(account.create_message, params=body)
    assert refused.value.api_error_code() == 2300035


async def test_the_sdk_lists_updates_removes_and_deletes(graph: Client, sdk: FacebookAdsApi) -> None:
    account = AdAccount(graph.world["ad_account_id"])
    audience = await in_thread(create_audience, account, graph.world["page_id"])
    await in_thread(audience.add_users, CustomAudience.Schema.email_hash, [row[0] for row in GUESTS])

    filtering = [{"field": "data_source.subtype", "operator": "IN", "value": [1010]}]
    query = {"filtering": filtering, "limit": 20, "summary": True}
    listed = await in_thread(lambda: account.get_custom_audiences(fields=["id", "name"], params=query))
    assert [one["name"] for one in listed] == ["SDK guests"]
    assert listed.total() == 1

    # The SDK puts the whole payload of a removal into the query string.
    removed = (await in_thread(audience.remove_users, SCHEMA, GUESTS * 4, is_raw=True)).json()
    assert removed["num_received"] == 1200

    await in_thread(audience.api_update, params={"name": "Renamed"})
    assert (await in_thread(audience.api_get, fields=["name"]))["name"] == "Renamed"
    await in_thread(audience.api_delete)
    with pytest.raises(FacebookRequestError) as gone:
        await in_thread(audience.api_get)
    assert (gone.value.api_error_code(), gone.value.api_error_subcode()) == (100, 33)


async def test_the_sdk_sends_batches_and_reads_campaigns(graph: Client, sdk: FacebookAdsApi) -> None:
    account = AdAccount(graph.world["ad_account_id"])
    made: list[Any] = []

    def create_three() -> None:
        batch = sdk.new_batch()
        for number in range(3):
            params = {"name": f"Campaign {number}", "page_id": graph.world["page_id"]}
            account.create_message_campaign(params=params, batch=batch, success=lambda answer: made.append(answer.json()))
        batch.execute()

    await in_thread(create_three)
    ads = await in_thread(lambda: list(account.get_ads(params={"fields": "id,campaign{name,is_message_campaign}"})))
    assert [ad["id"] for ad in ads] == [one["id"] for one in made]
    assert ads[0]["campaign"]["name"] == "Campaign 0"
    rows = await in_thread(lambda: list(account.get_insights(fields=["marketing_messages_sent"])))
    assert rows[0]["marketing_messages_sent"] == "0"


async def test_the_sdk_meets_the_error_of_a_dead_token(graph: Client, sdk: FacebookAdsApi) -> None:
    await graph.control("tokens/kill", {"token": graph.world["system_user_token"]})
    with pytest.raises(FacebookRequestError) as refused:
        await in_thread(AdAccount(graph.world["ad_account_id"]).api_get, fields=["tos_accepted"])
    assert refused.value.api_error_code() == 190
    assert refused.value.http_status() == 401
