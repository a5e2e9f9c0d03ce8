"""The one error tree. Every error a person or a client can meet is one of these.

    GuestlistError                     code, sentence, what to do; HTTP status and exit code ride along
    ├── UsageError                     the request is malformed                       400 / exit 2
    │   └── ListError                  a customer file cannot be read as a list       422 / exit 2
    ├── ConfigurationError             settings or credentials are wrong or missing   500 / exit 3
    ├── NotAllowedError                key, signature or permission refused           403 / exit 4
    │   └── UnauthenticatedError       no key, or an unknown one                      401 / exit 4
    ├── NotFoundError                  no such thing in this workspace                404 / exit 5
    ├── RefusedError                   policy or state forbids it now                 409 / exit 6
    ├── PartlyDoneError                work stopped before its end, can be resumed    200 / exit 7
    └── DependencyError                Graph, database or disk is down                503 / exit 8

Provider errors have their own class, `graph.base.GraphError`, and are translated to one of these where a person meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GuestlistError(Exception):
    """Something went wrong."""

    code = "internal"
    status = 500
    exit_code = 1

    def __init__(self, sentence: str = "", *, code: str | None = None, remedy: str = "", **data: Any) -> None:
        self.sentence = sentence or (self.__doc__ or "").splitlines()[0]
        self.code = code or type(self).code
        self.remedy = remedy
        self.data: Mapping[str, Any] = data
        super().__init__(self.sentence)


def type_of(code: str) -> str:
    """The `type` of an RFC 9457 problem with this code, wherever it is told."""
    return f"urn:guestlist:error:{code}"


class UsageError(GuestlistError):
    """The request is malformed."""

    code = "bad_request"
    status = 400
    exit_code = 2


class ListError(UsageError):
    """The customer file cannot be read as a list."""

    code = "bad_list"
    status = 422


class ConfigurationError(GuestlistError):
    """A setting or credential is missing or wrong."""

    code = "configuration"
    status = 500
    exit_code = 3


class NotAllowedError(GuestlistError):
    """Not allowed."""

    code = "not_allowed"
    status = 403
    exit_code = 4


class UnauthenticatedError(NotAllowedError):
    """A valid API key is needed."""

    code = "unauthenticated"
    status = 401


class NotFoundError(GuestlistError):
    """No such thing in this workspace."""

    code = "not_found"
    status = 404
    exit_code = 5


class RefusedError(GuestlistError):
    """Policy or state forbids this now."""

    code = "refused"
    status = 409
    exit_code = 6


class PartlyDoneError(GuestlistError):
    """The work stopped before its end and can be resumed."""

    code = "partly_done"
    status = 200
    exit_code = 7


class DependencyError(GuestlistError):
    """Something Guestlist depends on is down."""

    code = "dependency_down"
    status = 503
    exit_code = 8
