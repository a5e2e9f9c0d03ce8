"""Bringing the schema up to the code: `await migrate(url)` at every start, safe when several workers start together."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from guestlist.errors import ConfigurationError, GuestlistError

from .base import Database, Transaction
from .database import is_sqlite, sqlite_path
from .failures import postgres_failure, sqlite_failure
from .sqlite import connect, driver

_LOCK = 7_305_815_213  # any number, the same for all workers: the advisory lock the migrations are run under

logging.getLogger("alembic").setLevel(logging.WARNING)


async def migrate(url: str) -> None:
    """Creates the schema or brings it up to date. A second caller waits for the first and finds nothing to do.

    Errors: ConfigurationError when the schema is newer than this code; those of `open_database`.
    """
    if is_sqlite(url):
        await asyncio.to_thread(_migrate_sqlite, url)
    else:
        await _migrate_postgres(url)


async def check_schema(database: Database) -> None:
    """Compares the schema with the code. Errors: ConfigurationError when it is older, newer or missing."""

    async def read(transaction: Transaction) -> str | None:
        row = await transaction.fetch_one(text("SELECT version_num FROM alembic_version"))
        return row["version_num"] if row else None

    try:
        found = await database.read(read)
    except GuestlistError as error:
        if error.code != "statement_refused":
            raise
        found = None  # no such table
    if found != revisions()[-1]:
        _refuse_newer(found)
        raise ConfigurationError(
            f"The database schema is older than this Guestlist (it has revision {found or 'none'}).",
            code="schema_older",
            remedy="Start `guestlist serve` once: it brings the schema up to date.",
        )


def revisions() -> list[str]:
    """The revisions this code has, oldest first."""
    script = ScriptDirectory.from_config(alembic_config(None))
    return [revision.revision for revision in script.walk_revisions()][::-1]


def alembic_config(connection: Connection | None) -> Config:
    """Alembic's configuration, for running on this connection."""
    config = Config()
    config.set_main_option("script_location", "guestlist.storage:migrations")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    _refuse_newer(MigrationContext.configure(connection).get_current_revision())
    command.upgrade(alembic_config(connection), "head")


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in revisions():
        raise ConfigurationError(
            f"The database schema (revision {found}) is newer than this Guestlist.",
            code="schema_newer",
            remedy="Start the newer Guestlist that wrote it, or restore the backup made before the upgrade.",
        )


def _migrate_sqlite(url: str) -> None:
    path = sqlite_path(url)
    connect(path).close()  # a bad folder or file is told in our words
    engine = create_engine("sqlite://", creator=lambda: connect(path), module=driver, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the lock: a second migration waits here

    try:
        with engine.begin() as connection:
            _upgrade(connection)
    except DBAPIError as error:
        raise sqlite_failure(_cause(error), str(path)) from None


async def _migrate_postgres(url: str) -> None:
    from .postgres import connect_postgres, place_of

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect_postgres(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            await connection.run_sync(_upgrade)
    except DBAPIError as error:
        raise postgres_failure(_cause(error), place_of(url)) from None
    finally:
        await engine.dispose()


def _cause(error: DBAPIError) -> Exception:
    """The driver's own error below SQLAlchemy's."""
    own = cast(Exception, error.orig)
    return own.__cause__ if isinstance(own.__cause__, Exception) else own
