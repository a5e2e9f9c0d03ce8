"""Comapi's profiles over HTTP. Source: vendor-apis.md 2.5, 2.6."""

from __future__ import annotations

from typing import Any

import pytest
from comapi_desk import Desk

ADA = {"id": "ada@example.com", "firstName": "Ada", "phoneNumber": "+44 7700 900123", "tier": "gold", "age": 36}


async def made(desk: Desk, **more: Any) -> str:
    """Creates Ada; her ETag."""
    answered = await desk.post("/profiles", {**ADA, **more})
    assert answered.status == 201, answered.text
    return answered.headers["etag"]


async def test_a_profile_is_created_and_read_with_its_etag(desk: Desk) -> None:
    """2.6: POST 201, system fields, ETag; 409 for an id that is taken."""
    created = await desk.post("/profiles", ADA)
    assert created.status == 201
    assert created.headers["etag"] == '"1"'
    assert created.headers["location"].endswith(f"{desk.root}/profiles/ada@example.com")
    read = await desk.get("/profiles/ada@example.com")
    assert (read.status, read.headers["etag"]) == (200, '"1"')
    assert read.json() == {
        "id": "ada@example.com",
        "tier": "gold",
        "age": 36,
        "firstName": "Ada",
        "phoneNumber": "447700900123",
        "_createdOn": "2026-11-20T12:00:00.000Z",
        "_createdBy": "access:api",
        "_updatedOn": "2026-11-20T12:00:00.000Z",
        "_updatedBy": "access:api",
        "_systemProfile": False,
    }
    again = await desk.post("/profiles", {"id": "ada@example.com"})
    assert (again.status, again.json()["errorCode"]) == (409, "CONTACT_TAKEN")
    assert (await desk.get("/profiles/eve")).status == 404


async def test_a_profile_without_an_id_gets_a_guid(desk: Desk) -> None:
    created = (await desk.post("/profiles", {"firstName": "Bob"})).json()
    assert created["id"].count("-") == 4
    changed = await desk.send("PUT", f"/profiles/{created['id']}", {"id": created["id"], "firstName": "Bobby"})
    assert (changed.status, changed.json()["id"], changed.json()["firstName"]) == (200, created["id"], "Bobby")
    plain = created["id"].replace("-", "")
    assert (await desk.get(f"/profiles/{plain}")).json()["firstName"] == "Bobby"


async def test_put_replaces_and_patch_merges(desk: Desk) -> None:
    """2.6: PUT replaces, PATCH merges; `deletes` and null take away; the JS SDK adds `id` to the body."""
    await made(desk)
    patched = (await desk.send("PATCH", "/profiles/ada@example.com", {"id": "ada@example.com", "tier": "blue"})).json()
    assert (patched["tier"], patched["age"], patched["firstName"]) == ("blue", 36, "Ada")
    lost = (await desk.send("PATCH", "/profiles/ada@example.com", {"age": None}, {"deletes": "tier,phoneNumber"})).json()
    assert {"age", "tier", "phoneNumber"} & set(lost) == set()
    replaced = (await desk.send("PUT", "/profiles/ada@example.com", {"email": "ada@example.com", "shoe": 38})).json()
    assert {name: value for name, value in replaced.items() if not name.startswith("_")} == {
        "id": "ada@example.com",
        "shoe": 38,
        "email": "ada@example.com",
    }


async def test_a_new_phone_number_takes_the_place_of_the_old_one(desk: Desk) -> None:
    await made(desk)
    changed = (await desk.send("PATCH", "/profiles/ada@example.com", {"phoneNumber": "447700900999"})).json()
    assert changed["phoneNumber"] == "447700900999"
    assert (await desk.post("/profiles", {"id": "eve", "phoneNumber": "447700900123"})).status == 201


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_profile_that_changed_meanwhile_is_412(desk: Desk, method: str) -> None:
    """2.6: `If-Match`, mismatch 412."""
    etag = await made(desk)
    await desk.send("PATCH", "/profiles/ada@example.com", {"tier": "blue"}, if_match=etag)
    for stale in (etag, "W/" + etag, '"x"'):
        answered = await desk.send(method, "/profiles/ada@example.com", {"tier": "red"}, if_match=stale)
        assert (answered.status, answered.json()["errorCode"]) == (412, "CONTACT_CHANGED")
    assert (await desk.get("/profiles/ada@example.com")).json()["tier"] == "blue"
    assert (await desk.send(method, "/profiles/ada@example.com", {"tier": "red"}, if_match='"2"')).status in (200, 204)


async def test_patch_makes_a_profile_where_it_is_allowed_to(desk: Desk) -> None:
    """2.6: `allowcreate`."""
    assert (await desk.send("PATCH", "/profiles/bob", {"tier": "blue"})).status == 404
    assert (await desk.send("PUT", "/profiles/bob", {"tier": "blue"})).status == 404
    made_ = await desk.send("PATCH", "/profiles/bob", {"tier": "blue"}, {"allowcreate": "true"})
    assert (made_.status, made_.json()["id"]) == (201, "bob")


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"_mine": 1}, "_mine"),
        ({"phoneNumber": "12"}, "phoneNumber"),
        ({"email": "x"}, "email"),
        ({"id": "other"}, "id"),
        ([], "body"),
        ({"x": 1e400}, "body"),
    ],
)
async def test_bad_profiles_name_the_field(desk: Desk, given: Any, parameter: str) -> None:
    """2.6: custom names may not begin with `_`; 2.5: the shape."""
    await made(desk)
    answered = await desk.send("PATCH", "/profiles/ada@example.com", given)
    assert answered.status == 400
    assert [each["paramName"] for each in answered.json()["validationFailures"]] == [parameter]


PEOPLE = [
    {"id": "ada", "firstName": "Ada", "age": 36, "tier": "gold", "phoneNumber": "447700900123"},
    {"id": "bob", "firstName": "Bob", "age": 20, "member": True},
    {"id": "cid", "firstName": "Cid", "age": 20, "tier": "blue"},
]
QUERIES: list[tuple[list[tuple[str, str]], list[str]]] = [
    ([], ["cid", "bob", "ada"]),
    ([("id", "ada")], ["ada"]),
    ([("firstName", "Bob")], ["bob"]),
    ([("phoneNumber", "+447700900123")], ["ada"]),
    ([("tier", "gold")], ["ada"]),
    ([("tier", "!gold")], ["cid", "bob"]),
    ([("tier", "")], ["cid", "ada"]),
    ([("tier", "!")], ["bob"]),
    ([("tier", "^b")], ["cid"]),
    ([("tier", "$d")], ["ada"]),
    ([("tier", "~lu")], ["cid"]),
    ([("age", "20")], ["cid", "bob"]),
    ([("age", ">20")], ["ada"]),
    ([("age", ">=20"), ("age", "<=20")], ["cid", "bob"]),
    ([("age", "<20")], []),
    ([("member", "true")], ["bob"]),
    ([("tier[]", "gold"), ("tier[]", "blue")], ["cid", "ada"]),
    ([("tier[]", "!gold"), ("tier[]", "!blue")], ["bob"]),
    ([("$limit", "1"), ("$skip", "1")], ["bob"]),
    ([("age", "20"), ("$limit", "1")], ["cid"]),
]


@pytest.mark.parametrize(("query", "found"), QUERIES)
async def test_profiles_are_found_by_their_fields(desk: Desk, query: list[tuple[str, str]], found: list[str]) -> None:
    """2.6: filters in the query, Mongo-style operators, `$limit`, `$skip`."""
    for each in PEOPLE:
        assert (await desk.post("/profiles", each)).status == 201
    answered = await desk.get("/profiles", query)
    assert answered.status == 200, answered.text
    assert [each["id"] for each in answered.json()] == found


async def test_only_the_fields_asked_for_are_told(desk: Desk) -> None:
    """2.6: `$fields`, `$includeSystem`; what is not known is a 400."""
    await made(desk)
    assert (await desk.get("/profiles", {"$fields": "tier"})).json() == [{"id": "ada@example.com", "tier": "gold"}]
    told = (await desk.get("/profiles", {"$includeSystem": "false"})).json()[0]
    assert [name for name in told if name.startswith("_")] == []
    wrong = await desk.get("/profiles", {"$limit": "0", "$skip": "x", "$schemaOnly": "true"})
    assert [each["paramName"] for each in wrong.json()["validationFailures"]] == ["$limit", "$skip", "$schemaOnly"]


async def test_a_deleted_profile_is_gone_and_its_id_free(desk: Desk) -> None:
    """2.6: DELETE 204, `forget`."""
    await made(desk)
    assert (await desk.send("DELETE", "/profiles/ada@example.com")).status == 204
    assert (await desk.get("/profiles/ada@example.com")).status == 404
    assert (await desk.send("DELETE", "/profiles/ada@example.com")).status == 404
    await made(desk)
    sent = await desk.accepted({"to": {"profileId": "ada@example.com"}, "body": "Secret", "rules": ["sms"]})
    assert (await desk.send("DELETE", "/profiles/ada@example.com", query={"forget": "true"})).status == 204
    assert "body" not in (await desk.get(f"/messages/{sent['messageId']}")).json()


async def test_many_profiles_are_merged_and_deleted_at_once(desk: Desk) -> None:
    """2.6: `PATCH` and `DELETE /profiles/bulk`."""
    await made(desk)
    answered = await desk.send(
        "PATCH", "/profiles/bulk", [{"id": "ada@example.com", "tier": "blue"}, {"id": "bob"}, {"tier": "x"}]
    )
    assert answered.json() == [
        {"index": 0, "id": "ada@example.com"},
        {"index": 1, "id": "bob"},
        {"index": 2, "validationFailures": [{"paramName": "id", "message": "is needed"}]},
    ]
    assert (await desk.get("/profiles/ada@example.com")).json()["tier"] == "blue"
    assert (await desk.send("DELETE", "/profiles/bulk", ["ada@example.com", "nobody"])).status == 204
    assert [each["id"] for each in (await desk.get("/profiles")).json()] == ["bob"]


async def test_opt_ins_are_given_and_taken_back(desk: Desk) -> None:
    """2.6: `PUT` / `DELETE /profiles/{id}/optin`; 2.3: what `requireOptIn` asks."""
    await made(desk)
    path = "/profiles/ada@example.com/optin"
    asked = {"to": {"profileId": "ada@example.com"}, "body": "x", "rules": ["sms"], "requireOptIn": True}
    assert (await desk.post("/messages", asked)).status == 400
    assert (await desk.send("PUT", path, {"channels": ["sms", "fbMessenger"]})).json() == {"channels": ["fbMessenger", "sms"]}
    assert (await desk.post("/messages", asked)).status == 201
    batch = await desk.post("/messages/batch", [asked, {**asked, "rules": ["email"]}])
    assert ["messageId" in each for each in batch.json()] == [True, False]
    assert (await desk.send("DELETE", path, query={"channel": "sms"})).json() == {"channels": ["fbMessenger"]}
    assert (await desk.post("/messages", asked)).status == 400
    assert (await desk.send("PUT", path, {"channels": ["pigeon"]})).status == 400
    await desk.send("PUT", path, {"channels": ["sms"]})
    await desk.send("PUT", "/profiles/ada@example.com", {"phoneNumber": "447700900123"})
    assert (await desk.post("/messages", asked)).status == 201
    assert (await desk.send("DELETE", path)).json() == {"channels": []}


async def test_another_workspaces_profiles_do_not_exist(desk: Desk) -> None:
    await made(desk)
    stranger = await desk.api.stranger()
    for method, path in (("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/messages")):
        answered = await stranger.call(method, f"/cpaas/profiles/ada@example.com{path}", chunks=[b"{}"])
        assert answered.status == 404
    assert (await stranger.get("/cpaas/profiles")).json() == []
