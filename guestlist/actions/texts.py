"""What webhooks tell of an account of SMS or e-mail: replies and receipts as on every channel, then the words that bind us."""

from __future__ import annotations

from collections.abc import Sequence

from guestlist.domain.facts import Objection
from guestlist.domain.messages import AddressKind, Channel
from guestlist.storage import contacts as contact_rows
from guestlist.storage import texts as text_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.instants import to_ms

from .base import Services
from .message_inbox import Came, apply_messaging
from .message_receipts import parse_part_id
from .replies import place_of
from .stops import Grounds, Said, end_consent, note_words

OBJECTED = "told_provider"
"""Why an address is closed that the person stopped at the provider, not here."""


async def apply_texts(tx: Transaction, services: Services, account: Row, arrived: Sequence[Came]) -> set[str]:
    """Applies the facts of one account; the lanes that now have something due. `account` is its row, whoever's it is."""
    workspace_id, account_id = account["workspace_id"], account["id"]
    kept, lanes = await apply_messaging(tx, services, workspace_id, account_id, arrived)
    for heard, row in kept.new:
        place = place_of(heard.reply, account_id)
        said = Said(account, row["contact_id"], place, heard.reply.text, heard.at, row["id"], heard.webhook_id)
        lanes |= await note_words(tx, services, workspace_id, said)
    for each in arrived:
        if isinstance(each.fact, Objection):
            lanes |= await _object(tx, services, account, each.fact, each)
    return lanes


async def _object(tx: Transaction, services: Services, account: Row, objection: Objection, came: Came) -> set[str]:
    """The person said no to the provider: the address they were reached by is closed."""
    workspace_id = account["workspace_id"]
    place = await _find_place(tx, account, objection)
    owners = await contact_rows.find_places(tx, workspace_id, [place]) if place else []
    if place is None or not owners:
        return set()
    at = to_ms(min(objection.at or came.received_at, came.received_at))
    grounds = Grounds(account["id"], at, OBJECTED, {"webhook": came.webhook_id, "code": objection.code})
    return await end_consent(tx, services, workspace_id, owners[0]["contact_id"], place, grounds)


async def _find_place(tx: Transaction, account: Row, objection: Objection) -> Place | None:
    """The address an objection is about: the person's, or that of the delivery it names."""
    kind = AddressKind.PHONE if account["channel"] == Channel.SMS.value else AddressKind.EMAIL
    if objection.person:
        return contact_rows.place_of(kind, objection.person, "")
    key = parse_part_id(objection.part_id)
    address = await text_rows.find_address(
        tx, account["workspace_id"], account["id"], key=key, provider_ids=objection.provider_ids
    )
    return contact_rows.place_of(kind, address, "") if address else None
