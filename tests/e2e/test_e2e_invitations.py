"""Matching by phone number and the demo's second act, with a real emulator and a real server in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from guestlist.cli.demo_messages import send_messages
from guestlist.cli.demo_run import Stage, connect

PEOPLE = (("+12125552368", "Ana", "Diaz"), ("+12125552369", "Bo", "Kim"))
NOBODY = ("+12125552372", "Cy", "Moss")


@dataclass
class Shop:
    """A connected Page that may match phone numbers, and three people of whom two are on Messenger."""

    stage: Stage
    page_id: str
    psids: list[str]

    async def act(self, deed: str, psid: str, **more: str) -> None:
        await self.stage.emulator.post(f"/_emulator/people/{deed}", {"psid": psid, **more})

    async def until(self, path: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(15):
            while not reached(found := await self.stage.api.get(path)):
                await asyncio.sleep(0.02)
        return found

    async def send(self, **more: Any) -> str:
        given = {"to": {"phone": PEOPLE[0][0]}, "rules": ["messenger"], "text": "Your table is ready.", **more}
        return str((await self.stage.api.post("/v1/messages", given))["id"])

    async def events(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in (await self.stage.api.get("/v1/events", limit="200"))["data"] if each["kind"] == kind]


@pytest_asyncio.fixture
async def shop(stage: Stage) -> Shop:
    await stage.emulator.post("/_emulator/clock", {"speed": 60})  # a request waits 7 days: they shall not pass meanwhile
    await stage.app.services.clock.follow_once()  # else our clock runs ahead at the old speed, and steps back later
    page = await connect(stage, lambda text: None)
    await stage.app.services.db.write(lambda tx: _enable(tx, page["id"]))
    given = [dict(zip(("phone", "first_name", "last_name"), each, strict=True)) for each in PEOPLE]
    return Shop(stage, page["id"], [(await stage.emulator.post("/_emulator/people", each))["psid"] for each in given])


async def _enable(tx: Any, page_id: str) -> None:
    from sqlalchemy import update

    from guestlist.storage.tables import pages

    await tx.execute(update(pages).where(pages.c.id == page_id).values(capabilities='{"phone_matching": "enabled"}'))


async def test_a_request_waits_is_accepted_and_from_then_on_every_send_is_delivered(shop: Shop) -> None:
    first = await shop.send()
    waiting = await shop.until(f"/v1/messages/{first}", lambda found: found["state"] == "sent")
    assert waiting["deliveries"][0]["awaiting"]
    await shop.act("accept", shop.psids[0])
    story = await shop.until(f"/v1/messages/{first}", lambda found: found["state"] == "delivered")
    later = await shop.send(text="Still free at eight.")
    await shop.until(f"/v1/messages/{later}", lambda found: found["state"] == "delivered")
    [accepted], [opted_in] = await shop.events("request.accepted"), await shop.events("opt_in.received")
    assert accepted["data"]["contact_id"] == opted_in["data"]["contact_id"] == story["contact_id"]
    assert opted_in["data"]["source"] == "request"


async def test_an_invitation_counts_what_people_make_of_it(shop: Shop) -> None:
    contacts = []
    for phone, first_name, last_name in (*PEOPLE, NOBODY):
        person = {"phone": phone, "first_name": first_name, "last_name": last_name}
        contacts.append((await shop.stage.api.post("/v1/contacts", person))["id"])
    given = {"page_id": shop.page_id, "name": "Regulars", "contact_ids": contacts, "text": "May we write to you here?"}
    made = await shop.stage.api.post("/v1/invitations", given)
    path = f"/v1/invitations/{made['id']}"
    asked = await shop.until(path, lambda found: found["counts"]["queued"] == 0)
    assert made["people"] == 3
    counts = asked["counts"]
    assert (counts["matched"], counts["pending"], counts["no_match"]) == (2, 2, 1)
    await shop.act("accept", shop.psids[0])
    await shop.act("decline", shop.psids[1])
    answered = await shop.until(path, lambda found: found["counts"]["accepted"] == 1)
    assert (answered["counts"]["matched"], answered["counts"]["pending"]) == (2, 1)  # a decline is silent
    again = await shop.stage.api.post("/v1/invitations", given)
    assert again["skipped"] == {"asked_before": 2, "reachable": 1}


async def test_the_demos_second_act_falls_back_to_sms_and_talks(stage: Stage) -> None:
    await connect(stage, lambda text: None)
    told: list[str] = []
    messages = await send_messages(stage, told.append)
    fallback, chat = messages["fallback"], messages["chat"]
    assert (fallback["state"], fallback["channel"]) == ("delivered", "sms")
    assert [(each["kind"], each["channel"]) for each in fallback["timeline"]][1:3] == [
        ("rule_closed", "messenger"),
        ("rule_opened", "sms"),
    ]
    assert (chat["state"], [line["by"] for line in chat["said"]]) == ("read", ["person", "page"])
    [text] = (await stage.emulator.get("/_emulator/texts"))["data"]
    assert text["status"] == "delivered"
    assert len(told) == 3
