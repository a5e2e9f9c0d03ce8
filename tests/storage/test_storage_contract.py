"""What `storage.base` promises, on every database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rows_of_workspaces import ADD, add, count, ids_in
from sqlalchemy import bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from guestlist.errors import DependencyError, GuestlistError, RefusedError
from guestlist.storage.base import Database, Transaction
from guestlist.storage.database import open_database
from guestlist.storage.tables import lanes, list_batches, webhooks, workspaces


async def test_a_row_comes_back_as_it_was_written(database: Database) -> None:
    row = {"workspace_id": "w", "list_id": "l", "seq": 2**31 - 1, "rows": 0, "payload": bytes(range(256))}

    async def write(transaction: Transaction) -> int:
        return await transaction.execute(insert(list_batches), row)

    assert await database.write(write) == 1
    assert await database.read(lambda transaction: transaction.fetch_one(select(list_batches))) == row


@pytest.mark.parametrize("name", ["", "Zoë Ünal", "李小龍", "o'Brien; DROP TABLE workspaces", "🎉" * 1000, "a\nb\tc"])
async def test_text_is_kept_to_the_letter(database: Database, name: str) -> None:
    await database.write(lambda transaction: transaction.execute(ADD, {"id": "w", "name": name, "created_at": 2**62}))
    row = await database.read(lambda transaction: transaction.fetch_one(select(workspaces)))
    assert row == {"id": "w", "name": name, "created_at": 2**62}


@pytest.mark.parametrize("name", ["nul \0 inside", "half \ud800 pair"])
async def test_text_no_database_can_keep_is_refused_and_loses_only_itself(database: Database, name: str) -> None:
    bad = database.write(lambda transaction: transaction.execute(ADD, {"id": "bad", "name": name, "created_at": 1}))
    outcomes = await asyncio.gather(database.write(add("a")), bad, database.write(add("b")), return_exceptions=True)
    assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, "bad_text", None]
    assert sorted(await ids_in(database)) == ["a", "b"]


async def test_a_missing_row_is_none(database: Database) -> None:
    assert await database.read(lambda transaction: transaction.fetch_one(select(workspaces))) is None
    assert await database.read(lambda transaction: transaction.fetch_all(select(workspaces))) == []


async def test_execute_counts_the_rows_it_touched(database: Database) -> None:
    await database.write(add("a", "b", "c"))

    async def unit(transaction: Transaction) -> list[int]:
        return [
            await transaction.execute(update(workspaces).values(name="x").where(workspaces.c.id != "a")),
            await transaction.execute(update(workspaces).values(name="y").returning(workspaces.c.id)),
            await transaction.execute(delete(workspaces).where(workspaces.c.id == "nobody")),
            await transaction.execute(select(workspaces)),
            await transaction.execute(delete(workspaces)),
        ]

    assert await database.write(unit) == [2, 3, 0, 0, 3]


@pytest.mark.parametrize("wanted", [[], ["a"], ["a", "c", "nobody"]])
async def test_an_in_list_of_any_length_fits_one_statement(database: Database, wanted: list[str]) -> None:
    await database.write(add("a", "b", "c"))
    query = select(workspaces.c.id).where(workspaces.c.id.in_(bindparam("ids", expanding=True)), workspaces.c.created_at == 1)

    async def unit(transaction: Transaction) -> list[str]:
        return [row["id"] for row in await transaction.fetch_all(query, {"ids": wanted})]

    assert sorted(await database.read(unit)) == [row_id for row_id in wanted if row_id != "nobody"]


async def test_one_form_of_statement_with_other_values_gives_other_rows(database: Database) -> None:
    await database.write(add("a", "b", "c"))

    async def named(transaction: Transaction, *wanted: str) -> list[str]:
        query = select(workspaces.c.id).where(workspaces.c.id.in_(wanted), workspaces.c.created_at < 1 + len(wanted))
        return [row["id"] for row in await transaction.fetch_all(query)]

    async def unit(transaction: Transaction) -> list[list[str]]:
        return [await named(transaction, "a"), await named(transaction, "b"), await named(transaction, "b", "c")]

    assert await database.read(unit) == [["a"], ["b"], ["b", "c"]]


async def test_many_rows_go_in_one_call(database: Database) -> None:
    rows = [{"id": f"{n:05}", "name": "n", "created_at": n} for n in range(5000)]
    await database.write(lambda transaction: transaction.execute_many(ADD, rows))
    assert await database.read(count) == 5000


async def test_no_rows_are_no_call(database: Database) -> None:
    await database.write(lambda transaction: transaction.execute_many(ADD, []))
    assert await database.read(count) == 0


async def test_many_updates_carry_the_statements_own_values_too(database: Database) -> None:
    await database.write(add("a", "b", "c"))
    rename = update(workspaces).where(workspaces.c.id == bindparam("row_id"), workspaces.c.created_at == 1).values(name="new")
    await database.write(lambda transaction: transaction.execute_many(rename, [{"row_id": "a"}, {"row_id": "c"}]))
    rows = await database.read(lambda transaction: transaction.fetch_all(select(workspaces).order_by(workspaces.c.id)))
    assert [row["name"] for row in rows] == ["new", "n", "new"]


async def test_an_upsert_written_once_runs_on_both_databases(database: Database) -> None:
    row = upsert(lanes).values(lane="page:1", owner="a", fence=1, expires_at=5)
    again = row.on_conflict_do_update(index_elements=["lane"], set_={"fence": lanes.c.fence + 1}).returning(lanes.c.fence)

    async def unit(transaction: Transaction) -> list[Any]:
        return [await transaction.fetch_one(again) for _ in range(3)]

    assert await database.write(unit) == [{"fence": 1}, {"fence": 2}, {"fence": 3}]


async def test_the_database_numbers_webhooks(database: Database) -> None:
    async def unit(transaction: Transaction) -> list[int]:
        ids = []
        for n in range(3):
            values = {"provider": "meta", "app_id": "1", "digest": bytes([n]), "body": b"{}", "received_at": n}
            row = await transaction.fetch_one(insert(webhooks).returning(webhooks.c.id), values)
            assert row is not None
            ids.append(row["id"])
        return ids

    assert await database.write(unit) == [1, 2, 3]


async def test_sums_are_plain_integers(database: Database) -> None:
    await database.write(add("a", "b"))
    total = select(func.sum(workspaces.c.created_at).label("total"), func.count().label("n"))
    row = await database.read(lambda transaction: transaction.fetch_one(total))
    assert row == {"total": 2, "n": 2}
    assert type(row["total"]) is int


async def test_a_unit_that_raises_leaves_nothing_behind(database: Database) -> None:
    async def unit(transaction: Transaction) -> None:
        await add("a")(transaction)
        raise RefusedError("no")

    with pytest.raises(RefusedError, match="no"):
        await database.write(unit)
    assert await ids_in(database) == []


async def test_a_taken_key_is_refused_by_name_of_the_table_and_without_the_value(database: Database) -> None:
    await database.write(add("secret-id"))
    with pytest.raises(RefusedError) as caught:
        await database.write(add("secret-id"))
    assert (caught.value.code, caught.value.data) == ("already_exists", {"table": "workspaces"})
    assert "secret-id" not in repr(caught.value)
    assert caught.value.__suppress_context__


async def test_a_refused_statement_is_told_without_its_values(database: Database) -> None:
    with pytest.raises(GuestlistError) as caught:
        await database.write(lambda transaction: transaction.execute(ADD, {"id": "secret-id", "name": None, "created_at": 1}))
    assert caught.value.code == "statement_refused"
    assert "secret-id" not in str(caught.value)
    assert "name" in str(caught.value)


async def test_swallowing_a_statements_failure_does_not_save_the_unit(database: Database) -> None:
    await database.write(add("a"))

    async def unit(transaction: Transaction) -> str:
        await add("b")(transaction)
        try:
            await add("a")(transaction)
        except RefusedError:
            return "looks fine"
        return "never"

    with pytest.raises(RefusedError):
        await database.write(unit)
    assert await ids_in(database) == ["a"]


async def sleep_a_moment(transaction: Transaction) -> None:
    await asyncio.sleep(0.001)


async def yield_once(transaction: Transaction) -> None:
    await count(transaction)
    await asyncio.sleep(0)


@pytest.mark.parametrize("unit", [sleep_a_moment, yield_once])
async def test_a_unit_may_wait_for_nothing_but_its_statements(database: Database, unit: Any) -> None:
    with pytest.raises(RuntimeError, match="may not wait for anything but its own statements"):
        await database.write(unit)
    with pytest.raises(RuntimeError, match="may not wait for anything but its own statements"):
        await database.read(unit)
    await database.write(add("b"))
    assert await ids_in(database) == ["b"]


async def test_a_transaction_is_of_no_use_after_its_unit(database: Database) -> None:
    kept: list[Transaction] = []

    async def unit(transaction: Transaction) -> None:
        kept.append(transaction)

    await database.write(unit)
    with pytest.raises(RuntimeError, match="over"):
        await kept[0].fetch_all(select(workspaces))


async def test_reading_units_cannot_write(database: Database) -> None:
    with pytest.raises(RuntimeError, match=r"read\(\) may not write"):
        await database.read(add("a"))
    assert await ids_in(database) == []


async def test_a_reader_sees_one_snapshot(database: Database) -> None:
    loop = asyncio.get_running_loop()
    written: list[asyncio.Task[None]] = []

    async def unit(transaction: Transaction) -> tuple[int, int]:
        before = await count(transaction)
        if transaction.dialect == "sqlite":  # the unit runs in a thread of its own
            asyncio.run_coroutine_threadsafe(database.write(add("a")), loop).result()
        else:
            written.append(asyncio.create_task(database.write(add("a"))))
            await transaction.fetch_all(text("SELECT pg_sleep(0.2)"))
        return before, await count(transaction)

    assert await database.read(unit) == (0, 0)
    await asyncio.gather(*written)
    assert await database.read(count) == 1


async def test_what_was_written_is_seen_by_the_next_reader(database: Database) -> None:
    for n in range(20):
        await database.write(add(str(n)))
        assert await database.read(count) == n + 1


async def test_parameters_a_statement_does_not_have_are_mistakes(database: Database) -> None:
    with pytest.raises(ValueError, match="no parameter named colour"):
        await database.write(lambda transaction: transaction.execute(ADD, {"id": "a", "colour": "red"}))
    with pytest.raises(ValueError, match="needs a value for wanted"):
        await database.read(
            lambda transaction: transaction.fetch_all(select(workspaces).where(literal(1) == bindparam("wanted")))
        )


async def test_a_caller_that_stops_waiting_disturbs_nobody(database: Database) -> None:
    given_up = [asyncio.create_task(database.write(add(f"given-up-{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    await database.write(add("after"))
    assert all(isinstance(answer, asyncio.CancelledError) for answer in await asyncio.gather(*given_up, return_exceptions=True))
    assert set(await ids_in(database)) == {"after", *(f"given-up-{n}" for n in range(10))}


async def test_closing_finishes_what_was_handed_in(database_url: str) -> None:
    database = await open_database(database_url)
    writes = [asyncio.create_task(database.write(add(str(n)))) for n in range(300)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    reopened = await open_database(database_url)
    assert await reopened.read(count) == 300
    await reopened.close()


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    await database.close()
    for call in (database.write, database.read):
        with pytest.raises(DependencyError) as caught:
            await call(count)
        assert caught.value.code == "database_closed"
