"""`kill -9` of real servers at random moments: nothing lost, nothing sent twice, whatever is in doubt is listed."""

from support.kills import describe, run_kills


async def test_kills_lose_nothing_double_nothing_and_hide_nothing(tmp_path, database_url):
    url = None if database_url.startswith("sqlite") else database_url
    verdict = await run_kills(tmp_path, kills=5, rows=2000, database_url=url)
    assert verdict.kills == 5
    assert verdict.recipients > 1000
    assert verdict.holds(), describe(verdict)
