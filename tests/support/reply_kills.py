"""Killing a real server while Meta's webhooks of messaging come in, and comparing what it keeps with what was said.

The client is Meta as we know it: signed bodies of several events, some events doubled, some late; and what was not answered 200
is sent again, the same bytes. What must come of it is worked out from the events alone.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from guestlist.actions import message_sending, messages, pages
from guestlist.app import App, open_app
from guestlist.cli.demo_run import Client, run_emulator
from guestlist.domain.messages import Channel, Content, Draft, Rule, Target
from guestlist.engine.bucket import TokenBucket
from guestlist.inbound.signature import build_signature
from guestlist.storage import messaging_tables as tables
from guestlist.storage.base import Database, Row
from guestlist.storage.instants import to_ms
from guestlist.storage.leases import Lease
from guestlist.storage.tables import events as event_table
from guestlist.storage.tables import webhooks
from support.kills import EMULATOR, Ring, build_ring
from support.messaging import ScriptedChannel, write_to_page
from support.scripted import Owned

SHARE = 0.05
"""Of events that come twice, and of events that come late."""

LARGEST_BODY = 10
POSTERS = 8
INBOX_APP = "26390203743090"
SENT_BEFORE = timedelta(hours=1)
"""How long ago our messages went out, so that every receipt of them lies in the past."""


class EarlierClock:
    """The time an hour ago."""

    def now(self) -> datetime:
        return datetime.now(UTC) - SENT_BEFORE


@dataclass(frozen=True)
class Part:
    """A message of ours that Meta took."""

    message_id: str
    part_id: str
    mid: str


@dataclass(frozen=True)
class Scene:
    """Who there is: people by number, the messages some of them got, and when the events begin."""

    page_id: str  # Meta's
    psids: list[str]
    sent: dict[str, list[Part]]
    starts_at: int


@dataclass
class Expected:
    """What the events come to, however often and in whatever order they arrive."""

    replies: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # provider's id -> kind, PSID, when
    unread: Counter[str] = field(default_factory=Counter)
    last_in: dict[str, int] = field(default_factory=dict)
    last_out: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)  # message -> sent, delivered, read
    receipts: set[tuple[str, str]] = field(default_factory=set)  # message, kind

    def raise_to(self, part: Part, kind: str) -> None:
        """A receipt of a message."""
        rank = ["sent", "delivered", "read"]
        self.receipts.add((part.message_id, kind))
        self.states[part.message_id] = max(self.states[part.message_id], kind, key=rank.index)


@dataclass
class ReplyVerdict:
    """What the comparison found. All lists are empty when nothing was lost and nothing had its effect twice."""

    events: int = 0
    bodies: int = 0
    kills: int = 0
    sent_again: int = 0  # bodies without a 200
    replies: int = 0
    receipts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # counts, instants and states that differ

    def holds(self) -> bool:
        """Whether it is the end state of a clean stream."""
        return not (self.lost or self.doubled or self.wrong)


# -- what is said ---------------------------------------------------------------------------------------------------


def make_events(scene: Scene, count: int, chance: random.Random, expected: Expected) -> list[dict[str, Any]]:
    """So many events in the order in which they happened; `expected` learns what they come to."""
    makers: Sequence[Callable[..., dict[str, Any]]] = (_text, _postback, _delivery, _read, _own_echo, _other_echo)
    made = []
    for number in range(count):
        [make] = chance.choices(makers, weights=(35, 10, 20, 15, 5, 15))
        psid = chance.choice(scene.psids)
        if make in (_delivery, _read, _own_echo) and not scene.sent.get(psid):
            make = _text  # nothing was sent to this person: they can only write
        made.append(make(scene, expected, psid, number, scene.starts_at + number))
    return made


def _event(scene: Scene, psid: str, at: int, body: Mapping[str, Any], *, echo: bool = False) -> dict[str, Any]:
    sender, recipient = ({"id": scene.page_id}, {"id": psid}) if echo else ({"id": psid}, {"id": scene.page_id})
    return {"sender": sender, "recipient": recipient, "timestamp": at, **body}


def _text(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    _heard(expected, "text", f"m_in_{number}", psid, at)
    return _event(scene, psid, at, {"message": {"mid": f"m_in_{number}", "text": f"Message {number}"}})


def _postback(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    _heard(expected, "postback", f"m_tap_{number}", psid, at)
    return _event(scene, psid, at, {"postback": {"mid": f"m_tap_{number}", "title": "Menu", "payload": f"menu {number}"}})


def _heard(expected: Expected, kind: str, mid: str, psid: str, at: int) -> None:
    expected.replies[mid] = (kind, psid, at)
    expected.unread[psid] += 1
    expected.last_in[psid] = at


def _other_echo(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    mid = f"m_out_{number}"
    expected.replies[mid] = ("echo", psid, at)
    expected.last_out[psid] = at
    message = {"is_echo": True, "app_id": INBOX_APP, "mid": mid, "text": "From the Page's inbox"}
    return _event(scene, psid, at, {"message": message}, echo=True)


def _own_echo(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    part = scene.sent[psid][number % len(scene.sent[psid])]
    expected.raise_to(part, "sent")
    message = {"is_echo": True, "app_id": "1", "mid": part.mid, "metadata": part.part_id, "text": "Ready."}
    return _event(scene, psid, at, {"message": message}, echo=True)


def _delivery(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    """Every other message of ours is delivered."""
    part = scene.sent[psid][number % len(scene.sent[psid]) // 2 * 2]
    expected.raise_to(part, "delivered")
    return _event(scene, psid, at, {"delivery": {"mids": [part.mid], "watermark": at}})


def _read(scene: Scene, expected: Expected, psid: str, number: int, at: int) -> dict[str, Any]:
    """Every third person has read what we sent; the others only what was there before."""
    if int(psid) % 3:
        return _event(scene, psid, at, {"read": {"watermark": scene.starts_at - int(2 * SENT_BEFORE.total_seconds()) * 1000}})
    for part in scene.sent[psid]:
        expected.raise_to(part, "read")
    return _event(scene, psid, at, {"read": {"watermark": at}})


def disturb(made: Sequence[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """The events as they arrive: some twice, some late by up to a fifth of the stream."""
    placed = [(float(number), event) for number, event in enumerate(made)]
    late = [(number + chance.uniform(0, len(made) / 5) * (chance.random() < SHARE), event) for number, event in placed]
    again = [
        (number + chance.uniform(0, len(made) / 5), event) for number, event in chance.sample(placed, int(len(made) * SHARE))
    ]
    return [event for _, event in sorted([*late, *again], key=lambda each: each[0])]


def pack(scene: Scene, arriving: Sequence[dict[str, Any]], chance: random.Random) -> Iterator[bytes]:
    """Bodies of one to ten events; now and then the whole body comes again."""
    start = 0
    while start < len(arriving):
        end = start + chance.randint(1, LARGEST_BODY)
        entries = [{"id": scene.page_id, "time": scene.starts_at + start, "messaging": [each]} for each in arriving[start:end]]
        body = json.dumps({"object": "page", "entry": entries}).encode()
        yield from [body] * (2 if chance.random() < SHARE else 1)
        start = end


# -- who says it ----------------------------------------------------------------------------------------------------


@dataclass
class Sender:
    """Meta: posts every body until it is answered 200, a share of them in each of the server's lives."""

    url: str
    secret: str
    bodies: list[bytes]
    ring: Ring
    kills: int
    sent_again: int = 0
    finished: bool = False
    _next: int = 0

    async def post_all(self) -> None:
        """Posts all bodies over several connections."""
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._post_some(session) for _ in range(POSTERS)))
        self.finished = True

    async def _post_some(self, session: aiohttp.ClientSession) -> None:
        while self._next < len(self.bodies):
            body, share = self.bodies[self._next], self._next * (self.kills + 1) // len(self.bodies)
            self._next += 1
            while self.ring.kills < min(share, self.kills):
                await asyncio.sleep(0.01)  # this one falls into a later life
            while not await self._post(session, body):
                self.sent_again += 1
                await asyncio.sleep(0.2)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {"X-Hub-Signature-256": build_signature(body, self.secret).decode(), "Content-Type": "application/json"}
        try:
            async with session.post(f"{self.url}/webhooks/meta", data=body, headers=headers) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


async def run_reply_kills(
    folder: Path, *, events: int, kills: int, database_url: str | None = None, seed: int = 1
) -> ReplyVerdict:
    """Kills the server so often while `events` events come in, then compares."""
    chance = random.Random(seed)
    async with run_emulator(1.0, *EMULATOR, "--organic", "0") as url, aiohttp.ClientSession() as session:
        emulator = Client(session, url)
        world = await emulator.get("/_emulator/world")
        ring = build_ring(folder, world, url, database_url, emulator, seed)
        async with open_app(ring.settings, clock=EarlierClock()) as app:
            scene, expected = await _set_scene(app, ring, world, people=max(20, events // 200))
            arriving = disturb(make_events(scene, events, chance, expected), chance)
            bodies = list(pack(scene, arriving, chance))
            sender = Sender(f"http://127.0.0.1:{ring.port}", world["app_secret"], bodies, ring, kills)
            posting = asyncio.create_task(sender.post_all())
            await ring.until(lambda: _at_rest(app, sender), kills=kills, longest=1.0)
            await posting
            verdict = await compare(app.services.db, scene, expected)
            verdict.events, verdict.bodies, verdict.kills = len(arriving), len(bodies), ring.kills
            verdict.sent_again = sender.sent_again
            return verdict


async def _set_scene(app: App, ring: Ring, world: Mapping[str, Any], *, people: int) -> tuple[Scene, Expected]:
    """A connected Page; most people have written to it before and got four messages, the others are new."""
    started = await ring.start()  # Meta shakes hands with a living server
    services, workspace_id = app.services, app.workspace_id
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    for process in started:
        process.kill()
        await process.wait()
    psids = [str(7_800_000_000_000_000 + number) for number in range(people)]
    known = psids[: people * 4 // 5]
    for psid in known:
        await write_to_page(app, page["id"], psid)  # type: ignore[arg-type]  # it has what is asked of a house
    messenger = ScriptedChannel(Channel.MESSENGER)
    scripted = replace(services, channels={**services.channels, Channel.MESSENGER: messenger}, bucket=lambda *_: TokenBucket(0))
    drafts = [
        messages.Request(Draft(Target(psid=psid), (Rule(Channel.MESSENGER),), Content(text="Ready."))) for psid in known * 4
    ]
    rows = await messages.send_batch(scripted, workspace_id, drafts)
    await message_sending.run_send_lane(scripted, Owned(Lease(f"send:{workspace_id}:{page['id']}", "test", 1)))
    found = await services.db.read(lambda tx: tx.fetch_all(select(tables.deliveries.c.id, tables.deliveries.c.message_id)))
    part_ids = {row["message_id"]: f"{row['id']}.1" for row in found}
    expected = Expected()
    sent: dict[str, list[Part]] = {}
    for psid, row in zip(known * 4, rows, strict=True):
        assert not isinstance(row, Exception)
        part_id = part_ids[row["id"]]
        sent.setdefault(psid, []).append(Part(row["id"], part_id, f"messenger-{part_id}"))
        expected.states[row["id"]] = "sent"
    assert len(messenger.calls) == len(drafts)
    starts_at = to_ms(datetime.now(UTC) - SENT_BEFORE / 2)
    return Scene(world["page_id"], psids, sent, starts_at), expected


async def _at_rest(app: App, sender: Sender) -> bool:
    waiting = select(webhooks.c.id).where(webhooks.c.state == "stored").limit(1)
    return sender.finished and await app.services.db.read(lambda tx: tx.fetch_one(waiting)) is None


# -- what came of it ------------------------------------------------------------------------------------------------


async def compare(database: Database, scene: Scene, expected: Expected) -> ReplyVerdict:
    """Our rows beside what was said."""
    kept = {
        name: await database.read(lambda tx, table=table: tx.fetch_all(select(table)))  # type: ignore[misc]
        for name, table in (
            ("replies", tables.replies),
            ("addresses", tables.addresses),
            ("conversations", tables.conversations),
            ("messages", tables.messages),
            ("receipts", tables.receipts),
            ("events", event_table),
        )
    }
    verdict = ReplyVerdict(replies=len(kept["replies"]), receipts=len(kept["receipts"]))
    psid_of = {row["contact_id"]: row["value"] for row in kept["addresses"] if row["kind"] == "psid"}
    _compare_replies(verdict, kept["replies"], psid_of, expected)
    _compare_threads(verdict, kept["conversations"], psid_of, expected)
    _compare_messages(verdict, kept["messages"], kept["receipts"], expected)
    _compare_told(verdict, kept["events"], kept["replies"], expected)
    spoke = {psid for _, psid, _ in expected.replies.values()}
    if len(psid_of) != len(spoke | scene.sent.keys()):
        verdict.wrong.append(f"{len(psid_of)} people")
    return verdict


def _compare_replies(verdict: ReplyVerdict, rows: Sequence[Row], psid_of: Mapping[str, str], expected: Expected) -> None:
    counted = Counter(row["provider_id"] for row in rows)
    verdict.lost += sorted(expected.replies.keys() - counted.keys())
    verdict.doubled += sorted(each for each, n in counted.items() if n > 1 or each not in expected.replies)
    for row in rows:
        if expected.replies.get(row["provider_id"]) != (row["kind"], psid_of[row["contact_id"]], row["at"]):
            verdict.wrong.append(f"reply {row['provider_id']}")


def _compare_threads(verdict: ReplyVerdict, rows: Sequence[Row], psid_of: Mapping[str, str], expected: Expected) -> None:
    threads = [psid_of[row["contact_id"]] for row in rows]
    spoke = {psid for _, psid, _ in expected.replies.values()}
    verdict.lost += [f"conversation of {psid}" for psid in sorted(spoke - set(threads))]
    verdict.doubled += [f"conversation of {psid}" for psid, n in Counter(threads).items() if n > 1]
    for row, psid in zip(rows, threads, strict=True):
        said = (expected.unread[psid], expected.last_in.get(psid), expected.last_out.get(psid))
        if (row["unread"], row["last_in_at"], row["last_out_at"]) != said:
            verdict.wrong.append(f"conversation of {psid}")


def _compare_messages(verdict: ReplyVerdict, rows: Sequence[Row], receipts: Sequence[Row], expected: Expected) -> None:
    counted = Counter((row["message_id"], row["kind"]) for row in receipts)
    verdict.lost += [f"receipt {kind} of {message_id}" for message_id, kind in sorted(expected.receipts - counted.keys())]
    verdict.doubled += [f"receipt {key}" for key, n in counted.items() if n > 1 or key not in expected.receipts]
    states = {row["id"]: row["state"] for row in rows}
    verdict.wrong += [
        f"message {each}: {states.get(each)}" for each, state in expected.states.items() if states.get(each) != state
    ]


def _compare_told(verdict: ReplyVerdict, rows: Sequence[Row], replies: Sequence[Row], expected: Expected) -> None:
    """Every effect is told once: an event for each reply, and for each step of a message."""
    kinds = {"text": "message.received", "postback": "message.received", "echo": "message.echoed"}
    wanted = Counter((kinds[row["kind"]], row["id"]) for row in replies)
    for message_id, state in expected.states.items():
        wanted["message.sent", message_id] = 1
        wanted["message.delivered", message_id] = int(state in ("delivered", "read"))
        wanted["message.read", message_id] = int(state == "read")
    names = {kind for kind, _ in wanted}
    told = Counter((row["kind"], row["subject"]) for row in rows if row["kind"] in names)
    verdict.lost += [f"event {each}" for each in wanted - told]
    verdict.doubled += [f"event {each}" for each in told - wanted]
