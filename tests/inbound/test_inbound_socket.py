"""The receiver behind a real server and a real socket: what only bytes on a wire can show."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from inbound_driver import VERIFY_TOKEN, FakeInbox, FakeSecrets, signed
from starlette.types import Receive, Scope, Send

from guestlist.inbound.dispatch import Dispatcher
from guestlist.inbound.receiver import MetaReceiver

BODY = b'{"object":"page","entry":[]}'


async def other_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the HTTP API."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
async def port(inbox: FakeInbox) -> AsyncIterator[int]:
    """A server on a port of the system's choice."""
    app = Dispatcher(other_app, MetaReceiver(inbox, FakeSecrets(), max_bytes=200_000))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


def request(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def talk(port: int, *pieces: bytes) -> bytes:
    """The raw answer to a request sent in pieces, read until the server closes or its body is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    body = await reader.readexactly(length)
    writer.close()
    return head + body


def delivery(body: bytes, headers: dict[str, str] | None = None) -> bytes:
    return request("POST", "/webhooks/meta", signed(body) | {"Content-Length": str(len(body))} | (headers or {}), body)


async def test_a_signed_webhook_is_stored_as_its_raw_bytes(port: int, inbox: FakeInbox) -> None:
    answer = await talk(port, delivery(BODY))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert inbox.bodies == [("meta", "", BODY)]


async def test_header_names_of_any_case_and_a_chunked_body_are_understood(port: int, inbox: FakeInbox) -> None:
    headers = {"X-HUB-SIGNATURE-256": signed(BODY)["x-hub-signature-256"], "Transfer-Encoding": "chunked"}
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:])) + b"0\r\n\r\n"
    answer = await talk(port, request("POST", "/webhooks/meta", headers), chunks[:12], chunks[12:])
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert inbox.bodies == [("meta", "", BODY)]


async def test_a_large_body_arrives_whole(port: int, inbox: FakeInbox) -> None:
    body = b'"' + b"x" * 150_000 + b'"'
    assert (await talk(port, delivery(body))).startswith(b"HTTP/1.1 200 ")
    assert inbox.bodies == [("meta", "", body)]


async def test_an_oversized_body_is_refused_before_it_is_sent(port: int, inbox: FakeInbox) -> None:
    answer = await talk(port, request("POST", "/webhooks/meta", {"Content-Length": "10000000", "Expect": "100-continue"}))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert inbox.bodies == []


async def test_a_forged_webhook_is_refused_on_the_wire(port: int, inbox: FakeInbox) -> None:
    answer = await talk(port, delivery(BODY, {"x-hub-signature-256": "sha256=" + "0" * 64}))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert inbox.bodies == []


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing_and_hurts_nobody(port: int, inbox: FakeInbox) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(delivery(BODY)[:-5])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await talk(port, delivery(BODY))).startswith(b"HTTP/1.1 200 ")
    assert inbox.bodies == [("meta", "", BODY)]


async def test_handshake_and_other_paths_find_their_way(port: int) -> None:
    query = f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444"
    assert (await talk(port, request("GET", f"/webhooks/meta?{query}"))).endswith(b"\r\n\r\n1158201444")
    assert (await talk(port, request("GET", "/v1/pages"))).startswith(b"HTTP/1.1 204 ")
