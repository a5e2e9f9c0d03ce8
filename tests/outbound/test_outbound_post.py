"""The post: past the address guard on real sockets, whatever the other side does."""

import asyncio
import socket
import threading
from ipaddress import ip_network

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.telling import serving

from guestlist.outbound.base import Request
from guestlist.outbound.post import PROBLEMS, GuardedPost, name_problem

LOOPBACK = (ip_network("127.0.0.0/8"),)
HERE = "127.0.0.1"


class Names(aiohttp.abc.AbstractResolver):
    """Looks every name up in a script: one answer after the other, the last for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {"hostname": host, "host": each, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0} for each in addresses
        ]

    async def close(self):
        """Nothing to close."""


@pytest_asyncio.fixture
async def open_post():
    """Makes posts that are closed at the end."""
    made = []

    def make(allowed=(), **more):
        made.append(GuardedPost(allowed, **more))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def request(url, body=b"{}", method="POST", **headers):
    return Request(method, url, headers, body)


async def send(post, url, *, timeout=5, limit=1024, **more):
    return await post(request(url, **more), timeout=timeout, limit=limit)


class Server:
    """Notes what comes in and answers with what it is given."""

    def __init__(self, answer=lambda: web.Response(status=204)):
        self.answer = answer
        self.got = []

    async def __call__(self, incoming):
        self.got.append((incoming.method, incoming.path_qs, dict(incoming.headers), await incoming.read()))
        answer = self.answer()
        return await answer if asyncio.iscoroutine(answer) else answer


async def test_what_is_posted_arrives_as_it_is(open_post):
    server = Server()
    async with serving(server) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/in?a=%20b", body=b'{"n":1}', **{"webhook-id": "evt_1"})
    assert (answer.status, answer.problem, answer.taken) == (204, "", True)
    [(method, path, headers, body)] = server.got
    assert (method, path, body) == ("POST", "/in?a=%20b", b'{"n":1}')
    assert headers["webhook-id"] == "evt_1"
    assert headers["User-Agent"].startswith("Guestlist/")


async def test_an_address_that_leads_inward_is_never_connected_to(open_post):
    server = Server()
    async with serving(server) as port:
        for url in (
            f"http://127.0.0.1:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://localhost:{port}/",
            f"http://0.0.0.0:{port}/",
        ):
            answer = await send(open_post(), url)
            assert (answer.status, answer.problem) == (0, "refused_address")
    assert server.got == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "①②⑦.0.0.1"])
async def test_other_spellings_of_an_inward_address_are_not_connected_to(open_post, host):
    server = Server()
    async with serving(server) as port:
        answer = await send(open_post(), f"http://{host}:{port}/")
    assert (answer.status, answer.taken, server.got) == (0, False, [])


async def test_a_name_that_turns_inward_later_is_refused_then(open_post):
    """The addresses of a look-up are judged and connected to, and no others: there is no second look-up to turn."""
    names = Names([HERE], ["10.0.0.1"], ["169.254.169.254"])
    first, second = Server(), Server()
    async with serving(first) as port, serving(second) as other:
        post = open_post(LOOPBACK, resolver=names)
        assert (await send(post, f"http://shop.example:{port}/")).taken
        for _ in range(2):
            assert (await send(post, f"http://shop.example:{other}/")).problem == "refused_address"
    assert (len(first.got), second.got) == (1, [])


async def test_the_last_gate_stands_even_where_the_look_up_lies(open_post):
    """As if the name's addresses were judged, and others used: the socket itself is refused."""
    server = Server()
    async with serving(server) as port:
        post = open_post()
        session = post._open()
        session.connector._resolver = Names([HERE])
        answer = await send(post, f"http://shop.example:{port}/")
    assert (answer.problem, server.got) == ("refused_address", [])


async def test_names_are_looked_up_even_while_every_other_thread_is_busy(open_post):
    free = threading.Event()
    busy = [asyncio.get_running_loop().run_in_executor(None, free.wait) for _ in range(50)]
    server = Server()
    try:
        async with serving(server) as port:
            post = open_post((*LOOPBACK, ip_network("::1/128")))
            assert (await send(post, f"http://localhost:{port}/", timeout=5)).taken
    finally:
        free.set()
        await asyncio.gather(*busy)


async def test_of_mixed_addresses_only_the_open_ones_are_tried(open_post):
    post = open_post(LOOPBACK, resolver=Names(["10.0.0.1", HERE]))
    server = Server()
    async with serving(server) as port:
        assert (await send(post, f"http://shop.example:{port}/")).taken
    assert len(server.got) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_least_of_all_inward(open_post, status):
    inside = Server()
    async with serving(inside) as hidden:
        outside = Server(lambda: web.Response(status=status, headers={"Location": f"http://127.0.0.1:{hidden}/secret"}))
        async with serving(outside) as port:
            answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.problem) == (status, "redirected")
    assert (len(outside.got), inside.got) == (1, [])


async def test_an_endpoint_that_sends_us_in_a_circle_is_asked_once(open_post):
    server = Server(lambda: web.Response(status=302, headers={"Location": "/"}))
    async with serving(server) as port:
        assert (await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")).problem == "redirected"
    assert len(server.got) == 1


async def test_one_that_never_answers_is_left_in_time(open_post):
    async def never():
        await asyncio.sleep(3600)

    async with serving(Server(never)) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/", timeout=0.2)
    assert (answer.status, answer.problem) == (0, "timed_out")
    assert 150 <= answer.milliseconds < 3000


async def test_one_that_drips_for_ever_is_left_in_time(open_post):
    async def drip(incoming):
        answer = web.StreamResponse()
        await answer.prepare(incoming)
        while True:
            await answer.write(b".")
            await asyncio.sleep(0.02)

    async with serving(drip) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/", timeout=0.3)
    assert answer.problem == "timed_out"


async def test_only_the_beginning_of_an_answer_is_read(open_post):
    written = 0

    async def endless(incoming):
        nonlocal written
        answer = web.StreamResponse()
        await answer.prepare(incoming)
        while written < 1 << 28:
            await answer.write(b"x" * 65536)
            written += 65536
        return answer

    async with serving(endless) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/", limit=1024)
    assert (answer.status, answer.body) == (200, b"x" * 1024)
    assert written < 1 << 26


async def test_a_refusal_is_an_answer_with_its_words(open_post):
    async with serving(Server(lambda: web.Response(status=503, text="busy"))) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.body, answer.problem) == (503, b"busy", "refused")


async def test_a_packed_answer_is_not_unpacked(open_post):
    packed = web.Response(body=b"\x1f\x8bpacked", headers={"Content-Encoding": "gzip"})
    async with serving(Server(lambda: packed)) as port:
        answer = await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")
    assert answer.body == b"\x1f\x8bpacked"


async def test_one_that_is_not_there_or_speaks_no_http_is_a_failure(open_post):
    async def babble(reader, writer):
        writer.write(b"hello\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert (await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")).problem == "not_http"
    server.close()
    await server.wait_closed()
    assert (await send(open_post(LOOPBACK), f"http://127.0.0.1:{port}/")).problem == "no_connection"
    assert (await send(open_post(LOOPBACK), f"https://127.0.0.1:{port}/")).problem == "no_connection"


async def test_the_environments_proxy_is_not_used(open_post, monkeypatch):
    proxy = Server()
    async with serving(proxy) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        await send(open_post(LOOPBACK), "http://127.0.0.1:9/", timeout=2)
    assert proxy.got == []


def test_every_exception_of_aiohttps_has_a_word():
    known = {kind for kind, _ in PROBLEMS}
    public = [
        each
        for name in aiohttp.__all__
        if isinstance(each := getattr(aiohttp, name), type) and issubclass(each, aiohttp.ClientError)
    ]
    assert [each for each in public if not any(issubclass(each, kind) for kind in known)] == []
    assert name_problem(TimeoutError()) == "timed_out"
