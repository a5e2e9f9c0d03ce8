"""Fresh, migrated databases for tests: SQLite always, PostgreSQL when `GUESTLIST_TEST_POSTGRES` names a server.

When it does and the server cannot be reached, tests fail; they are never skipped.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from guestlist.storage.base import Database
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate

POSTGRES = os.environ.get("GUESTLIST_TEST_POSTGRES", "")
DIALECTS = ["sqlite", *(["postgresql"] if POSTGRES else [])]
postgres_only = pytest.mark.skipif(not POSTGRES, reason="GUESTLIST_TEST_POSTGRES is not set")


async def on_server(statement: str) -> None:
    """Runs one statement on the test server, outside a transaction."""
    connection = await asyncpg.connect(POSTGRES)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def empty_url(dialect: str, folder: Path) -> AsyncIterator[str]:
    """The URL of a database without any table. Gone afterwards."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder / f'{secrets.token_hex(4)}.db'}"
        return
    name = f"guestlist_test_{secrets.token_hex(6)}"
    await on_server(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
    finally:
        await on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def fresh_url(dialect: str, folder: Path, templates: Templates) -> AsyncIterator[str]:
    """The URL of a migrated database without rows. Gone afterwards."""
    async with empty_url(dialect, folder) as url:
        await templates.fill(dialect, url)
        yield url


class Templates:
    """Migrating once a session and copying is quicker than migrating for every test."""

    def __init__(self, folder: Path) -> None:
        self._sqlite = folder / "template.db"

    async def fill(self, dialect: str, url: str) -> None:
        """Brings the empty database at `url` to the newest schema."""
        if dialect != "sqlite":
            await migrate(url)
            return
        if not self._sqlite.exists():
            await migrate(f"sqlite:///{self._sqlite}")
        shutil.copyfile(self._sqlite, url.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The session's migrated originals."""
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest_asyncio.fixture(params=DIALECTS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> AsyncIterator[str]:
    """The URL of a fresh, migrated database; the test runs once for each kind."""
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
