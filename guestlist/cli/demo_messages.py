"""The demo's second act: one message that goes on from Messenger to SMS, and a chat with somebody who writes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from guestlist.cli.demo_run import Say, Stage, deadline

PHONE = "+44 7700 900123"  # kept by Ofcom for fiction
READY = "Your table is ready. We keep it for 15 minutes."
QUESTION = "Hello, do you have a table for two?"
ANSWER = "Yes, at eight. Shall we keep it for you?"
PAUSE = 0.05

Document = dict[str, Any]


async def send_messages(stage: Stage, say: Say) -> Document:
    """Plays it against the stage, whose Page is connected. What came of it, for people and scripts.

    Shape: `fallback` {id, state, channel, timeline}, `chat` {conversation_id, state, said}.
    """
    [page] = (await stage.api.get("/v1/pages"))["data"]
    async with deadline("The messages"):
        await connect_phone(stage, say)
        fallback = await fall_back(stage, page["id"], say)
        chat = await talk(stage, page["id"], say)
    return {"fallback": fallback, "chat": chat}


async def connect_phone(stage: Stage, say: Say) -> None:
    """Connects the emulator's sandbox for SMS as what it looks like to us: Twilio."""
    world = stage.world
    given = {
        "channel": "sms",
        "provider": "twilio",
        "name": "Northwind by text",
        "sender": f"+{world['text_number']}",
        "config": {"account_sid": world["text_account_sid"], "base_url": stage.emulator_url},
        "secrets": {"auth_token": world["text_auth_token"]},
    }
    await stage.api.post("/v1/accounts", given)
    say("Connected a number for SMS, at the emulator's sandbox")


async def fall_back(stage: Stage, page_id: str, say: Say) -> Document:
    """A message to somebody who never wrote to the Page: Messenger is closed, SMS is next."""
    person = await add_person(stage, "Ines", PHONE)
    given = {
        "to": {"psid": person["psid"], "phone": PHONE, "first_name": "Ines"},
        "rules": [{"channel": "messenger", "account": page_id}, "sms"],
        "text": READY,
    }
    sent = await stage.api.post("/v1/messages", given)
    story = await wait_for(stage, f"/v1/messages/{sent['id']}", lambda found: found["state"] in ("delivered", "failed"))
    say(f"Sent a message by Messenger, else SMS: {story['state']} by {story['channel']}")
    steps = [{name: each[name] for name in ("at", "kind", "channel", "code", "sentence")} for each in story["timeline"]]
    return {"id": story["id"], "state": story["state"], "channel": story["channel"], "timeline": steps}


async def talk(stage: Stage, page_id: str, say: Say) -> Document:
    """Somebody writes to the Page; we answer inside the 24-hour window; they read it."""
    person = await add_person(stage, "Jonas")
    await act(stage, "say", person, text=QUESTION)
    rules = [{"channel": "messenger", "account": page_id}]
    given = {"to": {"psid": person["psid"]}, "rules": rules, "text": ANSWER}
    while (await stage.api.post("/v1/messages/explain", given))["taken"] is None:  # until the webhook has opened the window
        await asyncio.sleep(PAUSE)
    sent = await stage.api.post("/v1/messages", given)
    path = f"/v1/messages/{sent['id']}"
    await wait_for(stage, path, lambda found: found["state"] in ("delivered", "read"))
    await act(stage, "read", person)
    story = await wait_for(stage, path, lambda found: found["state"] == "read")
    say(f"Somebody wrote to the Page and was answered: {story['state']}")
    [conversation] = (await stage.api.get("/v1/conversations", contact_id=story["contact_id"]))["data"]
    seen = await stage.emulator.get(f"/_emulator/people/{person['psid']}")
    said = [{"by": line["by"], "text": line["text"]} for line in seen["lines"]]
    return {"conversation_id": conversation["id"], "state": story["state"], "said": said}


async def add_person(stage: Stage, first_name: str, phone: str = "") -> Document:
    """Somebody at the emulator whom the demo plays."""
    return await stage.emulator.post("/_emulator/people", {"first_name": first_name, **({"phone": phone} if phone else {})})


async def act(stage: Stage, deed: str, person: Mapping[str, Any], **more: str) -> None:
    """Lets them do something."""
    await stage.emulator.post(f"/_emulator/people/{deed}", {"psid": person["psid"], **more})


async def wait_for(stage: Stage, path: str, reached: Callable[[Document], bool]) -> Document:
    """Reads until it is as wanted."""
    while not reached(found := await stage.api.get(path)):
        await asyncio.sleep(PAUSE)
    return found
