"""Statements on the ledger of an audience: the rows Meta acknowledged, known by their identifiers' digests.

Every call takes a bounded number of rows; callers go through long lists piece by piece.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from guestlist.domain.states import Audience, Upload
from guestlist.domain.uploads import member_key

from .base import Row, Transaction
from .tables import audience_members as members
from .tables import audiences, uploads
from .tables import removed_identifiers as removed

_INSERT = upsert(members)
_ADD = _INSERT.on_conflict_do_update(
    index_elements=["workspace_id", "audience_id", "key"], set_={"held_in": _INSERT.excluded.held_in}
)
_NOTE = upsert(removed).on_conflict_do_nothing(index_elements=["workspace_id", "upload_id", "digest"])
_REMOVE = delete(members).where(
    members.c.workspace_id == bindparam("workspace"),
    members.c.audience_id == bindparam("audience"),
    members.c.key == bindparam("member"),
)


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger of one audience, as the upload with this number sees it."""

    workspace_id: str
    audience_id: str
    number: int

    @property
    def rows(self) -> ColumnElement[bool]:
        """Its rows."""
        return (members.c.workspace_id == self.workspace_id) & (members.c.audience_id == self.audience_id)


async def known_keys(tx: Transaction, book: Book, keys: Collection[bytes]) -> set[bytes]:
    """Those of the keys that are in the ledger."""
    query = select(members.c.key).where(book.rows, members.c.key.in_(keys))
    return {row["key"] for row in await tx.fetch_all(query)}


async def hold(tx: Transaction, book: Book, keys: Collection[bytes]) -> None:
    """Notes that the upload's list holds these rows."""
    await tx.execute(update(members).where(book.rows, members.c.key.in_(keys)).values(held_in=book.number))


async def gone_rows(tx: Transaction, book: Book, *, after: bytes, limit: int) -> list[Row]:
    """Rows that the upload's list does not hold, by key, from behind a key."""
    query = select(members.c.key, members.c.email, members.c.phone).where(
        book.rows, members.c.key > after, members.c.held_in != book.number
    )
    return await tx.fetch_all(query.order_by(members.c.key).limit(limit))


async def note_removed(tx: Transaction, upload: Row, digests: Collection[bytes]) -> None:
    """Notes e-mails and phones that the upload takes out, by their short digests."""
    common = {"workspace_id": upload["workspace_id"], "upload_id": upload["id"]}
    await tx.execute_many(_NOTE, [{**common, "digest": digest} for digest in digests])


async def find_removed(tx: Transaction, upload: Row, digests: Collection[bytes]) -> set[bytes]:
    """Those of the e-mails and phones that the upload takes out."""
    query = select(removed.c.digest).where(
        removed.c.workspace_id == upload["workspace_id"], removed.c.upload_id == upload["id"], removed.c.digest.in_(digests)
    )
    return {row["digest"] for row in await tx.fetch_all(query)}


async def forget_removed(tx: Transaction, workspace_id: str, upload_id: str, limit: int) -> int:
    """Drops up to `limit` of these notes; how many."""
    mine = (removed.c.workspace_id == workspace_id) & (removed.c.upload_id == upload_id)
    some = select(removed.c.digest).where(mine).limit(limit)
    return await tx.execute(delete(removed).where(mine, removed.c.digest.in_(some)))


async def add(tx: Transaction, book: Book, identifiers: Sequence[tuple[str, str]]) -> None:
    """Enters rows by their e-mail and phone digests (hex, "" where missing): Meta has them."""
    entries = [
        {
            "workspace_id": book.workspace_id,
            "audience_id": book.audience_id,
            "key": member_key(email, phone),
            "email": bytes.fromhex(email) or None,
            "phone": bytes.fromhex(phone) or None,
            "held_in": book.number,
        }
        for email, phone in identifiers
    ]
    await tx.execute_many(_ADD, entries)


async def remove(tx: Transaction, book: Book, keys: Collection[bytes]) -> None:
    """Strikes rows out: Meta has them no longer."""
    entries = [{"workspace": book.workspace_id, "audience": book.audience_id, "member": key} for key in keys]
    await tx.execute_many(_REMOVE, entries)


async def forget_cancelled(tx: Transaction, limit: int) -> int:
    """Drops up to `limit` notes of an upload that was given up while it was planned; how many."""
    left = removed.c.workspace_id == uploads.c.workspace_id, removed.c.upload_id == uploads.c.id
    given_up = select(uploads.c.workspace_id, uploads.c.id).where(
        uploads.c.state == Upload.FAILED.value, select(literal(1)).where(*left).exists()
    )
    upload = await tx.fetch_one(given_up.limit(1))
    return await forget_removed(tx, upload["workspace_id"], upload["id"], limit) if upload else 0


async def forget_deleted(tx: Transaction, limit: int) -> int:
    """Drops up to `limit` rows from the ledger of a deleted audience; how many."""
    left = members.c.workspace_id == audiences.c.workspace_id, members.c.audience_id == audiences.c.id
    deleted = select(audiences.c.workspace_id, audiences.c.id).where(
        audiences.c.state == Audience.DELETED.value, select(literal(1)).where(*left).exists()
    )
    audience = await tx.fetch_one(deleted.limit(1))
    if audience is None:
        return 0
    book = Book(audience["workspace_id"], audience["id"], 0)
    some = select(members.c.key).where(book.rows).limit(limit)
    return await tx.execute(delete(members).where(book.rows, members.c.key.in_(some)))


async def count_members(tx: Transaction, workspace_id: str, audience_id: str) -> int:
    """How many rows the ledger of an audience holds."""
    book = Book(workspace_id, audience_id, 0)
    row = await tx.fetch_one(select(func.count().label("n")).select_from(members).where(book.rows))
    return int(row["n"]) if row else 0
