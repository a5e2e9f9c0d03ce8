"""Providers of SMS and e-mail on this machine: they note every request and answer what the test says."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from guestlist.outbound.post import guarded_sockets

LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
to_this_machine = guarded_sockets(LOCAL)


@dataclass
class Taken:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


Scripted = tuple[int, dict[str, str], bytes] | float | None
"""Status, headers, body; a number of seconds after which nothing was said; None = the connection is cut."""


@dataclass
class PlayedProvider:
    """A web server. `answers` are one a request; the last one stays."""

    answers: list[Scripted]
    taken: list[Taken] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.taken.append(Taken(request.method, request.path_qs, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = None
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPInternalServerError
        status, headers, body = answer
        return web.Response(status=status, headers=headers, body=body)


@asynccontextmanager
async def play_provider(*answers: Scripted) -> AsyncIterator[PlayedProvider]:
    """A provider at `url`, gone afterwards."""
    provider = PlayedProvider(list(answers) or [(201, {}, b"{}")])
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", provider.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    provider.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield provider
    finally:
        await runner.cleanup()


@dataclass
class PlayedRelay:
    """An SMTP server. `replies` replaces those to `RCPT`, `DATA`, `BODY`, `CONNECT` and so on; None = the connection is cut."""

    replies: dict[str, str | None] = field(default_factory=dict)
    offers: tuple[str, ...] = ("SMTPUTF8", "AUTH PLAIN LOGIN")
    commands: list[str] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    port: int = 0
    identity: ssl.SSLContext | None = None  # for STARTTLS, and for TLS from the start where `implicit`
    implicit: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._say(writer, "CONNECT", "220 relay ready")
            while line := await reader.readline():
                text = line.decode().rstrip("\r\n")
                self.commands.append(text)
                word = re.split(r"[ :]", text)[0].upper()
                if word == "EHLO":
                    lines = ["relay.test", *self.offers]
                    default = "\r\n".join(f"250{'-' if each != lines[-1] else ' '}{each}" for each in lines)
                else:
                    default = {
                        "AUTH": "235 2.7.0 welcome",
                        "STARTTLS": "220 go on",
                        "DATA": "354 go on",
                        "QUIT": "221 bye",
                    }.get(word, "250 fine")
                said = await self._say(writer, word, default)
                if word == "DATA" and said.startswith("354"):
                    letter = b""
                    while (piece := await reader.readline()) != b".\r\n":
                        letter += piece
                    self.letters.append(letter)
                    await self._say(writer, "BODY", "250 2.0.0 queued")
                if word == "STARTTLS" and said.startswith("220"):
                    await writer.start_tls(self.identity)
                if word == "QUIT":
                    return
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _say(self, writer: asyncio.StreamWriter, word: str, default: str) -> str:
        reply = self.replies.get(word, default)
        if reply is None:
            writer.transport.abort()
            raise ConnectionResetError
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return reply


@asynccontextmanager
async def play_relay(**given: Any) -> AsyncIterator[PlayedRelay]:
    """A relay at `port`, gone afterwards."""
    relay = PlayedRelay(**given)
    identity = relay.identity if relay.implicit else None
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0, ssl=identity)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await server.wait_closed()
