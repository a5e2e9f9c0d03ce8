"""The same key with the same request: one effect, one answer, for 24 hours."""

from __future__ import annotations

import pytest
from api_house import Api, connection
from sqlalchemy import select
from support.asgi import Answered, Client
from support.scripted import DOWN

from guestlist.storage import access
from guestlist.storage.tables import idempotency

KEY = {"idempotency_key": "5f0c7e0e-3a53-4bd6-9f0e-6f9d6ce0c7c1"}


async def make_key(client: Client, name: str = "shop", **headers: str) -> Answered:
    return await client.post("/v1/keys", {"name": name}, **{**KEY, **headers})


async def count_keys(client: Client) -> int:
    """Keys besides the test's own."""
    return len((await client.get("/v1/keys")).json()["data"]) - 1


async def test_a_repeat_has_no_second_effect_and_the_same_answer(client: Client) -> None:
    first = await make_key(client)
    again = await make_key(client)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await count_keys(client) == 1


async def test_the_kept_answer_is_sealed_for_it_may_hold_a_key(api: Api) -> None:
    made = (await make_key(api.client)).json()
    row = await api.house.services.db.read(lambda tx: tx.fetch_one(select(idempotency)))
    assert row is not None
    assert made["key"].encode() not in bytes(row["answer"])
    assert b"shop" not in bytes(row["answer"])


async def test_another_body_under_the_same_key_is_refused(client: Client) -> None:
    await make_key(client, "shop")
    assert (await make_key(client, "till")).code == "idempotency_mismatch"
    assert await count_keys(client) == 1


async def test_another_address_or_query_under_the_same_key_is_refused(client: Client) -> None:
    await client.send_file("/v1/lists/check", b"email\na@example.com\n", {"region": "GB"}, **KEY)
    other = await client.send_file("/v1/lists/check", b"email\na@example.com\n", {"region": "CA"}, **KEY)
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert (await make_key(client)).status == 422


async def test_without_a_key_every_request_has_its_effect(client: Client) -> None:
    for _ in range(2):
        await client.post("/v1/keys", {"name": "shop"})
    assert await count_keys(client) == 2


async def test_a_refusal_is_an_answer_too(api: Api) -> None:
    given = {"page_id": "pag_01hq3k5y8v7d2w9g4m6n0p1r2s", "name": "Loyal"}
    first = await api.client.post("/v1/audiences", given, **KEY)
    again = await api.client.post("/v1/audiences", given, **KEY)
    assert (first.status, again.body) == (404, first.body)
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_failure_that_left_nothing_frees_the_key(api: Api) -> None:
    api.house.graph.script["read_page"] = [DOWN]
    assert (await api.client.post("/v1/pages", connection(), **KEY)).status == 503
    assert (await api.client.post("/v1/pages", connection(), **KEY)).status == 201


async def test_an_unexpected_fault_does_not_for_nobody_knows_what_it_left(api: Api) -> None:
    # Given a request that broke on its way
    def break_down(name: str) -> None:
        raise RuntimeError("boom")

    api.house.graph.before_call = break_down
    assert (await api.client.post("/v1/pages", connection(), **KEY)).status == 500
    api.house.graph.before_call = lambda name: None
    # When it is repeated at once, and a minute later
    at_once = await api.client.post("/v1/pages", connection(), **KEY)
    api.house.clock.move(seconds=60)
    later = await api.client.post("/v1/pages", connection(), **KEY)
    # Then nothing is done
    assert (at_once.status, at_once.code, at_once.headers["retry-after"]) == (409, "idempotency_in_progress", "1")
    assert (later.status, later.code) == (409, "idempotency_unfinished")
    assert (await api.client.get("/v1/pages")).json()["data"] == []


async def test_two_at_once_have_one_effect(api: Api) -> None:
    # Given a request whose second comes in the midst of the first
    seconds: list[Answered] = []
    connect = api.house.graph.read_page

    async def repeat(page_id: str) -> object:
        seconds.append(await api.client.post("/v1/pages", connection(), **KEY))
        return await connect(page_id)

    api.house.graph.read_page = repeat  # type: ignore[method-assign, assignment]
    # When the first goes on
    first = await api.client.post("/v1/pages", connection(), **KEY)
    # Then it is answered, and the second was told to wait
    assert (first.status, seconds[0].status, seconds[0].code) == (201, 409, "idempotency_in_progress")


async def test_a_key_is_fresh_again_after_24_hours(api: Api) -> None:
    await make_key(api.client)
    api.house.clock.move(hours=23, minutes=59)
    assert "idempotency-replayed" in (await make_key(api.client)).headers
    api.house.clock.move(minutes=1)
    assert "idempotency-replayed" not in (await make_key(api.client, "till")).headers
    assert await count_keys(api.client) == 2


async def test_keys_of_two_workspaces_do_not_meet(api: Api) -> None:
    stranger = await api.stranger()
    assert (await make_key(api.client)).json()["id"] != (await make_key(stranger)).json()["id"]


async def test_a_request_without_a_good_api_key_uses_nothing_up(api: Api) -> None:
    assert (await make_key(Client(api.app))).status == 401
    assert (await make_key(api.client)).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\tb"])
async def test_a_key_that_cannot_be_one_is_refused(client: Client, key: str) -> None:
    assert (await make_key(client, idempotency_key=key)).code == "bad_idempotency_key"


async def test_an_answer_that_cannot_be_kept_is_still_given(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from guestlist.errors import DependencyError

    async def away(*_: object) -> None:
        raise DependencyError("The database is away.")

    monkeypatch.setattr(access, "finish_request", away)
    assert (await make_key(api.client)).status == 201
    assert (await make_key(api.client)).code == "idempotency_in_progress"
