"""Opening the database `DATABASE_URL` names: `sqlite:///path` (embedded) or `postgresql://…` (several workers)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from guestlist.errors import ConfigurationError

from .base import Database
from .sqlite import SqliteDatabase


async def open_database(url: str) -> Database:
    """The database at `url`. The schema must be there already (`migrate.migrate`).

    Errors: ConfigurationError for a bad URL, folder, file or password; DependencyError when the server is away.
    """
    if is_sqlite(url):
        return await asyncio.to_thread(SqliteDatabase, sqlite_path(url))
    from .postgres import PostgresDatabase

    return await PostgresDatabase.open(url)


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file; False for PostgreSQL. Errors: ConfigurationError for anything else."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return True
    if scheme in {"postgresql", "postgres"}:
        return False
    raise ConfigurationError(
        f"DATABASE_URL has an unknown scheme: {scheme or 'none'}.",
        code="bad_database_url",
        remedy="Use sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user@host:5432/name.",
    )


def sqlite_path(url: str) -> Path:
    """The file a `sqlite:///` URL names. Errors: ConfigurationError when it names none, or its folder is missing."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path.startswith(":memory:"):
        raise ConfigurationError(
            "DATABASE_URL names no SQLite file.",
            code="bad_database_url",
            remedy="Use sqlite:///relative/path.db or sqlite:////absolute/path.db; a database in memory would not be durable.",
        )
    file = Path(path)
    if not file.parent.is_dir():
        raise ConfigurationError(
            f"The folder {file.parent} does not exist.", code="no_folder", remedy="Create it, or change DATABASE_URL."
        )
    if file.is_dir():
        raise ConfigurationError(f"{file} is a folder.", code="not_a_database", remedy="Name a file in DATABASE_URL.")
    return file
