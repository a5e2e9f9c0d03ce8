"""Events on real sockets, with the engine running: at once, signed, past those that hang, and again after a kill."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook
from support.telling import serving

from guestlist.actions import endpoints
from guestlist.app import App, open_app, run_engine
from guestlist.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.Response]]


def settings(folder: Path, *, url: str, **more: Any) -> Settings:
    return Settings(data=folder, database_url=url, allow_networks=(ip_network("127.0.0.0/8"),), **more)


async def add(app: App, port: int, **more: Any) -> endpoints.Created:
    new = endpoints.NewEndpoint("shop", f"http://127.0.0.1:{port}/in", **more)
    return await endpoints.create_endpoint(app.services, app.workspace_id, new)


async def emit(app: App, count: int) -> None:
    """So many events, told as an action tells them: their lanes are woken once they are durable."""
    services = app.services

    async def unit(tx: Any) -> set[str]:
        lanes: set[str] = set()
        for number in range(count):
            lanes |= await services.emit(tx, app.workspace_id, "list.imported", f"lst_{number}", rows=number)
        return lanes

    for lane in await services.db.write(unit):
        await services.wake(lane)


async def until(holds: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(folder: Path, url: str, **more: Any) -> AsyncIterator[App]:
    async with open_app(settings(folder, url=url, **more)) as app, run_engine(app):
        yield app


async def test_an_endpoint_that_hangs_holds_up_nobody_else(tmp_path: Path, database_url: str) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    stuck = asyncio.Event()

    async def listen(request: web.Request) -> web.Response:
        got.append((dict(request.headers), await request.read()))
        return web.Response(status=204)

    async def hang(request: web.Request) -> web.Response:
        await stuck.wait()
        return web.Response(status=204)

    async with serving(listen) as port, serving(hang) as dead, running(tmp_path, database_url) as app:
        quick = await add(app, port)
        for _ in range(3):
            await add(app, dead)
        await emit(app, 50)
        await until(lambda: len(got) == 50, seconds=10)
        stuck.set()
    for headers, body in got:
        assert Webhook(quick.secret).verify(body, headers)["type"] == "list.imported"
    assert sorted(json.loads(body)["data"]["rows"] for _, body in got) == list(range(50))


async def test_without_the_operators_word_nothing_goes_inward(tmp_path: Path, database_url: str) -> None:
    got: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        got.append(request.path)
        return web.Response(status=204)

    async with serving(listen) as port:
        async with open_app(settings(tmp_path, url=database_url)) as app:
            made = (await add(app, port)).row
        closed = Settings(data=tmp_path, database_url=database_url)
        async with open_app(closed) as app, run_engine(app):
            await emit(app, 1)

            async def refused() -> bool:
                [notice] = await endpoints.list_notices(app.services, app.workspace_id, made["id"])
                return bool(notice["problem"] == "refused_address")

            await until(refused)
    assert got == []


async def test_a_server_that_stops_midway_leaves_nothing_untold(tmp_path: Path, database_url: str) -> None:
    """The first run is torn down while half of the answers are out; the second tells the rest, under the same ids."""
    told: list[str] = []
    slow = True

    async def listen(request: web.Request) -> web.Response:
        told.append(request.headers["webhook-id"])
        if slow and len(told) > 20:
            await asyncio.sleep(0.2)
        return web.Response(status=204)

    async with serving(listen) as port:
        async with running(tmp_path, database_url, lease_seconds=1) as app:
            made = (await add(app, port)).row
            await emit(app, 100)
            await until(lambda: len(told) > 30)
        slow = False
        async with running(tmp_path, database_url, lease_seconds=1) as app:

            async def all_told() -> bool:
                left = await endpoints.list_notices(app.services, app.workspace_id, made["id"], state="pending", limit=1)
                return not left

            await until(all_told)
    assert len(set(told)) == 100


@asynccontextmanager
async def server_process(folder: Path, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real server in its own process, killed at the end."""
    given = {"DATABASE_URL": url, "GUESTLIST_ALLOW_NETWORKS": "127.0.0.0/8", "GUESTLIST_LEASE_SECONDS": "1"}
    command = (sys.executable, "-m", "guestlist", "--data", str(folder), "serve", "--port", "0", "--json")
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **given}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        await process.stdout.readline()  # its address: it answers
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_kills_lose_no_event_and_every_double_has_its_id(tmp_path: Path, database_url: str) -> None:
    told: Counter[str] = Counter()

    async def listen(request: web.Request) -> web.Response:
        told[request.headers["webhook-id"]] += 1
        await asyncio.sleep(0.01)
        return web.Response(status=204)

    async with serving(listen) as port, open_app(settings(tmp_path, url=database_url)) as app:
        made = (await add(app, port)).row
        await emit(app, 1000)
        for kill in (1, 2):
            async with server_process(tmp_path, database_url):
                await until(lambda least=kill * 200: len(told) >= least)  # type: ignore[misc]
        assert len(told) < 1000
        async with server_process(tmp_path, database_url):

            async def all_told() -> bool:
                return not await endpoints.list_notices(app.services, app.workspace_id, made["id"], state="pending", limit=1)

            await until(all_told, seconds=40)
        delivered = await endpoints.list_notices(app.services, app.workspace_id, made["id"], state="delivered", limit=2000)
    assert {row["event_id"] for row in delivered} == set(told)
    assert len(told) == 1000
    assert {row["attempts"] for row in delivered} == {1}  # a try whose answer nobody recorded is no try
