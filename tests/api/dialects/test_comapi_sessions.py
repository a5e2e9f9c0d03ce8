"""Sessions of apps, as Comapi's SDKs open and use them. Source: vendor-apis.md 2.1."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from comapi_desk import Desk
from sqlalchemy import select
from support.asgi import Client

from guestlist.storage.messaging_tables import sessions

SHARED = "a shared secret of the shop, 0123"
DEVICE = {
    "deviceId": "d-1",
    "platform": "javascript",
    "platformVersion": "120",
    "sdkType": "native",
    "sdkVersion": "2.0.0",
}


@pytest.fixture
def app(desk: Desk) -> Client:
    """An app of a person: it has no API key."""
    return Client(desk.api.app)


async def set_scheme(desk: Desk) -> None:
    scheme = {"issuer": "shop", "audience": "guestlist", "sharedSecret": SHARED, "idClaim": "sub"}
    answered = await desk.send("PUT", "/sessions/scheme", scheme)
    assert answered.status == 200
    assert answered.json() == {"issuer": "shop", "audience": "guestlist", "idClaim": "sub", "provider": "jsonWebToken"}


async def start(desk: Desk, app: Client) -> dict[str, Any]:
    answered = await app.get(f"{desk.root}/sessions/start")
    assert answered.status == 200, answered.text
    return dict(answered.json())


def sign(nonce: str, *, secret: str = SHARED, **claims: Any) -> str:
    given = {"iss": "shop", "aud": "guestlist", "sub": "ada@example.com", "nonce": nonce, **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, secret, algorithm="HS256")


async def opened(desk: Desk, app: Client) -> dict[str, Any]:
    begun = await start(desk, app)
    given = {"authenticationId": begun["authenticationId"], "authenticationToken": sign(begun["nonce"]), **DEVICE}
    answered = await app.post(f"{desk.root}/sessions", given)
    assert answered.status == 200, answered.text
    return dict(answered.json())


async def sessions_kept(desk: Desk) -> list[Any]:
    return list(await desk.api.house.services.db.read(lambda tx: tx.fetch_all(select(sessions).order_by(sessions.c.id))))


async def test_the_sdks_handshake(desk: Desk, app: Client) -> None:
    """2.1, steps 1 to 4; the SDK decodes the token: `apiSpaceId` as it is configured, `exp` ahead."""
    await set_scheme(desk)
    begun = await start(desk, app)
    assert (begun["provider"], begun["expiresOn"]) == ("jsonWebToken", "2026-11-20T12:10:00.000Z")
    told = await opened(desk, app)
    session_id = told["session"].pop("id")
    assert told["session"] == {
        "profileId": "ada@example.com",
        "deviceId": "d-1",
        "platform": "javascript",
        "platformVersion": "120",
        "sdkType": "native",
        "sdkVersion": "2.0.0",
        "sourceIp": "",
        "isActive": True,
        "startedOn": "2026-11-20T12:00:00.000Z",
        "expiresOn": "2026-11-27T12:00:00.000Z",
    }
    claims = jwt.decode(told["token"], options={"verify_signature": False})
    assert (claims["apiSpaceId"], claims["sub"]) == (desk.space, "ada@example.com")
    assert claims["exp"] == int(desk.api.house.clock.now().timestamp()) + 7 * 86400
    mine = Client(desk.api.app, authorization=f"Bearer {told['token']}")
    read = await mine.get(f"{desk.root}/sessions/{session_id}")
    assert (read.status, read.json()["isActive"]) == (200, True)
    assert (await mine.call("PUT", f"{desk.root}/sessions/{session_id}/push", chunks=[b"{}"])).status == 200
    assert (await mine.delete(f"{desk.root}/sessions/{session_id}")).status == 204
    assert (await mine.get(f"{desk.root}/sessions/{session_id}")).status == 401
    assert (await desk.get(f"/sessions/{session_id}")).json()["isActive"] is False


async def test_a_session_sees_its_own_profile_and_nothing_else(desk: Desk, app: Client) -> None:
    await set_scheme(desk)
    token = (await opened(desk, app))["token"]
    mine = Client(desk.api.app, authorization=f"Bearer {token}")
    own = await mine.get(f"{desk.root}/profiles/ada@example.com")
    assert (own.status, own.headers["etag"]) == (200, '"1"')
    changed = await mine.call(
        "PUT",
        f"{desk.root}/profiles/ada@example.com",
        headers={"if_match": '"1"'},
        chunks=[b'{"id":"ada@example.com","firstName":"Ada"}'],
    )
    assert (changed.status, changed.json()["firstName"]) == (200, "Ada")
    stolen = await mine.call("PATCH", f"{desk.root}/profiles/ada@example.com", chunks=[b'{"fbMessengerId":"7800000000000001"}'])
    assert (stolen.status, stolen.json()["errorCode"]) == (403, "NOT_ALLOWED")
    await desk.post("/profiles", {"id": "eve"})
    for method, path in (
        ("GET", "/profiles/eve"),
        ("GET", "/profiles/eve/messages"),
        ("GET", "/profiles"),
        ("POST", "/messages"),
        ("GET", "/webhooks"),
        ("DELETE", "/profiles/ada@example.com"),
        ("PUT", "/sessions/scheme"),
    ):
        answered = await mine.call(method, desk.root + path, chunks=[b"{}"])
        assert (method, path, answered.status) == (method, path, 403)
    assert (await mine.get("/v1/messages")).status == 401


async def test_a_state_made_by_an_app_is_for_its_own_profile(desk: Desk, app: Client) -> None:
    """2.1: state for another profile needs its own permission; 2.7."""
    await set_scheme(desk)
    mine = Client(desk.api.app, authorization=f"Bearer {(await opened(desk, app))['token']}")
    assert (await mine.post(f"{desk.root}/channels/facebook/state", {})).status == 200
    assert (await mine.post(f"{desk.root}/channels/facebook/state", {"profileId": "eve"})).status == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "another secret of somebody, 01234"},
        {"iss": "other"},
        {"aud": "other"},
        {"iss": None},
        {"nonce": "0" * 32},
        {"nonce": None},
        {"exp": 1_700_000_000},
        {"exp": "soon"},
        {"sub": ""},
        {"sub": None},
    ],
)
async def test_a_token_that_does_not_fit_opens_nothing(desk: Desk, app: Client, claims: dict[str, Any]) -> None:
    await set_scheme(desk)
    begun = await start(desk, app)
    token = sign(**{"nonce": begun["nonce"], **claims})
    given = {"authenticationId": begun["authenticationId"], "authenticationToken": token}
    answered = await app.post(f"{desk.root}/sessions", given)
    assert (answered.status, answered.json()["errorCode"]) == (401, "BAD_SESSION")


async def test_a_token_without_a_signature_opens_nothing(desk: Desk, app: Client) -> None:
    await set_scheme(desk)
    begun = await start(desk, app)
    unsigned = jwt.encode({"iss": "shop", "aud": "guestlist", "sub": "ada", "nonce": begun["nonce"]}, None, algorithm="none")
    given = {"authenticationId": begun["authenticationId"], "authenticationToken": unsigned}
    assert (await app.post(f"{desk.root}/sessions", given)).status == 401


async def test_a_start_opens_one_session_and_not_for_long(desk: Desk, app: Client) -> None:
    await set_scheme(desk)
    begun = await start(desk, app)
    given = {"authenticationId": begun["authenticationId"], "authenticationToken": sign(begun["nonce"])}
    assert (await app.post(f"{desk.root}/sessions", given)).status == 200
    assert (await app.post(f"{desk.root}/sessions", given)).status == 401
    late = await start(desk, app)
    desk.api.house.clock.move(minutes=11)
    given = {"authenticationId": late["authenticationId"], "authenticationToken": sign(late["nonce"])}
    assert (await app.post(f"{desk.root}/sessions", given)).status == 401
    given["authenticationId"] = "forged"
    assert (await app.post(f"{desk.root}/sessions", given)).status == 401


async def test_a_session_ends_by_time_and_with_its_scheme(desk: Desk, app: Client) -> None:
    await set_scheme(desk)
    mine = Client(desk.api.app, authorization=f"Bearer {(await opened(desk, app))['token']}")
    path = f"{desk.root}/profiles/ada@example.com"
    assert (await mine.get(path)).status == 200
    await set_scheme(desk)
    assert (await mine.get(path)).status == 401
    again = Client(desk.api.app, authorization=f"Bearer {(await opened(desk, app))['token']}")
    [session_id] = [row["id"] for row in await sessions_kept(desk) if row["ended_at"] is None][-1:]
    desk.api.house.clock.move(hours=24 * 7)
    assert (await again.get(path)).status == 401
    assert session_id in [row["id"] for row in await sessions_kept(desk)]
    desk.api.house.clock.move(minutes=1)
    await desk.api.house.run_tidy()
    assert await sessions_kept(desk) == []


@pytest.mark.parametrize("forget", ["true", "false"])
async def test_a_session_goes_with_its_profile(desk: Desk, app: Client, forget: str) -> None:
    await set_scheme(desk)
    mine = Client(desk.api.app, authorization=f"Bearer {(await opened(desk, app))['token']}")
    assert (await desk.send("DELETE", "/profiles/ada@example.com", query={"forget": forget})).status == 204
    assert (await mine.get(f"{desk.root}/profiles/ada@example.com")).status == 401
    assert await sessions_kept(desk) == []


async def test_without_a_scheme_there_are_no_sessions(desk: Desk, app: Client) -> None:
    assert (await app.get(f"{desk.root}/sessions/start")).status == 401
    assert (await app.get("/apispaces/6d0b7f2e-0000-4000-8000-000000000001/sessions/start")).status == 401
    under_cpaas = await app.get("/cpaas/sessions/start")
    assert (under_cpaas.status, under_cpaas.json()["validationFailures"][0]["paramName"]) == (400, "apiSpaceId")
    assert (await desk.get("/sessions/scheme")).status == 404
    short = await desk.send("PUT", "/sessions/scheme", {"issuer": "a", "audience": "b", "sharedSecret": "short"})
    assert (short.status, short.json()["validationFailures"][0]["paramName"]) == (400, "sharedSecret")


async def test_no_secret_and_no_token_is_logged(desk: Desk, app: Client, logged: list[Any]) -> None:
    await set_scheme(desk)
    token = (await opened(desk, app))["token"]
    for private in (SHARED, token, "ada@example.com"):
        assert private not in str(logged)
