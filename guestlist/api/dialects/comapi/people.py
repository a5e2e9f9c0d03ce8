"""Profiles behind what Comapi's clients name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from guestlist.actions.base import Services
from guestlist.domain.messages import AddressKind, Target
from guestlist.errors import NotFoundError
from guestlist.storage import contact_queries
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Row, Transaction

from .merge_fields import needs_profile
from .message_models import Read, Recipient
from .profile_shapes import tell_profile
from .words import find_id


async def find_contact_ids(services: Services, workspace_id: str, profile_ids: Iterable[str]) -> dict[str, str]:
    """Our ids of the contacts that profile ids name, where those are GUIDs of ours; a business's own id comes first."""
    wanted = {each: our_id for each in profile_ids if each and (our_id := find_id("con", each))}
    if not wanted:
        return {}
    targets = [Target(external_id=each) for each in wanted] + [Target(contact_id=our_id) for our_id in wanted.values()]
    found = await services.db.read(lambda tx: contact_rows.find_named(tx, workspace_id, targets))
    named, ids = {row["external_id"] for row in found}, {row["id"] for row in found}
    return {each: our_id for each, our_id in wanted.items() if each not in named and our_id in ids}


async def find_profile(tx: Transaction, workspace_id: str, profile_id: str) -> Row | None:
    """The contact of a profile id: the business's own, else a GUID of ours."""
    found = await contact_rows.find_named(tx, workspace_id, [Target(external_id=profile_id)])
    our_id = find_id("con", profile_id)
    if not found and our_id:
        found = await contact_rows.find_named(tx, workspace_id, [Target(contact_id=our_id)])
    return found[0] if found else None


async def get_profile(tx: Transaction, workspace_id: str, profile_id: str) -> Row:
    """The same. Errors: NotFoundError."""
    row = await find_profile(tx, workspace_id, profile_id)
    if row is None:
        raise NotFoundError("There is no such profile.", remedy="Create it with POST /profiles.")
    return row


async def find_recipients(services: Services, workspace_id: str, reads: Sequence[Read]) -> list[Recipient]:
    """What must be known of whom requests are for. Profiles are read only for merge fields that need them at once."""
    contact_ids = await find_contact_ids(services, workspace_id, [read.profile_id for read in reads])

    async def unit(tx: Transaction) -> list[Mapping[str, str]]:
        return [await _read_values(tx, workspace_id, read, contact_ids) for read in reads]

    merging = any(needs_profile(read.asked) for read in reads)
    values = await services.db.read(unit) if merging else [{}] * len(reads)
    return [Recipient(contact_ids.get(read.profile_id, ""), each) for read, each in zip(reads, values, strict=True)]


async def _read_values(tx: Transaction, workspace_id: str, read: Read, contact_ids: Mapping[str, str]) -> Mapping[str, str]:
    """The fields of a profile that is kept already, by their dotted names."""
    if not needs_profile(read.asked):
        return {}
    to, contact_id = read.given.to, contact_ids.get(read.profile_id, "")
    target = Target(
        contact_id=contact_id, external_id="" if contact_id else read.profile_id, phone=to.phone, email=to.email or ""
    )
    contact = await _find_person(tx, workspace_id, target)
    if contact is None and to.fbMessengerId:
        wanted = contact_queries.Wanted(psid=to.fbMessengerId)
        found = await contact_queries.list_contacts(tx, workspace_id, wanted=wanted, after=None, limit=1)
        contact = found[0] if found else None
    if contact is None:
        return {}
    addresses = await contact_rows.find_addresses(tx, workspace_id, [contact["id"]])
    return dict(_flatten(tell_profile(contact, addresses)))


def _flatten(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _flatten(each, f"{path}{name}.")
        elif isinstance(each, str | int | float):
            yield path + name, str(each)


async def _find_person(tx: Transaction, workspace_id: str, to: Target) -> Row | None:
    if to.contact_id or to.external_id:
        found = await contact_rows.find_named(tx, workspace_id, [to])
    else:
        given = ((AddressKind.PHONE, to.phone), (AddressKind.EMAIL, to.email))
        places = [contact_rows.place_of(kind, value, "") for kind, value in given if value]
        owners = [row["contact_id"] for row in await contact_rows.find_places(tx, workspace_id, places)]
        found = await contact_rows.find_contacts(tx, workspace_id, owners[:1])
    return found[0] if found else None
