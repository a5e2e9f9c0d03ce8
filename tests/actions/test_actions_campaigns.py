"""A campaign from creation to its end: who gets it, who does not and why, and that it always adds up."""

import dataclasses

import pytest
from support.scripted import BAD_TERMS, DEAD_TOKEN, DOWN, LOST, NO_PAYMENT, OPTED_OUT, THROTTLED, WARMING, House, token_row

from guestlist.actions import campaigns, pages, subscribers
from guestlist.domain.campaigns import text_message
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.graph.base import ErrorClass, GraphError
from guestlist.storage import ledgers


async def funnel(house, campaign):
    """The funnel, after checking that its totals add up."""
    found = await campaigns.read_funnel(house.services, house.workspace_id, campaign["id"])
    assert found["recipients"] == found["accepted"] + sum(found["failed"].values()) + found["unknown"] + found["pending"]
    assert sum(found["subscribers"].values()) == found["recipients"] + sum(found["excluded"].values())
    return found


async def state(house, campaign):
    row = await campaigns.get_campaign(house.services, house.workspace_id, campaign["id"])
    return row["state"], row["action"]


async def test_everybody_gets_it_once_and_the_campaign_finishes(house, page, campaign):
    await house.run_page(page["id"])
    assert sorted(token for _, token in house.graph.sent) == sorted(row.token for row in house.graph.tokens)
    assert (await funnel(house, campaign))["accepted"] == 120
    assert await state(house, campaign) == ("finished", "")


async def test_nothing_is_sent_before_the_warm_up_is_over(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Early", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    await house.run_page(page["id"])
    assert await state(house, created) == ("warming", "")
    assert house.graph.sent == []
    house.clock.move(hours=1, seconds=1)
    await house.run_ads()
    await house.run_page(page["id"])
    assert await state(house, created) == ("finished", "")


async def test_the_opted_out_and_the_cooling_are_left_out_with_their_reason(house, page, campaign):
    await house.run_page(page["id"])
    house.graph.tokens.append(token_row("5999999", *house.graph.tokens[0].audience_ids))
    await house.run_sync(page["id"])
    everybody = await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"], limit=200)
    fresh = next(row for row in everybody if row["token"] == "5999999")
    leaver = next(row for row in everybody if row["token"] == "5000007")
    await subscribers.opt_out_subscriber(house.services, house.workspace_id, leaver["id"], by="test")
    draft = campaigns.Draft(page["id"], "Second", text_message("Hi"))
    second = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    launched = await campaigns.launch_campaign(house.services, house.workspace_id, second["id"])
    assert launched["recipients"] == 1
    assert fresh["opted_out_at"] is None
    assert (await funnel(house, launched))["excluded"] == {"cool_down": 119, "opted_out": 1}


async def test_a_lost_answer_is_unknown_and_never_repeated(house, page, campaign):
    house.graph.script["send"] = [LOST]
    await house.run_page(page["id"])
    house.clock.move(hours=30)
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["unknown"] == 1
    assert len(house.graph.sent) == len(set(house.graph.sent)) == 120
    listed = await campaigns.list_recipients(house.services, house.workspace_id, campaign["id"], state="unknown")
    assert [row["reason"] for row in listed] == ["answer_lost"]


@pytest.mark.parametrize(("called", "unknown"), [(0, 0), (20, 20)])
async def test_only_what_a_dead_owner_had_called_is_in_doubt(house, page, campaign, called, unknown):
    class PowerCutError(BaseException):
        """The process is gone."""

    async def die(rows, bucket, ownership):
        claimed = await rows.claim(50)
        if called:
            await rows.recheck(claimed[:called])
        raise PowerCutError

    dying = House(dataclasses.replace(house.services, pump=die), house.graph, house.clock)
    with pytest.raises(PowerCutError):
        await dying.run_page(page["id"])
    house.fence = dying.fence
    await house.run_page(page["id"])
    found = await funnel(house, campaign)
    assert (found["unknown"], found["accepted"]) == (unknown, 120 - unknown)
    assert await state(house, campaign) == ("finished", "")


UNLISTED = GraphError("Meta gives a number we do not know.", kind=ErrorClass.WAIT, code=2300099, number=2300099)


@pytest.mark.parametrize(
    ("answers", "accepted", "failed"),
    [
        ([UNLISTED] * 3, 0, {"graph_2300099": 120}),
        ([THROTTLED] * 4 + [UNLISTED] * 2, 120, {}),
        ([UNLISTED, THROTTLED, UNLISTED, THROTTLED, UNLISTED], 0, {"graph_2300099": 120}),
    ],
)
async def test_a_number_nobody_knows_is_borne_three_times_and_throttles_do_not_count(
    house, page, campaign, answers, accepted, failed
):
    for answer in answers:
        house.graph.script["send"] = [answer] * 120
        await house.run_page(page["id"])
        house.clock.move(hours=1)
    await house.run_page(page["id"])
    found = await funnel(house, campaign)
    assert (found["accepted"], found["failed"]) == (accepted, failed)


async def test_an_opt_out_learned_by_sending_is_noted_with_its_proof(house, page, campaign):
    house.graph.script["send"] = [OPTED_OUT]
    await house.run_page(page["id"])
    found = await funnel(house, campaign)
    assert found["failed"] == {"opted_out": 1}
    assert found["opted_out"] == 1
    [gone] = await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"], opted_out=True)
    entries = await house.services.db.read(lambda tx: ledgers.find_consents(tx, house.workspace_id, f"subscriber:{gone['id']}"))
    assert [(entry["act"], entry["source"]) for entry in entries] == [("withdrawn", "send_refused")]
    assert await house.services.db.read(lambda tx: ledgers.broken_link(tx, house.workspace_id)) is None


@pytest.mark.parametrize("error", [THROTTLED, DOWN])
async def test_throttles_and_outages_slow_but_never_fail_anybody(house, page, campaign, error):
    house.graph.script["send"] = [error] * 200
    for _ in range(8):
        await house.run_page(page["id"])
        assert (await funnel(house, campaign))["failed"] == {}
        house.clock.move(minutes=10)
    assert (await funnel(house, campaign))["accepted"] == 120


async def test_a_campaign_that_is_not_warm_yet_waits_as_a_whole(house, page, campaign):
    house.graph.script["send"] = [WARMING] * 120
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["pending"] == 120
    await house.run_page(page["id"])
    assert len([call for call in house.graph.calls if call[0] == "send"]) == 120
    house.clock.move(minutes=10)
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["accepted"] == 120


@pytest.mark.parametrize(("error", "action"), [(NO_PAYMENT, "billing"), (BAD_TERMS, "terms")])
async def test_billing_and_terms_pause_until_a_person_acts(house, page, campaign, error, action):
    house.graph.script["send"] = [error] * 300
    await house.run_page(page["id"])
    paused, todo = await state(house, campaign)
    assert paused == "paused"
    assert action in todo.lower()
    assert (await funnel(house, campaign))["pending"] == 120
    house.graph.script["send"] = []
    await campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"])
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["accepted"] == 120


async def test_a_dead_token_rests_the_page_and_keeps_everybody(house, page, campaign):
    house.graph.script["send"] = [DEAD_TOKEN] * 120
    await house.run_page(page["id"])
    assert (await house.services.get_page(house.workspace_id, page["id"]))["state"] == "reconnect"
    house.graph.script["send"] = []
    await house.run_page(page["id"])
    assert house.graph.sent == []
    again = pages.Connection(page["page_id"], page["ad_account_id"], "EAAB-new", "EAAB-new")
    await pages.connect_page(house.services, house.workspace_id, again)
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["accepted"] == 120


async def test_nobody_is_claimed_after_an_opt_out_committed(house, page, campaign):
    leaver = (await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"], limit=1))[0]
    await subscribers.opt_out_subscriber(house.services, house.workspace_id, leaver["id"], by="test")
    await house.run_page(page["id"])
    assert leaver["token"] not in [token for _, token in house.graph.sent]
    assert (await funnel(house, campaign))["failed"] == {"opted_out": 1}


async def test_an_opt_out_between_claim_and_call_still_holds(house, page, campaign):
    from guestlist.actions.sending import CampaignHandOver
    from guestlist.engine.bucket import TokenBucket

    work = CampaignHandOver(house.services, page, TokenBucket(0), fence=99)
    claimed = await work.claim(3)
    await subscribers.opt_out_subscriber(house.services, house.workspace_id, claimed[1].subscriber_id, by="test")
    still = await work.recheck(claimed)
    assert [each.position for each in still] == [claimed[0].position, claimed[2].position]
    assert (await funnel(house, campaign))["failed"] == {"opted_out": 1}
    await work.release(still)
    assert (await funnel(house, campaign))["pending"] == 119


async def test_pause_holds_resume_goes_on_stop_closes_with_a_reason(house, page, campaign):
    await campaigns.pause_campaign(house.services, house.workspace_id, campaign["id"])
    await house.run_page(page["id"])
    assert house.graph.sent == []
    with pytest.raises(RefusedError, match="paused"):
        await campaigns.pause_campaign(house.services, house.workspace_id, campaign["id"])
    await campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"])
    await campaigns.stop_campaign(house.services, house.workspace_id, campaign["id"])
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["failed"] == {"stopped": 120}
    with pytest.raises(RefusedError):
        await campaigns.resume_campaign(house.services, house.workspace_id, campaign["id"])


async def test_an_expired_campaign_closes_its_rest(house, page, subscribed):
    draft = campaigns.Draft(page["id"], "Short", text_message("Hi"), expires_at=house.clock.at.replace(hour=23))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    house.clock.move(hours=12)
    await house.run_page(page["id"])
    assert (await funnel(house, created))["failed"] == {"expired": 120}
    assert await state(house, created) == ("finished", "")


async def test_a_placeholder_one_person_lacks_fails_that_person_alone(house, page, campaign):
    nameless = GraphError("A placeholder cannot be filled.", kind=ErrorClass.FIX, code=2300038, number=2300038)
    house.graph.script["send"] = [nameless]
    await house.run_page(page["id"])
    assert (await funnel(house, campaign))["failed"] == {"name_missing": 1}


async def test_a_lost_creation_is_found_again_by_its_mark(house, page, subscribed):
    house.graph.script["create_campaign"] = [LOST]
    draft = campaigns.Draft(page["id"], "Lost", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    assert (await state(house, created))[0] == "unknown"
    house.clock.move(minutes=1)
    await house.run_ads()
    assert (await state(house, created))[0] == "warming"
    assert len(house.graph.campaigns) == 1


async def test_a_creation_that_never_arrived_is_made_after_looking_twice(house, page, subscribed):
    house.graph.lost_has_effect = False
    house.graph.script["create_campaign"] = [LOST]
    draft = campaigns.Draft(page["id"], "Lost", text_message("Hi"))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    for _ in range(4):
        await house.run_ads()
        house.clock.move(minutes=1)
    assert (await state(house, created))[0] == "warming"
    assert len(house.graph.campaigns) == 1


async def test_bad_campaigns_are_refused(house, page, subscribed):
    ws = house.workspace_id
    with pytest.raises(UsageError, match="not both"):
        await campaigns.create_campaign(
            house.services, ws, campaigns.Draft(page["id"], "A", text_message("a"), daily_budget=1, lifetime_budget=1)
        )
    with pytest.raises(UsageError, match="past"):
        await campaigns.create_campaign(
            house.services, ws, campaigns.Draft(page["id"], "A", text_message("a"), expires_at=house.clock.at)
        )
    with pytest.raises(NotFoundError):
        await campaigns.create_campaign(house.services, ws, campaigns.Draft("pag_none", "A", text_message("a")))
    with pytest.raises(NotFoundError):
        await campaigns.launch_campaign(house.services, ws, "cmp_none")


async def test_a_campaign_without_recipients_is_not_launched(house, page):
    created = await campaigns.create_campaign(
        house.services, house.workspace_id, campaigns.Draft(page["id"], "A", text_message("a"))
    )
    with pytest.raises(RefusedError) as refusal:
        await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
    assert refusal.value.code == "no_recipients"
    assert (await campaigns.get_campaign(house.services, house.workspace_id, created["id"]))["launched_at"] is None


async def test_nobody_launches_twice(house, page, campaign):
    with pytest.raises(RefusedError) as refusal:
        await campaigns.launch_campaign(house.services, house.workspace_id, campaign["id"])
    assert refusal.value.code == "already_launched"
