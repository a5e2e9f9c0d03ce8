"""Receipts: forward only, one end state whatever their order, and never a second delivery because of one."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest_asyncio
from support.messaging import LOST, open_desk, refused
from support.scripted import START

from guestlist.actions import messages
from guestlist.actions.message_receipts import Reported, apply_receipt, apply_receipts, parse_part_id
from guestlist.channels.base import Remedy
from guestlist.domain.deliveries import delivery_state
from guestlist.domain.facts import MessageReceipt, ReceiptKind
from guestlist.domain.messages import Channel, Content, Fallback, Media, Target
from guestlist.domain.states import Delivery, rises

TWO_PARTS = Content(text="Hello", parts=(Media("image", url="https://x.example/1.png"),))
SMS, MAIL = Channel.SMS, Channel.EMAIL
KINDS = {
    "echo": ReceiptKind.ECHO,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "failed": ReceiptKind.FAILED,
}


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


def receipt(word, *provider_ids, minutes=1, **more):
    at = START + timedelta(minutes=minutes)
    return MessageReceipt(KINDS[word], "sms", "447700900999", at, provider_ids=provider_ids, **more)


async def report(desk, *receipts, account=None):
    """What a provider says, in this order, each in a transaction of its own as its webhooks are."""
    house, account_id = desk.house, (account or desk.sms)["id"]
    lanes = set()
    for each in receipts:
        lanes |= await house.services.db.write(
            lambda tx, each=each: apply_receipt(
                tx, house.services, house.workspace_id, account_id, each, received_at=house.clock.now(), webhook_id=1
            )
        )
    return lanes


def ids_of(desk, channel=SMS):
    return [f"{channel}-{call.part_id}" for call in desk.channels[channel].calls]


async def test_delivered_and_read_raise_the_message_and_are_told_once(desk):
    message = await desk.send(desk.draft("sms"))
    await desk.run()
    [provider_id] = ids_of(desk)
    said = [receipt("delivered", provider_id), receipt("read", provider_id, minutes=2)]
    await report(desk, *said, *said)
    story = await desk.story(message)
    assert story.message["state"] == "read"
    assert [row["kind"] for row in story.receipts] == ["delivered", "read"]
    assert await desk.events("message") == ["message.accepted", "message.sent", "message.delivered", "message.read"]


async def test_a_read_alone_implies_what_came_before(desk):
    await desk.send(desk.draft("sms"))
    await desk.run()
    await report(desk, receipt("read", *ids_of(desk)))
    assert await desk.events("message") == ["message.accepted", "message.sent", "message.delivered", "message.read"]


async def test_six_receipts_in_every_order_end_the_same(desk):
    """All 720 orders, a message of two parts for each; the n-th receipts of all arrive together."""
    said = [("echo", 1, 1), ("delivered", 1, 2), ("read", 1, 3), ("delivered", 2, 4), ("failed", 1, 5), ("read", 2, 6)]
    orders = list(itertools.permutations(said))
    house = desk.house
    people = [Target(phone=f"4477009{n:05}") for n in range(len(orders))]
    asked = [messages.Request(replace(desk.draft("sms", to=to), content=TWO_PARTS)) for to in people]
    sent = await messages.send_batch(house.services, house.workspace_id, asked)
    await desk.run()
    stories = [await desk.story(each) for each in sent]
    for step in range(len(said)):
        heard = []
        for story, order in zip(stories, orders, strict=True):
            word, number, minute = order[step]
            heard.append(Reported(receipt(word, story.parts[number - 1]["provider_id"], minutes=minute), START))
        await house.services.db.write(
            lambda tx, heard=heard: apply_receipts(tx, house.services, house.workspace_id, desk.sms["id"], heard)
        )
    ends = [seen_of(await desk.story(each)) for each in sent]
    assert all(end == ends[0] for end in ends)
    assert ends[0][:2] == ("read", "")


def seen_of(story):
    """Everything that can be seen of a message but ids and when we learned of it."""
    return (
        story.message["state"],
        story.message["reason"],
        [(each["state"], each["delivered_at"], each["read_at"]) for each in story.deliveries],
        [(part["state"], part["delivered_at"], part["read_at"]) for part in story.parts],
        sorted((row["part"], row["kind"], row["at"]) for row in story.receipts),
    )


async def test_every_order_of_every_mix_of_kinds_sums_up_the_same():
    """The sums themselves, without a database: all permutations of up to six reports on two parts."""
    reports = [
        (number, state) for number in (0, 1) for state in (Delivery.SENT, Delivery.FAILED, Delivery.DELIVERED, Delivery.READ)
    ]
    for size in range(1, 7):
        for chosen in itertools.combinations(reports, size):
            ends = set()
            for order in itertools.permutations(chosen):
                parts = [Delivery.SENT, Delivery.SENT]
                for number, state in order:
                    parts[number] = state if rises(parts[number], state) else parts[number]
                ends.add((delivery_state(parts), *parts))
            assert len(ends) == 1


async def test_a_message_is_delivered_when_all_its_parts_are(desk):
    draft = desk.draft("sms")
    message = await desk.send(replace(draft, content=TWO_PARTS))
    await desk.run()
    first, second = ids_of(desk)
    await report(desk, receipt("delivered", first))
    assert await desk.state(message) == ("sent", "sms")
    await report(desk, receipt("delivered", second))
    assert await desk.state(message) == ("delivered", "sms")


async def test_an_echo_settles_a_lost_answer_and_the_next_part_goes(desk):
    desk.channels[SMS].answers = [LOST]
    draft = desk.draft("sms")
    message = await desk.send(replace(draft, content=TWO_PARTS))
    await desk.run()
    assert await desk.state(message) == ("unknown", "sms")
    [call] = desk.channels[SMS].calls
    lanes = await report(desk, receipt("echo", "mid-1", part_id=call.part_id))
    assert lanes == {f"send:{desk.house.workspace_id}:{desk.sms['id']}"}
    await desk.run()
    story = await desk.story(message)
    assert story.message["state"] == "sent"
    assert [part["provider_id"] for part in story.parts] == ["mid-1", ids_of(desk)[1]]


async def test_a_watermark_raises_everything_to_that_person_up_to_then(desk):
    first = await desk.send(desk.draft("sms"))
    await desk.run()
    desk.house.clock.move(minutes=5)
    second = await desk.send(desk.draft("sms"))
    await desk.run()
    mark = START + timedelta(minutes=2)
    person = desk.channels[SMS].calls[0].body["to"]
    await report(desk, receipt("read", watermark=mark, person=person))
    assert [await desk.state(each) for each in (first, second)] == [("read", "sms"), ("sent", "sms")]


async def test_a_late_receipt_neither_stops_nor_starts_a_second_delivery(desk):
    message = await desk.send(desk.draft("sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    desk.house.clock.move(minutes=11)
    await desk.house.run_due()
    assert await desk.state(message) == ("sent", "sms")  # the e-mail waits for its lane
    await report(desk, receipt("delivered", *ids_of(desk)))
    assert await desk.state(message) == ("delivered", "sms")
    await desk.run()
    assert len(desk.channels[MAIL].calls) == 1
    story = await desk.story(message)
    assert (story.message["state"], story.message["channel"]) == ("delivered", "sms")
    assert [each["state"] for each in story.deliveries] == ["delivered", "sent"]


async def test_a_receipt_in_time_keeps_the_next_rule_closed(desk):
    message = await desk.send(desk.draft("sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    await report(desk, receipt("delivered", *ids_of(desk)))
    desk.house.clock.move(minutes=11)
    await desk.run()
    assert desk.channels[MAIL].calls == []
    assert (await desk.story(message)).message["due_at"] is None


async def test_a_failure_reported_later_fails_the_message_and_sends_nothing_else(desk):
    message = await desk.send(desk.draft("sms", "email"))
    await desk.run()
    await report(desk, receipt("failed", *ids_of(desk), code="30005"))
    await desk.run()
    story = await desk.story(message)
    assert (story.message["state"], story.message["reason"]) == ("failed", "late_failure")
    assert desk.channels[MAIL].calls == []
    await report(desk, receipt("delivered", *ids_of(desk)))
    assert await desk.state(message) == ("delivered", "sms")


async def test_a_failure_reported_in_time_leaves_the_next_rule_to_its_timer(desk):
    message = await desk.send(desk.draft("sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    await report(desk, receipt("failed", *ids_of(desk)))
    assert await desk.state(message) == ("sent", "sms")
    desk.house.clock.move(minutes=11)
    await desk.run()
    assert await desk.state(message) == ("sent", "email")


async def test_what_had_not_left_when_its_time_was_over_does_not_leave_any_more(desk):
    desk.channels[SMS].answers = [refused(Remedy.WAIT, "throttled", retry_after=900.0)]
    message = await desk.send(desk.draft("sms", "email", fallback=Fallback("delivered", 600)))
    await desk.run()
    desk.house.clock.move(minutes=11)
    await desk.run()
    desk.house.clock.move(minutes=11)
    await desk.run()
    story = await desk.story(message)
    assert [(each["state"], each["reason"]) for each in story.deliveries] == [("failed", "overtaken"), ("sent", "")]
    assert len(desk.channels[SMS].calls) == 1


async def test_receipts_of_others_change_nothing(desk):
    message = await desk.send(desk.draft("sms"))
    await desk.run()
    assert await report(desk, receipt("read", "not-ours"), receipt("read", part_id="dlv_unknown.1")) == set()
    assert await report(desk, receipt("read", *ids_of(desk)), account=desk.email) == set()
    assert await desk.state(message) == ("sent", "sms")


async def test_many_receipts_of_one_webhook_are_applied_together(desk):
    sent = [await desk.send(desk.draft("sms", to=Target(phone=f"44770090000{n}"))) for n in range(5)]
    await desk.run()
    house = desk.house
    said = [Reported(receipt("delivered", provider_id), house.clock.now()) for provider_id in ids_of(desk)]
    await house.services.db.write(lambda tx: apply_receipts(tx, house.services, house.workspace_id, desk.sms["id"], said))
    assert {(await desk.state(each))[0] for each in sent} == {"delivered"}


async def test_a_receipt_that_overtakes_the_answer_keeps_what_it_said(desk):
    message = await desk.send(desk.draft("sms"))
    hand_over = desk.house.services.pump

    async def pump(work, bucket, ownership):
        [handed] = await work.recheck(await work.claim(10))
        answered = await work.call(handed)
        await report(desk, receipt("read", part_id=handed.call.part_id))
        await work.record([answered])

    desk.house.services = replace(desk.house.services, pump=pump)
    await desk.house.run_send(desk.sms["id"])
    desk.house.services = replace(desk.house.services, pump=hand_over)
    story = await desk.story(message)
    assert (story.message["state"], story.parts[0]["provider_id"]) == ("read", ids_of(desk)[0])
    assert [each["outcome"] for each in story.attempts] == ["accepted"]


def test_part_ids_are_read_and_strangers_are_not():
    assert parse_part_id("dlv_01hq3k5y8v7d2w9g4m6n0p1r2s.2") == ("dlv_01hq3k5y8v7d2w9g4m6n0p1r2s", 2)
    for strange in ("", "order-7", "dlv_x", "dlv_x.", "dlv_x.one", "dlv_x.1234567"):
        assert parse_part_id(strange) is None
