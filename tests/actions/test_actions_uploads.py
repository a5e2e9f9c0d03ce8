"""From a list to a matched audience: nothing without consent, nothing lost, no batch sent twice in a session."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update
from support.scripted import ATTESTATION, BAD_TERMS, DEAD_TOKEN, DOWN, LOST

from guestlist.actions import audiences, pages, uploads
from guestlist.domain.consent import check_attestation
from guestlist.errors import NotFoundError, RefusedError
from guestlist.storage import ledgers, rows, tables


async def current(house, upload):
    return await uploads.get_upload(house.services, house.workspace_id, upload["id"])


def sent_batches(house):
    return [seq for name, seq in house.graph.calls if name == "add_users"]


async def test_batches_go_in_order_in_one_session(house, upload):
    await house.run_ads()
    assert sent_batches(house) == [1, 2, 3, 4]
    now = await current(house, upload)
    assert (now["state"], now["rows_sent"], now["batches_sent"]) == ("matching", 35, 4)
    assert house.graph.received == {str(upload["session_id"]): 35}


async def test_the_attestation_stands_in_the_ledger_with_the_files_hash(house, upload, audience, customer_list):
    subject = f"audience:{audience['id']}"
    [entry] = await house.services.db.read(lambda tx: ledgers.find_consents(tx, house.workspace_id, subject))
    assert (entry["by"], entry["words"], entry["basis"]) == (ATTESTATION.by, ATTESTATION.words, ATTESTATION.basis)
    assert customer_list["sha256"] in entry["proof"]


async def test_without_attestation_nothing_is_planned(house, audience, customer_list):
    with pytest.raises(RefusedError) as refusal:
        check_attestation("", "", "")
    assert refusal.value.code == "consent_missing"
    await house.run_ads()
    assert sent_batches(house) == []


async def test_matching_is_polled_until_meta_is_done_and_says_why_nothing_shows(house, upload, audience):
    await house.run_ads()
    house.clock.move(minutes=3)
    await house.run_ads()
    assert (await current(house, upload))["reason"] == "meta_is_matching"
    house.graph.match(audience["meta_id"], 40, 60)
    house.clock.move(minutes=3)
    await house.run_ads()
    now = await current(house, upload)
    assert (now["state"], now["reason"]) == ("matched", "below_threshold")


async def test_a_lost_answer_whose_batch_arrived_is_not_repeated(house, upload):
    house.graph.script["add_users"] = [None, LOST]
    await house.run_ads()
    house.clock.move(minutes=1)
    await house.run_ads()
    assert sent_batches(house) == [1, 2, 3, 4]
    assert house.graph.received == {str(upload["session_id"]): 35}
    assert (await current(house, upload))["rows_sent"] == 35


async def test_a_lost_answer_whose_batch_never_arrived_is_sent_again(house, upload):
    house.graph.lost_has_effect = False
    house.graph.script["add_users"] = [None, LOST]
    await house.run_ads()
    for _ in range(2):
        house.clock.move(minutes=1)
        await house.run_ads()
    assert sent_batches(house) == [1, 2, 2, 3, 4]
    assert house.graph.received == {str(upload["session_id"]): 35}


async def test_a_batch_of_a_dead_owner_is_looked_up_first(house, upload):
    class PowerCutError(BaseException):
        """The process is gone."""

    def die(name):
        if name == "add_users" and len(sent_batches(house)) == 2:
            raise PowerCutError

    house.graph.before_call = die
    with pytest.raises(PowerCutError):
        await house.run_ads()
    house.graph.before_call = lambda name: None
    for _ in range(3):
        await house.run_ads()
        house.clock.move(minutes=1)
    assert [name for name, _ in house.graph.calls].count("read_sessions") == 2
    assert house.graph.received == {str(upload["session_id"]): 35}
    assert (await current(house, upload))["state"] == "matching"


async def test_a_token_that_dies_in_mid_upload_waits_for_reconnect(house, page, upload):
    house.graph.script["add_users"] = [None, DEAD_TOKEN]
    await house.run_ads()
    assert (await house.services.get_page(house.workspace_id, page["id"]))["state"] == "reconnect"
    assert (await current(house, upload))["batches_sent"] == 1
    await house.run_ads()
    assert sent_batches(house) == [1, 2]
    again = pages.Connection(page["page_id"], page["ad_account_id"], "EAAB-new", "EAAB-new")
    await pages.connect_page(house.services, house.workspace_id, again)
    await house.run_ads()
    assert house.graph.received == {str(upload["session_id"]): 35}


async def test_an_outage_delays_and_loses_nothing(house, upload):
    house.graph.script["add_users"] = [DOWN] * 5
    for _ in range(6):
        await house.run_ads()
        house.clock.move(minutes=5)
    assert house.graph.received == {str(upload["session_id"]): 35}


async def test_terms_pause_the_upload_until_it_is_resumed_at_its_first_open_batch(house, upload):
    house.graph.script["add_users"] = [None, BAD_TERMS]
    await house.run_ads()
    now = await current(house, upload)
    assert (now["state"], now["batches_sent"]) == ("paused", 1)
    await uploads.resume_upload(house.services, house.workspace_id, upload["id"])
    await house.run_ads()
    assert house.graph.received == {str(upload["session_id"]): 35}
    with pytest.raises(RefusedError, match="not paused"):
        await uploads.resume_upload(house.services, house.workspace_id, upload["id"])


async def test_an_upload_waits_until_its_audience_exists(house, page, customer_list):
    house.graph.script["create_audience"] = [DOWN]
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Late")
    started = await uploads.start_upload(
        house.services, house.workspace_id, audience_id=created["id"], list_id=customer_list["id"], attestation=ATTESTATION
    )
    await house.run_ads()
    assert (await current(house, started))["reason"] == "waiting_for_audience"
    house.clock.move(minutes=1)
    for _ in range(2):
        await house.run_ads()
        house.clock.move(seconds=5)
    assert house.graph.received == {str(started["session_id"]): 35}


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_audience_whose_creation_was_lost_is_made_exactly_once(house, page, arrived):
    house.graph.lost_has_effect = arrived
    house.graph.script["create_audience"] = [LOST]
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Lost")
    for _ in range(4):
        await house.run_ads()
        house.clock.move(minutes=1)
    row = await audiences.get_audience(house.services, house.workspace_id, created["id"])
    assert row["state"] == "ready"
    assert list(house.graph.audiences) == [row["meta_id"]]


async def test_audiences_made_elsewhere_are_seen_and_adopted_with_an_attestation(house, page):
    meta_id = await house.graph.create_audience(page["ad_account_id"], name="Old", description="", page_id=page["page_id"])
    found = await audiences.remote_audiences(house.services, house.workspace_id, page["id"])
    assert [info.name for info in found] == ["Old"]
    ours = await audiences.adopt_audience(
        house.services, house.workspace_id, page_id=page["id"], meta_id=meta_id, attestation=ATTESTATION
    )
    assert (ours["origin"], ours["state"]) == ("adopted", "ready")
    [entry] = await audiences.read_consents(house.services, house.workspace_id, ours["id"])
    assert entry["source"] == "attestation"
    with pytest.raises(RefusedError, match="already here"):
        await audiences.adopt_audience(
            house.services, house.workspace_id, page_id=page["id"], meta_id=meta_id, attestation=ATTESTATION
        )


async def test_an_audience_of_another_page_or_none_is_not_adopted(house, page):
    meta_id = await house.graph.create_audience(page["ad_account_id"], name="Foreign", description="", page_id="999")
    with pytest.raises(RefusedError, match="another Page"):
        await audiences.adopt_audience(
            house.services, house.workspace_id, page_id=page["id"], meta_id=meta_id, attestation=ATTESTATION
        )
    with pytest.raises(NotFoundError):
        await audiences.adopt_audience(
            house.services, house.workspace_id, page_id=page["id"], meta_id="123", attestation=ATTESTATION
        )


async def test_a_deleted_audience_takes_no_upload(house, audience, customer_list):
    await audiences.delete_audience(house.services, house.workspace_id, audience["id"])
    assert house.graph.audiences == {}
    with pytest.raises(RefusedError, match="deleted"):
        await uploads.start_upload(
            house.services, house.workspace_id, audience_id=audience["id"], list_id=customer_list["id"], attestation=ATTESTATION
        )


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (411, "matched", ""),
        (412, "matched", ""),
        (400, "matched", ""),
        (442, "matching", "meta_is_matching"),
        (410, "matching", "meta_is_matching"),
        (471, "paused", "audience_471"),
        (500, "paused", "audience_500"),
    ],
)
async def test_what_meta_says_of_its_operation_ends_holds_or_pauses_the_upload(house, upload, audience, code, state, reason):
    await house.run_ads()
    house.graph.match(audience["meta_id"], 105, 120)
    house.graph.audiences[audience["meta_id"]] = replace(house.graph.audiences[audience["meta_id"]], operation_code=code)
    house.clock.move(minutes=3)
    await house.run_ads()
    now = await current(house, upload)
    assert (now["state"], now["reason"]) == (state, reason)


async def test_meta_gets_a_second_look_before_a_batch_in_doubt_is_repeated(house, upload):
    house.graph.script["add_users"] = [None, LOST]
    await house.run_ads()
    late, house.graph.received = house.graph.received, type(house.graph.received)(int)
    house.graph.received.update({str(upload["session_id"]): 10})
    house.clock.move(seconds=6)
    await house.run_ads()
    house.graph.received = late
    for _ in range(3):
        house.clock.move(seconds=40)
        await house.run_ads()
    assert sent_batches(house) == [1, 2, 3, 4]


@pytest.mark.parametrize("fence", [1, 99])
async def test_work_left_half_done_by_the_lane_of_another_ad_account_goes_on(house, upload, audience, fence):
    waiting = {"state": "sending", "fence": fence}
    unit = update(tables.upload_batches).where(tables.upload_batches.c.seq == 1).values(**waiting)
    await house.services.db.write(lambda tx: tx.execute(unit))
    house.fence = 50
    house.graph.lost_has_effect = False
    for _ in range(5):
        await asyncio.wait_for(house.run_ads(), 5)
        house.clock.move(minutes=1)
    assert house.graph.received == {str(upload["session_id"]): 35}


@pytest.mark.parametrize("fence", [1, 99])
async def test_an_audience_left_in_creation_by_another_lane_is_looked_up(house, page, fence):
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Left")
    left = {"state": "creating", "fence": fence}
    await house.services.db.write(lambda tx: rows.change(tx, tables.audiences, house.workspace_id, created["id"], **left))
    house.fence = 50
    for _ in range(4):
        await asyncio.wait_for(house.run_ads(), 5)
        house.clock.move(minutes=1)
    row = await audiences.get_audience(house.services, house.workspace_id, created["id"])
    assert (row["state"], list(house.graph.audiences)) == ("ready", [row["meta_id"]])


async def test_an_audience_that_waited_for_a_person_is_tried_again_by_the_next_upload(house, page, customer_list):
    house.graph.script["create_audience"] = [BAD_TERMS]
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Terms")
    await house.run_ads()
    started = await uploads.start_upload(
        house.services, house.workspace_id, audience_id=created["id"], list_id=customer_list["id"], attestation=ATTESTATION
    )
    for _ in range(3):
        await house.run_ads()
        house.clock.move(seconds=5)
    assert house.graph.received == {str(started["session_id"]): 35}


async def test_an_audience_deleted_while_it_is_being_created_is_refused(house, page, monkeypatch):
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Raced")
    seen = await audiences.get_audience(house.services, house.workspace_id, created["id"])

    async def stale(*arguments):
        return seen

    begun = {"state": "creating", "fence": 1}
    await house.services.db.write(lambda tx: rows.change(tx, tables.audiences, house.workspace_id, created["id"], **begun))
    monkeypatch.setattr(audiences, "get_audience", stale)
    with pytest.raises(RefusedError, match="being created"):
        await audiences.delete_audience(house.services, house.workspace_id, created["id"])
