"""The demo's run: an emulator, a server and a whole main job against them, by the same HTTP API a customer would use."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from guestlist.actions import access
from guestlist.app import App, lock_data_folder, open_app, run_engine
from guestlist.cli.funnels import tell_parts
from guestlist.cli.output import count, plural
from guestlist.clocks import FollowingClock
from guestlist.errors import DependencyError, GuestlistError
from guestlist.serving import address_of, bind, serve
from guestlist.settings import Settings, load_settings
from guestlist.storage import work
from guestlist.storage.instants import to_ms

SPEED = 1200.0
"""Emulated seconds in a real one: the hour of warm-up takes three seconds."""

PATIENCE = 20.0
"""Real seconds without any change after which the demo reports what is still pending."""

LONGEST_STEP = 60.0
"""Real seconds after which a step that must end has failed."""

MESSAGE = {
    "attachment": {
        "type": "template",
        "payload": {
            "template_type": "generic",
            "text": "Hello {{first_name}}",
            "elements": [
                {
                    "title": "Autumn tasting week",
                    "subtitle": "For you, {{first_name}}: two cups for one",
                    "buttons": [{"type": "web_url", "url": "https://northwind.example/autumn", "title": "See the menu"}],
                }
            ],
        },
    }
}

ATTESTATION = {
    "by": "guestlist demo",
    "words": "Yes, send me offers on Messenger.",
    "basis": "demonstration against the built-in emulator; nothing leaves this machine",
}

EXIT_CODES = {400: 2, 403: 4, 404: 5, 409: 6, 413: 2, 422: 2}
"""What a refusal by HTTP means for the caller of a command; everything else is unexpected."""

Say = Callable[[str], None]
Advance = Callable[[int], None]
Track = Callable[[str, int], AbstractContextManager[Advance]]
"""Opens the progress of a long step: its title, how much there is to do; then told of so many more done."""


def wrong_sums(document: Mapping[str, Any]) -> list[str]:
    """What does not add up in the demo's document; empty when everything does."""
    ended = document["accepted"] + sum(document["failed"].values()) + document["unknown"] + document["pending"]
    rows = document["usable"] + document["duplicates"] + sum(document["rejected"].values())
    people = document["recipients"] + sum(document["excluded"].values())
    steps = [document[name] for name in ("accepted", "delivered", "read", "clicked")]
    checks = {
        "rows = usable + duplicates + rejected": document["rows"] == rows,
        "uploaded <= usable": document["uploaded"] <= document["usable"],
        "subscribers = recipients + excluded": sum(document["subscribers"].values()) == people,
        "recipients = accepted + failed + unknown + pending": document["recipients"] == ended,
        "accepted >= delivered >= read >= clicked": steps == sorted(steps, reverse=True),
    }
    return [equation for equation, holds in checks.items() if not holds]


@dataclass(slots=True)
class Numbers:
    """What the demo found, filled step by step."""

    report: dict[str, Any] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    upload: dict[str, Any] = field(default_factory=dict)
    audience: dict[str, Any] = field(default_factory=dict)
    funnel: dict[str, Any] = field(default_factory=dict)
    messages: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The object of `demo --json`, in which every total adds up."""
        names = ("subscribers", "recipients", "excluded", "accepted", "delivered", "read", "clicked", "opted_out")
        return {
            **{name: self.report[name] for name in ("rows", "usable", "rejected", "dropped_cells", "duplicates")},
            "uploaded": self.upload["rows_sent"],
            "matched": {"lower": self.audience["lower"] or 0, "upper": self.audience["upper"] or 0},
            **{name: self.funnel[name] for name in (*names, "failed", "unknown", "pending")},
            "seconds": round(self.seconds, 1),
            **({"messages": self.messages} if self.messages else {}),
        }


class Client:
    """The demo's view of an HTTP API: JSON in, JSON out; a refusal becomes the error it describes."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str = "") -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def get(self, path: str, /, **query: str) -> dict[str, Any]:
        """GET. Errors: GuestlistError."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, /, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """POST of JSON. Errors: GuestlistError."""
        return await self._call("POST", path, json=dict(body or {}))

    async def upload(self, path: str, content: bytes, /, **query: str) -> dict[str, Any]:
        """POST of a file. Errors: GuestlistError."""
        return await self._call("POST", path, params=query, data=content)

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._session.request(method, self._base + path, headers=self._headers, **options) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            if response.status >= 400:
                error = GuestlistError(
                    str(answer.get("detail", answer)), code=answer.get("code"), remedy=answer.get("remedy", "")
                )
                error.exit_code = EXIT_CODES.get(response.status, 1)
                raise error
            return answer


TellList = Callable[[Numbers], None]


@dataclass(slots=True)
class Stage:
    """What the demo runs on."""

    app: App
    api: Client
    emulator: Client
    world: Mapping[str, Any]
    server_url: str
    emulator_url: str


@asynccontextmanager
async def set_stage(data: Path, *options: str, speed: float = SPEED, receipts: bool = True) -> AsyncIterator[Stage]:
    """A fresh emulator in its own process and a server in this one, both on free ports.

    `options` are the emulator's; without `receipts` it is not told where our webhooks go.
    """
    async with AsyncExitStack() as stack:
        emulator_url = await stack.enter_async_context(run_emulator(speed, *options))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        emulator = Client(session, emulator_url)
        world = await emulator.get("/_emulator/world")
        listener = bind("127.0.0.1", 0)
        settings = demo_settings(data, world, emulator_url, address_of(listener) if receipts else None)
        stack.enter_context(lock_data_folder(settings))
        clock = FollowingClock(lambda: read_clock(emulator))
        await clock.follow_once()
        following = asyncio.create_task(clock.follow())
        stack.callback(following.cancel)
        app = await stack.enter_async_context(open_app(settings, clock=clock))
        await stack.enter_async_context(run_engine(app))
        await stack.enter_async_context(serve(app.asgi(), listener))
        _, key = await access.create_key(app.services, app.workspace_id, "demo")
        api = Client(session, address_of(listener), key)
        yield Stage(app, api, emulator, world, address_of(listener), emulator_url)


@asynccontextmanager
async def run_emulator(speed: float, *options: str) -> AsyncIterator[str]:
    """An emulator process on a free port: its address. Errors: DependencyError when it does not start."""
    command = (sys.executable, "-m", "guestlist.emulator", "--port", "0", "--speed", str(speed), "--until-stdin-closes", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        if "http://" not in line:
            raise DependencyError("The emulator did not start.", remedy="Run `guestlist emulator` to see why.")
        yield line[line.index("http://") :].strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def read_clock(emulator: Client) -> tuple[float, float]:
    """The emulator's time and speed."""
    clock = await emulator.get("/_emulator/clock")
    return float(clock["unix"]), float(clock["speed"])


def demo_settings(data: Path, world: Mapping[str, Any], graph_url: str, public_url: str | None) -> Settings:
    """Settings of a server that takes the emulator for Meta."""
    return load_settings(
        data=data,
        database_url=f"sqlite:///{data / 'guestlist.db'}",
        graph_url=graph_url,
        public_url=public_url,
        meta_app_id=world["app_id"],
        meta_app_secret=world["app_secret"],
        meta_verify_token=world["verify_token"],
        upload_poll_seconds=1,
        allow_networks=["127.0.0.0/8"],
        log_level="error",
    )


# -- the main job ---------------------------------------------------------------------------------------------------


async def play(
    stage: Stage, file: Path, region: str, *, say: Say, track: Track, tell_list: TellList = lambda numbers: None
) -> Numbers:
    """The whole main job, as a customer would do it by HTTP. `tell_list` is called once the list's report is there."""
    started = time.monotonic()
    numbers = Numbers()
    page = await connect(stage, say)
    customer_list = await bring_list(stage, file, region, numbers, say)
    tell_list(numbers)
    async with deadline("The upload"):
        audience_id = await upload_list(stage, page["id"], customer_list["id"], numbers, say, track)
    await sync(stage, page["id"])
    counts = await stage.api.get("/v1/subscribers/counts", page_id=page["id"])
    say(f"Subscribers: {tell_parts({source: n['open'] + n['opted_out'] for source, n in counts['sources'].items()})}")
    async with deadline("The campaign's warm-up"):
        campaign_id = await send_campaign(stage, page["id"], numbers, say)
    with track("Sending", numbers.funnel["recipients"]) as advance:
        await settle(stage, campaign_id, numbers, advance)
    say("Reading the token list twice: who is missing from both has opted out")
    for _ in range(2):
        await sync(stage, page["id"])
    await settle(stage, campaign_id, numbers, lambda more: None)
    numbers.audience = await stage.api.get(f"/v1/audiences/{audience_id}")
    numbers.seconds = time.monotonic() - started
    return numbers


async def connect(stage: Stage, say: Say) -> dict[str, Any]:
    """Connects the emulator's Page with its tokens."""
    world = stage.world
    given = {
        "page_id": world["page_id"],
        "ad_account_id": world["ad_account_id"],
        "page_token": world["page_token"],
        "ads_token": world["system_user_token"],
    }
    page = await stage.api.post("/v1/pages", given)
    say(f"Connected the Page “{page['name']}”: tokens, terms and webhooks are in order")
    return page


async def bring_list(stage: Stage, file: Path, region: str, numbers: Numbers, say: Say) -> dict[str, Any]:
    """Imports the customer list."""
    say(f"Reading {file.name}")
    content = await asyncio.to_thread(file.read_bytes)
    created = await stage.api.upload("/v1/lists", content, region=region, name=file.name, filename=file.name)
    numbers.report = await stage.api.get(f"/v1/lists/{created['id']}/report")
    numbers.rejects = (await stage.api.get(f"/v1/lists/{created['id']}/rejects", limit="200"))["data"]
    return created


async def upload_list(stage: Stage, page_id: str, list_id: str, numbers: Numbers, say: Say, track: Track) -> str:
    """Creates the audience, uploads the list into it and waits until Meta has matched it."""
    audience = await stage.api.post("/v1/audiences", {"page_id": page_id, "name": "Demo customers"})
    request = {"list_id": list_id, "attestation": ATTESTATION}
    upload = await stage.api.post(f"/v1/audiences/{audience['id']}/uploads", request)
    say(f"Uploading {count(upload['rows'])} hashed rows, with the consent attestation in the ledger")
    with track("Uploading", upload["rows"]) as advance:
        while upload["state"] not in ("matched", "failed", "paused"):
            sent = upload["rows_sent"]
            await asyncio.sleep(0.1)
            upload = await stage.api.get(f"/v1/uploads/{upload['id']}")
            advance(upload["rows_sent"] - sent)
    if upload["state"] != "matched":
        raise DependencyError(f"The upload stopped: {upload['reason']}", remedy="Look at /v1/uploads.")
    numbers.upload = upload
    numbers.audience = await stage.api.get(f"/v1/audiences/{audience['id']}")
    say(f"Matched by Meta: {count(numbers.audience['lower'] or 0)} to {count(numbers.audience['upper'] or 0)} people")
    return str(audience["id"])


@asynccontextmanager
async def deadline(step: str) -> AsyncIterator[None]:
    """Ends a step that does not end by itself. Errors: DependencyError."""
    try:
        async with asyncio.timeout(LONGEST_STEP):
            yield
    except TimeoutError:
        remedy = "Run it again with --verbose, or with --keep and look at the emulator's page."
        raise DependencyError(f"{step} did not end within {LONGEST_STEP:.0f} s.", code="demo_stuck", remedy=remedy) from None


async def sync(stage: Stage, page_id: str) -> None:
    """Reads the Page's tokens anew, to the end."""
    before = (await stage.api.get(f"/v1/pages/{page_id}"))["synced_at"]
    await stage.api.post(f"/v1/pages/{page_id}/sync")
    async with deadline("Reading the subscribers from Meta"):
        while (await stage.api.get(f"/v1/pages/{page_id}"))["synced_at"] == before or not await at_rest(stage):
            await asyncio.sleep(0.05)


async def send_campaign(stage: Stage, page_id: str, numbers: Numbers, say: Say) -> str:
    """Creates the campaign, waits out its warm-up and launches it."""
    created = await stage.api.post("/v1/campaigns", {"page_id": page_id, "name": "Autumn tasting week", "message": MESSAGE})
    campaign_id = str(created["id"])
    say("Created the campaign; its hour of warm-up takes seconds on the fast clock")
    while (await stage.api.get(f"/v1/campaigns/{campaign_id}"))["state"] not in ("ready", "paused", "failed"):
        await asyncio.sleep(0.1)
    campaign = await stage.api.post(f"/v1/campaigns/{campaign_id}/launch")
    say(f"Launched to {plural(campaign['recipients'], 'recipient')}, at up to {stage.app.settings.page_rate} a second")
    numbers.funnel = await stage.api.get(f"/v1/campaigns/{campaign_id}/funnel")
    return campaign_id


async def settle(stage: Stage, campaign_id: str, numbers: Numbers, advance: Advance) -> None:
    """Waits until no webhook is due and no row can move, or nothing has moved for a while."""
    moved, done = time.monotonic(), 0
    while time.monotonic() - moved < PATIENCE:
        is_quiet = await quiet(stage)  # asked before the funnel, so that a quiet funnel is the last one
        funnel = await stage.api.get(f"/v1/campaigns/{campaign_id}/funnel")
        if funnel != numbers.funnel:
            moved, numbers.funnel = time.monotonic(), funnel
        advance(funnel["recipients"] - funnel["pending"] - done)
        done = funnel["recipients"] - funnel["pending"]
        if is_quiet and not funnel["pending"]:
            return
        await asyncio.sleep(0.1)


async def quiet(stage: Stage) -> bool:
    """Whether the emulator owes no webhook and we owe no work."""
    state = await stage.emulator.get("/_emulator/state")
    return state["webhooks"]["due"] == 0 and await at_rest(stage)


async def at_rest(stage: Stage) -> bool:
    """Whether no lane runs and no row is due."""
    services = stage.app.services
    due = await services.db.read(lambda tx: work.due_lanes(tx, to_ms(services.clock.now())))
    return stage.app.engine.idle() and not due
