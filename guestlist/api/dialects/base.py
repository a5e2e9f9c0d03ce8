"""What all dialects share: how a request finds its door, who it speaks for, and how its errors are told.

    request ──► Door (method and path) ──► identify (key -> workspace) ──► handler; errors by `tell_error`

A dialect is data: its prefixes, its doors, and three functions. It is served before `/v1`'s own layers, so that no refusal of
theirs reaches its clients.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote

import orjson
import structlog
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from guestlist.actions import access
from guestlist.actions.base import Services
from guestlist.api.caller import Caller
from guestlist.api.layers import read_body
from guestlist.api.problems import (
    METHODS,
    InternalError,
    InvalidRequestError,
    MalformedJsonError,
    UnknownPathError,
    WrongMethodError,
    describe_fields,
)
from guestlist.errors import GuestlistError, UnauthenticatedError, UsageError

BODY_MAX_BYTES = 1024 * 1024
_log = structlog.get_logger("guestlist.api.dialects")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request before anybody knows whose it is. `path` holds the parameters of its door's template."""

    services: Services
    method: str
    url: str = field(repr=False)  # as it was asked for, without the query
    path: Mapping[str, str]
    query: Sequence[tuple[str, str]] = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def find_query(self, name: str) -> str | None:
        """The last value given for a name in the query."""
        return dict(self.query).get(name)


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its caller: what a handler is given."""

    caller: Caller
    asked: Asked

    @property
    def services(self) -> Services:
        """What serves it."""
        return self.caller.services

    @property
    def workspace_id(self) -> str:
        """The one workspace it may see."""
        return self.caller.workspace_id

    @property
    def path(self) -> Mapping[str, str]:
        """The parameters in its path."""
        return self.asked.path

    def json(self) -> Any:
        """The body. Errors: MalformedJsonError."""
        return parse_json(self.asked.body)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """One method at one path below a dialect's prefixes. An `open` one is called without credentials, for no workspace."""

    method: str
    path: str  # a template, such as "/messages/{message_id}"
    handler: Handler
    open: bool = False
    max_bytes: int = BODY_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Dialect:
    """A vendor's API.

    `identify` says whose a request is (UnauthenticatedError where nobody's, NotAllowedError for another workspace's address).
    `tell_error` shapes every error. With `key_in_body` the body is read before it is known whose it is.
    """

    name: str
    prefixes: Sequence[str]  # templates, such as "/apispaces/{space}"
    doors: Sequence[Door]
    identify: Callable[[Asked], Awaitable[Caller]]
    tell_error: Callable[[GuestlistError], Response]
    key_in_body: bool = False


class DialectApp:
    """ASGI app of one dialect, found by the fixed beginning of its prefixes."""

    def __init__(self, dialect: Dialect, services: Services) -> None:
        self._dialect = dialect
        self._services = services
        self._roots = tuple(prefix.partition("{")[0].rstrip("/") for prefix in dialect.prefixes)
        self._prefixes = [compile_path(prefix + "/{rest:path}")[0] for prefix in dialect.prefixes]
        self._doors = [
            (compile_path(prefix + door.path)[0], prefix + door.path, door)
            for prefix in dialect.prefixes
            for door in dialect.doors
        ]

    def owns(self, path: str) -> bool:
        """Whether a path is this dialect's."""
        return any(path == root or path.startswith(root + "/") for root in self._roots)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Nothing escapes: what is unexpected is logged and told as an error of the dialect."""
        try:
            response = await self._answer(scope, receive)
        except GuestlistError as error:
            response = self._dialect.tell_error(error)
        except Exception as error:
            # The boundary. The error's own text may quote a customer's data: it is told to nobody.
            _log.error("request_failed", dialect=self._dialect.name, exc_info=error)
            remedy = "Try again; if it stays, give the operator the id in `X-Request-Id`."
            response = self._dialect.tell_error(InternalError(remedy=remedy))
        if response is not None:
            response.headers["Cache-Control"] = "no-store"
            await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        door, path = self._find_door(scope)
        headers = Headers(scope=scope)
        asked = Asked(
            services=self._services,
            method=scope["method"],
            url=_url_of(scope, headers),
            path=path,
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers=headers,
        )
        if any("\x00" in text for text in (*path.values(), *(text for pair in asked.query for text in pair))):
            raise UsageError("There is a NUL in the address.", code="bad_address", remedy="Leave it out.")
        dialect = self._dialect
        nobody = Caller(self._services, "")
        caller = nobody if (door and door.open) or dialect.key_in_body else await dialect.identify(asked)
        limit = door.max_bytes if door else BODY_MAX_BYTES
        body = await read_body(scope, receive, limit)
        if body is None:
            return None  # the client went away: nobody is left to answer
        asked = replace(asked, body=body.getvalue())
        if dialect.key_in_body and not (door and door.open):
            caller = await dialect.identify(asked)
        if door is None:
            raise self._no_door(scope)
        return await door.handler(Call(caller, asked))

    def _find_door(self, scope: Scope) -> tuple[Door | None, Mapping[str, str]]:
        path = _path_of(scope)
        for pattern, template, door in self._doors:
            if door.method == scope["method"] and (found := pattern.match(path)):
                scope["route"] = _Template(template)  # what metrics count it under
                return door, _read_parameters(found)
        below = (pattern.match(path + "/") for pattern in self._prefixes)
        prefix = next((found for found in below if found), None)
        return None, _read_parameters(prefix) if prefix else {}

    def _no_door(self, scope: Scope) -> GuestlistError:
        path = _path_of(scope)
        taken = {door.method for pattern, _, door in self._doors if pattern.match(path)}
        if taken:
            return WrongMethodError(remedy="See the docs.", allowed=[each for each in METHODS if each in taken])
        return UnknownPathError(remedy=f"See the docs for what the {self._dialect.name} dialect answers.")


@dataclass(frozen=True, slots=True)
class _Template:
    path: str


def _path_of(scope: Scope) -> str:
    """The path as it was sent, still quoted: an id may hold a slash."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("latin-1").rstrip("/") or "/"


def _read_parameters(found: re.Match[str]) -> Mapping[str, str]:
    return {name: unquote(value, errors="replace") for name, value in found.groupdict().items()}


def _url_of(scope: Scope, headers: Headers) -> str:
    host = headers.get("host", "localhost")
    return f"{scope.get('scheme', 'http')}://{host}{scope['path']}"


class Dialects:
    """ASGI layer: requests below a dialect's prefix go there, everything else goes on inward."""

    def __init__(self, app: ASGIApp, *, services: Services, dialects: Sequence[Dialect]) -> None:
        self._app = app
        self._dialects = [DialectApp(dialect, services) for dialect in dialects]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands one connection on."""
        if scope["type"] == "http":
            for dialect in self._dialects:
                if dialect.owns(scope["path"]):
                    await dialect(scope, receive, send)
                    return
        await self._app(scope, receive, send)


# -- what handlers share --------------------------------------------------------------------------------------------


async def admit(services: Services, key: str) -> Caller:
    """The caller an API key speaks for. Errors: UnauthenticatedError."""
    if not key:
        raise UnauthenticatedError("This needs an API key.", remedy="Make one with `guestlist keys create NAME`.")
    return Caller(services, await access.authenticate(services, key))


def find_bearer(headers: Headers) -> str:
    """Everything after `Bearer `, blanks in it too; "" where there is none."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else ""


def find_basic(headers: Headers) -> tuple[str, str]:
    """User and password of HTTP Basic; empty where there are none or they cannot be read."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def parse_json(body: bytes) -> Any:
    """JSON of a body. Errors: MalformedJsonError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedJsonError(remedy="Send JSON in UTF-8, not nested too deeply.") from None


def check_model(model: type[Model], given: Any) -> Model:
    """What was given, tamed. Errors: InvalidRequestError; its `errors` name each field, never its value."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        remedy = "See each field's message."
        raise InvalidRequestError(remedy=remedy, errors=describe_fields(error.errors())) from None


def answer_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")
