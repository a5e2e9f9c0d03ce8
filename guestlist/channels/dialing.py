"""A socket to a host, past the same gate that HTTP goes through."""

from __future__ import annotations

import asyncio
import socket

from .http import MakeSocket

SECONDS = 10.0


class Dialer:
    """Connects to the first address of a host that answers. `make_socket` refuses those we must not connect to."""

    def __init__(self, make_socket: MakeSocket, *, seconds: float = SECONDS) -> None:
        self._make_socket = make_socket
        self._seconds = seconds

    async def __call__(self, host: str, port: int) -> socket.socket:
        """A connected socket. Errors: OSError, the last address's; EACCES where it may not be connected to."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        problem: OSError = OSError("the host has no address")
        for family, kind, protocol, name, address in found:
            try:
                sock = self._make_socket((family, kind, protocol, name, address))
            except OSError as error:
                problem = error
                continue
            try:
                sock.setblocking(False)
                async with asyncio.timeout(self._seconds):
                    await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                problem = error
                continue
            except BaseException:
                sock.close()
                raise
            return sock
        raise problem
