"""Messenger over a transport that answers as scripted and keeps every request, and the drafts that go over it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from guestlist.channels.base import Accepted, PartCall, Refused, Sender
from guestlist.channels.messenger import MessengerChannel
from guestlist.domain.messages import (
    AddressKind,
    Channel,
    Content,
    Draft,
    MessagingType,
    MessengerOptions,
    Options,
    Rule,
    Target,
)
from guestlist.domain.routes import Open
from guestlist.graph.base import Request, Response, TransportError
from guestlist.graph.client import GraphClients

TOKEN, PSID, PAGE, PART = "EAAB-page-token", "7800000000000001", "10500000000000021", "dlv_01hq3k5y8v7d2w9g4m6n0p1r2s.1"
SENDER = Sender("pag_1", "meta", PAGE, {}, {"page_token": TOKEN})
ROUTE = Open(Channel.MESSENGER, "pag_1", AddressKind.PSID, PSID, messaging_type=MessagingType.RESPONSE)
SENT = {"recipient_id": PSID, "message_id": "m_1"}


class ScriptedTransport:
    """Answers in order; the last answer stays. A TransportError in the list is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers) or [answer(SENT)]
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, TransportError):
            raise given
        assert isinstance(given, Response)
        return given

    async def close(self) -> None:
        """Nothing to close."""

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(request.body or b"") for request in self.requests]


async def _at_once(_seconds: float) -> None:
    pass


def clients(transport: ScriptedTransport) -> GraphClients:
    """Graph clients over the transport, which never wait."""
    return GraphClients(transport, base_url="https://graph.test", sleep=_at_once, rng=random.Random(7))


def answer(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, {}, orjson.dumps(document))


def refusal(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Response:
    """An error envelope."""
    error = {"message": f"(#{code}) Example text", "type": "OAuthException", "code": code, "fbtrace_id": "Abc", **more}
    return answer({"error": error if subcode is None else {**error, "error_subcode": subcode}}, status)


def draft(content: Content | None = None, to: Target | None = None, **options: Any) -> Draft:
    """A draft over Messenger alone."""
    return Draft(
        to or Target(psid=PSID),
        (Rule(Channel.MESSENGER),),
        content or Content(text="Hello"),
        Options(messenger=MessengerOptions(**options)),
    )


def build(content: Content | None = None, *, route: Open = ROUTE, **more: Any) -> list[Mapping[str, Any]]:
    """The bodies of the calls, before any metadata."""
    channel = MessengerChannel(clients(ScriptedTransport()))
    wanted = draft(content, **more)
    assert channel.check(wanted) == []
    return list(channel.build(wanted, route))


async def send(body: Mapping[str, Any], *answers: Any) -> tuple[Accepted | Refused, ScriptedTransport]:
    """One call with such a body; what came of it."""
    transport = ScriptedTransport(*answers)
    sent = await MessengerChannel(clients(transport)).send(SENDER, PartCall(PART, 1, body))
    return sent, transport


def problems(content: Content | None = None, **more: Any) -> list[tuple[str, str]]:
    """What `check` finds, field and code."""
    channel = MessengerChannel(clients(ScriptedTransport()))
    return [(each.field, each.code) for each in channel.check(draft(content, **more))]


def to_phone(phone: str = "12125552368") -> Open:
    """The way to a phone number."""
    return replace(ROUTE, address_kind=AddressKind.PHONE, address=phone, messaging_type=MessagingType.UPDATE)
