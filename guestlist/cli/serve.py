"""`guestlist serve` and `guestlist worker`: the processes that stay."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.options import Json
from guestlist.cli.output import print_bytes, say
from guestlist.cli.state import run, state_of
from guestlist.errors import ConfigurationError
from guestlist.logging import configure_logging

if TYPE_CHECKING:
    import socket

    from guestlist.settings import Settings


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="The port to listen on; 0 picks a free one. Default: 8080."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the server until Ctrl-C or SIGTERM: HTTP API, webhooks in, and all work at Meta.

    One server a data folder (a second one exits with 6). The address is told once it answers. On the way out requests are
    answered and hand-overs finished.

    Example: `guestlist --data /var/lib/guestlist serve --port 8080`
    """
    from guestlist.app import lock_data_folder  # late: `--help` needs no server
    from guestlist.serving import bind

    settings = state_of(context).settings_with(host=host, port=port)
    configure_logging(settings.log_level, as_json=settings.log_json)
    with lock_data_folder(settings), bind(settings.host, settings.port) as listener:
        end(run(lambda: stay_serving(settings, listener, as_json=as_json)))


async def stay_serving(settings: Settings, listener: socket.socket, *, as_json: bool) -> signal.Signals:
    """Serves until a signal asks to end; which one."""
    from guestlist.app import open_app, run_engine
    from guestlist.serving import address_of, serve

    async with signalled() as asked, open_app(settings) as app, run_engine(app), serve(app.asgi(), listener):
        url = address_of(listener)
        tell_ready({"url": url}, f"Guestlist answers on {url} (API reference: {url}/docs). Ctrl-C ends it.", as_json=as_json)
        return await asked


def worker(context: typer.Context, as_json: Json = False) -> None:
    """Run the work at Meta without HTTP, until Ctrl-C or SIGTERM. Needs PostgreSQL; any number may run.

    Example: `DATABASE_URL=postgresql://… guestlist worker`
    """
    from guestlist.storage.database import is_sqlite

    settings = state_of(context).settings
    if is_sqlite(settings.database_url):
        raise ConfigurationError(
            "On SQLite the server does the work itself; workers need PostgreSQL.",
            code="needs_postgresql",
            remedy="Run `guestlist serve`, or set DATABASE_URL=postgresql://user:password@host/name.",
        )
    configure_logging(settings.log_level, as_json=settings.log_json)
    end(run(lambda: stay_working(settings, as_json=as_json)))


async def stay_working(settings: Settings, *, as_json: bool) -> signal.Signals:
    """Works until a signal asks to end; which one."""
    from guestlist.app import open_app, run_engine

    async with signalled() as asked, open_app(settings) as app, run_engine(app):
        tell_ready({"working": True}, "The worker is at work. Ctrl-C ends it.", as_json=as_json)
        return await asked


@asynccontextmanager
async def signalled() -> AsyncIterator[asyncio.Task[signal.Signals]]:
    """The signal to come. Watched from before the start, so that one that comes early ends the process as gracefully."""
    from guestlist.serving import stop_asked

    asked = asyncio.create_task(stop_asked())
    await asyncio.sleep(0)
    try:
        yield asked
    finally:
        asked.cancel()


def tell_ready(document: dict[str, object], sentence: str, *, as_json: bool) -> None:
    """Says that the process is ready: for scripts one line on stdout."""
    if as_json:
        import orjson

        print_bytes(orjson.dumps(document) + b"\n")
    else:
        say(sentence)


def end(asked: signal.Signals) -> None:
    """A SIGTERM is the ordinary end. Errors: KeyboardInterrupt after Ctrl-C."""
    if asked is signal.SIGINT:
        raise KeyboardInterrupt
