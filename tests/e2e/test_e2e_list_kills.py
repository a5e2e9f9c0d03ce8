"""`kill -9` while a list is imported and uploaded: no row lost, none sent twice within a session."""

from support.list_kills import run_list_kills


async def test_kills_while_importing_and_uploading_lose_and_double_nothing(tmp_path, database_url):
    url = None if database_url.startswith("sqlite") else database_url
    verdict = await run_list_kills(tmp_path, kills=6, rows=1500, database_url=url)
    assert verdict.kills_importing + verdict.kills_uploading == 6
    assert verdict.uploads >= 1
    assert verdict.holds(), verdict
