"""One token's way to Graph: builds the request, sends it, reads the answer, repeats what may be repeated, notes the usage.

The token travels in the `Authorization` header only. The log line of a call holds the method, the path with its ids, the status,
the milliseconds and Graph's trace id; never parameters, bodies or tokens.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
import structlog

from guestlist.errors import ConfigurationError

from .base import Applied, ErrorClass, GraphError, Request, Response, Transport, TransportError
from .errors import bad_answer, build_error, lost_answer, parse_envelope, read_answer
from .proof import appsecret_proof
from .usage import UsageBook
from .wire import Document, WireError

log = structlog.get_logger(__name__)
_plain_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Parser = Callable[[Document], Answer]

_SEGMENT = re.compile(r"[A-Za-z0-9_]{1,100}")
_TOKEN = re.compile(r"[!-~]{1,4096}")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often a call is made in all, and the caps below which the pauses between are random. Units: seconds."""

    attempts: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0


@dataclass(frozen=True, slots=True)
class Connection:
    """What all callers of a factory share."""

    transport: Transport
    root: str  # base URL and version, without a slash at the end
    app_id: str | None
    app_secret: str | None = field(repr=False)
    retry: RetrySettings
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    usage: UsageBook


def build_path(node: str, *edges: str) -> str:
    """The path of a node and its edge. Errors: GraphError (`fix`) for an id that no node has, such as one with a slash."""
    if not _SEGMENT.fullmatch(node):
        raise GraphError("This is not a Graph id: only letters, digits and underscores may stand in one.", kind=ErrorClass.FIX)
    return "/".join(("", node, *edges))


def ad_account_node(ad_account_id: str) -> str:
    """The node of an ad account, whether its id was given with or without `act_`."""
    return ad_account_id if ad_account_id.startswith("act_") else f"act_{ad_account_id}"


def pause_before(attempt: int, settings: RetrySettings, rng: random.Random) -> float:
    """Seconds to pause before attempt 2, 3, …: anything below a cap that doubles, so that callers do not come back together."""
    return rng.uniform(0.0, min(settings.longest_pause, settings.first_pause * 2.0 ** (attempt - 2)))


class Caller:
    """Calls with one token. Errors of every call: GraphError."""

    __slots__ = ("_connection", "_headers", "_proof", "_token")

    def __init__(self, connection: Connection, token: str) -> None:
        self._connection = connection
        self._token = token
        self._headers = {"Authorization": f"Bearer {token}", "Accept": JSON} if _TOKEN.fullmatch(token) else None
        secret = connection.app_secret
        self._proof = {"appsecret_proof": appsecret_proof(secret, token)} if secret else {}

    async def read(self, path: str, params: Mapping[str, str], parse: Parser[Answer]) -> Answer:
        """A GET. Repeated with jitter while the fault is a passing one."""
        request = Request("GET", self._connection.root + path, self._bearer(), {**params, **self._proof})
        return await self._call(request, path, parse, write=False)

    async def write(self, path: str, body: Mapping[str, Any], parse: Parser[Answer]) -> Answer:
        """A POST with a JSON body. Repeated only where it surely had no effect."""
        headers = {**self._bearer(), "Content-Type": JSON}
        request = Request("POST", self._connection.root + path, headers, body=orjson.dumps({**body, **self._proof}))
        return await self._call(request, path, parse, write=True)

    async def delete(self, path: str, parse: Parser[Answer], params: Mapping[str, str] | None = None) -> Answer:
        """A DELETE. Repeated only where it surely had no effect."""
        request = Request("DELETE", self._connection.root + path, self._bearer(), {**(params or {}), **self._proof})
        return await self._call(request, path, parse, write=True)

    async def inspect_token(self, parse: Parser[Answer]) -> Answer:
        """`debug_token` on this token, asked with the app's own credentials.

        Meta documents a GET with the token in the query. We send the same read as a form POST that names its true method,
        which Graph takes in place of any GET or DELETE, so that the token stays out of every access log on the way.
        Errors: ConfigurationError without app id and secret.
        """
        app_id, secret = self._connection.app_id, self._connection.app_secret
        if not app_id or not secret:
            raise ConfigurationError(
                "The Meta app's id and secret are needed to check a token.", remedy="Set the app id and the app secret."
            )
        if not _TOKEN.fullmatch(f"{app_id}|{secret}"):
            raise ConfigurationError(
                "The Meta app's id or secret holds a character that cannot be in one.",
                remedy="Copy both again from the App Dashboard.",
            )
        self._bearer()
        headers = {"Authorization": f"Bearer {app_id}|{secret}", "Accept": JSON, "Content-Type": FORM}
        body = urlencode({"method": "GET", "input_token": self._token}).encode()
        request = Request("POST", self._connection.root + "/debug_token", headers, body=body)
        return await self._call(request, "/debug_token", parse, write=False)

    @property
    def app_id(self) -> str | None:
        """The app these calls are made for."""
        return self._connection.app_id

    def _bearer(self) -> dict[str, str]:
        """Errors: the same GraphError Graph gives for a dead token, where the text could not even travel in a header."""
        if self._headers is None:
            raise build_error(parse_envelope({"code": 190}), write=False)
        return self._headers

    async def _call(self, request: Request, path: str, parse: Parser[Answer], *, write: bool) -> Answer:
        connection = self._connection
        attempt = 1
        while True:
            try:
                return await self._exchange(request, path, parse, write=write)
            except GraphError as error:
                # A read's errors are always NO, so one rule serves both: a passing fault that surely had no effect.
                repeatable = error.kind is ErrorClass.RETRY and error.applied is Applied.NO
                if not repeatable or attempt >= connection.retry.attempts:
                    raise
            attempt += 1
            await connection.sleep(pause_before(attempt, connection.retry, connection.rng))

    async def _exchange(self, request: Request, path: str, parse: Parser[Answer], *, write: bool) -> Answer:
        started = time.perf_counter()
        try:
            response = await self._connection.transport.send(request)
        except TransportError as error:
            _log_call(request.method, path, started, failure=error.sentence)
            raise lost_answer(error, write=write) from None
        self._connection.usage.note(path.split("/", 2)[1], response.headers)
        try:
            answer = _parse(response, parse, write=write)
        except GraphError as error:
            _log_call(request.method, path, started, status=response.status, trace=error.fbtrace_id, number=error.number)
            raise
        _log_call(request.method, path, started, status=response.status)
        return answer


def _parse(response: Response, parse: Parser[Answer], *, write: bool) -> Answer:
    document = read_answer(response, write=write)
    try:
        return parse(document)
    except WireError:
        failure = bad_answer(write=write, status=response.status)
    raise failure


def _log_call(method: str, path: str, started: float, **result: Any) -> None:
    if _plain_log.isEnabledFor(logging.DEBUG):  # asked of structlog, the answer "no" costs as much as building the request
        log.debug("graph call", method=method, path=path, ms=round((time.perf_counter() - started) * 1000, 1), **result)
