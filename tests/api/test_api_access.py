"""Who may see what: a key opens its own workspace and nothing else."""

from __future__ import annotations

import orjson
import pytest
from api_house import ATTESTATION, Api
from support.asgi import Client

WRONG = [
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Bearer gl_unknown"},
    {"authorization": "Bearer something-else"},
    {"authorization": "Basic Z2w6Z2w="},
    {"authorization": "gl_unknown"},
    {"authorization": "Bearer gl_\xfc"},
]


def operations(api: Api) -> list[tuple[str, str]]:
    """Every (method, path) under /v1, as the description tells it."""
    paths = api.app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() if path.startswith("/v1") for method in methods]


@pytest.mark.parametrize("headers", WRONG)
async def test_without_a_good_key_there_is_only_401(api: Api, headers: dict[str, str]) -> None:
    answered = await Client(api.app).get("/v1/pages", **headers)
    assert (answered.status, answered.code) == (401, "unauthenticated")
    assert answered.headers["www-authenticate"].startswith('Bearer realm="guestlist"')
    assert "gl_unknown" not in answered.text


async def test_every_address_of_v1_asks_for_a_key_even_those_that_do_not_exist(api: Api) -> None:
    nobody = Client(api.app)
    for method, path in [*operations(api), ("GET", "/v1"), ("GET", "/v1/nonsense"), ("PATCH", "/v1/pages")]:
        assert (await nobody.call(method, path, chunks=[b"{"])).status == 401, (method, path)


async def test_the_scheme_is_spelt_in_any_case(api: Api) -> None:
    key = api.client.headers["authorization"].removeprefix("Bearer ")
    assert (await Client(api.app, authorization=f"bearer {key}").get("/v1/pages")).status == 200


async def test_a_revoked_key_opens_nothing(api: Api) -> None:
    made = (await api.client.post("/v1/keys", {"name": "shop"})).json()
    shop = Client(api.app, authorization=f"Bearer {made['key']}")
    assert (await shop.get("/v1/keys")).status == 200
    assert (await api.client.delete(f"/v1/keys/{made['id']}")).status == 204
    assert (await shop.get("/v1/keys")).code == "unauthenticated"


async def test_no_key_finds_anything_of_another_workspace(api: Api) -> None:
    # Given one of every noun, and a stranger
    ids = await api.fill()
    stranger = await api.stranger()
    bodies = {
        "start_upload": {"list_id": ids["list_id"], "attestation": ATTESTATION},
        "change_contact": {"first_name": "Ana"},
        "merge_contacts": {"contact": f"con_{'0' * 26}"},
        "remove_address": {"kind": "phone", "value": "+447911123456"},
        "update_account": {"name": "Ana"},
        "update_endpoint": {"name": "Ana"},
        "rotate_secret": {},
        "replay_notices": {"failed": True},
        "create_persona": {"name": "Ana", "picture_url": "https://example.com/ana.png"},
        "set_profile": {"get_started": {"payload": "START"}},
        "send_action": {"psid": "1", "action": "typing_on"},
        "declare_matching": {"phone_matching": "suspended"},
    }
    # When the stranger calls every route that takes an id
    routes = [(method, path) for method, path in operations(api) if "{" in path]
    for method, path in routes:
        operation = api.app.openapi()["paths"][path][method.lower()]["operationId"]
        chunks = (orjson.dumps(bodies[operation]) if operation in bodies else b"",)
        answered = await stranger.call(method, path.format(**ids), headers={"content_type": "application/json"}, chunks=chunks)
        # Then nothing is there
        assert answered.status == 404, (method, path, answered.text)
        assert answered.json()["code"] == "not_found"
    assert len(routes) >= 18


async def test_ids_of_another_workspace_in_bodies_and_queries_are_not_found_either(api: Api) -> None:
    ids = await api.fill()
    stranger = await api.stranger()
    page_id = ids["page_id"]
    for path, given in [
        ("audiences", {"page_id": page_id, "name": "Mine"}),
        ("audiences/adopt", {"page_id": page_id, "meta_id": "1", "attestation": ATTESTATION}),
        ("campaigns", {"page_id": page_id, "name": "Mine", "text": "Hello"}),
    ]:
        assert (await stranger.post(f"/v1/{path}", given)).status == 404, path
    for path in ("audiences/remote", "subscribers", "subscribers/counts"):
        assert (await stranger.get(f"/v1/{path}", {"page_id": page_id})).status == 404, path


async def test_listings_show_the_own_workspace_only(api: Api) -> None:
    await api.fill()
    stranger = await api.stranger()
    for noun in ("pages", "lists", "audiences", "uploads", "subscribers", "campaigns", "events"):
        assert (await api.client.get(f"/v1/{noun}")).json()["data"], noun
        assert (await stranger.get(f"/v1/{noun}")).json() == {"data": [], "next": None}, noun
    assert len((await stranger.get("/v1/keys")).json()["data"]) == 1
