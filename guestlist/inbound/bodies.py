"""A request's body, read whole and no further than allowed: what every door for webhooks begins with."""

from __future__ import annotations

from starlette.types import Message, Receive


class BodyTooLargeError(Exception):
    """The body is, or says it is, larger than allowed."""


class ClientGoneError(Exception):
    """The client went away before the body was whole: nobody is left to answer, and nothing is stored."""


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """The body. Errors: BodyTooLargeError, ClientGoneError."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
