"""Statements about receipts that came before the answer, or the echo, that says which message they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, exists, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.states import Delivery

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import deliveries, early_receipts, parts

KEY = ("workspace_id", "account_id", "provider_id")


async def find_in_doubt(tx: Transaction, workspace_id: str, account_id: str, people: Iterable[str]) -> set[str]:
    """Those of the addresses to which a part is on the wire, or in doubt, that no provider's id is known of yet."""
    given = [{"address": each} for each in dict.fromkeys(people)]
    if not given:
        return set()
    bound = {"b_workspace": workspace_id, "b_account": account_id, **give(given)}
    return {row["address"] for row in await tx.fetch_all(_in_doubt(tx.dialect), bound)}


@cache
def _in_doubt(dialect: str) -> Executable:
    given = given_rows(dialect, like(deliveries.c.address))
    of_delivery = and_(parts.c.workspace_id == deliveries.c.workspace_id, parts.c.delivery_id == deliveries.c.id)
    to_them = (
        deliveries.c.workspace_id == bindparam("b_workspace"),
        deliveries.c.account_id == bindparam("b_account"),
        deliveries.c.address == given.c.address,
    )
    return select(given.c.address).where(exists().where(*to_them, of_delivery, _unnamed()))


async def is_in_doubt(tx: Transaction, workspace_id: str, account_id: str) -> bool:
    """Whether anything of an account is on the wire that no provider's id is known of yet."""
    sending = parts.c.state == literal_column(f"'{Delivery.SENDING.value}'")
    query = select(parts.c.number).where(
        parts.c.workspace_id == workspace_id, parts.c.account_id == account_id, sending, parts.c.provider_id.is_(None)
    )
    return await tx.fetch_one(query.limit(1)) is not None


def _unnamed() -> Any:
    doubtful = or_(*(parts.c.state == state.value for state in (Delivery.SENDING, Delivery.UNKNOWN)))
    return and_(parts.c.provider_id.is_(None), doubtful)


async def keep_early(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Keeps receipts for later; of two of a kind the later instant counts, as of watermarks."""
    if new:
        await tx.execute_many(_keep, new)


def _upsert() -> Executable:
    early = upsert(early_receipts)
    later = case((early_receipts.c.at > early.excluded.at, early_receipts.c.at), else_=early.excluded.at)
    return early.on_conflict_do_update(index_elements=[*KEY, "kind"], set_={"at": later})


_keep = _upsert()


async def find_early(tx: Transaction, workspace_id: str, account_id: str, provider_ids: Iterable[str]) -> list[Row]:
    """What came early under these ids, oldest first."""
    given = [dict(zip(KEY, (workspace_id, account_id, each), strict=True)) for each in dict.fromkeys(provider_ids)]
    return await tx.fetch_all(_find(tx.dialect), give(given)) if given else []


@cache
def _find(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(early_receipts.c[name]) for name in KEY))
    same = and_(*(early_receipts.c[name] == given.c[name] for name in KEY))
    return select(early_receipts).join(given, same).order_by(early_receipts.c.at)


async def drop_early(tx: Transaction, before: int, limit: int) -> int:
    """Drops what came early before an instant and found no message; how many."""
    key = [early_receipts.c[name] for name in (*KEY, "kind")]
    old = select(*key).where(early_receipts.c.received_at < before).limit(limit)
    found = await tx.fetch_all(old)
    for row in found:
        await tx.execute(delete(early_receipts).where(*(column == row[column.name] for column in key)))
    return len(found)
