"""Resuming goes on where a campaign stood: it is no way around the warm-up."""

from guestlist.actions import campaigns
from guestlist.domain.campaigns import text_message


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
