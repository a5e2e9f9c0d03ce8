"""Message requests accepted: Meta tells the new PSID, not the phone that was asked; here the two are brought together.

Whom a PSID can only be: the one person with an open request, or the one of the name in the profile that Meta tells, or whom a
`prior_message` names later. Until then the PSID is a contact of its own, and the request stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from guestlist.domain.facts import Reply, ReplyKind, RequestAccepted
from guestlist.domain.messages import Channel, RequestState
from guestlist.domain.states import Delivery
from guestlist.storage import contacts as contact_rows
from guestlist.storage import message_requests as request_rows
from guestlist.storage import replies as reply_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.ledgers import Event

from .arrivals import bind_place
from .base import Services
from .message_book import Book
from .replies import Heard, apply_replies, place_of


@dataclass(frozen=True, slots=True)
class Accepted:
    """An acceptance with when and in which raw webhook it came."""

    fact: RequestAccepted
    received_at: datetime
    webhook_id: int | None = None


async def apply_acceptances(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, accepted: Sequence[Accepted]
) -> set[str]:
    """Keeps each acceptance once, as something the person did, and settles the request it can only belong to."""
    heard = [Heard(_as_reply(each.fact), each.received_at, each.webhook_id) for each in accepted]
    kept = await apply_replies(tx, services, workspace_id, account_id, heard)
    lanes = set(kept.lanes)
    for each, row in kept.new:
        place = place_of(each.reply, account_id)
        lanes |= await settle_acceptance(tx, services, workspace_id, place, row["contact_id"], at=each.at)
    return lanes


def _as_reply(fact: RequestAccepted) -> Reply:
    """Sent once a person and Page, so the person is its id."""
    return Reply(
        kind=ReplyKind.ACCEPTANCE,
        channel=Channel.MESSENGER.value,
        account=fact.page_id,
        provider_id=_acceptance_id(fact.psid),
        at=fact.at,
        person=fact.psid,
        opens_window=True,  # something the person did; should Meta see it otherwise, its refusal goes to the next rule
    )


def _acceptance_id(psid: str) -> str:
    return f"accept:{psid}"


async def settle_again(tx: Transaction, services: Services, workspace_id: str, place: Place, contact_id: str) -> set[str]:
    """Tries again, now that more is known of somebody: as far as they accepted a request at all."""
    provider_id = _acceptance_id(place.value)
    heard = await reply_rows.find_known(tx, workspace_id, place.account_id, [provider_id])
    if not heard:
        return set()
    return await settle_acceptance(tx, services, workspace_id, place, contact_id, at=services.now_ms())


async def settle_acceptance(
    tx: Transaction, services: Services, workspace_id: str, place: Place, contact_id: str, *, at: int
) -> set[str]:
    """Finds the request that the person behind a PSID accepted, as far as that can be told now."""
    account_id = place.account_id
    own = await request_rows.requests_of(tx, workspace_id, account_id, contact_id)
    if any(row["state"] == RequestState.ACCEPTED.value for row in own):
        return set()
    row = next((each for each in own if each["state"] in request_rows.OPEN), None)
    row = row or await _only_one(tx, workspace_id, account_id, contact_id)
    return set() if row is None else await accept(tx, services, row, place, at=at)


async def _only_one(tx: Transaction, workspace_id: str, account_id: str, contact_id: str) -> Row | None:
    """The only open request there is, else the only one to somebody of the name that Meta tells."""
    found = await request_rows.find_open(tx, workspace_id, account_id)
    if len(found) == 1 or (len(found) == 2 and found[0]["state"] != found[1]["state"]):
        return found[0]
    [contact] = await contact_rows.find_contacts(tx, workspace_id, [contact_id])
    if not (found and contact["first_name"]):
        return None
    named = await request_rows.find_open(tx, workspace_id, account_id, names=(contact["first_name"], contact["last_name"]))
    return named[0] if len(named) == 1 else None


async def accept(tx: Transaction, services: Services, row: Row, place: Place, *, at: int) -> set[str]:
    """A request is accepted: the PSID becomes its contact's, what waited is delivered, and it is told once."""
    workspace_id, account_id = row["workspace_id"], row["account_id"]
    if not await request_rows.accept_request(tx, row, at):
        return set()
    contact_id = await bind_place(tx, services, workspace_id, place, row["contact_id"])
    waiting = await request_rows.awaiting_deliveries(tx, workspace_id, account_id, row["phone"])
    book = await Book.open(tx, services, workspace_id, (each["message_id"] for each in waiting))
    for each in waiting:
        for part in book.parts[each["id"]]:
            if part["state"] == Delivery.SENT.value:
                book.raise_part(part, Delivery.DELIVERED, delivered_at=at)
    lanes = await book.close(tx)
    told = {"contact_id": contact_id, "channel": place.channel.value, "account_id": account_id}
    events = [
        Event("request.accepted", contact_id, {**told, "invitation_id": row["invitation_id"]}),
        Event("opt_in.received", contact_id, {**told, "source": "request"}),
    ]
    return lanes | await services.emit_all(tx, workspace_id, events)


async def accept_by_phone(
    tx: Transaction, services: Services, workspace_id: str, place: Place, phones: Sequence[str]
) -> set[str]:
    """A first message names the phone that was asked: that is proof enough of the acceptance."""
    found = await request_rows.find_requests(tx, workspace_id, [(place.account_id, each) for each in phones])
    lanes: set[str] = set()
    for row in found:
        if row["state"] in request_rows.OPEN:
            lanes |= await accept(tx, services, row, place, at=services.now_ms())
    return lanes
