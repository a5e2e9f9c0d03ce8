"""No campaign is left hanging: whatever crosses a stop, a pause or a launch, every recipient ends and the campaign does."""

import asyncio

import pytest
from sqlalchemy import func, select, update
from support.databases import postgres_only
from support.scripted import DOWN

from guestlist.actions import campaigns, sending
from guestlist.actions.sending import CampaignHandOver
from guestlist.domain.campaigns import text_message
from guestlist.engine.bucket import TokenBucket
from guestlist.storage import postgres, recipients, rows, tables, work
from guestlist.storage.instants import to_ms


async def funnel(house, campaign):
    return await campaigns.read_funnel(house.services, house.workspace_id, campaign["id"])


async def state(house, campaign):
    return (await campaigns.get_campaign(house.services, house.workspace_id, campaign["id"]))["state"]


async def due(house):
    lanes = await house.services.db.read(lambda tx: work.due_lanes(tx, house.services.now_ms()))
    return [lane for lane in lanes if lane.startswith("page:")]


def hand_over(house, page, fence=99):
    return CampaignHandOver(house.services, page, TokenBucket(0), fence=fence)


async def stop(house, campaign):
    await campaigns.stop_campaign(house.services, house.workspace_id, campaign["id"])


async def test_a_recipient_put_back_after_the_stop_is_closed_by_the_lane(house, page, campaign):
    work = hand_over(house, page)
    first, second, *_ = claimed = await work.claim(3)
    house.graph.script["send"] = [DOWN]
    await work.recheck([first])
    sent = await work.call(first)
    await stop(house, campaign)
    await work.record([sent])
    await work.release(claimed[1:])
    assert (await funnel(house, campaign))["pending"] == 3
    assert f"page:{house.workspace_id}:{page['id']}" in await due(house)
    await house.run_page(page["id"])
    found = await funnel(house, campaign)
    assert (found["pending"], found["failed"]) == (0, {"stopped": 120})
    assert await due(house) == []


async def test_a_stop_cut_off_by_a_kill_is_finished_by_the_lane(house, page, campaign):
    ended = {"state": "stopped", "finished_at": house.services.now_ms()}
    unit = lambda tx: rows.change(tx, tables.campaigns, house.workspace_id, campaign["id"], **ended)  # noqa: E731
    await house.services.db.write(unit)
    assert f"page:{house.workspace_id}:{page['id']}" in await due(house)
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["failed"] == {"stopped": 120}


async def test_a_campaign_paused_over_its_last_answer_finishes_after_the_resume_without_any_ring(house, page, campaign):
    work = hand_over(house, page)
    claimed = await work.claim(200)
    await work.recheck(claimed)
    outcomes = [await work.call(each) for each in claimed]
    await campaigns.pause_campaign(house.services, house.workspace_id, campaign["id"])
    await work.record(outcomes)
    await campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"])
    await house.run_ads()
    assert await due(house) == [f"page:{house.workspace_id}:{page['id']}"]
    await house.run_page(page["id"])
    assert await state(house, campaign) == "finished"
    assert await due(house) == []


async def test_a_campaign_launched_while_paused_runs_when_resumed(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Held", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    await campaigns.pause_campaign(house.services, house.workspace_id, created["id"])
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    assert await state(house, created) == "paused"
    await campaigns.resume_campaign(house.services, house.workspace_id, created["id"])
    await house.run_ads()
    await house.run_page(page["id"])
    assert await state(house, created) == "finished"


async def test_a_launch_between_the_look_and_the_step_out_of_the_warm_up_is_not_forgotten(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Raced", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    seen = await campaigns.get_campaign(house.services, house.workspace_id, created["id"])
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    await campaigns.advance_campaign(house.services, page, seen, 77)
    await house.run_ads()
    assert await state(house, created) == "running"


async def test_a_cool_down_beyond_the_campaigns_end_does_not_hold_it_open(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Short", text_message("Hi"), expires_at=house.clock.at.replace(hour=18))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    await cool_everybody(house, house.clock.at.replace(hour=23))
    await house.run_page(page["id"])
    assert (await funnel(house, created))["pending"] == 120
    house.clock.at = house.clock.at.replace(hour=19)
    await house.run_page(page["id"])
    assert (await funnel(house, created))["failed"] == {"expired": 120}
    assert await state(house, created) == "finished"


async def cool_everybody(house, until):
    change = update(tables.subscribers).values(next_eligible_at=to_ms(until))
    await house.services.db.write(lambda tx: tx.execute(change))


@postgres_only
async def test_claims_and_records_of_one_campaign_never_wait_for_each_other_in_a_ring(house, page, campaign, monkeypatch):
    if house.services.db.dialect != "postgresql":
        pytest.skip("one writer cannot deadlock")
    failures = []
    understand = postgres.postgres_failure
    monkeypatch.setattr(postgres, "postgres_failure", lambda *seen: failures.append(understand(*seen)) or failures[-1])
    work = hand_over(house, page)
    outcomes = [await work.call(each) for each in await work.recheck(await work.claim(5))]
    monkeypatch.setattr(sending.recipients, "due_recipients", after_a_while(recipients.due_recipients))
    claim = asyncio.create_task(work.claim(5))
    await asyncio.sleep(0.05)  # far enough apart for a group each, near enough to overlap
    await work.record(outcomes)
    assert len(await claim) == 5
    assert failures == []
    assert (await funnel(house, campaign))["accepted"] == 5


def after_a_while(statement):
    """A statement that comes late, its transaction holding meanwhile what it holds."""

    async def late(tx, *arguments):
        await tx.fetch_all(select(func.pg_sleep(0.2).is_(None)))
        return await statement(tx, *arguments)

    return late


@postgres_only
async def test_a_launch_beside_a_sync_still_adds_up(house, page, subscribed, monkeypatch):
    if house.services.db.dialect != "postgresql":
        pytest.skip("one writer runs one unit at a time")
    from support.scripted import token_row

    draft = campaigns.Draft(page["id"], "Beside", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    meta_id = house.graph.tokens[0].audience_ids[0]
    for n in range(40):
        house.graph.tokens.append(token_row(f"6{n:06}", meta_id))
    house.graph.page_size = 4
    for _ in range(3):
        house.graph.page_size += 1
        await asyncio.gather(
            house.run_sync(page["id"]),
            campaigns.launch_campaign(house.services, house.workspace_id, created["id"]),
        )
        found = await funnel(house, created)
        listed = await campaigns.list_recipients(house.services, house.workspace_id, created["id"], limit=1000)
        assert found["recipients"] == len(listed) == found["pending"]
        assert sum(found["subscribers"].values()) == found["recipients"] + sum(found["excluded"].values())
        created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
