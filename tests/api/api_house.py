"""What the API's tests share: an API with its house, ways to fill it, and bodies that are accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.asgi import Client
from support.inbound import said, tell
from support.messaging import add_account
from support.scripted import AD_ACCOUNT, PAGE_ID, House, build_house, token_row

from guestlist.actions import access
from guestlist.api.app import build_api
from guestlist.domain.messages import Channel
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

    async def save_mapping(self) -> str:
        """Imports a list whose columns are told; the fingerprint under which that is saved."""
        query = {"region": "GB", "mapping": '{"Who": "EMAIL"}'}
        answered = await self.client.send_file("/v1/lists", b"Who\nann@example.com\n", query)
        assert answered.status == 201, answered.text
        [saved] = (await self.client.get("/v1/lists/mappings")).json()["data"]
        return str(saved["fingerprint"])

    async def subscribe(self, page_id: str, *tokens: str) -> list[str]:
        """Lets Meta list tokens of the Page; the subscribers' ids, newest first."""
        self.house.graph.tokens = [token_row(token, psid=f"psid-{token}") for token in tokens]
        await self.house.run_sync(page_id)
        answered = await self.client.get("/v1/subscribers", {"page_id": page_id})
        return [each["id"] for each in answered.json()["data"]]

    async def fill(self) -> dict[str, str]:
        """One of every noun; ids by the name they have in paths."""
        page_id = await self.connect()
        endpoint_id = await self.make("endpoints", name="shop", url="https://example.com/hooks")
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
            "account_id": (await add_account(self.house, Channel.EMAIL))["id"],
            "persona_id": "1500",  # Meta's, of the stranger's Page or not
            "message_id": await self.send(),
            "invitation_id": await self.invite(page_id),
            **await self.be_written_to(),
            "endpoint_id": endpoint_id,
            "notice_id": (await self.client.post(f"/v1/endpoints/{endpoint_id}/test")).json()["id"],
            "fingerprint": await self.save_mapping(),
        }

    async def be_written_to(self) -> dict[str, str]:
        """Somebody writes to the Page; the ids of the contact and the conversation."""
        await tell(self.house, said(self.house, "Hello", "m_1"))
        [conversation] = (await self.client.get("/v1/conversations")).json()["data"]
        return {"contact_id": conversation["contact_id"], "conversation_id": conversation["id"]}

    async def invite(self, page_id: str) -> str:
        """Invites somebody by phone; the invitation's id."""
        await self.client.put(f"/v1/pages/{page_id}/matching", {"phone_matching": "enabled"})
        contact_id = await self.make("contacts", phone="+447911123457", first_name="Ben")
        asked = {"page_id": page_id, "contact_ids": [contact_id]}
        return await self.make("invitations", name="Spring", text="May we write to you?", **asked)

    async def send(self) -> str:
        """Sends an SMS from a sandbox; the message's id."""
        await add_account(self.house, Channel.SMS)
        return await self.make("messages", to={"phone": "+447911123456"}, rules=["sms"], text="Hello")

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
