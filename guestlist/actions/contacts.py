"""Contacts: made, found, changed, brought together, deleted and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from guestlist.domain.contacts import MAX_BYTES, PLAIN, measure, merge_fields
from guestlist.domain.messages import AddressKind, Channel, Target
from guestlist.domain.phones import phone_aliases
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.storage import contact_queries, rows
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage.base import Row, Transaction, Unit
from guestlist.storage.contacts import Place
from guestlist.storage.tables import pages

from .base import Services
from .contact_merges import merge_contacts


class ContactTakenError(RefusedError):
    """An external id or an address belongs to another contact."""

    code = "contact_taken"


class ContactChangedError(RefusedError):
    """The contact has changed since it was read."""

    code = "contact_changed"
    status = 412


class ContactTooLargeError(UsageError):
    """The contact holds too much."""

    code = "contact_too_large"


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is given. `account_id` "" = the only Page there is; phones and e-mails have none."""

    kind: AddressKind
    value: str = field(repr=False)  # digits of a phone, an e-mail address, a PSID or a user_ref
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is given of a contact. None = not given; "" empties; `fields` are merged, a null takes one away."""

    external_id: str | None = None
    plain: Mapping[str, str] = field(default_factory=dict, repr=False)  # by the names of domain.contacts.PLAIN
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    addresses: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A contact with its addresses, newest first."""

    row: Row
    addresses: Sequence[Row] = ()


# -- make and change ------------------------------------------------------------------------------------------------


async def create_contact(services: Services, workspace_id: str, facts: Facts, *, source: str = "api") -> Person:
    """A new contact. Errors: ContactTakenError naming the contact that has the external id or an address already."""

    async def unit(tx: Transaction) -> tuple[Person, set[str]]:
        places = await _places(tx, workspace_id, facts.addresses)
        if known := await _find_known(tx, workspace_id, facts.external_id or "", places):
            raise _taken(known)
        return await _create(tx, services, workspace_id, facts, places, source=source)

    return await _written(services, unit)


async def upsert_contact(services: Services, workspace_id: str, facts: Facts, *, source: str = "api") -> tuple[Person, bool]:
    """The contact of this external id, else of one of these addresses, with what is given; and whether it is new.

    Errors: UsageError `nobody_named` without either; ContactTakenError where the addresses belong to different contacts.
    """
    person, lanes, created = await services.db.write(lambda tx: upsert_in(tx, services, workspace_id, facts, source=source))
    await _wake(services, lanes)
    return person, created


async def upsert_in(
    tx: Transaction, services: Services, workspace_id: str, facts: Facts, *, source: str
) -> tuple[Person, set[str], bool]:
    """The same inside a transaction: the contact, the lanes to wake after it, whether it is new."""
    places = await _places(tx, workspace_id, facts.addresses)
    if not facts.external_id and not places:
        raise UsageError(
            "An external id or an address is needed to find the contact.",
            code="nobody_named",
            remedy="Give `external_id`, `phone`, `email` or `addresses`.",
        )
    known = await _find_known(tx, workspace_id, facts.external_id or "", places)
    if known is None:
        return *await _create(tx, services, workspace_id, facts, places, source=source), True
    return *await _change(tx, services, known, facts, places), False


async def change_contact(
    services: Services, workspace_id: str, contact_id: str, facts: Facts, *, version: int | None = None
) -> Person:
    """A contact with what is given. Addresses are added, none is taken away.

    Errors: NotFoundError, ContactChangedError (412) where `version` is not the contact's, ContactTakenError,
    ContactTooLargeError.
    """

    async def unit(tx: Transaction) -> tuple[Person, set[str]]:
        row = await contact_rows.get_living(tx, workspace_id, contact_id, lock=True)
        _check_version(row, version)
        return await _change(tx, services, row, facts, await _places(tx, workspace_id, facts.addresses))

    return await _written(services, unit)


async def remove_address(services: Services, workspace_id: str, contact_id: str, address: Address) -> Person:
    """A contact without this address. One that was opted out is kept, so that nothing is sent to it again.

    Errors: NotFoundError, RefusedError `opted_out`.
    """

    async def unit(tx: Transaction) -> tuple[Person, set[str]]:
        row = await contact_rows.get_living(tx, workspace_id, contact_id, lock=True)
        places = await _places(tx, workspace_id, [address])
        found = await contact_rows.find_places(tx, workspace_id, places)
        if not found or found[0]["contact_id"] != contact_id:
            raise NotFoundError("The contact has no such address.", remedy="See its `addresses`.")
        if found[0]["opted_out_at"] is not None:
            raise RefusedError(
                "The person opted out at this address; it is kept so that nothing is sent to it again.",
                code="opted_out",
                remedy="Nothing to do: no message goes there.",
            )
        await contact_rows.remove_addresses(tx, workspace_id, contact_id, places)
        return await _changed(tx, services, row)

    return await _written(services, unit)


async def merge_two(services: Services, workspace_id: str, contact_id: str, other_id: str) -> Person:
    """All of `other_id` becomes part of the contact; the other id leads here from then on.

    Errors: NotFoundError, UsageError `same_contact`.
    """
    if contact_id == other_id:
        raise UsageError("A contact cannot be merged with itself.", code="same_contact", remedy="Name another contact.")

    async def unit(tx: Transaction) -> tuple[Person, set[str]]:
        await contact_rows.lock_contacts(tx, workspace_id, [contact_id, other_id])
        kept = await contact_rows.get_living(tx, workspace_id, contact_id)
        gone = await contact_rows.get_living(tx, workspace_id, other_id)
        _check_size(merge_fields(orjson.loads(gone["fields"]), orjson.loads(kept["fields"])))
        lanes = await merge_contacts(tx, services, kept, gone)
        return await _read(tx, workspace_id, contact_id), lanes

    return await _written(services, unit)


async def _create(
    tx: Transaction, services: Services, workspace_id: str, facts: Facts, places: Sequence[Place], *, source: str
) -> tuple[Person, set[str]]:
    now, contact_id = services.now_ms(), services.ids.new("con")
    fields = merge_fields({}, facts.fields)
    _check_size({**facts.plain, "fields": fields})
    row = contact_rows.new_contact(workspace_id, contact_id, Target(external_id=facts.external_id or ""), source=source, at=now)
    row |= {**facts.plain, "fields": orjson.dumps(fields).decode()}
    await rows.insert(tx, tables.contacts, row)
    await _add_places(tx, workspace_id, contact_id, places, now)
    lanes = await services.emit(tx, workspace_id, "contact.created", contact_id, source=source)
    return await _read(tx, workspace_id, contact_id), lanes


async def _change(
    tx: Transaction, services: Services, row: Row, facts: Facts, places: Sequence[Place]
) -> tuple[Person, set[str]]:
    workspace_id, now = row["workspace_id"], services.now_ms()
    if facts.external_id and (other := await _find_known(tx, workspace_id, facts.external_id, [])) and other["id"] != row["id"]:
        raise _taken(other)
    kept = orjson.loads(row["fields"])
    fields = merge_fields(kept, facts.fields)
    values: dict[str, Any] = {name: value for name, value in facts.plain.items() if value != row[name]}
    if facts.external_id is not None and facts.external_id != (row["external_id"] or ""):
        values["external_id"] = facts.external_id or None
    if fields != kept:
        values["fields"] = orjson.dumps(fields).decode()
    _check_size({**{name: row[name] for name in PLAIN}, **facts.plain, "fields": fields})
    known = {contact_rows.place_of_row(each) for each in await contact_rows.find_addresses(tx, workspace_id, [row["id"]])}
    new = [place for place in places if place not in known]
    if not values and not new:
        return await _read(tx, workspace_id, row["id"]), set()
    await _add_places(tx, workspace_id, row["id"], new, now)
    return await _changed(tx, services, row, **values)


async def _add_places(tx: Transaction, workspace_id: str, contact_id: str, places: Sequence[Place], now: int) -> None:
    """Addresses for a contact. One that a deleted contact left behind, opted out, stays opted out. Errors: ContactTakenError."""
    await contact_rows.add_addresses(tx, [contact_rows.new_address(workspace_id, contact_id, place, at=now) for place in places])
    found = {row["contact_id"]: row for row in await contact_rows.find_places(tx, workspace_id, places)}
    found.pop(contact_id, None)
    for owner in await contact_rows.find_contacts(tx, workspace_id, found):
        if owner["deleted_at"] is None:
            raise _taken(owner)
    for row in await contact_rows.find_places(tx, workspace_id, places):
        if row["contact_id"] != contact_id:
            await contact_rows.give_address(tx, workspace_id, contact_rows.place_of_row(row), contact_id)


async def _changed(tx: Transaction, services: Services, row: Row, **values: Any) -> tuple[Person, set[str]]:
    await contact_rows.update_contact(tx, row, services.now_ms(), **values)
    lanes = await services.emit(tx, row["workspace_id"], "contact.updated", row["id"])
    return await _read(tx, row["workspace_id"], row["id"]), lanes


async def _written(services: Services, unit: Unit[tuple[Person, set[str]]]) -> Person:
    person, lanes = await services.db.write(unit)
    await _wake(services, lanes)
    return person


async def _wake(services: Services, lanes: set[str]) -> None:
    for lane in sorted(lanes):
        await services.wake(lane)


def _check_version(row: Row, version: int | None) -> None:
    if version is not None and version != row["version"]:
        raise ContactChangedError(remedy="Read it again, and repeat the change with its new ETag.", version=row["version"])


def _check_size(facts: Mapping[str, Any]) -> None:
    size = measure(facts)
    if size > MAX_BYTES:
        sentence = f"The contact would hold {size:,} bytes of JSON; at most {MAX_BYTES:,} are kept."
        raise ContactTooLargeError(sentence, remedy="Keep the rest elsewhere, and its key in a field.")


def _taken(row: Mapping[str, Any]) -> ContactTakenError:
    return ContactTakenError(
        f"The external id or an address belongs to the contact {row['id']}.",
        remedy="Change that contact, or merge the two.",
        contact_id=row["id"],
    )


# -- find -----------------------------------------------------------------------------------------------------------


async def _places(tx: Transaction, workspace_id: str, given: Sequence[Address]) -> list[Place]:
    """Where these addresses are kept. Errors: UsageError `page_not_named`, NotFoundError for a Page that is not there."""
    places: list[Place] = []
    for each in given:
        page_id = ""
        if contact_rows.channel_of(each.kind) is Channel.MESSENGER:
            page_id = await _find_page(tx, workspace_id, each.account_id)
        places.append(contact_rows.place_of(each.kind, each.value, page_id))
    return list(dict.fromkeys(places))


async def _find_page(tx: Transaction, workspace_id: str, account_id: str) -> str:
    if account_id:
        return str((await rows.get(tx, pages, workspace_id, account_id))["id"])
    found = await tx.fetch_all(rows.page_of(pages, workspace_id, after=None, limit=2))
    if len(found) != 1:
        raise UsageError(
            "A Messenger address belongs to a Page; name it.", code="page_not_named", remedy="Give the Page's id as `account`."
        )
    return str(found[0]["id"])


async def _find_known(tx: Transaction, workspace_id: str, external_id: str, places: Sequence[Place]) -> Row | None:
    """The living contact of an external id, else of these addresses, locked. Errors: ContactTakenError where those are two."""
    if external_id:
        found = await contact_rows.find_named(tx, workspace_id, [Target(external_id=external_id)])
        if found:
            return await contact_rows.get_living(tx, workspace_id, found[0]["id"], lock=True)
    wanted = [form for place in places for form in _forms(place)]
    owners = list(dict.fromkeys(row["contact_id"] for row in await contact_rows.find_places(tx, workspace_id, wanted)))
    living = [row for row in await contact_rows.lock_contacts(tx, workspace_id, owners) if row["deleted_at"] is None]
    if len(living) > 1:
        raise _taken(living[1])
    return living[0] if living else None


def _forms(place: Place) -> list[Place]:
    """The address, and the other spellings under which a phone may be kept."""
    if place.kind is not AddressKind.PHONE:
        return [place]
    return [contact_rows.place_of(AddressKind.PHONE, each, "") for each in phone_aliases(place.value)]


async def get_contact(services: Services, workspace_id: str, contact_id: str) -> Person:
    """One contact. Errors: NotFoundError; `merged`, with where to, for one that became another's part."""

    async def unit(tx: Transaction) -> Person:
        await contact_rows.get_living(tx, workspace_id, contact_id)
        return await _read(tx, workspace_id, contact_id)

    return await services.db.read(unit)


async def _read(tx: Transaction, workspace_id: str, contact_id: str) -> Person:
    row = await rows.get(tx, tables.contacts, workspace_id, contact_id)
    return Person(row, await contact_rows.find_addresses(tx, workspace_id, [contact_id]))


async def list_contacts(
    services: Services,
    workspace_id: str,
    *,
    wanted: contact_queries.Wanted = contact_queries.Wanted(),
    after: str | None = None,
    limit: int = 50,
) -> list[Person]:
    """Contacts that fit all that is wanted, newest first. A phone finds its other spellings too."""

    async def unit(tx: Transaction) -> list[Person]:
        found = await contact_queries.list_contacts(tx, workspace_id, wanted=wanted, after=after, limit=limit)
        addresses: dict[str, list[Row]] = {row["id"]: [] for row in found}
        for row in await contact_rows.find_addresses(tx, workspace_id, addresses):
            addresses[row["contact_id"]].append(row)
        return [Person(row, addresses[row["id"]]) for row in found]

    return await services.db.read(unit)
