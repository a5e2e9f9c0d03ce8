"""A dry run is the action itself, with its checks and refusals, and without a trace."""

import asyncio

import pytest
from support.scripted import AD_ACCOUNT, ATTESTATION, PAGE_ID, ScriptedGraph

from guestlist.actions import audiences, campaigns, pages, uploads
from guestlist.actions.rehearsal import READS, ReadingGraph, rehearse
from guestlist.domain.campaigns import text_message
from guestlist.errors import NotFoundError, RefusedError
from guestlist.graph.base import Graph

OWN_WRITES = {"subscribe_page", "subscribe_app", "delete_audience"}
PAGE_WRITES = {
    *("send_action", "upload_attachment", "create_persona", "delete_persona"),
    *("set_messenger_profile", "clear_messenger_profile"),
}
LANE_WRITES = {
    *("create_audience", "add_users", "remove_users", "replace_users", "create_campaign", "send_marketing_message"),
    "send_message",
}


async def test_a_rehearsed_upload_is_planned_and_leaves_nothing(house, audience, customer_list):
    row = await uploads.start_upload(
        rehearse(house.services),
        house.workspace_id,
        audience_id=audience["id"],
        list_id=customer_list["id"],
        attestation=ATTESTATION,
    )

    assert (row["state"], row["rows"], row["batches"]) == ("queued", 35, 4)
    assert await uploads.list_uploads(house.services, house.workspace_id) == []
    assert await audiences.read_consents(house.services, house.workspace_id, audience["id"]) == []


async def test_a_rehearsal_refuses_what_the_action_refuses(house, campaign):
    rehearsed = rehearse(house.services)

    with pytest.raises(RefusedError, match="already launched"):
        await campaigns.launch_campaign(rehearsed, house.workspace_id, campaign["id"])
    with pytest.raises(NotFoundError):
        await audiences.get_audience(rehearsed, house.workspace_id, "aud_gone")


async def test_rehearsals_and_real_writes_go_through_the_writer_side_by_side(house, page):
    create, plan = audiences.create_audience, {"page_id": page["id"], "name": "Customers"}

    await asyncio.gather(
        *(
            create(services, house.workspace_id, **plan)
            for services in (house.services, rehearse(house.services))
            for _ in range(10)
        )
    )

    assert len(await audiences.list_audiences(house.services, house.workspace_id)) == 10


async def test_connecting_is_rehearsed_with_the_checks_and_without_subscribing(house):
    given = pages.Connection(PAGE_ID, AD_ACCOUNT, "EAAB-page", "EAAB-ads")

    page = await pages.connect_page(rehearse(house.services), house.workspace_id, given)

    assert page["name"]
    assert await pages.list_pages(house.services, house.workspace_id) == []
    assert not {name for name, _ in house.graph.calls} & OWN_WRITES


async def test_deleting_is_rehearsed_without_deleting(house, audience):
    await audiences.delete_audience(rehearse(house.services), house.workspace_id, audience["id"])

    assert (await audiences.get_audience(house.services, house.workspace_id, audience["id"]))["state"] == "ready"
    assert "delete_audience" not in {name for name, _ in house.graph.calls}


async def test_a_draft_is_rehearsed_down_to_its_message(house, page):
    draft = campaigns.Draft(page["id"], "Autumn", text_message("Two cups for one."))

    row = await campaigns.create_campaign(rehearse(house.services), house.workspace_id, draft)

    assert row["state"] == "queued"
    assert await campaigns.list_campaigns(house.services, house.workspace_id) == []


def test_every_call_of_the_contract_is_known_as_a_read_or_a_write():
    calls = {name for name in vars(Graph) if not name.startswith("_")}

    assert calls == READS | OWN_WRITES | LANE_WRITES | PAGE_WRITES | {"subscribed_fields"}


@pytest.mark.parametrize("write", sorted(LANE_WRITES | PAGE_WRITES))
def test_the_writes_of_lanes_and_of_pages_do_not_exist_in_a_rehearsal(write):
    with pytest.raises(AttributeError):
        getattr(ReadingGraph(ScriptedGraph()), write)
