"""`kill -9` of real servers at random moments: nothing lost, nothing sent twice, whatever is in doubt is listed."""

import pytest
from support.databases import POSTGRES, fresh_url
from support.kills import describe, run_kills
from support.message_kills import run_message_kills


async def test_kills_lose_nothing_double_nothing_and_hide_nothing(tmp_path, database_url):
    url = None if database_url.startswith("sqlite") else database_url
    verdict = await run_kills(tmp_path, rounds=5, rows=2000, database_url=url)
    assert verdict.kills == 5
    assert verdict.recipients > 1000
    assert verdict.holds(), describe(verdict)


@pytest.mark.skipif(not POSTGRES, reason="several workers need PostgreSQL: GUESTLIST_TEST_POSTGRES is not set")
async def test_workers_that_take_over_from_each_other_keep_every_promise(tmp_path, templates):
    async with fresh_url("postgresql", tmp_path, templates) as url:
        verdict = await run_kills(tmp_path, rounds=4, rows=2500, database_url=url, workers=1)
    assert verdict.kills == 8
    assert verdict.recipients > 1200
    assert verdict.holds(), describe(verdict)


async def test_kills_while_messages_are_posted_and_sent_keep_every_promise(tmp_path, database_url):
    url = None if database_url.startswith("sqlite") else database_url
    verdict = await run_message_kills(tmp_path, rounds=5, count=400, database_url=url)
    assert verdict.kills == 5
    assert verdict.accepted == 400
    assert sum(verdict.states[state] for state in ("sent", "delivered", "read")) > 300
    assert verdict.holds(), verdict
