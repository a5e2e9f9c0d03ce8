"""Killing real servers at random moments of upload and send, and comparing Meta's log with ours.

A server process is started, killed with SIGKILL after a random while and started again, until the work is done. The emulator
lives on: its call log is what really happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select, update

from guestlist.actions import audiences, campaigns, lists, pages, subscribers, uploads
from guestlist.app import App, open_app
from guestlist.cli.demo_run import Client
from guestlist.domain.campaigns import text_message
from guestlist.domain.consent import check_attestation
from guestlist.lists.base import ListOptions
from guestlist.settings import Settings, load_settings
from guestlist.storage import recipients, tables

EMULATOR = ("--matching-seconds", "0.2", "--warm-up-seconds", "0", "--latency", "0.02")
ATTESTATION = check_attestation("kill test", "Yes, send me offers.", "test")


@dataclass
class Verdict:
    """What the comparison found. All lists are empty when every promise held."""

    kills: int = 0
    recipients: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)  # positions that are nowhere
    sent_twice: list[str] = field(default_factory=list)  # tokens Meta accepted more than once in the campaign
    denied: list[int] = field(default_factory=list)  # Meta accepted, we say otherwise than accepted or unknown
    unlisted: list[int] = field(default_factory=list)  # unknown without a reason
    batches_twice: list[int] = field(default_factory=list)  # batches Meta received more than once in the session
    rows_missing: int = 0

    def holds(self) -> bool:
        """Whether nothing was lost, doubled or hidden."""
        return not (self.lost or self.sent_twice or self.denied or self.unlisted or self.batches_twice or self.rows_missing)


@dataclass
class Ring:
    """Where the killing happens."""

    emulator: Client
    settings: Settings
    environment: dict[str, str]
    port: int
    chance: random.Random
    workers: int = 0  # processes beside the server; PostgreSQL only
    kills: int = 0

    async def until(self, done: Any, *, kills: int, longest: float) -> None:
        """Runs servers, killing each after a random while, `kills` times; then lets one finish. `done` is asked all along."""
        for _ in range(kills):
            await self._run_some(longest)
        processes = await self.start()
        try:
            async with asyncio.timeout(120):
                while not await done():
                    await asyncio.sleep(0.2)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                await process.wait()

    async def _run_some(self, longest: float) -> None:
        """Kills the processes one after the other, each after a random while: those left take over, until none is."""
        processes = await self.start()
        self.chance.shuffle(processes)
        for process in processes:
            await asyncio.sleep(self.chance.uniform(0.5, longest))
            process.kill()
            await process.wait()
            self.kills += 1

    async def start(self) -> list[asyncio.subprocess.Process]:
        """A server that answers, and the workers beside it."""
        serve = await self._spawn("serve", "--port", str(self.port))
        workers = [await self._spawn("worker") for _ in range(self.workers)]
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while not await self._answers(session):  # a kill counts from the moment the server works
                assert serve.returncode is None, "the server ended by itself"
                await asyncio.sleep(0.02)
        return [serve, *workers]

    async def _spawn(self, *words: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "guestlist", *words)
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(*command, env=self.environment, stdout=quiet, stderr=quiet)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"http://127.0.0.1:{self.port}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


async def run_kills(
    folder: Path, *, rounds: int, rows: int, database_url: str | None = None, workers: int = 0, seed: int = 1
) -> Verdict:
    """Half of the rounds fall on an upload of `rows` rows in many batches, half on a campaign to whoever was matched."""
    from guestlist.cli.demo_run import run_emulator

    async with run_emulator(1.0, *EMULATOR) as url, aiohttp.ClientSession() as session:
        emulator = Client(session, url)
        world = await emulator.get("/_emulator/world")
        ring = build_ring(folder, world, url, database_url, emulator, seed)
        ring.workers = workers
        async with open_app(ring.settings) as app:
            started = await ring.start()  # Meta shakes hands with a living server
            page, upload = await _prepare(app, world, rows)
            for process in started:
                process.kill()
                await process.wait()
                ring.kills += 1
            await ring.until(lambda: _matched(app, upload), kills=rounds // 2 - 1, longest=1.5)
            await _sync(app, page)
            campaign = await _launch(app, page)
            await ring.until(lambda: _finished(app, campaign), kills=rounds - rounds // 2, longest=1.5)
            verdict = await _compare(app, emulator, upload, campaign)
            verdict.kills = ring.kills
            return verdict


def build_ring(
    folder: Path, world: Mapping[str, Any], graph_url: str, database_url: str | None, emulator: Client, seed: int
) -> Ring:
    """A place to kill in: settings of a server that takes the emulator for Meta."""
    from guestlist.serving import bind

    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    given = {
        "GUESTLIST_DATA": str(folder / "data"),
        "DATABASE_URL": database_url or f"sqlite:///{folder / 'data' / 'guestlist.db'}",
        "GUESTLIST_GRAPH_URL": graph_url,
        "GUESTLIST_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GUESTLIST_META_APP_ID": world["app_id"],
        "GUESTLIST_META_APP_SECRET": world["app_secret"],
        "GUESTLIST_META_VERIFY_TOKEN": world["verify_token"],
        "GUESTLIST_LEASE_SECONDS": "1",
        "GUESTLIST_UPLOAD_POLL_SECONDS": "1",
    }
    flags = {name.removeprefix("GUESTLIST_").lower(): value for name, value in given.items()}
    settings = load_settings(**flags)
    return Ring(emulator, settings, {**os.environ, **given}, port, random.Random(seed))


async def _prepare(app: App, world: Mapping[str, Any], rows: int) -> tuple[str, str]:
    services, workspace_id = app.services, app.workspace_id
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    content = "email\n" + "\n".join(f"person{n}@example.com" for n in range(rows))
    options = ListOptions(region="GB", batch_rows=max(1, rows // 100))
    kept = await lists.import_list(services, workspace_id, BytesIO(content.encode()), options, name="k", filename="k.csv")
    audience = await audiences.create_audience(services, workspace_id, page_id=page["id"], name="Kill test")
    upload = await uploads.start_upload(
        services, workspace_id, audience_id=audience["id"], list_id=kept["id"], attestation=ATTESTATION
    )
    return page["id"], upload["id"]


async def _matched(app: App, upload_id: str) -> bool:
    return bool((await uploads.get_upload(app.services, app.workspace_id, upload_id))["state"] == "matched")


async def _sync(app: App, page_id: str) -> None:
    await subscribers.sync_page(app.services, await app.services.get_page(app.workspace_id, page_id))


async def _launch(app: App, page_id: str) -> str:
    """A campaign whose hour of warm-up has passed: the row is set back, as no test waits an hour."""
    services, workspace_id = app.services, app.workspace_id
    draft = campaigns.Draft(page_id, "Kill test", text_message("Two cups for one."))
    created = await campaigns.create_campaign(services, workspace_id, draft)
    page = await services.get_page(workspace_id, page_id)
    await campaigns.advance_campaign(services, page, created, 0)
    now = services.now_ms()
    warm = update(tables.campaigns).where(tables.campaigns.c.id == created["id"]).values(ready_at=now, due_at=now)
    await services.db.write(lambda tx: tx.execute(warm))
    await campaigns.launch_campaign(services, workspace_id, created["id"])
    return str(created["id"])


async def _finished(app: App, campaign_id: str) -> bool:
    return bool((await campaigns.get_campaign(app.services, app.workspace_id, campaign_id))["state"] == "finished")


async def _compare(app: App, emulator: Client, upload_id: str, campaign_id: str) -> Verdict:
    """Meta's log beside our rows."""
    verdict = Verdict()
    log = (await emulator.get("/_emulator/calls", limit="100000"))["data"]
    campaign = await campaigns.get_campaign(app.services, app.workspace_id, campaign_id)
    accepted = Counter(
        call["subscription_token"]
        for call in log
        if "subscription_token" in call and call.get("campaign_id") == campaign["meta_id"] and call["status"] == 200
    )
    verdict.sent_twice = sorted(token for token, n in accepted.items() if n > 1)
    ours = await app.services.db.read(lambda tx: tx.fetch_all(_with_tokens(campaign_id)))
    verdict.recipients = campaign["recipients"]
    verdict.lost = sorted(set(range(1, campaign["recipients"] + 1)) - {row["position"] for row in ours})
    for row in ours:
        verdict.states[row["state"]] += 1
        if row["state"] in ("queued", "sending"):
            verdict.lost.append(row["position"])
        if row["token"] in accepted and row["state"] in ("expired",):
            verdict.denied.append(row["position"])
        if row["token"] in accepted and row["state"] == "failed" and row["reason"] != "late_failure":
            verdict.denied.append(row["position"])
        if row["state"] == "unknown" and not row["reason"]:
            verdict.unlisted.append(row["position"])
    await _compare_upload(app, log, upload_id, verdict)
    return verdict


def _with_tokens(campaign_id: str) -> Any:
    same = tables.subscribers.c.id == tables.recipients.c.subscriber_id
    return (
        select(recipients.recipients, tables.subscribers.c.token)
        .join(tables.subscribers, same)
        .where(recipients.recipients.c.campaign_id == campaign_id)
    )


async def _compare_upload(app: App, log: list[dict[str, Any]], upload_id: str, verdict: Verdict) -> None:
    upload = await uploads.get_upload(app.services, app.workspace_id, upload_id)
    arrived = Counter(
        int(call["batch_seq"])
        for call in log
        if str(call.get("session_id")) == str(upload["session_id"]) and call["status"] == 200
    )
    verdict.batches_twice = sorted(seq for seq, n in arrived.items() if n > 1)
    verdict.rows_missing = upload["rows"] - upload["rows_sent"] + abs(upload["batches"] - len(arrived))


def describe(verdict: Verdict) -> str:
    """One line for people."""
    return json.dumps(
        {
            "kills": verdict.kills,
            "recipients": verdict.recipients,
            "states": dict(verdict.states),
            "lost": len(verdict.lost),
            "sent_twice": len(verdict.sent_twice),
            "denied": len(verdict.denied),
            "unlisted": len(verdict.unlisted),
            "batches_twice": len(verdict.batches_twice),
            "rows_missing": verdict.rows_missing,
        }
    )
