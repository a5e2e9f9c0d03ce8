"""Comapi's state service for Messenger, and what becomes of a state wherever it arrives. Source: vendor-apis.md 2.6, 2.7, 2.9."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comapi_desk import Desk
from support.scripted import PAGE_ID

from guestlist.actions.replies import Heard, apply_replies
from guestlist.domain.facts import Reply, ReplyKind

PSID = "7800000000000001"


async def arrive(desk: Desk, kind: ReplyKind, ref: str, *, number: int = 1, psid: str = PSID) -> None:
    """Somebody comes to the Page with a ref."""
    house = desk.api.house
    text = "Hello" if kind is ReplyKind.TEXT else ""
    reply = Reply(
        kind, "messenger", PAGE_ID, f"m-{number}", house.clock.now(), person=psid, text=text, ref=ref, opens_window=True
    )

    async def unit(tx: Any) -> None:
        await apply_replies(tx, house.services, house.workspace_id, desk.page, [Heard(reply, house.clock.now())])

    await house.services.db.write(unit)


async def state(desk: Desk, **given: Any) -> str:
    answered = await desk.post("/channels/facebook/state", given)
    assert (answered.status, answered.headers["content-type"]) == (200, "application/json")
    assert answered.body.startswith(b'"')
    assert answered.body.endswith(b'"')
    return str(answered.json())


async def test_a_state_is_an_opaque_json_string(desk: Desk) -> None:
    """2.7: the quotes must be present; nobody can read it; it fits into a ref."""
    text = await state(desk, profileId="ada@example.com", shoe=38)
    assert "ada" not in text
    assert 100 < len(text) < 400
    assert text != await state(desk, profileId="ada@example.com", shoe=38)


@pytest.mark.parametrize("given", [[], "x", {"profileId": 7}, {"_mine": 1}, {"profileId": "ada", "much": "x" * 3000}])
async def test_a_bad_request_is_400_with_an_empty_object(desk: Desk, given: Any) -> None:
    """2.7: 400 with `{}` on error."""
    answered = await desk.post("/channels/facebook/state", given)
    assert (answered.status, answered.json()) == (400, {})


@pytest.mark.parametrize("kind", [ReplyKind.PLUGIN, ReplyKind.REFERRAL, ReplyKind.POSTBACK, ReplyKind.TEXT])
async def test_wherever_it_arrives_the_named_profile_gets_the_messenger_id(desk: Desk, kind: ReplyKind) -> None:
    """2.7: `fbMessengerId` is written to that profile, and the extra properties with it."""
    await desk.post("/profiles", {"id": "ada@example.com", "firstName": "Ada"})
    await arrive(desk, kind, await state(desk, profileId="ada@example.com", shoe=38, data={"tier": "gold"}))
    profile = (await desk.get("/profiles/ada@example.com")).json()
    assert (profile["fbMessengerId"], profile["shoe"], profile["tier"], profile["firstName"]) == (PSID, 38, "gold", "Ada")
    sent = await desk.accepted({"to": {"profileId": "ada@example.com"}, "body": "Hi", "rules": ["fbMessenger"]})
    assert sent["status"] == "processing"


async def test_a_profile_without_an_id_of_its_own_is_found_by_its_guid(desk: Desk) -> None:
    profile_id = (await desk.post("/profiles", {"firstName": "Ada"})).json()["id"]
    await arrive(desk, ReplyKind.PLUGIN, await state(desk, profileId=profile_id))
    profile = (await desk.get(f"/profiles/{profile_id}")).json()
    assert (profile["id"], profile["fbMessengerId"]) == (profile_id, PSID)


async def test_without_a_state_or_with_another_ref_a_profile_is_created(desk: Desk) -> None:
    """2.7: an opt-in or inbound without it: a profile is created automatically; an unknown ref is passed through (5.5)."""
    await desk.post("/profiles", {"id": "ada@example.com"})
    forged = (await state(desk, profileId="ada@example.com"))[:-2] + "xx"
    await arrive(desk, ReplyKind.PLUGIN, forged)
    people = (await desk.get("/profiles")).json()
    assert [("fbMessengerId" in each, each["id"] == "ada@example.com") for each in people] == [(True, False), (False, True)]


@pytest.mark.parametrize("kind", [ReplyKind.PLUGIN, ReplyKind.REFERRAL, ReplyKind.POSTBACK])
async def test_the_opt_in_is_told_with_its_state(desk: Desk, kind: ReplyKind) -> None:
    """2.9: `facebook.optin`."""
    await desk.post("/profiles", {"id": "ada@example.com"})
    webhook = {"name": "x", "url": "https://shop.example.com/hook", "subscriptions": [{"type": "facebook.optin"}]}
    assert (await desk.post("/webhooks", webhook)).status == 201
    ref = await state(desk, profileId="ada@example.com", shoe=38)
    await arrive(desk, kind, ref)
    await arrive(desk, ReplyKind.TEXT, "", number=2)
    endpoint_id = (await desk.client.get("/v1/endpoints")).json()["data"][0]["id"]
    await desk.api.house.run_notify(endpoint_id)
    [request] = desk.api.house.services.outbound.post.requests
    event = json.loads(request.body)
    assert (event["name"], event["payload"]) == (
        "facebook.optin",
        {
            "fbMessengerId": PSID,
            "profileId": "ada@example.com",
            "stateData": {"profileId": "ada@example.com", "shoe": 38},
            "ref": ref,
            "rawData": {
                "recipient": {"id": PAGE_ID},
                "timestamp": 1795176000000,
                "sender": {"id": PSID},
                "optin": {"ref": ref},
            },
            "pageId": PAGE_ID,
        },
    )


async def test_facebooks_profile_is_told_with_ours(desk: Desk) -> None:
    """2.6: `facebook{first_name, last_name, profile_pic, locale, timezone, gender, …, lastRefreshedOn}`."""
    await arrive(desk, ReplyKind.TEXT, await state(desk, profileId="ada@example.com"))
    desk.api.house.graph.profiles[PSID] = {
        "first_name": "Ada",
        "last_name": "Example",
        "picture_url": "https://example.com/ada.jpg",
        "locale": "en_GB",
        "timezone": "+05:30",
        "gender": "female",
    }
    await desk.api.house.run_profiles(desk.page)
    profile = (await desk.get("/profiles/ada@example.com")).json()
    assert profile["facebook"] == {
        "first_name": "Ada",
        "last_name": "Example",
        "profile_pic": "https://example.com/ada.jpg",
        "locale": "en_GB",
        "timezone": 5.5,
        "gender": "female",
        "lastRefreshedOn": "2026-11-20T12:00:00.000Z",
    }
