"""Webhooks of messaging over kills of the server: each event has its effect, once."""

from support.reply_kills import run_reply_kills


async def test_doubled_and_shuffled_webhooks_over_kills_end_like_a_clean_stream(tmp_path, database_url):
    url = None if database_url.startswith("sqlite") else database_url
    verdict = await run_reply_kills(tmp_path, events=2000, kills=2, database_url=url)
    assert (verdict.events, verdict.kills) == (2100, 2)
    assert verdict.replies > 1000
    assert verdict.receipts > 60
    assert verdict.holds(), verdict
