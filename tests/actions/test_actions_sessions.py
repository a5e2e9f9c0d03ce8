"""Sessions that expire, batches that are too large, accounts nearly out of calls: the upload says why it waits, and goes on."""

from dataclasses import replace

import pytest
from support.scripted import ATTESTATION, LOST
from test_actions_deltas import begin, counts, current, kept_payloads, ledger_keys, people, rows_of, send

from guestlist.actions import uploads
from guestlist.domain.uploads import Mode
from guestlist.graph.base import Applied, ErrorClass, GraphError, TooMuchDataError

TOO_MUCH = TooMuchDataError("Too much.", kind=ErrorClass.FIX, code=105, number=105)
TOO_MUCH_MAYBE = TooMuchDataError("Too much.", kind=ErrorClass.FIX, applied=Applied.UNKNOWN, code=1, number=1)


def session_error(number, kind=ErrorClass.FIX):
    return GraphError("The session.", kind=kind, code=2650, subcode=number, number=number)


async def run(house, times=1, **pause):
    for _ in range(times):
        await house.run_ads()
        house.clock.move(**(pause or {"minutes": 1}))


async def test_replace_sends_the_whole_list_in_one_session_and_the_ledger_follows(house, audience):
    await send(house, audience, people(*range(20)))
    house.graph.match(audience["meta_id"], 20, 20)
    upload = await send(house, audience, people(*range(10, 45)), Mode.REPLACE)
    sessions = [session for session, _ in house.graph.replaced]
    assert [(one.batch_seq, one.last, one.estimated_total) for one in sessions] == [
        (1, False, 35),
        (2, False, 35),
        (3, False, 35),
        (4, True, 35),
    ]
    assert (upload["state"], counts(upload), len(await ledger_keys(house, audience))) == ("matching", (35, 10, 0), 35)
    assert await kept_payloads(house) == 0
    later = await send(house, audience, people(*range(10, 46)))
    assert counts(later) == (1, 0, 35)


async def test_a_replace_keeps_its_digests_until_its_session_ends(house, audience):
    house.graph.script["replace_users"] = [None, None, GraphError("Down.", kind=ErrorClass.RETRY)]
    await send(house, audience, people(*range(35)), Mode.REPLACE)
    assert (await kept_payloads(house), await ledger_keys(house, audience)) == (4, set())


@pytest.mark.parametrize("number", [1870147, 1870148, 1870158, 1870159])
async def test_a_replace_session_that_is_over_begins_anew_as_a_whole(house, audience, number):
    house.graph.match(audience["meta_id"], 20, 20)
    upload = await begin(house, audience, people(*range(35)), Mode.REPLACE)
    house.graph.script["replace_users"] = [None, None, session_error(number)]
    await house.run_ads()
    done = await current(house, upload)
    assert (done["state"], done["restarts"], done["rows_sent"], done["batches_sent"]) == ("matching", 1, 35, 4)
    assert done["session_id"] != upload["session_id"]
    assert house.graph.received == {str(upload["session_id"]): 20, str(done["session_id"]): 35}


async def test_the_clock_of_a_replace_session_is_watched(house, audience):
    house.graph.match(audience["meta_id"], 20, 20)
    upload = await begin(house, audience, people(*range(35)), Mode.REPLACE)
    house.graph.script["replace_users"] = [None, GraphError("Wait.", kind=ErrorClass.WAIT, retry_after=4000.0)]
    await house.run_ads()
    house.clock.move(seconds=4001)
    await house.run_ads()
    waiting = await current(house, upload)
    assert (waiting["reason"], waiting["rows_sent"]) == ("replace_too_slow", 10)
    house.clock.move(minutes=30)
    await house.run_ads()
    done = await current(house, upload)
    assert (done["state"], done["restarts"], house.graph.received[str(done["session_id"])]) == ("matching", 1, 35)


async def test_a_list_that_cannot_be_replaced_in_time_asks_a_person_instead_of_looping(house, audience):
    house.graph.match(audience["meta_id"], 20, 20)
    upload = await begin(house, audience, people(*range(35)), Mode.REPLACE)
    house.graph.script["replace_users"] = [session_error(1870158)] * 20
    await run(house, 6)
    stopped = await current(house, upload)
    assert stopped["state"] == "paused"
    assert stopped["reason"].startswith("graph_1870158: 4 sessions")
    house.graph.script["replace_users"] = []
    await uploads.resume_upload(house.services, house.workspace_id, upload["id"])
    await house.run_ads()
    assert (await current(house, upload))["state"] == "matching"


async def test_a_replace_waits_until_meta_has_worked_through_what_came_before(house, audience):
    meta_id = audience["meta_id"]
    await send(house, audience, people(7))
    upload = await begin(house, audience, people(*range(5)), Mode.REPLACE)
    await house.run_ads()
    assert (await current(house, upload))["reason"] == "audience_busy"
    house.graph.audiences[meta_id] = replace(house.graph.audiences[meta_id], operation_code=415)  # a replace mends a failed one
    house.clock.move(minutes=3)
    await house.run_ads()
    assert (await current(house, upload))["rows_sent"] == 5


async def test_a_lost_last_batch_that_finished_its_session_is_not_sent_anew(house, audience):
    house.graph.match(audience["meta_id"], 20, 20)
    upload = await begin(house, audience, people(*range(15)), Mode.REPLACE)
    house.graph.script["replace_users"] = [None, LOST, session_error(1870159)]
    house.graph.lost_has_effect = False  # Meta has it, and its count lags
    await run(house, 4)
    done = await current(house, upload)
    assert (done["state"], done["restarts"], done["rows_sent"]) == ("matching", 0, 15)


async def test_an_expired_session_of_additions_goes_on_with_what_is_left(house, audience):
    upload = await begin(house, audience, people(*range(35)))
    house.graph.script["add_users"] = [None, None, session_error(1870158)]
    await house.run_ads()
    done = await current(house, upload)
    assert (done["state"], done["restarts"]) == ("matching", 1)
    later = [session for session, _ in house.graph.added if session.session_id == done["session_id"]]
    assert [(one.batch_seq, one.last, one.estimated_total) for one in later] == [(1, False, 15), (2, True, 15)]
    assert len(rows_of(house.graph.added)) == 35


async def test_too_much_data_halves_the_batches_and_numbers_them_on(house, audience):
    upload = await begin(house, audience, people(*range(35)))
    house.graph.script["add_users"] = [None, TOO_MUCH]
    await house.run_ads()
    assert [len(rows) for _, rows in house.graph.added] == [10, 5, 5, 5, 5, 5]
    sessions = [session for session, _ in house.graph.added]
    assert [one.batch_seq for one in sessions] == [1, 2, 3, 4, 5, 6]
    assert [one.last for one in sessions] == [False] * 5 + [True]
    assert {one.estimated_total for one in sessions} == {35}
    done = await current(house, upload)
    assert (done["batches"], done["batches_sent"], done["rows_sent"]) == (6, 6, 35)
    assert len(set(rows_of(house.graph.added))) == 35


@pytest.mark.parametrize("arrived", [False, True])
async def test_too_much_data_that_may_have_arrived_is_looked_up_before_it_is_halved(house, audience, arrived):
    house.graph.lost_has_effect = arrived
    upload = await begin(house, audience, people(*range(20)))
    house.graph.script["add_users"] = [TOO_MUCH_MAYBE]
    await run(house, 4)
    assert [len(rows) for _, rows in house.graph.added] == ([10, 10] if arrived else [5, 5, 5, 5])
    assert (await current(house, upload))["rows_sent"] == 20


async def test_a_single_row_that_is_too_much_stops_the_upload(house, audience):
    upload = await begin(house, audience, people(1))
    house.graph.script["add_users"] = [TOO_MUCH] * 3
    await run(house, 2)
    assert (await current(house, upload))["state"] == "paused"


async def test_an_account_without_calls_waits_as_long_as_meta_says(house, audience):
    upload = await begin(house, audience, people(*range(35)))
    house.graph.regains = 1800.0
    await run(house, 3)
    waiting = await current(house, upload)
    assert (waiting["reason"], house.graph.added) == ("throttled", [])
    house.graph.regains = 0.0
    house.clock.move(minutes=28)
    await house.run_ads()
    assert (await current(house, upload))["rows_sent"] == 35


async def test_an_account_near_its_limit_is_called_slowly(house, audience):
    upload = await begin(house, audience, people(*range(35)))
    house.graph.percent = 87.5
    await house.run_ads()
    now = await current(house, upload)
    assert (now["reason"], now["batches_sent"], now["due_at"] - house.services.now_ms()) == ("slowing_down", 1, 30_000)
    house.graph.percent = 10.0
    house.clock.move(seconds=30)
    await house.run_ads()
    assert (await current(house, upload))["rows_sent"] == 35


async def test_attestations_are_never_mixed_in_a_call(house, audience):
    for numbers in ((1, 2), (3, 4), (5, 6)):
        await begin(house, audience, people(*numbers))
    await house.run_ads()
    assert len({session.session_id for session, _ in house.graph.added}) == 3
    assert ATTESTATION.words
