"""Invitations: people known by phone, asked over Messenger whether the Page may write to them. One request a person, ever.

Everybody is asked by an ordinary message to their phone number, so the account's lane paces the requests, the timeline tells of
each, and what Meta and the person make of it is noted in `message_requests`. Its states are the invitation's counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from guestlist.domain.matching import PhoneMatching
from guestlist.domain.messages import (
    AddressKind,
    Channel,
    Content,
    Draft,
    MessengerOptions,
    Options,
    RequestState,
    Rule,
    Target,
    encode_draft,
)
from guestlist.errors import GuestlistError, RefusedError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import invitations as invitation_rows
from guestlist.storage import message_requests as request_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contact_queries import Wanted, list_contacts

from . import messages
from .base import Services
from .contact_imports import IMPORT
from .matching import AUDIENCE_ROUTE, state_of

BLOCK = 500
"""People asked in one transaction."""

READ_BLOCK = 5000
"""Contacts read at once."""

PATIENCE = timedelta(days=7)
"""How long a request waits where nothing else was said. Whoever has not accepted by then is counted as declined."""

COUNTED = tuple(RequestState)


class MatchingSuspendedError(RefusedError):
    """Matching by phone number is suspended for this Page."""

    code = "phone_matching_suspended"


@dataclass(frozen=True, slots=True)
class Asking:
    """What people are asked with, over which Page. `expires_at`: milliseconds; None = a week from now."""

    page_id: str
    name: str
    content: Content
    messenger: MessengerOptions = field(default_factory=MessengerOptions)
    expires_at: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation with its people by state, and of those just named the ones who were not asked, by reason."""

    row: Row
    counts: Mapping[str, int]
    skipped: Mapping[str, int] = field(default_factory=dict)


async def create_invitation(services: Services, workspace_id: str, asking: Asking, contact_ids: Sequence[str]) -> Invited:
    """Asks these contacts. Everybody is durably noted before it answers.

    Left out, and counted: `unknown` (no such contact), `no_phone`, `reachable` (PSID known), `asked_before`, `opted_out`.
    Errors: NotFoundError, MatchingSuspendedError (nobody is asked; the remedy is the audience route), BadMessageError.
    """
    await check_page(services, workspace_id, asking.page_id)
    draft = _draft(services, asking, Target())
    if problems := services.channels[Channel.MESSENGER].check(draft):
        errors = [{"field": each.field, "code": each.code, "message": each.sentence} for each in problems]
        raise messages.BadMessageError(problems[0].sentence, code=problems[0].code, remedy="See `errors`.", errors=errors)
    row = await services.db.write(lambda tx: _keep(tx, services, workspace_id, asking, draft))
    skipped: Counter[str] = Counter()
    wanted = list(dict.fromkeys(contact_ids))
    for start in range(0, len(wanted), BLOCK):
        skipped += await ask_more(services, row, asking, wanted[start : start + BLOCK])
    await services.db.write(lambda tx: rows.change(tx, tables.invitations, workspace_id, row["id"], state="finished"))
    invited = await get_invitation(services, workspace_id, row["id"])
    return Invited(invited.row, invited.counts, skipped)


async def check_page(services: Services, workspace_id: str, page_id: str) -> Row:
    """The Page, if it may match phone numbers. Errors: NotFoundError, MatchingSuspendedError."""
    page = await services.get_page(workspace_id, page_id)
    if state_of(page) is not PhoneMatching.ENABLED:
        raise MatchingSuspendedError(
            "Meta has suspended matching by phone number for this Page: nobody was asked.", remedy=AUDIENCE_ROUTE
        )
    return page


def _draft(services: Services, asking: Asking, to: Target) -> Draft:
    """Never promotional: nobody has agreed to anything yet."""
    expires_at = asking.expires_at or services.now_ms() + int(PATIENCE.total_seconds() * 1000)
    rules = (Rule(Channel.MESSENGER, asking.page_id),)
    return Draft(to, rules, asking.content, Options(messenger=asking.messenger), expires_at=expires_at)


async def _keep(tx: Transaction, services: Services, workspace_id: str, asking: Asking, draft: Draft) -> Row:
    row = {
        "workspace_id": workspace_id,
        "id": services.ids.new("inv"),
        "account_id": asking.page_id,
        "name": asking.name,
        "draft": encode_draft(draft),
        "state": "running",
        "reason": "",
        "people": 0,
        "created_at": services.now_ms(),
    }
    await rows.insert(tx, tables.invitations, row)
    return row


async def ask_more(services: Services, invitation: Row, asking: Asking, contact_ids: Sequence[str]) -> Counter[str]:
    """Asks a block of contacts, in one transaction; those left out, by reason."""

    async def unit(tx: Transaction) -> tuple[Counter[str], set[str]]:
        people, skipped = await _find_people(tx, services, invitation, contact_ids)
        lanes = await _ask(tx, services, invitation, asking, people)
        return skipped, lanes

    skipped, lanes = await services.db.write(unit)
    for lane in sorted(lanes):
        await services.wake(lane)
    return skipped


async def _find_people(
    tx: Transaction, services: Services, invitation: Row, contact_ids: Sequence[str]
) -> tuple[list[tuple[Row, str]], Counter[str]]:
    """Who of these contacts is to be asked, each with a phone; now theirs alone. And the others, by reason."""
    workspace_id, page_id = invitation["workspace_id"], invitation["account_id"]
    found = {
        row["id"]: row for row in await contact_rows.find_contacts(tx, workspace_id, contact_ids) if row["deleted_at"] is None
    }
    addresses: dict[str, list[Row]] = {each: [] for each in found}
    for row in await contact_rows.find_addresses(tx, workspace_id, list(found)):
        addresses[row["contact_id"]].append(row)
    phones = [(page_id, row["value"]) for group in addresses.values() for row in group if _is_phone(row)]
    asked = {row["phone"] for row in await request_rows.find_requests(tx, workspace_id, phones)}
    people: list[tuple[Row, str]] = []
    skipped: Counter[str] = Counter()
    for contact_id in contact_ids:
        reason, phone = _judge(found.get(contact_id), addresses.get(contact_id, ()), page_id, asked)
        if reason:
            skipped[reason] += 1
        else:
            people.append((found[contact_id], phone))
    new = [
        {
            "workspace_id": workspace_id,
            "account_id": page_id,
            "phone": phone,
            "state": RequestState.QUEUED.value,
            "contact_id": contact["id"],
            "invitation_id": invitation["id"],
            "asked_at": services.now_ms(),
        }
        for contact, phone in people
    ]
    await invitation_rows.note_asked(tx, new)
    noted = await request_rows.find_requests(tx, workspace_id, [(page_id, phone) for _, phone in people])
    ours = {row["phone"] for row in noted if row["invitation_id"] == invitation["id"]}
    skipped["asked_before"] += sum(phone not in ours for _, phone in people)  # another invitation was faster
    return [(contact, phone) for contact, phone in people if phone in ours], +skipped


def _judge(contact: Row | None, addresses: Sequence[Row], page_id: str, asked: set[str]) -> tuple[str, str]:
    """Why somebody is not asked, else the phone to ask by: the newest."""
    if contact is None:
        return "unknown", ""
    phones = [row for row in addresses if _is_phone(row)]
    if not phones:
        return "no_phone", ""
    if any(row["kind"] == AddressKind.PSID.value and row["account_id"] == page_id for row in addresses):
        return "reachable", ""
    if any(row["value"] in asked for row in phones):
        return "asked_before", ""
    if any(row["opted_out_at"] is not None for row in phones):
        return "opted_out", ""
    return "", phones[0]["value"]


def _is_phone(row: Row) -> bool:
    return bool(row["kind"] == AddressKind.PHONE.value)


async def _ask(
    tx: Transaction, services: Services, invitation: Row, asking: Asking, people: Sequence[tuple[Row, str]]
) -> set[str]:
    """One message each, in the transaction that notes the request. What our rules refuse is noted as refused."""
    workspace_id = invitation["workspace_id"]
    origin = messages.Origin(by=asking.by, batch_id=invitation["id"])
    given = [(messages.Request(_draft(services, asking, _target(*each))), origin) for each in people]
    sent, lanes = await messages.accept(tx, services, workspace_id, given)
    keys = [{"workspace_id": workspace_id, "account_id": invitation["account_id"], "phone": phone} for _, phone in people]
    await invitation_rows.mark_refused(
        tx, [key for key, each in zip(keys, sent, strict=True) if isinstance(each, GuestlistError)]
    )
    current = await rows.get(tx, tables.invitations, workspace_id, invitation["id"], lock=True)
    await rows.change(tx, tables.invitations, workspace_id, invitation["id"], people=current["people"] + len(people))
    return lanes


def _target(contact: Row, phone: str) -> Target:
    """With the names that are known: they make a match surer."""
    return Target(contact_id=contact["id"], phone=phone, first_name=contact["first_name"], last_name=contact["last_name"])


async def get_invitation(services: Services, workspace_id: str, invitation_id: str) -> Invited:
    """An invitation with its people by state. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Invited:
        row = await rows.get(tx, tables.invitations, workspace_id, invitation_id)
        counts = await invitation_rows.count_states(tx, workspace_id, [invitation_id])
        return Invited(row, count_people(counts[invitation_id]))

    return await services.db.read(unit)


async def list_invitations(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Invited]:
    """Invitations, newest first."""

    async def unit(tx: Transaction) -> list[Invited]:
        found = await tx.fetch_all(rows.page_of(tables.invitations, workspace_id, after=after, limit=limit))
        counts = await invitation_rows.count_states(tx, workspace_id, [row["id"] for row in found])
        return [Invited(row, count_people(counts[row["id"]])) for row in found]

    return await services.db.read(unit)


async def find_people(services: Services, workspace_id: str, *, list_id: str = "", source: str = "") -> list[str]:
    """Ids of all contacts that an import of a list brought or found, or that came by a source (api, list, inbound, …)."""
    wanted = Wanted(plain={"source": source} if source else {}, fields={IMPORT: list_id} if list_id else {})
    found: list[str] = []
    while True:
        after = found[-1] if found else None
        more = await services.db.read(
            partial(list_contacts, workspace_id=workspace_id, wanted=wanted, after=after, limit=READ_BLOCK)
        )
        found += [row["id"] for row in more]
        if len(more) < READ_BLOCK:
            return found


def count_people(states: Mapping[str, int]) -> dict[str, int]:
    """Every state, and `matched`: whoever Meta found, whatever they made of it since."""
    counts: dict[str, Any] = {each.value: states.get(each.value, 0) for each in COUNTED}
    matched = (RequestState.PENDING, RequestState.ACCEPTED, RequestState.DECLINED)
    return {"matched": sum(counts[each.value] for each in matched), **counts}
