"""Sending a campaign: at a Page's cap, and without one against a bare loop of the same HTTP client.

At the cap: 20,000 tokens, 100 ms latency, 300 calls a second. Bar: within 15 % of the cap's own time, never over the cap, as
the emulator counts in its rolling second. Without a cap: bar 0.5 of the bare loop's calls a second.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import aiohttp
import orjson
import uvloop
from sqlalchemy import select, update

from guestlist.cli.demo_run import ATTESTATION, MESSAGE, Stage, connect, set_stage
from guestlist.logging import configure_logging
from guestlist.storage import tables

CAP = 300
TOKENS_AT_CAP = 20_000
TOKENS_UNCAPPED = 10_000
ROUNDS = 3
IN_FLIGHT = 256


def run() -> None:
    """Prints both ratios."""
    configure_logging("error")
    uvloop.run(measure_cap())
    uvloop.run(measure_uncapped())


async def measure_cap() -> None:
    """20,000 tokens at 300 calls a second and 100 ms latency."""
    options = ("--rate", str(CAP), "--latency", "0.1", "--match-rate", "1.0", "--organic", "0")
    async with people(TOKENS_AT_CAP, *options, receipts=True) as (stage, page_id):
        campaign_id = await warm_campaign(stage, page_id)
        await launch_and_wait(stage, campaign_id)
        seconds = time.perf_counter() - stage_started[campaign_id]
        [page] = (await stage.emulator.get("/_emulator/state"))["pages"]
        ratio = seconds / (TOKENS_AT_CAP / CAP)
        print(f"sending at the cap: {TOKENS_AT_CAP} tokens in {seconds:.1f} s, {ratio:.2f} of the cap's own time (bar 1.15)")
        print(f"  fullest second {page['rate']['peak']} of {CAP} calls, {page['rate']['refused']} refused as too many (bar 0)")


async def measure_uncapped() -> None:
    """The sender with all its durable rows, against posts in a bare loop, to the same emulator, in turns."""
    options = ("--rate", "0", "--match-rate", "1.0", "--organic", "0")
    async with people(TOKENS_UNCAPPED, *options, receipts=False) as (stage, page_id):
        uncap = update(tables.pages).where(tables.pages.c.id == page_id).values(rate=0)
        await stage.app.services.db.write(lambda tx: tx.execute(uncap))
        ratios = []
        for _ in range(ROUNDS):
            campaign_id = await warm_campaign(stage, page_id)
            await launch_and_wait(stage, campaign_id)
            ours = TOKENS_UNCAPPED / (time.perf_counter() - stage_started[campaign_id])
            await stage.emulator.post("/_emulator/clock", {"advance_seconds": 13 * 3600})
            bare = TOKENS_UNCAPPED / await bare_loop(stage, campaign_id)
            await stage.emulator.post("/_emulator/clock", {"advance_seconds": 13 * 3600})
            ratios.append(ours / bare)
            print(f"sending uncapped: {ours:,.0f} a second, bare loop {bare:,.0f}, ratio {ours / bare:.2f}")
        print(f"sending uncapped: median ratio {median(ratios):.2f} (bar 0.5)")


stage_started: dict[str, float] = {}


@asynccontextmanager
async def people(count: int, *options: str, receipts: bool) -> AsyncIterator[tuple[Stage, str]]:
    """A stage on which so many people have subscribed through a list: (stage, our Page's id)."""
    with tempfile.TemporaryDirectory() as folder:
        async with set_stage(Path(folder), *options, speed=1.0, receipts=receipts) as stage:
            page = await connect(stage, lambda text: None)
            content = "email\n" + "\n".join(f"person{n}@example.com" for n in range(count))
            kept = await stage.api.upload("/v1/lists", content.encode(), region="GB", name="b", filename="b.csv")
            audience = await stage.api.post("/v1/audiences", {"page_id": page["id"], "name": "Benchmark"})
            request = {"list_id": kept["id"], "attestation": ATTESTATION}
            upload = await stage.api.post(f"/v1/audiences/{audience['id']}/uploads", request)
            while (await stage.api.get(f"/v1/uploads/{upload['id']}"))["state"] != "matched":
                await stage.emulator.post("/_emulator/clock", {"advance_seconds": 60})
                await asyncio.sleep(0.2)
            await stage.api.post(f"/v1/pages/{page['id']}/sync")
            while (await stage.api.get("/v1/subscribers/counts", page_id=page["id"]))["open"] < count:
                await asyncio.sleep(0.2)
            yield stage, page["id"]


async def warm_campaign(stage: Stage, page_id: str) -> str:
    """A campaign whose warm-up is over, after a jump of the clock."""
    created = await stage.api.post("/v1/campaigns", {"page_id": page_id, "name": "Benchmark", "message": MESSAGE})
    path = f"/v1/campaigns/{created['id']}"
    while (await stage.api.get(path))["state"] not in ("warming", "ready"):  # the clock may have jumped just now
        await asyncio.sleep(0.05)
    await stage.emulator.post("/_emulator/clock", {"advance_seconds": 3700})
    while (await stage.api.get(path))["state"] != "ready":
        await asyncio.sleep(0.05)
    return str(created["id"])


async def launch_and_wait(stage: Stage, campaign_id: str) -> None:
    """Launches, and waits until nobody is pending."""
    path = f"/v1/campaigns/{campaign_id}"
    await stage.api.post(f"{path}/launch")
    stage_started[campaign_id] = time.perf_counter()
    while (await stage.api.get(path))["state"] != "finished":
        await asyncio.sleep(0.05)


async def bare_loop(stage: Stage, campaign_id: str) -> float:
    """Seconds for the same posts with the same client and nothing else: no rows, no checks, no policy."""
    campaign = await stage.app.services.find_row(tables.campaigns, stage.app.workspace_id, campaign_id)
    tokens = [
        row["token"] for row in await stage.app.services.db.read(lambda tx: tx.fetch_all(select(tables.subscribers.c.token)))
    ]
    url = f"{stage.emulator_url}/v26.0/{stage.world['ad_account_id']}/messages"
    headers = {"Authorization": f"Bearer {stage.world['system_user_token']}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        waiting = iter(tokens)

        async def post() -> None:
            for token in waiting:
                body = {"message_id": campaign["meta_id"], "messenger_delivery_data": {"subscription_token": token}}
                async with session.post(url, data=orjson.dumps({**body, "message": MESSAGE})) as answer:
                    await answer.read()
                    assert answer.status in (200, 400), answer.status  # some of the crowd cannot be reached

        started = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - started
