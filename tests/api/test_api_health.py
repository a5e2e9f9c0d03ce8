"""For machines that watch, and for people who read: health, numbers, the reference."""

from __future__ import annotations

import re
from dataclasses import replace

from api_house import Api
from support.asgi import Client

from guestlist.errors import DependencyError
from guestlist.storage.webhooks import StoredInbox


async def read_metrics(client: Client) -> str:
    return (await client.get("/metrics")).text


async def test_alive_needs_nothing_and_ready_looks(api: Api) -> None:
    nobody = Client(api.app)
    assert (await nobody.get("/healthz")).json() == {"status": "ok", "checks": {}}
    assert (await nobody.get("/readyz")).json() == {"status": "ok", "checks": {"database": "ok"}}


async def test_not_ready_says_what_is_wrong(api: Api) -> None:
    api.checks["database"] = "The disk is full."
    answered = await Client(api.app).get("/readyz")
    assert (answered.status, answered.code, answered.headers["retry-after"]) == (503, "not_ready", "5")
    assert answered.json()["detail"] == "database: The disk is full."
    assert (await Client(api.app).get("/healthz")).status == 200


async def test_requests_are_counted_by_route_never_by_path(api: Api) -> None:
    audience_id = (await api.fill())["audience_id"]
    await api.client.get(f"/v1/audiences/{audience_id}")
    await api.client.get("/v1/ann.lee@example.com")
    await api.client.call("BREW", "/v1/pages")
    text = await read_metrics(Client(api.app))
    assert 'guestlist_http_requests_total{method="GET",route="/v1/audiences/{audience_id}",status="200"} 1.0' in text
    assert 'guestlist_http_requests_total{method="GET",route="unknown",status="404"} 1.0' in text
    assert 'method="other"' in text
    for secret in (audience_id, "ann.lee", "wsp_", "BREW"):
        assert secret not in text


async def test_what_waits_is_counted(api: Api) -> None:
    await StoredInbox(api.house.services.db, api.house.clock).store("meta", "", b"{}")
    page_id = await api.connect()
    await api.make("audiences", page_id=page_id, name="Loyal")
    text = await read_metrics(api.client)
    for line in (
        "guestlist_webhooks_waiting 1.0",
        'guestlist_lanes_due{kind="inbox"} 1.0',
        'guestlist_lanes_due{kind="ads"} 1.0',
        'guestlist_lanes_due{kind="sync"} 1.0',
        'guestlist_lanes_due{kind="page"} 0.0',
        "guestlist_database_up 1.0",
    ):
        assert line in text


async def test_numbers_are_told_even_when_the_database_is_away(api: Api) -> None:
    class Away:
        async def read(self, unit: object) -> None:
            raise DependencyError("The database is away.")

    api.app.state.services = replace(api.house.services, db=Away())
    assert "guestlist_database_up 0.0" in await read_metrics(api.client)


async def test_the_front_door_leads_to_the_reference(client: Client) -> None:
    answered = await client.get("/")
    assert (answered.status, answered.headers["location"]) == (307, "/docs")


async def test_the_reference_needs_no_other_host(client: Client) -> None:
    page = await client.get("/docs")
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not re.search(r"https?:|//", page.text)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in needed:
        answered = await client.get(path)
        assert answered.status == 200, path
        assert answered.body
    start = await client.get("/docs/assets/start.js")
    assert "http" not in start.text
    assert "validatorUrl: null" in start.text  # else Swagger UI sends the description to its makers


async def test_the_styles_of_the_reference_load_nothing(client: Client) -> None:
    styles = (await client.get("/docs/assets/swagger-ui.css")).text
    assert "@import" not in styles
    assert set(re.findall(r"url\([\"']?(\w+):", styles)) <= {"data"}
