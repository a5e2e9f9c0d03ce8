"""A small client that drives an ASGI app in the test's own loop: no socket, no thread."""

from __future__ import annotations

import asyncio
import json as jsons
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode


@dataclass
class Answered:
    """What came back; status 0 when nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return jsons.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        """The code of a problem; the answer has to be one."""
        assert self.headers["content-type"] == "application/problem+json", self.text
        return str(self.json()["code"])


class Client:
    """Calls an app with the same headers each time."""

    def __init__(self, app: Any, **headers: str) -> None:
        self._app = app
        self.headers = headers

    async def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Answered:
        return await self.call("GET", path, query=query, headers=headers)

    async def delete(self, path: str, **headers: str) -> Answered:
        return await self.call("DELETE", path, headers=headers)

    async def post(self, path: str, json: Any = None, query: Mapping[str, Any] | None = None, **headers: str) -> Answered:
        body = b"" if json is None else jsons.dumps(json).encode()
        return await self.call("POST", path, query=query, headers={"content_type": "application/json", **headers}, chunks=[body])

    async def patch(self, path: str, json: Any, **headers: str) -> Answered:
        given = {"content_type": "application/json", **headers}
        return await self.call("PATCH", path, headers=given, chunks=[jsons.dumps(json).encode()])

    async def put(self, path: str, json: Any, **headers: str) -> Answered:
        given = {"content_type": "application/json", **headers}
        return await self.call("PUT", path, headers=given, chunks=[jsons.dumps(json).encode()])

    async def send_file(self, path: str, content: bytes, query: Mapping[str, Any], **headers: str) -> Answered:
        return await self.call("POST", path, query=query, headers={"content_type": "text/csv", **headers}, chunks=[content])

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        chunks: Sequence[bytes | None] = (b"",),
    ) -> Answered:
        """One request. Underscores in header names become hyphens; a chunk of None is the client going away."""
        given = {**self.headers, **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(query or {}).encode(),
            "headers": [(name.replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
        }
        waiting = list(chunks)
        answered = Answered()

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.Event().wait()  # the client stays until it is answered
            chunk = waiting.pop(0)
            if chunk is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered.status = message["status"]
                answered.headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            else:
                answered.body += message.get("body", b"")

        await self._app(scope, receive, send)
        return answered
