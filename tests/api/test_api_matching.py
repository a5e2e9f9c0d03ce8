"""Phone matching and invitations by HTTP: what is declared, what a suspended Page answers, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from api_house import Api

DECLARED = {
    "phone_matching": "enabled",
    "fee_paid_on": "2026-03-01",
    "fee_period": "once",
    "us_admin": True,
    "non_promotional": True,
}
UNKNOWN = "con_01hq3k5y8v7d2w9g4m6n0p1r2s"


async def test_matching_is_suspended_until_its_owner_declares_it_and_says_who_vouches(api: Api) -> None:
    path = f"/v1/pages/{await api.connect()}/matching"
    before = (await api.client.get(path)).json()
    put = await api.client.put(path, DECLARED)
    after = put.json()
    assert before["phone_matching"] == "suspended"
    assert {each["name"]: each["met"] for each in before["conditions"] if each["by"] == "owner"} == {
        "fee": None,
        "us_admin": None,
        "non_promotional": None,
    }
    assert (put.status, {name: after[name] for name in DECLARED}) == (200, DECLARED)
    assert {each["name"] for each in after["conditions"] if each["by"] == "owner" and each["met"]} == {
        "fee",
        "us_admin",
        "non_promotional",
    }
    assert [each["name"] for each in after["conditions"] if each["by"] == "graph"] == ["published", "permission"]
    assert (await api.client.get(path)).json() == after


@pytest.mark.parametrize(
    "wrong", [{"phone_matching": "on"}, {"fee_period": "monthly"}, {"us_admin": "yes"}, {"fee_paid_on": "soon"}]
)
async def test_what_cannot_be_declared(api: Api, wrong: dict[str, Any]) -> None:
    path = f"/v1/pages/{await api.connect()}/matching"
    assert (await api.client.put(path, {**DECLARED, **wrong})).status == 422
    assert (await api.client.get(path)).json()["phone_matching"] == "suspended"


async def test_a_suspended_page_asks_nobody_and_names_the_audience_route(api: Api) -> None:
    given = {"page_id": await api.connect(), "name": "Regulars", "contact_ids": [UNKNOWN], "text": "May we?"}
    refused = await api.client.post("/v1/invitations", given)
    assert (refused.status, refused.json()["code"]) == (409, "phone_matching_suspended")
    assert "/v1/audiences" in refused.json()["remedy"]
    assert (await api.client.get("/v1/invitations")).json()["data"] == []


async def test_an_invitation_is_made_listed_and_read(api: Api) -> None:
    page_id = await api.connect()
    await api.client.put(f"/v1/pages/{page_id}/matching", DECLARED)
    contact = (await api.client.post("/v1/contacts", {"phone": "+447700900123", "first_name": "Ana"})).json()
    given = {"page_id": page_id, "name": "Regulars", "text": "May we write to you here?"}
    made = await api.client.post("/v1/invitations", {**given, "contact_ids": [contact["id"], UNKNOWN]})
    shown = made.json()
    assert (made.status, shown["people"], shown["complete"], shown["skipped"]) == (201, 1, True, {"unknown": 1})
    assert shown["counts"] | {"queued": 1} == shown["counts"]
    read = (await api.client.get(f"/v1/invitations/{shown['id']}")).json()
    assert read | {"skipped": shown["skipped"]} == shown
    assert (await api.client.get("/v1/invitations")).json()["data"] == [read]
    again = (await api.client.post("/v1/invitations", {**given, "source": "api"})).json()
    assert (again["people"], again["skipped"]) == (0, {"asked_before": 1})


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"contact_ids": []}, 422),
        ({"contact_ids": [UNKNOWN], "source": "list"}, 422),
        ({"contact_ids": ["nobody"]}, 422),
        ({"source": "friends"}, 422),
        ({"source": "list", "text": ""}, 400),
        ({"source": "list", "page_id": "pag_01hq3k5y8v7d2w9g4m6n0p1r2s"}, 404),
    ],
)
async def test_an_invitation_that_cannot_be_is_refused(api: Api, given: dict[str, Any], status: int) -> None:
    page_id = await api.connect()
    await api.client.put(f"/v1/pages/{page_id}/matching", DECLARED)
    answered = await api.client.post("/v1/invitations", {"page_id": page_id, "name": "Regulars", "text": "May we?", **given})
    assert answered.status == status
    assert (await api.client.get("/v1/invitations")).json()["data"] == []


async def test_another_workspace_sees_and_invites_nobody(api: Api) -> None:
    page_id = await api.connect()
    await api.client.put(f"/v1/pages/{page_id}/matching", DECLARED)
    contact = (await api.client.post("/v1/contacts", {"phone": "+447700900123"})).json()
    given = {"page_id": page_id, "name": "Regulars", "text": "May we?", "contact_ids": [contact["id"]]}
    made = (await api.client.post("/v1/invitations", given)).json()
    stranger = await api.stranger()
    assert (await stranger.get(f"/v1/invitations/{made['id']}")).status == 404
    assert (await stranger.post("/v1/invitations", given)).status == 404
    assert (await stranger.get(f"/v1/pages/{page_id}/matching")).status == 404
