"""Who has opted in to what: read from the consent ledger and from the subscription tokens of Pages. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import BigInteger, Select, and_, bindparam, or_, select

from guestlist.domain.consent import stands
from guestlist.domain.messages import AddressKind

from .base import Transaction
from .given import give, given_rows, like
from .tables import consents, subscribers


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a person of which an opt-in is asked. `contact_id` None = somebody nobody knows yet."""

    contact_id: str | None
    channel: str
    account_id: str
    kind: AddressKind | None
    address: str = field(repr=False)


async def find_opted_in(tx: Transaction, workspace_id: str, ways: Iterable[Way], at: int) -> set[Way]:
    """Those of the ways that the person has opted in to.

    That is where the ledger says so of the contact on this channel and no later entry takes it back, or where the PSID holds a
    subscription token of this Page that is neither opted out nor over at that instant.
    """
    wanted = set(ways)
    granted = await find_granted(tx, workspace_id, {way.contact_id for way in wanted if way.contact_id})
    on_pages = {(way.account_id, way.address) for way in wanted if way.kind is AddressKind.PSID}
    holders = await _find_holders(tx, workspace_id, on_pages, at)
    return {way for way in wanted if (way.contact_id, way.channel) in granted or _place(way) in holders}


def _place(way: Way) -> tuple[str, str] | None:
    return (way.account_id, way.address) if way.kind is AddressKind.PSID else None


async def find_granted(tx: Transaction, workspace_id: str, contact_ids: Iterable[str]) -> set[tuple[str | None, str]]:
    """The (contact, channel) pairs of which the ledger's last word is a yes."""
    given = [{"workspace_id": workspace_id, "subject": f"contact:{each}"} for each in sorted(contact_ids)]
    if not given:
        return set()
    said: dict[tuple[str | None, str], list[str]] = {}
    for row in await tx.fetch_all(_said(tx.dialect), give(given)):
        said.setdefault((row["subject"].removeprefix("contact:"), row["channel"]), []).append(row["act"])
    return {pair for pair, acts in said.items() if stands(acts)}


@cache
def _said(dialect: str) -> Select[tuple[str, str, str]]:
    given = given_rows(dialect, like(consents.c.workspace_id), like(consents.c.subject))
    same = and_(consents.c.workspace_id == given.c.workspace_id, consents.c.subject == given.c.subject)
    return select(consents.c.subject, consents.c.channel, consents.c.act).join(given, same).order_by(consents.c.number)


async def _find_holders(
    tx: Transaction, workspace_id: str, places: Iterable[tuple[str, str]], at: int
) -> set[tuple[str, str] | None]:
    """The (Page, PSID) pairs that hold an open token."""
    given = [{"workspace_id": workspace_id, "page_id": page_id, "psid": psid} for page_id, psid in sorted(places)]
    if not given:
        return set()
    found = await tx.fetch_all(_holding(tx.dialect), {"b_at": at, **give(given)})
    return {(row["page_id"], row["psid"]) for row in found}


@cache
def _holding(dialect: str) -> Select[tuple[str, str | None]]:
    key = (subscribers.c.workspace_id, subscribers.c.page_id, subscribers.c.psid)
    given = given_rows(dialect, *map(like, key))
    same = and_(*(column == given.c[column.name] for column in key))
    lasts = or_(subscribers.c.expires_at.is_(None), subscribers.c.expires_at > bindparam("b_at", type_=BigInteger()))
    return select(subscribers.c.page_id, subscribers.c.psid).join(given, same).where(subscribers.c.opted_out_at.is_(None), lasts)
