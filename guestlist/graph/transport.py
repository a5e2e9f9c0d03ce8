"""The real transport: aiohttp behind the one-call seam, telling apart what never left from what may have arrived.

It follows no redirect, keeps no cookie, reads no proxy setting from the environment and caps every body. Failures are
raised without their cause: aiohttp's exceptions carry the request's headers, and with them the token.
"""

from __future__ import annotations

from io import BytesIO
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from .base import Applied, Request, Response, TransportError

BODY_CAP = 8 * 1024 * 1024
"""Bytes. The largest answer we ask for, 1,000 tokens, is under 1 MiB."""

BIG_BODY = 512 * 1024
"""Bytes. A batch of 10,000 rows is one to four MiB."""

FAILURES: tuple[tuple[type[Exception], Applied, str], ...] = (
    (aiohttp.ClientConnectorDNSError, Applied.NO, "Graph's host name cannot be found: check the network and the base URL."),
    (
        aiohttp.ClientConnectorCertificateError,
        Applied.NO,
        "Graph's certificate is not trusted: check the base URL and any proxy.",
    ),
    (aiohttp.ClientSSLError, Applied.NO, "No TLS connection to Graph could be made: check the base URL and any proxy."),
    (aiohttp.ClientConnectorError, Applied.NO, "No connection to Graph could be made."),
    (aiohttp.ConnectionTimeoutError, Applied.NO, "No connection to Graph could be made in time."),
    (aiohttp.InvalidURL, Applied.NO, "The Graph base URL is not a URL: check the setting."),
    (aiohttp.NonHttpUrlClientError, Applied.NO, "The Graph base URL must start with https:// or http://."),
    (TimeoutError, Applied.UNKNOWN, "Graph did not answer in time."),
    (aiohttp.ClientPayloadError, Applied.UNKNOWN, "Graph's answer was cut short."),
    (aiohttp.ClientConnectionError, Applied.UNKNOWN, "The connection to Graph broke before the answer came."),
    (aiohttp.ClientResponseError, Applied.UNKNOWN, "Graph's answer was not proper HTTP."),
    (aiohttp.ClientError, Applied.UNKNOWN, "The call to Graph failed."),
    (OSError, Applied.UNKNOWN, "The connection to Graph failed."),
)
"""aiohttp's exception, whether the request may have arrived, and the sentence. The first that fits counts."""


class AiohttpTransport:
    """A pool of connections to Graph.

    Units: time-outs in seconds, `connect` for a free connection with name look-up and TLS, `total` for the whole exchange;
    `body_cap` in bytes after decompression. `keep_alive` stays below the 5 s after which common servers close an idle
    connection, so that a request is seldom written into one that is just being closed.
    """

    def __init__(
        self,
        *,
        connect: float = 10.0,
        total: float = 30.0,
        connections: int = 512,
        keep_alive: float = 4.0,
        body_cap: int = BODY_CAP,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=connect)
        self._connections = connections
        self._keep_alive = keep_alive
        self._body_cap = body_cap
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: Request) -> Response:
        """The whole answer. Errors: TransportError, with `applied` NO only where the request surely never left."""
        if self._closed:
            raise TransportError("The Graph connection is closed: the server is stopping.", applied=Applied.NO)
        session = self._session or self._open()
        try:
            async with session.request(
                request.method, encode_url(request), data=_feed(request.body), headers=request.headers, allow_redirects=False
            ) as answer:
                body = await self._read(answer)
                return Response(answer.status, answer.headers, body)
        except (aiohttp.ClientError, OSError) as error:
            failure = translate_failure(error)
        raise failure  # here, outside the handler, so that it does not drag aiohttp's exception along

    async def close(self) -> None:
        """Closes all connections; later calls are refused. Safe to repeat."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        """Made at the first call, because a session belongs to the running event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=self._keep_alive),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        # aiohttp repeats a DELETE by itself when a reused connection breaks, though the first may have had its effect.
        self._session._retry_connection = False
        return self._session

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > self._body_cap:
                answer.close()
                raise TransportError("Graph's answer is larger than any it should give.", applied=Applied.UNKNOWN)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def translate_failure(error: Exception) -> TransportError:
    """Our error for one of aiohttp's, by the table; asyncio's time-out is a TimeoutError, and so an OSError."""
    for kind, applied, sentence in FAILURES:
        if isinstance(error, kind):
            return TransportError(sentence, applied=applied)
    return TransportError("The call to Graph failed.", applied=Applied.UNKNOWN)


def _feed(body: bytes | None) -> bytes | BytesIO | None:
    """A big body in a form that aiohttp writes piece by piece, so that a full batch does not hold up the other calls."""
    return BytesIO(body) if body is not None and len(body) > BIG_BODY else body


def encode_url(request: Request) -> URL:
    """The URL with every reserved character of the parameters escaped, as Meta's guide prints its filter."""
    query = urlencode(request.params, quote_via=quote, safe="") if request.params else ""
    return URL(f"{request.url}?{query}" if query else request.url, encoded=True)
