"""Fresh, migrated databases for tests: SQLite always, PostgreSQL when `GUESTLIST_TEST_POSTGRES` names a server.

When it does and the server cannot be reached, tests fail; they are never skipped.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from guestlist.storage.base import Database
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate
from guestlist.storage.tables import metadata

POSTGRES = os.environ.get("GUESTLIST_TEST_POSTGRES", "")
DIALECTS = ["sqlite", *(["postgresql"] if POSTGRES else [])]
postgres_only = pytest.mark.skipif(not POSTGRES, reason="GUESTLIST_TEST_POSTGRES is not set")


async def on_server(statement: str, url: str = POSTGRES) -> None:
    """Runs one statement on the test server, outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def empty_url(dialect: str, folder: Path, template: str = "template1") -> AsyncIterator[str]:
    """The URL of a database without any table, or a copy of a template on the server. Gone afterwards."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder / f'{secrets.token_hex(4)}.db'}"
        return
    name = f"guestlist_test_{secrets.token_hex(6)}"
    await on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield url_of(name)
    finally:
        await on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def url_of(name: str) -> str:
    """The URL of a database on the test server."""
    return urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()


@asynccontextmanager
async def fresh_url(dialect: str, folder: Path, templates: Templates) -> AsyncIterator[str]:
    """The URL of a migrated database without rows. Gone afterwards."""
    async with empty_url(dialect, folder, await templates.prepare(dialect)) as url:
        if dialect == "sqlite":
            shutil.copyfile(templates.file, url.removeprefix("sqlite:///"))
        yield url


class Templates:
    """Migrated originals, made when first wanted: copying or emptying one is quicker than migrating for every test."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "template.db"
        self.name = f"guestlist_test_{secrets.token_hex(6)}_template"
        self.shared = f"guestlist_test_{secrets.token_hex(6)}_shared"
        self._made: set[str] = set()

    async def prepare(self, dialect: str) -> str:
        """Makes the original of this kind unless it is there; the name of the one on the server."""
        if dialect not in self._made:
            self._made.add(dialect)
            if dialect == "sqlite":
                await migrate(f"sqlite:///{self.file}")
            else:
                await on_server(f'CREATE DATABASE "{self.name}"')
                await migrate(url_of(self.name))
        return self.name

    async def emptied(self) -> str:
        """The URL of the one database on the server that tests share, without rows and without other people's connections."""
        if "shared" not in self._made:
            await on_server(f'CREATE DATABASE "{self.shared}" TEMPLATE "{await self.prepare("postgresql")}"')
            await on_server(f'ALTER DATABASE "{self.shared}" SET synchronous_commit = off')
            self._made.add("shared")
        await on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.shared}'")
        url = url_of(self.shared)
        deletions = (f"DELETE FROM {table}" for table in metadata.tables)  # quicker than TRUNCATE, which makes new files
        await on_server(f"{'; '.join(deletions)}; ALTER SEQUENCE webhooks_id_seq RESTART", url)
        return url

    async def drop(self) -> None:
        """Removes those on the server."""
        for name in (self.shared, self.name) if "postgresql" in self._made else ():
            await on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """The session's migrated originals."""
    originals = Templates(tmp_path_factory.mktemp("templates"))
    yield originals
    asyncio.run(originals.drop())


@pytest_asyncio.fixture(params=DIALECTS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> AsyncIterator[str]:
    """The URL of a migrated database without rows; the test runs once for each kind."""
    if request.param == "postgresql":
        yield await templates.emptied()
        return
    async with fresh_url(request.param, tmp_path, templates) as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated, open database; the test runs once for each kind."""
    opened = await open_database(database_url)
    try:
        yield opened
    finally:
        await opened.close()
