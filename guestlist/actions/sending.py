"""A Page's lane: hands recipients to Meta. Claim, check again, call, record; never a call inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from guestlist.domain.policy import COOL_DOWN, Close, Closed, Go, Standing, Wait, backoff, decide_handover
from guestlist.domain.states import Campaign, Delivery, rises
from guestlist.engine.base import Bucket, Ownership
from guestlist.graph.base import Applied, ErrorClass, Graph, GraphError
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import recipients, rows, tables
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import maybe_from_ms, to_ms
from guestlist.storage.recipients import move

from .base import Services
from .campaigns import finish_if_done
from .choices import opt_out
from .leftovers import settle_leftovers
from .pages import mark_dead

OPTED_OUT = 2300034
WARMING = frozenset({2300041, 2300012, 2300033})
PERSONAL = frozenset({"cool_down", "frequency_cap", "in_conversation"})
"""Waits that lie in the person and last for hours."""
UNFILLED_MACRO = 2300038  # Meta classes it with content faults, but it depends on the person's name
PAUSING = {
    ErrorClass.BILLING: "Settle the ad account's billing at Meta, then resume the campaign.",
    ErrorClass.TERMS: "Accept the terms or apply for the feature at Meta, then resume the campaign.",
    ErrorClass.FIX: "The message or campaign is refused as it is: stop this campaign and create a corrected one.",
}
"""Errors that stop a campaign until a person acts, and what the person must do."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One claimed recipient on its way to Meta. Its token never shows in logs or reprs."""

    campaign_id: str
    position: int
    subscriber_id: str
    attempts: int
    token: str
    meta_id: str
    message: Mapping[str, Any]
    page: Row  # as it was connected at the claim

    def __repr__(self) -> str:
        return f"Handed({self.campaign_id}, {self.position})"


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one call: a tracking id, or the error."""

    handed: Handed
    tracking_id: str | None
    error: GraphError | None


async def run_page_lane(services: Services, ownership: Ownership) -> float | None:
    """Hands over everything due on a Page, at its rate. First, what a dead owner left on the wire becomes `unknown`."""
    _, workspace_id, page_id = ownership.lease.lane.split(":")
    page = await services.get_page(workspace_id, page_id)
    await settle_leftovers(services, page, ownership.lease.fence)
    if page["state"] != "connected":
        return None
    work = CampaignHandOver(services, page, services.bucket(page_id, page["rate"]), fence=ownership.lease.fence)
    await services.pump(work, work.bucket, ownership)
    return None


class CampaignHandOver:
    """Implements engine.base.HandOver for a Page's campaigns."""

    def __init__(self, services: Services, page: Row, bucket: Bucket, *, fence: int) -> None:
        self.services = services
        self.page = page
        self.bucket = bucket
        self.fence = fence
        self.graph: Graph = services.ads_graph(page)
        self.workspace_id: str = page["workspace_id"]
        self.messages: dict[str, Mapping[str, Any]] = {}

    # -- claim ------------------------------------------------------------------------------------------------------

    async def claim(self, limit: int) -> Sequence[Handed]:
        """Up to `limit` due recipients, marked as being sent. What policy closes or delays is settled in the same transaction."""
        return await self.services.db.write(lambda tx: self._claim(tx, limit))

    async def _claim(self, tx: Transaction, limit: int) -> list[Handed]:
        now = self.services.clock.now()
        page = await campaign_rows.lock_page(tx, self.workspace_id, self.page["id"])
        if page is None or page["state"] != "connected":
            return []
        if page["ads_token"] != self.page["ads_token"]:  # connected anew since this run began
            self.graph = self.services.ads_graph(page)
        self.page = page
        claimed: list[Handed] = []
        for campaign in await campaign_rows.running_campaigns(tx, self.workspace_id, self.page["id"], to_ms(now)):
            while len(claimed) < limit:
                due = await recipients.due_recipients(tx, campaign, to_ms(now), limit - len(claimed))
                claimed += await self._claim_rows(tx, campaign, due, now)
                if not due:
                    await finish_if_done(tx, self.services, self.workspace_id, campaign["id"])
                    break
        return claimed

    async def _claim_rows(self, tx: Transaction, campaign: Row, due: Sequence[Row], now: datetime) -> list[Handed]:
        moves: list[recipients.Move] = []
        claimed: list[Handed] = []
        expires_at = maybe_from_ms(campaign["expires_at"])
        for row in due:
            match decide_handover(_standing(row, expires_at), now):
                case Go():
                    values = {"fence": self.fence, "claimed_at": to_ms(now), "attempts": row["attempts"] + 1}
                    moves.append(move(row, Delivery.SENDING, **values))
                    claimed.append(self._handed(campaign, row))
                case Wait(until, reason):
                    moves.append(move(row, Delivery.QUEUED, reason=reason, not_before=to_ms(until)))
                case Close(reason, expired):
                    moves.append(move(row, Delivery.EXPIRED if expired else Delivery.FAILED, reason=reason))
        await recipients.apply_moves(tx, moves)
        return claimed

    def _handed(self, campaign: Row, row: Row) -> Handed:
        message = self.messages.get(campaign["id"])
        if message is None:
            message = self.messages[campaign["id"]] = orjson.loads(campaign["message"])
        return Handed(
            campaign_id=campaign["id"],
            position=row["position"],
            subscriber_id=row["subscriber_id"],
            attempts=row["attempts"] + 1,
            token=row["token"],
            meta_id=campaign["meta_id"],
            message=message,
            page=self.page,
        )

    # -- just before and after the call -----------------------------------------------------------------------------

    async def recheck(self, handed: Sequence[Handed]) -> Sequence[Handed]:
        """Those that may still go, marked durably as being called. An opt-out, pause or stop since the claim keeps the others."""
        pairs = [(each.campaign_id, each.position) for each in handed]
        return await self.services.db.write(lambda tx: self._recheck(tx, handed, pairs))

    async def _recheck(self, tx: Transaction, handed: Sequence[Handed], pairs: list[tuple[str, int]]) -> list[Handed]:
        called = await recipients.mark_called(tx, self.workspace_id, pairs, self.fence, self.services.now_ms())
        if kept := [pair for pair in pairs if pair not in called]:
            held = await recipients.claimed_recipients(tx, self.workspace_id, kept, self.fence)
            await recipients.apply_moves(tx, [_kept_move(row) for row in held])
        return [each for each, pair in zip(handed, pairs, strict=True) if pair in called]

    async def release(self, handed: Sequence[Handed]) -> None:
        """Puts back recipients that provably never left."""
        pairs = [(each.campaign_id, each.position) for each in handed]

        async def unit(tx: Transaction) -> None:
            held = await recipients.claimed_recipients(tx, self.workspace_id, pairs, self.fence)
            await recipients.apply_moves(tx, [move(row, Delivery.QUEUED, attempts=row["attempts"] - 1) for row in held])

        await self.services.db.write(unit)

    async def call(self, handed: Handed) -> Sent:
        """The call to Meta."""
        try:
            tracking_id = await self.graph.send_marketing_message(
                self.page["ad_account_id"], campaign_id=handed.meta_id, token=handed.token, message=handed.message
            )
        except GraphError as error:
            if error.kind is ErrorClass.WAIT and error.reason == "throttled":
                self.bucket.slow_down()
            return Sent(handed, None, error)
        return Sent(handed, tracking_id, None)

    # -- record -----------------------------------------------------------------------------------------------------

    async def record(self, outcomes: Sequence[Sent]) -> None:
        """Writes the outcomes, as far as the rows are still ours, and does what the errors ask for."""
        await self.services.db.write(lambda tx: self._record(tx, outcomes))
        for sent in outcomes:
            if sent.error is not None and sent.error.kind is ErrorClass.RECONNECT:
                await mark_dead(self.services, sent.handed.page, sent.error.sentence)
                break

    async def _record(self, tx: Transaction, outcomes: Sequence[Sent]) -> None:
        now = self.services.clock.now()
        pairs = [(sent.handed.campaign_id, sent.handed.position) for sent in outcomes]
        held = await recipients.lock_recipients(tx, self.workspace_id, pairs)
        moves: list[recipients.Move] = []
        reached: list[str] = []
        left: list[str] = []
        for sent in outcomes:
            row = held[(sent.handed.campaign_id, sent.handed.position)]
            moved = self._outcome_move(row, sent, now)
            if moved is not None:
                moves.append(moved)
            if sent.error is None or sent.error.applied is Applied.UNKNOWN:
                reached.append(sent.handed.subscriber_id)
            elif sent.error.number == OPTED_OUT:
                left.append(sent.handed.subscriber_id)
        await recipients.apply_moves(tx, moves)
        await subscriber_rows.start_cool_down(tx, self.workspace_id, reached, to_ms(now + COOL_DOWN))
        await self._note_opt_outs(tx, left)
        await self._heed(tx, outcomes, now)
        for campaign_id in sorted({campaign_id for campaign_id, _ in pairs}):
            await finish_if_done(tx, self.services, self.workspace_id, campaign_id)

    def _outcome_move(self, row: Row, sent: Sent, now: datetime) -> recipients.Move | None:
        """Where the outcome moves the row. A receipt may have overtaken the answer: then only what it lacks is added."""
        claim = (Delivery.SENDING.value, self.fence, sent.handed.attempts)  # no later one: a write may come twice
        ours = (row["state"], row["fence"], row["attempts"]) == claim
        if sent.error is None:
            state = Delivery(row["state"])
            new = Delivery.SENT if rises(state, Delivery.SENT) else state
            kept = row["reason"] if new in recipients.REASONED else ""
            return move(row, new, reason=kept, tracking_id=sent.tracking_id, sent_at=to_ms(now))
        if not ours:
            return None
        error = sent.error
        if error.applied is Applied.UNKNOWN:
            return move(row, Delivery.UNKNOWN, reason="answer_lost")
        if error.number == OPTED_OUT:
            first = row["opted_out_at"] is None
            return move(row, Delivery.FAILED, reason=error.reason, opted_out_at=to_ms(now), first_opt_out=first)
        unexplained = row["unexplained"] + (error.tries is not None)
        if error.kind is ErrorClass.RECIPIENT or error.number == UNFILLED_MACRO or _exhausted(error, unexplained):
            return move(row, Delivery.FAILED, reason=error.reason, unexplained=unexplained)
        later = to_ms(_again(error, row["attempts"], now))
        return move(row, Delivery.QUEUED, reason=error.reason, unexplained=unexplained, not_before=later)

    async def _note_opt_outs(self, tx: Transaction, subscriber_ids: Sequence[str]) -> None:
        if not subscriber_ids:
            return
        still_open = await subscriber_rows.open_among(tx, self.workspace_id, subscriber_ids)
        await opt_out(tx, self.services, self.workspace_id, still_open, reason="send_refused", proof={"code": OPTED_OUT})

    async def _heed(self, tx: Transaction, outcomes: Sequence[Sent], now: datetime) -> None:
        """What errors ask of the whole campaign: wait while it warms, pause until a person acts."""
        for sent in outcomes:
            error, campaign_id = sent.error, sent.handed.campaign_id
            if error is None or error.applied is Applied.UNKNOWN:
                continue
            if error.number in WARMING or (error.reason == "throttled" and error.retry_after):
                later = to_ms(now + timedelta(seconds=error.retry_after or 60))
                await rows.change(tx, tables.campaigns, self.workspace_id, campaign_id, not_before=later)
            elif error.kind in PAUSING and error.number != UNFILLED_MACRO:
                await self._pause(tx, campaign_id, error)

    async def _pause(self, tx: Transaction, campaign_id: str, error: GraphError) -> None:
        campaign = await rows.get(tx, tables.campaigns, self.workspace_id, campaign_id, lock=True)
        if campaign["state"] != Campaign.RUNNING.value:
            return
        paused = {"state": Campaign.PAUSED.value, "paused_from": Campaign.RUNNING.value}
        await rows.change(
            tx, tables.campaigns, self.workspace_id, campaign_id, reason=error.sentence, action=PAUSING[error.kind], **paused
        )
        await self.services.emit(tx, self.workspace_id, "campaign.paused", campaign_id, reason=error.reason)


def _kept_move(row: Row) -> recipients.Move:
    """Where a claimed recipient goes who may not be called after all."""
    if row["subscriber_opted_out_at"] is not None:
        return move(row, Delivery.FAILED, reason=Closed.OPTED_OUT)
    if row["campaign_state"] == Campaign.STOPPED.value:
        return move(row, Delivery.FAILED, reason=Closed.STOPPED)
    return move(row, Delivery.QUEUED, attempts=row["attempts"] - 1)


def _standing(row: Row, campaign_expires_at: datetime | None) -> Standing:
    return Standing(
        opted_out=row["subscriber_opted_out_at"] is not None,
        next_eligible_at=maybe_from_ms(row["next_eligible_at"]),
        token_expires_at=maybe_from_ms(row["expires_at"]),
        campaign_expires_at=campaign_expires_at,
    )


def _exhausted(error: GraphError, unexplained: int) -> bool:
    """Whether waits of unknown meaning were met often enough. Known waits and throttles never fail a recipient, nor count."""
    return error.tries is not None and unexplained >= error.tries


def _again(error: GraphError, attempts: int, now: datetime) -> datetime:
    if error.retry_after:
        return now + timedelta(seconds=error.retry_after)
    if error.kind in PAUSING or error.kind is ErrorClass.RECONNECT:
        return now
    if error.reason == "throttled":
        return now + timedelta(seconds=1)
    if error.reason in PERSONAL:
        return now + backoff(attempts, first=900, longest=10_800)
    return now + backoff(attempts)
