"""HTTP out to providers of SMS: one exchange, whose failure says whether the request may have arrived.

Redirects are not followed, no cookie is kept, no proxy of the environment used, answers are cut at a megabyte. Which addresses
may be connected to is decided where sockets are made: `make_socket` raises OSError (EACCES) for one that may not.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import aiohttp
from yarl import URL

MakeSocket = Callable[[tuple[Any, ...]], socket.socket]
"""Makes the socket for an address (family, kind, protocol, name, address) about to be connected to."""

LARGEST_ANSWER = 1024 * 1024
"""Bytes."""

NOT_LEFT: tuple[tuple[type[Exception], str, str], ...] = (
    (aiohttp.ClientConnectorDNSError, "no_such_host", "The provider's host name cannot be found."),
    (aiohttp.ClientConnectorCertificateError, "bad_certificate", "The provider's certificate is not trusted."),
    (aiohttp.ClientSSLError, "no_tls", "No TLS connection to the provider could be made."),
    (aiohttp.ClientConnectorError, "no_connection", "No connection to the provider could be made."),
    (aiohttp.ConnectionTimeoutError, "no_connection", "No connection to the provider could be made in time."),
    (aiohttp.InvalidURL, "bad_url", "The provider's address is not a URL."),
    (aiohttp.NonHttpUrlClientError, "bad_url", "The provider's address must start with https:// or http://."),
)
"""Failures before anything was sent: aiohttp's exception, our word, the sentence. The first that fits counts."""

PRIVATE = ("private_address", "The provider's address lies in a private network that GUESTLIST_ALLOW_NETWORKS does not list.")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent. Headers and body may hold secrets and people's data."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """No answer. `left`: the request may have arrived; without it, it surely has not."""

    left: bool
    code: str
    sentence: str


class Http:
    """A pool of connections to providers. Units: seconds."""

    def __init__(self, make_socket: MakeSocket | None = None, *, connect: float = 5.0, total: float = 30.0) -> None:
        self._make_socket = make_socket
        self._timeout = aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=connect)
        self._session: aiohttp.ClientSession | None = None
        self._agent = f"Guestlist/{version('guestlist')}"

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        """One exchange. Never raises for what the network does."""
        session = self._session or self._open()
        headers = {"User-Agent": self._agent, **request.headers}
        try:
            async with session.request(
                request.method, URL(request.url, encoded=True), data=request.body, headers=headers, allow_redirects=False
            ) as answer:
                body = await _read(answer)
                return HttpAnswer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return name_failure(error)

    def _open(self) -> aiohttp.ClientSession:
        """Made at the first call, because a session belongs to the running event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                socket_factory=self._make_socket, keepalive_timeout=4.0, limit=512, limit_per_host=128
            ),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self._session._retry_connection = False  # aiohttp would repeat a GET by itself
        return self._session

    async def close(self) -> None:
        """Closes all connections. Safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) >= LARGEST_ANSWER:
            answer.close()  # the rest is not wanted
            break
    return body[:LARGEST_ANSWER]


def name_failure(error: Exception) -> HttpFailure:
    """What a failure means. The error's own text is left out: it may quote the URL or a header."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno == errno.EACCES:
        return HttpFailure(False, *PRIVATE)
    for kind, code, sentence in NOT_LEFT:
        if isinstance(error, kind):
            return HttpFailure(False, code, sentence)
    if isinstance(error, TimeoutError):
        return HttpFailure(True, "timed_out", "The provider did not answer in time.")
    if isinstance(error, ValueError) and not isinstance(error, aiohttp.ClientError):
        return HttpFailure(False, "bad_request", "The request cannot be written as HTTP.")
    return HttpFailure(True, "answer_lost", "The connection to the provider broke before the answer came.")
