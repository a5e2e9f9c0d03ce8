"""An account's lane: hands parts of messages to its provider. Claim, check again, call, record; no call inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson

from guestlist.channels.base import Accepted, PartCall, Refused, Remedy
from guestlist.domain.messages import AddressKind, Channel, Draft, RequestState, Rule, decode_draft, said_on
from guestlist.domain.policy import backoff
from guestlist.domain.routes import Closed, Open, Standing, decide_route
from guestlist.domain.states import Delivery, MessageState
from guestlist.engine.base import Bucket, Ownership
from guestlist.storage import contacts as contact_rows
from guestlist.storage import message_requests as request_rows
from guestlist.storage import messages as message_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import maybe_from_ms, to_ms
from guestlist.storage.messages import PartKey
from guestlist.storage.opt_ins import Way, find_opted_in
from guestlist.storage.senders import Account, find_account, mark_for_reconnection

from .base import Services
from .message_book import Book, encode_route
from .message_receipts import apply_early
from .message_routes import refill
from .pages import mark_dead
from .stops import Grounds, end_consent

MOST_TRIES = 20
"""How often a passing fault or a limit is borne: with the pauses between, for more than an hour. Then the next rule is tried."""

SEND_REFUSED = "send_refused"
"""Why consent ends where a provider says of a send that the person stopped it."""

LEFT_BLOCK = 500
"""Parts of a dead owner settled in one transaction."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One claimed part on its way to the provider."""

    key: PartKey
    message_id: str
    attempts: int
    channel: Channel
    call: PartCall = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one call."""

    handed: Handed
    called_at: int
    answer: Accepted | Refused


async def run_send_lane(services: Services, ownership: Ownership) -> float | None:
    """Hands over everything due on an account, at its rate. First, what a dead owner left on the wire becomes `unknown`.

    Gives the seconds until its next part is due.
    """
    _, workspace_id, account_id = ownership.lease.lane.split(":")
    account = await services.db.read(lambda tx: find_account(tx, workspace_id, account_id))
    if account is None:
        return None
    await settle_leftovers(services, workspace_id, account_id, ownership.lease.fence)
    if account.state != "connected":
        return None
    work = MessageHandOver(services, workspace_id, account, fence=ownership.lease.fence)
    await services.pump(work, work.bucket, ownership)
    due = await services.db.read(lambda tx: message_rows.next_due(tx, workspace_id, account_id))
    return None if due is None else max(0.0, (due - services.now_ms()) / 1000)


async def settle_leftovers(services: Services, workspace_id: str, account_id: str, fence: int) -> None:
    """Parts claimed under an older fence become `unknown`, or go back where their call provably never left."""
    find = partial(message_rows.abandoned_parts, workspace_id=workspace_id, account_id=account_id, fence=fence, limit=LEFT_BLOCK)
    while left := await services.db.read(find):
        await services.db.write(partial(_settle, services=services, workspace_id=workspace_id, left=left, fence=fence))


async def _settle(tx: Transaction, services: Services, workspace_id: str, left: Sequence[Row], fence: int) -> None:
    book = await Book.open(tx, services, workspace_id, (row["message_id"] for row in left))
    for row in left:
        part = book.part((row["delivery_id"], row["number"]))
        if part["state"] != Delivery.SENDING.value or part["fence"] >= fence:
            continue  # settled meanwhile, by a receipt
        if part["called_at"] is None:
            book.move(part, Delivery.QUEUED, reason=part["reason"], due_at=book.now, attempts=part["attempts"] - 1)
        else:
            sentence = "The process that made this call died before it could write the answer."
            book.log_attempt(
                part, part["attempts"], outcome="lost", code="owner_died", sentence=sentence, called_at=part["called_at"]
            )
            book.move(part, Delivery.UNKNOWN, reason="owner_died")
    await book.close(tx)


class MessageHandOver:
    """Implements engine.base.HandOver for the messages of one account."""

    def __init__(self, services: Services, workspace_id: str, account: Account, *, fence: int) -> None:
        assert account.row is not None
        self.services = services
        self.workspace_id = workspace_id
        self.fence = fence
        self.account, self.row = account, account.row
        self.channel = services.channels[account.channel]
        self.bucket: Bucket = services.bucket(f"send:{account.id}", account.row["rate"])
        self.sender = services.sender(account)

    # -- claim ------------------------------------------------------------------------------------------------------

    async def claim(self, limit: int) -> Sequence[Handed]:
        """Up to `limit` due parts, marked as being sent. What a rule closes by now is settled in the same transaction."""
        claimed, lanes = await self.services.db.write(lambda tx: self._claim(tx, limit))
        await self._wake(lanes)
        return claimed

    async def _claim(self, tx: Transaction, limit: int) -> tuple[list[Handed], set[str]]:
        account = await find_account(tx, self.workspace_id, self.account.id)
        if account is None or account.row is None or account.state != "connected":
            return [], set()
        if account.row != self.row:  # connected anew since this run began
            self.account, self.row, self.sender = account, account.row, self.services.sender(account)
        claimed: list[Handed] = []
        lanes: set[str] = set()
        now = self.services.clock.now()
        while len(claimed) < limit:
            due = await message_rows.due_parts(tx, self.workspace_id, account.id, to_ms(now), limit - len(claimed))
            if not due:
                break
            claimed += await self._claim_rows(tx, due, now, lanes)
        return claimed, lanes

    async def _claim_rows(self, tx: Transaction, due: Sequence[Row], now: datetime, lanes: set[str]) -> list[Handed]:
        going: list[tuple[Row, Open]] = []
        closed: list[tuple[Row, Closed]] = []
        first = await self._first(tx, due)
        spent = {row["delivery_id"] for row in due if first.get(row["address"], row["delivery_id"]) != row["delivery_id"]}
        for row, way in await self._decide_all(tx, due, now, spent):
            if isinstance(way, Open):
                going.append((row, way))
            else:
                closed.append((row, way))
        await message_rows.change_parts(tx, [self._sending(row, now) for row, _ in going])
        if closed:
            lanes |= await self._close(tx, closed)
        return [await self._hand(tx, row, way) for row, way in going]

    async def _first(self, tx: Transaction, due: Sequence[Row]) -> Mapping[str, str]:
        """Of the addresses that take one message only: the delivery that is their first."""
        single = {row["address"] for row in due if row["address_kind"] in message_rows.ONE_MESSAGE}
        places = [(self.account.id, address) for address in sorted(single)]
        found = await message_rows.first_deliveries(tx, self.workspace_id, places) if places else {}
        return {address: delivery_id for (_, address), delivery_id in found.items()}

    async def _decide_all(
        self, tx: Transaction, claimed: Sequence[Row], now: datetime, spent: Set[str] = frozenset()
    ) -> list[tuple[Row, Open | Closed]]:
        """For each part whether its way is still open; `spent` are deliveries to addresses that have had their one message."""
        read = [(row, decode_draft(row["draft"])) for row in claimed]
        ways = {row["delivery_id"]: _way_of(row) for row, draft in read if draft.require_opt_in}
        found = await find_opted_in(tx, self.workspace_id, ways.values(), to_ms(now)) if ways else set()
        opted_in = {delivery_id for delivery_id, way in ways.items() if way in found}
        return [(row, self._decide(row, draft, now, spent=spent, opted_in=opted_in)) for row, draft in read]

    def _decide(self, row: Row, draft: Draft, now: datetime, *, spent: Set[str], opted_in: Set[str]) -> Open | Closed:
        """Whether the way that was opened is still open, judged as at the beginning."""
        if row["deleted_at"] is not None:
            return Closed(Channel(row["channel"]), "contact_deleted", "The contact was deleted.")
        kind = AddressKind(row["address_kind"])
        standing = Standing(
            channel=Channel(row["channel"]),
            account_id=self.account.id,
            account_state=self.account.state,
            phone_matching=self.account.phone_matching,
            address_kind=kind,
            address=row["address"],
            opened_at=maybe_from_ms(row["opened_at"]),
            opted_out_at=maybe_from_ms(row["opted_out_at"]),
            opted_in=row["delivery_id"] in opted_in,
            request=RequestState(row["request"]) if row["request"] else None,
            commented_at=maybe_from_ms(row["opened_at"]) if kind in (AddressKind.COMMENT, AddressKind.POST) else None,
            spent=row["delivery_id"] in spent,
        )
        return decide_route(draft, Rule(Channel(row["channel"]), self.account.id), standing, now)

    def _sending(self, row: Row, now: datetime) -> Mapping[str, Any]:
        claimed = {"state": Delivery.SENDING.value, "fence": self.fence, "due_at": None, "claimed_at": to_ms(now)}
        return {**row, **claimed, "called_at": None, "attempts": row["attempts"] + 1}

    async def _close(self, tx: Transaction, closed: Sequence[tuple[Row, Closed]]) -> set[str]:
        """Ends deliveries whose way has closed since; their messages go on to the next rule."""
        book = await Book.open(tx, self.services, self.workspace_id, (row["message_id"] for row, _ in closed))
        for row, way in closed:
            part, delivery = book.part((row["delivery_id"], row["number"])), book.delivery(row["delivery_id"])
            if way.rule == "expired":
                book.raise_part(part, Delivery.EXPIRED, reason="expired")
                book.end_request(delivery, RequestState.REFUSED)
            else:
                book.refuse(delivery, part, way.rule)
        return await book.close(tx)

    async def _hand(self, tx: Transaction, row: Row, way: Open) -> Handed:
        body = orjson.loads(row["body"])
        if (fresh := await self._rebuilt(tx, row, way)) is not None:
            body = fresh
        return Handed(
            key=(row["delivery_id"], row["number"]),
            message_id=row["message_id"],
            attempts=row["attempts"] + 1,
            channel=Channel(row["channel"]),
            call=PartCall(f"{row['delivery_id']}.{row['number']}", row["number"], body),
        )

    async def _rebuilt(self, tx: Transaction, row: Row, way: Open) -> Mapping[str, Any] | None:
        """The body anew where the way has changed since it was built (another tag, a template); None where it has not."""
        route = orjson.loads(row["route"])
        kind = way.messaging_type.value if way.messaging_type else None
        if (kind, way.tag, way.utility) == (route.get("messaging_type"), route.get("tag"), route.get("utility")):
            return None
        draft = await refill(tx, self.services, self.workspace_id, decode_draft(row["draft"]), row["contact_id"])
        bodies = self.channel.build(said_on(draft, self.channel.name), way)
        if len(bodies) != row["parts"]:
            return None  # as it was: the provider will say whether it may go
        body: Mapping[str, Any] = bodies[row["number"] - 1]
        await message_rows.write_bodies(tx, [{**row, "body": orjson.dumps(body).decode()}])
        changed = orjson.dumps(encode_route(way, route.get("because", ""))).decode()
        await message_rows.write_route(tx, self.workspace_id, row["delivery_id"], changed)
        return body

    # -- just before and after the call -----------------------------------------------------------------------------

    async def recheck(self, handed: Sequence[Handed]) -> Sequence[Handed]:
        """Those that may still go, marked durably as being called. What happened since the claim keeps the others."""
        kept, lanes = await self.services.db.write(lambda tx: self._recheck(tx, handed))
        await self._wake(lanes)
        return kept

    async def _recheck(self, tx: Transaction, handed: Sequence[Handed]) -> tuple[list[Handed], set[str]]:
        keys = [each.key for each in handed]
        called = await message_rows.mark_called(tx, self.workspace_id, keys, self.fence, self.services.now_ms())
        lanes: set[str] = set()
        if kept := [key for key in keys if key not in called]:
            lanes = await self._keep(tx, kept)
        return [each for each in handed if each.key in called], lanes

    async def _keep(self, tx: Transaction, keys: Sequence[PartKey]) -> set[str]:
        """Closes claimed parts that may not be called after all, or puts them back."""
        held = await message_rows.claimed_parts(tx, self.workspace_id, keys, self.fence)
        now = self.services.clock.now()
        wanted = [row for row in held if row["message_state"] != MessageState.CANCELLED.value]
        judged = await self._decide_all(tx, wanted, now)
        await self._put_back(tx, [row for row, way in judged if isinstance(way, Open)])
        closed = [(row, way) for row, way in judged if isinstance(way, Closed)]
        return await self._close(tx, closed) if closed else set()

    async def _put_back(self, tx: Transaction, held: Sequence[Row]) -> None:
        back = {"state": Delivery.QUEUED.value, "due_at": self.services.now_ms(), "called_at": None}
        await message_rows.change_parts(tx, [{**row, **back, "attempts": row["attempts"] - 1} for row in held])

    async def release(self, handed: Sequence[Handed]) -> None:
        """Puts back parts that provably never left."""

        async def unit(tx: Transaction) -> None:
            held = await message_rows.claimed_parts(tx, self.workspace_id, [each.key for each in handed], self.fence)
            await self._put_back(tx, held)

        await self.services.db.write(unit)

    async def call(self, handed: Handed) -> Answered:
        """The call to the provider."""
        called_at = self.services.now_ms()
        answer = await self.channel.send(self.sender, handed.call)
        if isinstance(answer, Refused) and answer.remedy is Remedy.WAIT:
            self.bucket.slow_down()
        return Answered(handed, called_at, answer)

    # -- record -----------------------------------------------------------------------------------------------------

    async def record(self, outcomes: Sequence[Answered]) -> None:
        """Writes the outcomes, as far as the parts are still ours, and does what the answers ask for."""
        lanes = await self.services.db.write(lambda tx: self._record(tx, outcomes))
        self.services.outcomes.ring(each.handed.message_id for each in outcomes)
        await self._wake(lanes)
        for each in outcomes:
            if isinstance(each.answer, Refused) and each.answer.remedy is Remedy.RECONNECT:
                await self._mark_dead(each.answer.sentence)
                break

    async def _record(self, tx: Transaction, outcomes: Sequence[Answered]) -> set[str]:
        book = await Book.open(tx, self.services, self.workspace_id, (each.handed.message_id for each in outcomes))
        for each in outcomes:
            part, delivery = book.part(each.handed.key), book.delivery(each.handed.key[0])
            if isinstance(each.answer, Accepted):
                await self._accept(tx, book, each, part, delivery)
            else:
                await self._refuse(tx, book, each, part, delivery)
        named = {
            each.answer.provider_id: each.handed.key
            for each in outcomes
            if isinstance(each.answer, Accepted) and each.answer.provider_id
        }
        await apply_early(tx, book, self.account.id, named)
        return await book.close(tx)

    async def _accept(self, tx: Transaction, book: Book, each: Answered, part: dict[str, Any], delivery: dict[str, Any]) -> None:
        """A receipt may have overtaken the answer: then only what it lacks is added."""
        answer = each.answer
        assert isinstance(answer, Accepted)
        book.log_attempt(part, each.handed.attempts, outcome="accepted", called_at=each.called_at)
        if answer.awaiting and part["state"] == Delivery.SENDING.value:
            delivery["awaiting"] = 1
            await self._note_request(tx, book, delivery)
        book.end_request(delivery, RequestState.PENDING)
        book.raise_part(part, Delivery.SENT, provider_id=answer.provider_id, sent_at=book.now)
        contact_id = book.messages[delivery["message_id"]]["contact_id"]
        if answer.person and contact_id and delivery["address"] != answer.person:
            place = contact_rows.place_of(AddressKind.PSID, answer.person, self.account.id)
            await contact_rows.add_addresses(tx, [contact_rows.new_address(self.workspace_id, contact_id, place, at=book.now)])

    async def _note_request(self, tx: Transaction, book: Book, delivery: dict[str, Any]) -> None:
        """A message request waits for the person: whom a PSID that accepts may be is told by this."""
        contact_id = book.messages[delivery["message_id"]]["contact_id"]
        key = {"workspace_id": self.workspace_id, "account_id": self.account.id, "phone": delivery["address"]}
        await request_rows.note_pending(tx, [{**key, "contact_id": contact_id, "asked_at": book.now}])

    async def _refuse(self, tx: Transaction, book: Book, each: Answered, part: dict[str, Any], delivery: dict[str, Any]) -> None:
        answer, handed = each.answer, each.handed
        assert isinstance(answer, Refused)
        lost = answer.remedy is Remedy.LOST
        outcome = "lost" if lost else "refused"
        code = answer.provider_code or answer.code
        book.log_attempt(part, handed.attempts, outcome=outcome, code=code, sentence=answer.sentence, called_at=each.called_at)
        if answer.ends_consent:
            await self._end_consent(tx, book, answer, delivery)
        claim = (Delivery.SENDING.value, self.fence, handed.attempts)  # no later one: a write may come twice
        if (part["state"], part["fence"], part["attempts"]) != claim:
            return
        if lost:
            book.move(part, Delivery.UNKNOWN, reason=answer.code)
            book.end_request(delivery, RequestState.PENDING)  # it may have been made
        elif answer.remedy is Remedy.RECONNECT:
            book.move(part, Delivery.QUEUED, reason=answer.code, due_at=book.now)
        elif answer.remedy in (Remedy.RETRY, Remedy.WAIT) and handed.attempts < MOST_TRIES:
            book.move(part, Delivery.QUEUED, reason=answer.code, due_at=to_ms(self._again(answer, handed.attempts)))
        else:
            book.refuse(delivery, part, answer.code)

    async def _end_consent(self, tx: Transaction, book: Book, answer: Refused, delivery: dict[str, Any]) -> None:
        """The person told the provider to stop: no further message goes there."""
        place = contact_rows.place_of(AddressKind(delivery["address_kind"]), delivery["address"], self.account.id)
        if place.channel is not self.account.channel:
            return  # a phone that Messenger was asked to match: what they said there is no word about SMS
        contact_id = book.messages[delivery["message_id"]]["contact_id"]
        proof = {"delivery": delivery["id"], "code": answer.provider_code}
        grounds = Grounds(self.account.id, book.now, SEND_REFUSED, proof)
        book.lanes |= await end_consent(tx, self.services, self.workspace_id, contact_id, place, grounds)

    def _again(self, answer: Refused, attempts: int) -> datetime:
        pause = backoff(attempts - 1) if answer.retry_after is None else timedelta(seconds=answer.retry_after)
        return self.services.clock.now() + pause

    async def _mark_dead(self, sentence: str) -> None:
        """Notes that the account needs a person: its lane rests, every row is kept."""
        if self.account.channel is Channel.MESSENGER:
            await mark_dead(self.services, self.row, sentence)
            return

        async def unit(tx: Transaction) -> None:
            if await mark_for_reconnection(tx, self.row, sentence):
                await self.services.emit(tx, self.workspace_id, "account.reconnect_needed", self.account.id, reason=sentence)

        await self.services.db.write(unit)

    async def _wake(self, lanes: set[str]) -> None:
        for lane in sorted(lanes):
            await self.services.wake(lane)


def _way_of(row: Row) -> Way:
    return Way(row["contact_id"], row["channel"], row["account_id"], AddressKind(row["address_kind"]), row["address"])
