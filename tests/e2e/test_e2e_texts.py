"""A message that Messenger cannot carry goes by SMS; the provider reports; the person says stop. All of it over real sockets."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from support.providers import play_provider

from guestlist.actions import pages
from guestlist.cli.demo_run import Stage
from guestlist.errors import GuestlistError

PHONE = "+447911123456"
SID = "AC0123456789abcdef0123456789abcdef"
TOKEN = "sesame"
ACCEPTED = (201, {"Content-Type": "application/json"}, json.dumps({"sid": "SM" + "7" * 32, "status": "queued"}).encode())


async def wait_for(stage: Stage, message_id: str, state: str) -> dict[str, Any]:
    """The message once it is in this state."""
    async with asyncio.timeout(10):
        while True:
            story = dict(await stage.api.get(f"/v1/messages/{message_id}"))
            if story["state"] == state:
                return story
            await asyncio.sleep(0.02)


async def call_back(url: str, form: dict[str, str], token: str = TOKEN) -> int:
    """What Twilio does: a form, signed over the address and the sorted fields."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    signature = base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    async with aiohttp.ClientSession() as session, session.post(url, data=urlencode(form), headers=headers) as answered:
        return answered.status


async def connect(stage: Stage, base_url: str) -> dict[str, Any]:
    """A Page, and a Twilio account whose API is at `base_url`."""
    world = stage.world
    tokens = (world["page_token"], world["system_user_token"])
    services, workspace_id = stage.app.services, stage.app.workspace_id
    await pages.connect_page(services, workspace_id, pages.Connection(world["page_id"], world["ad_account_id"], *tokens))
    given = {
        "channel": "sms",
        "provider": "twilio",
        "name": "Main",
        "sender": "+44 7700 900999",
        "config": {"account_sid": SID, "base_url": base_url},
        "secrets": {"auth_token": TOKEN},
    }
    return dict(await stage.api.post("/v1/accounts", given))


async def test_from_messenger_to_sms_to_delivered_to_stop(stage: Stage) -> None:
    async with play_provider(ACCEPTED) as twilio:
        account = await connect(stage, twilio.url)
        given = {
            "to": {"psid": "7800000000000001", "phone": PHONE},
            "rules": ["messenger", "sms"],
            "text": "Your order is ready: it’s on shelf 4.",
            "options": {"sms": {"allow_unicode": False}},
        }
        sent = await stage.api.post("/v1/messages", given)
        story = await wait_for(stage, sent["id"], "sent")

        # Messenger's window never was open; the text went out once, in GSM.
        assert [(each["channel"], each["state"], each["reason"]) for each in story["deliveries"]] == [
            ("messenger", "failed", "window_closed"),
            ("sms", "sent", ""),
        ]
        assert story["deliveries"][1]["route"]["measure"] == {"encoding": "gsm", "units": 37, "segments": 1}
        [taken] = twilio.taken
        assert taken.form["Body"] == "Your order is ready: it's on shelf 4."
        assert taken.form["To"] == PHONE

        # Twilio reports, at the address it was given, and once more.
        callback = taken.form["StatusCallback"]
        assert callback == f"{account['webhook_url']}?part={story['deliveries'][1]['id']}.1"
        report = {"MessageSid": "SM" + "7" * 32, "MessageStatus": "delivered", "To": PHONE, "AccountSid": SID}
        assert await call_back(callback, report, token="forged") == 403
        assert [await call_back(callback, report) for _ in range(2)] == [200, 200]
        story = await wait_for(stage, sent["id"], "delivered")
        assert [each["kind"] for each in story["deliveries"][1]["receipts"]] == ["delivered"]

        # The person says stop: the channel is closed from then on.
        said = {"MessageSid": "SM" + "8" * 32, "From": PHONE, "To": "+447700900999", "Body": "Stop."}
        assert await call_back(account["webhook_url"], said) == 200
        async with asyncio.timeout(10):
            while not await _was_told(stage, "contact.opted_out"):
                await asyncio.sleep(0.02)
        with pytest.raises(GuestlistError) as refused:
            await stage.api.post("/v1/messages", {"to": {"phone": PHONE}, "rules": ["sms"], "text": "Again"})
        assert refused.value.code == "opted_out"
        assert len(twilio.taken) == 1


async def _was_told(stage: Stage, kind: str) -> bool:
    return any(each["kind"] == kind for each in (await stage.api.get("/v1/events"))["data"])
