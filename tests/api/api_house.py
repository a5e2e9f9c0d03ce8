"""What the API's tests share: an API with its house, ways to fill it, and bodies that are accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.asgi import Client
from support.scripted import AD_ACCOUNT, PAGE_ID, House, build_house, token_row

from guestlist.actions import access
from guestlist.api.app import build_api
from guestlist.storage import access as access_rows
from guestlist.storage.base import Database

ATTESTATION = {"by": "Ann Lee", "words": "Yes, send me offers.", "basis": "checkout checkbox"}
CSV_FILE = b"email,phone\nann@example.com,+447911123456\nbob@example.com,\nnot-an-address,\n=1+1@,\n"
LIST_MAX_BYTES = 100_000


@dataclass
class Api:
    """The API, a client with a key of the default workspace, and what stands behind both."""

    app: Any
    client: Client
    house: House
    checks: dict[str, str] = field(default_factory=lambda: {"database": "ok"})  # what the server says of its readiness

    async def make(self, noun: str, **given: Any) -> str:
        """Posts something to `/v1/…`; its id."""
        answered = await self.client.post(f"/v1/{noun}", given)
        assert answered.status == 201, answered.text
        return str(answered.json()["id"])

    async def connect(self) -> str:
        """Connects the scripted Page; its id."""
        return await self.make("pages", **connection())

    async def import_list(self, content: bytes = CSV_FILE) -> str:
        """Imports a list; its id."""
        answered = await self.client.send_file("/v1/lists", content, {"region": "GB", "name": "May"})
        assert answered.status == 201, answered.text
        return str(answered.json()["id"])

    async def subscribe(self, page_id: str, *tokens: str) -> list[str]:
        """Lets Meta list tokens of the Page; the subscribers' ids, newest first."""
        self.house.graph.tokens = [token_row(token, psid=f"psid-{token}") for token in tokens]
        await self.house.run_sync(page_id)
        answered = await self.client.get("/v1/subscribers", {"page_id": page_id})
        return [each["id"] for each in answered.json()["data"]]

    async def fill(self) -> dict[str, str]:
        """One of every noun; ids by the name they have in paths."""
        page_id = await self.connect()
        audience_id = await self.make("audiences", page_id=page_id, name="Loyal")
        list_id = await self.import_list()
        return {
            "page_id": page_id,
            "audience_id": audience_id,
            "list_id": list_id,
            "upload_id": await self.make(f"audiences/{audience_id}/uploads", list_id=list_id, attestation=ATTESTATION),
            "subscriber_id": (await self.subscribe(page_id, "tok-1"))[0],
            "campaign_id": await self.make("campaigns", page_id=page_id, name="Spring", text="Hello"),
            "key_id": await self.make("keys", name="shop"),
        }

    async def stranger(self) -> Client:
        """A client with a key of another workspace."""
        services = self.house.services
        await services.db.write(lambda tx: access_rows.ensure_workspace(tx, "wsp_other", "Other", services.now_ms()))
        return await keyed(self.app, self.house, "wsp_other")


def connection(**more: Any) -> dict[str, Any]:
    """The body that connects the scripted Page."""
    return {"page_id": PAGE_ID, "ad_account_id": f"act_{AD_ACCOUNT}", "page_token": "EAAB-secret", **more}


async def keyed(app: Any, house: House, workspace_id: str) -> Client:
    """A client with a fresh key of the workspace."""
    _, key = await access.create_key(house.services, workspace_id, "test")
    return Client(app, authorization=f"Bearer {key}")


async def build(database: Database) -> Api:
    """The API on a migrated database."""
    house = await build_house(database)
    api = Api(app=None, client=Client(None), house=house)

    async def ready() -> dict[str, str]:
        return api.checks

    api.app = build_api(house.services, ready=ready, list_max_bytes=LIST_MAX_BYTES)
    api.client = await keyed(api.app, house, house.workspace_id)
    return api
