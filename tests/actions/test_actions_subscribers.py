"""Tokens as Meta lists them: where they came from, and when a missing one means that the person left."""

import pytest
from sqlalchemy import select
from support.scripted import DOWN, token_row

from guestlist.actions import audiences, subscribers
from guestlist.errors import NotFoundError
from guestlist.graph.base import ErrorClass, GraphError
from guestlist.storage import ledgers, tables
from guestlist.storage import pages as page_rows


async def known(house, page, **filters):
    return await subscribers.list_subscribers(house.services, house.workspace_id, page_id=page["id"], limit=500, **filters)


async def test_sources_are_learned_once_from_audiences_and_metas_filters(house, page, audience):
    house.graph.tokens = [
        token_row("51", audience["meta_id"]),
        token_row("52", psid="24"),
        token_row("53", psid="25"),
        token_row("54", psid="26"),
        token_row("55"),
    ]
    house.graph.origins = {"CTM": ["52"], "COMMENT_AUTOMATION": ["53"], "REPLY_AUTOMATION": ["54"]}
    await house.run_sync(page["id"])
    sources = {row["token"]: row["source"] for row in await known(house, page)}
    assert sources == {"51": "list", "52": "ad", "53": "comment", "54": "stale_thread", "55": "unknown"}
    before = len(house.graph.calls)
    await house.run_sync(page["id"])
    assert [name for name, _ in house.graph.calls[before:]] == ["list_tokens"]


async def test_a_list_is_read_page_by_page_to_its_end(house, page, subscribed):
    house.graph.page_size = 50
    await house.run_sync(page["id"])
    assert len(await known(house, page)) == 120


async def test_a_token_missing_from_two_complete_lists_has_left(house, page, subscribed):
    gone = house.graph.tokens.pop(3)
    await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []
    await house.run_sync(page["id"])
    [left] = await known(house, page, opted_out=True)
    assert (left["token"], left["opt_out_reason"]) == (gone.token, "vanished")
    house.graph.tokens.append(gone)
    await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []
    entries = await house.services.db.read(lambda tx: ledgers.find_consents(tx, house.workspace_id, f"subscriber:{left['id']}"))
    assert [entry["act"] for entry in entries] == ["withdrawn", "restored"]


async def test_a_return_lifts_no_other_opt_out(house, page, subscribed):
    row = (await known(house, page))[0]
    await subscribers.opt_out_subscriber(house.services, house.workspace_id, row["id"], by="test")
    await house.run_sync(page["id"])
    assert [each["id"] for each in await known(house, page, opted_out=True)] == [row["id"]]


async def test_a_list_that_broke_off_says_nothing_of_the_missing(house, page, subscribed):
    house.graph.tokens.pop(3)
    house.graph.page_size = 50
    await house.run_sync(page["id"])
    for _ in range(3):
        house.graph.script["list_tokens"] = [None, DOWN]
        await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []


async def test_a_miss_between_two_sights_is_forgotten(house, page, subscribed):
    token = house.graph.tokens.pop(3)
    await house.run_sync(page["id"])
    house.graph.tokens.append(token)
    await house.run_sync(page["id"])
    house.graph.tokens.remove(token)
    await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []


async def test_hidden_by_the_threshold_is_not_gone(house, page, audience, subscribed):
    house.graph.match(audience["meta_id"], 90, 110)
    from guestlist.actions.audiences import note_bounds

    await house.services.db.write(lambda tx: note_bounds(tx, audience, lower=90, upper=110, at=1))
    house.graph.tokens = []
    for _ in range(3):
        await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []


async def test_what_meta_does_not_say_of_a_cool_down_leaves_what_we_know(house, page, campaign):
    await house.run_page(page["id"])
    await house.run_sync(page["id"])
    assert all(row["next_eligible_at"] is not None for row in await known(house, page))


async def test_a_failing_sync_raises_and_is_tried_again_soon(house, page):
    house.graph.script["list_tokens"] = [DOWN]
    with pytest.raises(GraphError):
        await subscribers.sync_page(house.services, page)
    house.graph.script["list_tokens"] = [DOWN]
    await house.run_sync(page["id"])
    row = await house.services.get_page(house.workspace_id, page["id"])
    assert row["sync_at"] == house.services.now_ms() + 60_000


async def test_unknown_pages_and_subscribers_are_refused(house):
    with pytest.raises(NotFoundError):
        await subscribers.count_subscribers(house.services, house.workspace_id, "pag_none")
    with pytest.raises(NotFoundError):
        await subscribers.opt_out_subscriber(house.services, house.workspace_id, "sub_none", by="test")


async def test_an_audience_that_shrank_below_the_threshold_since_its_upload_hides_its_tokens(house, page, audience, subscribed):
    house.graph.match(audience["meta_id"], 80, 95)
    house.graph.tokens = []
    for _ in range(3):
        await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []


async def test_a_token_of_an_audience_that_is_not_ours_may_be_hidden_too(house, page):
    house.graph.tokens = [token_row("71", "999"), token_row("72", psid="24")]
    await house.run_sync(page["id"])
    house.graph.tokens = []
    for _ in range(3):
        await house.run_sync(page["id"])
    assert [row["token"] for row in await known(house, page, opted_out=True)] == ["72"]


async def test_deleting_an_audience_opts_nobody_out(house, page, audience, subscribed):
    await audiences.delete_audience(house.services, house.workspace_id, audience["id"])
    house.graph.tokens = []
    for _ in range(3):
        await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []


async def test_an_audience_that_somebody_deleted_at_meta_opts_nobody_out(house, page, audience, subscribed):
    house.graph.tokens = []
    gone = GraphError("It does not exist.", kind=ErrorClass.FIX, code=100, subcode=33, number=33)
    for _ in range(3):
        house.graph.script["read_audience"] = [gone]
        await house.run_sync(page["id"])
    assert await known(house, page, opted_out=True) == []
    assert (await house.services.get_page(house.workspace_id, page["id"]))["synced_at"] == house.services.now_ms()


async def test_a_sync_asked_for_while_one_runs_is_not_forgotten(house, page, audience):
    house.graph.tokens = [token_row("51", audience["meta_id"])]
    now = house.services.now_ms()
    await subscribers.request_sync(house.services, house.workspace_id, page["id"])
    seen = await house.services.get_page(house.workspace_id, page["id"])
    house.clock.move(seconds=5)
    await house.services.db.write(lambda tx: page_rows.set_sync_due(tx, house.workspace_id, page["id"], now + 5000))
    await subscribers.sync_page(house.services, seen)
    assert (await house.services.get_page(house.workspace_id, page["id"]))["sync_at"] == now + 5000


async def test_however_many_vanish_at_once_the_sync_ends(house, page, monkeypatch):
    monkeypatch.setattr(subscribers, "VANISHED_BLOCK", 40)
    house.graph.tokens = [token_row(f"8{n:04}", psid=str(n)) for n in range(100)]
    await house.run_sync(page["id"])
    house.graph.tokens = []
    for _ in range(2):
        await house.run_sync(page["id"])
    assert len(await known(house, page, opted_out=True)) == 100
    assert await house.services.db.read(lambda tx: ledgers.broken_link(tx, house.workspace_id)) is None


async def test_a_token_that_a_webhook_brings_while_its_list_is_kept_is_placed_as_one(house, page, audience, monkeypatch):
    house.graph.tokens = [token_row("91", audience["meta_id"])]
    insert = subscribers.subscriber_rows.insert_new

    async def overtaken(tx, new):
        await insert(tx, [{**each, "id": "sub_first"} for each in new])
        await insert(tx, new)

    monkeypatch.setattr(subscribers.subscriber_rows, "insert_new", overtaken)
    await house.run_sync(page["id"])
    placed = await house.services.db.read(lambda tx: tx.fetch_all(select(tables.subscriber_audiences)))
    assert [row["subscriber_id"] for row in placed] == ["sub_first"]
