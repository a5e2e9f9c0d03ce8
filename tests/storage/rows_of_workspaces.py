"""Units the storage tests are made of: rows of `workspaces` in, rows out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import func, insert, select, text

from guestlist.storage.base import Database, Transaction
from guestlist.storage.tables import workspaces

ADD = insert(workspaces)


def add(*ids: str) -> Callable[[Transaction], Awaitable[None]]:
    """A unit that adds these rows, one statement each."""

    async def unit(transaction: Transaction) -> None:
        for row_id in ids:
            await transaction.execute(ADD, {"id": row_id, "name": "n", "created_at": 1})

    return unit


async def ids_in(database: Database) -> list[str]:
    """The ids that are there, in the order they were written."""

    async def unit(transaction: Transaction) -> list[str]:
        order = text("rowid") if transaction.dialect == "sqlite" else text("ctid")
        return [row["id"] for row in await transaction.fetch_all(select(workspaces.c.id).order_by(order))]

    return await database.read(unit)


async def count(transaction: Transaction) -> int:
    """How many rows there are."""
    row = await transaction.fetch_one(select(func.count().label("n")).select_from(workspaces))
    assert row is not None
    return int(row["n"])
