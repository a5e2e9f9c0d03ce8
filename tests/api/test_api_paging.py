"""Listings are read in slices; rows added meanwhile neither repeat nor hide any."""

from __future__ import annotations

from typing import Any

import pytest
from api_house import Api
from support.asgi import Client

from guestlist.api.paging import build_cursor

LISTINGS = [
    *("pages", "accounts", "lists", "audiences", "uploads", "subscribers", "campaigns", "contacts", "conversations", "messages"),
    *("invitations", "keys", "endpoints", "events"),
]


async def read_all(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    """Every row of a listing, slice by slice."""
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        answered = (await client.get(path, query)).json()
        assert len(answered["data"]) <= limit
        rows += answered["data"]
        if answered["next"] is None:
            return rows
        query["after"] = answered["next"]


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_slices_of_any_size_make_up_the_whole(api: Api, limit: int) -> None:
    page_id = await api.connect()
    made = [await api.make("audiences", page_id=page_id, name=f"Audience {n}") for n in range(4)]
    assert [row["id"] for row in await read_all(api.client, "/v1/audiences", limit)] == made[::-1]


async def test_a_row_added_meanwhile_moves_nothing(api: Api) -> None:
    page_id = await api.connect()
    made = [await api.make("audiences", page_id=page_id, name=f"Audience {n}") for n in range(3)]
    first = (await api.client.get("/v1/audiences", {"limit": 2})).json()
    await api.make("audiences", page_id=page_id, name="Late")
    second = (await api.client.get("/v1/audiences", {"limit": 2, "after": first["next"]})).json()
    assert [row["id"] for row in [*first["data"], *second["data"]]] == made[::-1]


async def test_keys_are_listed_oldest_first(api: Api) -> None:
    made = [await api.make("keys", name=f"key {n}") for n in range(3)]
    assert [row["id"] for row in await read_all(api.client, "/v1/keys", 2)][1:] == made


async def test_rejects_and_recipients_are_sliced_by_position(api: Api) -> None:
    list_id = await api.import_list(b"email\n" + b"".join(b"bad-%d\n" % n for n in range(5)) + b"a@example.com\n")
    page_id = await api.connect()
    await api.subscribe(page_id, "tok-1", "tok-2", "tok-3")
    campaign_id = await api.make("campaigns", page_id=page_id, name="Spring", text="Hello")
    await api.client.post(f"/v1/campaigns/{campaign_id}/launch")
    rejected = await read_all(api.client, f"/v1/lists/{list_id}/rejects", 3)
    assert sorted({row["row"] for row in rejected}) == [1, 2, 3, 4, 5]
    recipients = await read_all(api.client, f"/v1/campaigns/{campaign_id}/recipients", 2)
    assert [row["position"] for row in recipients] == [1, 2, 3]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MTI", "b3RoZXI", "lst_01hq3k5y8v7d2w9g4m6n0p1r2s", "4pi6"])
async def test_a_cursor_of_nowhere_is_refused_by_every_listing(client: Client, cursor: str) -> None:
    for noun in LISTINGS:
        answered = await client.get(f"/v1/{noun}", {"after": cursor})
        assert (answered.status, answered.code) == (400, "bad_cursor"), noun


async def test_a_cursor_of_another_noun_is_refused_by_every_listing(api: Api) -> None:
    for noun in LISTINGS:
        answered = await api.client.get(f"/v1/{noun}", {"after": build_cursor("rep_01hq3k5y8v7d2w9g4m6n0p1r2s")})
        assert (answered.status, answered.code) == (400, "bad_cursor"), noun
        assert answered.json()["detail"].startswith("`after` is no id of this listing"), noun


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "", "9" * 40])
async def test_a_limit_out_of_bounds_is_refused(client: Client, limit: str) -> None:
    answered = await client.get("/v1/pages", {"limit": limit})
    assert (answered.status, answered.json()["errors"][0]["field"]) == (422, "query.limit")
