"""Amio's channels, contacts, lists, settings and notifications (vendor page 3.2, 3.4, 3.5, 3.6)."""

from __future__ import annotations

import pytest
from support.inbound import event, said
from support.scripted import DEAD_TOKEN, PAGE_ID
from vendor_desk import HOOK, VendorDesk, decimal

PSID = "7800000000000001"


def channel(vendor: VendorDesk, rest: str = "") -> str:
    return f"/amio/v1/channels/{decimal(vendor.page)}{rest}"


async def test_channels_are_our_pages_and_accounts(vendor):
    answered = await vendor.call("GET", "/amio/v1/channels", query={"max": "10", "offset": "0"})
    assert (answered.status, answered.headers["x-total-count"]) == (200, "2")
    by_type = {each["type"]: each for each in answered.json()}
    assert by_type["facebook_messenger"] == {
        "id": decimal(vendor.page),
        "type": "facebook_messenger",
        "name": "Northwind Coffee",
        "mode": "production",
        "webhook": None,
        "facebook_page": {"id": PAGE_ID, "name": "Northwind Coffee", "category": None, "access_token": "***"},
    }
    assert by_type["mobile"] == {
        "id": decimal(vendor.sms),
        "type": "mobile",
        "name": "Texts",
        "mode": "sandbox",
        "webhook": None,
        "provider": {"type": "sandbox", "sender_id": "447700900999", "access_token": "***"},
    }
    one = await vendor.call("GET", channel(vendor))
    assert one.json() == by_type["facebook_messenger"]
    assert len((await vendor.call("GET", "/amio/v1/channels", query={"max": "1", "offset": "1"})).json()) == 1


async def test_a_channel_has_one_webhook(vendor):
    made = await vendor.call("PATCH", channel(vendor), {"webhook": {"url": HOOK, "secret": "0123456789abcdef"}})
    assert made.status == 200, made.text
    webhook = made.json()["webhook"]
    assert webhook.pop("id").isdigit()
    assert webhook == {"url": HOOK, "secret": "0123456789abcdef", "ssl_verification": True}
    moved = await vendor.call("PATCH", channel(vendor), {"webhook": {"url": f"{HOOK}/2"}})
    assert moved.json()["webhook"]["url"] == f"{HOOK}/2"
    assert moved.json()["webhook"]["secret"] == "0123456789abcdef"
    same = await vendor.call("PATCH", channel(vendor), {})
    assert (same.status, same.json()) == (200, moved.json())
    gone = await vendor.call("PATCH", channel(vendor), {"webhook": None})
    assert gone.json()["webhook"] is None


async def test_a_webhook_never_leads_inward(vendor):
    answered = await vendor.call("PATCH", channel(vendor), {"webhook": {"url": "http://127.0.0.1/hook"}})
    assert answered.status == 422
    assert (await vendor.call("GET", channel(vendor))).json()["webhook"] is None


@pytest.mark.parametrize(
    ("given", "message", "field"),
    [
        ({}, "Missing property 'type'.", "."),
        (
            {"type": "amio_chat", "name": "test"},
            "Is not offered: this server has no chat window of its own for websites.",
            ".type",
        ),
        ({"type": "telegram", "telegram": {"access_token": "x"}}, "Is not offered here.", ".type"),
        ({"type": "facebook_messenger"}, "Missing property 'facebook_page'.", "."),
        ({"type": "mobile", "provider": {"type": "twilio"}}, "Missing property 'name'.", "."),
        (
            {"type": "mobile", "name": "x", "provider": {"type": "messagebird"}},
            "Must be one of twilio, kannel, sandbox: others are not connected here.",
            ".provider.type",
        ),
        (
            {"type": "mobile", "name": "x", "provider": {"type": "twilio", "sender_id": "1234567", "access_token": "t"}},
            "Missing property 'account_sid'.",
            ".provider",
        ),
        (
            {"type": "email", "name": "x", "provider": {"type": "sandbox"}},
            "Missing property 'default_attributes'.",
            ".provider",
        ),
        (
            {"type": "facebook_messenger", "facebook_page": {"id": "1", "access_token": "x"}},
            "Missing property 'ad_account_id'.",
            ".facebook_page",
        ),
    ],
)
async def test_what_cannot_be_created_says_why(vendor, given, message, field):
    answered = await vendor.call("POST", "/amio/v1/channels", given)
    assert (answered.status, answered.json()["errors"]) == (422, [{"message": message, "field": field}])


async def test_a_page_is_connected_with_its_webhook(vendor):
    page = {"id": PAGE_ID, "access_token": "EAAB-secret", "ad_account_id": "act_30400000000000041"}
    given = {"type": "facebook_messenger", "facebook_page": page, "webhook": {"url": HOOK, "secret": "s"}}
    answered = await vendor.call("POST", "/amio/v1/channels", given)
    assert answered.status == 201, answered.text
    assert answered.headers["location"] == f"http://localhost/amio/v1/channels/{answered.json()['id']}"
    assert answered.json()["webhook"]["url"] == HOOK
    assert "EAAB-secret" not in answered.text


async def test_a_number_and_a_mailbox_are_connected_renamed_and_deleted(vendor):
    provider = {"type": "twilio", "sender_id": "+447700900123", "access_token": "sesame-7", "account_sid": "AC" + "0" * 32}
    given = {"type": "mobile", "name": "Orders", "provider": provider, "webhook": {"url": HOOK, "secret": "s"}}
    made = await vendor.call("POST", "/amio/v1/channels", given)
    assert made.status == 201, made.text
    told = made.json()
    path = f"/amio/v1/channels/{told.pop('id')}"
    assert told.pop("webhook")["url"] == HOOK
    assert told == {
        "type": "mobile",
        "name": "Orders",
        "mode": "production",
        "provider": {"type": "twilio", "sender_id": "447700900123", "access_token": "***"},
    }
    renamed = await vendor.call("PATCH", path, {"name": "Shop"})
    assert (renamed.status, renamed.json()["name"]) == (200, "Shop")
    deleted = await vendor.call("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await vendor.call("GET", path)).status == 404
    assert (await vendor.call("GET", "/v1/endpoints")).json()["data"] == []
    sender = {"email": "shop@example.com", "name": "Shop"}
    mailbox = {"type": "smtp", "host": "mail.example.com", "default_attributes": {"from": sender}}
    email = await vendor.call("POST", "/amio/v1/channels", {"type": "email", "name": "Mail", "provider": mailbox})
    assert email.status == 201, email.text
    assert email.json()["provider"]["default_attributes"] == {"from": sender}
    assert "sesame-7" not in made.text + renamed.text


async def test_deleting_is_a_404_for_the_unknown_and_refused_for_a_page(vendor):
    unknown = await vendor.call("DELETE", "/amio/v1/channels/123")
    page = await vendor.call("DELETE", channel(vendor))
    assert (unknown.status, page.status) == (404, 422)


async def test_contacts_of_a_channel_have_all_their_keys(vendor):
    contact = decimal(await vendor.wrote(PSID))
    text = {"channel": {"id": decimal(vendor.page)}, "content": {"type": "text", "payload": "Hi"}}
    named = {"phone_number": "+1 (212) 555-0199", "first_name": "Ada", "last_name": "Example"}
    by_phone = (await vendor.call("POST", "/amio/v1/messages", {**text, "contact": named})).json()["contact"]["id"]
    listed = await vendor.call("GET", channel(vendor, "/contacts"), query={"max": "2"})
    assert (listed.status, listed.headers["x-total-count"]) == (200, "2")
    assert {each["id"] for each in listed.json()} == {contact, by_phone}
    one = await vendor.call("GET", channel(vendor, f"/contacts/{by_phone}"))
    assert one.json() == {
        "id": by_phone,
        "name": "Ada Example",
        "phone_number": "12125550199",
        "user_ref": None,
        "gender": None,
        "locale": None,
        "time_zone": None,
        "photo_url": None,
    }
    assert (await vendor.call("GET", channel(vendor, "/contacts/123"))).status == 404
    deleted = await vendor.call("DELETE", channel(vendor, f"/contacts/{by_phone}"))
    again = await vendor.call("DELETE", channel(vendor, f"/contacts/{by_phone}"))
    assert (deleted.status, deleted.body, again.status) == (204, b"", 404)
    other = f"/amio/v1/channels/{decimal(vendor.sms)}/contacts/{contact}"
    assert (await vendor.call("GET", other)).status == 404  # contacts are per channel


async def test_messages_are_listed_newest_first_with_all_their_keys(vendor):
    """3.4: `{id, direction, sent, delivered, read, channel, contact, content}`, null when not yet known."""
    await vendor.tell(said(vendor.house, "Is it ready?", "m_in"))
    [known] = (await vendor.call("GET", channel(vendor, "/contacts"))).json()
    vendor.house.clock.move(minutes=1)
    among = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": known["id"]}}
    sent = await vendor.call("POST", "/amio/v1/messages", {**among, "content": {"type": "text", "payload": "Yes {{ it is"}})
    vendor.house.clock.move(minutes=1)
    await vendor.tell(event(vendor.house, {"delivery": {"mids": ["m_1"], "watermark": 1795176120000}}))
    listed = await vendor.call("GET", channel(vendor, f"/contacts/{known['id']}/messages"), query={"max": "10", "offset": "0"})
    assert (listed.status, listed.headers["x-total-count"]) == (200, "2")
    theirs = {"channel": {"id": decimal(vendor.page), "type": "facebook_messenger"}, "contact": {"id": known["id"]}}
    newest, oldest = listed.json()
    assert newest == {
        "id": sent.json()["id"],
        "direction": "sent",
        "sent": "2026-11-20T12:01:00.000Z",
        "delivered": "2026-11-20T12:02:00.000Z",
        "read": None,
        "content": {"type": "text", "payload": "Yes {{ it is"},
        **theirs,
    }
    assert oldest.pop("id").isdigit()
    assert oldest == {
        "direction": "received",
        "sent": "2026-11-20T12:00:00.000Z",
        "delivered": "2026-11-20T12:00:00.000Z",
        "read": None,
        "content": {"type": "text", "payload": "Is it ready?"},
        **theirs,
    }


async def test_the_list_is_cut_by_max_offset_and_dates(vendor):
    await vendor.tell(*(said(vendor.house, f"No {number}", f"m_{number}") for number in range(3)))
    [known] = (await vendor.call("GET", channel(vendor, "/contacts"))).json()
    path = channel(vendor, f"/contacts/{known['id']}/messages")
    one = await vendor.call("GET", path, query={"max": "1", "offset": "1"})
    assert (len(one.json()), one.headers["x-total-count"]) == (1, "3")
    later = await vendor.call("GET", path, query={"from": "2026-11-20T12:00:01Z"})
    before = await vendor.call("GET", path, query={"to": "2026-11-20T12:00:01Z"})
    assert (later.json(), len(before.json())) == ([], 3)
    for query in ({"max": "101"}, {"offset": "-1"}, {"from": "yesterday"}):
        refused = await vendor.call("GET", path, query=query)
        assert (refused.status, refused.json()["errors"][0]["field"]) == (422, f".{next(iter(query))}")


async def test_settings_live_in_metas_profile(vendor):
    """3.6, and null removes."""
    empty = await vendor.call("GET", channel(vendor, "/settings"))
    assert empty.json() == {"get_started_button": None, "menu": None, "user_inputs": None, "domains_whitelist": None}
    items = [
        {"type": "url", "title": "Shop", "payload": "https://shop.example.com"},
        {"type": "postback", "title": "Help", "payload": "help"},
    ]
    given = {
        "get_started_button": {"payload": "START"},
        "menu": [{"locale": "default", "items": items}],
        "user_inputs": [{"locale": "default", "enabled": False}],
        "domains_whitelist": ["https://shop.example.com"],
    }
    answered = await vendor.call("PATCH", channel(vendor, "/settings"), given)
    assert (answered.status, answered.json()) == (200, given)
    assert vendor.house.graph.profile == {
        "get_started": {"payload": "START"},
        "persistent_menu": [
            {
                "locale": "default",
                "call_to_actions": [
                    {"type": "web_url", "title": "Shop", "url": "https://shop.example.com"},
                    {"type": "postback", "title": "Help", "payload": "help"},
                ],
                "composer_input_disabled": True,
            }
        ],
        "whitelisted_domains": ["https://shop.example.com"],
    }
    open_again = await vendor.call("PATCH", channel(vendor, "/settings"), {"user_inputs": None})
    assert open_again.json() == {**given, "user_inputs": None}
    less = await vendor.call("PATCH", channel(vendor, "/settings"), {"menu": None, "domains_whitelist": None})
    assert less.json() == {**given, "user_inputs": None, "menu": None, "domains_whitelist": None}
    same = await vendor.call("PATCH", channel(vendor, "/settings"), {})
    assert (same.status, same.json()) == (200, less.json())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"menu": [{"locale": "default", "items": [{"type": "postback", "title": "x", "payload": "x"}] * 4}]}, ".menu.0.items"),
        ({"menu": [{"locale": "default", "items": [{"type": "menu", "title": "x", "payload": "x"}]}]}, ".menu.0.items.0.type"),
        (
            {"menu": [{"locale": "default", "items": [{"type": "url", "title": "x", "payload": "http://x.test"}]}]},
            ".menu.0.call_to_actions.0.url",
        ),
        ({"get_started_button": {"payload": "x" * 1001}}, ".get_started_button.payload"),
        ({"user_inputs": [{"locale": "default", "enabled": False}]}, ".user_inputs"),
    ],
)
async def test_wrong_settings_name_their_field(vendor, given, field):
    answered = await vendor.call("PATCH", channel(vendor, "/settings"), given)
    assert (answered.status, answered.json()["errors"][0]["field"]) == (422, field)
    assert vendor.house.graph.profile == {}


async def test_notifications_are_shown_and_come_back(vendor):
    contact = decimal(await vendor.wrote(PSID))
    shown = []
    for kind in ("typing_on", "typing_off", "messages_read"):
        given = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": contact}, "type": kind}
        answered = await vendor.call("POST", "/amio/v1/notifications", given)
        assert (answered.status, answered.json()) == (200, given)
        shown.append(vendor.house.graph.calls[-1])
    assert shown == [("send_action", (PSID, each)) for each in ("typing_on", "typing_off", "mark_seen")]


async def test_notifications_that_nobody_can_be_shown(vendor):
    contact = decimal(await vendor.wrote(PSID))
    given = {"channel": {"id": decimal(vendor.page)}, "contact": {"id": contact}, "type": "custom", "payload": {}}
    custom = await vendor.call("POST", "/amio/v1/notifications", given)
    empty = await vendor.call("POST", "/amio/v1/notifications", {})
    assert (custom.status, custom.json()["errors"][0]["field"], empty.status) == (422, ".type", 422)
    vendor.house.graph.script["send_action"] = [DEAD_TOKEN]
    dead = await vendor.call("POST", "/amio/v1/notifications", {**given, "type": "typing_on"})
    assert dead.status == 502


async def test_another_workspaces_ids_are_unknown(vendor):
    from api_house import keyed

    from guestlist.storage import access as access_rows

    services = vendor.house.services
    await services.db.write(lambda tx: access_rows.ensure_workspace(tx, "wsp_other", "Other", services.now_ms()))
    stranger = await keyed(vendor.app, vendor.house, "wsp_other")
    assert (await stranger.get(channel(vendor))).status == 404
    assert (await stranger.get("/amio/v1/channels")).json() == []
