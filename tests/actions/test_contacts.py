"""Contacts that end: no means no also afterwards, and nothing that was on its way is left unaccounted."""

from __future__ import annotations

import orjson
import pytest
import pytest_asyncio
from support.inbound import rows_of, said, tell
from support.messaging import PHONE, PSID, open_desk, phone_place

from guestlist.actions import contacts, erasures, messages
from guestlist.actions.contacts import Address, Facts
from guestlist.domain.messages import AddressKind, Target
from guestlist.errors import NotFoundError, RefusedError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables

SMS = Target(phone=PHONE)


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


@pytest_asyncio.fixture
async def ana(house, desk):
    """Somebody with a phone and an e-mail address."""
    facts = Facts(
        "crm-1", {"first_name": "Ana"}, {}, [Address(AddressKind.PHONE, PHONE), Address(AddressKind.EMAIL, "a@b.example")]
    )
    return (await contacts.create_contact(house.services, house.workspace_id, facts)).row


async def living(house):
    return [row for row in await rows_of(house, tables.contacts) if row["deleted_at"] is None]


@pytest.mark.parametrize("end", [erasures.delete_contact, erasures.forget_contact])
async def test_an_opt_out_outlives_its_contact(house, desk, ana, end):
    await desk.opt_out(phone_place())
    await end(house.services, house.workspace_id, ana["id"])
    assert [row["value"] for row in await rows_of(house, tables.addresses)] == [PHONE]
    with pytest.raises(RefusedError) as caught:
        await desk.send(desk.draft("sms", to=SMS))
    assert caught.value.code == "opted_out"
    made = await contacts.create_contact(house.services, house.workspace_id, Facts(addresses=[Address(AddressKind.PHONE, PHONE)]))
    [address] = made.addresses
    assert (address["opt_out_reason"], address["contact_id"]) == ("stop", made.row["id"])


async def test_who_writes_after_their_contact_was_deleted_is_somebody_new(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    [old] = await living(house)
    await desk.opt_out(contact_rows.psid_place(PSID, desk.page["id"]))
    await erasures.delete_contact(house.services, house.workspace_id, old["id"])
    await tell(house, said(house, "Hello again", "m_2"))
    [new] = await living(house)
    [address] = await rows_of(house, tables.addresses)
    assert (new["id"] != old["id"], address["contact_id"]) == (True, new["id"])
    assert address["opted_out_at"] is not None


async def test_an_address_that_opted_out_is_not_taken_away(house, desk, ana):
    await desk.opt_out(phone_place())
    with pytest.raises(RefusedError) as caught:
        await contacts.remove_address(house.services, house.workspace_id, ana["id"], Address(AddressKind.PHONE, PHONE))
    assert caught.value.code == "opted_out"


async def test_forgetting_cancels_what_waits_and_empties_what_was_sent(house, desk, ana):
    sent = await desk.send(desk.draft("sms", text="our secret", to=SMS))
    await desk.run()
    waiting = await desk.send(desk.draft("sms", text="another secret", to=SMS, send_at=house.services.now_ms() + 60_000))
    forgotten = await erasures.forget_contact(house.services, house.workspace_id, ana["id"])
    assert (forgotten.messages, forgotten.cancelled, forgotten.addresses) == (2, 1, 2)
    assert [(await desk.state(each))[0] for each in (sent, waiting)] == ["sent", "cancelled"]
    everything = [await rows_of(house, table) for table in (tables.messages, tables.deliveries, tables.parts, tables.contacts)]
    text = orjson.dumps(everything).decode()
    assert not [word for word in ("secret", PHONE, "Ana", "a@b.example", "crm-1") if word in text]
    house.clock.move(minutes=2)
    await desk.run()
    assert desk.calls == 1


async def test_a_merged_contact_is_told_where_it_went_and_messages_follow(house, desk, ana):
    await tell(house, said(house, "Hello", "m_1"))
    [stranger] = [row for row in await living(house) if row["id"] != ana["id"]]
    message = await desk.send(desk.draft("messenger", to=Target(psid=PSID), send_at=house.services.now_ms() + 60_000))
    await contacts.merge_two(house.services, house.workspace_id, ana["id"], stranger["id"])
    house.clock.move(minutes=2)
    await desk.run()
    story = await messages.get_message(house.services, house.workspace_id, message["id"])
    assert (story.message["state"], story.message["contact_id"]) == ("sent", ana["id"])
    for ask in (contacts.get_contact, erasures.forget_contact):
        with pytest.raises(NotFoundError) as caught:
            await ask(house.services, house.workspace_id, stranger["id"])
        assert (caught.value.code, caught.value.data["merged_into"]) == ("merged", ana["id"])


async def test_somebody_deleted_who_had_opted_out_is_not_brought_back_by_a_first_message(house, desk, ana):
    await desk.opt_out(phone_place())
    await erasures.delete_contact(house.services, house.workspace_id, ana["id"])
    prior = {"source": "customer_matching", "identifier": f"+{PHONE}"}
    await tell(house, said(house, "Hello", "m_1"), said(house, "It is me", "m_2", prior_message=prior))
    [new] = await living(house)
    addresses = await rows_of(house, tables.addresses, tables.addresses.c.kind)
    assert [(row["kind"], row["contact_id"]) for row in addresses] == [("phone", new["id"]), ("psid", new["id"])]
    assert addresses[0]["opted_out_at"] is not None
    assert {row["contact_id"] for row in await rows_of(house, tables.replies)} == {new["id"]}


async def test_a_deleted_opt_out_on_one_channel_does_not_close_another(house, desk, ana):
    await desk.opt_out(phone_place())
    await erasures.delete_contact(house.services, house.workspace_id, ana["id"])
    message = await desk.send(desk.draft("sms", "email", to=Target(phone=PHONE, email="new@b.example")))
    await desk.run()
    assert await desk.state(message) == ("sent", "email")
    assert [row["id"] for row in await living(house)] == [message["contact_id"]]
