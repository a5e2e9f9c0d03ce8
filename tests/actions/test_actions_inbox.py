"""Receipts and opt-ins from stored webhooks: forward only, in any order, however often."""

import random
from datetime import timedelta
from itertools import permutations

import orjson
import pytest
from sqlalchemy import select
from support.scripted import ATTESTATION, LOST, PAGE_ID

from guestlist.actions import campaigns, inbox, pages, subscribers, uploads
from guestlist.actions.sending import CampaignHandOver
from guestlist.engine.bucket import TokenBucket
from guestlist.errors import DependencyError
from guestlist.storage import rows, tables
from guestlist.storage.instants import to_ms
from guestlist.storage.webhooks import insert_webhook

KINDS = ("echoes", "deliveries", "reads", "clicks")


async def receive(house, *changes, page_id=PAGE_ID):
    """Stores one body with these (field, value) changes, as the receiver does."""
    at = to_ms(house.clock.at)
    entry = {"id": page_id, "time": at, "changes": [{"field": field, "value": value} for field, value in changes]}
    body = orjson.dumps({"object": "page", "entry": [entry], "n": random.random()})
    await house.services.db.write(lambda tx: insert_webhook(tx, "meta", "", body, at))


def receipt(house, kind, campaign, token, *, tracked=True, **more):
    value: dict = {"page_id": PAGE_ID, "timestamp": to_ms(house.clock.at), "messenger_subscription_token": token, **more}
    if kind == "failed":
        return "marketing_message_delivery_failed", {**value, "message_id": campaign["meta_id"], "error_message": "gone"}
    if tracked and kind != "clicks":
        value["marketing_message_tracking_id"] = f"track-{campaign['meta_id']}-{token}"
    return f"marketing_message_{kind}", {**value, "message_id": campaign["meta_id"]}


async def funnel(house, campaign):
    found = await campaigns.read_funnel(house.services, house.workspace_id, campaign["id"])
    assert found["recipients"] == found["accepted"] + sum(found["failed"].values()) + found["unknown"] + found["pending"]
    return {name: found[name] for name in ("accepted", "delivered", "read", "clicked", "failed", "unknown", "pending")}


@pytest.mark.parametrize("order", list(permutations(KINDS)))
async def test_receipts_in_every_order_end_alike(house, page, campaign, order):
    await house.run_page(page["id"])
    for kind in order:
        await receive(house, receipt(house, kind, campaign, "5000001"))
        await house.run_inbox()
    found = await funnel(house, campaign)
    assert (found["accepted"], found["delivered"], found["read"], found["clicked"]) == (120, 1, 1, 1)


async def test_doubled_receipts_count_once(house, page, campaign):
    await house.run_page(page["id"])
    for _ in range(3):
        await receive(house, *(receipt(house, kind, campaign, "5000001") for kind in (*KINDS, *KINDS)))
    await house.run_inbox()
    found = await funnel(house, campaign)
    assert (found["delivered"], found["read"], found["clicked"]) == (1, 1, 1)


async def test_a_late_failure_leaves_accepted_and_a_delivery_outranks_it(house, page, campaign):
    await house.run_page(page["id"])
    await receive(house, receipt(house, "failed", campaign, "5000001"))
    await receive(house, receipt(house, "failed", campaign, "5000002"))
    await house.run_inbox()
    assert (await funnel(house, campaign))["failed"] == {"late_failure": 2}
    await receive(house, receipt(house, "deliveries", campaign, "5000002"))
    await house.run_inbox()
    found = await funnel(house, campaign)
    assert (found["accepted"], found["delivered"], found["failed"]) == (119, 1, {"late_failure": 1})


@pytest.mark.parametrize("tracked", [True, False])
async def test_an_echo_settles_an_unknown_by_token_and_campaign(house, page, campaign, tracked):
    house.graph.script["send"] = [LOST]
    await house.run_page(page["id"])
    [row] = await campaigns.list_recipients(house.services, house.workspace_id, campaign["id"], state="unknown")
    token = next(each.token for each in house.graph.tokens if ("send", each.token) == house.graph.calls[_first_send(house)])
    await receive(house, receipt(house, "echoes", campaign, token, tracked=tracked))
    await house.run_inbox()
    found = await funnel(house, campaign)
    assert (found["unknown"], found["accepted"]) == (0, 120)
    assert row["reason"] == "answer_lost"


def _first_send(house):
    return next(number for number, (name, _) in enumerate(house.graph.calls) if name == "send")


async def test_a_receipt_that_overtakes_the_answer_is_not_undone_by_it(house, page, campaign):
    work = CampaignHandOver(house.services, page, TokenBucket(0), fence=50)
    [handed] = await work.claim(1)
    sent = await work.call(handed)
    await receive(house, receipt(house, "reads", campaign, handed.token, tracked=False))
    await house.run_inbox()
    await work.record([sent])
    found = await funnel(house, campaign)
    assert (found["read"], found["accepted"], found["pending"]) == (1, 1, 119)


async def test_pages_and_campaigns_we_do_not_know_change_nothing(house, page, campaign):
    await house.run_page(page["id"])
    before = await funnel(house, campaign)
    await receive(house, receipt(house, "reads", campaign, "5000001", page_id="777"), page_id="777")
    await receive(house, receipt(house, "reads", {"meta_id": "1"}, "5000001", tracked=False))
    await receive(house, ("feed", {"item": "comment"}), ("brand_new_field", {"a": 1}))
    await house.run_inbox()
    assert await funnel(house, campaign) == before


async def test_an_implausible_timestamp_neither_rejects_nor_reorders(house, page, campaign):
    await house.run_page(page["id"])
    await receive(house, receipt(house, "reads", campaign, "5000001", timestamp=999_999_999_999_999))
    await house.run_inbox()
    assert (await funnel(house, campaign))["read"] == 1


async def test_the_upload_status_brings_the_bounds_and_the_next_look(house, upload, audience):
    await house.run_ads()
    house.graph.match(audience["meta_id"], 105, 120)
    status = {"custom_audience_id": int(audience["meta_id"]), "page_id": int(PAGE_ID), "num_rows": 35, "timestamp": 1750000000}
    status |= {"approximate_count_lower_bound": 105, "approximate_count_upper_bound": 120, "batch_uploading_status": "SUCCESS"}
    await receive(house, ("marketing_messages_subscriber_upload_status", status))
    await house.run_inbox()
    await house.run_ads()
    assert (await uploads.get_upload(house.services, house.workspace_id, upload["id"]))["state"] == "matched"


def optin(token, status=None):
    body = {"type": "notification_messages", "notification_messages_token": token, "title": "Weekly offers"}
    return {**body, **({"notification_messages_status": status} if status else {})}


async def receive_optin(house, token, status=None, at=None):
    at = at or to_ms(house.clock.at)
    event = {"sender": {"id": "24"}, "recipient": {"id": PAGE_ID}, "timestamp": at, "optin": optin(token, status)}
    entry = {"id": PAGE_ID, "time": at, "messaging": [event]}
    body = orjson.dumps({"object": "page", "entry": [entry], "n": random.random()})
    await house.services.db.write(lambda tx: insert_webhook(tx, "meta", "", body, to_ms(house.clock.at)))
    await house.run_inbox()


async def test_a_person_opts_in_stops_and_resumes_in_the_thread(house, page):
    states = []
    for status in (None, "STOP NOTIFICATIONS", "STOP_NOTIFICATIONS", "RESUME NOTIFICATIONS"):
        await receive_optin(house, "61", status)
        [row] = await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"])
        states.append((row["source"], row["opt_out_reason"]))
    assert states == [
        ("opt_in_request", None),
        ("opt_in_request", "stopped"),
        ("opt_in_request", "stopped"),
        ("opt_in_request", None),
    ]


async def test_garbage_that_was_signed_is_marked_and_harms_nothing(house, page, campaign):
    await house.run_page(page["id"])
    at = to_ms(house.clock.at)
    for body in (b"\xff\xfe", b"[]", b'{"object":"page","entry":[{"changes":[{"field":"marketing_message_reads","value":7}]}]}'):
        await house.services.db.write(lambda tx, body=body: insert_webhook(tx, "meta", "", body, at))
    await receive(house, receipt(house, "reads", campaign, "5000001"))
    await house.run_inbox()
    assert (await funnel(house, campaign))["read"] == 1


async def test_an_old_yes_does_not_lift_a_later_no(house, page):
    await receive_optin(house, "61")
    house.clock.move(hours=1)
    await receive_optin(house, "61", "STOP NOTIFICATIONS")
    house.clock.move(days=30)
    long_ago = to_ms(house.clock.at - timedelta(days=31))
    for status in (None, "RESUME NOTIFICATIONS"):
        await receive_optin(house, "61", status, at=long_ago)
    [row] = await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"])
    assert row["opt_out_reason"] == "stopped"


async def test_a_resume_that_follows_a_stop_we_heard_of_late_still_counts(house, page):
    await receive_optin(house, "61")
    stopped = to_ms(house.clock.at)
    house.clock.move(minutes=10)
    await receive_optin(house, "61", "STOP NOTIFICATIONS", at=stopped + 1000)
    await receive_optin(house, "61", "RESUME NOTIFICATIONS", at=stopped + 2000)
    [row] = await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"])
    assert row["opted_out_at"] is None


async def test_one_body_that_cannot_be_applied_stops_no_other(house, page, campaign, monkeypatch):
    await house.run_page(page["id"])
    apply = inbox.apply_opt_in

    async def stumble(tx, services, page, fact, *rest):
        if fact.token == "66":
            raise ValueError(fact.token)
        await apply(tx, services, page, fact, *rest)

    monkeypatch.setattr(inbox, "apply_opt_in", stumble)
    await receive_optin(house, "66")
    await receive(house, receipt(house, "reads", campaign, "5000001"))
    for _ in range(4):
        await house.run_inbox()
    assert (await funnel(house, campaign))["read"] == 1
    rows = await house.services.db.read(lambda tx: tx.fetch_all(select(tables.webhooks).order_by(tables.webhooks.c.id)))
    assert [(row["state"], row["reason"]) for row in rows] == [("refused", "not_applied: ValueError"), ("applied", "")]


async def test_the_database_being_away_refuses_no_webhook(house, page, campaign, monkeypatch):
    async def away(*arguments):
        raise DependencyError("The database is away.", code="database_away", remedy="")

    await receive(house, receipt(house, "reads", campaign, "5000001"))
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "apply_facts", away)
        with pytest.raises(DependencyError):
            await house.run_inbox()
    await house.run_inbox()
    assert (await funnel(house, campaign))["read"] == 1


async def test_one_page_in_two_workspaces_is_told_its_own_receipts_only(house, page, campaign):
    await house.services.db.write(lambda tx: rows.insert(tx, tables.workspaces, {"id": "wsp_2", "name": "2", "created_at": 1}))
    await pages.connect_page(house.services, "wsp_2", pages.Connection(PAGE_ID, page["ad_account_id"], "EAAB-p", "EAAB-a"))
    await receive_optin(house, "5000001")
    await house.run_page(page["id"])
    await receive(house, receipt(house, "reads", campaign, "5000001", tracked=False))
    await house.run_inbox()
    assert (await funnel(house, campaign))["read"] == 1
    [theirs] = await subscribers.list_subscribers(house.services, "wsp_2")
    assert (theirs["token"], theirs["workspace_id"]) == ("5000001", "wsp_2")


async def test_a_receipt_that_settles_a_doubt_starts_the_cool_down(house, page, campaign):
    work = CampaignHandOver(house.services, page, TokenBucket(0), fence=50)
    [handed, *_] = await work.recheck(await work.claim(1))
    await receive(house, receipt(house, "echoes", campaign, handed.token, tracked=False))
    await house.run_inbox()
    row = await house.services.find_row(tables.subscribers, house.workspace_id, handed.subscriber_id)
    assert row["next_eligible_at"] == to_ms(house.clock.at + timedelta(hours=12))


def status_of(audience, status="SUCCESS"):
    value = {"custom_audience_id": int(audience["meta_id"]), "page_id": int(PAGE_ID), "num_rows": 10, "timestamp": 1750000000}
    return "marketing_messages_subscriber_upload_status", {**value, "batch_uploading_status": status}


async def test_the_statuses_of_two_uploads_of_one_audience_are_shared_out(house, upload, audience, customer_list):
    second = await uploads.start_upload(
        house.services,
        house.workspace_id,
        audience_id=audience["id"],
        list_id=customer_list["id"],
        attestation=ATTESTATION,
        full=True,
    )
    await house.run_ads()
    for n in range(8):
        await receive(house, (*status_of(audience)[:1], {**status_of(audience)[1], "num_rows": n}))
    await house.run_inbox()
    found = [await uploads.get_upload(house.services, house.workspace_id, each["id"]) for each in (upload, second)]
    assert [each["batches_matched"] for each in found] == [4, 4]


async def test_a_batch_that_meta_could_not_take_is_not_called_matched_without_a_word(house, upload, audience):
    await house.run_ads()
    await receive(house, status_of(audience, "FAILED"))
    await receive(house, status_of(audience))
    await house.run_inbox()
    await house.run_ads()
    house.graph.match(audience["meta_id"], 105, 120)
    house.clock.move(minutes=3)
    await house.run_ads()
    now = await uploads.get_upload(house.services, house.workspace_id, upload["id"])
    assert (now["state"], now["reason"]) == ("matched", "batch_failed")
