"""Posts to addresses that strangers chose: never inward, never on to somewhere else, never longer or larger than allowed.

The guard sits where a socket is made, so the address that was judged is the address that is connected to: a name that points
elsewhere a moment later gains nothing. Redirects are not followed, proxies of the environment not used, answers not unpacked.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from guestlist.domain.networks import Network, is_open, parse_address

from .base import Answer, Request

CONNECT_SECONDS = 5.0
KEEP_ALIVE = 4.0
CONNECTIONS = 512
"""Sockets to all endpoints together. An endpoint that fails holds two of them at most (`actions/notices.py`)."""

LOOK_UPS = 64
"""Names looked up at the same time."""

NOT_SENT = "refused_address"

PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "no_such_host"),
    (aiohttp.ClientConnectorCertificateError, "bad_certificate"),
    (aiohttp.ClientSSLError, "no_tls"),
    (aiohttp.ConnectionTimeoutError, "no_connection"),
    (aiohttp.ClientConnectorError, "no_connection"),
    (aiohttp.InvalidURL, "bad_url"),
    (aiohttp.NonHttpUrlClientError, "bad_url"),
    (TimeoutError, "timed_out"),
    (aiohttp.ClientResponseError, "not_http"),
    (aiohttp.ClientError, "connection_broken"),
    (OSError, "connection_broken"),
)
"""aiohttp's exception and our word. The first that fits counts."""


class AddressRefusedError(OSError):
    """The address is not one we connect to."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "the address is private")


class OwnThreads(AbstractResolver):
    """Looks names up in threads of its own: names that hang must not hold up the rest of the process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="look-up")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Every address of a host. Errors: OSError where it has none."""
        look = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Lets the threads go; a look-up that hangs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """Looks names up and keeps the addresses that are open. Errors: AddressRefusedError where none is."""

    def __init__(self, allowed: Sequence[Network], inner: AbstractResolver) -> None:
        self._allowed = allowed
        self._inner = inner

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The open addresses of a host."""
        found = await self._inner.resolve(host, port, family)
        kept = [each for each in found if _may_connect(each["host"], self._allowed)]
        if found and not kept:
            raise AddressRefusedError
        return kept

    async def close(self) -> None:
        """Closes what looks names up."""
        await self._inner.close()


def guarded_sockets(allowed: Sequence[Network] = ()) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Makes the socket for an address (family, kind, protocol, name, address) about to be connected to.

    The last gate, past which no name is looked up. Errors: AddressRefusedError where the address is not open.
    """

    def make_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = info
        if not _may_connect(str(target[0]), allowed):
            raise AddressRefusedError
        return socket.socket(family, kind, protocol)

    return make_socket


def _may_connect(host: str, allowed: Sequence[Network]) -> bool:
    address = parse_address(host)
    return address is not None and is_open(address, allowed)


class GuardedPost:
    """Implements `outbound.base.Post` over aiohttp. Units: seconds, bytes."""

    def __init__(self, allowed: Sequence[Network] = (), *, resolver: AbstractResolver | None = None) -> None:
        self._allowed = tuple(allowed)
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._agent = f"Guestlist/{version('guestlist')}"

    async def __call__(self, request: Request, *, timeout: float, limit: int) -> Answer:
        """The answer, with at most `limit` bytes of its body, within `timeout`; a failure is an answer with status 0."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                status, body = await self._exchange(request, limit)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(0, problem=name_problem(error), milliseconds=_since(started))
        return Answer(status, body, problem=judge_status(status), milliseconds=_since(started))

    async def _exchange(self, request: Request, limit: int) -> tuple[int, bytes]:
        session = self._session or self._open()
        headers = {"User-Agent": self._agent, "Accept-Encoding": "identity", **request.headers}
        url = URL(request.url, encoded=request.url.isascii())  # as it was given; letters of other scripts are encoded
        async with session.request(
            request.method, url, data=request.body or None, headers=headers, allow_redirects=False
        ) as answer:
            body = b""
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) >= limit:
                    answer.close()  # the rest is not wanted, nor is the connection it would come on
                    break
            return answer.status, body[:limit]

    def _open(self) -> aiohttp.ClientSession:
        """Made at the first call, because a session belongs to the running event loop."""
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._allowed, self._resolver or OwnThreads()),
            socket_factory=guarded_sockets(self._allowed),
            limit=CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        self._session._retry_connection = False  # aiohttp would repeat a GET by itself
        return self._session

    async def close(self) -> None:
        """Closes all connections. Safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def name_problem(error: Exception) -> str:
    """Our word for a failure."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressRefusedError):
        return NOT_SENT
    return next((word for kind, word in PROBLEMS if isinstance(error, kind)), "bad_url")


def judge_status(status: int) -> str:
    """ "" for a 2xx; else why it is no success. A redirect is none: we do not follow it."""
    if 200 <= status < 300:
        return ""
    return "redirected" if 300 <= status < 400 else "refused"


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
