"""Messages that require an opt-in: what counts as one, where it is asked, and what ends it."""

import pytest
import pytest_asyncio
from sqlalchemy import insert, update
from support.messaging import PHONE, PSID, open_desk, phone_place, refused

from guestlist.actions import messages
from guestlist.actions.opt_ins import state_opt_ins
from guestlist.actions.stops import Grounds, end_consent, restore_consent
from guestlist.channels.base import Remedy
from guestlist.domain.messages import Channel, Target
from guestlist.errors import GuestlistError
from guestlist.storage import tables
from guestlist.storage.contacts import find_places
from guestlist.storage.ledgers import find_consents

MESSENGER, SMS, MAIL = Channel.MESSENGER, Channel.SMS, Channel.EMAIL


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


@pytest_asyncio.fixture
async def contact_id(desk):
    """Somebody who is known by everything."""
    message = await desk.send(desk.draft("sms"))
    await desk.run()
    for channel in desk.channels.values():
        channel.calls.clear()
    return message["contact_id"]


async def state(desk, contact_id, **stated):
    given = {Channel(name): value for name, value in stated.items()}
    await state_opt_ins(desk.house.services, desk.house.workspace_id, contact_id, given, by="shop")


async def ask(desk, *rules, **more):
    """The rules that stand in the way of a message that requires an opt-in; none when it is accepted."""
    try:
        await desk.send(desk.draft(*rules, require_opt_in=True, **more))
    except GuestlistError as error:
        return [route["code"] for route in error.data["routes"]]
    return []


async def ledger(desk, contact_id):
    house = desk.house
    found = await house.services.db.read(lambda tx: find_consents(tx, house.workspace_id, f"contact:{contact_id}"))
    return [(row["act"], row["channel"], row["source"], row["purpose"]) for row in found]


async def test_without_an_opt_in_no_rule_is_open_and_the_refusal_says_so(desk, contact_id):
    with pytest.raises(GuestlistError) as refusal:
        await desk.send(desk.draft("sms", require_opt_in=True))
    assert (refusal.value.code, refusal.value.status) == ("no_opt_in", 409)
    assert await ask(desk, "sms", "email") == ["no_opt_in", "no_opt_in"]
    assert await ask(desk, "sms", to=Target(phone="447700900555")) == ["no_opt_in"]


async def test_an_opt_in_opens_its_own_channel_alone(desk, contact_id):
    await state(desk, contact_id, email=True)
    message = await desk.send(desk.draft("sms", "email", require_opt_in=True))
    await desk.run()
    assert await desk.state(message) == ("sent", "email")
    assert [(each["channel"], each["reason"]) for each in (await desk.story(message)).deliveries] == [
        ("sms", "no_opt_in"),
        ("email", ""),
    ]
    draft = desk.draft("sms", "email", require_opt_in=True)
    explained = await messages.explain_message(desk.house.services, desk.house.workspace_id, draft)
    assert explained.taken == 2


async def test_what_is_stated_twice_is_written_once_and_the_last_word_holds(desk, contact_id):
    for wanted in (True, True, False, False, True):
        await state(desk, contact_id, sms=wanted)
    said = [("granted", "shop_opt_in"), ("withdrawn", "shop_opt_out"), ("granted", "shop_opt_in")]
    assert await ledger(desk, contact_id) == [(act, "sms", source, "marketing") for act, source in said]
    assert await ask(desk, "sms") == []


async def test_a_stop_ends_it_and_a_start_renews_it(desk, contact_id):
    house = desk.house
    await state(desk, contact_id, sms=True)
    grounds = Grounds(desk.sms["id"], house.services.now_ms(), "stop", {})
    both = [(end_consent, ["opted_out"]), (restore_consent, [])]
    for change, rules in both:
        await house.services.db.write(
            lambda tx, change=change: change(tx, house.services, house.workspace_id, contact_id, phone_place(), grounds)
        )
        assert await ask(desk, "sms") == rules
    assert await ledger(desk, contact_id) == [
        ("granted", "sms", "shop_opt_in", "marketing"),
        ("withdrawn", "sms", "stop", "any"),
        ("restored", "sms", "stop", "any"),
    ]


async def test_an_opt_in_taken_back_before_the_hand_over_closes_the_way(desk, contact_id):
    await state(desk, contact_id, sms=True, email=True)
    message = await desk.send(desk.draft("sms", "email", require_opt_in=True))
    await state(desk, contact_id, sms=False)
    await desk.run()
    assert (await desk.state(message), desk.channels[SMS].calls) == (("sent", "email"), [])
    assert [each["reason"] for each in (await desk.story(message)).deliveries] == ["no_opt_in", ""]


@pytest.mark.parametrize(
    ("values", "open_"),
    [({}, True), ({"opted_out_at": 1}, False), ({"expires_at": 1}, False), ({"psid": "8"}, False), ({"page_id": "pag_x"}, False)],
)
async def test_an_open_subscription_token_of_the_psid_is_an_opt_in_on_its_page(desk, contact_id, values, open_):
    house = desk.house
    row = {
        "workspace_id": house.workspace_id,
        "id": house.services.ids.new("sub"),
        "page_id": desk.page["id"],
        "token": "tok",
        "psid": PSID,
        "source": "opt_in_request",
        "created_at": 1,
    }
    await desk.wrote()
    await house.services.db.write(lambda tx: tx.execute(insert(tables.subscribers), {**row, **values}))
    assert await ask(desk, "messenger") == ([] if open_ else ["no_opt_in"])
    assert await ask(desk, "sms") == ["no_opt_in"]


async def test_a_stop_told_of_a_matched_phone_on_messenger_is_no_word_about_sms(desk, contact_id):
    house = desk.house
    enabled = update(tables.pages).values(capabilities='{"phone_matching": "enabled"}')
    await house.services.db.write(lambda tx: tx.execute(enabled))
    desk.channels[MESSENGER].answers = [refused(Remedy.NEXT, "opted_out", ends_consent=True)]
    message = await desk.send(desk.draft("messenger", "sms", to=Target(phone=PHONE)))
    await desk.run()
    assert [(each["channel"], each["reason"]) for each in (await desk.story(message)).deliveries] == [
        ("messenger", "opted_out"),
        ("sms", ""),
    ]
    [address] = await house.services.db.read(lambda tx: find_places(tx, house.workspace_id, [phone_place()]))
    assert (address["opted_out_at"], await ledger(desk, contact_id)) == (None, [])
