"""What stories about messages begin with: accounts, people who wrote, drafts, and channels that do what the test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import update

from guestlist.actions import messages
from guestlist.channels.base import Accepted, PartCall, Problem, Refused, Remedy, Sender
from guestlist.domain.messages import AddressKind, Channel, Content, Draft, Rule, Target
from guestlist.domain.routes import Open
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import rows
from support.scripted import House

PSID, PHONE, EMAIL = "7800000000000001", "447700900123", "ana@example.com"


def refused(remedy: Remedy, code: str = "refused", **more: Any) -> Refused:
    """A provider's no."""
    return Refused(remedy, code, "500/1", "The provider said no.", **more)


LOST = refused(Remedy.LOST, "answer_lost")


@dataclass
class ScriptedChannel:
    """A channel whose provider answers as scripted, yes otherwise. A draft becomes a call for its text and one for each media."""

    name: Channel
    answers: list[Accepted | Refused] = field(default_factory=list)
    calls: list[PartCall] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)
    before: Callable[[PartCall], Any] = lambda call: None

    def check(self, draft: Draft) -> Sequence[Problem]:
        too_long = len(draft.content.text) > 100
        return (Problem("content.text", "too_long", "At most 100 characters."),) if too_long else ()

    def build(self, draft: Draft, route: Open) -> Sequence[Mapping[str, Any]]:
        kind = route.messaging_type.value if route.messaging_type else ""
        texts = [draft.content.text, *(part.url for part in draft.content.parts)]
        return [{"to": route.address, "text": text, "type": kind} for text in texts]

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        self.before(call)
        self.calls.append(call)
        self.senders.append(sender)
        return self.answers.pop(0) if self.answers else Accepted(f"{self.name}-{call.part_id}")

    @property
    def said(self) -> list[str]:
        return [call.body["text"] for call in self.calls]


@dataclass
class Desk:
    """A house with a Page, an SMS and an e-mail account, and the means to tell stories with them."""

    house: House
    page: Mapping[str, Any]
    sms: Mapping[str, Any]
    email: Mapping[str, Any]
    channels: dict[Channel, ScriptedChannel]

    def draft(self, *rules: str, text: str = "Hello", to: Target | None = None, **more: Any) -> Draft:
        """A draft for somebody with every address."""
        given = to or Target(psid=PSID, phone=PHONE, email=EMAIL)
        return Draft(given, tuple(Rule(Channel(rule)) for rule in rules or ("sms",)), Content(text=text), **more)

    async def send(self, draft: Draft, **more: Any) -> Mapping[str, Any]:
        return await messages.send_message(self.house.services, self.house.workspace_id, messages.Request(draft, **more))

    async def run(self) -> None:
        """Every lane until nothing is due."""
        before = -1
        while before != self.calls:
            before = self.calls
            await self.house.run_due()
            for account in (self.page, self.sms, self.email):
                await self.house.run_send(account["id"])

    @property
    def calls(self) -> int:
        return sum(len(channel.calls) for channel in self.channels.values())

    async def story(self, message: Mapping[str, Any]) -> messages.Story:
        return await messages.get_message(self.house.services, self.house.workspace_id, message["id"])

    async def state(self, message: Mapping[str, Any]) -> tuple[str, str]:
        row = (await self.story(message)).message
        return row["state"], row["channel"]

    async def wrote(self, psid: str = PSID) -> None:
        """The person wrote to the Page just now: the window opens."""
        await write_to_page(self.house, self.page["id"], psid)

    async def opt_out(self, place: contact_rows.Place) -> None:
        house = self.house
        now = house.services.now_ms()
        await house.services.db.write(lambda tx: contact_rows.close_address(tx, house.workspace_id, place, at=now, reason="stop"))

    async def events(self, *kinds: str) -> list[str]:
        from guestlist.storage.ledgers import list_events

        house = self.house
        found = await house.services.db.read(lambda tx: list_events(tx, house.workspace_id, after=None, limit=1000))
        return [row["kind"] for row in reversed(found) if not kinds or row["kind"].startswith(kinds)]


async def write_to_page(house: House, page_id: str, psid: str = PSID) -> None:
    """Somebody, known or new, wrote to the Page just now: the window opens."""
    now = house.services.now_ms()
    place = contact_rows.place_of(AddressKind.PSID, psid, page_id)

    async def unit(tx: Any) -> None:
        if not await contact_rows.find_places(tx, house.workspace_id, [place]):
            contact_id = house.services.ids.new("con")
            target = Target(psid=psid)
            new = contact_rows.new_contact(house.workspace_id, contact_id, target, source="inbound", at=now)
            await contact_rows.add_contacts(tx, [new])
            await contact_rows.add_addresses(tx, [contact_rows.new_address(house.workspace_id, contact_id, place, at=now)])
        await tx.execute(update(tables.addresses).where(tables.addresses.c.value == psid).values(opened_at=now))

    await house.services.db.write(unit)


def phone_place(phone: str = PHONE) -> contact_rows.Place:
    return contact_rows.place_of(AddressKind.PHONE, phone, "")


async def add_account(house: House, channel: Channel, *, provider: str = "sandbox", name: str = "Main") -> Mapping[str, Any]:
    """An account of SMS or e-mail, straight into its table."""
    services = house.services
    account_id = services.ids.new("acc")
    row = {
        "workspace_id": house.workspace_id,
        "id": account_id,
        "channel": channel.value,
        "provider": provider,
        "name": name,
        "sender": "447700900999",
        "secret": services.vault.seal(json.dumps({"token": "sesame"}), f"accounts:{account_id}:secret"),
        "rate": 0,
        "created_at": services.now_ms(),
    }
    await services.db.write(lambda tx: rows.insert(tx, tables.accounts, row))
    return row


async def open_desk(house: House, page: Mapping[str, Any]) -> Desk:
    """A desk over scripted channels."""
    channels = {name: ScriptedChannel(name) for name in Channel}
    house.services = replace(house.services, channels=channels)
    return Desk(house, page, await add_account(house, Channel.SMS), await add_account(house, Channel.EMAIL), channels)
