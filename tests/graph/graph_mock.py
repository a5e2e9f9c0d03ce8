"""A transport that records every request and answers from a list, and clients over it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from guestlist.graph.base import Request, Response, TransportError
from guestlist.graph.client import GraphClient, GraphClients

ROOT = "https://graph.test/v26.0"
TOKEN = "TEST-PAGE-TOKEN"
SECRET = "test-app-secret"
PROOF = "54913f3e82923e7c7541b2d2d4eaea4d9192e29d452287bc625810c3585849a8"  # fact page 0.1
BEARER = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
JSON_BEARER = {**BEARER, "Content-Type": "application/json"}


class MockTransport:
    """Answers in order; the last answer stays. A TransportError in the list is raised."""

    def __init__(self, answers: Iterable[Response | TransportError]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.closed = False

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TransportError):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True

    @property
    def request(self) -> Request:
        """The only request."""
        assert len(self.requests) == 1
        return self.requests[0]

    @property
    def sent(self) -> Any:
        """The JSON body of the only request."""
        assert self.request.body is not None
        return orjson.loads(self.request.body)


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(status, headers or {}, orjson.dumps(document))


def raw(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of any bytes."""
    return Response(status, headers or {}, body)


def refusal(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Response:
    """An error envelope."""
    error = {"message": f"(#{code}) Example text", "type": "OAuthException", "code": code, "fbtrace_id": "Abc123", **more}
    return answer({"error": error if subcode is None else {**error, "error_subcode": subcode}}, status)


class Pauses(list[float]):
    """A `sleep` that only remembers."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def make_clients(transport: MockTransport, **settings: Any) -> GraphClients:
    """Clients that never really sleep."""
    return GraphClients(transport, **{"base_url": "https://graph.test", "sleep": Pauses(), "rng": random.Random(7), **settings})


def make_client(*answers: Response | TransportError, **settings: Any) -> tuple[GraphClient, MockTransport]:
    """A client with the test token, and the transport it calls."""
    transport = MockTransport(answers)
    return make_clients(transport, **settings).with_token(TOKEN), transport
