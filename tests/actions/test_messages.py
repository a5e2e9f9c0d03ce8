"""A message: accepted, sent over the first open rule, and over the next where that one refuses."""

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import update
from support.messaging import EMAIL, LOST, PHONE, PSID, add_account, open_desk, phone_place, refused
from support.scripted import token_row

from guestlist.actions import messages, subscribers
from guestlist.channels.base import Accepted, Remedy
from guestlist.domain.messages import Channel, Fallback, Media, Target
from guestlist.errors import GuestlistError
from guestlist.storage import messaging_tables as tables

MESSENGER, SMS, MAIL = Channel.MESSENGER, Channel.SMS, Channel.EMAIL


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


async def test_a_text_goes_out_and_is_accepted(desk):
    message = await desk.send(desk.draft("sms"), metadata={"order": 7})
    assert await desk.state(message) == ("queued", "sms")
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")
    [call] = desk.channels[SMS].calls
    assert call.body == {"to": PHONE, "text": "Hello", "type": ""}
    assert desk.channels[SMS].senders[0].secret == {"token": "sesame"}
    assert await desk.events("message", "contact") == ["contact.created", "message.accepted", "message.sent"]


async def test_a_refusal_goes_on_to_the_next_rule_under_one_id(desk):
    await desk.wrote()
    desk.channels[MESSENGER].answers = [refused(Remedy.NEXT, "window_closed")]
    message = await desk.send(desk.draft("messenger", "sms"))
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")
    story = await desk.story(message)
    assert [(each["rule"], each["channel"], each["state"], each["reason"]) for each in story.deliveries] == [
        (1, "messenger", "failed", "window_closed"),
        (2, "sms", "sent", ""),
    ]
    assert [(each["outcome"], each["code"]) for each in story.attempts] == [("refused", "500/1"), ("accepted", "")]
    assert await desk.events("message", "delivery") == ["message.accepted", "delivery.refused", "message.sent"]


async def test_a_rule_without_an_address_is_skipped_and_says_so(desk):
    message = await desk.send(desk.draft("messenger", "email", "sms", to=Target(phone=PHONE)))
    await desk.run()
    story = await desk.story(message)
    assert [(each["channel"], each["state"], each["reason"]) for each in story.deliveries] == [
        ("messenger", "failed", "phone_matching_suspended"),
        ("email", "failed", "no_address"),
        ("sms", "sent", ""),
    ]
    assert desk.channels[MESSENGER].calls == desk.channels[MAIL].calls == []


async def test_a_lost_answer_is_never_repeated_and_goes_nowhere_else(desk):
    desk.channels[SMS].answers = [LOST]
    message = await desk.send(desk.draft("sms", "email"))
    await desk.run()
    desk.house.clock.move(hours=5)
    await desk.run()
    assert await desk.state(message) == ("unknown", "sms")
    assert desk.calls == 1


async def test_a_lost_answer_goes_on_under_within_and_the_timeline_says_why(desk):
    desk.channels[SMS].answers = [LOST]
    message = await desk.send(desk.draft("sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    desk.house.clock.move(minutes=9)
    await desk.run()
    assert desk.calls == 1
    desk.house.clock.move(minutes=2)
    await desk.run()
    story = await desk.story(message)
    assert [each["state"] for each in story.deliveries] == ["unknown", "sent"]
    assert '"because":"no_receipt"' in story.deliveries[1]["route"]


async def test_a_passing_fault_is_tried_again_later(desk):
    desk.channels[SMS].answers = [refused(Remedy.RETRY, "unreachable"), refused(Remedy.WAIT, "throttled", retry_after=60.0)]
    message = await desk.send(desk.draft("sms", "email"))
    await desk.run()
    assert (await desk.story(message)).message["reason"] == "unreachable"
    desk.house.clock.move(seconds=3)
    await desk.run()
    desk.house.clock.move(seconds=59)
    await desk.run()
    assert desk.calls == 2
    desk.house.clock.move(seconds=2)
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")
    assert [each["number"] for each in (await desk.story(message)).attempts] == [1, 2, 3]


async def test_parts_go_in_order_and_a_failure_midway_stops_there(desk):
    media = (Media("image", url="https://x.example/1.png"), Media("image", url="https://x.example/2.png"))
    draft = desk.draft("sms", "email")
    draft = replace(draft, content=replace(draft.content, parts=media))
    desk.channels[SMS].answers = [Accepted("one"), refused(Remedy.STOP, "bad_media")]
    message = await desk.send(draft)
    await desk.run()
    story = await desk.story(message)
    assert [(part["number"], part["state"], part["reason"]) for part in story.parts] == [
        (1, "sent", ""),
        (2, "failed", "bad_media"),
        (3, "failed", "not_tried"),
    ]
    assert (story.message["state"], story.message["reason"]) == ("failed", "partly_sent")
    assert desk.channels[MAIL].calls == []


async def test_no_open_rule_is_refused_at_the_door_and_nothing_is_kept(desk):
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("messenger", "email", to=Target(psid=PSID)))
    assert caught.value.code == "no_route"
    assert [route["code"] for route in caught.value.data["routes"]] == ["window_closed", "no_address"]
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("messenger", to=Target(psid=PSID)))
    assert caught.value.code == "window_closed"
    assert await messages.list_messages(desk.house.services, desk.house.workspace_id) == []


async def test_a_dialect_may_keep_what_no_rule_takes(desk):
    message = await desk.send(desk.draft("messenger", to=Target(psid=PSID)), keep_refused=True)
    story = await desk.story(message)
    assert (story.message["state"], story.message["reason"]) == ("failed", "window_closed")
    assert await desk.events("message") == ["message.accepted", "message.failed"]


async def test_the_last_refusal_fails_the_message(desk):
    desk.channels[SMS].answers = [refused(Remedy.STOP, "no_such_number")]
    message = await desk.send(desk.draft("sms", "email", to=Target(phone=PHONE)))
    await desk.run()
    story = await desk.story(message)
    assert (story.message["state"], story.message["reason"]) == ("failed", "no_address")
    assert [each["reason"] for each in story.deliveries] == ["no_such_number", "no_address"]


async def test_an_opt_out_between_claim_and_call_keeps_the_call_back(desk):
    message = await desk.send(desk.draft("sms", "email"))
    hand_over = desk.house.services.pump

    async def pump(work, bucket, ownership):
        claimed = await work.claim(10)
        assert len(claimed) == 1
        await desk.opt_out(phone_place())
        assert await work.recheck(claimed) == []

    desk.house.services = replace(desk.house.services, pump=pump)
    await desk.house.run_send(desk.sms["id"])
    desk.house.services = replace(desk.house.services, pump=hand_over)
    await desk.run()
    assert desk.channels[SMS].calls == []
    assert await desk.state(message) == ("sent", "email")
    assert [each["reason"] for each in (await desk.story(message)).deliveries] == ["opted_out", ""]


async def test_what_expires_is_not_sent(desk):
    now = desk.house.services.now_ms()
    message = await desk.send(desk.draft("sms", "email", expires_at=now + 60_000))
    desk.house.clock.move(minutes=2)
    await desk.run()
    assert desk.calls == 0
    assert await desk.state(message) == ("expired", "sms")
    assert await desk.events("message") == ["message.accepted", "message.expired"]


async def test_what_was_sent_does_not_expire(desk):
    now = desk.house.services.now_ms()
    message = await desk.send(desk.draft("sms", expires_at=now + 60_000))
    await desk.run()
    desk.house.clock.move(minutes=2)
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")


async def test_a_message_for_later_waits_for_its_time(desk):
    now = desk.house.services.now_ms()
    message = await desk.send(desk.draft("sms", send_at=now + 60_000))
    await desk.run()
    assert desk.calls == 0
    assert await desk.house.run_due() == 60.0
    desk.house.clock.move(minutes=1)
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")


async def test_merge_fields_are_filled_for_the_contact(desk):
    text = 'Dear {{ contact.first_name | default("friend", true) }}{{ contact.fields.title }}'
    await desk.send(desk.draft("sms", text=text, to=Target(phone=PHONE, first_name="Ana", fields={"title": "!"})))
    await desk.send(desk.draft("sms", text=text, to=Target(phone="447700900124")))
    await desk.send(desk.draft("sms", text=text, to=Target(phone=PHONE)))
    await desk.run()
    assert desk.channels[SMS].said == ["Dear Ana!", "Dear friend", "Dear Ana!"]


async def test_a_merge_field_that_cannot_be_filled_is_refused_at_the_door(desk):
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("sms", text="{{ contact.first_name"))
    assert (caught.value.status, caught.value.code) == (400, "bad_merge_field")


async def test_content_that_a_channel_cannot_carry_is_refused_by_field(desk):
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("sms", text="x" * 101))
    assert caught.value.data["errors"] == [
        {"channel": "sms", "field": "content.text", "code": "too_long", "message": "At most 100 characters."}
    ]


async def test_a_batch_answers_each_item_by_itself(desk):
    drafts = [desk.draft("sms", to=Target(phone=f"4477009{n:05}")) for n in range(3)]
    drafts[1] = desk.draft("sms", to=Target(email=EMAIL))
    sent = await messages.send_batch(desk.house.services, desk.house.workspace_id, [messages.Request(each) for each in drafts])
    assert [each.code if isinstance(each, GuestlistError) else each["state"] for each in sent] == [
        "queued",
        "no_address",
        "queued",
    ]
    await desk.run()
    listed = await messages.list_messages(
        desk.house.services, desk.house.workspace_id, filters={"batch_id": sent[0]["batch_id"], "state": "sent"}
    )
    assert [row["id"] for row in listed] == [sent[2]["id"], sent[0]["id"]]


async def test_one_new_person_in_many_items_is_one_contact(desk):
    drafts = [desk.draft("sms", to=Target(phone=PHONE)) for _ in range(3)]
    drafts += [desk.draft("sms", to=Target(external_id="c-1", phone=PHONE)) for _ in range(2)]
    sent = await messages.send_batch(desk.house.services, desk.house.workspace_id, [messages.Request(each) for each in drafts])
    assert len({row["contact_id"] for row in sent[:3]}) == 1
    assert len({row["contact_id"] for row in sent[3:]}) == 1
    assert sent[0]["contact_id"] != sent[3]["contact_id"]
    assert await desk.events("contact") == ["contact.created", "contact.created"]


async def test_too_large_a_batch_is_refused(desk):
    request = messages.Request(desk.draft("sms"))
    with pytest.raises(GuestlistError) as caught:
        await messages.send_batch(desk.house.services, desk.house.workspace_id, [request] * 5001)
    assert caught.value.code == "bad_batch_size"


async def test_a_cancelled_message_is_never_called(desk):
    message = await desk.send(desk.draft("sms"))
    cancelled = await messages.cancel_message(desk.house.services, desk.house.workspace_id, message["id"])
    assert cancelled["state"] == "cancelled"
    again = await messages.cancel_message(desk.house.services, desk.house.workspace_id, message["id"])
    await desk.run()
    assert (again["state"], desk.calls) == ("cancelled", 0)
    assert await desk.events("message") == ["message.accepted", "message.cancelled"]


async def test_what_has_left_cannot_be_cancelled(desk):
    message = await desk.send(desk.draft("sms"))
    await desk.run()
    with pytest.raises(GuestlistError) as caught:
        await messages.cancel_message(desk.house.services, desk.house.workspace_id, message["id"])
    assert caught.value.code == "already_sent"


async def test_redaction_leaves_states_and_no_words(desk):
    message = await desk.send(desk.draft("sms", text="secret words"))
    await desk.run()
    await messages.redact_message(desk.house.services, desk.house.workspace_id, message["id"])
    story = await desk.story(message)
    assert "secret" not in story.message["draft"]
    assert PHONE not in story.message["draft"]
    assert story.message["state"] == "sent"
    assert story.message["redacted_at"] is not None


async def test_explaining_names_the_way_and_why_the_others_are_closed_and_writes_nothing(desk):
    explained = await messages.explain_message(
        desk.house.services, desk.house.workspace_id, desk.draft("messenger", "sms", "email", to=Target(psid=PSID, phone=PHONE))
    )
    assert explained.taken == 2
    assert [route.get("code") for route in explained.routes] == ["window_closed", None, "no_address"]
    assert explained.contact_id is None
    assert await desk.events("contact", "message") == []


async def test_several_accounts_must_be_told_apart(desk):
    other = await add_account(desk.house, SMS, name="Second")
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("sms"))
    assert (caught.value.status, caught.value.code) == (400, "account_not_named")
    assert other["id"] in caught.value.remedy


async def test_a_dead_account_rests_with_its_parts(desk):
    desk.channels[SMS].answers = [refused(Remedy.RECONNECT, "bad_credentials")]
    message = await desk.send(desk.draft("sms", "email"))
    await desk.run()
    await desk.run()
    assert await desk.state(message) == ("queued", "sms")
    assert desk.calls == 1
    assert await desk.events("account") == ["account.reconnect_needed"]


async def test_a_dead_owner_leaves_unknowns_and_what_never_left_goes_back(desk):
    first, second = await desk.send(desk.draft("sms")), await desk.send(desk.draft("sms", text="Two"))

    async def pump(work, bucket, ownership):
        claimed = await work.claim(10)
        await work.recheck(claimed[:1])  # about to be called: then the process dies

    normal = desk.house.services
    desk.house.services = replace(normal, pump=pump)
    await desk.house.run_send(desk.sms["id"])
    desk.house.services = normal
    await desk.run()
    assert [await desk.state(message) for message in (first, second)] == [("unknown", "sms"), ("sent", "sms")]
    assert desk.channels[SMS].said == ["Two"]
    assert [each["code"] for each in (await desk.story(first)).attempts] == ["owner_died"]


async def test_waiting_sees_the_first_outcome(desk):
    message = await desk.send(desk.draft("sms"))
    waiting = asyncio.create_task(messages.first_attempt(desk.house.services, desk.house.workspace_id, message["id"]))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await desk.run()
    story = await asyncio.wait_for(waiting, 1)
    assert [each["outcome"] for each in story.attempts] == ["accepted"]


async def test_a_subscriber_is_reached_by_the_psid_that_is_known(desk, house, page):
    house.graph.tokens = [token_row("tok-1", psid=PSID), token_row("tok-2")]
    await house.run_sync(page["id"])
    known, hidden = sorted(
        await subscribers.list_subscribers(house.services, house.workspace_id), key=lambda row: row["psid"] or "", reverse=True
    )
    await desk.wrote()
    await desk.send(desk.draft("messenger", to=Target(subscriber_id=known["id"])))
    await desk.run()
    assert [call.body["to"] for call in desk.channels[MESSENGER].calls] == [PSID]
    for target, code in ((hidden["id"], "no_address"), ("sub_01hq3k5y8v7d2w9g4m6n0p1r2s", "unknown_subscriber")):
        with pytest.raises(GuestlistError) as caught:
            await desk.send(desk.draft("messenger", to=Target(subscriber_id=target)))
        assert caught.value.code == code


async def test_a_deleted_contact_is_never_called(desk):
    message = await desk.send(desk.draft("sms", "email"))
    gone = update(tables.contacts).values(deleted_at=desk.house.services.now_ms())
    await desk.house.services.db.write(lambda tx: tx.execute(gone))
    await desk.run()
    assert desk.calls == 0
    story = await desk.story(message)
    assert (story.message["state"], [each["reason"] for each in story.deliveries]) == (
        "failed",
        ["contact_deleted", "no_address"],
    )


async def test_a_way_that_changes_before_the_call_is_built_anew(desk):
    await desk.wrote()
    message = await desk.send(desk.draft("messenger"))
    as_before = update(tables.deliveries).values(route='{"messaging_type":"UPDATE","tag":"","utility":false}')
    built = update(tables.parts).values(body='{"to":"7","text":"As it was built.","type":"UPDATE"}')

    async def unit(tx):
        await tx.execute(as_before)
        await tx.execute(built)

    await desk.house.services.db.write(unit)
    await desk.run()
    assert [call.body for call in desk.channels[MESSENGER].calls] == [{"to": PSID, "text": "Hello", "type": "RESPONSE"}]
    assert '"messaging_type":"RESPONSE"' in (await desk.story(message)).deliveries[0]["route"]


async def test_sends_that_come_together_are_kept_together_and_fail_alone(desk):
    drafts = [desk.draft("sms", to=Target(phone=f"4477009{n:05}")) for n in range(40)]
    drafts[7] = desk.draft("sms", to=Target(phone="447700900777", first_name="no\x00name"))
    drafts[9] = desk.draft("sms", to=Target(email=EMAIL))
    said = await asyncio.gather(*(desk.send(draft) for draft in drafts), return_exceptions=True)
    errors = {number: each.code for number, each in enumerate(said) if isinstance(each, Exception)}
    assert errors == {7: "bad_text", 9: "no_address"}
    await desk.run()
    assert len(desk.channels[SMS].calls) == len({call.body["to"] for call in desk.channels[SMS].calls}) == 38


async def test_the_same_channel_is_not_used_again_for_what_may_have_arrived(desk):
    desk.channels[SMS].answers = [LOST]
    message = await desk.send(desk.draft("sms", "sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    desk.house.clock.move(minutes=11)
    await desk.run()
    story = await desk.story(message)
    assert [(each["channel"], each["state"], each["reason"]) for each in story.deliveries] == [
        ("sms", "unknown", "answer_lost"),
        ("sms", "failed", "already_used"),
        ("email", "sent", ""),
    ]


async def test_the_same_channel_may_be_tried_again_after_a_refusal(desk):
    desk.channels[SMS].answers = [refused(Remedy.NEXT, "no_credit")]
    message = await desk.send(desk.draft("sms", "sms"))
    await desk.run()
    assert await desk.state(message) == ("sent", "sms")
    assert len(desk.channels[SMS].calls) == 2


async def test_nobody_waits_for_what_is_to_be_sent_later(desk):
    later = desk.house.services.now_ms() + 3_600_000
    message = await desk.send(desk.draft("sms", send_at=later))
    async with asyncio.timeout(1):
        story = await messages.first_attempt(desk.house.services, desk.house.workspace_id, message["id"])
    assert (story.message["state"], story.attempts) == ("queued", [])
