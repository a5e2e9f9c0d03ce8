"""One message from the HTTP API to Meta and on to the next channel, with a real emulator and a real server in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest_asyncio
from sqlalchemy import update
from support.messaging import add_account, write_to_page

from guestlist.actions import access, pages
from guestlist.cli.demo_run import Stage
from guestlist.domain.messages import Channel
from guestlist.storage import messaging_tables as tables

PHONE = "+447911123456"


@dataclass
class Shop:
    """A connected Page, a sandbox for SMS, and somebody who wrote to the Page."""

    stage: Stage
    page_id: str
    sms_id: str
    psid: str

    async def send(self, **more: Any) -> dict[str, Any]:
        given = {"to": {"psid": self.psid, "phone": PHONE}, "rules": ["messenger", "sms"], "text": "Your order is ready."}
        return dict(await self.stage.api.post("/v1/messages", {**given, **more}))

    async def story(self, message_id: str, *states: str) -> dict[str, Any]:
        """The message once it is in one of these states."""
        async with asyncio.timeout(10):
            while True:
                story = dict(await self.stage.api.get(f"/v1/messages/{message_id}"))
                if story["state"] in states:
                    return story
                await asyncio.sleep(0.02)

    async def sends(self) -> list[dict[str, Any]]:
        """What Meta saw on the Page's edge, in order."""
        found = await self.stage.emulator.get("/_emulator/calls", path=f"/{self.stage.world['page_id']}/messages", limit="1000")
        return list(found["data"])


@pytest_asyncio.fixture
async def shop(stage: Stage) -> Shop:
    services, workspace_id, world = stage.app.services, stage.app.workspace_id, stage.world
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    house: Any = stage.app  # what the helpers need of a house, an app has too: services and the workspace
    sms = await add_account(house, Channel.SMS)
    listed = await services.page_graph(page).list_tokens(world["page_id"])
    psid = next(row.psid for row in listed.rows if row.psid)
    await stage.emulator.post("/_emulator/people/say", {"psid": psid, "text": "Hello"})
    await write_to_page(house, page["id"], psid)
    return Shop(stage, page["id"], sms["id"], psid)


async def test_a_text_in_the_window_reaches_the_person(shop: Shop) -> None:
    sent = await shop.send()
    story = await shop.story(sent["id"], "sent", "delivered", "read")
    [call] = await shop.sends()
    part = story["deliveries"][0]["parts"][0]
    assert (call["status"], story["channel"]) == (200, "messenger")
    assert part["provider_id"].startswith("m_")
    assert [entry["kind"] for entry in story["timeline"]][:2] == ["accepted", "rule_opened"]


async def test_refused_by_meta_it_goes_by_sms_under_the_same_id(shop: Shop) -> None:
    """Our clock says the window is open, Meta's says it is not: the person's last message was older than we were told."""
    services = shop.stage.app.services
    later = services.now_ms() + 25 * 3_600_000
    await shop.stage.emulator.post("/_emulator/clock", {"advance_seconds": 25 * 3600})
    reopened = update(tables.addresses).where(tables.addresses.c.value == shop.psid).values(opened_at=later)
    await services.db.write(lambda tx: tx.execute(reopened))
    sent = await shop.send(metadata={"order": "A-7"})
    story = await shop.story(sent["id"], "sent")
    assert story["channel"] == "sms"
    assert [(each["channel"], each["state"], each["reason"]) for each in story["deliveries"]] == [
        ("messenger", "failed", "window_closed"),
        ("sms", "sent", ""),
    ]
    told = [(entry["kind"], entry["channel"], entry["code"]) for entry in story["timeline"]]
    assert told == [
        ("accepted", None, None),
        ("rule_opened", "messenger", None),
        ("attempt", "messenger", "10/2018278"),
        ("rule_opened", "sms", None),
        ("attempt", "sms", ""),
    ]
    assert len(await shop.sends()) == 1


async def test_an_answer_that_meta_swallows_is_not_repeated_and_settled_by_its_echo(shop: Shop) -> None:
    fault = {"method": "POST", "path": "/*/messages", "share": 1.0, "swallow": True}
    await shop.stage.emulator.post("/_emulator/faults", {"faults": [fault]})
    sent = await shop.send()
    await shop.story(sent["id"], "sent", "delivered", "read")
    async with asyncio.timeout(10):
        while not (delivery := (await shop.story(sent["id"], "sent", "delivered", "read"))["deliveries"][0])["attempts"]:
            await asyncio.sleep(0.02)
    assert [each["outcome"] for each in delivery["attempts"]] == ["lost"]
    assert delivery["parts"][0]["provider_id"].startswith("m_")
    assert len(await shop.sends()) == 1


async def test_waiting_at_the_door_tells_the_first_outcome(shop: Shop) -> None:
    given = {"to": {"psid": shop.psid}, "rules": ["messenger"], "text": "Ready."}
    _, key = await access.create_key(shop.stage.app.services, shop.stage.app.workspace_id, "bot")
    headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=5"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{shop.stage.server_url}/v1/messages", json=given, headers=headers) as answered,
    ):
        told = await answered.json()
    assert (answered.status, told["attempt"]["outcome"]) == (201, "accepted")
