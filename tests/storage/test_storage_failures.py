"""Every driver error has one meaning, a way out, and keeps the values to itself."""

from __future__ import annotations

import asyncpg
import pytest

from guestlist.errors import ConfigurationError, DependencyError, GuestlistError, RefusedError
from guestlist.storage.failures import connect_failure, postgres_failure, reruns, sqlite_failure


class SqliteError(Exception):
    """An error as sqlite3 raises it."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text or name)
        self.sqlite_errorname = name


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (SqliteError("SQLITE_FULL", "database or disk is full"), DependencyError, "disk_full"),
        (SqliteError("SQLITE_IOERR_WRITE"), DependencyError, "disk_full"),
        (SqliteError("SQLITE_IOERR_FSYNC"), DependencyError, "disk_failed"),
        (SqliteError("SQLITE_BUSY", "database is locked"), DependencyError, "database_locked"),
        (SqliteError("SQLITE_NOTADB"), ConfigurationError, "not_a_database"),
        (SqliteError("SQLITE_CORRUPT_INDEX"), ConfigurationError, "not_a_database"),
        (SqliteError("SQLITE_CANTOPEN_ISDIR"), ConfigurationError, "database_not_writable"),
        (SqliteError("SQLITE_READONLY_DIRECTORY"), ConfigurationError, "database_not_writable"),
        (SqliteError("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: keys.digest"), RefusedError, "already_exists"),
        (SqliteError("SQLITE_ERROR", "no such table: x"), GuestlistError, "statement_refused"),
    ],
)
def test_sqlite_errors(error: SqliteError, kind: type[GuestlistError], code: str) -> None:
    failure = sqlite_failure(error, "guestlist.db")
    assert isinstance(failure, kind)
    assert failure.code == code
    assert not reruns(failure)


@pytest.mark.parametrize(
    ("error", "kind", "code", "run_again"),
    [
        (asyncpg.DiskFullError("x"), DependencyError, "disk_full", False),
        (asyncpg.DeadlockDetectedError("x"), DependencyError, "deadlock", True),
        (asyncpg.SerializationError("x"), DependencyError, "serialization_failure", True),
        (asyncpg.AdminShutdownError("x"), DependencyError, "connection_lost", True),
        (asyncpg.IdleInTransactionSessionTimeoutError("x"), DependencyError, "connection_lost", True),
        (asyncpg.InterfaceError("connection is closed"), DependencyError, "connection_lost", True),
        (ConnectionResetError(), DependencyError, "connection_lost", True),
        (asyncpg.QueryCanceledError("x"), DependencyError, "database_slow", False),
        (asyncpg.UniqueViolationError("Key (token)=(secret)"), RefusedError, "already_exists", False),
        (asyncpg.NotNullViolationError("Failing row contains (secret)"), GuestlistError, "statement_refused", False),
        (asyncpg.DataError("invalid input for query argument $1: 'secret'"), GuestlistError, "statement_refused", False),
    ],
)
def test_postgres_errors(error: Exception, kind: type[GuestlistError], code: str, run_again: bool) -> None:
    failure = postgres_failure(error, "db:5432/guestlist")
    assert isinstance(failure, kind)
    assert (failure.code, reruns(failure)) == (code, run_again)
    assert "secret" not in f"{failure!r} {failure.remedy} {dict(failure.data)}"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (asyncpg.InvalidPasswordError("x"), ConfigurationError, "database_login"),
        (asyncpg.InvalidCatalogNameError("x"), ConfigurationError, "no_database"),
        (asyncpg.TooManyConnectionsError("x"), DependencyError, "database_full"),
        (asyncpg.CannotConnectNowError("x"), DependencyError, "database_away"),
        (ConnectionRefusedError(), DependencyError, "database_away"),
        (TimeoutError(), DependencyError, "database_away"),
        (asyncpg.ClientConfigurationError("bad dsn"), ConfigurationError, "bad_database_url"),
        (ValueError("bad port"), ConfigurationError, "bad_database_url"),
    ],
)
def test_connections_that_fail(error: Exception, kind: type[GuestlistError], code: str) -> None:
    failure = connect_failure(error, "db:5432/guestlist")
    assert isinstance(failure, kind)
    assert failure.code == code
    assert failure.remedy
