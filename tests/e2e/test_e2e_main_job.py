"""The main job, whole: a file goes in, receipts come back, and the totals add up."""

import asyncio
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestlist.cli.demo_run import play, wrong_sums
from guestlist.cli.demo_story import funnel_rows
from guestlist.lists.sample import SAMPLE_FILE, SAMPLE_REGION

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
FILES = [(SAMPLE_FILE, SAMPLE_REGION)] + [
    (SHARED / name, region)
    for name, region in (("contacts-uk-500.csv", "GB"), ("contacts-ca-500.csv", "CA"))
    if (SHARED / name).exists()
]


@contextmanager
def silent(title, total):
    yield lambda more: None


def check_sums(document):
    assert wrong_sums(document) == []
    assert document["uploaded"] == document["usable"] > 0
    assert document["clicked"] > 0


@pytest.mark.parametrize(("file", "region"), FILES, ids=lambda value: getattr(value, "stem", value))
async def test_the_main_job_on_a_real_file(stage, file, region):
    said = []
    numbers = await play(stage, file, region, say=said.append, track=silent)
    document = numbers.document()
    check_sums(document)
    assert document["pending"] == document["unknown"] == 0
    assert 0 < document["matched"]["lower"] <= document["matched"]["upper"]
    assert len(funnel_rows(document)) == 13
    assert any("Matched by Meta" in line for line in said)


async def test_the_emulators_log_agrees_with_what_we_say(stage):
    numbers = await play(stage, SAMPLE_FILE, SAMPLE_REGION, say=lambda text: None, track=silent)
    calls = await stage.emulator.get("/_emulator/calls", path="*/messages", limit="100000")
    sends = [call for call in calls["data"] if call.get("subscription_token")]
    accepted = [call["subscription_token"] for call in sends if call["status"] == 200]
    assert len(accepted) == len(set(accepted))
    late = numbers.funnel["failed"].get("late_failure", 0)
    assert len(accepted) == numbers.funnel["accepted"] + late
    assert len({call["subscription_token"] for call in sends}) == numbers.funnel["recipients"]


async def test_receipts_doubled_shuffled_and_dropped_end_in_the_same_sums(stage):
    await stage.emulator.post("/_emulator/faults", {"webhooks": {"duplicate": 0.3, "reorder": 0.3}})
    numbers = await play(stage, SAMPLE_FILE, SAMPLE_REGION, say=lambda text: None, track=silent)
    check_sums(numbers.document())
    state = await stage.emulator.get("/_emulator/state")
    [campaign] = state["campaigns"]
    assert numbers.funnel["clicked"] == campaign["clicked"]
    assert numbers.funnel["read"] == campaign["read"]


async def test_swallowed_answers_are_settled_by_their_echoes(stage):
    fault = {"method": "POST", "path": "/act_*/messages", "share": 0.1, "swallow": True}
    await stage.emulator.post("/_emulator/faults", {"faults": [fault]})
    numbers = await play(stage, SAMPLE_FILE, SAMPLE_REGION, say=lambda text: None, track=silent)
    check_sums(numbers.document())
    calls = await stage.emulator.get("/_emulator/calls", path="*/messages", limit="100000")
    tokens = [call["subscription_token"] for call in calls["data"] if call.get("subscription_token") and call["status"] == 200]
    assert len(tokens) == len(set(tokens))
    refused_unheard = [call for call in calls["data"] if not call["answered"] and call["status"] != 200]
    assert numbers.funnel["unknown"] == len(refused_unheard)  # no receipt can settle these: they stay listed


async def test_a_forged_webhook_changes_nothing(stage):
    import aiohttp

    async with aiohttp.ClientSession() as session:
        for headers in ({}, {"X-Hub-Signature-256": "sha256=" + "0" * 64}):
            async with session.post(f"{stage.server_url}/webhooks/meta", data=b'{"object":"page"}', headers=headers) as answer:
                assert answer.status == 403
    await asyncio.sleep(0)
    assert await stage.app.services.db.read(_stored_webhooks) == 0


async def _stored_webhooks(tx):
    from sqlalchemy import func, select

    from guestlist.storage.tables import webhooks

    row = await tx.fetch_one(select(func.count().label("n")).select_from(webhooks))
    return row["n"]


def test_sums_that_do_not_add_up_are_named():
    zeros = dict.fromkeys(
        ("rows", "usable", "duplicates", "uploaded", "recipients", "accepted", "delivered", "read", "clicked"), 0
    )
    document = {**zeros, "unknown": 0, "pending": 0, **{name: {} for name in ("rejected", "failed", "subscribers", "excluded")}}
    assert wrong_sums(document) == []
    assert len(wrong_sums({**document, "rows": 1, "recipients": 1, "read": 1, "uploaded": 1})) == 5
