"""The dispatcher in front of the HTTP API: webhooks go straight to their receiver, at the speed of bare ASGI.

A route inside the framework costs two to three times as much a request, a dispatcher before it nothing measurable.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/webhooks/"


class Dispatcher:
    """ASGI app: HTTP requests under `/webhooks/` go to `receiver`, everything else (lifespan too) to `app`."""

    def __init__(self, app: ASGIApp, receiver: ASGIApp) -> None:
        self._app = app
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands one connection on."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._receiver(scope, receive, send)
        else:
            await self._app(scope, receive, send)
