"""Durable rows a second: 64 tasks that each await one row at a time, against the bare driver committing row by row.

SQLite in a temporary folder; PostgreSQL too when `GUESTLIST_TEST_POSTGRES` names a server (a database of its own, dropped after).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from sqlalchemy import insert

from guestlist.storage.base import Database, Transaction
from guestlist.storage.database import open_database, sqlite_path
from guestlist.storage.migrate import migrate
from guestlist.storage.postgres import connect_postgres
from guestlist.storage.sqlite import connect
from guestlist.storage.tables import workspaces

TASKS = 64
GROUPED_ROWS = 20_000
SINGLE_ROWS = 2_000
ADD = insert(workspaces)


def run() -> None:
    """Prints one line a database: rows/s in groups, rows/s one a commit, their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_compare(f"sqlite:///{folder}/writes.db", "SQLite", _sqlite_one_by_one))
    server = os.environ.get("GUESTLIST_TEST_POSTGRES")
    if server:
        asyncio.run(_on_server(server))
    else:
        print("writes  PostgreSQL: not measured, GUESTLIST_TEST_POSTGRES is not set")


async def _on_server(server: str) -> None:
    async with _own_database(server) as url:
        await _compare(url, "PostgreSQL", _postgres_one_by_one)


async def _compare(url: str, name: str, one_by_one: Callable[[str], Awaitable[float]]) -> None:
    await migrate(url)
    alone = await one_by_one(url)
    database = await open_database(url)
    grouped = await _grouped(database)
    await database.close()
    print(
        f"writes  {name}: {grouped:,.0f} awaited durable rows/s from {TASKS} tasks, "
        f"{alone:,.0f} one a commit on the bare driver, ratio {grouped / alone:.1f}"
    )


async def _grouped(database: Database) -> float:
    async def add(row_id: str) -> None:
        async def unit(transaction: Transaction) -> None:
            await transaction.execute(ADD, {"id": row_id, "name": "n", "created_at": 1})

        await database.write(unit)

    async def task(number: int) -> None:
        for row in range(GROUPED_ROWS // TASKS):
            await add(f"{number}-{row}")

    start = time.perf_counter()
    await asyncio.gather(*(task(number) for number in range(TASKS)))
    return GROUPED_ROWS / (time.perf_counter() - start)


async def _sqlite_one_by_one(url: str) -> float:
    def work() -> float:
        connection = connect(sqlite_path(url))
        start = time.perf_counter()
        for row in range(SINGLE_ROWS):
            connection.execute("INSERT INTO workspaces (id, name, created_at) VALUES (?, ?, ?)", (f"one-{row}", "n", 1))
        rate = SINGLE_ROWS / (time.perf_counter() - start)
        connection.close()
        return rate

    return await asyncio.to_thread(work)


async def _postgres_one_by_one(url: str) -> float:
    connection = await connect_postgres(url)
    start = time.perf_counter()
    for row in range(SINGLE_ROWS):
        await connection.execute("INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)", f"one-{row}", "n", 1)
    rate = SINGLE_ROWS / (time.perf_counter() - start)
    await connection.close()
    return rate


@asynccontextmanager
async def _own_database(server: str) -> AsyncIterator[str]:
    name = f"guestlist_bench_{secrets.token_hex(6)}"
    connection = await connect_postgres(server)
    await connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()
