"""What people say and do: contact, window, conversation and reply, each once, in whatever order it comes."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
import pytest_asyncio
from support.inbound import event, rows_of, said, tell
from support.messaging import PSID, open_desk

from guestlist.storage import messaging_tables as tables
from guestlist.storage.instants import to_ms


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


async def replies(house):
    found = await rows_of(house, tables.replies, tables.replies.c.at, tables.replies.c.provider_id)
    return [{**row, "content": orjson.loads(row["content"])} for row in found]


async def windows(house):
    return {row["value"]: row["opened_at"] for row in await rows_of(house, tables.addresses)}


async def refused(house):
    from guestlist.storage.tables import webhooks

    return [row["reason"] for row in await rows_of(house, webhooks) if row["reason"]]


async def test_a_first_message_makes_contact_window_conversation_and_reply(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    [contact] = await rows_of(house, tables.contacts)
    [address] = await rows_of(house, tables.addresses)
    [conversation] = await rows_of(house, tables.conversations)
    [reply] = await replies(house)
    now = to_ms(house.clock.at)
    assert (contact["source"], address["value"], address["contact_id"]) == ("inbound", PSID, contact["id"])
    assert (address["opened_at"], address["kind"], address["account_id"]) == (now, "psid", desk.page["id"])
    assert (conversation["contact_id"], conversation["unread"], conversation["last_in_at"]) == (contact["id"], 1, now)
    assert (reply["kind"], reply["content"], reply["at"]) == ("text", {"text": "Hello"}, now)
    assert (reply["contact_id"], reply["conversation_id"]) == (contact["id"], conversation["id"])
    assert sorted(await desk.events()) == ["contact.created", "conversation.opened", "message.received", "page.connected"]


async def test_a_doubled_webhook_has_one_effect(house, desk):
    first = said(house, "Hello", "m_1")
    tap = event(house, {"postback": {"title": "Start", "payload": "start"}})
    await tell(house, first, first, tap)
    await tell(house, tap, first)
    assert [reply["kind"] for reply in await replies(house)] == ["postback", "text"]
    [conversation] = await rows_of(house, tables.conversations)
    assert conversation["unread"] == 2
    assert await desk.events("message.received") == ["message.received"] * 2


@pytest.mark.parametrize(
    ("body", "kind", "opens"),
    [
        ({"message": {"mid": "m", "text": "x"}}, "text", True),
        ({"message": {"mid": "m", "text": "Yes", "quick_reply": {"payload": "yes"}}}, "quick_reply", True),
        (
            {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "https://a.test/a.png"}}]}},
            "attachment",
            True,
        ),
        ({"postback": {"mid": "m", "title": "Start", "payload": "start"}}, "postback", True),
        ({"referral": {"ref": "r", "source": "SHORTLINK", "type": "OPEN_THREAD"}}, "referral", True),
        ({"referral": {"ref": "r", "source": "ADS", "ad_id": "6", "type": "OPEN_THREAD"}}, "referral", False),
        ({"reaction": {"reaction": "love", "emoji": "\u2764", "action": "react", "mid": "m_0"}}, "reaction", True),
        ({"reaction": {"reaction": "love", "emoji": "\u2764", "action": "unreact", "mid": "m_0"}}, "reaction", False),
        ({"optin": {"ref": "checkout-7"}}, "plugin", True),
        ({"optin": {"message_request": "accept"}}, "acceptance", True),
    ],
)
async def test_only_what_the_person_does_opens_the_window(house, desk, body, kind, opens):
    await tell(house, event(house, body))
    [reply] = await replies(house)
    assert reply["kind"] == kind
    assert await windows(house) == {PSID: to_ms(house.clock.at) if opens else None}
    assert await refused(house) == []


async def test_a_window_never_moves_back_or_into_the_future(house, desk):
    now = to_ms(house.clock.at)
    await tell(house, said(house, "new", "m_2"), said(house, "old", "m_1", at=now - 60_000))
    assert await windows(house) == {PSID: now}
    await tell(house, said(house, "from a fast clock", "m_3", at=now + 3_600_000))
    assert await windows(house) == {PSID: now}


async def test_our_own_message_is_answered(house, desk):
    await desk.wrote()
    message = await desk.send(desk.draft("messenger"))
    await desk.run()
    [part] = (await desk.story(message)).parts
    await tell(house, said(house, "Thanks", "m_9", message={"reply_to": {"mid": part["provider_id"]}}))
    [reply] = await replies(house)
    assert reply["answers"] == message["id"]
    [told] = [row for row in await _events(house) if row["kind"] == "message.received"]
    assert orjson.loads(told["data"])["message_id"] == message["id"]
    assert "Thanks" not in told["data"]


async def _events(house):
    from guestlist.storage.tables import events

    return await rows_of(house, events, events.c.id)


async def test_an_echo_of_ours_settles_what_was_unknown_and_is_no_reply(house, desk):
    from support.messaging import LOST

    await desk.wrote()
    desk.channels["messenger"].answers = [LOST]
    message = await desk.send(desk.draft("messenger"))
    await desk.run()
    assert (await desk.state(message))[0] == "unknown"
    [call] = desk.channels["messenger"].calls
    echo = {"message": {"is_echo": True, "app_id": 7, "mid": "m_7", "metadata": call.part_id, "text": "Hello"}}
    await tell(house, event(house, echo, echo=True))
    assert (await desk.state(message))[0] == "sent"
    assert await replies(house) == []


async def test_an_echo_from_elsewhere_is_part_of_the_conversation(house, desk):
    await tell(house, said(house, "Hello", "m_1"))
    house.clock.move(minutes=1)
    echo = {"message": {"is_echo": True, "app_id": 26390203743090, "mid": "m_2", "text": "Hi, Ana here", "metadata": "dlv_x.1"}}
    await tell(house, event(house, echo, echo=True), event(house, echo, echo=True))
    [_, reply] = await replies(house)
    assert (reply["kind"], reply["content"]["app_id"]) == ("echo", "26390203743090")
    [conversation] = await rows_of(house, tables.conversations)
    assert (conversation["unread"], conversation["last_out_at"]) == (1, to_ms(house.clock.at))
    assert await windows(house) == {PSID: to_ms(house.clock.at) - 60_000}
    assert await desk.events("message.echoed") == ["message.echoed"]


async def test_delivery_and_read_reach_the_message(house, desk):
    await desk.wrote()
    message = await desk.send(desk.draft("messenger"))
    await desk.run()
    [part] = (await desk.story(message)).parts
    await tell(house, event(house, {"delivery": {"mids": [part["provider_id"]], "watermark": to_ms(house.clock.at)}}))
    assert (await desk.state(message))[0] == "delivered"
    await tell(house, event(house, {"read": {"watermark": to_ms(house.clock.at)}}))
    assert (await desk.state(message))[0] == "read"


async def test_a_checkbox_person_is_known_again_by_the_prior_message(house, desk):
    opt_in = {"recipient": {"id": "10500000000000021"}, "timestamp": to_ms(house.clock.at)}
    await tell(house, {**opt_in, "optin": {"ref": "checkout-7", "user_ref": "u-1"}})
    prior = {"source": "checkbox_plugin", "identifier": "u-1"}
    await tell(house, said(house, "Hello", "m_1", prior_message=prior))
    addresses = await rows_of(house, tables.addresses, tables.addresses.c.kind)
    assert [(row["kind"], row["value"]) for row in addresses] == [("psid", PSID), ("user_ref", "u-1")]
    assert len({row["contact_id"] for row in addresses}) == 1
    assert len({reply["contact_id"] for reply in await replies(house)}) == 1


async def test_somebody_known_by_phone_who_wrote_before_becomes_one_contact(house, desk):
    from guestlist.domain.messages import Target

    await desk.send(desk.draft("sms", to=Target(phone="12125552368", first_name="Ana", external_id="crm-1")))
    await tell(house, said(house, "Hello", "m_1"))
    assert len([row for row in await rows_of(house, tables.contacts) if row["deleted_at"] is None]) == 2
    prior = {"source": "customer_matching", "identifier": "+1(212)555-2368"}
    await tell(house, said(house, "It is me", "m_2", prior_message=prior))
    [kept] = [row for row in await rows_of(house, tables.contacts) if row["deleted_at"] is None]
    [gone] = [row for row in await rows_of(house, tables.contacts) if row["deleted_at"] is not None]
    assert (kept["external_id"], kept["first_name"], gone["merged_into"]) == ("crm-1", "Ana", kept["id"])
    assert {row["contact_id"] for row in await rows_of(house, tables.addresses)} == {kept["id"]}
    assert {reply["contact_id"] for reply in await replies(house)} == {kept["id"]}
    [conversation] = await rows_of(house, tables.conversations)
    assert (conversation["contact_id"], conversation["unread"]) == (kept["id"], 2)


async def test_a_sealed_ref_names_the_contact(house, desk):
    from guestlist.actions.refs import seal_ref
    from guestlist.domain.messages import Target

    message = await desk.send(desk.draft("sms", to=Target(phone="12125552368", external_id="crm-1")))
    ref = seal_ref(house.services, house.workspace_id, {"external_id": "crm-1", "basket": 4})
    await tell(house, event(house, {"optin": {"ref": ref}}))
    [reply] = await replies(house)
    assert reply["contact_id"] == message["contact_id"]
    assert reply["content"]["state"] == {"external_id": "crm-1", "basket": 4}
    await tell(house, event(house, {"optin": {"ref": "x" + ref[1:]}}, psid="99"))
    assert len(await rows_of(house, tables.contacts)) == 2


async def test_a_text_that_looks_like_an_escape_is_kept(house, desk):
    await tell(house, said(house, "a\\u0000b", "m_1"), said(house, "a\x00b", "m_2"))
    assert [reply["content"]["text"] for reply in await replies(house)] == ["a\\u0000b", "a\ufffdb"]
    assert await refused(house) == []


# -- receipts that overtake the answer ------------------------------------------------------------------------------


async def test_a_receipt_before_its_message_is_named_is_applied_once_it_is(house, desk):
    from support.messaging import LOST

    await desk.wrote()
    house.clock.move(minutes=1)
    desk.channels["messenger"].answers = [LOST]
    message = await desk.send(desk.draft("messenger"))
    await desk.run()
    [call] = desk.channels["messenger"].calls
    echo = {"message": {"is_echo": True, "app_id": 7, "mid": "m_7", "metadata": call.part_id, "text": "Hello"}}
    await tell(house, event(house, {"delivery": {"mids": ["m_7", "m_else"]}}))
    await tell(house, event(house, {"read": {"watermark": to_ms(house.clock.at) - 1}}))
    assert (await desk.state(message))[0] == "unknown"
    await tell(house, event(house, echo, echo=True))
    assert (await desk.state(message))[0] == "delivered"
    await tell(house, event(house, {"read": {"watermark": to_ms(house.clock.at) + 5}}))
    assert (await desk.state(message))[0] == "read"


async def test_a_receipt_that_comes_while_the_call_is_on_the_wire_is_not_lost(house, desk):
    await desk.wrote()
    message = await desk.send(desk.draft("messenger"))
    work = await claim_one(house, desk)
    answer = await work.call(work.handed)
    part_id = work.handed.call.part_id
    await tell(house, event(house, {"delivery": {"mids": [f"messenger-{part_id}"]}}))
    await work.record([answer])
    assert (await desk.state(message))[0] == "delivered"


async def claim_one(house, desk):
    from guestlist.actions.message_sending import MessageHandOver
    from guestlist.storage.senders import find_account

    account = await house.services.db.read(lambda tx: find_account(tx, house.workspace_id, desk.page["id"]))
    work = MessageHandOver(house.services, house.workspace_id, account, fence=50)
    [work.handed] = await work.recheck(await work.claim(1))
    return work


async def test_receipts_of_messages_from_elsewhere_are_not_kept(house, desk):
    await tell(house, said(house, "Hello", "m_1"), event(house, {"delivery": {"mids": ["m_2"]}}))
    assert await rows_of(house, tables.early_receipts) == []


async def test_an_echo_of_our_app_that_overtakes_its_answer_is_no_message_from_elsewhere(house, desk):
    house.services = replace(house.services, app=replace(house.services.app, app_id="7"))
    await desk.wrote()
    message = await desk.send(desk.draft("messenger"))
    work = await claim_one(house, desk)
    answer = await work.call(work.handed)
    echo = {"is_echo": True, "app_id": 7, "mid": f"messenger-{work.handed.call.part_id}", "metadata": "mine", "text": "Hello"}
    await tell(house, event(house, {"message": echo}, echo=True))
    await work.record([answer])
    assert await replies(house) == []
    assert [row["kind"] for row in (await desk.story(message)).receipts] == ["sent"]
    await tell(house, event(house, {"message": {**echo, "mid": "m_other"}}, echo=True))
    assert [reply["kind"] for reply in await replies(house)] == ["echo"]
