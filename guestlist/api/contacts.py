"""`/v1/contacts`: the people we know, how they are reached, and all that was said to and by them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from guestlist.actions import contacts, conversations, erasures
from guestlist.api.caller import Acting, Calling
from guestlist.api.contact_models import (
    AddressGiven,
    Contact,
    ContactGiven,
    ContactSearch,
    ForgottenContact,
    Merging,
    Said,
)
from guestlist.api.models import RowId
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, ByPlace, Listing, Window, find_window
from guestlist.errors import UsageError
from guestlist.storage.contact_queries import Wanted
from guestlist.storage.timelines import parse_place

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])

_ACTING = refusals(404, *WRITING)
_CHANGING = refusals(404, 412, *WRITING)
_ETAG = re.compile(r'\s*(?:W/)?"([0-9]{1,18})"\s*', re.ASCII)

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description="The contact's ETag: the change is made to this state or not at all.",
        examples=['"3"'],
    ),
]
Order = Annotated[Literal["newest", "oldest"], Query(description="What comes first.")]


@router.post("", summary="Create a contact", status_code=201, responses=_ACTING)
async def create_contact(caller: Acting, given: ContactGiven, response: Response) -> Contact:
    """A new contact. One whose external id or address somebody has already is refused, naming that contact."""
    return _answer(response, await contacts.create_contact(caller.services, caller.workspace_id, given.as_facts()))


@router.post("/upsert", summary="Create or change a contact", responses=_ACTING)
async def upsert_contact(caller: Acting, given: ContactGiven, response: Response) -> Contact:
    """The contact of this external id, else of one of these addresses, with what is given; made where there is none (201)."""
    person, created = await contacts.upsert_contact(caller.services, caller.workspace_id, given.as_facts())
    response.status_code = 201 if created else 200
    return _answer(response, person)


@router.get("", summary="List contacts", responses=refusals(400, 404))
async def list_contacts(
    caller: Calling,
    window: ById,
    source: Annotated[Literal["api", "list", "inbound", "opt_in", "send"] | None, Query(description="How they came.")] = None,
    account_id: Annotated[RowId | None, Query(description="Only those with an address on this Page.")] = None,
) -> Listing[Contact]:
    """Contacts, newest first. To ask by name or address, search: those do not belong into URLs."""
    wanted = Wanted(plain={"source": source} if source else {}, account_id=account_id or "")
    return await _list(caller, wanted, window)


@router.post("/search", summary="Search contacts", responses=refusals(*WRITING))
async def search_contacts(caller: Acting, given: ContactSearch) -> Listing[Contact]:
    """Contacts that fit all that is given, newest first."""
    return await _list(caller, given.as_wanted(), await find_window(given.limit, given.after))


async def _list(caller: Calling, wanted: Wanted, window: Window[str]) -> Listing[Contact]:
    found = await contacts.list_contacts(
        caller.services, caller.workspace_id, wanted=wanted, after=window.after, limit=window.wanted
    )
    rows = [{**person.row, "addresses": [dict(row) for row in person.addresses]} for person in found]
    return window.cut(rows, Contact.of)


@router.get("/{contact_id}", summary="Read a contact", responses=refusals(404))
async def get_contact(caller: Calling, contact_id: RowId, response: Response) -> Contact:
    """A contact with its addresses; its ETag is in the header."""
    return _answer(response, await contacts.get_contact(caller.services, caller.workspace_id, contact_id))


@router.patch("/{contact_id}", summary="Change a contact", responses=_CHANGING)
async def change_contact(
    caller: Calling, contact_id: RowId, given: ContactGiven, response: Response, if_match: IfMatch = None
) -> Contact:
    """Changes what is given; in `fields` a null takes one away. With `If-Match` only if nobody changed it meanwhile (412)."""
    facts, version = given.as_facts(), _read_version(if_match)
    return _answer(
        response, await contacts.change_contact(caller.services, caller.workspace_id, contact_id, facts, version=version)
    )


@router.delete("/{contact_id}", summary="Delete a contact", status_code=204, responses=refusals(404))
async def delete_contact(caller: Calling, contact_id: RowId) -> None:
    """Ends a contact: facts and addresses go, messages that have not left are cancelled. What was said stays; see forget."""
    await erasures.delete_contact(caller.services, caller.workspace_id, contact_id)


@router.post("/{contact_id}/forget", summary="Forget a contact", responses=_ACTING)
async def forget_contact(caller: Acting, contact_id: RowId) -> ForgottenContact:
    """Erases a contact: facts, addresses, and what was said both ways. Tells what remains, and why. Also once it is deleted."""
    forgotten = await erasures.forget_contact(caller.services, caller.workspace_id, contact_id)
    return ForgottenContact.model_validate(forgotten, from_attributes=True)


@router.post("/{contact_id}/merge", summary="Merge two contacts", responses=_ACTING)
async def merge_contacts(caller: Acting, contact_id: RowId, given: Merging, response: Response) -> Contact:
    """Makes another contact part of this one, without loss; the other's id leads here (404 `merged`) from then on."""
    person = await contacts.merge_two(caller.services, caller.workspace_id, contact_id, given.contact)
    return _answer(response, person)


@router.post("/{contact_id}/addresses/remove", summary="Remove an address", responses=_ACTING)
async def remove_address(caller: Acting, contact_id: RowId, given: AddressGiven, response: Response) -> Contact:
    """Takes an address from a contact. One that was opted out is kept, so that nothing is sent to it again."""
    person = await contacts.remove_address(caller.services, caller.workspace_id, contact_id, given.as_address())
    return _answer(response, person)


@router.get("/{contact_id}/timeline", summary="Read a contact's timeline", responses=refusals(400, 404))
async def read_timeline(caller: Calling, contact_id: RowId, window: ByPlace, order: Order = "newest") -> Listing[Said]:
    """Messages, their receipts and replies of all channels and accounts, in one line of time."""
    found = await conversations.read_timeline(
        caller.services,
        caller.workspace_id,
        contact_id,
        oldest_first=order == "oldest",
        after=parse_place(window.after),
        limit=window.wanted,
    )
    return window.cut(found, Said.of, "place")


def _answer(response: Response, person: contacts.Person) -> Contact:
    response.headers["ETag"] = f'"{person.row["version"]}"'
    return Contact.tell(person)


def _read_version(if_match: str | None) -> int | None:
    """The version of an `If-Match`. Errors: UsageError for what is no ETag of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise UsageError("`If-Match` holds no ETag of a contact.", code="bad_etag", remedy="Send the ETag as it was given.")
    return int(found[1])
