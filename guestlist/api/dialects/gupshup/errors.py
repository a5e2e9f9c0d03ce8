"""Gupshup's errors: `{"status": "error", "message": "…"}` (4.5). Values of the request never come back."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from guestlist.api.dialects.base import answer_json
from guestlist.errors import GuestlistError, UnauthenticatedError, UsageError

AUTHENTICATION_FAILED = "Authentication Failed"
INVALID_DESTINATION = "Invalid Destination"
INVALID_APP = "Invalid App Details"


class BadCallError(UsageError):
    """The request cannot be meant like this."""

    code = "bad_call"


def invalid_destination() -> BadCallError:
    """Nobody can be reached there."""
    return BadCallError(INVALID_DESTINATION, code="invalid_destination")


def invalid_app() -> BadCallError:
    """No Page or account of ours is meant, or several are."""
    return BadCallError(INVALID_APP, code="invalid_app")


def tell_error(error: GuestlistError) -> Response:
    """The answer for an error."""
    message = _sentence(error)
    headers = {"Allow": ", ".join(error.data["allowed"])} if "allowed" in error.data else {}
    return answer_json({"status": "error", "message": message}, _status(error), headers)


def _sentence(error: GuestlistError) -> str:
    if isinstance(error, UnauthenticatedError):
        return AUTHENTICATION_FAILED
    return " ".join(filter(None, (error.sentence, error.remedy)))


def _status(error: GuestlistError) -> int:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status == HTTPStatus.UNAUTHORIZED:
        return error.status
    if error.code in ("unknown_path", "wrong_method", "body_too_large"):
        return error.status
    return HTTPStatus.BAD_REQUEST
