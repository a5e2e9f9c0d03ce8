"""An endpoint's lane: tells it of events. Read what is due, render, post, record; a failed try comes again by the schedule.

Nothing is claimed in the database: a lane has one owner, and a try is recorded after its answer. An owner that dies leaves its
notices due, and the next one posts them under the same id: at least once, which is what endpoints are promised.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from guestlist.engine.base import Ownership
from guestlist.errors import DependencyError, GuestlistError
from guestlist.outbound.base import ANSWER_KEPT, Answer, Batching, Dialect, Endpoint, Request, Told
from guestlist.storage import endpoints as endpoint_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import notices as notice_rows
from guestlist.storage import rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.event_rows import EventRows, read_event_rows

from .base import Services
from .endpoints import DISABLED, ENABLED, open_endpoint
from .telling import build_told, render_request

IN_FLIGHT = 16
"""Requests to one endpoint at the same time."""

PROBING = 2
"""The same while it fails: many broken endpoints must not take the sockets of those that work."""

FAILS_FOR = timedelta(days=5)
GONE = 410

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Notices that go in one request, with what was made of them. `dropped` are those the dialect does not have."""

    notices: tuple[Row, ...]
    tellings: tuple[Told, ...] = field(default=(), repr=False)
    request: Request | None = field(default=None, repr=False)
    endpoint: Endpoint | None = field(default=None, repr=False)
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one parcel."""

    parcel: Parcel
    answer: Answer
    at: int


async def run_notify_lane(services: Services, ownership: Ownership, *, draw: Callable[[], float] = random.random) -> float | None:
    """Tells an endpoint everything that is due. Gives the seconds until the next notice is due.

    `draw` gives random numbers from 0 to 1, for the jitter of the schedule.
    """
    _, workspace_id, endpoint_id = ownership.lease.lane.split(":")
    while not ownership.lost():
        row = await services.db.read(lambda tx: rows.find(tx, tables.endpoints, workspace_id, endpoint_id))
        dialect = services.outbound.dialects.get(row["dialect"]) if row else None
        if row is None or row["state"] != ENABLED or dialect is None:
            return None
        work = NoticeHandOver(services, row, dialect, fence=ownership.lease.fence, draw=draw)
        in_flight = PROBING if row["failing_since"] else IN_FLIGHT
        await services.pump(work, services.bucket(f"notify:{endpoint_id}", 0), ownership, in_flight=in_flight)
        if not work.turned:
            break
    else:
        return None
    due = await services.db.read(lambda tx: notice_rows.next_due(tx, workspace_id, endpoint_id))
    until = max(due, work.held_until or 0) if due is not None else None
    return None if until is None else max(0.0, (until - services.now_ms()) / 1000)


class NoticeHandOver:
    """Implements engine.base.HandOver for the notices of one endpoint."""

    def __init__(self, services: Services, row: Row, dialect: Dialect, *, fence: int, draw: Callable[[], float]) -> None:
        self.services = services
        self.row = row
        self.workspace_id: str = row["workspace_id"]
        self.endpoint_id: str = row["id"]
        self.dialect = dialect
        self.batching = dialect.batching(open_endpoint(services, row))
        self.fence = fence
        self.draw = draw
        self.in_hand: set[str] = set()
        self.held_until: int | None = None  # a batch that is not full yet
        self.turned = False  # it began, or ceased, to fail: the run ends, and the next goes at another pace

    # -- before the call --------------------------------------------------------------------------------------------

    async def claim(self, limit: int) -> Sequence[Parcel]:
        """Up to `limit` requests' worth of notices that are due and not in hand."""
        if self.turned:
            return []
        held = frozenset(self.in_hand)  # before the look: what leaves the hand meanwhile was recorded after it
        now, most = self.services.now_ms(), limit * (self.batching.most if self.batching else 1)
        found = await self.services.db.read(
            lambda tx: notice_rows.due_notices(tx, self.workspace_id, self.endpoint_id, now, len(held) + min(most, 1000))
        )
        parcels, self.held_until = pack([row for row in found if row["id"] not in held], self.batching, now)
        taken = parcels[:limit]
        self.in_hand |= {row["id"] for parcel in taken for row in parcel.notices}
        return taken

    async def recheck(self, parcels: Sequence[Parcel]) -> Sequence[Parcel]:
        """The parcels with their requests, from the rows as they are now. None where the endpoint wants nothing any more."""
        events = [row for parcel in parcels for row in parcel.notices]

        async def unit(tx: Transaction) -> tuple[Row | None, EventRows]:
            row = await rows.find(tx, tables.endpoints, self.workspace_id, self.endpoint_id)
            return row, await read_event_rows(tx, self.workspace_id, events)

        row, found = await self.services.db.read(unit)
        if row is None or row["state"] != ENABLED:
            await self.release(parcels)
            return []
        endpoint = open_endpoint(self.services, row)
        return [self._prepare(parcel, endpoint, found) for parcel in parcels]

    def _prepare(self, parcel: Parcel, endpoint: Endpoint, found: EventRows) -> Parcel:
        """A parcel with its request. One that cannot be rendered is a failed try: the others must not wait for our mistake."""
        try:
            tellings = tuple(build_told(row, found) for row in parcel.notices)
            request = render_request(self.dialect, endpoint, tellings)
        except Exception as error:
            log.error("notice.not_rendered", endpoint=self.endpoint_id, error=type(error).__name__)
            return Parcel(parcel.notices)
        return Parcel(parcel.notices, tellings, request, endpoint, dropped=request is None)

    async def release(self, parcels: Sequence[Parcel]) -> None:
        """Lets parcels go that never left: they are still due."""
        self.in_hand -= {row["id"] for parcel in parcels for row in parcel.notices}

    async def call(self, parcel: Parcel) -> Answered:
        """Signs and posts."""
        at = self.services.now_ms()
        request, endpoint = parcel.request, parcel.endpoint
        if request is None or endpoint is None:
            return Answered(parcel, Answer(0, problem="not_rendered"), at)
        webhook_id, now = parcel.notices[0]["event_id"], self.services.outbound.now()
        signature = self.dialect.signer.sign(webhook_id, now, request.body, endpoint.secrets)
        signed = Request(request.method, request.url, {**request.headers, **signature}, request.body)
        post, dialect = self.services.outbound.post, self.dialect
        return Answered(parcel, await post(signed, timeout=dialect.timeout, limit=dialect.answer_limit), at)

    # -- record -----------------------------------------------------------------------------------------------------

    async def record(self, outcomes: Sequence[Answered]) -> None:
        """Writes the tries, their notices and the endpoint's health; does what an answer asks for."""
        lanes = await self.services.db.write(lambda tx: self._record(tx, outcomes))
        await self.release([each.parcel for each in outcomes])
        for lane in sorted(lanes):
            await self.services.wake(lane)

    async def _record(self, tx: Transaction, outcomes: Sequence[Answered]) -> set[str]:
        row = await rows.find(tx, tables.endpoints, self.workspace_id, self.endpoint_id, lock=True)
        if row is None:
            return set()  # deleted meanwhile, with its notices
        dropped = [notice["id"] for each in outcomes if each.parcel.dropped for notice in each.parcel.notices]
        await notice_rows.drop_notices(tx, self.workspace_id, self.endpoint_id, dropped)
        tried = [each for each in outcomes if not each.parcel.dropped]
        problems, lanes = await self._apply_answers(tx, tried)
        now = self.services.now_ms()
        settled = [
            self._settle(notice, each, problems.get(notice["id"], ""), now) for each in tried for notice in each.parcel.notices
        ]
        await notice_rows.settle_notices(tx, settled)
        await notice_rows.log_tries(tx, [self._log(notice, each, problems) for each in tried for notice in each.parcel.notices])
        return lanes | await self._note_health(tx, row, [each.answer for each in tried], now)

    async def _apply_answers(self, tx: Transaction, tried: Sequence[Answered]) -> tuple[Mapping[str, str], set[str]]:
        """Hands answers to the dialect that wants them; what was wrong with any, by notice."""
        problems: dict[str, str] = {}
        lanes: set[str] = set()
        on_answer = self.dialect.on_answer
        if on_answer is None:
            return problems, lanes
        for each in tried:
            if not each.answer.taken:
                continue
            for notice, told in zip(each.parcel.notices, each.parcel.tellings, strict=True):
                current = await notice_rows.find_notice(tx, self.workspace_id, self.endpoint_id, notice["id"])
                if current is None or current["state"] != "pending" or current["attempts"] != notice["attempts"]:
                    continue  # another owner has recorded this try, and its effect
                try:
                    lanes |= await on_answer(tx, self.services, self.workspace_id, told, each.answer.body)
                except DependencyError:
                    raise
                except GuestlistError as error:
                    problems[notice["id"]] = f"answer_refused: {error.code}"
        return problems, lanes

    def _settle(self, notice: Row, each: Answered, problem: str, now: int) -> dict[str, Any]:
        """What becomes of a notice."""
        answer = each.answer
        failures = notice["failures"] + (0 if answer.taken else 1)
        pause = None if answer.taken else self.dialect.schedule.decide_pause(failures, answer.status, self.draw())
        state = "delivered" if answer.taken else "failed" if pause is None else "pending"
        return {
            **{name: notice[name] for name in notice_rows.KEY},
            "state": state,
            "attempts": notice["attempts"] + 1,
            "failures": failures,
            "fence": self.fence,
            "due_at": None if pause is None else now + int(pause * 1000),
            "status": answer.status,
            "problem": answer.problem or problem,
            "delivered_at": now if answer.taken else notice["delivered_at"],
            "seen": notice["attempts"],
        }

    def _log(self, notice: Row, each: Answered, problems: Mapping[str, str]) -> dict[str, Any]:
        answer = each.answer
        return {
            "workspace_id": self.workspace_id,
            "endpoint_id": self.endpoint_id,
            "notice_id": notice["id"],
            "number": notice["attempts"] + 1,
            "status": answer.status,
            "problem": answer.problem or problems.get(notice["id"], ""),
            "answer": answer.body[:ANSWER_KEPT].decode(errors="replace").replace("\x00", "\ufffd"),
            "milliseconds": answer.milliseconds,
            "at": each.at,
        }

    async def _note_health(self, tx: Transaction, row: Row, answers: Sequence[Answer], now: int) -> set[str]:
        """Since when every try has failed; an endpoint that is gone, or has failed for too long, is disabled."""
        if not answers or row["state"] != ENABLED:
            return set()
        if any(answer.status == GONE for answer in answers):
            return await self._disable(tx, "gone")
        worked = any(answer.taken for answer in answers)
        failing_since = None if worked else row["failing_since"] or now
        if failing_since is not None and now - failing_since >= FAILS_FOR / timedelta(milliseconds=1):
            return await self._disable(tx, "failing")
        await endpoint_rows.note_health(tx, row, failing_since=failing_since)
        self.turned = (failing_since is None) != (self.row["failing_since"] is None)
        return set()

    async def _disable(self, tx: Transaction, reason: str) -> set[str]:
        """Nothing more goes to this endpoint until a person enables it; the workspace's others are told."""
        await rows.change(tx, tables.endpoints, self.workspace_id, self.endpoint_id, state=DISABLED, reason=reason)
        await notice_rows.fail_pending(tx, self.workspace_id, self.endpoint_id, "endpoint_disabled")
        log.warning("endpoint.disabled", endpoint=self.endpoint_id, reason=reason)
        return await self.services.emit(tx, self.workspace_id, "endpoint.disabled", self.endpoint_id, reason=reason)


def pack(due: Sequence[Row], batching: Batching | None, now: int) -> tuple[list[Parcel], int | None]:
    """Due notices in parcels, and until when (ms) a batch that is not full yet is held back.

    A notice that was tried before waits for nobody.
    """
    if batching is None:
        return [Parcel((row,)) for row in due], None
    parcels = [Parcel(tuple(due[start : start + batching.most])) for start in range(0, len(due), batching.most)]
    if not parcels or len(parcels[-1].notices) == batching.most or any(row["attempts"] for row in parcels[-1].notices):
        return parcels, None
    until = min(row["due_at"] for row in parcels[-1].notices) + int(batching.seconds * 1000)
    return (parcels, None) if until <= now else (parcels[:-1], until)
