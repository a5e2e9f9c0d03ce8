"""Serving HTTP from inside a process that also does other things: sockets first, so that the address is known and taken."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from guestlist.errors import ConfigurationError

BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn, leaving signals to the process that embeds it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Errors: ConfigurationError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sends without delay
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {'the port is taken' if taken else error.strerror}.",
            code="cannot_listen",
            remedy="Choose another --host or --port (0 takes a free one), or stop what uses it.",
        ) from None
    listener.listen(BACKLOG)
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a listening socket is reached, such as http://127.0.0.1:8080."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _spare_the_collector() -> None:
    """Collects less: what is loaded by now stays, and a full collection that walks it would hold up every request for 100 ms;
    what a request makes is freed without the collector, save for a few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@asynccontextmanager
async def serve(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serves the app while the context lasts; requests under way are answered before it ends."""
    _spare_the_collector()
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=5, ws="none")
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


async def stop_asked() -> signal.Signals:
    """Which signal asked the process to end: SIGINT (Ctrl-C) or SIGTERM."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.put_nowait, number)
    try:
        return await asked.get()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
