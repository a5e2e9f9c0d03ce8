"""Replies, receipts and echoes, doubled and in every order: one end state, the clean stream's."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import permutations

import orjson
import pytest_asyncio
from support.inbound import event, rows_of, said, tell
from support.messaging import LOST, open_desk
from support.scripted import PAGE_ID

from guestlist.actions import messages
from guestlist.domain.messages import AddressKind, Target
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import replies as reply_rows
from guestlist.storage.instants import to_ms
from guestlist.storage.tables import events

ORDERS = list(permutations(range(6)))
"""One person for each order in which six webhooks can come."""


def psid(number):
    return f"78{number:05}"


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


async def send_two(desk):
    """Two messages to everybody, who wrote a while ago: one was taken, the answer of the other was lost."""
    house = desk.house
    kinds = [AddressKind.PSID] * len(ORDERS)
    opened = {contact_rows.place_of(kind, psid(n), desk.page["id"]): to_ms(house.clock.at) for n, kind in enumerate(kinds)}
    sent = []
    for text, answers in (("one", []), ("two", [LOST] * len(ORDERS))):
        asked = [messages.Request(desk.draft("messenger", text=text, to=Target(psid=psid(n)))) for n in range(len(ORDERS))]
        if not sent:
            await make_people(house, opened)
        sent.append(await messages.send_batch(house.services, house.workspace_id, asked))
        desk.channels["messenger"].answers = list(answers)
        await desk.run()
    house.clock.move(minutes=10)
    return [(one["id"], two["id"]) for one, two in zip(*sent, strict=True)]


async def make_people(house, opened):
    from guestlist.actions.arrivals import keep_arrivals

    async def unit(tx):
        await keep_arrivals(tx, house.services, house.workspace_id, opened)
        await reply_rows.open_windows(tx, house.workspace_id, opened)

    await house.services.db.write(unit)


def stream(house, n, part_ids, now):
    """What then happens with one person, in the order in which it does."""
    mine = {"is_echo": True, "app_id": 7, "mid": f"m_lost{n}", "metadata": part_ids[1], "text": "two"}
    theirs = {"is_echo": True, "app_id": 26390203743090, "mid": f"m_inbox{n}", "text": "Ana here"}
    prior = {"source": "checkbox_plugin", "identifier": f"u-{n}"}
    mids = [f"m_lost{n}", f"messenger-{part_ids[0]}"]
    return [
        {"recipient": {"id": PAGE_ID}, "timestamp": now, "optin": {"ref": "r", "user_ref": f"u-{n}"}},
        event(house, {"message": mine}, psid=psid(n), at=now + 1000, echo=True),
        event(house, {"delivery": {"mids": mids}}, psid=psid(n), at=now + 2000),
        said(house, "Hello", f"m_1{n}", psid=psid(n), at=now + 3000, prior_message=prior),
        event(house, {"message": theirs}, psid=psid(n), at=now + 4000, echo=True),
        event(house, {"read": {"watermark": now + 5000}}, psid=psid(n), at=now + 5000),
    ]


async def test_six_webhooks_in_every_order_doubled_end_the_same(desk):
    house = desk.house
    pairs = await send_two(desk)
    of_message = {row["id"]: row["message_id"] for row in await rows_of(house, tables.deliveries)}
    part_of = {of_message[call.part_id[:-2]]: call.part_id for call in desk.channels["messenger"].calls}
    now = to_ms(house.clock.at)
    streams = [stream(house, n, [part_of[each] for each in pair], now) for n, pair in enumerate(pairs)]
    house.clock.move(minutes=1)
    chance = random.Random(5)
    for step in range(6):
        heard = [each[order[step]] for each, order in zip(streams, ORDERS, strict=True)]
        again = chance.sample([each[order[chance.randint(0, step)]] for each, order in zip(streams, ORDERS, strict=True)], 300)
        both = heard + again
        chance.shuffle(both)
        await tell(house, *both)
    ends = await end_states(house, pairs)
    clean = ends[ORDERS.index(tuple(range(6)))]
    assert clean["states"] == ["read", "read"]
    assert [reply[1] for reply in clean["replies"]] == ["plugin", "text", "echo"]
    assert clean["events"] == ["message.echoed", "message.received", "opt_in.received"]
    assert [n for n, end in enumerate(ends) if end != clean] == []


async def end_states(house, pairs):
    """All that can be seen of each person but ids and when we heard of it."""
    addresses = await rows_of(house, tables.addresses, tables.addresses.c.kind)
    owner = {row["value"]: row["contact_id"] for row in addresses}
    seen = [
        {
            "one": owner[psid(n)] == owner[f"u-{n}"],
            **{name: [] for name in ("opened", "threads", "replies", "receipts", "events")},
        }
        for n in range(len(ORDERS))
    ]
    number = {owner[psid(n)]: n for n in range(len(ORDERS))}
    message = {each: (n, place) for n, pair in enumerate(pairs) for place, each in enumerate(pair)}
    for row in addresses:
        seen[number[row["contact_id"]]]["opened"].append((row["kind"], row["opened_at"]))
    for row in await rows_of(house, tables.conversations):
        seen[number[row["contact_id"]]]["threads"].append((row["unread"], row["last_in_at"], row["last_out_at"]))
    for row in await rows_of(house, tables.replies, tables.replies.c.at):
        content = orjson.loads(row["content"])
        seen[number[row["contact_id"]]]["replies"].append((row["at"], row["kind"], content.get("text")))
    receipts = tables.receipts.c
    for row in await rows_of(house, tables.receipts, receipts.at, receipts.kind):
        n, place = message[row["message_id"]]
        seen[n]["receipts"].append((place, row["kind"], row["at"]))
    states = defaultdict(dict)
    for row in await rows_of(house, tables.messages):
        n, place = message[row["id"]]
        states[n][place] = row["state"]
    gone = {row["id"]: row["merged_into"] for row in await rows_of(house, tables.contacts) if row["merged_into"]}
    for row in await rows_of(house, events, events.c.kind):
        if row["kind"] in ("message.received", "message.echoed", "opt_in.received"):
            contact_id = orjson.loads(row["data"])["contact_id"]
            seen[number[gone.get(contact_id, contact_id)]]["events"].append(row["kind"])
    for n, each in enumerate(seen):
        each["states"] = [states[n][0], states[n][1]]
        each["receipts"].sort()
    return seen
