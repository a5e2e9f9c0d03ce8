"""Who is behind an address that something came from: found, or made; and brought together where two turn out to be one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guestlist.domain.messages import Target
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.ledgers import Event

from .base import Services
from .contact_merges import merge_contacts


async def keep_arrivals(
    tx: Transaction, services: Services, workspace_id: str, places: Iterable[Place], *, source: str = "inbound"
) -> dict[Place, str]:
    """The contact of each address, made where nobody has it. Of two that make the same person at once, one makes it."""
    wanted = list(dict.fromkeys(places))
    owners = await _rehome(tx, services, workspace_id, await find_owners(tx, workspace_id, wanted), source)
    missing = [place for place in wanted if place not in owners]
    if not missing:
        return owners
    now = services.now_ms()
    ids = {place: services.ids.new("con") for place in missing}
    await contact_rows.add_addresses(
        tx, [contact_rows.new_address(workspace_id, contact_id, place, at=now) for place, contact_id in ids.items()]
    )
    owners |= await find_owners(tx, workspace_id, missing)
    made = [contact_id for place, contact_id in ids.items() if owners[place] == contact_id]
    await _make(tx, services, workspace_id, made, source)
    return owners


async def _make(tx: Transaction, services: Services, workspace_id: str, ids: Sequence[str], source: str) -> None:
    now = services.now_ms()
    new = [contact_rows.new_contact(workspace_id, each, Target(), source=source, at=now) for each in ids]
    await contact_rows.add_contacts(tx, new)
    await services.emit_all(tx, workspace_id, [Event("contact.created", each, {"source": source}) for each in ids])


async def _rehome(
    tx: Transaction, services: Services, workspace_id: str, owners: dict[Place, str], source: str
) -> dict[Place, str]:
    """An address whose contact was deleted is kept where its person had opted out; who writes from it is somebody new."""
    deleted = {
        row["id"] for row in await contact_rows.find_contacts(tx, workspace_id, owners.values()) if row["deleted_at"] is not None
    }
    fresh = {place: services.ids.new("con") for place, owner in owners.items() if owner in deleted}
    for place, contact_id in fresh.items():
        await contact_rows.give_address(tx, workspace_id, place, contact_id)
    if fresh:
        await _make(tx, services, workspace_id, list(fresh.values()), source)
    return {**owners, **fresh}


async def find_owners(tx: Transaction, workspace_id: str, places: Sequence[Place]) -> dict[Place, str]:
    """The contacts of these addresses, as far as somebody has them."""
    found = await contact_rows.find_places(tx, workspace_id, places)
    return {contact_rows.place_of_row(row): row["contact_id"] for row in found}


async def bind_place(tx: Transaction, services: Services, workspace_id: str, place: Place, contact_id: str) -> str:
    """Makes an address a contact's own. Where it was another one's, the two are one person and are merged.

    The contact that has it in the end: the older of the two.
    """
    now = services.now_ms()
    await contact_rows.add_addresses(tx, [contact_rows.new_address(workspace_id, contact_id, place, at=now)])
    owner = (await keep_arrivals(tx, services, workspace_id, [place]))[place]
    if owner == contact_id:
        return contact_id
    both: list[Row] = await contact_rows.lock_contacts(tx, workspace_id, [contact_id, owner])
    kept, gone = sorted(both, key=lambda row: (row["created_at"], row["id"]))
    await merge_contacts(tx, services, kept, gone)
    return str(kept["id"])
