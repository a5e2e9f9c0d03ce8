"""Everything a Page can say, from the HTTP API to Meta: the emulator takes each as the fact page says, or refuses it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update
from support.messaging import write_to_page

from guestlist.actions import pages
from guestlist.cli.demo_run import Stage
from guestlist.storage import messaging_tables as tables


@dataclass
class Talk:
    """A connected Page, and somebody who wrote to it just now."""

    stage: Stage
    page_id: str
    psid: str

    async def say(self, **what: Any) -> dict[str, Any]:
        """Sends something; the message's story once it has ended or was sent whole."""
        given = {"to": {"psid": self.psid}, "rules": ["messenger"], **what}
        message_id = dict(await self.stage.api.post("/v1/messages", given))["id"]
        async with asyncio.timeout(10):
            while True:
                story = dict(await self.stage.api.get(f"/v1/messages/{message_id}"))
                if story["state"] in ("sent", "delivered", "read", "failed"):
                    return story
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def talk(stage: Stage) -> Talk:
    services, workspace_id, world = stage.app.services, stage.app.workspace_id, stage.world
    tokens = (world["page_token"], world["system_user_token"])
    page = await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    listed = await services.page_graph(page).list_tokens(world["page_id"])
    psid = next(row.psid for row in listed.rows if row.psid)
    await stage.emulator.post("/_emulator/people/say", {"psid": psid, "text": "Hello"})
    house: Any = stage.app  # what the helper needs of a house, an app has too: services and the workspace
    await write_to_page(house, page["id"], psid)
    return Talk(stage, page["id"], psid)


CARD = {"title": "Two cups for one", "buttons": [{"type": "web_url", "title": "See", "url": "https://shop.acme.com/"}]}
SAYINGS = [
    ("a text", {"title": "Good news", "text": "It is here."}, 1),
    ("text and files", {"text": "Look", "parts": [{"type": "image", "url": "https://cdn.acme.com/1.png"}] * 2}, 3),
    ("quick replies", {"text": "Which?", "quick_replies": [{"title": "Red"}, {"title": "Blue", "payload": "B"}]}, 1),
    ("buttons", {"text": "Shop", "buttons": [{"type": "postback", "title": "Ask", "payload": "ASK"}]}, 1),
    ("a template", {"template": {"template_type": "generic", "elements": [CARD]}}, 1),
    ("a raw message", {"raw": {"messenger": {"text": "Hi", "metadata": "mine"}}}, 1),
    ("a raw body", {"raw": {"messenger": {"message": {"text": "Hi"}, "messaging_type": "UPDATE"}}}, 1),
    ("a withdrawn tag", {"text": "Shipped", "options": {"messenger": {"tag": "SHIPPING_UPDATE"}}}, 1),
    ("a person's answer", {"text": "I look it up", "options": {"messenger": {"tag": "HUMAN_AGENT", "by_person": True}}}, 1),
]


@pytest.mark.parametrize(("what", "parts"), [row[1:] for row in SAYINGS], ids=[row[0] for row in SAYINGS])
async def test_meta_takes_what_we_say(talk: Talk, what: dict[str, Any], parts: int) -> None:
    [delivery] = (await talk.say(**what))["deliveries"]
    mids = [part["provider_id"] for part in delivery["parts"]]
    assert (delivery["state"] in ("sent", "delivered", "read"), len(set(mids))) == (True, parts)
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"] * parts


async def test_an_uploaded_file_and_a_persona_are_used(talk: Talk) -> None:
    api = talk.stage.api
    url = "https://cdn.acme.com/menu.pdf"
    file = await api.post("/v1/attachments", {"page": talk.page_id, "type": "file", "url": url})
    face = {"name": "Ana", "picture_url": "https://cdn.acme.com/ana.png"}
    persona = await api.post(f"/v1/pages/{talk.page_id}/personas", face)
    story = await talk.say(
        parts=[{"type": "file", "attachment_id": file["attachment_id"]}], options={"messenger": {"persona_id": persona["id"]}}
    )
    assert [each["state"] in ("sent", "delivered", "read") for each in story["deliveries"]] == [True]


async def test_typing_is_shown(talk: Talk) -> None:
    await talk.stage.api.post(f"/v1/pages/{talk.page_id}/actions", {"psid": talk.psid, "action": "typing_on"})
    calls = await talk.stage.emulator.get("/_emulator/calls", path=f"/{talk.stage.world['page_id']}/messages", limit="10")
    assert [call["status"] for call in calls["data"]] == [200]


FORMS: list[dict[str, Any]] = [
    {
        "template_type": "button",
        "text": "Shop",
        "buttons": [{"type": "phone_number", "title": "Call", "payload": "+15555550100"}],
    },
    {"template_type": "media", "elements": [{"media_type": "image", "url": "https://www.facebook.com/photo/1"}]},
    {
        "template_type": "receipt",
        "recipient_name": "Ana Diaz",
        "order_number": "A-7",
        "currency": "EUR",
        "payment_method": "card",
        "elements": [{"title": "Cup", "quantity": 2, "price": 4.5, "currency": "EUR", "image_url": "http://cdn.acme.com/c.png"}],
        "summary": {"total_cost": 9},
    },
    {"template_type": "coupon", "title": "Ten off", "coupon_code": "TEN"},
    {
        "template_type": "customer_feedback",
        "title": "How was it?",
        "subtitle": "One question",
        "button_title": "Tell us",
        "feedback_screens": [{"questions": [{"id": "q1", "type": "csat"}]}],
    },
    {"template_type": "product", "elements": [{"id": "8801"}]},
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["template_type"])
async def test_meta_takes_every_template(talk: Talk, form: dict[str, Any]) -> None:
    [delivery] = (await talk.say(template=form))["deliveries"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]


async def test_a_comment_is_answered_privately_and_once(talk: Talk) -> None:
    comment = await talk.stage.emulator.post("/_emulator/people/comment", {"psid": talk.psid, "message": "How much?"})
    to = {"comment": comment["comment_id"]}
    story = await talk.say(to=to, text="Four fifty.")
    again = {"to": to, "rules": ["messenger"], "text": "Really."}
    explained = await talk.stage.api.post("/v1/messages/explain", again)
    assert story["deliveries"][0]["address_kind"] == "comment"
    assert story["deliveries"][0]["parts"][0]["provider_id"]
    assert [route["code"] for route in explained["routes"]] == ["already_replied"]


async def test_outside_the_window_a_withdrawn_tag_goes_as_the_utility_template(talk: Talk) -> None:
    stage, world = talk.stage, talk.stage.world
    made = {
        "name": "order_shipped",
        "language": "en_US",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Sent."}],
    }
    path = f"/v26.0/{world['page_id']}/message_templates"
    await stage.emulator.post(path, {**made, "access_token": world["page_token"]})
    await stage.emulator.post("/_emulator/clock", {"advance_seconds": 25 * 3600})
    long_ago = update(tables.addresses).values(opened_at=stage.app.services.now_ms() - 25 * 3_600_000)
    await stage.app.services.db.write(lambda tx: tx.execute(long_ago))
    options = {"messenger": {"tag": "SHIPPING_UPDATE", "utility": {"name": "order_shipped", "language": "en_US"}}}
    [delivery] = (await talk.say(text="Shipped", options=options))["deliveries"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]
    assert delivery["route"]["messaging_type"] == "UTILITY"
    assert "2020-03-04" in delivery["route"]["note"]
