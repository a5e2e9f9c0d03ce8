"""Messages being changed: read under their locks, changed in memory, summed up and written in bulk, with the events that follow.

Whoever changes a message does it through a book: sends, outcomes, receipts, timers, cancellations. What a delivery and a message
are then follows from the parts alone (`domain.deliveries`), so that the order of what happens does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from guestlist.domain.deliveries import (
    CLOSED,
    TAKEN,
    Tried,
    counting,
    delivery_state,
    fallback_due,
    message_state,
)
from guestlist.domain.messages import AddressKind, Channel, Draft, RequestState, decode_draft, said_on
from guestlist.domain.routes import Closed, Open, decide_next
from guestlist.domain.states import Delivery, MessageState, rises
from guestlist.storage import message_requests as request_rows
from guestlist.storage import messages as message_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage.base import Row, Transaction
from guestlist.storage.ledgers import Event
from guestlist.storage.messages import PartKey

from .base import Services
from .message_routes import Ask, Routed, measure, route_drafts

Changing = dict[str, Any]
"""A row in the making."""

MILESTONES = (Delivery.SENT, Delivery.DELIVERED, Delivery.READ)
"""What is told once each, in this order, however far a message rises at once."""

NOT_TRIED = "not_tried"
PARTLY_SENT = "partly_sent"
NO_MATCH = "no_match"
"""Meta knows nobody of that phone number."""


class Book:
    """Some messages with all that is below them. Open it, change parts, close it; all in one transaction."""

    def __init__(self, services: Services, workspace_id: str) -> None:
        self.services = services
        self.workspace_id = workspace_id
        self.now = services.now_ms()
        self.messages: dict[str, Changing] = {}
        self.deliveries: dict[str, list[Changing]] = {}  # by message
        self.parts: dict[str, list[Changing]] = {}  # by delivery
        self.lanes: set[str] = set()
        self._drafts: dict[str, Draft] = {}
        self._before: dict[int, Changing] = {}  # what stood in a stored row, by the identity of its copy
        self._attempts: list[Changing] = []
        self._events: list[Event] = []
        self._requests: dict[tuple[str, str], RequestState] = {}  # (Page, phone) -> what became of the message request
        self._going_on: dict[str, str] = {}  # message -> why the next rule is tried

    @classmethod
    async def open(cls, tx: Transaction, services: Services, workspace_id: str, message_ids: Iterable[str]) -> Book:
        """The book of these messages, which are locked until the transaction ends."""
        book = cls(services, workspace_id)
        for row in await message_rows.lock_messages(tx, workspace_id, message_ids):
            book.messages[row["id"]] = book._stored(row)
            book.deliveries[row["id"]] = []
        for row in await message_rows.deliveries_of(tx, workspace_id, book.messages):
            book.deliveries[row["message_id"]].append(book._stored(row))
            book.parts[row["id"]] = []
        for row in await message_rows.parts_of(tx, workspace_id, book.parts, lock=True):
            book.parts[row["delivery_id"]].append(book._stored(row))
        return book

    def _stored(self, row: Row) -> Changing:
        copy = dict(row)
        self._before[id(copy)] = dict(row)
        return copy

    # -- read -------------------------------------------------------------------------------------------------------

    def draft(self, message: Changing) -> Draft:
        """What the message says."""
        if message["id"] not in self._drafts:
            self._drafts[message["id"]] = decode_draft(message["draft"])
        return self._drafts[message["id"]]

    def delivery(self, delivery_id: str) -> Changing:
        """A delivery by its id."""
        return next(each for group in self.deliveries.values() for each in group if each["id"] == delivery_id)

    def part(self, key: PartKey) -> Changing:
        """A part by its delivery and number."""
        delivery_id, number = key
        return self.parts[delivery_id][number - 1]

    # -- change -----------------------------------------------------------------------------------------------------

    def add(self, message: Changing, draft: Draft) -> None:
        """A new message."""
        self.messages[message["id"]] = message
        self.deliveries[message["id"]] = []
        self._drafts[message["id"]] = draft
        self._events.append(self._event("message.accepted", message))

    def move(self, part: Changing, state: Delivery, *, reason: str = "", due_at: int | None = None, **values: Any) -> None:
        """Moves a part, forward or back to the queue. Instants given are kept where there is none yet."""
        part.update(state=state.value, reason=reason, due_at=due_at)
        if state is Delivery.QUEUED:
            part["called_at"] = None
        for name, value in values.items():
            if value is not None and (part[name] is None or name in ("attempts", "fence")):
                part[name] = value

    def raise_part(self, part: Changing, state: Delivery, *, reason: str = "", **values: Any) -> None:
        """Moves a part forward only, whatever came before."""
        higher = rises(Delivery(part["state"]), state)
        kept = state if higher else Delivery(part["state"])
        self.move(part, kept, reason=reason if higher else part["reason"], due_at=None if higher else part["due_at"], **values)

    def log_attempt(
        self, part: Changing, number: int, *, outcome: str, code: str = "", sentence: str = "", called_at: int
    ) -> None:
        """Notes one try of a part for the timeline."""
        self._attempts.append(
            {
                "workspace_id": self.workspace_id,
                "delivery_id": part["delivery_id"],
                "part": part["number"],
                "number": number,
                "outcome": outcome,
                "code": code,
                "sentence": sentence,
                "called_at": called_at,
                "answered_at": self.now,
            }
        )

    def refuse(self, delivery: Changing, part: Changing, reason: str) -> None:
        """Ends a delivery at this part. The next rule is tried unless something of this delivery may have gone out."""
        self.end_request(delivery, RequestState.NO_MATCH if reason == NO_MATCH else RequestState.REFUSED)
        self.move(part, Delivery.FAILED, reason=reason)
        states = [Delivery(each["state"]) for each in self.parts[delivery["id"]]]
        clean = not any(state in TAKEN or state is Delivery.UNKNOWN for state in states)
        if clean and delivery["rule"] == self.messages[delivery["message_id"]]["rule"]:
            self.go_on(delivery["message_id"], "refused")

    def go_on(self, message_id: str, because: str) -> None:
        """The next open rule is tried when the book is closed: because the one before was `refused`, gave `no_receipt`, or ""."""
        if self.messages[message_id]["state"] != MessageState.CANCELLED.value:
            self._going_on[message_id] = because

    def cancel(self, message: Changing) -> None:
        """Ends a message of which nothing was called."""
        for delivery in self.deliveries[message["id"]]:
            for part in self.parts.get(delivery["id"], ()):
                self.move(part, Delivery.FAILED, reason="cancelled")
            self.end_request(delivery, RequestState.REFUSED)
        message.update(state=MessageState.CANCELLED.value, reason="cancelled", due_at=None, ended_at=self.now)
        self._events.append(self._event("message.cancelled", message))

    def expire(self, message: Changing) -> None:
        """Ends what has not left and what still waits for the person."""
        for delivery in self.deliveries[message["id"]]:
            for part in self.parts.get(delivery["id"], ()):
                if part["state"] == Delivery.QUEUED.value or delivery["awaiting"]:
                    self.raise_part(part, Delivery.EXPIRED, reason="expired")
            self.end_request(delivery, RequestState.DECLINED if delivery["awaiting"] else RequestState.REFUSED)
            delivery["awaiting"] = 0

    def end_request(self, delivery: Changing, state: RequestState) -> None:
        """Notes what became of the message request that a delivery to a phone number is."""
        if delivery["channel"] == Channel.MESSENGER.value and delivery["address_kind"] == AddressKind.PHONE.value:
            self._requests[delivery["account_id"], delivery["address"]] = state

    def begin(self, message: Changing, routed: Routed, because: str = "") -> None:
        """Opens the first open rule behind the one tried last, and notes why those before it are closed."""
        used = self._used_channels(message)
        number, route, passed = message["rule"], None, []
        while True:
            found = decide_next(routed.draft, routed.standings, number, self.services.clock.now())
            number, route, closed_before = found if isinstance(found, tuple) else (len(routed.draft.rules), None, found)
            passed += closed_before
            if route is None or route.channel.value not in used:
                break
            passed.append(Closed(route.channel, "already_used", "The message may have gone out on this channel already."))
        for rule, closed in enumerate(passed, message["rule"] + 1):
            self._add_closed(message, rule, closed, routed)
        if route is not None:
            self._add_open(message, number, route, routed.filled, because)
        message["rule"] = number

    def _used_channels(self, message: Changing) -> set[str]:
        """Channels on which the message may have reached the person: nobody gets it there twice."""
        return {
            delivery["channel"]
            for delivery in self.deliveries[message["id"]]
            if any(Delivery(part["state"]) not in (*CLOSED, Delivery.QUEUED) for part in self.parts[delivery["id"]])
        }

    def _add_closed(self, message: Changing, rule: int, closed: Closed, routed: Routed) -> None:
        route = {"rule": closed.rule, "sentence": closed.sentence, "opens": closed.opens}
        if closed.since:
            route["since"] = closed.since.isoformat()
        account_id = routed.standings[rule - 1].account_id
        delivery = self._new_delivery(message, rule, closed.channel.value, account_id, route)
        delivery.update(state=Delivery.FAILED.value, reason=closed.rule)
        self._events.append(self._event("delivery.refused", message, delivery))

    def _add_open(self, message: Changing, rule: int, route: Open, draft: Draft, because: str) -> None:
        bodies = self.services.channels[route.channel].build(said_on(draft, route.channel), route)
        way = encode_route(route, because)
        if size := measure(self.services, draft, route.channel):
            way["measure"] = dict(size)
        delivery = self._new_delivery(message, rule, route.channel.value, route.account_id, way)
        delivery.update(address_kind=route.address_kind.value, address=route.address, parts=len(bodies))
        self.parts[delivery["id"]] = [
            {
                **dict.fromkeys(message_rows.PART_COLUMNS),
                "workspace_id": self.workspace_id,
                "delivery_id": delivery["id"],
                "number": number,
                "account_id": route.account_id,
                "body": orjson.dumps(body).decode(),
                "state": Delivery.QUEUED.value,
                "reason": "",
                "attempts": 0,
                "due_at": self.now if number == 1 else None,
            }
            for number, body in enumerate(bodies, 1)
        ]
        self.lanes.add(send_lane(self.workspace_id, route.account_id))

    def _new_delivery(self, message: Changing, rule: int, channel: str, account_id: str, route: Changing) -> Changing:
        delivery: Changing = {
            "workspace_id": self.workspace_id,
            "id": self.services.ids.new("dlv"),
            "message_id": message["id"],
            "rule": rule,
            "channel": channel,
            "account_id": account_id,
            "address_kind": "",
            "address": "",
            "route": orjson.dumps(route).decode(),
            "state": Delivery.QUEUED.value,
            "reason": "",
            "awaiting": 0,
            "parts": 0,
            "created_at": self.now,
            **dict.fromkeys(("sent_at", "delivered_at", "read_at")),
        }
        self.deliveries[message["id"]].append(delivery)
        self.parts[delivery["id"]] = []
        return delivery

    # -- close ------------------------------------------------------------------------------------------------------

    async def close(self, tx: Transaction) -> set[str]:
        """Tries next rules where wished, sums up, writes what changed; the lanes that now have something due."""
        if self._going_on:
            going = [self.messages[message_id] for message_id in self._going_on]
            asks = [Ask(self.draft(message), message["contact_id"] or "") for message in going]
            for message, routed in zip(going, await route_drafts(tx, self.services, self.workspace_id, asks), strict=True):
                self.begin(message, routed, self._going_on[message["id"]])
        for message in self.messages.values():
            self._sum_up(message)
        await self._write(tx)
        return self.lanes

    def _sum_up(self, message: Changing) -> None:
        for delivery in self.deliveries[message["id"]]:
            if self.parts.get(delivery["id"]):
                self._sum_up_delivery(message, delivery)
        if message["state"] == MessageState.CANCELLED.value:
            return
        draft, tried = self.draft(message), self.tried(message)
        falls_back_at = fallback_due(tried, len(draft.rules), draft.fallback)
        waits = not tried and message["rule"] == 0
        state = Delivery.QUEUED if waits else message_state(tried, more=falls_back_at is not None)
        chosen = counting(tried)
        if chosen is not None:
            counts = next(each for each in self.deliveries[message["id"]] if each["rule"] == chosen.rule)
            message["channel"] = counts["channel"]
            message["reason"] = counts["reason"] if state in (*CLOSED, Delivery.UNKNOWN) else self._waiting_reason(counts)
        message["due_at"] = self._due(message, draft, falls_back_at, waits=waits)
        self._note_state(message, state)

    def _waiting_reason(self, delivery: Changing) -> str:
        """Why a delivery still waits: the reason of the part that is tried again."""
        return next((part["reason"] for part in self.parts[delivery["id"]] if part["state"] == Delivery.QUEUED.value), "")

    def _sum_up_delivery(self, message: Changing, delivery: Changing) -> None:
        parts = self.parts[delivery["id"]]
        states = [Delivery(part["state"]) for part in parts]
        if any(state in CLOSED for state in states):
            for part in parts:
                if part["state"] == Delivery.QUEUED.value:
                    self.move(part, Delivery.FAILED, reason=NOT_TRIED)
            states = [Delivery(part["state"]) for part in parts]
        else:
            self._free_next(parts)
        state = delivery_state(states)
        for name, milestone in (("sent_at", Delivery.SENT), ("delivered_at", Delivery.DELIVERED), ("read_at", Delivery.READ)):
            if state in MILESTONES and not rises(state, milestone):
                delivery[name] = max(part[name] or self.now for part in parts)
        if state in (Delivery.DELIVERED, Delivery.READ):
            delivery["awaiting"] = 0
        if state.value == delivery["state"]:
            return
        delivery["state"] = state.value
        delivery["reason"] = next((part["reason"] for part in parts if part["state"] == state.value), "")
        if state is Delivery.FAILED:
            if any(each in TAKEN or each is Delivery.UNKNOWN for each in states):
                delivery["reason"] = PARTLY_SENT
            self._events.append(self._event("delivery.refused", message, delivery))

    def _free_next(self, parts: Sequence[Changing]) -> None:
        """The part behind those that were accepted becomes due."""
        part = next((each for each in parts if Delivery(each["state"]) not in TAKEN), None)
        if part is not None and part["state"] == Delivery.QUEUED.value and part["due_at"] is None:
            part["due_at"] = self.now
            self.lanes.add(send_lane(self.workspace_id, part["account_id"]))

    def tried(self, message: Changing) -> list[Tried]:
        """The deliveries of a message, as its sums need them."""
        return [
            Tried(
                rule=delivery["rule"],
                state=Delivery(delivery["state"]),
                was_sent=delivery["sent_at"] is not None,
                awaiting=bool(delivery["awaiting"]),
                final=delivery["reason"] == PARTLY_SENT,
                opened_at=delivery["created_at"],
            )
            for delivery in self.deliveries[message["id"]]
        ]

    def _due(self, message: Changing, draft: Draft, falls_back_at: int | None, *, waits: bool) -> int | None:
        """The next step of a message that is no provider call."""
        if waits:
            return draft.send_at
        steps: list[int | None] = [falls_back_at]
        if draft.expires_at is not None and any(self._may_expire(each) for each in self.deliveries[message["id"]]):
            steps.append(draft.expires_at)
        return min((step for step in steps if step is not None), default=None)

    def _may_expire(self, delivery: Changing) -> bool:
        waiting = any(part["state"] == Delivery.QUEUED.value for part in self.parts[delivery["id"]])
        return waiting or bool(delivery["awaiting"])

    def _note_state(self, message: Changing, state: Delivery) -> None:
        old = message["state"]
        message["state"] = state.value
        for milestone in MILESTONES:
            name = f"{milestone.value}_at"
            if state in MILESTONES and not rises(state, milestone) and message[name] is None:
                message[name] = self.now
                self._events.append(self._event(f"message.{milestone.value}", message))
        if state in CLOSED and state.value != old:
            message["ended_at"] = self.now
            self._events.append(self._event(f"message.{state.value}", message))
        elif state not in CLOSED:
            message["ended_at"] = None

    def _event(self, kind: str, message: Changing, delivery: Changing | None = None) -> Event:
        """What is told: ids and facts, never texts or addresses."""
        data = {
            "state": message["state"],
            "channel": message["channel"],
            "account_id": self._account_of(message),
            "reason": message["reason"],
            "contact_id": message["contact_id"],
            "batch_id": message["batch_id"],
            "metadata": orjson.loads(message["metadata"]),
        }
        if delivery is not None:
            names = ("rule", "channel", "account_id", "state", "reason")
            data |= {"delivery_id": delivery["id"], **{name: delivery[name] for name in names}}
        return Event(kind, message["id"], data)

    def _account_of(self, message: Changing) -> str:
        """The account of the delivery that counts; "" before the first."""
        chosen = counting(self.tried(message))
        tried = self.deliveries[message["id"]]
        return next((each["account_id"] for each in tried if chosen and each["rule"] == chosen.rule), "")

    # -- write ------------------------------------------------------------------------------------------------------

    async def _write(self, tx: Transaction) -> None:
        deliveries = [each for group in self.deliveries.values() for each in group]
        parts = [each for group in self.parts.values() for each in group]
        for table, rows in ((tables.messages, self.messages.values()), (tables.deliveries, deliveries), (tables.parts, parts)):
            await message_rows.insert_rows(tx, table, [row for row in rows if id(row) not in self._before])
        await message_rows.change_messages(tx, self._changed(self.messages.values()))
        await message_rows.change_deliveries(tx, self._changed(deliveries))
        await message_rows.change_parts(tx, self._changed(parts))
        await message_rows.log_attempts(tx, self._attempts)
        await request_rows.end_requests(tx, self.workspace_id, self._requests)
        self.lanes |= await self.services.emit_all(tx, self.workspace_id, self._events)

    def _changed(self, rows: Iterable[Changing]) -> list[Changing]:
        return [row for row in rows if self._before.get(id(row), row) != row]


def encode_route(route: Open, because: str) -> Changing:
    """A route as the delivery keeps it; `because` says why this rule came to be tried."""
    document: Changing = {"note": route.note, "because": because, "tag": route.tag, "utility": route.utility}
    document["messaging_type"] = route.messaging_type.value if route.messaging_type else None
    document["until"] = route.until.isoformat() if route.until else None
    return document


def send_lane(workspace_id: str, account_id: str) -> str:
    """The lane that sends from an account."""
    return f"send:{workspace_id}:{account_id}"
