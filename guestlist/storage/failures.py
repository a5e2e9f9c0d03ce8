"""What the drivers raise, as the errors of the house: what happened, where, and the way out.

Drivers quote row values in their messages; ours never do, so nothing personal reaches a log.
"""

from __future__ import annotations

import asyncpg

from guestlist.errors import ConfigurationError, DependencyError, GuestlistError, RefusedError, UsageError

RERUN_CODES = frozenset({"deadlock", "serialization_failure", "connection_lost"})
"""Codes of failures after which the transaction surely left nothing behind and may simply be run again."""


def reruns(error: BaseException) -> bool:
    """Whether the unit that met this failure may be run again."""
    return isinstance(error, DependencyError) and error.code in RERUN_CODES


def already_exists(table: str) -> RefusedError:
    """A unique key of `table` is taken."""
    return RefusedError(
        f"A row with this key already exists in {table}.", code="already_exists", remedy="Use the existing one.", table=table
    )


def bad_text() -> UsageError:
    """A text no database can keep as it is. PostgreSQL refuses both kinds; SQLite would take the first, so it is refused here."""
    return UsageError(
        "A text holds a NUL character or half a surrogate pair.", code="bad_text", remedy="Send it again without that character."
    )


def refused_statement(what: str) -> GuestlistError:
    """The database refused a statement: a fault of ours. `what` holds no values."""
    return GuestlistError(f"The database refused a statement: {what}.", code="statement_refused")


def read_only_unit() -> RuntimeError:
    """A unit given to `Database.read` tried to write."""
    return RuntimeError("A unit given to read() may not write; give it to write().")


def closed() -> DependencyError:
    """The database object was closed."""
    return DependencyError("The database is closed.", code="database_closed", remedy="Start the process again.")


def sqlite_failure(error: Exception, path: str) -> Exception:
    """What sqlite3's error means for a person."""
    if isinstance(error, UnicodeEncodeError):
        return bad_text()
    name: str = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    if name in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"} or "disk is full" in text:
        return DependencyError(
            f"The disk holding {path} is full.",
            code="disk_full",
            remedy="Free some space; nothing that was confirmed is lost, and work goes on by itself.",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DependencyError(
            f"Another process holds the write lock of {path}.",
            code="database_locked",
            remedy="Stop the other program that writes to this file, or wait for it to finish.",
        )
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"} or name.startswith("SQLITE_CORRUPT"):
        return ConfigurationError(
            f"{path} is not a sound SQLite database.",
            code="not_a_database",
            remedy="Point DATABASE_URL at Guestlist's own file, or restore the last backup.",
        )
    if name.startswith("SQLITE_CANTOPEN") or name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return ConfigurationError(
            f"{path} cannot be opened for writing.",
            code="database_not_writable",
            remedy="Check that the folder exists and that this user may write to the folder and the file.",
        )
    if name.startswith("SQLITE_IOERR"):
        return DependencyError(
            f"The disk holding {path} does not answer ({name}).", code="disk_failed", remedy="Check the disk and the mount."
        )
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"} or text.startswith("UNIQUE constraint failed"):
        return already_exists(text.partition(": ")[2].partition(".")[0])
    return refused_statement(f"{type(error).__name__} {name}: {text}".replace("  ", " "))


DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""Everything asyncpg raises when a statement or the connection fails."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # a farewell that arrived between two statements: the connection is of no more use
    OSError,
    TimeoutError,
)


def postgres_failure(error: Exception, place: str) -> Exception:
    """What asyncpg's error on an open connection means for a person. `place` is host, port and name, without user or password."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return already_exists(getattr(error, "table_name", None) or "the table")
    if isinstance(error, asyncpg.DeadlockDetectedError):
        return DependencyError(f"Transactions on {place} waited for each other.", code="deadlock", remedy="Try again.")
    if isinstance(error, asyncpg.SerializationError):
        return DependencyError(f"A transaction on {place} met a newer one.", code="serialization_failure", remedy="Try again.")
    if isinstance(error, asyncpg.DiskFullError):
        return DependencyError(
            f"The disk of the database server at {place} is full.",
            code="disk_full",
            remedy="Free some space there; nothing that was confirmed is lost, and work goes on by itself.",
        )
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return read_only_unit()
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return DependencyError(
            f"The server at {place} cancelled a statement that took too long.",
            code="database_slow",
            remedy="Look for long-running transactions on the server, or raise its statement_timeout.",
        )
    if isinstance(error, _LOST) or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)):
        return DependencyError(
            f"The connection to the database server at {place} was lost.",
            code="connection_lost",
            remedy="Check the server and the network; Guestlist connects again by itself.",
        )
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return ConfigurationError(
            f"The database user may not do this on {place}.",
            code="database_rights",
            remedy="Make the user in DATABASE_URL the owner of the database.",
        )
    if isinstance(error.__cause__, UnicodeEncodeError):
        return bad_text()
    return refused_statement(" ".join(_described(error)))


def _described(error: Exception) -> list[str]:
    """The kind of error and where it is, never the values PostgreSQL quotes in its messages and details."""
    details = (getattr(error, name, None) for name in ("sqlstate", "table_name", "column_name", "constraint_name"))
    words = [type(error).__name__, *(str(detail) for detail in details if detail)]
    if isinstance(error, asyncpg.SyntaxOrAccessError):  # its message names tables and columns only
        words.append(str(error.args[0]))
    return words


def connect_failure(error: Exception, place: str) -> Exception:
    """Why no connection to the server could be made."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InsufficientPrivilegeError):
        return ConfigurationError(
            f"The database server at {place} refused the login.",
            code="database_login",
            remedy="Check the user and password in DATABASE_URL, and the server's pg_hba.conf.",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return ConfigurationError(
            f"There is no database {place}.", code="no_database", remedy="Create it with createdb, or correct DATABASE_URL."
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return DependencyError(
            f"The database server at {place} has no free connection.",
            code="database_full",
            remedy="Raise max_connections, or run fewer workers.",
        )
    if isinstance(error, asyncpg.ClientConfigurationError | ValueError):
        return ConfigurationError(
            "DATABASE_URL cannot be understood.",
            code="bad_database_url",
            remedy="Use postgresql://user@host:5432/name; write special characters in the password percent-encoded.",
        )
    return DependencyError(
        f"The database server at {place} does not answer ({type(error).__name__}).",
        code="database_away",
        remedy="Start it, or correct host and port in DATABASE_URL.",
    )


def commit_unknown(place: str) -> DependencyError:
    """The answer to COMMIT was lost: the unit is either wholly there or not at all."""
    return DependencyError(
        f"The connection to {place} was lost while a transaction was being committed.",
        code="commit_unknown",
        remedy="Read the rows to learn whether it was.",
    )
