"""What the receiver can answer. All of it is known beforehand: no word of a request ever comes back in an error."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from starlette.types import Send

from guestlist.errors import type_of

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP answer, ready to be sent."""

    status: int
    body: bytes
    headers: Headers

    async def send(self, send: Send) -> None:
        """Sends it through ASGI."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def build_text(body: bytes) -> Answer:
    """200 with a raw text body."""
    headers = ((b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), (b"x-content-type-options", b"nosniff"))
    return Answer(200, body, headers)


def build_problem(status: int, code: str, title: str, remedy: str, *headers: tuple[bytes, bytes]) -> Answer:
    """An RFC 9457 problem with the members of the API's, but for `instance`: these answers are built before any request."""
    problem = {"type": type_of(code), "title": title, "status": status, "detail": title, "code": code, "remedy": remedy}
    body = orjson.dumps(problem)
    described = ((b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body)))
    return Answer(status, body, described + headers)


_CLOSE = (b"connection", b"close")

ACCEPTED = Answer(200, b"", ((b"content-length", b"0"),))
UNKNOWN_PATH = build_problem(404, "not_found", "No such webhook address.", "Meta's webhooks arrive at /webhooks/meta.")
UNKNOWN_APP = build_problem(
    404, "unknown_app", "No such app is configured here.", "Check the app id in the callback URL, and that its secret is set."
)
WRONG_METHOD = build_problem(
    405, "wrong_method", "This address takes GET and POST.", "GET is the handshake, POST brings events.", (b"allow", b"GET, POST")
)
BAD_HANDSHAKE = build_problem(
    403, "webhook_handshake", "The handshake was refused.", "Enter the same verify token at Meta and in the settings here."
)
UNSIGNED = build_problem(
    403, "webhook_unsigned", "The webhook is not signed.", "Sign the raw body with the app secret in X-Hub-Signature-256."
)
FORGED = build_problem(
    403, "webhook_forged", "The signature does not fit the body.", "Check that the secret set here is the one of the sending app."
)
TOO_LARGE = build_problem(413, "body_too_large", "The body is too large.", "Send fewer events in one request.", _CLOSE)
TOO_SLOW = build_problem(408, "body_too_slow", "The body did not arrive in time.", "Send it again.", _CLOSE)
UNAVAILABLE = build_problem(
    503, "dependency_down", "The webhook could not be stored.", "It was not accepted: send it again.", (b"retry-after", b"5")
)
