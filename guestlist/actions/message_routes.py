"""What is known of the people that drafts are for, and so the standing of each rule: read in bulk for sends and timers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from guestlist.channels.base import Measuring, Problem
from guestlist.domain.messages import AddressKind, Channel, Draft, RequestState, Rule, Target, said_on
from guestlist.domain.routes import Standing
from guestlist.storage import contacts as contact_rows
from guestlist.storage import message_requests as request_rows
from guestlist.storage import messages as message_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.instants import maybe_from_ms
from guestlist.storage.opt_ins import Way, find_opted_in
from guestlist.storage.senders import Account, Choice, choose_account, read_accounts

from .base import Services
from .merging import BadMergeFieldError, facts_of, fill

GIVEN = (AddressKind.PSID, AddressKind.USER_REF, AddressKind.COMMENT, AddressKind.POST)
"""Messenger's own addresses, the surest first."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A draft to find ways for. `contact_id` "" = whoever its `to` names."""

    draft: Draft
    contact_id: str = ""


@dataclass(slots=True)
class Routed:
    """A draft with all that a decision about its rules needs. `filled` has its merge fields filled."""

    draft: Draft
    filled: Draft
    contact: Row | None
    choices: Sequence[Choice]
    standings: Sequence[Standing]
    problems: Mapping[Channel, Sequence[Problem]]
    unknown: str = ""  # "contact" | "subscriber": what the draft names by an id that does not exist
    places: Sequence[Place] = ()  # the person's addresses as `to` gives them; a comment or a post is nobody's address
    new_places: Sequence[Place] = ()  # those of them that nobody has yet


@dataclass(slots=True)
class People:
    """What was read of everybody concerned."""

    contacts: dict[str, Row] = field(default_factory=dict)
    by_external_id: dict[str, Row] = field(default_factory=dict)
    places: dict[Place, Row] = field(default_factory=dict)
    of_contact: dict[str, list[Row]] = field(default_factory=dict)
    requests: dict[tuple[str, str], RequestState] = field(default_factory=dict)  # by (Page, phone)
    subscribers: dict[str, Row] = field(default_factory=dict)
    spent: set[tuple[str, str]] = field(default_factory=set)  # (Page, address) of those that took their one message

    def places_given(self, target: Target, page_id: str) -> list[Place]:
        """The addresses a target names. A subscriber is reached by the PSID that is known of them, on their own Page."""
        places = contact_rows.places_of(target, page_id)
        row = self.subscribers.get(target.subscriber_id)
        if row is not None and row["psid"]:
            places.insert(0, contact_rows.place_of(AddressKind.PSID, row["psid"], row["page_id"]))
        return places

    def find(self, ask: Ask, places: Sequence[Place]) -> Row | None:
        """Whom a draft is for: by our id, by the business's, else by the surest address that is somebody's."""
        target = ask.draft.to
        if known := ask.contact_id or target.contact_id:
            return self.contacts.get(known)
        if target.external_id:
            return self.by_external_id.get(target.external_id)
        owners = (self.places[place]["contact_id"] for place in places if place in self.places)
        return next((self.contacts[owner] for owner in owners if owner in self.contacts), None)


async def route_drafts(tx: Transaction, services: Services, workspace_id: str, asks: Sequence[Ask]) -> list[Routed]:
    """Each draft with its contact, where there is one, and the standing of its rules. Reads only.

    A merge field that cannot be filled shows as a problem of the content on every channel.
    """
    accounts = await read_accounts(tx, workspace_id)
    chosen = [[choose_account(rule, accounts) for rule in ask.draft.rules] for ask in asks]
    pages = [_page_of(ask.draft, choices) for ask, choices in zip(asks, chosen, strict=True)]
    people = await _read_people(tx, workspace_id, asks, chosen, pages)
    routed = [_route(services, ask, choices, page_id, people) for ask, choices, page_id in zip(asks, chosen, pages, strict=True)]
    await _note_opt_ins(tx, workspace_id, [each for each in routed if each.draft.require_opt_in], services.now_ms())
    return routed


async def _note_opt_ins(tx: Transaction, workspace_id: str, requiring: Sequence[Routed], at: int) -> None:
    """Notes for drafts that require an opt-in which of their ways have one."""
    if not requiring:
        return
    opted_in = await find_opted_in(tx, workspace_id, (way for each in requiring for way, _ in _ways_of(each)), at)
    for each in requiring:
        each.standings = [replace(standing, opted_in=way in opted_in) for way, standing in _ways_of(each)]


def _ways_of(routed: Routed) -> list[tuple[Way, Standing]]:
    contact_id = routed.contact["id"] if routed.contact else None
    return [
        (Way(contact_id, standing.channel, standing.account_id, standing.address_kind, standing.address), standing)
        for standing in routed.standings
    ]


def measure(services: Services, filled: Draft, channel: Channel) -> Mapping[str, Any]:
    """What a draft comes to on a channel that counts: by SMS its encoding and segments."""
    sized = services.channels[channel]
    return sized.measure(said_on(filled, channel)) if isinstance(sized, Measuring) else {}


async def refill(tx: Transaction, services: Services, workspace_id: str, draft: Draft, contact_id: str | None) -> Draft:
    """A stored draft with its merge fields filled for its contact as it is now; unfilled where they cannot be."""
    found = await contact_rows.find_contacts(tx, workspace_id, [contact_id] if contact_id else [])
    return _fill(services, draft, found[0] if found else None)[0]


def _page_of(draft: Draft, choices: Sequence[Choice]) -> str:
    """The Page that a PSID in `to` belongs to: that of the first Messenger rule."""
    for rule, choice in zip(draft.rules, choices, strict=True):
        if rule.channel is Channel.MESSENGER and choice.account is not None:
            return choice.account.id
    return ""


async def _read_people(
    tx: Transaction, workspace_id: str, asks: Sequence[Ask], chosen: Sequence[Sequence[Choice]], pages: Sequence[str]
) -> People:
    people = People()
    subscribed = [ask.draft.to.subscriber_id for ask in asks if ask.draft.to.subscriber_id]
    people.subscribers = {row["id"]: row for row in await contact_rows.find_subscribers(tx, workspace_id, subscribed)}
    given = [people.places_given(ask.draft.to, page_id) for ask, page_id in zip(asks, pages, strict=True)]
    named = [Target(contact_id=ask.contact_id) if ask.contact_id else ask.draft.to for ask in asks]
    for row in await contact_rows.find_named(tx, workspace_id, named):
        _note(people, row)
    for row in await contact_rows.find_places(tx, workspace_id, (place for places in given for place in places)):
        people.places[contact_rows.place_of_row(row)] = row
    owners = {row["contact_id"] for row in people.places.values()} - people.contacts.keys()
    for row in await contact_rows.find_contacts(tx, workspace_id, sorted(owners)):
        if row["deleted_at"] is None:
            _note(people, row)
    for row in await contact_rows.find_addresses(tx, workspace_id, sorted(people.contacts)):
        people.of_contact.setdefault(row["contact_id"], []).append(row)
    people.spent = set(await message_rows.first_deliveries(tx, workspace_id, sorted(_single(given, people))))
    wanted = set(_matchable(asks, chosen, given, people))
    for row in await request_rows.find_requests(tx, workspace_id, sorted(wanted)):
        people.requests[row["account_id"], row["phone"]] = RequestState(row["state"])
    return people


def _note(people: People, row: Row) -> None:
    people.contacts[row["id"]] = row
    if row["external_id"]:
        people.by_external_id[row["external_id"]] = row


def _single(given: Sequence[Sequence[Place]], people: People) -> set[tuple[str, str]]:
    """The (Page, address) pairs that take one message only."""
    kept = [contact_rows.place_of_row(row) for group in people.of_contact.values() for row in group]
    places = [*kept, *(place for group in given for place in group)]
    return {(place.account_id, place.value) for place in places if place.kind in message_rows.ONE_MESSAGE}


def _matchable(
    asks: Sequence[Ask], chosen: Sequence[Sequence[Choice]], given: Sequence[Sequence[Place]], people: People
) -> Iterable[tuple[str, str]]:
    """The (Page, phone) pairs for which Messenger might be asked."""
    for ask, choices, places in zip(asks, chosen, given, strict=True):
        for choice in choices:
            if choice.account is not None and choice.account.channel is Channel.MESSENGER:
                contact = people.find(ask, places)
                phones = [place.value for place in places if place.kind is AddressKind.PHONE]
                kept = people.of_contact.get(contact["id"], []) if contact else []
                phones += [row["value"] for row in kept if row["kind"] == AddressKind.PHONE.value]
                yield from ((choice.account.id, phone) for phone in phones)


def _route(services: Services, ask: Ask, choices: Sequence[Choice], page_id: str, people: People) -> Routed:
    places = people.places_given(ask.draft.to, page_id)
    contact = people.find(ask, places)
    if ask.contact_id and contact is None:
        places = []  # deleted since: nobody's address is used any more
    unknown = "contact" if ask.draft.to.contact_id and contact is None else ""
    if ask.draft.to.subscriber_id and ask.draft.to.subscriber_id not in people.subscribers:
        unknown = "subscriber"
    filled, problems = _fill(services, ask.draft, contact)
    standings = [
        _standing(rule, choice, places, contact, people, problems.get(rule.channel, ()))
        for rule, choice in zip(ask.draft.rules, choices, strict=True)
    ]
    own = [place for place in places if place.kind not in (AddressKind.COMMENT, AddressKind.POST)]
    new = [place for place in own if place not in people.places]
    return Routed(ask.draft, filled, contact, choices, standings, problems, unknown, own, new)


def _fill(services: Services, draft: Draft, contact: Row | None) -> tuple[Draft, Mapping[Channel, Sequence[Problem]]]:
    channels = dict.fromkeys(rule.channel for rule in draft.rules)
    try:
        facts = facts_of(contact, draft.to)
        filled = fill(draft, facts)
    except BadMergeFieldError as error:
        problem = Problem(error.data["field"], error.code, error.sentence)
        return draft, dict.fromkeys(channels, (problem,))
    if contact is not None:  # a phone number is matched more surely with the names we keep
        filled = replace(filled, to=replace(filled.to, first_name=facts["first_name"], last_name=facts["last_name"]))
    found = {channel: services.channels[channel].check(said_on(filled, channel)) for channel in channels}
    return filled, {channel: problems for channel, problems in found.items() if problems}


def _standing(
    rule: Rule, choice: Choice, places: Sequence[Place], contact: Row | None, people: People, problems: Sequence[Problem]
) -> Standing:
    account = choice.account
    place = _address(rule.channel, account, places, contact, people) if account else None
    row = people.places.get(place) if place else None
    if place and row is None and contact is not None:
        row = next((each for each in people.of_contact.get(contact["id"], ()) if contact_rows.place_of_row(each) == place), None)
    own = row if row is not None and place is not None and place.channel is rule.channel else None
    at = maybe_from_ms(own["opened_at"]) if own else None
    return Standing(
        channel=rule.channel,
        account_id=account.id if account else "",
        account_state=choice.state,
        candidates=choice.candidates,
        problem=problems[0].sentence if problems else "",
        phone_matching=account.phone_matching if account else "suspended",
        address_kind=place.kind if place else None,
        address=place.value if place else "",
        opened_at=at,
        opted_out_at=maybe_from_ms(own["opted_out_at"]) if own else None,
        request=people.requests.get((account.id, place.value)) if account and place else None,
        commented_at=at if place and place.kind in (AddressKind.COMMENT, AddressKind.POST) else None,
        spent=account is not None and place is not None and (account.id, place.value) in people.spent,
    )


def _address(channel: Channel, account: Account, places: Sequence[Place], contact: Row | None, people: People) -> Place | None:
    """The address to use on a channel: one the sender gave, else the contact's newest; a phone for Messenger comes last."""
    kept = [contact_rows.place_of_row(row) for row in people.of_contact.get(contact["id"], ())] if contact else []
    known = [*places, *kept]
    match channel:
        case Channel.SMS:
            return next((place for place in known if place.kind is AddressKind.PHONE), None)
        case Channel.EMAIL:
            return next((place for place in known if place.kind is AddressKind.EMAIL), None)
    own = [place for place in known if place.account_id == account.id or place.kind is AddressKind.PHONE]
    ranked = [(rank, place) for place in own if (rank := _rank(place, given=place in places)) is not None]
    return min(ranked, key=lambda each: each[0], default=(0, None))[1]


def _rank(place: Place, *, given: bool) -> int | None:
    """What the sender gave goes before what is kept. A kept comment or post is none to answer again; phones are only matched."""
    if place.kind is AddressKind.PHONE:
        return 10 if given else 11
    if given:
        return GIVEN.index(place.kind)
    return {AddressKind.PSID: 5, AddressKind.USER_REF: 6}.get(place.kind)
