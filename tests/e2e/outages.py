"""Two things that fail in the real world and cannot be asked to: the wire to Meta, and the disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest


class Wire:
    """A TCP line to a server. Cut, it refuses connections as a server that is down does; that server forgets nothing."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Takes connections (again)."""
        self._do(self._open())

    def cut(self) -> None:
        """Breaks every connection and refuses new ones."""
        self._do(self._close())

    def _do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(*self._target)
        self._writers |= {writer, onward}
        try:
            await asyncio.gather(_pump(reader, onward), _pump(there, writer))
        finally:
            self._writers -= {writer, onward}

    @contextmanager
    def strung(self) -> Iterator[Wire]:
        """The wire, whole, while the context lasts."""
        self._thread.start()
        self.mend()
        try:
            yield self
        finally:
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@dataclass(frozen=True)
class Disk:
    """A small disk of its own that can be full."""

    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """From now on nothing more fits."""
        with self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):  # the disk is full: on with what is smaller
                    while file.write(bytes(size)):
                        pass

    def free(self) -> None:
        """Room again."""
        self.ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, megabytes: int = 48) -> Iterator[Disk]:
    """A tmpfs of so many megabytes, unmounted afterwards. Skips the test where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "guestlist-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk that can be full needs the right to mount one")
    disk = Disk(folder)
    try:
        yield disk
    finally:
        disk.free()
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
