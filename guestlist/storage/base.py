"""The contract of storage: units of work on one set of statements, whatever the database.

A unit is an async function of a `Transaction`. It awaits nothing but the transaction's own calls (SQLite's writer refuses
anything else), may run more than once, and returns a value. `Database.write` resolves only when the unit is durable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy.sql.base import Executable

T = TypeVar("T")
Row = Mapping[str, Any]
"""A fetched row by column name. Instants are integers: milliseconds since 1970, UTC."""


class Transaction(Protocol):
    """One transaction. Statements are SQLAlchemy Core; parameters are the statement's named binds."""

    dialect: str  # "sqlite" | "postgresql"

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Runs it; the number of rows it touched."""
        ...

    async def execute_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs it once for each mapping, in one driver call."""
        ...

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Row]: ...

    async def fetch_one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row | None: ...


Unit = Callable[[Transaction], Awaitable[T]]


class Database(Protocol):
    """A database. Errors: DependencyError when it is away or the disk is full, with what and the way out."""

    dialect: str

    async def write(self, unit: Unit[T]) -> T:
        """Runs the unit in the group-commit writer; returns once it is durable. A unit that raises leaves nothing behind."""
        ...

    async def read(self, unit: Unit[T]) -> T:
        """Runs the unit on a reader connection, in one consistent snapshot."""
        ...

    async def close(self) -> None: ...
