"""All revisions together make exactly the tables of `tables.py`, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rows_of_workspaces import add, ids_in
from sqlalchemy import Connection, MetaData, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from support.databases import DIALECTS, empty_url

from guestlist.errors import ConfigurationError, GuestlistError
from guestlist.storage.database import is_sqlite, open_database, sqlite_path
from guestlist.storage.migrate import check_schema, migrate, revisions
from guestlist.storage.postgres import connect_postgres
from guestlist.storage.sqlite import connect, driver
from guestlist.storage.tables import metadata


@pytest.fixture(params=DIALECTS)
async def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def url(dialect: str, tmp_path: Path) -> AsyncIterator[str]:
    async with empty_url(dialect, tmp_path) as empty:
        yield empty


def described(connection: Connection) -> dict[str, Any]:
    """Every table with its columns, keys and indexes, and the database's own words for partial indexes."""
    look = inspect(connection)
    tables = {}
    for name in look.get_table_names():
        if name == "alembic_version":
            continue
        tables[name] = {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(name)],
            "primary key": look.get_pk_constraint(name),
            "unique": sorted((u["name"], u["column_names"]) for u in look.get_unique_constraints(name)),
            "indexes": sorted((str(i["name"]), i["column_names"], conditions(i)) for i in look.get_indexes(name)),
        }
    return tables


def conditions(index: Any) -> list[str]:
    """What makes an index a partial one."""
    return sorted(f"{name}: {value}" for name, value in index["dialect_options"].items())


async def on_connection(url: str, work: Any) -> Any:
    """What `work` makes of a SQLAlchemy connection to `url`."""
    if is_sqlite(url):
        engine = create_engine("sqlite://", creator=lambda: connect(sqlite_path(url)), module=driver, poolclass=NullPool)
        with engine.begin() as connection:
            return work(connection)
    remote = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect_postgres(url), poolclass=NullPool)
    async with remote.begin() as connection:
        return await connection.run_sync(work)


async def test_the_revisions_make_the_tables_of_the_code(dialect: str, url: str, tmp_path: Path) -> None:
    await migrate(url)
    async with empty_url(dialect, tmp_path) as other:
        await on_connection(other, metadata.create_all)
        expected = await on_connection(other, described)
    assert set(expected) == set(metadata.tables)
    assert await on_connection(url, described) == expected


async def test_migrating_again_changes_nothing(url: str) -> None:
    await migrate(url)
    database = await open_database(url)
    await database.write(add("kept"))
    await database.close()
    await migrate(url)
    database = await open_database(url)
    assert await ids_in(database) == ["kept"]
    await check_schema(database)
    await database.close()


async def test_workers_that_start_together_migrate_once(url: str) -> None:
    await asyncio.gather(*(migrate(url) for _ in range(4)))
    database = await open_database(url)
    await check_schema(database)
    await database.close()


async def set_revision(url: str, revision: str) -> None:
    """Makes the database say it has this revision."""
    await on_connection(
        url, lambda connection: connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    )


async def test_a_schema_newer_than_the_code_is_refused(url: str) -> None:
    await migrate(url)
    await set_revision(url, "9999")
    database = await open_database(url)
    for attempt in (migrate(url), check_schema(database)):
        with pytest.raises(ConfigurationError) as caught:
            await attempt
        assert caught.value.code == "schema_newer"
        assert "9999" in str(caught.value)
    await database.close()


async def test_a_database_without_schema_is_told_apart(url: str) -> None:
    database = await open_database(url)
    with pytest.raises(ConfigurationError) as caught:
        await check_schema(database)
    assert caught.value.code == "schema_older"
    await database.close()


async def test_a_failed_migration_leaves_the_schema_as_it_was(url: str) -> None:
    await on_connection(url, lambda connection: connection.execute(text("CREATE TABLE workspaces (id TEXT)")))
    with pytest.raises(GuestlistError, match="already exists"):
        await migrate(url)
    assert set(await on_connection(url, described)) == {"workspaces"}


def test_revisions_are_numbered_without_gaps() -> None:
    assert revisions() == [f"{n:04}" for n in range(1, len(revisions()) + 1)]


def test_the_tables_carry_no_defaults_of_python() -> None:
    assert isinstance(metadata, MetaData)
    assert [column for table in metadata.tables.values() for column in table.columns if column.default or column.onupdate] == []
