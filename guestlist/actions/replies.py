"""What people say and do, kept: the contact, the window, the conversation, the reply, and the events. Whatever the channel.

Each thing said has one effect however often it comes: it is known by the provider's id. What an order of arrival could change
is written so that it does not: instants only grow, and two contacts that turn out to be one person become one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from guestlist.domain.contacts import merge_fields
from guestlist.domain.facts import MessageReceipt, ReceiptKind, Reply, ReplyKind
from guestlist.domain.messages import AddressKind, Channel, Target
from guestlist.domain.phones import phone_aliases
from guestlist.storage import contacts as contact_rows
from guestlist.storage import early_receipts as early_rows
from guestlist.storage import messages as message_rows
from guestlist.storage import replies as reply_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.instants import to_ms
from guestlist.storage.ledgers import Event

from .arrivals import bind_place, find_owners, keep_arrivals
from .base import Services
from .message_receipts import Reported, parse_part_id
from .refs import BadRefError, open_ref

PROFILE_KEPT = timedelta(days=30)
"""How old a profile may be when its person writes again."""

COUNTED = frozenset({ReplyKind.TEXT, ReplyKind.QUICK_REPLY, ReplyKind.ATTACHMENT, ReplyKind.POSTBACK})
"""What makes a conversation unread: what somebody may have to answer."""

TOLD_AS = {ReplyKind.REACTION: "message.reacted", ReplyKind.ECHO: "message.echoed", ReplyKind.PLUGIN: "opt_in.received"}
"""The event of a kind; all others are `message.received`."""

CHECKBOX = "checkbox_plugin"
"""The `source` of a prior message that names a `user_ref`; any other names a phone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply with when and in which raw webhook it came."""

    reply: Reply
    received_at: datetime
    webhook_id: int | None = None

    @property
    def at(self) -> int:
        """When it was said, in milliseconds; never later than it was received."""
        at = self.reply.at
        return to_ms(self.received_at if at is None else min(at, self.received_at))


@dataclass(slots=True)
class Kept:
    """What became of some replies: the new rows, each with the fact it came from, and the lanes that have something due."""

    new: list[tuple[Heard, Row]] = field(default_factory=list)
    lanes: set[str] = field(default_factory=set)


async def split_echoes(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, heard: Sequence[Heard]
) -> tuple[list[Reported], list[Heard]]:
    """Echoes of our own messages, as the receipts they are; and everything else, what was sent from elsewhere too.

    Ours name the part, or have a provider's id that is known. One of our app that names no part may have overtaken its answer:
    it is taken for ours while something to that person is in doubt.
    """
    echoes = [each for each in heard if each.reply.kind is ReplyKind.ECHO]
    if not echoes:
        return [], list(heard)
    keys = [key for each in echoes if (key := parse_part_id(each.reply.part_id))]
    by_key = {(row["delivery_id"], row["number"]) for row in await message_rows.find_parts_by_id(tx, workspace_id, keys)}
    ids = [each.reply.provider_id for each in echoes]
    by_mid = {row["provider_id"] for row in await message_rows.find_parts(tx, workspace_id, account_id, ids)}
    app_id = services.app.app_id
    nameless = [each.reply.person for each in echoes if app_id and each.reply.app_id == app_id]
    in_doubt = await early_rows.find_in_doubt(tx, workspace_id, account_id, nameless)
    ours: list[Reported] = []
    others: list[Heard] = []
    for each in heard:
        reply = each.reply
        known = reply.kind is ReplyKind.ECHO and parse_part_id(reply.part_id) in by_key
        early = reply.app_id == app_id and reply.person in in_doubt
        if known or (reply.kind is ReplyKind.ECHO and (reply.provider_id in by_mid or early)):
            part_id = reply.part_id if known else ""
            receipt = MessageReceipt(
                ReceiptKind.ECHO,
                reply.channel,
                reply.account,
                reply.at,
                provider_ids=(reply.provider_id,),
                person=reply.person,
                part_id=part_id,
            )
            ours.append(Reported(receipt, each.received_at, each.webhook_id))
        else:
            others.append(each)
    return ours, others


async def apply_replies(tx: Transaction, services: Services, workspace_id: str, account_id: str, heard: Sequence[Heard]) -> Kept:
    """Keeps what is new among these replies to one account (our id), and tells of it."""
    fresh = await _news(tx, workspace_id, account_id, heard)
    if not fresh:
        return Kept()
    owners = await _find_people(tx, services, workspace_id, account_id, fresh)
    threads, opened = await _find_threads(tx, services, workspace_id, account_id, fresh, owners)
    answered = await _find_answered(tx, workspace_id, account_id, fresh)
    kept = Kept()
    for each in fresh:
        contact_id = owners[place_of(each.reply, account_id)]
        row = _row(services, workspace_id, account_id, each, contact_id, threads[contact_id])
        row["answers"] = answered.get(each.reply.answers)
        kept.new.append((each, row))
    await reply_rows.insert_replies(tx, [row for _, row in kept.new])
    await reply_rows.note_said(tx, _count(workspace_id, kept.new))
    await reply_rows.open_windows(tx, workspace_id, _windows(account_id, fresh))
    kept.lanes |= await _want_profiles(tx, services, workspace_id, account_id, fresh)
    events = [*opened, *(_tell(row) for _, row in kept.new if row["kind"] != ReplyKind.ACCEPTANCE.value)]
    kept.lanes |= await services.emit_all(tx, workspace_id, events)
    return kept


async def _news(tx: Transaction, workspace_id: str, account_id: str, heard: Sequence[Heard]) -> list[Heard]:
    """Each thing said that is not kept yet, once, in the order it came."""
    by_id: dict[str, Heard] = {}
    for each in heard:
        by_id.setdefault(each.reply.provider_id, each)
    known = await reply_rows.find_known(tx, workspace_id, account_id, by_id)
    return [each for provider_id, each in by_id.items() if provider_id not in known]


# -- people ---------------------------------------------------------------------------------------------------------


def place_of(reply: Reply, account_id: str) -> Place:
    """The address a reply came from."""
    match Channel(reply.channel):
        case Channel.SMS:
            return contact_rows.place_of(AddressKind.PHONE, reply.person, "")
        case Channel.EMAIL:
            return contact_rows.place_of(AddressKind.EMAIL, reply.person, "")
        case Channel.MESSENGER if reply.person:
            return contact_rows.place_of(AddressKind.PSID, reply.person, account_id)
    return contact_rows.place_of(AddressKind.USER_REF, reply.user_ref, account_id)


async def _find_people(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, fresh: Sequence[Heard]
) -> dict[Place, str]:
    """The contact behind each reply, once all that replies tell of who is who has been done."""
    places = [place_of(each.reply, account_id) for each in fresh]
    told = [(each, place) for each, place in zip(fresh, places, strict=True) if _tells_who(each.reply)]
    for each, place in told:
        await _bind_prior(tx, services, workspace_id, account_id, each.reply, place)
        await _bind_ref(tx, services, workspace_id, open_state(services, workspace_id, each.reply.ref), place)
    await _bind_aliases(tx, workspace_id, services, [place for place in places if place.kind is AddressKind.PHONE])
    return await keep_arrivals(tx, services, workspace_id, places)


def _tells_who(reply: Reply) -> bool:
    return bool(reply.prior or reply.ref or (reply.person and reply.user_ref))


async def _bind_prior(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, reply: Reply, place: Place
) -> None:
    """A first message says by what its writer was reached before: a `user_ref`, or a phone number."""
    for prior in _prior_places(reply, account_id):
        if prior == place:
            continue
        forms = [prior, *_other_forms(prior)]
        known = await find_owners(tx, workspace_id, forms)
        found = next((form for form in forms if form in known), None)
        if found is None:
            owner = (await keep_arrivals(tx, services, workspace_id, [place]))[place]
            await bind_place(tx, services, workspace_id, prior, owner)
        else:
            owner = (await keep_arrivals(tx, services, workspace_id, [found]))[found]
            await bind_place(tx, services, workspace_id, place, owner)


def _prior_places(reply: Reply, account_id: str) -> Iterable[Place]:
    if reply.person and reply.user_ref:
        yield contact_rows.place_of(AddressKind.USER_REF, reply.user_ref, account_id)
    if reply.prior:
        identifier = str(reply.prior["identifier"])
        digits = re.sub(r"\D", "", identifier)
        if reply.prior["source"] == CHECKBOX or not digits:
            yield contact_rows.place_of(AddressKind.USER_REF, identifier, account_id)
        else:
            yield contact_rows.place_of(AddressKind.PHONE, digits, "")


def _other_forms(place: Place) -> list[Place]:
    """The other spellings under which a phone may be kept."""
    if place.kind is not AddressKind.PHONE:
        return []
    return [contact_rows.place_of(AddressKind.PHONE, each, "") for each in phone_aliases(place.value)[1:]]


async def _bind_aliases(tx: Transaction, workspace_id: str, services: Services, places: Sequence[Place]) -> None:
    """Somebody who writes from the other form of a number that is kept is the one who has it."""
    forms = {place: _other_forms(place) for place in places if _other_forms(place)}
    if not forms:
        return
    owners = await find_owners(tx, workspace_id, [*forms, *(other for others in forms.values() for other in others)])
    for place, others in forms.items():
        found = next((other for other in others if other in owners), None)
        if place not in owners and found is not None:
            owner = (await keep_arrivals(tx, services, workspace_id, [found]))[found]
            await bind_place(tx, services, workspace_id, place, owner)


async def _bind_ref(tx: Transaction, services: Services, workspace_id: str, state: Mapping[str, Any], place: Place) -> None:
    """A ref that we sealed may name who follows the link: by our id (`contact_id`), or by the business's (`external_id`).

    Its `fields` are kept with them.
    """
    named = Target(**{name: state[name] for name in ("contact_id", "external_id") if isinstance(state.get(name), str)})
    fields = state["fields"] if isinstance(state.get("fields"), dict) else {}
    if not (named.contact_id or named.external_id or fields):
        return
    found = await contact_rows.find_named(tx, workspace_id, [named])
    if found:
        owner = await bind_place(tx, services, workspace_id, place, found[0]["id"])
    else:
        owner = (await keep_arrivals(tx, services, workspace_id, [place]))[place]
    [contact] = await contact_rows.lock_contacts(tx, workspace_id, [owner])
    kept = orjson.loads(contact["fields"])
    values: dict[str, Any] = {}
    if named.external_id and not found and contact["external_id"] is None:
        values["external_id"] = named.external_id
    if (merged := merge_fields(kept, fields)) != kept:
        values["fields"] = orjson.dumps(merged).decode()
    if values:
        await contact_rows.update_contact(tx, contact, services.now_ms(), **values)


def open_state(services: Services, workspace_id: str, ref: str) -> Mapping[str, Any]:
    """What we sealed into a ref; nothing where it is none of ours, or too old."""
    try:
        return open_ref(services, workspace_id, ref) if ref else {}
    except BadRefError:
        return {}


async def _want_profiles(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, fresh: Sequence[Heard]
) -> set[str]:
    """Who wrote to a Page is looked up there, later and outside this transaction."""
    wrote = [place_of(each.reply, account_id) for each in fresh if each.reply.kind is not ReplyKind.ECHO]
    people = [place for place in wrote if place.kind is AddressKind.PSID]
    older_than = to_ms(services.clock.now() - PROFILE_KEPT)
    due = await reply_rows.want_profiles(tx, workspace_id, people, now=services.now_ms(), older_than=older_than)
    return {f"profiles:{workspace_id}:{account_id}"} if due else set()


def _windows(account_id: str, fresh: Sequence[Heard]) -> dict[Place, int]:
    """When each address last did something that opens the window."""
    opened: dict[Place, int] = {}
    for each in fresh:
        if each.reply.opens_window:
            place = place_of(each.reply, account_id)
            opened[place] = max(each.at, opened.get(place, 0))
    return opened


# -- conversations --------------------------------------------------------------------------------------------------


async def _find_threads(
    tx: Transaction,
    services: Services,
    workspace_id: str,
    account_id: str,
    fresh: Sequence[Heard],
    owners: Mapping[Place, str],
) -> tuple[dict[str, str], list[Event]]:
    """The conversation of each contact with the account, opened where there is none."""
    channel = fresh[0].reply.channel
    contact_ids = list(dict.fromkeys(owners[place_of(each.reply, account_id)] for each in fresh))
    threads = await reply_rows.find_conversations(tx, workspace_id, account_id, contact_ids)
    new = {each: services.ids.new("cnv") for each in contact_ids if each not in threads}
    now = services.now_ms()
    await reply_rows.add_conversations(
        tx,
        [
            {
                "workspace_id": workspace_id,
                "id": conversation_id,
                "contact_id": contact_id,
                "channel": channel,
                "account_id": account_id,
                "created_at": now,
            }
            for contact_id, conversation_id in new.items()
        ],
    )
    if new:
        threads = await reply_rows.find_conversations(tx, workspace_id, account_id, contact_ids)
    told = {"channel": channel, "account_id": account_id}
    opened = [
        Event("conversation.opened", conversation_id, {"contact_id": contact_id, **told})
        for contact_id, conversation_id in new.items()
        if threads[contact_id] == conversation_id
    ]
    return threads, opened


def _count(workspace_id: str, new: Sequence[tuple[Heard, Row]]) -> list[dict[str, Any]]:
    """What the conversations gain."""
    said: dict[str, dict[str, Any]] = {}
    for each, row in new:
        thread_id = row["conversation_id"]
        empty = {"workspace_id": workspace_id, "id": thread_id, "unread": 0, "last_in_at": None, "last_out_at": None}
        sums = said.setdefault(thread_id, empty)
        name = "last_out_at" if each.reply.kind is ReplyKind.ECHO else "last_in_at"
        sums[name] = max(each.at, sums[name] or 0)
        sums["unread"] += each.reply.kind in COUNTED
    return list(said.values())


# -- replies --------------------------------------------------------------------------------------------------------


async def _find_answered(tx: Transaction, workspace_id: str, account_id: str, fresh: Sequence[Heard]) -> dict[str, str]:
    """Our messages that replies answer, by the provider's id."""
    ids = [each.reply.answers for each in fresh if each.reply.answers]
    found = await message_rows.find_parts(tx, workspace_id, account_id, ids)
    return {row["provider_id"]: row["message_id"] for row in found}


def _row(
    services: Services, workspace_id: str, account_id: str, heard: Heard, contact_id: str, conversation_id: str
) -> dict[str, Any]:
    reply = heard.reply
    return {
        "workspace_id": workspace_id,
        "id": services.ids.new("rep"),
        "conversation_id": conversation_id,
        "contact_id": contact_id,
        "channel": reply.channel,
        "account_id": account_id,
        "kind": reply.kind.value,
        "provider_id": reply.provider_id,
        "content": orjson.dumps(describe(reply, open_state(services, workspace_id, reply.ref))).decode(),
        "answers": None,
        "at": heard.at,
        "received_at": to_ms(heard.received_at),
    }


def describe(reply: Reply, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a reply says, as its row keeps it: only what there is.

    Shape: text, payload, ref, state (what we sealed into the ref), user_ref, attachments, referral, answers (the provider's id
    of what it answers), app_id.
    """
    said: dict[str, Any] = {
        "text": reply.text,
        "payload": reply.payload,
        "ref": reply.ref,
        "state": state,
        "user_ref": reply.user_ref,
        "attachments": list(reply.attachments),
        "referral": reply.referral,
        "answers": reply.answers,
        "app_id": reply.app_id,
    }
    return {name: value for name, value in said.items() if value}


def _tell(row: Row) -> Event:
    kind = TOLD_AS.get(ReplyKind(row["kind"]), "message.received")
    data = {name: row[name] for name in ("contact_id", "conversation_id", "channel", "account_id", "kind")}
    told = {**data, "reply_id": row["id"], "message_id": row["answers"]}
    if kind == "opt_in.received":
        return Event(kind, row["contact_id"], {**told, "source": "plugin"})
    return Event(kind, row["id"], told)
