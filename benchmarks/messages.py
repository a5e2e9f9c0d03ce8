"""Sends: how many the API accepts, against a handler that only validates; and how soon one reaches the provider when all is idle.

Accepting: each handler in a fresh process of its own, under the same server with the same settings, driven in turns by the same
client over as many connections. Ours is the whole API on the embedded default database: key, validation, route, message,
delivery, part and event, durable before 201. The baseline is FastAPI with the same body model and nothing else: no key, no row,
no answer to speak of. Nothing is sent meanwhile, for that is another process's work where rates matter; what it costs when the
same process sends, too, is printed beside it. Afterwards the messages are counted. Bar: 0.3 of the baseline's requests a second.

Reaching the provider: from before the POST to when an SMS gateway, in the client's process, has the text. In between lie
the request, its durable acceptance, the lane, a durable mark before the call, and the call. Bar: 10 durable writes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any, cast

import aiohttp
import orjson
import uvloop
from aiohttp import web
from fastapi import FastAPI
from sqlalchemy import func, insert, select
from starlette.types import ASGIApp

from guestlist.actions import access, accounts
from guestlist.api.message_models import NewMessage
from guestlist.app import open_app, run_engine
from guestlist.domain.messages import Channel
from guestlist.logging import configure_logging
from guestlist.serving import serve
from guestlist.settings import Settings
from guestlist.storage import messaging_tables
from guestlist.storage.database import open_database
from guestlist.storage.tables import workspaces

CONNECTIONS = 64
ROUNDS = 5
REQUESTS = 2000
"""Requests a round: a second or two of ours."""
PEOPLE = 5000
"""How many people the messages are for: most are known after the first rounds, as in life."""
SINGLES = 200
PAUSE = 0.02
"""Seconds of rest before each message of the idle system."""


@dataclass(frozen=True)
class Handler:
    """A server process: nothing but the body's model ("validate"), our API ("accept"), our API with its engine ("send")."""

    kind: str
    settings: Settings | None = None


@dataclass(frozen=True)
class Round:
    """Many requests to one handler: how many a second, and how long each took, in milliseconds."""

    rate: float
    took: list[float]

    @property
    def p50(self) -> float:
        """The median."""
        return median(self.took)

    @property
    def p99(self) -> float:
        """What one in a hundred exceeds."""
        return quantiles(self.took, n=100)[98]


@dataclass(frozen=True)
class Accepting:
    """All handlers by kind, and the medians of each round's own ratios to the baseline."""

    rounds: dict[str, list[Round]]

    def ratio(self, kind: str) -> float:
        """Of its requests a second to the baseline's."""
        pairs = zip(self.rounds[kind], self.rounds["validate"], strict=True)
        return median(ours.rate / baseline.rate for ours, baseline in pairs)


@dataclass(frozen=True)
class Reaching:
    """Medians, in milliseconds: one durable write, a message answered 201, and the provider called."""

    write: float
    accepted: float
    called: float


# -- the servers ----------------------------------------------------------------------------------------------------


def only_validating() -> FastAPI:
    """The baseline."""
    app = FastAPI(openapi_url=None)

    @app.post("/v1/messages", status_code=201)
    async def send_message(given: NewMessage) -> dict[str, str]:
        given.as_request()
        return {"state": "queued"}

    return app


def run_server(listener: socket.socket, handler: Handler) -> None:
    """A server process, until it is terminated."""

    async def serve_forever(app: ASGIApp) -> None:
        async with serve(app, listener):
            await asyncio.Event().wait()

    async def main() -> None:
        configure_logging("error")
        if handler.settings is None:
            await serve_forever(only_validating())
            return
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(open_app(handler.settings))
            if handler.kind == "send":
                await stack.enter_async_context(run_engine(app))
            await serve_forever(app.asgi())

    uvloop.run(main())


@contextmanager
def running(handler: Handler) -> Iterator[int]:
    """The port of a fresh server process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    process = multiprocessing.get_context("spawn").Process(target=run_server, args=(listener, handler), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        listener.close()


async def prepare(folder: Path, new: accounts.NewAccount) -> tuple[Settings, str]:
    """A fresh installation with an account for SMS: its settings and a key."""
    settings = Settings(
        data=folder, database_url=f"sqlite:///{folder / 'guestlist.db'}", allow_networks=(ip_network("127.0.0.0/8"),)
    )
    async with open_app(settings) as app:
        await accounts.create_account(app.services, app.workspace_id, new)
        _, key = await access.create_key(app.services, app.workspace_id, "benchmark")
    return settings, key


# -- accepting ------------------------------------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends a request when the answer to the last one is there, and notes how long that took."""

    def __init__(self, requests: Iterator[bytes], took: list[float], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._took = took
        self._done = done
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 201 "):
            self._done.set_exception(RuntimeError(f"unexpected answer: {self._answer[:300]!r}"))
            self._transport.close()
            return
        self._took.append((time.perf_counter() - self._sent_at) * 1000)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("the server hung up"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._answer = b""
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def drive(port: int, requests: list[bytes]) -> Round:
    """One round."""
    loop = asyncio.get_running_loop()
    waiting, took = iter(requests), list[float]()
    done = [loop.create_future() for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for each in done:
        await loop.create_connection(partial(Connection, waiting, took, each), "127.0.0.1", port)
    await asyncio.gather(*done)
    return Round(len(requests) / (time.perf_counter() - started), took)


def build_request(key: str, number: int, person: int) -> bytes:
    """A message by SMS to one of many people."""
    message = {
        "to": {"phone": f"+4479{person:08}", "first_name": "Ana"},
        "rules": ["sms"],
        "text": "Hello {{ contact.first_name }}, your order is ready.",
        "metadata": {"order": f"A-{number}"},
    }
    body = orjson.dumps(message)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    )
    return head.encode() + body


async def measure_accepting(ports: dict[str, int], keys: dict[str, str], requests: int, rounds: int) -> Accepting:
    """The handlers in turns, with the same requests, after a round to warm up."""
    measured: dict[str, list[Round]] = {kind: [] for kind in ports}
    people = Random(4)
    for turn in range(rounds + 1):
        numbers = [(turn * requests + number, people.randrange(PEOPLE)) for number in range(requests)]
        for kind, port in ports.items():
            answered = await drive(port, [build_request(keys[kind], *each) for each in numbers])
            if turn:
                measured[kind].append(answered)
    return Accepting(measured)


async def count_messages(settings: Settings) -> int:
    """How many messages the database holds."""
    database = await open_database(settings.database_url)
    row = await database.read(lambda tx: tx.fetch_one(select(func.count().label("n")).select_from(messaging_tables.messages)))
    await database.close()
    assert row is not None
    return int(row["n"])


def compare_accepting(requests: int, rounds: int) -> Accepting:
    """Three fresh servers. Errors: RuntimeError when a message that was answered 201 is missing."""
    sandbox = accounts.NewAccount(Channel.SMS, "sandbox", "Nobody", sender="447700900999")
    with tempfile.TemporaryDirectory() as folder:
        prepared = {kind: asyncio.run(prepare(Path(folder) / kind, sandbox)) for kind in ("accept", "send")}
        handlers = [Handler("validate"), *(Handler(kind, settings) for kind, (settings, _) in prepared.items())]
        keys = {"validate": "none", **{kind: key for kind, (_, key) in prepared.items()}}
        with running(handlers[0]) as first, running(handlers[1]) as second, running(handlers[2]) as third:
            ports = dict(zip([each.kind for each in handlers], (first, second, third), strict=True))
            result = uvloop.run(measure_accepting(ports, keys, requests, rounds))
        for kind, (settings, _) in prepared.items():
            kept, answered = asyncio.run(count_messages(settings)), requests * (rounds + 1)
            if kept != answered:
                raise RuntimeError(f"{kind}: {answered} messages were answered 201, {kept} are stored")
    return result


# -- reaching the provider ------------------------------------------------------------------------------------------


@asynccontextmanager
async def gateway(called: asyncio.Queue[float]) -> AsyncIterator[str]:
    """An SMS gateway of Kannel's shape that notes when a text has come: its address."""

    async def take(request: web.Request) -> web.Response:
        called.put_nowait(time.perf_counter())
        return web.Response(text="0: Accepted for delivery", status=202)

    app = web.Application()
    app.router.add_post("/cgi-bin/sendsms", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/cgi-bin/sendsms"
    finally:
        await runner.cleanup()


async def measure_reaching(folder: Path, singles: int) -> Reaching:
    """A durable write and a message in turns, with a rest between them."""
    called: asyncio.Queue[float] = asyncio.Queue()
    async with gateway(called) as url, aiohttp.ClientSession() as session:
        config = {"url": url, "username": "guestlist"}
        kannel = accounts.NewAccount(Channel.SMS, "kannel", "Gateway", "447700900999", config, {"password": "benchmark"})
        settings, key = await prepare(folder / "ours", kannel)
        other, _ = await prepare(folder / "writes", kannel)
        database = await open_database(other.database_url)
        writes, accepted, reached = list[float](), list[float](), list[float]()
        headers = {"Authorization": f"Bearer {key}"}
        with running(Handler("send", settings)) as port:
            for number in range(-10, singles):  # the first ones warm up
                await asyncio.sleep(PAUSE)
                started = time.perf_counter()
                row = {"id": f"wsp_{number}", "name": "n", "created_at": 1}
                await database.write(lambda tx, row=row: tx.execute(insert(workspaces), row))
                wrote = time.perf_counter() - started
                await asyncio.sleep(PAUSE)
                message: dict[str, Any] = {"to": {"phone": f"+4479{number % 50:08}"}, "rules": ["sms"], "text": "Ready."}
                started = time.perf_counter()
                async with session.post(f"http://127.0.0.1:{port}/v1/messages", json=message, headers=headers) as answer:
                    answered = time.perf_counter() - started
                    assert answer.status == 201, await answer.text()
                arrived = await asyncio.wait_for(called.get(), 10) - started
                if number >= 0:
                    for kept, seconds in ((writes, wrote), (accepted, answered), (reached, arrived)):
                        kept.append(seconds * 1000)
        await database.close()
    return Reaching(median(writes), median(accepted), median(reached))


def run(requests: int = REQUESTS, rounds: int = ROUNDS, singles: int = SINGLES) -> tuple[Accepting, Reaching]:
    """Measures, prints, and returns both results. Errors: RuntimeError when an accepted message is missing."""
    configure_logging("error")
    accepting = compare_accepting(requests, rounds)
    for kind, sentence in (("accept", "accepted, durable"), ("send", "the same while it also sends them")):
        ours, baseline = accepting.rounds[kind], accepting.rounds["validate"]
        print(
            f"messages, {sentence}: {median(each.rate for each in ours):,.0f}/s,"
            f" p50 {median(each.p50 for each in ours):.1f} ms, p99 {median(each.p99 for each in ours):.1f} ms"
            f" over {CONNECTIONS} connections; only validating {median(each.rate for each in baseline):,.0f}/s,"
            f" ratio {accepting.ratio(kind):.2f}{' (bar 0.30)' if kind == 'accept' else ''}"
        )
    with tempfile.TemporaryDirectory() as folder:
        reaching = uvloop.run(measure_reaching(Path(folder), singles))
    print(
        f"messages, idle: a durable write {reaching.write:.2f} ms, answered 201 after {reaching.accepted:.2f} ms,"
        f" at the provider after {reaching.called:.2f} ms, {reaching.called / reaching.write:.1f} durable writes (bar 10)"
    )
    return accepting, reaching


if __name__ == "__main__":
    run()
