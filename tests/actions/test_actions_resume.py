"""Resuming goes on where a campaign stood: it is no way around the warm-up."""

import pytest
from support.scripted import AD_ACCOUNT, PAGE_ID

from guestlist.actions import campaigns, pages, uploads
from guestlist.domain.campaigns import text_message
from guestlist.errors import RefusedError


async def test_a_campaign_resumed_while_it_warms_up_stays_cold_until_its_hour(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Autumn", text_message("Two cups for one."))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])

    await campaigns.pause_campaign(house.services, house.workspace_id, created["id"])
    await campaigns.resume_campaign(house.services, house.workspace_id, created["id"])
    await house.run_ads()

    assert (await campaigns.get_campaign(house.services, house.workspace_id, created["id"]))["state"] == "warming"
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    assert (await campaigns.get_campaign(house.services, house.workspace_id, created["id"]))["state"] == "running"


async def rest(house, page):
    """Meta takes the Page's tokens no longer."""
    await pages.mark_dead(house.services, await house.services.get_page(house.workspace_id, page["id"]), "The token died.")


async def refuse(resuming):
    with pytest.raises(RefusedError) as refused:
        await resuming
    return refused.value.code, refused.value.remedy


CONNECT = ("reconnect_needed", "Connect it with fresh tokens: guestlist pages connect")


@pytest.mark.parametrize("paused", [True, False])
async def test_a_campaign_whose_page_rests_is_resumed_by_connecting_it(house, page, campaign, paused):
    if paused:
        await campaigns.pause_campaign(house.services, house.workspace_id, campaign["id"])
    await rest(house, page)

    assert await refuse(campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"])) == CONNECT

    await campaigns.stop_campaign(house.services, house.workspace_id, campaign["id"])
    code, _ = await refuse(campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"]))
    assert code == "not_paused"


async def test_an_upload_whose_page_rests_is_resumed_by_connecting_it(house, page, upload):
    await rest(house, page)
    assert await refuse(uploads.resume_upload(house.services, house.workspace_id, upload["id"])) == CONNECT

    await pages.connect_page(house.services, house.workspace_id, pages.Connection(PAGE_ID, AD_ACCOUNT, "EAAB-new", "EAAB-new"))
    code, _ = await refuse(uploads.resume_upload(house.services, house.workspace_id, upload["id"]))
    assert code == "not_paused"
