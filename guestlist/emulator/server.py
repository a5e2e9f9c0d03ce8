"""The HTTP server: bare ASGI for Graph calls, a small Starlette app for `/_emulator`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .auth import bearer, check_proof, check_token
from .batch import Part, PartAnswer, run_batch
from .calls import Call
from .config import EmulatorConfig
from .control import build_control
from .emulator import Emulator
from .errors import GraphFault
from .faults import HTML, Fault
from .params import Params, parse_params
from .routes import answer, needs_token, strip_version
from .texts import ROOT as TEXTS
from .texts import build_texts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONTROL = "/_emulator"
JSON = (b"content-type", b"application/json; charset=UTF-8")
PAGE = (b"content-type", b"text/html; charset=utf-8")
VERSION = (b"facebook-api-version", b"v26.0")
WIRE = "emulator.transport"  # where the protocol leaves the connection, so that a fault can cut it
log = logging.getLogger("emulator")


class GraphApp:
    """The ASGI application of one emulator."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.emulator = Emulator(config)
        self._control = build_control(self.emulator)
        self._texts = build_texts(self.emulator)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            path = scope["path"]
            if path == CONTROL or path.startswith(CONTROL + "/"):
                await self._control(scope, receive, send)
            elif path.startswith(TEXTS):
                await self._texts(scope, receive, send)
            else:
                await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.emulator.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.emulator.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        body = await self._read_body(receive)
        if body is None:
            fault = GraphFault("Please reduce the amount of data you're asking for, then retry your request", code=1, status=413)
            await _respond(send, PartAnswer(413, [JSON, (b"connection", b"close")], orjson.dumps(fault.envelope())))
            return
        path = scope["path"]
        url = f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'localhost').decode('latin-1')}{path}"
        part = Part(scope["method"], path, scope["query_string"], headers.get(b"content-type", b"").decode("latin-1"), body)
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        given = await self._run(part, url, authorization)
        if self.emulator.config.latency:
            await asyncio.sleep(self.emulator.config.latency)
        if given is None:
            await _hang_up(scope, receive, send)
        else:
            await _respond(send, given)

    async def _read_body(self, receive: Receive) -> bytes | None:
        """The whole body; None when it is too large or the caller left."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self.emulator.config.max_body:
                return None
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _run(self, part: Part, url: str, authorization: str = "") -> PartAnswer | None:
        """One call, from request to answer. None when the connection is to be cut."""
        call = Call(self.emulator, part.method, part.path, url, Params(), size=len(part.body))
        struck: Fault | None = None
        try:
            call.path = strip_version(part.path)
            call.params = parse_params(part.query, part.content_type, part.body)
            if part.method == "POST" and "method" in call.params:
                call.method = str(call.params.pop("method")).upper()
            if self.emulator.faults.rules:
                struck = self.emulator.faults.find(call.method, call.path)
            if struck is not None:
                await asyncio.sleep(struck.delay_seconds)
                if struck.refuse:
                    self._note(call, status=0, code=None, answered=False)
                    return None
                if struck.answers_itself and not struck.swallow:
                    raise struck.as_error()
            result = await self._answer(call, url, authorization)
            given = PartAnswer(200, [JSON, VERSION, *call.headers], orjson.dumps(result))
            code = None
        except GraphFault as fault:
            envelope = fault.envelope(number_in=self.emulator.switches["marketing_errors"])
            code = envelope["error"]["code"]
            given = PartAnswer(fault.status, [JSON, VERSION, *call.headers], orjson.dumps(envelope))
        except Exception:
            log.exception("A call to %s went wrong", call.path)
            code, envelope = 1, GraphFault("An unknown error occurred", code=1).envelope()
            given = PartAnswer(500, [JSON, VERSION], orjson.dumps(envelope))
        return self._finish(call, given, code, struck)

    async def _answer(self, call: Call, url: str, authorization: str) -> object:
        emulator, params = self.emulator, call.params
        call.count("app", emulator.world.app.id)
        if call.path == "/" and call.method == "POST" and "batch" in params:
            carried = bearer(authorization)
            if carried:
                params.setdefault("access_token", carried)
            base = url.rstrip("/")
            return await run_batch(params, lambda part: self._run(part, base + part.path))
        if needs_token(call.path):
            value = bearer(authorization) or params.text("access_token")
            call.token = check_token(emulator.world, value, call.now)
            proof = params.text("appsecret_proof")
            check_proof(emulator.world, call.token, proof, required=emulator.switches["require_proof"] == "on")
        return await answer(call)

    def _finish(self, call: Call, given: PartAnswer, code: int | None, struck: Fault | None) -> PartAnswer | None:
        """Logs the call and lets a fault spoil the answer."""
        answered = struck is None or not struck.swallow
        if struck is not None and answered:
            if struck.html:
                given = PartAnswer(struck.status or 500, [PAGE], HTML)
            elif struck.truncate:
                given = PartAnswer(struck.status or given.status, given.headers, given.body[: len(given.body) // 2])
        self._note(call, status=given.status, code=code, answered=answered)
        return given if answered else None

    def _note(self, call: Call, *, status: int, code: int | None, answered: bool) -> None:
        self.emulator.log.add(call, status=status, code=code, answered=answered)


async def _respond(send: Send, given: PartAnswer) -> None:
    headers = [*given.headers, (b"content-length", str(len(given.body)).encode())]
    await send({"type": "http.response.start", "status": given.status, "headers": headers})
    await send({"type": "http.response.body", "body": given.body})


async def _hang_up(scope: Scope, receive: Receive, send: Send) -> None:
    """Cuts the connection without a byte of answer; where the server does not lend it, breaks off the answer instead."""
    transport = scope.get("extensions", {}).get(WIRE)
    if transport is None:
        await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"1")]})
        return
    transport["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with query strings of any length and the connection lent to the app."""

    def on_headers_complete(self) -> None:
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query
        self.scope["extensions"] = {WIRE: {"transport": self.transport}}


def build(config: EmulatorConfig) -> GraphApp:
    """The emulator as an ASGI application. It lives between ASGI lifespan start-up and shut-down."""
    return GraphApp(config)


def announce_address(url: str) -> None:
    """Prints `listening on http://…` as the first line on stdout."""
    print(f"listening on {url}", flush=True)


class _QuietServer(uvicorn.Server):
    """A server inside another program: signals are not its business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running(config: EmulatorConfig) -> AsyncIterator[str]:
    """An emulator inside this event loop, for as long as the block lasts. Gives its URL. Errors: OSError."""
    with _listen(config) as listener:
        server = _QuietServer(_settings(config))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            await task


async def serve(config: EmulatorConfig, announce: Callable[[str], None] = announce_address) -> None:
    """Serves until SIGINT, SIGTERM or cancellation. Errors: OSError when the address cannot be bound."""
    with _listen(config) as listener:
        server = uvicorn.Server(_settings(config))
        announce(_url(listener))
        await server.serve(sockets=[listener])


def _listen(config: EmulatorConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.create_server((config.host, config.port), family=family, backlog=2048)
    # asyncio sets this only on sockets made with an explicit protocol; without it every answer may wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def _settings(config: EmulatorConfig) -> uvicorn.Config:
    return uvicorn.Config(
        build(config),
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


def run(config: EmulatorConfig) -> None:
    """`serve` on an event loop of its own."""
    if sys.platform == "win32":
        asyncio.run(serve(config))
        return
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(config))
