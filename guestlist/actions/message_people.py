"""The people that messages are sent to, kept: contacts and addresses found or made from what the sender knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from guestlist.domain.messages import Target
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.ledgers import Event

from .base import Services
from .message_routes import Routed


async def keep_people(tx: Transaction, services: Services, workspace_id: str, routed: Sequence[Routed]) -> list[str | None]:
    """Each draft's contact, made where it is new, with the addresses and facts given. None where a draft names no person:
    a comment or a post alone.

    Of two that make the same person at once, one makes it and the other finds it: addresses and external ids are unique.
    """
    missing = [
        number for number, each in enumerate(routed) if each.contact is None and (each.draft.to.external_id or each.places)
    ]
    made = await _make(tx, services, workspace_id, [(routed[number].draft.to, routed[number].places) for number in missing])
    found: list[str | None] = [None if each.contact is None else each.contact["id"] for each in routed]
    for number, contact_id in zip(missing, made, strict=True):
        found[number] = contact_id
    now = services.now_ms()
    fresh: dict[Place, dict[str, Any]] = {}
    for each, owner in zip(routed, found, strict=True):
        for place in each.new_places:
            assert owner is not None  # made above, as there is an address
            fresh.setdefault(place, contact_rows.new_address(workspace_id, owner, place, at=now))
        if each.contact is not None:
            await _update(tx, each.contact, each.draft.to, now)
    await contact_rows.add_addresses(tx, list(fresh.values()))
    return found


async def _make(
    tx: Transaction, services: Services, workspace_id: str, wanted: Sequence[tuple[Target, Sequence[Place]]]
) -> list[str]:
    """Contacts for people nobody knew when they were looked for."""
    if not wanted:
        return []
    now = services.now_ms()
    ids = [services.ids.new("con") for _ in wanted]
    await contact_rows.add_addresses(
        tx,
        [
            contact_rows.new_address(workspace_id, contact_id, places[0], at=now)
            for contact_id, (target, places) in zip(ids, wanted, strict=True)
            if not target.external_id
        ],
    )
    placed = await contact_rows.find_places(tx, workspace_id, [places[0] for target, places in wanted if not target.external_id])
    owner = {contact_rows.place_of_row(row): row["contact_id"] for row in placed}
    await _take_over(
        tx, workspace_id, owner, [(places[0], each) for (_, places), each in zip(wanted, ids, strict=True) if places]
    )
    chosen = [
        contact_id if target.external_id else owner[places[0]] for contact_id, (target, places) in zip(ids, wanted, strict=True)
    ]
    new = [
        contact_rows.new_contact(workspace_id, contact_id, target, source="send", at=now)
        for contact_id, winner, (target, _) in zip(ids, chosen, wanted, strict=True)
        if contact_id == winner
    ]
    await contact_rows.add_contacts(tx, new)
    named = await contact_rows.find_named(tx, workspace_id, [target for target, _ in wanted if target.external_id])
    by_external_id = {row["external_id"]: row["id"] for row in named}
    settled = [by_external_id.get(target.external_id, each) for each, (target, _) in zip(chosen, wanted, strict=True)]
    mine = set(ids) & set(settled)
    await services.emit_all(tx, workspace_id, [Event("contact.created", each, {"source": "send"}) for each in sorted(mine)])
    return settled


async def _take_over(tx: Transaction, workspace_id: str, owner: dict[Place, str], wanted: Sequence[tuple[Place, str]]) -> None:
    """An address that a deleted contact left behind, because its person had opted out there, becomes the new contact's."""
    found = await contact_rows.find_contacts(tx, workspace_id, owner.values())
    deleted = {row["id"] for row in found if row["deleted_at"] is not None}
    for place, contact_id in wanted:
        if owner.get(place) in deleted:
            await contact_rows.give_address(tx, workspace_id, place, contact_id)
            owner[place] = contact_id


async def _update(tx: Transaction, contact: Row, target: Target, now: int) -> None:
    """Keeps what the sender knows better: names where there were none, and the fields given."""
    values: dict[str, Any] = {
        name: given for name in ("first_name", "last_name") if (given := getattr(target, name)) and not contact[name]
    }
    kept = orjson.loads(contact["fields"])
    if any(kept.get(name) != value for name, value in target.fields.items()):
        values["fields"] = orjson.dumps({**kept, **target.fields}).decode()
    if values:
        await contact_rows.update_contact(tx, contact, now, **values)
