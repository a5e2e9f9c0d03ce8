"""Profiles: asked at Meta after somebody wrote, kept beside what the business said, and asked again after a while."""

from __future__ import annotations

import pytest_asyncio
from support.inbound import rows_of, said, tell
from support.messaging import PSID, open_desk
from support.scripted import DEAD_TOKEN, DOWN, PAGE_ID

from guestlist.actions import contacts
from guestlist.actions.contacts import Facts
from guestlist.graph.base import ErrorClass, GraphError
from guestlist.storage import messaging_tables as tables
from guestlist.storage import work
from guestlist.storage.tables import pages

ANA = {"first_name": "Ana", "last_name": "Diaz", "locale": "en_GB", "timezone": "+01:00"}


@pytest_asyncio.fixture
async def desk(house, page):
    house.graph.profiles[PSID] = dict(ANA)
    return await open_desk(house, page)


async def contact_of(house):
    [row] = await rows_of(house, tables.contacts)
    return row


def asked(house):
    return [what for name, what in house.graph.calls if name == "read_profile"]


async def due_lanes(house):
    found = await house.services.db.read(lambda tx: work.due_lanes(tx, house.services.now_ms()))
    return [lane for lane in found if lane.startswith("profiles:")]


async def test_the_first_word_of_a_person_makes_meta_be_asked_outside_the_inbox(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    assert asked(house) == []
    assert await due_lanes(house) == [f"profiles:{house.workspace_id}:{desk.page['id']}"]
    await house.run_profiles(desk.page["id"])
    contact = await contact_of(house)
    assert {name: contact[name] for name in ANA} == ANA
    assert (asked(house), await due_lanes(house)) == ([PSID], [])


async def test_what_the_business_said_stays_and_what_meta_said_is_renewed(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    contact = await contact_of(house)
    await contacts.change_contact(house.services, house.workspace_id, contact["id"], Facts(plain={"first_name": "Anna"}))
    await house.run_profiles(desk.page["id"])
    house.clock.move(days=31)
    house.graph.profiles[PSID] = {"first_name": "A.", "last_name": "Diaz-Low"}
    await tell(house, said(house, "Again", "m_2"))
    await house.run_profiles(desk.page["id"])
    contact = await contact_of(house)
    assert (contact["first_name"], contact["last_name"], contact["locale"]) == ("Anna", "Diaz-Low", "en_GB")
    assert asked(house) == [PSID, PSID]


async def test_nobody_is_asked_of_twice_within_a_month(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    await house.run_profiles(desk.page["id"])
    house.clock.move(days=29)
    await tell(house, said(house, "Again", "m_2"))
    await house.run_profiles(desk.page["id"])
    assert asked(house) == [PSID]


async def test_somebody_meta_tells_nothing_of_stays_nameless_without_an_error(house, desk):
    house.graph.profiles.clear()
    house.graph.script["read_profile"] = [None, GraphError("No such object.", kind=ErrorClass.FIX, code=100, subcode=7)]
    await tell(house, said(house, "Hello", "m_1"), said(house, "Hi", "m_2", psid="99"))
    await house.run_profiles(desk.page["id"])
    found = await rows_of(house, tables.contacts)
    assert [(row["first_name"], row["version"], row["profiled_at"] is None) for row in found] == [("", 1, False)] * 2
    assert await due_lanes(house) == []


async def test_a_passing_fault_is_tried_again_later(house, desk):
    house.graph.script["read_profile"] = [DOWN]
    await tell(house, said(house, "Hello", "m_1"))
    seconds = await house.run_profiles(desk.page["id"])
    assert seconds == 15 * 60
    house.clock.move(minutes=15)
    await house.run_profiles(desk.page["id"])
    assert (await contact_of(house))["first_name"] == "Ana"


async def test_a_dead_token_marks_the_page_and_the_rest_waits(house, desk):
    house.graph.script["read_profile"] = [DEAD_TOKEN]
    await tell(house, said(house, "Hello", "m_1"))
    await house.run_profiles(desk.page["id"])
    [page] = [row for row in await rows_of(house, pages) if row["page_id"] == PAGE_ID]
    assert page["state"] == "reconnect"
    assert await due_lanes(house) == []
    assert (await contact_of(house))["profiled_at"] is None
