"""Errors as RFC 9457 problems. Every refusal of the API is one, whoever raised it, and none repeats what was sent.

A problem names the rule (`code`, stable), what happened (`detail`) and the way out (`remedy`). Values of the request never come
back: they may be a token, a phone number or a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from guestlist.errors import DependencyError, GuestlistError, NotFoundError, UnauthenticatedError, UsageError, type_of

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
RETRY_AFTER = 5
"""Seconds a client should wait when something we depend on is down."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}", re.ASCII)


class MalformedJsonError(UsageError):
    """The body is no JSON."""

    code = "malformed_json"


class InvalidRequestError(UsageError):
    """A field of the request is missing or wrong."""

    code = "invalid_request"
    status = 422


class BodyTooLargeError(UsageError):
    """The body is too large."""

    code = "body_too_large"
    status = 413


class MediaTypeError(UsageError):
    """The body is of a kind this address does not take."""

    code = "unsupported_media_type"
    status = 415


class UnknownPathError(NotFoundError):
    """There is no such address."""

    code = "unknown_path"


class WrongMethodError(UsageError):
    """This address does not take that method."""

    code = "wrong_method"
    status = 405


class NotReadyError(DependencyError):
    """This server cannot work yet."""

    code = "not_ready"


class InternalError(GuestlistError):
    """Something unexpected happened here."""


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where it is, such as `body.name` or `query.limit`.", examples=["body.name"])
    code: str = Field(description="The rule it breaks.", examples=["missing"])
    message: str = Field(description="The rule in words.", examples=["Field required"])


class Problem(BaseModel):
    """An error (RFC 9457). Further members depend on the code."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:guestlist:error:` and the code.", examples=["urn:guestlist:error:not_found"])
    title: str = Field(description="The kind of error.", examples=["No such thing in this workspace."])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened, for a person.")
    code: str = Field(description="Stable: build on this one.", examples=["not_found"])
    remedy: str = Field(description="The way out, for a person. May be empty.")
    instance: str = Field(description="The id of this request, also in `X-Request-Id`.", examples=["req_01h"])
    errors: list[FieldProblem] | None = Field(None, description="The wrong fields, with code `invalid_request`.")


def build_problem(error: GuestlistError, request_id: str) -> Response:
    """The answer for an error."""
    content = {**show_problem(error), "instance": request_id}
    body = orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, error.status, headers=_headers(error), media_type=MEDIA_TYPE)


def show_problem(error: GuestlistError) -> dict[str, Any]:
    """An error's members, but for the request it belongs to."""
    return {
        **error.data,
        "type": type_of(error.code),
        "title": (type(error).__doc__ or "").splitlines()[0],
        "status": error.status,
        "detail": error.sentence,
        "code": error.code,
        "remedy": error.remedy,
    }


def _headers(error: GuestlistError) -> dict[str, str]:
    if isinstance(error, UnauthenticatedError):
        return {"WWW-Authenticate": f'Bearer realm="guestlist", error="{error.data.get("challenge", "invalid_token")}"'}
    if isinstance(error, WrongMethodError):
        return {"Allow": ", ".join(error.data["allowed"])}
    if isinstance(error, BodyTooLargeError):
        return {"Connection": "close"}  # the rest of the body is never read
    retry_after = error.data.get("retry_after", RETRY_AFTER if isinstance(error, DependencyError) else None)
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


async def answer_known(request: Request, error: Exception) -> Response:
    """Handler of our own errors."""
    assert isinstance(error, GuestlistError)
    return build_problem(error, request.state.request_id)


async def answer_http(request: Request, error: Exception) -> Response:
    """Handler of what routing and body parsing raise."""
    assert isinstance(error, HTTPException)
    return build_problem(_translate(request, error), request.state.request_id)


def _translate(request: Request, error: HTTPException) -> GuestlistError:
    if error.status_code == 404:
        return UnknownPathError(remedy="See /docs for every address.")
    if error.status_code == 405:
        return WrongMethodError(remedy="See /docs.", allowed=allowed_methods(request.app.routes, request.scope))
    return MalformedJsonError(remedy="Send one JSON object in UTF-8, not nested too deeply.")


def allowed_methods(routes: Sequence[BaseRoute], scope: Mapping[str, Any]) -> list[str]:
    """The methods that some route takes at this path."""

    def takes(method: str) -> bool:
        return any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)

    return [method for method in METHODS if takes(method)]


async def answer_invalid(request: Request, error: Exception) -> Response:
    """Handler of requests whose fields do not fit: each field, never its value."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return build_problem(MalformedJsonError(remedy="Send one JSON object."), request.state.request_id)
    if any(each["loc"] == ("body",) for each in found) and "json" not in request.headers.get("content-type", "").lower():
        wrong = MediaTypeError("A JSON body is needed here.", remedy="Send it with Content-Type: application/json.")
        return build_problem(wrong, request.state.request_id)
    remedy = "See `errors` for each field, and /docs for the rules."
    return build_problem(InvalidRequestError(remedy=remedy, errors=describe_fields(found)), request.state.request_id)


def describe_fields(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What is wrong with each field, from pydantic's errors; never its value."""
    return [{"field": _place(each["loc"]), "code": each["type"], "message": each["msg"]} for each in found]


def _place(location: Sequence[str | int]) -> str:
    """Where a field is; a name the client made up is shown only when it looks like one."""
    return ".".join(str(part) if isinstance(part, int) or _PLAIN.fullmatch(part) else "?" for part in location)
