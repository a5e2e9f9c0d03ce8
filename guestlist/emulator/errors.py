"""Graph errors: the envelope, the common faults, and the table of marketing-message numbers (fact page 0.2, 5.9)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any


class GraphFault(Exception):
    """A Graph call is refused. `number` marks a marketing number, which may stand in `code` or in `error_subcode`."""

    def __init__(
        self,
        message: str,
        *,
        code: int,
        subcode: int | None = None,
        kind: str = "OAuthException",
        status: int = 400,
        number: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.subcode = subcode
        self.kind = kind
        self.status = status
        self.number = number
        self.extra = extra

    def envelope(self, *, number_in: str = "code") -> dict[str, Any]:
        """The JSON body. `number_in` says where a marketing number goes: `code` or `subcode`."""
        code, subcode = self.code, self.subcode
        if self.number is not None:
            code, subcode = (self.number, None) if number_in == "code" else (100, self.number)
        error: dict[str, Any] = {"message": f"(#{code}) {self.message}", "type": self.kind, "code": code}
        if subcode is not None:
            error["error_subcode"] = subcode
        error.update(self.extra)
        error["fbtrace_id"] = trace_id()
        return {"error": error}


def trace_id() -> str:
    """A fresh `fbtrace_id`."""
    return f"A{random.getrandbits(60):015x}"


def invalid(message: str, subcode: int | None = None, **extra: Any) -> GraphFault:
    """100: a parameter is wrong."""
    return GraphFault(message, code=100, subcode=subcode, **extra)


def bad_token(message: str, subcode: int | None = None) -> GraphFault:
    """190: the access token is of no use."""
    return GraphFault(message, code=190, subcode=subcode, status=401 if subcode else 400)


def no_permission(message: str, subcode: int | None = None) -> GraphFault:
    """200: the token lacks a permission, or terms are missing (1870090)."""
    return GraphFault(message, code=200, subcode=subcode, status=403)


def unknown_object(method: str, object_id: str) -> GraphFault:
    """100/33: no such object, or not visible to this token."""
    return GraphFault(
        f"Unsupported {method.lower()} request. Object with ID '{object_id[:80]}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation",
        code=100,
        subcode=33,
        kind="GraphMethodException",
    )


def unknown_path(edge: str) -> GraphFault:
    """2500: the node has no such edge."""
    return GraphFault(f"Unknown path components: /{edge[:80]}", code=2500)


MARKETING: Mapping[int, str] = {
    2300000: "The message campaign is not active",
    2300001: "The message id is invalid or not visible to you",
    2300004: "The subscription token cannot be loaded",
    2300005: "The subscription token belongs to another Page than the message campaign",
    2300010: "The message has no valid creative or payload",
    2300012: "The message campaign is still populating",
    2300014: "The message campaign belongs to another ad account",
    2300021: "A video element needs a video_id",
    2300022: "An image element needs an image_url",
    2300023: "A button has a type that is not allowed here",
    2300024: "A button has an empty URL",
    2300025: "A button has an empty title",
    2300026: "An element has more than 3 buttons",
    2300032: "The person is in a region where marketing messages are not allowed",
    2300033: "The message campaign starts in the future",
    2300034: "The person has stopped marketing messages from this Page",
    2300035: "The minimum delay between two messages to this person is not over",
    2300036: "The person cannot receive messages now",
    2300038: "A placeholder in the message cannot be filled",
    2300039: "No permission to message for this Page",
    2300041: "The message campaign is not ready yet",
    2300046: "An element has too many images",
    2300052: "The person talked to the Page too recently",
    2300053: "The lifetime budget is reached",
    2300054: "The daily budget is reached",
    2300069: "The terms of the ad account are not accepted",
    2300077: "A URL in the message is not valid",
    2300078: "Too many messages a second for this Page",
    2300080: "Too many calls to list subscription tokens",
}


def marketing(number: int, *, remaining_seconds: float | None = None) -> GraphFault:
    """A refusal from the marketing table. Pacing refusals say in `error_data` how long to wait (whole seconds)."""
    extra: dict[str, Any] = {}
    if remaining_seconds is not None:
        extra["error_data"] = {"remaining_seconds": max(1, int(remaining_seconds + 0.999))}
    return GraphFault(MARKETING[number], code=number, number=number, is_transient=False, **extra)
