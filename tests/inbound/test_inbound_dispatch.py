"""The dispatcher: webhooks to the receiver, all else to the app."""

from __future__ import annotations

import pytest
from starlette.types import Receive, Scope, Send

from guestlist.inbound.dispatch import Dispatcher


class Recorder:
    """An ASGI app that only remembers what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


@pytest.mark.parametrize(
    ("scope", "to_receiver"),
    [
        ({"type": "http", "path": "/webhooks/meta"}, True),
        ({"type": "http", "path": "/webhooks/"}, True),
        ({"type": "http", "path": "/webhooks"}, False),
        ({"type": "http", "path": "/webhooksx/meta"}, False),
        ({"type": "http", "path": "/v1/webhooks/meta"}, False),
        ({"type": "http", "path": "/"}, False),
        ({"type": "websocket", "path": "/webhooks/meta"}, False),
        ({"type": "lifespan"}, False),
    ],
)
async def test_each_connection_reaches_one_of_the_two(scope: Scope, to_receiver: bool) -> None:
    app, receiver = Recorder(), Recorder()
    await Dispatcher(app, receiver)(scope, None, None)  # type: ignore[arg-type]
    assert receiver.scopes == ([scope] if to_receiver else [])
    assert app.scopes == ([] if to_receiver else [scope])
