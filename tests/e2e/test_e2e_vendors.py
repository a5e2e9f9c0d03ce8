"""Amio's and Gupshup's clients as plain HTTP scripts, from the vendors' own examples: a real server, a real emulator."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web
from support.telling import serving

from guestlist.actions import access
from guestlist.cli.demo_run import Stage, connect

PHONE = "+1 (212) 555-2368"
SECRET = "0123456789abcdef"


@dataclass
class Script:
    """A vendor's client: a session, our address, a key; and people on the emulator."""

    stage: Stage
    session: aiohttp.ClientSession
    key: str
    page_id: str
    psid: str

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.stage.server_url + path, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def act(self, deed: str, **more: Any) -> None:
        """The person of the phone number does something."""
        await self.stage.emulator.post(f"/_emulator/people/{deed}", {"psid": self.psid, **more})

    async def lines(self) -> list[str]:
        """What the person was told, in order."""
        seen = await self.stage.emulator.get(f"/_emulator/people/{self.psid}")
        shown = [line for line in seen["lines"] if line["by"] == "page"]
        return [line["text"] or line["shown"]["attachment"]["payload"]["text"] for line in shown]

    async def until_told(self, *lines: str) -> None:
        """The person was told exactly this, in this order."""
        async with asyncio.timeout(15):
            while await self.lines() != list(lines):
                await asyncio.sleep(0.02)


@dataclass
class Hook:
    """A customer's server: what it was sent, and what it answers."""

    answer: Callable[[web.Request], str] = lambda request: ""
    got: list[tuple[web.Request, bytes]] = field(default_factory=list)
    port: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((request, await request.read()))
        return web.Response(text=self.answer(request))

    async def until(self, there: Callable[[list[tuple[web.Request, bytes]]], Any]) -> Any:
        """What is found among the requests, once it is there."""
        async with asyncio.timeout(15):
            while not (found := there(self.got)):
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def listening(answer: Callable[[web.Request], str] = lambda request: "") -> AsyncIterator[Hook]:
    hook = Hook(answer)
    async with serving(hook.handle) as hook.port:
        yield hook


@pytest_asyncio.fixture
async def script(stage: Stage) -> AsyncIterator[Script]:
    from sqlalchemy import update

    from guestlist.storage.tables import pages

    await stage.emulator.post("/_emulator/clock", {"speed": 60})  # a request waits 7 days: they shall not pass meanwhile
    await stage.app.services.clock.follow_once()
    page = await connect(stage, lambda text: None)
    matching = update(pages).where(pages.c.id == page["id"]).values(capabilities='{"phone_matching": "enabled"}')
    await stage.app.services.db.write(lambda tx: tx.execute(matching))
    person = await stage.emulator.post("/_emulator/people", {"first_name": "Ada", "last_name": "Example", "phone": PHONE})
    _, key = await access.create_key(stage.app.services, stage.app.workspace_id, "script")
    async with aiohttp.ClientSession() as session:
        yield Script(stage, session, key, page["id"], person["psid"])


# -- Amio -----------------------------------------------------------------------------------------------------------


def events(hook: Hook) -> list[dict[str, Any]]:
    """Amio's events, each with its signature computed anew."""
    for request, body in hook.got:
        expected = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        assert request.headers["X-Hub-Signature"] == f"sha1={expected}"
    return [json.loads(body) for _, body in hook.got]


async def test_amio_from_a_phone_number_to_a_conversation(script: Script) -> None:
    amio = {"headers": {"Authorization": f"Bearer {script.key}"}}
    status, [channel] = await script.call("GET", "/amio/v1/channels", **amio)
    assert (status, channel["type"]) == (200, "facebook_messenger")
    async with listening() as hook:
        webhook = {"url": f"http://127.0.0.1:{hook.port}/amio", "secret": SECRET}
        status, _ = await script.call("PATCH", f"/amio/v1/channels/{channel['id']}", json={"webhook": webhook}, **amio)
        assert status == 200
        message = {
            "channel": {"id": channel["id"]},
            "contact": {"phone_number": PHONE, "first_name": "Ada", "last_name": "Example"},
            "content": {"type": "text", "payload": "Your booking is confirmed."},
            "metadata": {"any": "data", "tag": "CONFIRMED_EVENT_UPDATE"},
        }
        status, sent = await script.call("POST", "/amio/v1/messages", json=message, **amio)
        assert (status, sent["contact"]["phone_number"]) == (201, "12125552368")
        nobody = {**message, "contact": {"phone_number": "+1 212 555 2372"}}
        status, refused = await script.call("POST", "/amio/v1/messages", json=nobody, **amio)
        assert (status, refused["status"]["code"]) == (422, 422)

        await script.act("accept")
        [opt_in] = await hook.until(lambda got: [each for each in events(hook) if each["event"] == "opt_in"])
        assert opt_in["data"]["opt_in"] == {"type": "phone_number"}
        assert opt_in["data"]["contact"] == {"id": sent["contact"]["id"], "phone_number": "12125552368"}

        await script.act("say", text="Thanks! Příliš ✓")
        [received] = await hook.until(lambda got: [each for each in events(hook) if each["event"] == "message_received"])
        assert received["data"]["content"] == {"type": "text", "payload": "Thanks! Příliš ✓"}
        reply = {name: received["data"][name] for name in ("channel", "contact")}
        answer = {**reply, "content": {"type": "text", "payload": "See you at eight."}}
        status, answered = await script.call("POST", "/amio/v1/messages", json=answer, **amio)
        assert (status, answered["contact"]) == (201, {"id": received["data"]["contact"]["id"]})
        await hook.until(
            lambda got: [
                each
                for each in events(hook)
                if each["event"] == "messages_delivered" and each["data"]["messages"] == [{"id": answered["id"]}]
            ]
        )
    assert await script.lines() == ["Your booking is confirmed.", "See you at eight."]
    path = f"/amio/v1/channels/{channel['id']}/contacts/{answered['contact']['id']}/messages"
    status, listed = await script.call("GET", path, **amio)
    assert [(each["direction"], each["content"]["payload"]) for each in listed] == [
        ("sent", "See you at eight."),
        ("received", "Thanks! Příliš ✓"),
        ("sent", "Your booking is confirmed."),
    ]


# -- Gupshup --------------------------------------------------------------------------------------------------------


def bot_answer(request: web.Request) -> str:
    """A bot: asks, and repeats what was tapped."""
    said = json.loads(request.query["messageobj"])
    if said["text"] == "startchattingevent":
        return json.dumps({"type": "survey", "question": "Which cup?", "msgid": "cup", "options": ["Red", "Blue"]})
    return f"{request.query['message']} it is." if said.get("refmsgid") == "cup" else ""


async def test_gupshup_from_a_phone_number_to_a_bots_answers(script: Script) -> None:
    gupshup = {"headers": {"apikey": script.key}}
    async with listening(bot_answer) as hook:
        endpoint = {
            "name": "bot",
            "url": f"http://127.0.0.1:{hook.port}/bot?secret=s7",
            "dialect": "gupshup",
            "account_id": script.page_id,
        }
        await script.stage.api.post("/v1/endpoints", endpoint)
        context = {"botname": "acmebot", "channeltype": "fb", "contextid": "12125552368", "contexttype": "phone"}
        form = {"context": json.dumps(context), "message": "Hello from Acme"}
        page = script.stage.world["page_id"]
        status, submitted = await script.call("POST", f"/sm/api/bot/{page}/msg", data=form, **gupshup)
        assert (status, submitted["status"]) == (200, "submitted")
        await script.until_told("Hello from Acme")

        await script.act("accept")
        [(request, _)] = await hook.until(list)
        assert (request.method, request.query["secret"], request.query["channel"]) == ("GET", "s7", "fb")
        assert json.loads(request.query["messageobj"]) == {"type": "event", "text": "botoptinevent", "referralParam": ""}
        assert json.loads(request.query["contextobj"])["contextid"] == script.psid

        await script.act("say", text="Hi")  # opens the window; the bot says nothing to it
        await script.act("refer", ref="shop-7")
        await script.until_told("Hello from Acme", "Which cup?")
        await script.act("tap", title="Blue")
        await script.until_told("Hello from Acme", "Which cup?", "Blue it is.")
        taps = [request.query["message"] for request, _ in hook.got if "refmsgid" in request.query["messageobj"]]
        assert taps == ["Blue"]
