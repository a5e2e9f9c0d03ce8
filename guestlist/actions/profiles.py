"""A Page's lane of profiles: who wrote for the first time, or after a while again, is looked up at Meta, at the Page's rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from guestlist.engine.base import Bucket, Ownership
from guestlist.graph.base import ErrorClass, GraphError, PersonProfile
from guestlist.storage import contacts as contact_rows
from guestlist.storage import profiles as profile_rows
from guestlist.storage import rows, tables
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms
from guestlist.storage.ledgers import Event

from .acceptances import settle_again
from .base import Services
from .pages import mark_dead

HELD = timedelta(minutes=5)
"""A profile that was claimed and never recorded is asked again after this."""

RETRY = timedelta(minutes=15)

ASK_AGAIN = frozenset({ErrorClass.RETRY, ErrorClass.WAIT, ErrorClass.RECONNECT})

TAKEN = ("first_name", "last_name", "picture_url", "locale", "timezone", "gender")
"""What a contact takes over, where the business has not said otherwise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One person whose profile is being asked."""

    psid: str = field(repr=False)
    contact_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """What Meta told of somebody: None = nothing; a GraphError = it could not be asked."""

    wanted: Wanted
    answer: PersonProfile | GraphError | None = field(repr=False)


async def run_profile_lane(services: Services, ownership: Ownership) -> float | None:
    """Asks every profile that is due on a Page. Gives the seconds until the next one is."""
    _, workspace_id, page_id = ownership.lease.lane.split(":")
    page = await services.db.read(lambda tx: rows.find(tx, tables.pages, workspace_id, page_id))
    if page is None or page["state"] != "connected":
        return None
    work = ProfileHandOver(services, page)
    await services.pump(work, work.bucket, ownership)
    due = await services.db.read(lambda tx: profile_rows.next_profile(tx, workspace_id, page_id))
    return None if due is None else max(0.0, (due - services.now_ms()) / 1000)


class ProfileHandOver:
    """How the pump asks profiles. Reading twice does no harm, so a claim is only a while in which nobody else asks."""

    def __init__(self, services: Services, page: Row) -> None:
        self.services = services
        self.page = page
        self.workspace_id: str = page["workspace_id"]
        self.graph = services.page_graph(page)
        self.bucket: Bucket = services.bucket(page["id"], services.app.page_rate)
        self._dead = False

    async def claim(self, limit: int) -> Sequence[Wanted]:
        """People whose profile is due."""
        if self._dead:
            return []

        async def unit(tx: Transaction) -> list[Wanted]:
            now = self.services.clock.now()
            due = await profile_rows.due_profiles(tx, self.workspace_id, self.page["id"], to_ms(now), limit)
            psids = [row["value"] for row in due]
            if psids:
                await profile_rows.set_profiles_due(tx, self.workspace_id, self.page["id"], psids, to_ms(now + HELD))
            return [Wanted(row["value"], row["contact_id"]) for row in due]

        return await self.services.db.write(unit)

    async def recheck(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """Nothing can have changed that would matter."""
        return [] if self._dead else wanted

    async def release(self, wanted: Sequence[Wanted]) -> None:
        """Puts back people who were not asked."""
        await self._set_due([each.psid for each in wanted], self.services.now_ms())

    async def call(self, wanted: Wanted) -> Told:
        """The call to Meta."""
        try:
            return Told(wanted, await self.graph.read_profile(wanted.psid))
        except GraphError as error:
            if error.kind is ErrorClass.WAIT:
                self.bucket.slow_down()
            self._dead = self._dead or error.kind is ErrorClass.RECONNECT
            return Told(wanted, error)

    async def record(self, told: Sequence[Told]) -> None:
        """Keeps what was told. What could not be asked is asked again later; a refusal about the person is an answer."""
        again = [each for each in told if isinstance(each.answer, GraphError) and each.answer.kind in ASK_AGAIN]
        await self._set_due([each.wanted.psid for each in again], to_ms(self.services.clock.now() + RETRY))
        done = [each for each in told if each not in again]
        lanes = await self.services.db.write(lambda tx: self._record(tx, done)) if done else set()
        for lane in sorted(lanes):
            await self.services.wake(lane)
        for each in again:
            if isinstance(each.answer, GraphError) and each.answer.kind is ErrorClass.RECONNECT:
                await mark_dead(self.services, self.page, each.answer.sentence)
                break

    async def _set_due(self, psids: Sequence[str], at: int) -> None:
        if psids:
            await self.services.db.write(
                lambda tx: profile_rows.set_profiles_due(tx, self.workspace_id, self.page["id"], psids, at)
            )

    async def _record(self, tx: Transaction, done: Sequence[Told]) -> set[str]:
        psids = [each.wanted.psid for each in done]
        await profile_rows.set_profiles_due(tx, self.workspace_id, self.page["id"], psids, None)
        places = {each: contact_rows.psid_place(each.wanted.psid, self.page["id"]) for each in done}
        owners = {contact_rows.place_of_row(row): row["contact_id"] for row in await self._owners(tx, list(places.values()))}
        contacts = {row["id"]: row for row in await contact_rows.lock_contacts(tx, self.workspace_id, owners.values())}
        lanes: set[str] = set()
        for each, place in places.items():
            contact = contacts.get(owners.get(place, ""))
            if contact is None:
                continue  # deleted meanwhile
            lanes |= await keep_profile(tx, self.services, contact, each.answer)
            if isinstance(each.answer, PersonProfile):
                lanes |= await settle_again(tx, self.services, self.workspace_id, place, contact["id"])
        return lanes

    async def _owners(self, tx: Transaction, places: Sequence[contact_rows.Place]) -> list[Row]:
        return await contact_rows.find_places(tx, self.workspace_id, places)


async def keep_profile(tx: Transaction, services: Services, contact: Row, answer: PersonProfile | GraphError | None) -> set[str]:
    """Keeps a profile with its contact: what Meta told before is renewed, what the business said stays."""
    now = services.now_ms()
    if not isinstance(answer, PersonProfile):
        await contact_rows.note_profiled(tx, contact, now)
        return set()
    before = orjson.loads(contact["messenger"])
    told = {name: getattr(answer, name) for name in TAKEN if getattr(answer, name)}
    values = {name: value for name, value in told.items() if contact[name] in ("", before.get(name)) and contact[name] != value}
    profile = orjson.dumps({**before, **told}).decode()
    if not values and profile == contact["messenger"]:
        await contact_rows.note_profiled(tx, contact, now)
        return set()
    await contact_rows.update_contact(tx, contact, now, profiled_at=now, messenger=profile, **values)
    return await services.emit_all(tx, contact["workspace_id"], [Event("contact.updated", contact["id"], {"source": "profile"})])
