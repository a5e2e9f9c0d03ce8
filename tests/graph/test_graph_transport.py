"""The real transport over real sockets: whole answers, every way they break, and whether the request may have arrived."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guestlist.graph.base import Applied, Request, TransportError
from guestlist.graph.transport import AiohttpTransport, translate_failure

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def transport(**settings: Any) -> AsyncIterator[AiohttpTransport]:
    made = AiohttpTransport(**{"connect": 5.0, "total": 10.0, **settings})
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def raw_server(exchange: Exchange, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server whose every connection is handled by `exchange`; its address without a scheme."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await exchange(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()


@asynccontextmanager
async def web_server(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An aiohttp server that answers every path with `handler`; its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


async def read_request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def fail(request: Request, **settings: Any) -> TransportError:
    async with transport(**settings) as client:
        with pytest.raises(TransportError) as caught:
            await client.send(request)
    return caught.value


async def fail_against(exchange: Exchange, **settings: Any) -> TransportError:
    async with raw_server(exchange) as address:
        return await fail(Request("POST", f"http://{address}/v26.0/1", body=b"{}"), **settings)


async def test_a_request_arrives_as_it_was_made_and_its_answer_whole() -> None:
    async def echo(request: web.Request) -> web.Response:
        seen = [request.method, request.raw_path, request.headers["Authorization"], (await request.read()).decode()]
        return web.json_response(seen, status=400, headers={"X-App-Usage": "{}"})

    async with web_server(echo) as url, transport() as client:
        sent = Request("POST", f"{url}/v26.0/act_1", {"Authorization": "Bearer t"}, {"filtering": '[{"value":[1010]}]'}, b"{}")
        response = await client.send(sent)

    assert response.status == 400
    assert response.headers["x-app-usage"] == "{}"
    path = "/v26.0/act_1?filtering=%5B%7B%22value%22%3A%5B1010%5D%7D%5D"
    assert response.body == f'["POST", "{path}", "Bearer t", "{{}}"]'.encode()


async def test_a_full_batch_of_rows_is_sent_whole() -> None:
    async def measure(request: web.Request) -> web.Response:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
        return web.json_response([size, request.headers.get("Content-Length"), request.headers["Content-Type"]])

    async with web_server(measure) as url, transport() as client:
        headers = {"Content-Type": "application/json"}
        response = await client.send(Request("POST", f"{url}/77/users", headers, body=b"x" * 3_500_000))

    assert response.body == b'[3500000, "3500000", "application/json"]'


@pytest.mark.parametrize("value", ["a b", "a+b", "a&b=c", "a%20b", "grüße", "#x", "/../", "QUZU="])
async def test_parameters_survive_the_url(value: str) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.query["after"])

    async with web_server(echo) as url, transport() as client:
        response = await client.send(Request("GET", f"{url}/x", params={"after": value}))

    assert response.body.decode() == value


async def test_a_redirect_is_an_answer_not_a_way() -> None:
    seen: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with web_server(redirect) as url, transport() as client:
        response = await client.send(Request("POST", f"{url}/here", body=b"{}"))

    assert response.status == 307
    assert seen == ["/here"]


async def test_cookies_are_not_kept() -> None:
    seen: list[str | None] = []

    async def give_cookie(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with web_server(give_cookie) as url, transport() as client:
        await client.send(Request("GET", f"{url}/"))
        await client.send(Request("GET", f"{url}/"))

    assert seen == [None, None]


async def test_proxy_settings_of_the_environment_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hi")

    async with web_server(hello) as url, transport() as client:
        assert (await client.send(Request("GET", f"{url}/"))).body == b"hi"


async def test_html_is_handed_on_for_the_classifier() -> None:
    async def html(_request: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html")

    async with web_server(html) as url, transport() as client:
        response = await client.send(Request("GET", f"{url}/"))

    assert (response.status, response.body) == (502, b"<html>Bad gateway</html>")


async def test_an_answer_in_many_chunks_is_put_together() -> None:
    async def chunks(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        for number in range(50):
            await stream.write(b"%02d" % number * 1000)
        return stream

    async with web_server(chunks) as url, transport() as client:
        body = (await client.send(Request("GET", f"{url}/"))).body

    assert len(body) == 100_000
    assert body.endswith(b"4949")


async def test_a_silent_server_leaves_the_request_in_doubt() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()

    error = await fail_against(say_nothing, total=0.2)

    assert (error.applied, error.sentence) == (Applied.UNKNOWN, "Graph did not answer in time.")


async def test_an_answer_that_stalls_midway_leaves_it_in_doubt() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
        await reader.read()

    assert (await fail_against(stall, total=0.2)).applied is Applied.UNKNOWN


async def test_a_connection_that_closes_without_an_answer_leaves_it_in_doubt() -> None:
    assert (await fail_against(hang_up)).applied is Applied.UNKNOWN


async def test_a_connection_reset_midway_leaves_it_in_doubt() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()

    assert (await fail_against(reset)).applied is Applied.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b'Content-Length: 100\r\n\r\n{"id":"1"}',
        HEAD + b'Transfer-Encoding: chunked\r\n\r\na\r\n{"id":"1"}\r\n',
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
async def test_a_truncated_answer_leaves_it_in_doubt(answer: bytes) -> None:
    async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    error = await fail_against(cut_short)

    assert (error.applied, error.sentence) == (Applied.UNKNOWN, "Graph's answer was cut short.")


async def test_what_is_no_http_leaves_it_in_doubt() -> None:
    async def speak_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"220 mail.test ESMTP\r\n\r\n")
        await writer.drain()

    error = await fail_against(speak_smtp)

    assert (error.applied, error.sentence) == (Applied.UNKNOWN, "Graph's answer was not proper HTTP.")


async def test_a_body_above_the_cap_is_not_read_on() -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(HEAD + b"\r\n")
        try:
            while written < 64 * 2**20:
                writer.write(b"x" * 65_536)
                await writer.drain()
                written += 65_536
        except ConnectionError:
            pass

    error = await fail_against(pour, body_cap=100_000)

    assert (error.applied, error.sentence) == (Applied.UNKNOWN, "Graph's answer is larger than any it should give.")
    assert written < 64 * 2**20


async def test_the_cap_holds_for_what_a_compressed_body_becomes() -> None:
    async def bomb(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"x" * 10_000_000), headers={"Content-Encoding": "gzip"})

    async with web_server(bomb) as url:
        error = await fail(Request("GET", f"{url}/"), body_cap=1_000_000)

    assert error.sentence == "Graph's answer is larger than any it should give."


async def test_a_refused_connection_means_it_never_left() -> None:
    async with raw_server(hang_up) as address:
        pass

    error = await fail(Request("POST", f"http://{address}/", body=b"{}"))

    assert (error.applied, error.sentence) == (Applied.NO, "No connection to Graph could be made.")


@pytest.mark.parametrize("url", ["http://graph.invalid/", "http://no such host/", "http:///x", "ftp://127.0.0.1/", "nonsense"])
async def test_a_host_that_cannot_be_found_means_it_never_left(url: str) -> None:
    assert (await fail(Request("POST", url, body=b"{}"))).applied is Applied.NO


async def test_no_tls_on_the_other_side_means_it_never_left() -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(HEAD + b"\r\n")
        await writer.drain()

    async with raw_server(speak_plainly) as address:
        error = await fail(Request("POST", f"https://{address}/", body=b"{}"))

    assert (error.applied, error.sentence[:17]) == (Applied.NO, "No TLS connection")


async def test_a_certificate_nobody_vouches_for_means_it_never_left(tmp_path: Path) -> None:
    async with raw_server(hang_up, self_signed(tmp_path)) as address:
        error = await fail(Request("POST", f"https://{address}/", body=b"{}"))

    assert (error.applied, error.sentence[:34]) == (Applied.NO, "Graph's certificate is not trusted")


async def test_a_connection_that_takes_too_long_means_it_never_left() -> None:
    async def never_shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await reader.read()

    async with raw_server(never_shake_hands) as address:
        error = await fail(Request("POST", f"https://{address}/", body=b"{}"), connect=0.2)

    assert (error.applied, error.sentence) == (Applied.NO, "No connection to Graph could be made in time.")


async def test_waiting_for_a_free_connection_in_vain_means_it_never_left() -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_late(_request: web.Request) -> web.Response:
        arrived.set()
        await may_answer.wait()
        return web.Response(text="late")

    async with web_server(answer_late) as url, transport(connections=1, connect=0.2) as client:
        first = asyncio.create_task(client.send(Request("POST", f"{url}/", body=b"{}")))
        await arrived.wait()
        with pytest.raises(TransportError) as caught:
            await client.send(Request("POST", f"{url}/", body=b"{}"))
        may_answer.set()

        assert caught.value.applied is Applied.NO
        assert (await first).body == b"late"


@pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
async def test_no_request_is_repeated_behind_our_back_when_a_reused_connection_breaks(method: str) -> None:
    requests = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await read_request(reader)
        requests += 1

    async with raw_server(answer_once) as address, transport() as client:
        await client.send(Request("GET", f"http://{address}/first"))
        with pytest.raises(TransportError) as caught:
            await client.send(Request(method, f"http://{address}/second"))

    assert caught.value.applied is Applied.UNKNOWN
    assert requests == 1


async def test_a_closed_transport_sends_nothing() -> None:
    client = AiohttpTransport()
    await client.close()
    await client.close()

    with pytest.raises(TransportError, match="stopping") as caught:
        await client.send(Request("GET", "http://127.0.0.1:1/"))

    assert caught.value.applied is Applied.NO


def every_class_below(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(every_class_below(below) for below in kind.__subclasses__()))


def test_only_failures_before_the_request_count_as_never_left() -> None:
    """Fails when aiohttp gains an exception that the table would take for one of these."""
    never_left = {
        kind.__name__
        for kind in every_class_below(aiohttp.ClientError) | {TimeoutError, OSError, ConnectionResetError}
        if translate_failure(kind.__new__(kind)).applied is Applied.NO
    }

    assert never_left == {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientConnectorSSLError",
        "ClientConnectorCertificateError",
        "ClientProxyConnectionError",
        "ClientSSLError",
        "UnixClientConnectorError",
        "ConnectionTimeoutError",
        "InvalidURL",
        "InvalidUrlClientError",
        "InvalidUrlRedirectClientError",
        "NonHttpUrlClientError",
        "NonHttpUrlRedirectClientError",
    }


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server context with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "graph.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context
