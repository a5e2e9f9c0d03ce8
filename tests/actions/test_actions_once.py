"""Nobody gets the same message twice, nor two within the cool-down, whatever is repeated, lost or overlaps."""

import pytest
from sqlalchemy import select
from support.scripted import DEAD_TOKEN, LOST, THROTTLED, token_row

from guestlist.actions import campaigns, pages
from guestlist.actions.sending import CampaignHandOver
from guestlist.domain.campaigns import text_message
from guestlist.engine.bucket import TokenBucket
from guestlist.storage import tables


def hand_over(house, page, fence=99):
    return CampaignHandOver(house.services, page, TokenBucket(0), fence=fence)


async def second_campaign(house, page):
    draft = campaigns.Draft(page["id"], "Second", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    return await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])


async def test_an_outcome_written_twice_does_not_put_back_a_row_claimed_again_meanwhile(house, page, campaign):
    work = hand_over(house, page)
    house.graph.script["send"] = [THROTTLED]
    [handed] = await work.recheck(await work.claim(1))
    throttled = await work.call(handed)
    await work.record([throttled])  # committed, but the answer to the commit was lost
    house.clock.move(seconds=2)
    again = await work.recheck([each for each in await work.claim(120) if each.position == handed.position])
    await work.record([throttled])
    [row] = [
        each
        for each in await campaigns.list_recipients(house.services, house.workspace_id, campaign["id"], limit=200)
        if each["position"] == handed.position
    ]
    assert (row["state"], len(again)) == ("sending", 1)


async def test_two_campaigns_never_have_the_same_person_on_the_wire(house, page, campaign):
    await second_campaign(house, page)
    work = hand_over(house, page)
    claimed = await work.claim(500)
    assert len(claimed) == len({each.subscriber_id for each in claimed}) == 120
    await house.run_page(page["id"])


async def test_whoever_may_have_got_the_last_message_cools_down_too(house, page, campaign):
    house.graph.script["send"] = [LOST] * 5
    await house.run_page(page["id"])
    cooling = select(tables.subscribers.c.id).where(tables.subscribers.c.next_eligible_at > house.services.now_ms())
    assert len(await house.services.db.read(lambda tx: tx.fetch_all(cooling))) == 120


async def test_whom_a_dead_owner_called_cools_down_too(house, page, campaign):
    work = hand_over(house, page, fence=0)
    await work.recheck(await work.claim(7))
    house.graph.script["send"] = [DEAD_TOKEN]
    await house.run_page(page["id"])
    unknown = await campaigns.list_recipients(house.services, house.workspace_id, campaign["id"], state="unknown")
    ids = [row["subscriber_id"] for row in unknown]
    query = select(tables.subscribers.c.next_eligible_at).where(tables.subscribers.c.id.in_(ids))
    times = [row["next_eligible_at"] for row in await house.services.db.read(lambda tx: tx.fetch_all(query))]
    assert len(times) == 7
    assert all(times)


async def test_a_fresh_token_outlives_the_refusals_of_the_old_one(house, page, campaign):
    work = hand_over(house, page)
    house.graph.script["send"] = [DEAD_TOKEN]
    [handed] = await work.recheck(await work.claim(1))
    refused = await work.call(handed)
    again = pages.Connection(page["page_id"], page["ad_account_id"], "EAAB-new", "EAAB-new")
    await pages.connect_page(house.services, house.workspace_id, again)
    await work.record([refused])
    assert (await house.services.get_page(house.workspace_id, page["id"]))["state"] == "connected"


async def test_a_lane_takes_up_the_fresh_token_without_a_new_run(house, page, campaign):
    used = []
    graph = house.graph
    tokens = type("Tokens", (), {"with_token": lambda self, token: used.append(token) or graph})()
    import dataclasses

    house.services = dataclasses.replace(house.services, graph=tokens)
    work = hand_over(house, page)
    await work.claim(1)
    again = pages.Connection(page["page_id"], page["ad_account_id"], "EAAB-new", "EAAB-newer")
    await pages.connect_page(house.services, house.workspace_id, again)
    used.clear()
    await work.claim(1)
    assert used == ["EAAB-newer"]


async def test_a_token_listed_twice_is_one_subscriber(house, page, audience):
    house.graph.tokens = [token_row("7", audience["meta_id"]), token_row("7", audience["meta_id"]), token_row("8")]
    await house.run_sync(page["id"])
    query = select(tables.subscribers.c.token)
    assert sorted(row["token"] for row in await house.services.db.read(lambda tx: tx.fetch_all(query))) == ["7", "8"]


@pytest.mark.parametrize("seconds", [None, 1800.0])
async def test_a_cool_down_we_did_not_know_of_is_not_asked_about_every_few_minutes(house, page, campaign, seconds):
    from guestlist.graph.base import ErrorClass, GraphError

    cooling = GraphError("Too early.", kind=ErrorClass.WAIT, code=2300035, number=2300035, retry_after=seconds)
    house.graph.script["send"] = [cooling] * 5000
    for _ in range(12 * 6):
        await house.run_page(page["id"])
        house.clock.move(minutes=10)
    calls = [call for call in house.graph.calls if call[0] == "send"]
    assert len(calls) <= 120 * 24
