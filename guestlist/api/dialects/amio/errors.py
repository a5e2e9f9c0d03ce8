"""Amio's errors: `{timestamp, status{code, message}, errors[{message, field}]}` (3.1). Values of the request never come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from guestlist.api.dialects.base import answer_json
from guestlist.api.problems import InvalidRequestError, MalformedJsonError, WrongMethodError
from guestlist.errors import GuestlistError, UnauthenticatedError, UsageError

from .words import tell_time

UNKNOWN_IN_BODY = ("unknown_contact", "unknown_channel")
"""What a body names and does not exist: a fault of the body, not of the address."""

UPSTREAM = ("reconnect_needed", "graph_reconnect", "graph_retry", "graph_wait")
"""The platform behind a channel does not work for us now, whatever the request says."""

FIELDS: tuple[tuple[str, str], ...] = (
    ("content.text", ".content.payload"),
    ("content.parts.0", ".content.payload"),
    ("content.template", ".content.payload"),
    ("content.quick_replies", ".content.quick_replies"),
    ("content", ".content"),
    ("options", ".metadata"),
    ("config", ".provider"),
    ("secrets", ".provider"),
    ("sender", ".provider.sender_id"),
)
"""Where our name of a field stands in Amio's body, the longest first."""


class UpstreamError(GuestlistError):
    """The platform behind the channel failed."""

    code = "upstream_failed"
    status = 502


def wrong(field: str, message: str) -> InvalidRequestError:
    """One field is wrong: its dotted place, "" for the whole body."""
    return InvalidRequestError(errors=[{"field": field, "code": "invalid", "message": message}])


def missing(field: str) -> InvalidRequestError:
    """A property is not there."""
    return InvalidRequestError(errors=[{"field": field, "code": "missing", "message": ""}])


def tell_error(error: GuestlistError) -> Response:
    """The answer for an error."""
    status = _status(error)
    content = {
        "timestamp": tell_time(datetime.now(UTC)),
        "status": {"code": status, "message": HTTPStatus(status).phrase},
        "errors": _list(error),
    }
    headers = {"Allow": ", ".join(error.data["allowed"])} if isinstance(error, WrongMethodError) else {}
    return answer_json(content, status, headers)


def _status(error: GuestlistError) -> int:
    if error.code in UPSTREAM:
        return HTTPStatus.BAD_GATEWAY
    if error.code in UNKNOWN_IN_BODY or error.status == HTTPStatus.CONFLICT:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, UsageError) and error.status == HTTPStatus.BAD_REQUEST and not isinstance(error, MalformedJsonError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return error.status


def _list(error: GuestlistError) -> list[dict[str, str]]:
    if isinstance(error, UnauthenticatedError):
        return [{"message": "Wrong accessToken."}]
    if found := error.data.get("errors"):
        return [_field(each) for each in found]
    told = {"message": " ".join(filter(None, (error.sentence, error.remedy)))}
    return [{**told, "field": _place(error.data["field"])} if "field" in error.data else told]


def _field(problem: Mapping[str, Any]) -> dict[str, str]:
    """A problem with one field. A missing one is told of the object that lacks it."""
    place, code, message = problem["field"], problem["code"], problem["message"].removeprefix("Value error, ")
    if code == "missing" and "channel" not in problem:
        parent, _, name = place.rpartition(".")
        return {"message": f"Missing property '{name}'.", "field": _place(parent)}
    return {"message": message[:1].upper() + message[1:], "field": _place(place)}


def _place(field: str) -> str:
    for ours, theirs in FIELDS:
        if field == ours or field.startswith(ours + "."):
            return theirs + field[len(ours) :]
    return f".{field}"
