"""An in-process ASGI driver and doubles for the tests of the inbound room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guestlist.inbound.signature import build_signature

SECRET = "test-app-secret"
VERIFY_TOKEN = "test-verify-token"
RECEIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> Any:
    """A captured, scrubbed payload."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def wire(document: object) -> bytes:
    """JSON as Meta writes it: no spaces, non-ASCII escaped."""
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass
class FakeInbox:
    """Remembers what was stored, and in which order with the answers; fails when told to."""

    story: list[str] = field(default_factory=list)
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)
    macs: list[bytes] = field(default_factory=list)
    failure: Exception | None = None

    async def store(self, provider: str, app_id: str, body: bytes, mac: bytes) -> None:
        self.macs.append(mac)
        if self.failure is not None:
            raise self.failure
        self.bodies.append((provider, app_id, body))
        self.story.append("stored")


class FakeSecrets:
    """The installation's own app, and app 42."""

    def __init__(self, secrets: dict[str | None, str] | None = None, tokens: dict[str | None, str] | None = None) -> None:
        self._secrets = {None: SECRET, "42": "other-secret"} if secrets is None else secrets
        self._tokens = {None: VERIFY_TOKEN, "42": "other-token"} if tokens is None else tokens

    def signing_secret(self, provider: str, app_id: str | None) -> str | None:
        return self._secrets.get(app_id)

    def verify_token(self, provider: str, app_id: str | None) -> str | None:
        return self._tokens.get(app_id)


@dataclass
class Answered:
    """What came back; status 0 when nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery as Meta sends it: both signatures' names are known, only the newer one counts."""
    return {"x-hub-signature-256": build_signature(body, secret).decode(), "content-type": "application/json"}


async def call(
    app: Any,
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | Sequence[tuple[str, str]] = (),
    chunks: Sequence[bytes | None] = (b"",),
    story: list[str] | None = None,
) -> Answered:
    """Drives one request through an ASGI app. A chunk of None is the client going away."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
    }
    waiting = list(chunks)
    answered = Answered()

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.status = message["status"]
            answered.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            if story is not None:
                story.append(f"answered {message['status']}")
        else:
            answered.body += message["body"]

    await app(scope, receive, send)
    return answered
