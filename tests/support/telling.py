"""What stories about endpoints begin with: endpoints, what they were posted, and servers on real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from guestlist.actions import endpoints
from guestlist.outbound.base import Request
from support.scripted import House, ScriptedPost

URL = "https://hooks.example.net/in"


async def add_endpoint(house: House, url: str = URL, **more: Any) -> Mapping[str, Any]:
    """An endpoint of everything, or of what is asked for."""
    return (await endpoints.create_endpoint(house.services, house.workspace_id, endpoints.NewEndpoint("Shop", url, **more))).row


def posted(house: House, url: str = URL) -> list[Request]:
    """What this URL was sent, in order."""
    post = house.services.outbound.post
    assert isinstance(post, ScriptedPost)
    return [request for request in post.requests if request.url == url]


def bodies(house: House, url: str = URL) -> list[Any]:
    """The same, read."""
    return [json.loads(request.body) for request in posted(house, url)]


def scripted_post(house: House) -> ScriptedPost:
    """The post, to be scripted."""
    post = house.services.outbound.post
    assert isinstance(post, ScriptedPost)
    return post


async def emit(house: House, kind: str = "campaign.finished", subject: str = "cmp_1", **data: Any) -> None:
    """Something happened."""
    await house.services.db.write(lambda tx: house.services.emit(tx, house.workspace_id, kind, subject, **data))


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[int]:
    """A server on this machine that handles every request; its port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
