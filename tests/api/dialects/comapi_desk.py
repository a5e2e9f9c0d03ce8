"""What the Comapi dialect's tests share: a client as Comapi's customers write it, on an API with sandbox accounts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from api_house import Api
from sqlalchemy import select
from support.asgi import Answered, Client
from support.messaging import add_account, write_to_page

from guestlist.domain.messages import Channel
from guestlist.storage.messaging_tables import parts


@dataclass
class Desk:
    """A client at one of the two prefixes."""

    api: Api
    root: str
    space: str
    client: Client
    sms: str
    page: str

    async def post(self, path: str, given: Any, **headers: str) -> Answered:
        return await self.client.post(self.root + path, given, **headers)

    async def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Answered:
        return await self.client.get(self.root + path, query, **headers)

    async def send(self, method: str, path: str, given: Any = None, query: Any = None, **headers: str) -> Answered:
        body = b"" if given is None else json.dumps(given).encode()
        return await self.client.call(
            method, self.root + path, query=query, headers={"content_type": "application/json", **headers}, chunks=[body]
        )

    async def accepted(self, given: Any) -> dict[str, Any]:
        """Sends; the answer, which has to be a 201."""
        answered = await self.post("/messages", given)
        assert answered.status == 201, answered.text
        return dict(answered.json())

    async def wrote(self, psid: str) -> None:
        """Somebody wrote to the Page just now."""
        await write_to_page(self.api.house, self.page, psid)

    def sent_to_meta(self) -> list[dict[str, Any]]:
        """The bodies that Meta's Send API got, in order."""
        return list(self.api.house.graph.messages)

    async def texts(self) -> list[dict[str, Any]]:
        """The bodies of all SMS, sent or to be sent, in order."""
        query = select(parts.c.body).where(parts.c.account_id == self.sms).order_by(parts.c.delivery_id)
        found = await self.api.house.services.db.read(lambda tx: tx.fetch_all(query))
        return [json.loads(row["body"]) for row in found]

    async def run(self) -> None:
        """Every lane of sending, twice: fallbacks too."""
        for _ in range(2):
            for account in (self.page, self.sms):
                await self.api.house.run_send(account)


async def open_desk(api: Api, root: str = "") -> Desk:
    """A desk with a Page and a sandbox for SMS; at `/apispaces/…` unless another root is given."""
    sms = str((await add_account(api.house, Channel.SMS))["id"])
    page = await api.connect()
    space = str((await api.client.get("/cpaas/apispace")).json()["id"])
    return Desk(api, root or f"/apispaces/{space}", space, api.client, sms, page)


def basic(user: str, password: str) -> str:
    """A header for HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
