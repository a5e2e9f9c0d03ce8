"""Contacts from outside: made, found, changed under their ETag, brought together, forgotten; and the line of time of each."""

from __future__ import annotations

from typing import Any

import pytest
from api_house import Api
from support.inbound import event, said, tell
from support.messaging import PSID, add_account

from guestlist.domain.messages import Channel
from guestlist.storage.instants import to_ms

NOT_THERE = "con_01hq3k5y8v7d2w9g4m6n0p1r2s"
ANA = {
    "external_id": "crm-1",
    "first_name": "Ana",
    "phone": "+44 7911 123456",
    "email": "Ana@Example.COM",
    "fields": {"tier": "gold"},
}


async def create(api: Api, **more: Any) -> dict[str, Any]:
    answered = await api.client.post("/v1/contacts", {**ANA, **more})
    assert answered.status == 201, answered.text
    found: dict[str, Any] = answered.json()
    return found


async def test_a_contact_is_made_and_read_with_its_addresses_and_etag(api: Api) -> None:
    made = await create(api)
    answered = await api.client.get(f"/v1/contacts/{made['id']}")
    assert (answered.json(), answered.headers["etag"]) == (made, '"1"')
    assert (made["external_id"], made["fields"], made["source"], made["version"]) == ("crm-1", {"tier": "gold"}, "api", 1)
    addresses = {each["kind"]: (each["value"], each["channel"], each["account_id"]) for each in made["addresses"]}
    assert addresses == {"phone": ("447911123456", "sms", ""), "email": ("Ana@example.com", "email", "")}


async def test_an_id_or_address_that_is_taken_is_refused_naming_its_contact(api: Api) -> None:
    made = await create(api)
    for body in ({"external_id": "crm-1"}, {"phone": "+447911123456"}, {"email": "Ana@example.com"}):
        answered = await api.client.post("/v1/contacts", body)
        assert (answered.status, answered.json()["code"], answered.json()["contact_id"]) == (409, "contact_taken", made["id"])


async def test_an_upsert_finds_by_id_or_address_and_makes_what_is_not_there(api: Api) -> None:
    first = await api.client.post("/v1/contacts/upsert", ANA)
    again = await api.client.post("/v1/contacts/upsert", {"phone": "+447911123456", "last_name": "Diaz", "fields": {"n": 1}})
    assert (first.status, again.status) == (201, 200)
    kept = again.json()
    assert (kept["id"], kept["first_name"], kept["last_name"]) == (first.json()["id"], "Ana", "Diaz")
    assert (kept["fields"], kept["version"]) == ({"tier": "gold", "n": 1}, 2)
    unchanged = await api.client.post("/v1/contacts/upsert", {"phone": "+447911123456", "last_name": "Diaz"})
    assert unchanged.json()["version"] == 2
    nobody = await api.client.post("/v1/contacts/upsert", {"first_name": "Ben"})
    assert (nobody.status, nobody.json()["code"]) == (400, "nobody_named")


async def test_a_change_under_an_old_etag_is_refused_with_412(api: Api) -> None:
    made = await create(api)
    path = f"/v1/contacts/{made['id']}"
    changed = await api.client.patch(path, {"first_name": "Anna", "fields": {"tier": None}}, if_match='"1"')
    assert (changed.status, changed.json()["first_name"], changed.json()["fields"]) == (200, "Anna", {})
    assert changed.headers["etag"] == '"2"'
    late = await api.client.patch(path, {"first_name": "Anne"}, if_match='"1"')
    assert (late.status, late.json()["code"]) == (412, "contact_changed")
    odd = await api.client.patch(path, {"first_name": "Anne"}, if_match="1")
    assert (odd.status, odd.json()["code"]) == (400, "bad_etag")
    assert (await api.client.get(path)).json()["first_name"] == "Anna"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "123"}, "body.phone"),
        ({"email": "nobody"}, "body.email"),
        ({"timezone": "Mars/Olympus"}, "body.timezone"),
        ({"locale": "english!"}, "body.locale"),
        ({"fields": {"_secret": 1}}, "body.fields"),
        ({"fields": {"": 1}}, "body.fields"),
        ({"picture_url": "http://10.0.0.1/a.png"}, "body.picture_url"),
        ({"first_name": "x" * 256}, "body.first_name"),
        ({"firstname": "Ana"}, "body.firstname"),
        ({"addresses": [{"kind": "phone", "value": "x"}]}, "body.addresses.0"),
        ({"addresses": [{"kind": "fax", "value": "1"}]}, "body.addresses.0.kind"),
    ],
)
async def test_bad_facts_are_refused_by_their_field_and_never_repeated(api: Api, body: dict[str, Any], field: str) -> None:
    answered = await api.client.post("/v1/contacts", body)
    assert (answered.status, [each["field"] for each in answered.json()["errors"]]) == (422, [field])
    assert "Olympus" not in answered.text


async def test_a_contact_over_a_hundred_kilobytes_is_refused(api: Api) -> None:
    answered = await api.client.post("/v1/contacts", {"external_id": "big", "fields": {"note": "x" * 102_400}})
    assert (answered.status, answered.json()["code"]) == (400, "contact_too_large")


async def test_contacts_are_found_by_what_is_known_of_them(api: Api) -> None:
    ana = await create(api)
    ben = await create(
        api, external_id="crm-2", first_name="Ben", phone="+55 11 98765-4321", email="b@example.com", fields={"tier": 1}
    )
    searches: list[tuple[dict[str, Any], list[str]]] = [
        ({"first_name": "Ana"}, [ana["id"]]),
        ({"external_id": "crm-2"}, [ben["id"]]),
        ({"email": "b@EXAMPLE.com"}, [ben["id"]]),
        ({"phone": "+55 11 8765-4321"}, [ben["id"]]),  # the older spelling, without the ninth digit
        ({"fields": {"tier": "gold"}}, [ana["id"]]),
        ({"fields": {"tier": 1}}, [ben["id"]]),
        ({"fields": {"tier": None}}, []),
        ({"fields": {"nothing": None}}, [ben["id"], ana["id"]]),
        ({"created_after": "2026-01-01T00:00:00Z"}, [ben["id"], ana["id"]]),
        ({"created_before": "2026-01-01T00:00:00Z"}, []),
        ({"first_name": "Ana", "email": "b@example.com"}, []),
        ({}, [ben["id"], ana["id"]]),
    ]
    for wanted, ids in searches:
        answered = await api.client.post("/v1/contacts/search", wanted)
        assert [each["id"] for each in answered.json()["data"]] == ids, wanted
    slices = [await api.client.post("/v1/contacts/search", {"limit": 1})]
    slices.append(await api.client.post("/v1/contacts/search", {"limit": 1, "after": slices[0].json()["next"]}))
    assert [each["id"] for part in slices for each in part.json()["data"]] == [ben["id"], ana["id"]]


async def test_two_contacts_become_one_without_loss(api: Api) -> None:
    ana = await create(api)
    other = await create(
        api, external_id="crm-9", phone="+447911123457", email="a@work.example", last_name="Diaz", fields={"n": 1}
    )
    merged = (await api.client.post(f"/v1/contacts/{ana['id']}/merge", {"contact": other["id"]})).json()
    assert (merged["id"], merged["external_id"], merged["last_name"]) == (ana["id"], "crm-1", "Diaz")
    assert merged["fields"] == {"tier": "gold", "n": 1, "other_external_ids": ["crm-9"]}
    assert len(merged["addresses"]) == 4
    gone = await api.client.get(f"/v1/contacts/{other['id']}")
    assert (gone.status, gone.json()["code"], gone.json()["merged_into"]) == (404, "merged", ana["id"])
    same = await api.client.post(f"/v1/contacts/{ana['id']}/merge", {"contact": ana["id"]})
    assert (same.status, same.json()["code"]) == (400, "same_contact")


async def test_an_address_is_added_and_taken_away(api: Api) -> None:
    made = await create(api)
    path = f"/v1/contacts/{made['id']}"
    more = await api.client.patch(path, {"addresses": [{"kind": "email", "value": "b@example.com"}]})
    assert len(more.json()["addresses"]) == 3
    less = await api.client.post(f"{path}/addresses/remove", {"kind": "email", "value": "b@example.com"})
    assert (len(less.json()["addresses"]), less.json()["version"]) == (2, 3)
    again = await api.client.post(f"{path}/addresses/remove", {"kind": "email", "value": "b@example.com"})
    assert again.status == 404
    nowhere = await api.client.patch(path, {"addresses": [{"kind": "psid", "value": "7"}]})
    assert (nowhere.status, nowhere.json()["code"]) == (400, "page_not_named")


async def test_a_deleted_contact_is_gone_and_its_waiting_message_is_cancelled(api: Api) -> None:
    account = (await add_account(api.house, Channel.SMS))["id"]
    made = await create(api)
    sent = await api.client.post("/v1/messages", {"to": {"contact": made["id"]}, "rules": ["sms"], "text": "Hello"})
    assert (await api.client.delete(f"/v1/contacts/{made['id']}")).status == 204
    await api.house.run_send(account)
    assert (await api.client.get(f"/v1/messages/{sent.json()['id']}")).json()["state"] == "cancelled"
    assert (await api.client.get(f"/v1/contacts/{made['id']}")).status == 404
    assert (await api.client.delete(f"/v1/contacts/{made['id']}")).status == 404
    assert (await api.client.post("/v1/contacts", ANA)).status == 201


async def test_forgetting_empties_both_sides_and_says_what_remains(api: Api) -> None:
    page_id = await api.connect()
    await tell(api.house, said(api.house, "my secret", "m_1"))
    [conversation] = (await api.client.get("/v1/conversations")).json()["data"]
    contact_id = conversation["contact_id"]
    sent = await api.client.post("/v1/messages", {"to": {"contact": contact_id}, "rules": ["messenger"], "text": "our answer"})
    await api.house.run_send(page_id)
    path = f"/v1/contacts/{contact_id}"
    forgotten = (await api.client.post(f"{path}/forget")).json()
    assert {name: forgotten[name] for name in ("addresses", "messages", "replies", "cancelled")} == {
        "addresses": 1,
        "messages": 1,
        "replies": 1,
        "cancelled": 0,
    }
    assert "raw_webhooks" in [each["what"] for each in forgotten["remains"]]
    story = (await api.client.get(f"/v1/messages/{sent.json()['id']}")).text
    assert "our answer" not in story
    assert (await api.client.get(f"{path}/timeline")).status == 404
    said_then = (await api.client.get(f"/v1/conversations/{conversation['id']}/messages")).json()["data"]
    assert [(each["text"], each["content"]) for each in said_then] == [("", {}), ("", {})]
    assert (await api.client.post(f"{path}/forget")).json()["messages"] == 0


async def test_the_timeline_merges_messages_receipts_and_replies_of_all_channels(api: Api) -> None:
    page_id, sms = await api.connect(), (await add_account(api.house, Channel.SMS))["id"]
    house = api.house
    await tell(house, said(house, "Hello", "m_1"))
    [conversation] = (await api.client.get("/v1/conversations")).json()["data"]
    contact_id = conversation["contact_id"]
    await api.client.patch(f"/v1/contacts/{contact_id}", {"phone": "+447911123456", "first_name": "Ana"})
    house.clock.move(minutes=1)
    text = "Hi {{ contact.first_name }}"
    await api.client.post("/v1/messages", {"to": {"contact": contact_id}, "rules": ["messenger"], "text": text})
    await house.run_send(page_id)
    house.clock.move(minutes=1)
    await tell(house, event(house, {"read": {"watermark": to_ms(house.clock.at)}}))
    house.clock.move(minutes=1)
    await api.client.post("/v1/messages", {"to": {"contact": contact_id}, "rules": ["sms"], "text": "By SMS"})
    await house.run_send(sms)
    path = f"/v1/contacts/{contact_id}/timeline"
    oldest = (await api.client.get(path, {"order": "oldest"})).json()["data"]
    told = [(each["what"], each["direction"], each["channel"], each["kind"], each["text"]) for each in oldest]
    assert told == [
        ("reply", "in", "messenger", "text", "Hello"),
        ("message", "out", "messenger", "message", "Hi Ana"),
        ("receipt", "out", "messenger", "read", ""),
        ("message", "out", "sms", "message", "By SMS"),
    ]
    newest, after = [], None
    while True:
        answered = (await api.client.get(path, {"limit": 1, **({"after": after} if after else {})})).json()
        newest += answered["data"]
        after = answered["next"]
        if after is None:
            break
    assert newest == oldest[::-1]
    assert (await api.client.get(path, {"after": "bm90aGluZw"})).json()["code"] == "bad_cursor"


async def test_a_conversation_is_read_and_marked_so(api: Api) -> None:
    page_id = await api.connect()
    house = api.house
    await tell(house, said(house, "Hello", "m_1"), said(house, "Anybody?", "m_2"))
    [conversation] = (await api.client.get("/v1/conversations", {"unread": "true", "account_id": page_id})).json()["data"]
    assert (conversation["unread"], conversation["channel"], conversation["last_out_at"]) == (2, "messenger", None)
    to = {"psid": PSID}
    await api.client.post("/v1/messages", {"to": to, "rules": ["messenger"], "text": "Yes"})
    await house.run_send(page_id)
    path = f"/v1/conversations/{conversation['id']}"
    marked = (await api.client.post(f"{path}/read")).json()
    assert (marked["unread"], marked["last_out_at"]) == (0, marked["last_in_at"])
    assert (await api.client.get("/v1/conversations", {"unread": "true"})).json()["data"] == []
    assert (await api.client.get(path)).json() == marked
    both = (await api.client.get(f"{path}/messages", {"order": "oldest"})).json()["data"]
    assert sorted((each["direction"], each["text"]) for each in both) == [("in", "Anybody?"), ("in", "Hello"), ("out", "Yes")]


async def test_another_workspace_sees_no_contact_and_no_conversation(api: Api) -> None:
    await api.connect()
    await tell(api.house, said(api.house, "Hello", "m_1"))
    [conversation] = (await api.client.get("/v1/conversations")).json()["data"]
    stranger = await api.stranger()
    for path in (f"contacts/{conversation['contact_id']}", f"conversations/{conversation['id']}", f"contacts/{NOT_THERE}"):
        assert (await stranger.get(f"/v1/{path}")).status == 404
    assert (await stranger.get("/v1/conversations")).json()["data"] == []
    assert (await stranger.get("/v1/contacts")).json()["data"] == []
