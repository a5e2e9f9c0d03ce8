"""A Comapi customer's own script against our server: plain HTTP, its own check of the signature, nothing of ours.

Source: vendor-apis.md 2.1 (Basic), 2.3 (rules), 2.7 (state), 2.8 and 2.9 (webhooks).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web
from sqlalchemy import update
from support.messaging import add_account
from support.telling import serving

from guestlist.actions import access, pages
from guestlist.cli.demo_run import Stage
from guestlist.domain.messages import Channel
from guestlist.storage import messaging_tables as tables

SECRET = "a secret of the shop with thirty-six"


@dataclass
class Customer:
    """The customer: a script that calls us, and a server that is called by us."""

    stage: Stage
    http: aiohttp.ClientSession
    psid: str
    forged: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    async def listen(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Comapi-Signature", "")):
            self.forged += 1
            return web.Response(status=401)
        self.events.append(json.loads(body))
        return web.Response(status=200)

    async def call(self, method: str, path: str, given: Any = None) -> tuple[int, Any]:
        async with self.http.request(method, f"/cpaas{path}", json=given) as answered:
            text = await answered.text()
            return answered.status, json.loads(text) if text else None

    async def event(self, name: str, **payload: Any) -> dict[str, Any]:
        """The payload of the first event of this name with these values; waits for it."""
        async with asyncio.timeout(15):
            while True:
                for event in self.events:
                    if event["name"] == name and payload.items() <= event["payload"].items():
                        return dict(event["payload"])
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def customer(stage: Stage) -> AsyncIterator[Customer]:
    services, workspace_id, world = stage.app.services, stage.app.workspace_id, stage.world
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    house: Any = stage.app  # what the helper needs of a house, an app has too: services and the workspace
    await add_account(house, Channel.SMS)
    listed = await services.page_graph(page).list_tokens(world["page_id"])
    psid = next(row.psid for row in listed.rows if row.psid)
    _, key = await access.create_key(services, workspace_id, "shop")
    basic = base64.b64encode(f"apiuser@apiconnector.com:{key}".encode()).decode()
    async with aiohttp.ClientSession(stage.server_url, headers={"Authorization": f"Basic {basic}"}) as http:
        someone = Customer(stage, http, psid)
        async with serving(someone.listen) as port:
            hook = {"name": "shop", "url": f"http://127.0.0.1:{port}/hook", "secret": SECRET, "subscriptions": []}
            status, _ = await someone.call("POST", "/webhooks", hook)
            assert status == 201
            yield someone


async def test_messenger_refuses_and_sms_carries_it(customer: Customer) -> None:
    """Meta's window is closed, though we were told otherwise: the second rule carries the message, and the webhook says so."""
    services = customer.stage.app.services
    await customer.stage.emulator.post("/_emulator/people/say", {"psid": customer.psid, "text": "Hello"})
    inbound = await customer.event("message.inbound", body="Hello")
    assert inbound["from"]["fbMessengerId"] == customer.psid
    later = services.now_ms() + 25 * 3_600_000
    await customer.stage.emulator.post("/_emulator/clock", {"advance_seconds": 25 * 3600})
    reopened = update(tables.addresses).where(tables.addresses.c.value == customer.psid).values(opened_at=later)
    await services.db.write(lambda tx: tx.execute(reopened))

    to = {"fbMessengerId": customer.psid, "phoneNumber": "447700900123", "firstName": "Ada", "lastName": "Example"}
    given = {"to": to, "body": "Your parcel arrives today.", "rules": ["fbMessenger", "sms"], "metadata": {"orderId": "A-17"}}
    status, sent = await customer.call("POST", "/messages", given)
    assert (status, sent["status"], sent["to"]) == (201, "processing", to)
    receipt = await customer.event("message.sent", id=sent["messageId"])
    assert (receipt["details"]["channel"], receipt["metadata"]) == ("sms", {"orderId": "A-17"})
    status, read = await customer.call("GET", f"/messages/{sent['messageId']}")
    assert (status, read["status"], read["statusDetails"]) == (200, "sent", {"channelId": "sms"})
    assert customer.forged == 0
    assert len({event["eventId"] for event in customer.events}) == len(customer.events)


async def test_in_the_window_it_goes_by_messenger_and_is_delivered(customer: Customer) -> None:
    await customer.stage.emulator.post("/_emulator/people/say", {"psid": customer.psid, "text": "Hello"})
    profile_id = (await customer.event("message.inbound", body="Hello"))["from"]["profileId"]
    given = {"to": {"profileId": profile_id}, "body": "Hi {{profile.firstName}}", "rules": ["fbMessenger", "sms"]}
    status, sent = await customer.call("POST", "/messages", given)
    assert status == 201
    receipt = await customer.event("message.delivered", id=sent["messageId"])
    assert receipt["details"]["channel"] == "fbMessenger"
    assert receipt["details"]["additionalInfo"]["fbMessengerId"] == customer.psid
    assert customer.forged == 0
