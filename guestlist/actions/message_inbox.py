"""What webhooks tell of messaging, applied to one account: receipts and echoes first, then what people said, then acceptances."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from guestlist.domain.facts import Fact, MessageReceipt, OptIn, OptInChange, Reply, RequestAccepted
from guestlist.domain.messages import AddressKind
from guestlist.domain.phones import phone_aliases
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Row, Transaction

from .acceptances import Accepted, accept_by_phone, apply_acceptances
from .arrivals import keep_arrivals
from .base import Services
from .message_receipts import Reported, apply_receipts
from .replies import CHECKBOX, Heard, Kept, apply_replies, place_of, split_echoes


class Came(Protocol):
    """A fact with the webhook it came in."""

    @property
    def fact(self) -> Fact: ...

    @property
    def webhook_id(self) -> int: ...

    @property
    def received_at(self) -> datetime: ...


async def apply_messaging(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, arrived: Sequence[Came]
) -> tuple[Kept, set[str]]:
    """Applies the facts of one account (our id); the replies that were new, and the lanes that now have something due."""
    heard = [Heard(each.fact, each.received_at, each.webhook_id) for each in arrived if isinstance(each.fact, Reply)]
    reported = [
        Reported(each.fact, each.received_at, each.webhook_id) for each in arrived if isinstance(each.fact, MessageReceipt)
    ]
    echoes, said = await split_echoes(tx, services, workspace_id, account_id, heard)
    lanes = await apply_receipts(tx, services, workspace_id, account_id, [*echoes, *reported])
    kept = await apply_replies(tx, services, workspace_id, account_id, said)
    lanes |= kept.lanes | await _accept_known(tx, services, workspace_id, account_id, kept)
    accepted = [
        Accepted(each.fact, each.received_at, each.webhook_id) for each in arrived if isinstance(each.fact, RequestAccepted)
    ]
    if accepted:
        lanes |= await apply_acceptances(tx, services, workspace_id, account_id, accepted)
    return kept, lanes


async def _accept_known(tx: Transaction, services: Services, workspace_id: str, account_id: str, kept: Kept) -> set[str]:
    """First messages that name the phone they were asked by."""
    lanes: set[str] = set()
    for each, _ in kept.new:
        prior = each.reply.prior
        if prior and prior["source"] != CHECKBOX and (digits := re.sub(r"\D", "", str(prior["identifier"]))):
            place = place_of(each.reply, account_id)
            lanes |= await accept_by_phone(tx, services, workspace_id, place, phone_aliases(digits))
    return lanes


async def keep_subscriber(tx: Transaction, services: Services, page: Row, fact: OptIn) -> None:
    """Somebody who opts in to marketing messages in the thread is a contact."""
    if fact.change is not OptInChange.STOPPED:
        place = contact_rows.place_of(AddressKind.PSID, fact.psid, page["id"])
        await keep_arrivals(tx, services, page["workspace_id"], [place], source="opt_in")
