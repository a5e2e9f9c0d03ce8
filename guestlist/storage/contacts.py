"""Statements about contacts and their addresses: finding and making them in bulk, by what a sender knows of people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Text, and_, bindparam, column, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.messages import AddressKind, Channel, Target
from guestlist.errors import NotFoundError

from .base import Row, Transaction
from .given import give, given_rows, like
from .messaging_tables import addresses, contacts
from .tables import subscribers

ADDRESS_KEY = ("workspace_id", "channel", "account_id", "kind", "value")

CHANGING = ("external_id", "first_name", "last_name", "fields")
"""What is written when many contacts change at once."""

CHANNEL_OF: Mapping[AddressKind, Channel] = {AddressKind.PHONE: Channel.SMS, AddressKind.EMAIL: Channel.EMAIL}
"""Where an address that belongs to no account is kept; all others are Messenger's."""


@dataclass(frozen=True, slots=True)
class Place:
    """The key of an address: on Messenger of one Page (our id), else of no account."""

    channel: Channel
    account_id: str
    kind: AddressKind
    value: str = field(repr=False)


def channel_of(kind: AddressKind) -> Channel:
    """The channel an address belongs to."""
    return CHANNEL_OF.get(kind, Channel.MESSENGER)


def place_of(kind: AddressKind, value: str, page_id: str) -> Place:
    """Where an address of this kind is kept. A phone is one address, whichever channel uses it."""
    channel = channel_of(kind)
    return Place(channel, page_id if channel is Channel.MESSENGER else "", kind, value)


def psid_place(psid: str, page_id: str) -> Place:
    """Somebody on one of our Pages."""
    return place_of(AddressKind.PSID, psid, page_id)


def places_of(target: Target, page_id: str) -> list[Place]:
    """The addresses a target names, the surest first. Those on Messenger need its Page; without one they are left out."""
    given = (
        (AddressKind.PSID, target.psid),
        (AddressKind.USER_REF, target.user_ref),
        (AddressKind.COMMENT, target.comment_id),
        (AddressKind.POST, target.post_id),
        (AddressKind.PHONE, target.phone),
        (AddressKind.EMAIL, target.email),
    )
    places = [place_of(kind, value, page_id) for kind, value in given if value]
    return [place for place in places if place.account_id or place.channel is not Channel.MESSENGER]


# -- find -----------------------------------------------------------------------------------------------------------


@cache
def _named(dialect: str) -> Executable:
    given = given_rows(dialect, like(contacts.c.workspace_id), like(contacts.c.id), like(contacts.c.external_id))
    same = or_(contacts.c.id == given.c.id, contacts.c.external_id == given.c.external_id)
    return select(contacts).join(given, and_(contacts.c.workspace_id == given.c.workspace_id, same)).where(_living())


@cache
def _placed(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(addresses.c[name]) for name in ADDRESS_KEY))
    return select(addresses).join(given, and_(*(addresses.c[name] == given.c[name] for name in ADDRESS_KEY)))


@cache
def _of_people(dialect: str) -> Executable:
    given = given_rows(dialect, like(contacts.c.workspace_id), like(contacts.c.id))
    return select(contacts).join(given, and_(contacts.c.workspace_id == given.c.workspace_id, contacts.c.id == given.c.id))


@cache
def _addresses_of_people(dialect: str) -> Executable:
    given = given_rows(dialect, like(addresses.c.workspace_id), column("id", Text()))
    same = and_(addresses.c.workspace_id == given.c.workspace_id, addresses.c.contact_id == given.c.id)
    return select(addresses).join(given, same).order_by(addresses.c.created_at.desc())


def _living() -> Any:
    return contacts.c.deleted_at.is_(None)


async def find_named(tx: Transaction, workspace_id: str, targets: Iterable[Target]) -> list[Row]:
    """The contacts that targets name by our id or the business's own; deleted ones are not found."""
    wanted = [
        {"workspace_id": workspace_id, "id": each.contact_id or None, "external_id": each.external_id or None}
        for each in targets
        if each.contact_id or each.external_id
    ]
    return await tx.fetch_all(_named(tx.dialect), give(wanted)) if wanted else []


async def find_places(tx: Transaction, workspace_id: str, places: Iterable[Place]) -> list[Row]:
    """The address rows of these keys, as far as they exist."""
    wanted = [_address_key(workspace_id, place) for place in dict.fromkeys(places)]
    return await tx.fetch_all(_placed(tx.dialect), give(wanted)) if wanted else []


async def find_subscribers(tx: Transaction, workspace_id: str, subscriber_ids: Iterable[str]) -> list[Row]:
    """The subscribers of these ids. Shape: id, page_id (ours), psid (None for list-born ones who never wrote)."""
    wanted = _ids(workspace_id, subscriber_ids)
    return await tx.fetch_all(_subscribed(tx.dialect), give(wanted)) if wanted else []


@cache
def _subscribed(dialect: str) -> Executable:
    given = given_rows(dialect, like(subscribers.c.workspace_id), like(subscribers.c.id))
    same = and_(subscribers.c.workspace_id == given.c.workspace_id, subscribers.c.id == given.c.id)
    return select(subscribers.c.id, subscribers.c.page_id, subscribers.c.psid).join(given, same)


async def find_contacts(tx: Transaction, workspace_id: str, contact_ids: Iterable[str]) -> list[Row]:
    """The contacts of these ids."""
    wanted = _ids(workspace_id, contact_ids)
    return await tx.fetch_all(_of_people(tx.dialect), give(wanted)) if wanted else []


async def find_addresses(tx: Transaction, workspace_id: str, contact_ids: Iterable[str]) -> list[Row]:
    """All addresses of these contacts, newest first."""
    wanted = _ids(workspace_id, contact_ids)
    return await tx.fetch_all(_addresses_of_people(tx.dialect), give(wanted)) if wanted else []


async def get_living(tx: Transaction, workspace_id: str, contact_id: str, *, lock: bool = False) -> Row:
    """A contact that was not deleted. Errors: NotFoundError; `merged`, with where to, for one that became another's part."""
    query = select(contacts).where(contacts.c.workspace_id == workspace_id, contacts.c.id == contact_id)
    row = await tx.fetch_one(query.with_for_update() if lock else query)
    if row is not None and row["deleted_at"] is None:
        return row
    if row is not None and row["merged_into"]:
        sentence = f"The contact {contact_id} was merged into {row['merged_into']}."
        raise NotFoundError(sentence, code="merged", remedy="Use that one.", merged_into=row["merged_into"])
    sentence = f"There is no contact {contact_id} in this workspace."
    raise NotFoundError(sentence, remedy="List what there is with `guestlist contacts list`.")


async def lock_contacts(tx: Transaction, workspace_id: str, contact_ids: Iterable[str]) -> list[Row]:
    """The contacts of these ids, locked in the order of ids."""
    query = select(contacts).where(contacts.c.workspace_id == workspace_id, contacts.c.id.in_(sorted(set(contact_ids))))
    return await tx.fetch_all(query.order_by(contacts.c.id).with_for_update())


def _ids(workspace_id: str, ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"workspace_id": workspace_id, "id": each} for each in dict.fromkeys(ids)]


def _address_key(workspace_id: str, place: Place) -> dict[str, str]:
    return dict(zip(ADDRESS_KEY, (workspace_id, place.channel, place.account_id, place.kind, place.value), strict=True))


def place_of_row(row: Row) -> Place:
    """The key of an address row."""
    return Place(Channel(row["channel"]), row["account_id"], AddressKind(row["kind"]), row["value"])


# -- make -----------------------------------------------------------------------------------------------------------


async def add_contacts(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Inserts contacts; one whose external id is taken meanwhile is left out: read `find_named` afterwards."""
    if new:
        await tx.execute_many(upsert(contacts).on_conflict_do_nothing(), new)


async def add_addresses(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> None:
    """Inserts addresses; one that somebody has already stays theirs: read `find_places` afterwards."""
    if new:
        await tx.execute_many(upsert(addresses).on_conflict_do_nothing(), new)


def new_contact(workspace_id: str, contact_id: str, target: Target, *, source: str, at: int) -> dict[str, Any]:
    """The row of a new contact from what a sender knows."""
    return {
        "workspace_id": workspace_id,
        "id": contact_id,
        "external_id": target.external_id or None,
        "first_name": target.first_name,
        "last_name": target.last_name,
        "locale": "",
        "timezone": "",
        "gender": "",
        "picture_url": "",
        "fields": orjson.dumps(dict(target.fields)).decode(),
        "source": source,
        "created_at": at,
        "updated_at": at,
    }


def new_address(workspace_id: str, contact_id: str, place: Place, *, at: int) -> dict[str, Any]:
    """The row of a new address."""
    return {**_address_key(workspace_id, place), "contact_id": contact_id, "created_at": at}


async def remove_addresses(tx: Transaction, workspace_id: str, contact_id: str, places: Iterable[Place] | None = None) -> int:
    """Takes addresses from a contact, all of them where none is named; how many. Those that were opted out stay."""
    mine = [addresses.c.workspace_id == workspace_id, addresses.c.contact_id == contact_id, addresses.c.opted_out_at.is_(None)]
    if places is None:
        return await tx.execute(delete(addresses).where(*mine))
    removed = 0
    for place in places:
        key = _address_key(workspace_id, place)
        removed += await tx.execute(delete(addresses).where(*mine, *(addresses.c[name] == value for name, value in key.items())))
    return removed


async def give_address(tx: Transaction, workspace_id: str, place: Place, contact_id: str) -> None:
    """Makes an address that is kept another contact's: its own was deleted."""
    key = _address_key(workspace_id, place)
    mine = (addresses.c[name] == value for name, value in key.items())
    await tx.execute(update(addresses).where(*mine).values(contact_id=contact_id))


async def update_contact(tx: Transaction, row: Row, at: int, **values: Any) -> None:
    """Changes a contact and counts its version on."""
    same = (contacts.c.workspace_id == row["workspace_id"], contacts.c.id == row["id"])
    await tx.execute(update(contacts).where(*same).values(version=contacts.c.version + 1, updated_at=at, **values))


async def change_contacts(tx: Transaction, changed: Sequence[Mapping[str, Any]], at: int) -> None:
    """Writes `CHANGING` of many contacts and counts their versions on."""
    if changed:
        only = [{name: row[name] for name in ("workspace_id", "id", *CHANGING)} for row in changed]
        await tx.execute(_change(tx.dialect), {"b_at": at, **give(only)})


@cache
def _change(dialect: str) -> Executable:
    given = given_rows(dialect, *(like(contacts.c[name]) for name in ("workspace_id", "id", *CHANGING)))
    same = and_(contacts.c.workspace_id == given.c.workspace_id, contacts.c.id == given.c.id)
    values: dict[str, Any] = {name: given.c[name] for name in CHANGING}
    at = bindparam("b_at", type_=contacts.c.updated_at.type)
    return update(contacts).where(same).values(**values, version=contacts.c.version + 1, updated_at=at)


async def note_profiled(tx: Transaction, row: Row, at: int) -> None:
    """Notes when a contact's profile was asked last. That is no change of the contact: its version stays."""
    same = (contacts.c.workspace_id == row["workspace_id"], contacts.c.id == row["id"])
    await tx.execute(update(contacts).where(*same).values(profiled_at=at))


async def close_address(tx: Transaction, workspace_id: str, place: Place, *, at: int, reason: str) -> bool:
    """Notes that the person wants nothing more here; whether that is news."""
    key = _address_key(workspace_id, place)
    same = and_(*(addresses.c[name] == value for name, value in key.items()), addresses.c.opted_out_at.is_(None))
    return await tx.execute(update(addresses).where(same).values(opted_out_at=at, opt_out_reason=reason)) == 1


async def reopen_address(tx: Transaction, workspace_id: str, place: Place, *, at: int) -> bool:
    """Notes that the person, at an instant, wanted messages here again; whether that is news. An older wish opens nothing."""
    key = _address_key(workspace_id, place)
    same = and_(*(addresses.c[name] == value for name, value in key.items()), addresses.c.opted_out_at <= at)
    return await tx.execute(update(addresses).where(same).values(opted_out_at=None, opt_out_reason="")) == 1
