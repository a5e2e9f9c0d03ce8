"""Killing real servers while messages are posted to them and sent, and comparing Meta's log with ours.

A client posts over HTTP, repeats what was not answered under the same key, and keeps what was answered 2xx. The emulator's
call log is what really happened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
from sqlalchemy import select

from guestlist.actions import access, pages
from guestlist.app import App, open_app
from guestlist.cli.demo_run import Client, run_emulator
from guestlist.storage import messaging_tables as tables
from support.kills import EMULATOR, Ring, build_ring
from support.messaging import write_to_page

PEOPLE = 30
PAUSE = 0.005
"""Seconds between two posts, so that kills fall on posts and sends alike."""


@dataclass
class MessageVerdict:
    """What the comparison found. All lists are empty when every promise held."""

    kills: int = 0
    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)  # answered 2xx, and not there or never ended
    sent_twice: list[str] = field(default_factory=list)  # parts that Meta took more than once
    denied: list[str] = field(default_factory=list)  # Meta took it, we say otherwise than sent or unknown
    invented: list[str] = field(default_factory=list)  # we say sent, Meta never took it
    unlisted: list[str] = field(default_factory=list)  # unknown without a reason

    def holds(self) -> bool:
        """Whether nothing was lost, doubled, denied, made up or hidden."""
        return not (self.lost or self.sent_twice or self.denied or self.invented or self.unlisted)


@dataclass
class Poster:
    """A client that never gives up. `accepted` are the ids it was given."""

    url: str
    key: str
    psids: list[str]
    accepted: set[str] = field(default_factory=set)
    finished: bool = False

    async def post_all(self, count: int) -> None:
        """Posts so many messages, one after the other."""
        async with aiohttp.ClientSession() as session:
            for number in range(count):
                await self._post(session, number)
                await asyncio.sleep(PAUSE)
        self.finished = True

    async def _post(self, session: aiohttp.ClientSession, number: int) -> None:
        body = {"to": {"psid": self.psids[number % len(self.psids)]}, "rules": ["messenger"], "text": f"Number {number}"}
        headers = {"Authorization": f"Bearer {self.key}"}
        attempt = 0
        while True:
            headers["Idempotency-Key"] = f"kill-{number}-{attempt}"
            try:
                async with session.post(f"{self.url}/v1/messages", json=body, headers=headers) as answered:
                    told = await answered.json()
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(0.05)
                continue
            if answered.status == 201:
                self.accepted.add(told["id"])
                return
            if told["code"] in ("idempotency_in_progress", "idempotency_unfinished"):
                attempt += 1  # the request died with its server; a person would wait and look, this client asks anew
            await asyncio.sleep(0.05)


async def run_message_kills(
    folder: Path, *, rounds: int, count: int, database_url: str | None = None, workers: int = 0, seed: int = 1
) -> MessageVerdict:
    """Kills the server so often while `count` messages are posted and sent."""
    async with run_emulator(1.0, *EMULATOR, "--organic", str(PEOPLE)) as url, aiohttp.ClientSession() as session:
        emulator = Client(session, url)
        world = await emulator.get("/_emulator/world")
        ring = build_ring(folder, world, url, database_url, emulator, seed)
        ring.workers = workers
        async with open_app(ring.settings) as app:
            started = await ring.start()  # Meta shakes hands with a living server
            psids = await _prepare(app, emulator, world)
            for process in started:
                process.kill()
                await process.wait()
            _, key = await access.create_key(app.services, app.workspace_id, "kills")
            poster = Poster(f"http://127.0.0.1:{ring.port}", key, psids)
            posting = asyncio.create_task(poster.post_all(count))
            await ring.until(lambda: _ended(app, poster), kills=rounds, longest=1.2)
            await posting
            return await _compare(app, emulator, ring, poster)


async def _prepare(app: App, emulator: Client, world: dict[str, Any]) -> list[str]:
    """A connected Page and people who have just written to it."""
    services, workspace_id = app.services, app.workspace_id
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    listed = await services.page_graph(page).list_tokens(world["page_id"])
    psids = [row.psid for row in listed.rows if row.psid]
    house: Any = SimpleNamespace(services=services, workspace_id=workspace_id)
    for psid in psids:
        await emulator.post("/_emulator/people/say", {"psid": psid})
        await write_to_page(house, page["id"], psid)
    return psids


async def _ended(app: App, poster: Poster) -> bool:
    moving = select(tables.parts.c.number).where(tables.parts.c.state.in_(("queued", "sending"))).limit(1)
    return poster.finished and await app.services.db.read(lambda tx: tx.fetch_one(moving)) is None


async def _compare(app: App, emulator: Client, ring: Ring, poster: Poster) -> MessageVerdict:
    log = (await emulator.get("/_emulator/calls", path="/*/messages", limit="100000"))["data"]
    taken = Counter(call["metadata"] for call in log if call["status"] == 200)
    query = select(tables.parts, tables.deliveries.c.message_id).join(
        tables.deliveries, tables.deliveries.c.id == tables.parts.c.delivery_id
    )
    parts = await app.services.db.read(lambda tx: tx.fetch_all(query))
    verdict = MessageVerdict(kills=ring.kills, accepted=len(poster.accepted))
    verdict.sent_twice = sorted(part_id for part_id, n in taken.items() if n > 1)
    verdict.lost = sorted(poster.accepted - {part["message_id"] for part in parts})
    for part in parts:
        part_id, state = f"{part['delivery_id']}.{part['number']}", part["state"]
        verdict.states[state] += 1
        if state in ("queued", "sending"):
            verdict.lost.append(part["message_id"])
        if part_id in taken and state not in ("sent", "delivered", "read", "unknown"):
            verdict.denied.append(part_id)
        if part_id not in taken and state in ("sent", "delivered", "read"):
            verdict.invented.append(part_id)
        if state == "unknown" and not part["reason"]:
            verdict.unlisted.append(part_id)
    return verdict
