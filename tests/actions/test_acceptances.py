"""Message requests accepted: the PSID is brought together with the phone that was asked, and it is told once."""

from __future__ import annotations

import orjson
import pytest_asyncio
from sqlalchemy import update
from support.inbound import event, rows_of, said, tell
from support.messaging import PSID, open_desk

from guestlist.channels.base import Accepted
from guestlist.domain.messages import Target
from guestlist.storage import messaging_tables as tables
from guestlist.storage.tables import events, pages

ACCEPT = {"optin": {"message_request": "accept"}}
ANA, BEN = "12125552368", "12125550199"


@pytest_asyncio.fixture
async def desk(house, page):
    await house.services.db.write(lambda tx: tx.execute(update(pages).values(capabilities='{"phone_matching": "enabled"}')))
    return await open_desk(house, page)


async def ask(desk, phone, **names):
    """A message request to a phone, waiting for the person."""
    desk.channels["messenger"].answers.append(Accepted(f"m_{phone}", awaiting=True))
    message = await desk.send(desk.draft("messenger", to=Target(phone=phone, **names)))
    await desk.run()
    return message


async def owner_of(house, psid=PSID):
    [row] = [row for row in await rows_of(house, tables.addresses) if row["value"] == psid]
    return row["contact_id"]


async def told(desk, kind):
    found = [row for row in await rows_of(desk.house, events) if row["kind"] == kind]
    return [orjson.loads(row["data"])["contact_id"] for row in found]


async def test_the_only_one_asked_is_who_accepts_and_it_is_told_once(house, desk):
    message = await ask(desk, ANA)
    assert (await desk.state(message))[0] == "sent"
    await tell(house, event(house, ACCEPT), event(house, ACCEPT))
    await tell(house, event(house, ACCEPT))
    assert (await desk.state(message))[0] == "delivered"
    assert await owner_of(house) == message["contact_id"]
    [request] = await rows_of(house, tables.message_requests)
    assert (request["state"], request["phone"]) == ("accepted", ANA)
    assert await told(desk, "request.accepted") == [message["contact_id"]]
    assert await told(desk, "opt_in.received") == [message["contact_id"]]


async def test_of_two_asked_the_one_whose_name_meta_tells_is_meant(house, desk):
    first = await ask(desk, ANA, first_name="Ana", last_name="Diaz")
    second = await ask(desk, BEN, first_name="Ben", last_name="Diaz")
    await tell(house, event(house, ACCEPT))
    assert await told(desk, "request.accepted") == []
    house.graph.profiles[PSID] = {"first_name": "Ben", "last_name": "Diaz"}
    await house.run_profiles(desk.page["id"])
    assert await owner_of(house) == second["contact_id"]
    assert [(await desk.state(each))[0] for each in (first, second)] == ["sent", "delivered"]
    assert await told(desk, "request.accepted") == [second["contact_id"]]


async def test_a_first_message_that_names_the_phone_settles_it_before_or_after_the_acceptance(house, desk):
    first, second = await ask(desk, ANA), await ask(desk, BEN)
    prior = {"source": "customer_matching", "identifier": "+1(212)555-0199"}
    await tell(house, event(house, ACCEPT), said(house, "Hello", "m_1", prior_message=prior))
    assert await owner_of(house) == second["contact_id"]
    await tell(
        house, said(house, "Hi", "m_2", psid="99", prior_message={**prior, "identifier": ANA}), event(house, ACCEPT, psid="99")
    )
    assert await owner_of(house, "99") == first["contact_id"]
    assert sorted(await told(desk, "request.accepted")) == sorted([first["contact_id"], second["contact_id"]])
    assert len(await told(desk, "opt_in.received")) == 2


async def test_an_acceptance_nobody_can_place_changes_no_message(house, desk):
    waiting = [await ask(desk, ANA), await ask(desk, BEN)]
    await tell(house, event(house, ACCEPT))
    assert [(await desk.state(each))[0] for each in waiting] == ["sent", "sent"]
    assert await owner_of(house) not in [each["contact_id"] for each in waiting]
    assert await told(desk, "opt_in.received") == []
