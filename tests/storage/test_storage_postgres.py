"""PostgreSQL's own risks: deadlocks, terminated backends, a server that goes away, a lost answer to COMMIT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rows_of_workspaces import add, count, ids_in
from sqlalchemy import select, text, update
from support.databases import Templates, fresh_url, on_server, postgres_only

from guestlist.errors import DependencyError
from guestlist.storage import postgres
from guestlist.storage.base import Transaction, Unit
from guestlist.storage.postgres import PostgresDatabase
from guestlist.storage.tables import workspaces

pytestmark = [pytest.mark.postgres, postgres_only]


@pytest.fixture
async def url(tmp_path: Path, templates: Templates) -> AsyncIterator[str]:
    async with fresh_url("postgresql", tmp_path, templates) as fresh:
        yield fresh


def name_of(url: str) -> str:
    """The database's name."""
    return urlsplit(url).path.removeprefix("/")


def rename(first: str, second: str) -> Unit[None]:
    """A unit that locks one row, waits, then locks the other."""

    async def unit(transaction: Transaction) -> None:
        await transaction.execute(update(workspaces).where(workspaces.c.id == first).values(name=first))
        await transaction.fetch_all(text("SELECT pg_sleep(0.2)"))
        await transaction.execute(update(workspaces).where(workspaces.c.id == second).values(name=first))

    return unit


async def test_the_loser_of_a_deadlock_runs_again(url: str) -> None:
    await on_server(f"ALTER DATABASE \"{name_of(url)}\" SET deadlock_timeout = '50ms'")
    database = await PostgresDatabase.open(url)
    await database.write(add("a", "b"))

    first = asyncio.create_task(database.write(rename("a", "b")))
    await asyncio.sleep(0.05)  # so that each writer takes one
    await asyncio.gather(first, database.write(rename("b", "a")))

    rows = await database.read(lambda transaction: transaction.fetch_all(select(workspaces.c.name)))
    assert len({row["name"] for row in rows}) == 1
    await database.close()


def die_once(row_id: str) -> Unit[int]:
    """A unit whose backend is terminated in its first run. It answers how often it ran."""
    runs: list[str] = []

    async def unit(transaction: Transaction) -> int:
        runs.append(row_id)
        await add(row_id)(transaction)
        if len(runs) == 1:
            await transaction.fetch_all(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return len(runs)

    return unit


async def test_a_backend_terminated_mid_way_is_replaced_and_the_unit_has_one_effect(url: str) -> None:
    database = await PostgresDatabase.open(url)
    outcomes = await asyncio.gather(database.write(add("before")), database.write(die_once("x")), database.write(add("after")))
    assert outcomes[1] is not None
    assert outcomes[1] > 1
    assert sorted(await ids_in(database)) == ["after", "before", "x"]
    await database.close()


async def test_readers_survive_the_loss_of_all_connections(url: str) -> None:
    database = await PostgresDatabase.open(url)
    await database.write(add("a"))
    for _ in range(3):
        assert await asyncio.gather(*(database.read(count) for _ in range(10))) == [1] * 10
        await terminate_all(url)
    await database.close()


async def terminate_all(url: str) -> None:
    """Ends every connection to the database, as a restart of the server does."""
    await on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(url)}'")


async def test_nothing_confirmed_is_lost_while_connections_are_torn_down(url: str) -> None:
    database = await PostgresDatabase.open(url)
    confirmed: list[str] = []
    failures: set[str] = set()

    async def write_some(task: int) -> None:
        for number in range(60):
            row_id = f"{task}-{number}"
            try:
                await database.write(add(row_id))
                confirmed.append(row_id)
            except DependencyError as error:
                failures.add(error.code)

    writing = asyncio.gather(*(write_some(task) for task in range(16)))
    while not writing.done():
        await terminate_all(url)
        await asyncio.sleep(0.05)
    await writing
    assert failures <= {"commit_unknown"}
    assert len(confirmed) > 16
    assert set(confirmed) <= set(await ids_in(database))
    await database.close()


@asynccontextmanager
async def cutting_proxy(url: str, cut: Callable[[bytes], bool], *, silently: bool = False) -> AsyncIterator[str]:
    """A URL of the same database through a proxy that cuts the line, once, after passing on a request `cut` chooses.

    `silently`: the client is left waiting on a line that looks whole.
    """
    server = urlsplit(url)
    cuts_left = [1]

    async def relay(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        upstream, request = await asyncio.open_connection(server.hostname, server.port)
        back = asyncio.create_task(copy(upstream, answer))
        last = False
        while data := await client.read(65536):
            last = bool(cuts_left[0]) and cut(data)
            if last:
                cuts_left[0] = 0
                back.cancel()
                await asyncio.wait([back])
            request.write(data)
            await request.drain()
            if last:
                await upstream.read(65536)  # the server did it, but nobody hears
                break
        back.cancel()
        request.close()
        if last and silently:
            await client.read()
        answer.close()

    proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    try:
        yield server._replace(netloc=f"{server.username}@127.0.0.1:{port}", query="sslmode=disable").geturl()
    finally:
        proxy.close()


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Passes on what comes."""
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()


async def test_a_lost_answer_to_commit_is_told_as_unknown_and_not_repeated(url: str) -> None:
    async with cutting_proxy(url, lambda data: b"COMMIT" in data) as proxied:
        database = await PostgresDatabase.open(proxied)
        with pytest.raises(DependencyError) as caught:
            await database.write(add("a"))
        assert caught.value.code == "commit_unknown"
        assert await ids_in(database) == ["a"]
        await database.write(add("b"))
        assert sorted(await ids_in(database)) == ["a", "b"]
        await database.close()


async def test_a_line_cut_before_commit_costs_nothing(url: str) -> None:
    async with cutting_proxy(url, lambda data: b"INSERT INTO workspaces" in data) as proxied:
        database = await PostgresDatabase.open(proxied)
        await asyncio.gather(*(database.write(add(str(n))) for n in range(20)))
        assert await database.read(count) == 20
        await database.close()


async def test_a_line_that_went_silent_is_given_up_and_the_unit_runs_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "_ROLLBACK_SECONDS", 0.1)
    async with cutting_proxy(url, lambda data: b"INSERT INTO workspaces" in data, silently=True) as proxied:
        database = await PostgresDatabase.open(proxied)
        await database.write(add("a"))
        assert await ids_in(database) == ["a"]
        await database.close()


async def test_a_server_that_stays_away_is_named_after_a_while(url: str) -> None:
    database = await PostgresDatabase.open(url, patience=0.2)
    await on_server(f'ALTER DATABASE "{name_of(url)}" WITH ALLOW_CONNECTIONS false')
    await terminate_all(url)
    for call in (database.write, database.read):
        with pytest.raises(DependencyError) as caught:
            await call(count)
        assert caught.value.code in {"database_away", "connection_lost"}
    await on_server(f'ALTER DATABASE "{name_of(url)}" WITH ALLOW_CONNECTIONS true')
    await database.write(add("back"))
    assert await ids_in(database) == ["back"]
    await database.close()


async def test_two_writers_lose_no_update(url: str) -> None:
    database = await PostgresDatabase.open(url)
    await database.write(add("a"))
    increment = update(workspaces).values(created_at=workspaces.c.created_at + 1)
    await asyncio.gather(*(database.write(lambda transaction: transaction.execute(increment)) for _ in range(400)))
    row = await database.read(lambda transaction: transaction.fetch_one(select(workspaces.c.created_at)))
    assert row == {"created_at": 401}
    await database.close()
