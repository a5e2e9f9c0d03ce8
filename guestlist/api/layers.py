"""What every request passes before it is routed, one concern a layer, outermost first: `Observed`, `Admitted`, `Bounded`,
`Repeatable`. Plain ASGI: errors they raise are answered by `Observed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestlist.actions import access, idempotency
from guestlist.actions.base import Services
from guestlist.api.metrics import Metrics
from guestlist.api.problems import BodyTooLargeError, InternalError, build_problem
from guestlist.errors import GuestlistError, UnauthenticatedError, UsageError

JSON_MAX_BYTES = 1024 * 1024
LIST_MAX_BYTES = 64 * 1024 * 1024
"""Lists sent over HTTP are held in memory, because customer data is never written to disk in clear on the way."""
BATCH_MAX_BYTES = 32 * 1024 * 1024
BATCH_PATHS = frozenset({"/v1/messages/batch"})
LIST_PATHS = frozenset({"/v1/lists", "/v1/lists/check"})
KEY_LENGTH = 255
KEPT_HEADERS = ("content-type", "location")
_log = structlog.get_logger("guestlist.api")


def is_native(scope: Scope) -> bool:
    """Whether this is a request to `/v1`."""
    path: str = scope["path"]
    return path == "/v1" or path.startswith("/v1/")


class Observed:
    """Gives each request an id, counts it, and answers what the inner layers raise."""

    def __init__(self, app: ASGIApp, *, new_id: Callable[[str], str], metrics: Metrics) -> None:
        self._app = app
        self._new_id = new_id
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id, private=is_native(scope))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, tell)
            except GuestlistError as error:
                await build_problem(error, request_id)(scope, receive, tell)
            except Exception as error:
                # The boundary. The error's own text may quote a customer's data: it is told to nobody.
                _log.error("request_failed", exc_info=error)
                if status:
                    raise  # half an answer is out: the connection has to break
                unexpected = InternalError(remedy="Try again; if it stays, give the operator the id in `instance`.")
                await build_problem(unexpected, request_id)(scope, receive, tell)
            finally:
                self._metrics.count(scope, status)


def _add_headers(message: Message, request_id: str, *, private: bool) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    headers["X-Content-Type-Options"] = "nosniff"
    if private:
        headers["Cache-Control"] = "no-store"


class Admitted:
    """Lets nobody into `/v1` without an API key. Nothing of the body is read before."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection. Errors: UnauthenticatedError."""
        if scope["type"] == "http" and is_native(scope):
            key = read_key(Headers(scope=scope))
            scope["state"]["workspace_id"] = await access.authenticate(self._services, key)
        await self._app(scope, receive, send)


def read_key(headers: Headers) -> str:
    """The API key of a request. Errors: UnauthenticatedError."""
    given = headers.getlist("authorization")
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key.strip():
        raise UnauthenticatedError(
            "This needs an API key.",
            remedy="Send it as `Authorization: Bearer gl_…`. The first one is made by `guestlist keys create NAME`.",
            challenge="invalid_request",
        )
    return key.strip()


class Bounded:
    """Reads the body into memory, up to a limit; inner layers find it as `state.body`, a `BytesIO`."""

    def __init__(self, app: ASGIApp, *, list_max_bytes: int) -> None:
        self._app = app
        self._list_max_bytes = min(list_max_bytes, LIST_MAX_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection. Errors: BodyTooLargeError."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await read_body(scope, receive, self._limit(scope["path"]))
        if body is not None:  # else the client went away: nobody is left to answer
            scope["state"]["body"] = body
            await self._app(scope, _replay(body, receive), send)

    def _limit(self, path: str) -> int:
        if path in LIST_PATHS:
            return self._list_max_bytes
        return BATCH_MAX_BYTES if path in BATCH_PATHS else JSON_MAX_BYTES


async def read_body(scope: Scope, receive: Receive, limit: int) -> BytesIO | None:
    """The whole body; None where the client went away. Errors: BodyTooLargeError, by the length declared or by what came."""
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = BytesIO()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body.write(message.get("body", b""))
        if body.tell() > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            body.seek(0)
            return body


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body is larger than {limit:,} bytes.", remedy="Split it into several requests.")


def _replay(body: BytesIO, receive: Receive) -> Receive:
    told = False

    async def read() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body.getvalue(), "more_body": False}

    return read


class Repeatable:
    """Gives a POST with an Idempotency-Key one effect and one answer.

    A failure we know of (5xx) frees the key: it had no effect. An unexpected one does not, for nobody knows what it left behind.
    """

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection. Errors: those of `idempotency.begin`, UsageError `bad_idempotency_key`."""
        keys = Headers(scope=scope).getlist("idempotency-key") if scope["type"] == "http" else []
        if not keys or scope["method"] != "POST" or not is_native(scope):
            await self._app(scope, receive, send)
            return
        workspace_id, key = scope["state"]["workspace_id"], _check_key(keys)
        earlier = await idempotency.begin(self._services, workspace_id, key, digest_request(scope))
        if earlier is not None:
            headers = {**earlier.headers, "Idempotency-Replayed": "true"}
            await Response(earlier.body, earlier.status, headers=headers)(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        await self._settle(workspace_id, key, held)
        for message in held:
            await send(message)

    async def _settle(self, workspace_id: str, key: str, held: list[Message]) -> None:
        start, body = held[0], b"".join(message["body"] for message in held[1:])
        try:
            if start["status"] >= 500:
                await idempotency.forget(self._services, workspace_id, key)
                return
            headers = Headers(raw=start["headers"])
            kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
            await idempotency.finish(self._services, workspace_id, key, idempotency.Answer(start["status"], kept, body.decode()))
        except GuestlistError as error:
            # The work is done or refused, and its answer true. A repeat will learn that the answer was not kept.
            _log.warning("idempotent_answer_not_kept", code=error.code)


def _check_key(keys: list[str]) -> str:
    key = keys[0]
    if len(keys) > 1 or not 0 < len(key) <= KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"An Idempotency-Key is 1 to {KEY_LENGTH} printable ASCII characters.",
            code="bad_idempotency_key",
            remedy="Use a fresh UUID for each request.",
        )
    return key


def digest_request(scope: Scope) -> str:
    """What two requests must share to be the same: method, path, query and body, as SHA-256 hex."""
    digest = hashlib.sha256()
    body: BytesIO = scope["state"]["body"]
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body.getbuffer()):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
