"""Opt-ins and opt-outs that a business tells us for a phone number, each with its proof in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from guestlist.domain.messages import AddressKind
from guestlist.errors import RefusedError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import threads as thread_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.ledgers import Consent, append_consents
from guestlist.storage.senders import Account

from .arrivals import find_owners, keep_arrivals
from .base import Services
from .stops import Grounds, end_consent

MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells it: the account it was told for, and by which way."""

    account: Account
    by: str  # such as "gupshup"


@dataclass(frozen=True, slots=True)
class OptedIn:
    """A phone number that may be written to. Instants are milliseconds."""

    phone: str = field(repr=False)
    source: str
    at: int
    last_said_at: int | None


async def opt_in_phone(services: Services, workspace_id: str, phone: str, source: Source) -> None:
    """Keeps a person by their number, with the business's word that they agreed. Doing it twice changes nothing.

    Errors: RefusedError `opted_out`: after a stop only the person can start again.
    """
    place = contact_rows.place_of(AddressKind.PHONE, phone, "")

    async def unit(tx: Transaction) -> None:
        known = await contact_rows.find_places(tx, workspace_id, [place])
        if any(row["opted_out_at"] is not None for row in known):
            sentence = "The person stopped messages to this number."
            raise RefusedError(sentence, code="opted_out", remedy="Only they can start them again, by writing START.")
        if known:
            return
        owners = await keep_arrivals(tx, services, workspace_id, [place], source="opt_in")
        proof = {"account": source.account.id}
        entry = Consent(
            f"contact:{owners[place]}", "granted", source=f"{source.by}_opt_in", by=source.by, channel="sms", proof=proof
        )
        await append_consents(tx, workspace_id, services.now_ms(), [entry])

    await services.db.write(unit)


async def opt_out_phone(services: Services, workspace_id: str, phone: str, source: Source) -> None:
    """Nothing more goes to this number; one we do not know is kept, so that it holds for later, too."""
    place = contact_rows.place_of(AddressKind.PHONE, phone, "")

    async def unit(tx: Transaction) -> set[str]:
        await keep_arrivals(tx, services, workspace_id, [place], source="api")
        owners = await find_owners(tx, workspace_id, [place])
        reason = f"{source.by}_opt_out"
        grounds = Grounds(source.account.id, services.now_ms(), reason, {"account": source.account.id})
        return await end_consent(tx, services, workspace_id, owners[place], place, grounds)

    for lane in sorted(await services.db.write(unit)):
        await services.wake(lane)


async def list_opted_in(services: Services, workspace_id: str, account: Account) -> list[OptedIn]:
    """The numbers that may be written to, newest first, at most 10,000. A phone belongs to no account: all of them count."""

    async def unit(tx: Transaction) -> list[OptedIn]:
        found = await thread_rows.list_phones(tx, workspace_id, limit=MOST_LISTED)
        spoke = await thread_rows.last_said(tx, workspace_id, account.id, [row["contact_id"] for row in found])
        return [_opted_in(row, spoke.get(row["contact_id"])) for row in found]

    return await services.db.read(unit)


def _opted_in(row: Row, last_said_at: int | None) -> OptedIn:
    return OptedIn(row["value"], row["source"], row["created_at"], last_said_at)
