"""Comapi's errors: 400 as `{"validationFailures": [{paramName, message}]}`, everything else as code and description (2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from guestlist.api.dialects.base import answer_json
from guestlist.api.problems import RETRY_AFTER
from guestlist.errors import DependencyError, GuestlistError, UnauthenticatedError, UsageError

Failure = dict[str, str]
"""What is wrong with one parameter. Shape: paramName, message."""

PARAMETERS: Mapping[str, str] = {
    "bad_expiry": "expiresOn",
    "metadata_too_long": "metadata",
    "empty_rules": "rules",
    "account_not_named": "rules",
    "unknown_account": "rules",
    "unknown_contact": "to",
    "unknown_messaging_type": "channelOptions.fbMessenger.messagingType",
    "tag_with_type": "channelOptions.fbMessenger.messagingType",
    "template_missing": "channelOptions.fbMessenger.messagingType",
    "unknown_tag": "channelOptions.fbMessenger.messageTag",
    "tag_missing": "channelOptions.fbMessenger.messageTag",
    "tag_needs_template": "channelOptions.fbMessenger.messageTag",
    "bad_url": "url",
    "private_address": "url",
    "bad_secret": "secret",
    "bad_name": "name",
    "malformed_json": "body",
    "body_too_large": "body",
    "bad_batch_size": "body",
}
"""The parameter that a refusal of ours is about, by its code."""

FIELDS: tuple[tuple[str, str], ...] = (
    ("content.title", "title"),
    ("content.text", "body"),
    ("content.parts", "messageParts"),
    ("content.raw.messenger", "customBody.fbMessenger"),
    ("content.raw", "customBody"),
    ("options.messenger", "channelOptions.fbMessenger"),
    ("options", "channelOptions"),
)
"""Where our name of a field stands in Comapi's body, the longest first."""


class ValidationError(UsageError):
    """The request is not valid."""

    code = "validation_failed"

    def __init__(self, failures: Iterable[Failure]) -> None:
        super().__init__(failures=list(failures))


def fail(parameter: str, message: str) -> Failure:
    """One failure."""
    return {"paramName": parameter, "message": message}


def list_failures(error: GuestlistError) -> list[Failure]:
    """What is wrong, parameter by parameter. It never repeats a value."""
    if isinstance(error, ValidationError):
        return list(error.data["failures"])
    if found := error.data.get("errors"):
        return [fail(_parameter(each["field"]), each["message"]) for each in found]
    if "field" in error.data:
        return [fail(_parameter(error.data["field"]), _sentence(error))]
    return [fail(PARAMETERS.get(error.code, "body"), _sentence(error))]


def _parameter(place: str) -> str:
    for ours, theirs in FIELDS:
        if place == ours or place.startswith(ours + "."):
            return theirs + place[len(ours) :]
    return place or "body"


def _sentence(error: GuestlistError) -> str:
    return " ".join(filter(None, (error.sentence, error.remedy)))


def tell_error(error: GuestlistError) -> Response:
    """The answer for an error: what is wrong with the request is a 400, in whatever way we found out."""
    if error.status in (400, 413, 415, 422):
        return answer_json({"validationFailures": list_failures(error)}, 400)
    content: dict[str, Any] = {"errorCode": error.code.upper(), "description": _sentence(error), "details": []}
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="guestlist", Basic realm="guestlist"'
    if "allowed" in error.data:
        headers["Allow"] = ", ".join(error.data["allowed"])
    retry_after = error.data.get("retry_after", RETRY_AFTER if isinstance(error, DependencyError) else None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return answer_json(content, error.status, headers)
