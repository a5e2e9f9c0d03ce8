"""One emulator and one webhook receiver for the whole run; every test begins with a reset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio
from aiohttp import web
from emulator_client import START, Callback, Client, client_of

from guestlist.emulator.config import EmulatorConfig
from guestlist.emulator.server import running


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def receiver() -> AsyncIterator[Callback]:
    """One webhook receiver for the whole run."""
    seen = Callback()

    async def receive(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(text=request.query["hub.challenge"])
        seen.posts.append((dict(request.headers), await request.read()))
        return web.Response(status=seen.status)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    seen.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield seen
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def emulator_url() -> AsyncIterator[str]:
    """One emulator for the whole run; every test begins with a reset."""
    async with running(EmulatorConfig(port=0, start=datetime.fromisoformat(START))) as url:
        yield url


@pytest.fixture
def callback(receiver: Callback) -> Callback:
    receiver.status = 200
    receiver.posts = []
    return receiver


@pytest_asyncio.fixture(loop_scope="session")
async def graph(emulator_url: str, callback: Callback) -> AsyncIterator[Client]:
    async with client_of(emulator_url, callback) as client:
        yield client
