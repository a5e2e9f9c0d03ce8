"""The straight way of a send: a plain `POST /v1/messages` that is right is answered without the framework's routing, dependencies
and response model, which cost more than all the rest of accepting a message.

Whatever is not plain, or not right, goes on to the route of the same name, which says what is wrong with it. Both ways read the
same model, call the same action and answer the same document.
"""

from __future__ import annotations

import json
from typing import Final

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from guestlist.actions import messages
from guestlist.actions.base import Services
from guestlist.api.message_models import NewMessage, tell_sent
from guestlist.api.messages import router

PATH: Final = "/v1/messages"
ROUTE: Final = next(
    route for route in router.routes if getattr(route, "path", "") == PATH and "POST" in getattr(route, "methods", ())
)
"""What requests are counted under."""


class Straight:
    """The innermost layer: answers plain sends, hands everything else on."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection. Errors: those of `messages.send_message`."""
        given = read_plain(scope) if scope["type"] == "http" else None
        if given is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE
        workspace_id = scope["state"]["workspace_id"]
        row = await messages.send_message(self._services, workspace_id, given.as_request(), messages.Origin(by="api"))
        answer = Response(tell_sent(row, ()).model_dump_json(), 201, media_type="application/json")
        await answer(scope, receive, send)


def read_plain(scope: Scope) -> NewMessage | None:
    """The message of a request that asks for nothing but to send it; None where the route has to look."""
    if scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
        return None
    headers = Headers(scope=scope)
    if headers.get("content-type") != "application/json" or "prefer" in headers:
        return None
    try:
        return NewMessage.model_validate(json.loads(scope["state"]["body"].getvalue()))
    except (ValidationError, ValueError, RecursionError):
        return None
