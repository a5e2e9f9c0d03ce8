"""Lists that their owner chose to keep: the people of a file become contacts, in clear, under an attestation."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from guestlist.domain.consent import Attestation
from guestlist.domain.messages import AddressKind, Target
from guestlist.lists.base import ListedPerson, ListOptions, PeopleReport, PeopleStep
from guestlist.storage import contacts as contact_rows
from guestlist.storage import ledgers
from guestlist.storage.base import Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.ledgers import Event

from .base import Services, in_thread
from .list_mappings import with_saved

BLOCK = 500
"""People kept in one transaction."""

IMPORT = "import"
"""The field that names the import a contact came by, or was last found in."""

Progress = Callable[[PeopleReport, PeopleStep], None]


@dataclass(slots=True)
class Imported:
    """What became of a file. rows = created + updated + unchanged + conflicts + sum(report.rejected)."""

    id: str
    report: PeopleReport
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: int = 0  # rows whose addresses belong to different contacts: left as they were
    conflicting_rows: list[int] = field(default_factory=list)  # the first of them


MOST_NAMED = 100
PIECE = 1024 * 1024


async def import_contacts(
    services: Services,
    workspace_id: str,
    source: Path | BinaryIO,
    options: ListOptions,
    attestation: Attestation,
    *,
    filename: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Keeps the people of a file as contacts: every phone and e-mail as an address, names where there were none.

    Whom a row is about is told by the id in the column mapped to EXTERN_ID, else by its addresses. The attestation, with the
    file's SHA-256, is in the ledger before the first value is kept. Cut off midway, the same import can be run again.
    Errors: ListError.
    """
    options = with_saved(services, workspace_id, options)
    listed = await asyncio.to_thread(services.lists.read_people, source, options, filename=filename)
    imported = Imported(services.ids.new("imp"), listed.report)
    digest = await asyncio.to_thread(_digest, source)
    proof = {"filename": listed.report.filename, "sha256": digest, "region": options.region}
    await services.db.write(lambda tx: _attest(tx, services, workspace_id, imported.id, attestation, proof))
    async with aclosing(in_thread(listed.steps())) as steps:
        async for step in steps:
            for start in range(0, len(step.people), BLOCK):
                await _keep_block(services, workspace_id, imported, step.people[start : start + BLOCK])
            if progress:
                progress(listed.report, step)
    return imported


def _digest(source: Path | BinaryIO) -> str:
    """The SHA-256 of the file; a stream stands again where it stood."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _digest(file)
    at, digest = source.tell(), hashlib.sha256()
    source.seek(0)
    while piece := source.read(PIECE):
        digest.update(piece)
    source.seek(at)
    return digest.hexdigest()


async def _attest(
    tx: Transaction, services: Services, workspace_id: str, import_id: str, attestation: Attestation, proof: dict[str, Any]
) -> None:
    consent = ledgers.Consent(
        subject=f"import:{import_id}",
        act="granted",
        source="attestation",
        words=attestation.words,
        basis=attestation.basis,
        by=attestation.by,
        proof=proof,
    )
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), [consent])


async def _keep_block(services: Services, workspace_id: str, imported: Imported, people: Sequence[ListedPerson]) -> None:
    sums, lanes = await services.db.write(lambda tx: _Block(tx, services, workspace_id, imported.id).keep(people))
    imported.created += sums.created
    imported.updated += sums.updated
    imported.unchanged += sums.unchanged
    imported.conflicts += len(sums.conflicts)
    imported.conflicting_rows += sums.conflicts[: MOST_NAMED - len(imported.conflicting_rows)]
    for lane in sorted(lanes):
        await services.wake(lane)


@dataclass(slots=True)
class _Sums:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: list[int] = field(default_factory=list)


class _Block:
    """Some rows of a file on their way into contacts; what an earlier row made, a later one finds."""

    def __init__(self, tx: Transaction, services: Services, workspace_id: str, import_id: str) -> None:
        self.tx = tx
        self.services = services
        self.workspace_id = workspace_id
        self.import_id = import_id
        self.now = services.now_ms()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.by_external_id: dict[str, str] = {}
        self.owners: dict[Place, str] = {}
        self.new_places: dict[Place, str] = {}
        self.new: list[str] = []
        self.changed: set[str] = set()
        self.news: list[str] = []  # of whom more is known now than the mark of this import

    async def keep(self, people: Sequence[ListedPerson]) -> tuple[_Sums, set[str]]:
        """Finds or makes a contact for each row, and writes what is new."""
        await self._read(people)
        sums = _Sums()
        for person in people:
            self._keep_one(person, sums)
        await contact_rows.add_contacts(self.tx, [self.contacts[each] for each in self.new])
        added = [
            contact_rows.new_address(self.workspace_id, owner, place, at=self.now) for place, owner in self.new_places.items()
        ]
        await contact_rows.add_addresses(self.tx, added)
        await contact_rows.change_contacts(self.tx, [self.contacts[each] for each in self.changed], self.now)
        events = [Event("contact.created", each, {"source": "list"}) for each in self.new]
        events += [Event("contact.updated", each, {"source": "list"}) for each in dict.fromkeys(self.news)]
        return sums, await self.services.emit_all(self.tx, self.workspace_id, events)

    async def _read(self, people: Sequence[ListedPerson]) -> None:
        targets = [Target(external_id=each.external_id) for each in people if each.external_id]
        for row in await contact_rows.find_named(self.tx, self.workspace_id, targets):
            self.contacts[row["id"]] = dict(row)
            self.by_external_id[row["external_id"]] = row["id"]
        for row in await contact_rows.find_places(self.tx, self.workspace_id, [at for each in people for at in places_of(each)]):
            self.owners[contact_rows.place_of_row(row)] = row["contact_id"]
        missing = set(self.owners.values()) - self.contacts.keys()
        for row in await contact_rows.find_contacts(self.tx, self.workspace_id, missing):
            self.contacts[row["id"]] = dict(row)

    def _keep_one(self, person: ListedPerson, sums: _Sums) -> None:
        places = places_of(person)
        owners = {self.owners[place] for place in places if place in self.owners}
        living = {each for each in owners if self.contacts[each]["deleted_at"] is None}
        known = self.by_external_id.get(person.external_id) if person.external_id else None
        known = known or (living.pop() if len(living) == 1 else None)
        if len(owners - {known}) > 0:
            sums.conflicts.append(person.row)  # somebody else's address, or one that a deleted contact left opted out
            return
        if known is None:
            self._make(person, places)
            sums.created += 1
        elif self._change(self.contacts[known], person, places):
            sums.updated += known not in self.new
            sums.unchanged += known in self.new  # another row of somebody this file made
        else:
            sums.unchanged += 1

    def _make(self, person: ListedPerson, places: Sequence[Place]) -> None:
        contact_id = self.services.ids.new("con")
        target = Target(
            external_id=person.external_id,
            first_name=person.first_name,
            last_name=person.last_name,
            fields={IMPORT: self.import_id},
        )
        self.contacts[contact_id] = {
            **contact_rows.new_contact(self.workspace_id, contact_id, target, source="list", at=self.now),
            "deleted_at": None,
        }
        self.new.append(contact_id)
        if person.external_id:
            self.by_external_id[person.external_id] = contact_id
        self._add_places(contact_id, places)

    def _change(self, row: dict[str, Any], person: ListedPerson, places: Sequence[Place]) -> bool:
        """Adds what a row of the file knows more; whether it did. The mark of the import alone is no news."""
        before = dict(row)
        new_places = [place for place in places if place not in self.owners]
        self._add_places(row["id"], new_places)
        for name in ("first_name", "last_name"):
            row[name] = row[name] or getattr(person, name)
        row["external_id"] = row["external_id"] or person.external_id or None
        news = row != before or bool(new_places)
        row["fields"] = orjson.dumps({**orjson.loads(row["fields"]), IMPORT: self.import_id}).decode()
        if row != before and row["id"] not in self.new:
            self.changed.add(row["id"])
            self.news += [row["id"]] if news else []
        return news

    def _add_places(self, contact_id: str, places: Sequence[Place]) -> None:
        for place in places:
            self.owners[place] = self.new_places[place] = contact_id


def places_of(person: ListedPerson) -> list[Place]:
    """The addresses of a row."""
    phones = [contact_rows.place_of(AddressKind.PHONE, each, "") for each in person.phones]
    return phones + [contact_rows.place_of(AddressKind.EMAIL, each, "") for each in person.emails]
