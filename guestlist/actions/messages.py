"""Messages: accepted, read, explained, cancelled, redacted. What is sent is left to the lane of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson

from guestlist.domain.messages import Draft, encode_draft, redact
from guestlist.domain.routes import Closed, Open, decide_route
from guestlist.domain.states import Delivery, MessageState
from guestlist.errors import GuestlistError, NotFoundError, RefusedError, UsageError
from guestlist.storage import messages as message_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import rows
from guestlist.storage.base import Row, Transaction

from .base import Services
from .message_book import Book
from .message_people import keep_people
from .message_routes import Ask, Routed, measure, route_drafts

LARGEST_BATCH = 5000
BLOCK = 100
"""Messages of a batch accepted in one transaction: others wait for so many at most."""

LONGEST_WAIT = 10.0
"""Seconds that anybody is kept waiting for the first attempt."""

LOOK_AGAIN = 0.2
"""Seconds between looks at the rows, for outcomes written by another process."""

METADATA_LENGTH = 4000


class BadMessageError(UsageError):
    """The message cannot be sent like this."""

    code = "bad_message"


class NoRouteError(RefusedError):
    """No way to this person is open now."""

    code = "no_route"


@dataclass(frozen=True, slots=True)
class Request:
    """One message to send. `metadata` is the caller's own and comes back in every event."""

    draft: Draft
    metadata: Mapping[str, Any] = field(default_factory=dict)
    keep_refused: bool = False  # keep it as failed where no rule is open, instead of refusing it (dialects that answer 201 first)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, and in whose words later events are told."""

    by: str = ""
    dialect: str = ""
    batch_id: str | None = None


Sent = Row | GuestlistError
"""The message's row, or why it was not accepted."""


async def send_message(services: Services, workspace_id: str, request: Request, origin: Origin = Origin()) -> Row:
    """The message, durably accepted; its first call follows. Nothing is kept where it is refused.

    Errors: BadMessageError (the request is wrong whoever gets it; `errors` by field), NotFoundError `unknown_contact`,
    NoRouteError (with every rule's reason in `routes`; the code is the rule's own where there is only one).
    """
    if error := _check_draft(services, request):
        raise error
    accept = partial(_send_block, services, workspace_id)
    sent = await services.gathering.put((id(services), workspace_id, "messages"), (request, origin), accept)
    if isinstance(sent, GuestlistError):
        raise sent
    return sent


async def send_batch(services: Services, workspace_id: str, requests: Sequence[Request], origin: Origin = Origin()) -> list[Sent]:
    """Each request answered by itself, in order. Errors: UsageError for more than 5,000 or none."""
    if not 0 < len(requests) <= LARGEST_BATCH:
        sentence = f"A batch holds 1 to {LARGEST_BATCH:,} messages, not {len(requests):,}."
        raise UsageError(sentence, code="bad_batch_size", remedy="Split it into several batches.")
    if origin.batch_id is None:
        origin = replace(origin, batch_id=services.ids.new("bat"))
    sent: dict[int, Sent] = {
        number: error for number, request in enumerate(requests) if (error := _check_draft(services, request))
    }
    sound = [number for number in range(len(requests)) if number not in sent]
    for start in range(0, len(sound), BLOCK):
        numbers = sound[start : start + BLOCK]
        answers = await _send_block(services, workspace_id, [(requests[number], origin) for number in numbers])
        sent |= zip(numbers, answers, strict=True)
    return [sent[number] for number in range(len(requests))]


async def _send_block(services: Services, workspace_id: str, given: Sequence[tuple[Request, Origin]]) -> list[Sent]:
    """Requests that are sound by themselves, in one transaction."""

    async def unit(tx: Transaction) -> tuple[list[Sent], set[str]]:
        return await accept(tx, services, workspace_id, given)

    sent, lanes = await services.db.write(unit)
    for lane in sorted(lanes):
        await services.wake(lane)
    return sent


async def send_in(
    tx: Transaction, services: Services, workspace_id: str, request: Request, origin: Origin = Origin()
) -> tuple[Sent, set[str]]:
    """One message accepted in a transaction that does more, and the lanes to wake once that is durable."""
    if error := _check_draft(services, request):
        return error, set()
    [sent], lanes = await accept(tx, services, workspace_id, [(request, origin)])
    return sent, lanes


def _check_draft(services: Services, request: Request) -> GuestlistError | None:
    """What is wrong with a request before anything is read."""
    draft, now = request.draft, services.now_ms()
    if not draft.rules:
        return BadMessageError("A message needs at least one rule.", code="empty_rules", remedy="Name a channel in `rules`.")
    if draft.expires_at is not None and draft.expires_at <= max(now, draft.send_at or 0):
        sentence = "`expires_at` lies in the past, or before `send_at`."
        return BadMessageError(sentence, code="bad_expiry", remedy="Give a later instant, or none.")
    if len(orjson.dumps(dict(request.metadata))) > METADATA_LENGTH:
        return BadMessageError(
            f"`metadata` is longer than {METADATA_LENGTH:,} bytes of JSON.",
            code="metadata_too_long",
            remedy="Keep a key of yours in it.",
        )
    return None


async def accept(
    tx: Transaction, services: Services, workspace_id: str, given: Sequence[tuple[Request, Origin]]
) -> tuple[list[Sent], set[str]]:
    """Requests that are sound by themselves, in a transaction of the caller's. The lanes to wake after its commit."""
    routed = await route_drafts(tx, services, workspace_id, [Ask(request.draft) for request, _ in given])
    refusals = [_judge(services, request, each) for (request, _), each in zip(given, routed, strict=True)]
    accepted = [each for each, refusal in zip(routed, refusals, strict=True) if refusal is None]
    contact_ids = iter(await keep_people(tx, services, workspace_id, accepted))
    book = Book(services, workspace_id)
    sent: list[Sent] = [
        refusal or _add(book, request, each, next(contact_ids), origin)
        for (request, origin), each, refusal in zip(given, routed, refusals, strict=True)
    ]
    return sent, await book.close(tx)


def _judge(services: Services, request: Request, routed: Routed) -> GuestlistError | None:
    """Why a message is not accepted: it is wrong, or it is for now and no rule is open."""
    error = _check_content(routed)
    if error or (request.draft.send_at or 0) > services.now_ms():
        return error
    now = services.clock.now()
    ways = [
        decide_route(routed.draft, rule, standing, now)
        for rule, standing in zip(routed.draft.rules, routed.standings, strict=True)
    ]
    closed = [way for way in ways if isinstance(way, Closed)]
    for way in closed:
        if way.invalid:
            return BadMessageError(way.sentence, code=way.rule, remedy=way.opens)
    if len(closed) < len(ways) or request.keep_refused:
        return None
    first = closed[0]
    if len(closed) == 1:
        return NoRouteError(first.sentence, code=first.rule, remedy=first.opens, routes=[show_route(1, first)])
    shown = [show_route(number, way) for number, way in enumerate(closed, 1)]
    reasons = "; ".join(f"{way.channel}: {way.rule}" for way in closed)
    return NoRouteError(f"No rule is open now ({reasons}).", remedy="See `routes` for what would open each.", routes=shown)


def _check_content(routed: Routed) -> GuestlistError | None:
    if routed.unknown:
        return _unknown(routed)
    if routed.problems:
        found = [(channel, problem) for channel, problems in routed.problems.items() for problem in problems]
        errors = [
            {"channel": channel.value, "field": each.field, "code": each.code, "message": each.sentence}
            for channel, each in found
        ]
        return BadMessageError(found[0][1].sentence, code=found[0][1].code, remedy="See `errors` for each field.", errors=errors)
    return None


def _unknown(routed: Routed) -> NotFoundError:
    return NotFoundError(
        f"There is no such {routed.unknown} in this workspace.",
        code=f"unknown_{routed.unknown}",
        remedy="Copy its id from a listing, or give an address in `to`.",
    )


def _add(book: Book, request: Request, routed: Routed, contact_id: str | None, origin: Origin) -> Row:
    draft = request.draft
    message: dict[str, Any] = {
        **dict.fromkeys(("due_at", "sent_at", "delivered_at", "read_at", "ended_at", "redacted_at")),
        "workspace_id": book.workspace_id,
        "id": book.services.ids.new("msg"),
        "contact_id": contact_id,
        "draft": encode_draft(draft),
        "metadata": orjson.dumps(dict(request.metadata)).decode(),
        "purpose": draft.purpose.value,
        "state": Delivery.QUEUED.value,
        "reason": "",
        "channel": "",
        "rule": 0,
        "dialect": origin.dialect,
        "batch_id": origin.batch_id,
        "by": origin.by,
        "send_at": draft.send_at,
        "expires_at": draft.expires_at,
        "created_at": book.now,
    }
    book.add(message, draft)
    if draft.send_at is None or draft.send_at <= book.now:
        book.begin(message, routed)
    return message


# -- explain --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen now. `taken` is the number of the rule that would be tried first, from 1; None where all are closed."""

    contact_id: str | None
    taken: int | None
    routes: Sequence[Mapping[str, Any]]


async def explain_message(services: Services, workspace_id: str, draft: Draft) -> Explanation:
    """Which way a message would go now and why each other is closed. Nothing is written or sent.

    Errors: BadMessageError for a draft without rules, NotFoundError `unknown_contact`.
    """
    if error := _check_draft(services, Request(draft)):
        raise error

    async def unit(tx: Transaction) -> Routed:
        [routed] = await route_drafts(tx, services, workspace_id, [Ask(draft)])
        return routed

    routed = await services.db.read(unit)
    if routed.unknown:
        raise _unknown(routed)
    now = services.clock.now()
    ways = [decide_route(draft, rule, standing, now) for rule, standing in zip(draft.rules, routed.standings, strict=True)]
    taken = next((number for number, way in enumerate(ways, 1) if isinstance(way, Open)), None)
    contact_id = routed.contact["id"] if routed.contact else None
    sizes = [dict(measure(services, routed.filled, way.channel)) or None for way in ways]
    shown = [{**show_route(number, way), "measure": size} for (number, way), size in zip(enumerate(ways, 1), sizes, strict=True)]
    return Explanation(contact_id, taken, shown)


def show_route(number: int, way: Open | Closed) -> dict[str, Any]:
    """A rule's way for people and scripts. Shape: rule, channel, open; then how it would go, or what closes it."""
    shown: dict[str, Any] = {"rule": number, "channel": way.channel.value, "open": isinstance(way, Open)}
    if isinstance(way, Closed):
        since = way.since.isoformat() if way.since else None
        return {**shown, "code": way.rule, "sentence": way.sentence, "since": since, "opens": way.opens}
    kind = way.messaging_type.value if way.messaging_type else None
    until = way.until.isoformat() if way.until else None
    how = {"messaging_type": kind, "tag": way.tag, "utility": way.utility, "until": until, "note": way.note}
    return {**shown, "account_id": way.account_id, "address_kind": way.address_kind.value, **how}


# -- read -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """A message with all that became of it."""

    message: Row
    deliveries: Sequence[Row]
    parts: Sequence[Row]
    attempts: Sequence[Row]
    receipts: Sequence[Row]


async def get_message(services: Services, workspace_id: str, message_id: str) -> Story:
    """A message with its deliveries, parts, attempts and receipts. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Story:
        message = await rows.get(tx, tables.messages, workspace_id, message_id)
        deliveries = await message_rows.deliveries_of(tx, workspace_id, [message_id])
        ids = [row["id"] for row in deliveries]
        return Story(
            message=message,
            deliveries=deliveries,
            parts=await message_rows.parts_of(tx, workspace_id, ids),
            attempts=await message_rows.attempts_of(tx, workspace_id, ids),
            receipts=await message_rows.receipts_of(tx, workspace_id, [message_id]),
        )

    return await services.db.read(unit)


async def list_messages(
    services: Services,
    workspace_id: str,
    *,
    filters: Mapping[str, str | None] | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Messages, newest first. `filters`: contact_id, state, channel, batch_id."""

    async def unit(tx: Transaction) -> list[Row]:
        return await message_rows.list_messages(tx, workspace_id, filters=filters or {}, after=after, limit=limit)

    return await services.db.read(unit)


async def first_attempt(services: Services, workspace_id: str, message_id: str, seconds: float = LONGEST_WAIT) -> Story:
    """The message once its first attempt has an outcome or it has ended; as it is after so long (at most 10 s) otherwise.

    Works whichever process sends: this one rings a bell, another one's outcomes are seen in the rows.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + min(seconds, LONGEST_WAIT)
    with services.outcomes.listen(message_id) as bell:
        while True:
            bell.clear()
            story = await get_message(services, workspace_id, message_id)
            left = end - loop.time()
            begun = story.message["rule"] > 0  # what is for later is not waited for
            if story.attempts or story.message["state"] != MessageState.QUEUED.value or not begun or left <= 0:
                return story
            try:
                async with asyncio.timeout(min(left, LOOK_AGAIN)):
                    await bell.wait()
            except TimeoutError:
                continue


# -- cancel, redact -------------------------------------------------------------------------------------------------


async def cancel_message(services: Services, workspace_id: str, message_id: str) -> Row:
    """Ends a message that has not left. Doing it twice changes nothing.

    Errors: NotFoundError, RefusedError `already_sent` once a call was begun, `message_ended`.
    """

    async def unit(tx: Transaction) -> Row:
        book = await Book.open(tx, services, workspace_id, [message_id])
        if message_id not in book.messages:
            return await rows.get(tx, tables.messages, workspace_id, message_id)  # raises
        message = book.messages[message_id]
        if message["state"] == MessageState.CANCELLED.value:
            return message
        parts = [part for group in book.parts.values() for part in group]
        if any(part["state"] != Delivery.FAILED.value and part["called_at"] is not None for part in parts):
            raise RefusedError(
                "The message is on its way, or has gone out already.", code="already_sent", remedy="Nothing can call it back."
            )
        if message["state"] in (Delivery.FAILED.value, Delivery.EXPIRED.value):
            raise RefusedError(f"The message is {message['state']}.", code="message_ended", remedy="Nothing to do.")
        book.cancel(message)
        await book.close(tx)
        return message

    return await services.db.write(unit)


async def redact_message(services: Services, workspace_id: str, message_id: str) -> Row:
    """Empties what the message says and whom it names; states, times and codes stay. Doing it twice changes nothing.

    Errors: NotFoundError, RefusedError `not_ended` while it may still have to be sent.
    """

    async def unit(tx: Transaction) -> Row:
        book = await Book.open(tx, services, workspace_id, [message_id])
        if message_id not in book.messages:
            return await rows.get(tx, tables.messages, workspace_id, message_id)  # raises
        message = book.messages[message_id]
        under_way = (Delivery.QUEUED.value, Delivery.SENDING.value)
        if message["state"] in under_way or any(part["state"] in under_way for group in book.parts.values() for part in group):
            raise RefusedError("The message is still to be sent.", code="not_ended", remedy="Cancel it first, or wait.")
        if message["redacted_at"] is None:
            draft = redact(book.draft(message))
            await message_rows.redact(tx, workspace_id, message_id, draft=encode_draft(draft), at=book.now)
        return await rows.get(tx, tables.messages, workspace_id, message_id)

    return await services.db.write(unit)
