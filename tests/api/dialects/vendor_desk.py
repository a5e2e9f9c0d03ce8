"""What the tests of Amio and Gupshup share: an API with a Page and an SMS sandbox whose sends leave while the client waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from api_house import LIST_MAX_BYTES, connection, keyed
from sqlalchemy import update
from support.asgi import Answered, Client
from support.inbound import Event, tell
from support.messaging import add_account, write_to_page
from support.scripted import House, ScriptedPost, build_house

from guestlist.actions import message_sending, pages
from guestlist.api.app import build_api
from guestlist.domain.messages import AddressKind, Channel
from guestlist.outbound.base import Request
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Database
from guestlist.storage.tables import pages as page_table

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
HOOK = "https://hooks.example.net/in"


def decimal(row_id: str) -> str:
    """An id as Amio shows it, computed apart from the code under test."""
    return str(sum(ALPHABET.index(digit) * 32**place for place, digit in enumerate(reversed(row_id[4:]))))


def guid(row_id: str) -> str:
    """An id as Gupshup shows it."""
    digits = f"{int(decimal(row_id)):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclass
class Lanes:
    """Sends under way; none begins while it is not awake."""

    awake: bool = True
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


@dataclass
class VendorDesk:
    """A client with a key, a Page on which phone matching works, and an account for SMS."""

    house: House
    app: Any
    client: Client
    page: str
    sms: str
    key: str
    lanes: Lanes

    async def call(self, method: str, path: str, given: Any = None, query: Any = None, **headers: str) -> Answered:
        body = b"" if given is None else json.dumps(given).encode()
        sent = {"content_type": "application/json", **headers}
        answered = await self.client.call(method, path, query=query, headers=sent, chunks=[body])
        await self.settle()
        return answered

    async def settle(self) -> None:
        """What was to leave has left."""
        while self.lanes.tasks:
            await asyncio.gather(*self.lanes.tasks)

    async def form(self, method: str, path: str, fields: Mapping[str, str], **headers: str) -> Answered:
        """A form, with the key as Gupshup's customers send it."""
        sent = {"content_type": "application/x-www-form-urlencoded", "apikey": self.key, **headers}
        answered = await Client(self.app).call(method, path, headers=sent, chunks=[urlencode(fields).encode()])
        await self.settle()
        return answered

    async def wrote(self, psid: str) -> str:
        """Somebody wrote to the Page just now; the contact's id."""
        await write_to_page(self.house, self.page, psid)
        place = contact_rows.place_of(AddressKind.PSID, psid, self.page)
        services = self.house.services
        [row] = await services.db.read(lambda tx: contact_rows.find_places(tx, self.house.workspace_id, [place]))
        return str(row["contact_id"])

    async def tell(self, *events: Event) -> None:
        """Meta tells something, and it is applied."""
        await tell(self.house, *events)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies that Meta's Send API got, in order."""
        return list(self.house.graph.messages)

    @property
    def post(self) -> ScriptedPost:
        """The customer's server."""
        post = self.house.services.outbound.post
        assert isinstance(post, ScriptedPost)
        return post

    async def posted(self, endpoint_id: str) -> list[Request]:
        """What an endpoint is told, once all is told."""
        await self.house.run_notify(endpoint_id)
        await self.settle()
        return self.post.requests


async def open_vendor_desk(database: Database) -> VendorDesk:
    """A desk whose lanes of sending run as soon as they are woken, beside the request."""
    house = await build_house(database)
    lanes = Lanes()

    async def wake(lane: str) -> None:
        if lanes.awake and lane.startswith("send:"):
            task = asyncio.create_task(message_sending.run_send_lane(house.services, house.own(lane)))
            lanes.tasks.add(task)
            task.add_done_callback(lanes.tasks.discard)

    house.services = replace(house.services, wake=wake)

    async def ready() -> dict[str, str]:
        return {"database": "ok"}

    app = build_api(house.services, ready=ready, list_max_bytes=LIST_MAX_BYTES)
    client = await keyed(app, house, house.workspace_id)
    given = connection()
    tokens = (given["page_token"], given.get("ads_token", ""))
    connected = pages.Connection(given["page_id"], given["ad_account_id"], *tokens)
    page = await pages.connect_page(house.services, house.workspace_id, connected)
    matching = update(page_table).values(capabilities='{"phone_matching": "enabled"}')
    await house.services.db.write(lambda tx: tx.execute(matching))
    sms = await add_account(house, Channel.SMS, name="Texts")
    key = client.headers["authorization"].removeprefix("Bearer ")
    return VendorDesk(house, app, client, page["id"], sms["id"], key, lanes)
