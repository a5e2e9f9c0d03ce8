"""Carries webhook events to the app's callback URL: in order for each Page, batched, signed, retried."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from .errors import GraphFault
from .faults import Faults
from .switches import Switches
from .things import App
from .webhooks import Event, build_body, fits_together, sign
from .world import World

BATCH = 100  # events in one POST
AT_ONCE = 16  # POSTs on the wire, over all Pages
ANSWER_SECONDS = 20.0
WAITS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)  # seconds between tries, the last one repeats


@dataclass(slots=True)
class Counts:
    """Events that reached the callback, were given up, or had nobody subscribed."""

    delivered: int = 0
    failed: int = 0
    unsubscribed: int = 0
    dropped: int = 0
    posts: int = 0
    retries: int = 0


@dataclass(slots=True)
class Lane:
    """The queue of one Page. One POST at a time keeps the order."""

    events: deque[Event] = field(default_factory=deque)
    on_the_wire: int = 0
    task: asyncio.Task[None] | None = None


class Courier:
    """Takes events and delivers them. Needs a running event loop."""

    def __init__(self, world: World, switches: Switches, faults: Faults, *, give_up_seconds: float) -> None:
        self.world = world
        self.counts = Counts()
        self._switches = switches
        self._faults = faults
        self._give_up = give_up_seconds
        self._lanes: dict[str, Lane] = {}
        self._held: set[asyncio.TimerHandle] = set()
        self._wire = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    @property
    def unfinished(self) -> int:
        """Events queued, held back, on the wire or waiting for another try."""
        return sum(len(lane.events) + lane.on_the_wire for lane in self._lanes.values()) + len(self._held)

    def emit(self, event: Event) -> None:
        """Queues an event if the app is subscribed to it."""
        if not self._subscribed(event):
            self.counts.unsubscribed += 1
            return
        faults, chance = self._faults.webhooks, self._faults.random.random
        if not faults.active:
            self._enqueue(event)
            return
        if chance() < faults.drop:
            self.counts.dropped += 1
            return
        if chance() < faults.duplicate:
            self._hold(event, 0.05 + chance())
        if chance() < faults.delay:
            self._hold(event, faults.delay_seconds)
        elif chance() < faults.reorder:
            self._hold(event, 0.05 + 0.5 * chance())
        else:
            self._enqueue(event)

    async def verify(self, callback_url: str, verify_token: str) -> None:
        """Meta's handshake. Errors: 2200 when the callback does not answer 200 with the challenge."""
        challenge = str(secrets.randbelow(2**31))
        query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        try:
            async with self._http().get(callback_url, params=query, allow_redirects=False) as answer:
                body = await answer.content.read(1024)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unverified(f"the URL could not be reached ({type(error).__name__})") from None
        if answer.status != 200 or body.strip() != challenge.encode():
            raise _unverified(f"HTTP {answer.status}, or the answer was not the challenge")

    def clear(self) -> None:
        """Forgets everything not yet delivered."""
        for handle in self._held:
            handle.cancel()
        for lane in self._lanes.values():
            if lane.task is not None:
                lane.task.cancel()
        self._held.clear()
        self._lanes.clear()

    async def close(self) -> None:
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        self.clear()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._session is not None:
            await self._session.close()

    def _subscribed(self, event: Event) -> bool:
        app, page = self.world.app, self.world.pages[event.page_id]
        if app.callback_url is None or (app.fields and event.field not in app.fields):
            return False
        return event.field in page.subscriptions.get(app.id, ())

    def _hold(self, event: Event, seconds: float) -> None:
        def release() -> None:
            self._held.discard(handle)
            self._enqueue(event)

        handle = asyncio.get_running_loop().call_later(seconds, release)
        self._held.add(handle)

    def _enqueue(self, event: Event) -> None:
        lane = self._lanes.setdefault(event.page_id, Lane())
        lane.events.append(event)
        if lane.task is None or lane.task.done():
            lane.task = asyncio.get_running_loop().create_task(self._drain(lane))

    async def _drain(self, lane: Lane) -> None:
        while lane.events:
            batch = self._next_batch(lane)
            lane.on_the_wire = len(batch)
            try:
                done = await self._deliver(batch)
            finally:
                lane.on_the_wire = 0
            if done:
                self.counts.delivered += len(batch)
            else:
                self.counts.failed += len(batch)

    def _next_batch(self, lane: Lane) -> list[Event]:
        batch = [lane.events.popleft()]
        while lane.events and len(batch) < BATCH and fits_together(batch[0], lane.events[0], self._switches):
            batch.append(lane.events.popleft())
        return batch

    async def _deliver(self, batch: list[Event]) -> bool:
        """Tries until the callback answers 200 or the time is up."""
        body = build_body(batch, self._switches)
        app = self.world.app
        headers = {"Content-Type": "application/json", "User-Agent": "facebookplatform/1.0", **sign(body, app.secret)}
        started, tries = time.monotonic(), 0
        while not await self._post(app, body, headers):
            wait = WAITS[min(tries, len(WAITS) - 1)]
            if time.monotonic() + wait - started > self._give_up:
                return False
            tries += 1
            self.counts.retries += 1
            await asyncio.sleep(wait)
        return True

    async def _post(self, app: App, body: bytes, headers: dict[str, str]) -> bool:
        if app.callback_url is None:
            return False
        async with self._wire:
            self.counts.posts += 1
            try:
                async with self._http().post(app.callback_url, data=body, headers=headers, allow_redirects=False) as answer:
                    await answer.content.read(65536)
                    return answer.status == 200
            except (aiohttp.ClientError, TimeoutError, ValueError):
                return False

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=AT_ONCE * 2))
        return self._session


def _unverified(why: str) -> GraphFault:
    return GraphFault(f"Callback verification failed with the following errors: {why}", code=2200)
