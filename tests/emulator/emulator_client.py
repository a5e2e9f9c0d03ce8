"""A client without any knowledge of the emulator, and a webhook receiver that keeps what it gets."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

START = "2026-07-01T09:00:00+00:00"
FIELDS = [
    "messages",
    "messaging_optins",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "marketing_message_echoes",
    "marketing_message_deliveries",
    "marketing_message_delivery_failed",
    "marketing_message_reads",
    "marketing_message_clicks",
    "marketing_messages_subscriber_upload_status",
]
MESSAGE = {
    "attachment": {
        "type": "template",
        "payload": {
            "template_type": "generic",
            "text": "Hello {{first_name}}",
            "elements": [{"title": "Autumn sale", "buttons": [{"type": "web_url", "url": "https://shop.test", "title": "Shop"}]}],
        },
    }
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def list_rows(count: int, prefix: str = "guest") -> list[list[str]]:
    """`count` rows of e-mail and phone digests."""
    return [[digest(f"{prefix}{number}@example.com"), digest(f"1555{prefix}{number}")] for number in range(count)]


@dataclass
class Callback:
    """What a webhook receiver saw. `status` is what it answers."""

    url: str = ""
    status: int = 200
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Values of all changes of one field, in the order they came."""
        changes = [change for body in self.bodies() for entry in body["entry"] for change in entry.get("changes", [])]
        return [change["value"] for change in changes if change["field"] == name]

    def messaging(self, part: str) -> list[dict[str, Any]]:
        items = [item for body in self.bodies() for entry in body["entry"] for item in entry.get("messaging", [])]
        return [item for item in items if part in item]


class Client:
    """Speaks HTTP to an emulator, with the ids and tokens of `GET /_emulator/world`."""

    def __init__(self, session: aiohttp.ClientSession, base: str, callback: Callback) -> None:
        self.session = session
        self.base = base
        self.callback = callback
        self.world: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, bytes, Any]:
        async with self.session.request(method, self.base + path, **options) as answer:
            return answer.status, await answer.read(), answer.headers

    async def control(self, path: str, body: object = None, method: str | None = None) -> dict[str, Any]:
        verb = method or ("GET" if body is None else "POST")
        _, raw, _ = await self.raw(verb, f"/_emulator/{path}", json=body if body is not None else None)
        return json.loads(raw)

    async def call(self, method: str, path: str, *, token: str = "system_user_token", **options: Any) -> dict[str, Any]:
        """A Graph call with JSON answer; `token` is a key of the world, or a token."""
        headers = {"Authorization": f"Bearer {self.world.get(token, token)}"}
        _, raw, _ = await self.raw(method, f"/v26.0/{path}", headers=headers, **options)
        return json.loads(raw)

    async def page(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return await self.call(method, path, token="page_token", **options)

    async def error(self, method: str, path: str, **options: Any) -> tuple[int, int | None]:
        """Code and subcode of a call that is refused."""
        answer = await self.call(method, path, **options)
        assert "error" in answer, answer
        assert {"message", "type", "code", "fbtrace_id"} <= set(answer["error"])
        return answer["error"]["code"], answer["error"].get("error_subcode")

    async def subscribe(self) -> None:
        """App and Page webhooks to the callback."""
        await self.set_callback()
        await self.page("POST", f"{self.world['page_id']}/subscribed_apps", json={"subscribed_fields": FIELDS})

    async def set_callback(self, url: str | None = None) -> dict[str, Any]:
        body = {"object": "page", "callback_url": url or self.callback.url, "verify_token": "hello"}
        app_token = f"{self.world['app_id']}|{self.world['app_secret']}"
        return await self.call("POST", f"{self.world['app_id']}/subscriptions", token=app_token, data=body)

    async def create_audience(self, **changes: Any) -> str:
        body = {
            "name": "Guests",
            "description": "from a file",
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "subscription_info": ["MESSENGER"],
            "use_for_products": ["MARKETING_MESSAGES"],
            "marketing_message_channels": {"MESSENGER": self.world["page_id"]},
        }
        answer = await self.call("POST", f"{self.world['ad_account_id']}/customaudiences", json={**body, **changes})
        return answer["id"]

    async def upload(self, audience: str, rows: list[list[str]], **session: Any) -> dict[str, Any]:
        payload = {"schema": ["EMAIL", "PHONE"], "data": rows}
        part = {"session_id": 7, "batch_seq": 1, "last_batch_flag": True, **session}
        return await self.call("POST", f"{audience}/users", json={"payload": payload, "session": part})

    async def advance(self, seconds: float) -> None:
        await self.control("clock", {"advance_seconds": seconds})

    async def tokens(self, **params: str) -> list[dict[str, Any]]:
        """The whole token list, page by page."""
        found: list[dict[str, Any]] = []
        path: str | None = f"{self.world['page_id']}/notification_message_tokens"
        query = {"limit": "1000", **params}
        while True:
            answer = await self.page("GET", path, params=query)
            found += answer["data"]
            if "next" not in answer.get("paging", {}):
                return found
            query["after"] = answer["paging"]["cursors"]["after"]

    async def list_subscribers(self, count: int = 300) -> list[str]:
        """Uploads a list, lets it match, and gives the tokens born from it."""
        await self.upload(await self.create_audience(), list_rows(count))
        await self.advance(200)
        await self.until(lambda state: state["audiences"][-1]["operation_status"]["code"] == 200)
        return [row["notification_messages_token"] for row in await self.tokens(opt_in_source="SUBSCRIBER_LIST")]

    async def campaign(self, *, warm: bool = True, **changes: Any) -> str:
        body = {"name": "Autumn", "page_id": self.world["page_id"], **changes}
        answer = await self.call("POST", f"{self.world['ad_account_id']}/message_campaign", json=body)
        if warm:
            await self.advance(3601)
        return answer["id"]

    def send_body(self, campaign: str, token: str, message: object = None) -> dict[str, Any]:
        return {
            "message_id": campaign,
            "messenger_delivery_data": {"subscription_token": token},
            "message": MESSAGE if message is None else message,
        }

    async def send(self, campaign: str, token: str, message: object = None, **extra: Any) -> dict[str, Any]:
        body = {**self.send_body(campaign, token, message), **extra}
        return await self.call("POST", f"{self.world['ad_account_id']}/messages", json=body)

    async def send_code(self, campaign: str, token: str, message: object = None, **extra: Any) -> int | None:
        """The error code of a send; None when it was accepted."""
        answer = await self.send(campaign, token, message, **extra)
        return answer["error"]["code"] if "error" in answer else None

    async def until(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Polls the state until it is as wanted."""
        async with asyncio.timeout(10):
            while not reached(state := await self.control("state")):
                await asyncio.sleep(0.01)
        return state

    async def settled(self) -> dict[str, Any]:
        """The state when nothing more will happen."""
        return await self.until(lambda state: state["webhooks"]["due"] == 0)


@asynccontextmanager
async def client_of(url: str, callback: Callback) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        client = Client(session, url, callback)
        client.world = await client.control("reset", {})
        yield client
