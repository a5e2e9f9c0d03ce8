"""The next version of a list sends only what changed; removing from an audience is no opt-out."""

import io

import pytest
from sqlalchemy import func, select
from support.scripted import ATTESTATION, BAD_TERMS, LOST

from guestlist.actions import audiences, lists, upload_plans, uploads
from guestlist.actions.lists import delete_list
from guestlist.domain.uploads import Mode, member_key
from guestlist.errors import NotFoundError, RefusedError
from guestlist.lists.base import ListOptions
from guestlist.storage import tables


def people(*numbers):
    return "email,first name\n" + "".join(f"customer{n}@example.com,Ana{n}\n" for n in numbers)


async def make_list(house, content, batch_rows=10):
    options = ListOptions(region="GB", batch_rows=batch_rows)
    return await lists.import_list(
        house.services, house.workspace_id, io.BytesIO(content.encode()), options, name="c", filename="c.csv"
    )


async def begin(house, audience, content, mode=Mode.ADD, *, full=False, batch_rows=10):
    kept = await make_list(house, content, batch_rows)
    return await uploads.start_upload(
        house.services,
        house.workspace_id,
        audience_id=audience["id"],
        list_id=kept["id"],
        attestation=ATTESTATION,
        mode=mode,
        full=full,
    )


async def send(house, audience, content, mode=Mode.ADD, *, full=False, batch_rows=10):
    upload = await begin(house, audience, content, mode, full=full, batch_rows=batch_rows)
    await house.run_ads()
    return await current(house, upload)


async def current(house, upload):
    return await uploads.get_upload(house.services, house.workspace_id, upload["id"])


def counts(upload):
    return upload["added"], upload["removed"], upload["unchanged"]


def rows_of(book):
    return [row for _, rows in book for row in rows]


async def ledger_keys(house, audience):
    query = select(tables.audience_members.c.key).where(tables.audience_members.c.audience_id == audience["id"])
    return {row["key"] for row in await house.services.db.read(lambda tx: tx.fetch_all(query))}


def key_of(prepared):
    return member_key(*prepared)


async def kept_payloads(house):
    query = select(func.count().label("n")).select_from(tables.upload_batches).where(tables.upload_batches.c.payload.is_not(None))
    return (await house.services.db.read(lambda tx: tx.fetch_one(query)))["n"]


async def noted(house):
    query = select(func.count().label("n")).select_from(tables.removed_identifiers)
    return (await house.services.db.read(lambda tx: tx.fetch_one(query)))["n"]


async def test_the_next_version_sends_only_what_is_new(house, audience):
    await send(house, audience, people(*range(35)))
    house.graph.added.clear()

    second = await send(house, audience, people(*range(5, 37)))

    assert counts(second) == (2, 0, 30)
    assert [session.estimated_total for session, _ in house.graph.added] == [2]
    assert house.graph.taken_out == []
    assert (second["state"], second["rows"], second["rows_sent"], second["batches"]) == ("matching", 2, 2, 1)


async def test_sync_removes_what_the_list_has_no_longer_before_it_adds(house, audience):
    await send(house, audience, people(*range(35)))
    first = set(rows_of(house.graph.added))
    house.graph.added.clear()
    house.graph.calls.clear()

    second = await send(house, audience, people(*range(12, 40)), Mode.SYNC)

    assert counts(second) == (5, 12, 23)
    assert [name for name, _ in house.graph.calls] == ["remove_users", "remove_users", "add_users"]
    assert {row[0] for row in rows_of(house.graph.taken_out)} == {row[0] for row in sorted(first)} - {
        row[0] for row in first if key_of((row[0], "")) in await ledger_keys(house, audience)
    }
    assert len(await ledger_keys(house, audience)) == 28


async def test_each_act_has_its_own_session_numbered_from_one(house, audience):
    await send(house, audience, people(*range(25)))
    house.graph.added.clear()
    await send(house, audience, people(*range(20, 45)), Mode.SYNC)
    removals, additions = ([session for session, _ in book] for book in (house.graph.taken_out, house.graph.added))
    assert [(one.batch_seq, one.last, one.estimated_total) for one in removals] == [(1, False, 20), (2, True, 20)]
    assert [(one.batch_seq, one.last, one.estimated_total) for one in additions] == [(1, False, 20), (2, True, 20)]
    assert len({one.session_id for one in removals}) == len({one.session_id for one in additions}) == 1
    assert removals[0].session_id != additions[0].session_id


async def test_a_list_that_brings_nothing_new_calls_nothing(house, audience):
    await send(house, audience, people(*range(30)))
    house.graph.calls.clear()
    again = await send(house, audience, people(*range(30)), Mode.SYNC)
    assert counts(again) == (0, 0, 30)
    assert (again["state"], again["batches"], house.graph.calls) == ("matching", 0, [])


async def test_full_sends_all_again(house, audience):
    await send(house, audience, people(*range(30)))
    house.graph.added.clear()
    again = await send(house, audience, people(*range(30)), full=True)
    assert counts(again) == (30, 0, 0)
    assert len(rows_of(house.graph.added)) == 30


async def test_a_changed_name_alone_is_no_change(house, audience):
    await send(house, audience, people(1, 2))
    second = await send(house, audience, people(1, 2).replace("Ana1", "Eva"), Mode.SYNC)
    assert counts(second) == (0, 0, 2)


async def test_whoever_shares_an_identifier_with_a_removed_row_is_sent_again(house, audience):
    """Meta removes people: taking (mail, old phone) out may take out the person who stays as (mail, new phone)."""
    both = "email,phone\nann@example.com,+447911123456\nann@example.com,+447911123457\nbob@example.com,+447911123458\n"
    await send(house, audience, both)
    house.graph.added.clear()
    second = await send(house, audience, both.replace("ann@example.com,+447911123456\n", ""), Mode.SYNC)
    assert counts(second) == (1, 1, 1)
    assert await noted(house) == 0
    [row], [out] = rows_of(house.graph.added), rows_of(house.graph.taken_out)
    assert row[0] == out[0]
    assert len(await ledger_keys(house, audience)) == 2


async def test_small_differences_of_many_batches_share_a_call(house, audience):
    await send(house, audience, people(*range(100)))
    house.graph.added.clear()
    second = await send(house, audience, people(*(n if n % 10 else n + 1000 for n in range(100))))
    assert counts(second) == (10, 0, 90)
    assert [len(rows) for _, rows in house.graph.added] == [10]


async def test_a_batch_is_cut_by_bytes_as_well_as_by_rows(house, audience, monkeypatch):
    monkeypatch.setattr(upload_plans, "count_fitting", lambda sizes, taken=0: min(len(sizes), max(0, 3 - taken // sizes[0])))
    upload = await send(house, audience, people(*range(20)))
    assert [len(rows) for _, rows in house.graph.added] == [3, 3, 3, 3, 3, 3, 2]
    assert upload["rows_sent"] == 20


async def test_rows_enter_the_ledger_when_meta_acknowledged_them_and_their_digests_go(house, audience):
    upload = await begin(house, audience, people(*range(35)))
    house.graph.script["add_users"] = [None, None, BAD_TERMS]
    await house.run_ads()
    assert (await current(house, upload))["state"] == "paused"
    assert len(await ledger_keys(house, audience)) == 20
    assert await kept_payloads(house) == 2
    await uploads.resume_upload(house.services, house.workspace_id, upload["id"])
    await house.run_ads()
    assert (len(await ledger_keys(house, audience)), await kept_payloads(house)) == (35, 0)


async def test_uploads_of_an_audience_go_one_after_the_other(house, audience):
    first = await begin(house, audience, people(*range(20)))
    second = await begin(house, audience, people(*range(10, 30)))
    house.graph.script["add_users"] = [None, BAD_TERMS]
    await house.run_ads()
    waiting = await current(house, second)
    assert (waiting["state"], waiting["reason"]) == ("queued", f"waits_for_{first['id']}")
    await uploads.resume_upload(house.services, house.workspace_id, first["id"])
    await house.run_ads()
    assert counts(await current(house, second)) == (10, 0, 10)


async def test_a_cancelled_upload_leaves_what_meta_has_and_lets_the_next_begin(house, audience):
    first = await begin(house, audience, people(*range(30)))
    house.graph.script["add_users"] = [None, BAD_TERMS]
    await house.run_ads()
    second = await begin(house, audience, people(*range(30)))
    await house.run_ads()
    given_up = await uploads.cancel_upload(house.services, house.workspace_id, first["id"])
    assert (given_up["state"], given_up["reason"], given_up["rows_sent"]) == ("failed", "cancelled", 10)
    await house.run_ads()
    assert counts(await current(house, second)) == (20, 0, 10)
    assert len(await ledger_keys(house, audience)) == 30
    with pytest.raises(RefusedError, match="only one that waits"):
        await uploads.cancel_upload(house.services, house.workspace_id, second["id"])


async def test_after_a_cancelled_sync_nobody_is_taken_for_safe_who_may_be_out(house, audience):
    both = "email,phone\nann@example.com,+447911123456\nann@example.com,+447911123457\n"
    await send(house, audience, both)
    later = both.replace("ann@example.com,+447911123456\n", "")
    sync = await begin(house, audience, later, Mode.SYNC)
    house.graph.script["add_users"] = [BAD_TERMS]
    await house.run_ads()
    await uploads.cancel_upload(house.services, house.workspace_id, sync["id"])
    assert counts(await send(house, audience, later)) == (1, 0, 0)


async def test_a_lost_removal_is_looked_up_and_not_repeated(house, audience):
    await send(house, audience, people(*range(30)))
    house.graph.script["remove_users"] = [LOST]
    upload = await begin(house, audience, people(*range(10)), Mode.SYNC)
    for _ in range(3):
        await house.run_ads()
        house.clock.move(minutes=1)
    assert [name for name, _ in house.graph.calls].count("remove_users") == 2
    assert (counts(await current(house, upload)), len(await ledger_keys(house, audience))) == ((0, 20, 10), 10)


async def test_planning_goes_on_where_a_kill_left_it(house, audience):
    class PowerCutError(BaseException):
        """The process is gone."""

    await send(house, audience, people(*range(60)))
    house.graph.added.clear()
    upload = await begin(house, audience, people(*range(30, 90)), Mode.SYNC)
    page = await house.services.get_page(house.workspace_id, audience["page_id"])
    steps = 0
    while (await current(house, upload))["state"] == "queued":
        standing = await current(house, upload)
        await uploads.advance_upload(house.services, page, standing, 1)
        await uploads.advance_upload(house.services, page, standing, 1)  # one that was killed before its commit, or a zombie
        steps += 1
    assert steps > 10
    await house.run_ads()
    done = await current(house, upload)
    assert (counts(done), done["rows_sent"]) == ((30, 30, 30), 60)
    assert (len(rows_of(house.graph.added)), len(rows_of(house.graph.taken_out))) == (30, 30)


async def test_a_dry_run_tells_what_would_go(house, audience):
    await send(house, audience, people(*range(35)))
    upload = await begin(house, audience, people(*range(12, 40)), Mode.SYNC)
    told = await upload_plans.forecast_upload(house.services, upload)
    await house.run_ads()
    done = await current(house, upload)
    assert (told.added, told.removed, told.unchanged, told.batches) == (*counts(done), done["batches"])


async def test_a_list_goes_when_nothing_waits_for_it_and_uploads_go_on_without_it(house, audience):
    upload = await begin(house, audience, people(*range(30)))
    with pytest.raises(RefusedError, match="has yet to read"):
        await delete_list(house.services, house.workspace_id, upload["list_id"])
    house.graph.script["add_users"] = [BAD_TERMS]
    await house.run_ads()
    await delete_list(house.services, house.workspace_id, upload["list_id"])
    left = select(func.count().label("n")).select_from(tables.list_batches)
    assert (await house.services.db.read(lambda tx: tx.fetch_one(left)))["n"] == 0
    await uploads.resume_upload(house.services, house.workspace_id, upload["id"])
    await house.run_ads()
    assert len(rows_of(house.graph.added)) == 30
    with pytest.raises(NotFoundError):
        await delete_list(house.services, house.workspace_id, upload["list_id"])


async def test_the_ledger_of_a_deleted_audience_is_dropped(house, audience):
    await send(house, audience, people(*range(30)))
    await audiences.delete_audience(house.services, house.workspace_id, audience["id"])
    await house.run_tidy()
    assert await ledger_keys(house, audience) == set()


async def test_what_planning_noted_goes_with_an_upload_that_is_given_up(house, audience):
    await send(house, audience, people(*range(30)))
    upload = await begin(house, audience, people(*range(10)), Mode.SYNC)
    page = await house.services.get_page(house.workspace_id, audience["page_id"])
    while await noted(house) == 0:
        await uploads.advance_upload(house.services, page, await current(house, upload), 1)
    await uploads.cancel_upload(house.services, house.workspace_id, upload["id"])
    await house.run_tidy()
    assert await noted(house) == 0
