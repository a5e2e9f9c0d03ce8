"""Webhook intake: signed POSTs of 1 and of 100 events, durable before 200, against a handler that only reads the body.

Each handler is served by a fresh process of its own (uvicorn, uvloop, httptools), ours on the embedded default database; one
client drives either over as many connections, in turns. Every body is a new one, and afterwards the rows are counted. Bar: 0.3.

Not both in one process: our handler's large bodies teach glibc to keep freed memory, which spares the one that only reads a
sixth of its CPU time with 100 events a POST (measured by giving a fresh one the same thresholds). A server that only reads
never learns this. In one shared process the ratio of that case is about 0.1 lower.

Two ratios are printed. Requests a second are what the bar is about; they need both cores to themselves. The server's CPU time
a request (all its threads, from its own clock) says the same in a way that a busy machine disturbs less.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import cast
from urllib.request import urlopen

import uvicorn
import uvloop
from sqlalchemy import func, select
from starlette.types import ASGIApp, Receive, Scope, Send

from guestlist.inbound.answers import build_text
from guestlist.inbound.dispatch import Dispatcher
from guestlist.inbound.receiver import MetaReceiver
from guestlist.inbound.signature import build_signature
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate
from guestlist.storage.tables import webhooks
from guestlist.storage.webhooks import StoredInbox

SECRET = "benchmark-secret"
CONNECTIONS = 128
"""Enough that neither server thread ever waits for a request while others wait for the disk."""
ROUNDS = 5
REQUESTS = {1: 12_000, 100: 6000}
"""Requests a round, by events in a body: half a second, so that checkpoints fall within the rounds."""
SETTLING = 0.5
"""Seconds after a round until the server's CPU time is read: what the round left behind counts too."""


@dataclass(frozen=True)
class Round:
    """Many requests to one handler: requests a second, and the server's CPU microseconds a request."""

    rate: float
    cpu: float


@dataclass(frozen=True)
class Result:
    """Both handlers, the figures of each the medians of all rounds. The ratios are medians of each round's own."""

    events: int
    reading: Round
    durable: Round
    ratio: float
    cpu_ratio: float


class Settings:
    """The secrets and the clock the server needs."""

    def signing_secret(self, provider: str, app_id: str | None) -> str:
        return SECRET

    def verify_token(self, provider: str, app_id: str | None) -> str:
        return SECRET

    def now(self) -> datetime:
        return datetime.now(UTC)


async def tell_cpu(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the process's CPU time so far, in nanoseconds."""
    await build_text(b"%d" % time.process_time_ns()).send(send)


async def read_only(scope: Scope, receive: Receive, send: Send) -> None:
    """The baseline: reads the body, answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": ((b"content-length", b"0"),)})
    await send({"type": "http.response.body", "body": b""})


def serve(listener: socket.socket, url: str | None) -> None:
    """A server process, until it is terminated: our handler over the database at `url`, or the baseline without one."""

    async def main() -> None:
        database = None
        handler: ASGIApp = read_only
        if url is not None:
            await migrate(url)
            database = await open_database(url)
            handler = MetaReceiver(StoredInbox(database, Settings()), Settings())
        app = Dispatcher(tell_cpu, handler)
        config = uvicorn.Config(app, http="httptools", lifespan="off", log_level="warning", access_log=False)
        await uvicorn.Server(config).serve([listener])
        if database is not None:
            await database.close()

    uvloop.run(main())


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends a request when the answer to the last one is there."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200 ") or not data.endswith(b"\r\n\r\n"):
            raise RuntimeError(f"unexpected answer: {data[:60]!r}")
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("the server hung up"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)


def read_cpu(port: int) -> int:
    """The CPU time the server process has used, in nanoseconds."""
    with urlopen(f"http://127.0.0.1:{port}/cpu") as answer:
        return int(answer.read())


async def drive(port: int, requests: list[bytes]) -> Round:
    """One round."""
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    cpu, started = read_cpu(port), time.perf_counter()
    done = [loop.create_future() for _ in range(CONNECTIONS)]
    for each in done:
        await loop.create_connection(partial(Connection, waiting, each), "127.0.0.1", port)
    await asyncio.gather(*done)
    seconds = time.perf_counter() - started
    await asyncio.sleep(SETTLING)
    return Round(len(requests) / seconds, (read_cpu(port) - cpu) / len(requests) / 1000)


def build_body(events: int, number: int) -> bytes:
    """A body of its own with ids of its own, as Meta would send it."""
    random = Random(number)
    page_id, campaign_id, sent_at = "102000000000000002", "120210000000000009", 1750000000000 + number
    changes = [
        {
            "field": "marketing_message_deliveries",
            "value": {
                "page_id": page_id,
                "app_id": "901000000000000001",
                "timestamp": sent_at + event,
                "marketing_message_tracking_id": str(random.getrandbits(62)),
                "messenger_subscription_token": str(random.getrandbits(62)),
                "message_id": campaign_id,
            },
        }
        for event in range(events)
    ]
    document = {"object": "page", "entry": [{"id": page_id, "time": sent_at, "changes": changes}]}
    return json.dumps(document, separators=(",", ":")).encode()


def build_request(body: bytes) -> bytes:
    """One signed delivery."""
    head = (
        f"POST /webhooks/meta HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: {build_signature(body, SECRET).decode()}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def running_server(url: str | None) -> Iterator[int]:
    """The port of a fresh server process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(listener, url), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        listener.close()


async def measure(ports: tuple[int, int], events: int, requests: int, rounds: int) -> Result:
    """The baseline's port and ours in turns, with the same requests, after a round to warm up."""
    reading, durable = [], []
    for turn in range(rounds + 1):
        numbers = range(turn * requests, (turn + 1) * requests)
        posts = [build_request(build_body(events, number)) for number in numbers]
        reading.append(await drive(ports[0], posts))
        durable.append(await drive(ports[1], posts))
    pairs = list(zip(reading, durable, strict=True))[1:]
    ratio = median(there.rate / here.rate for here, there in pairs)
    cpu_ratio = median(here.cpu / there.cpu for here, there in pairs)
    return Result(events, median_of(reading[1:]), median_of(durable[1:]), ratio, cpu_ratio)


def median_of(rounds: list[Round]) -> Round:
    """The median of each figure."""
    return Round(median(each.rate for each in rounds), median(each.cpu for each in rounds))


async def count_rows(url: str) -> int:
    """How many webhooks the database holds."""
    database = await open_database(url)
    row = await database.read(lambda tx: tx.fetch_one(select(func.count().label("n")).select_from(webhooks)))
    await database.close()
    assert row is not None
    return int(row["n"])


def compare(events: int, requests: int, rounds: int) -> Result:
    """One case, on two fresh servers. Errors: RuntimeError when a confirmed webhook is missing."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'intake.db'}"
        with running_server(None) as reading, running_server(url) as durable:
            result = uvloop.run(measure((reading, durable), events, requests, rounds))
        confirmed, kept = requests * (rounds + 1), asyncio.run(count_rows(url))
    if kept != confirmed:
        raise RuntimeError(f"{confirmed} webhooks were answered 200, {kept} are stored")
    return result


def run(requests: dict[int, int] | None = None, rounds: int = ROUNDS) -> list[Result]:
    """Measures, prints a line a case, and returns the results. Errors: RuntimeError when a confirmed webhook is missing."""
    results = [compare(events, number, rounds) for events, number in (requests or REQUESTS).items()]
    for each in results:
        print(
            f"intake, {each.events:>3} events a POST: durable {each.durable.rate:,.0f}/s ({each.durable.cpu:.0f} us CPU),"
            f" reading only {each.reading.rate:,.0f}/s ({each.reading.cpu:.0f} us),"
            f" ratio {each.ratio:.2f} by rate, {each.cpu_ratio:.2f} by CPU (bar 0.30)"
        )
    return results


if __name__ == "__main__":
    run()
