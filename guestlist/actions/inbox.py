"""The inbox's lane: raw webhooks, stored and answered long ago, are parsed and applied, effects and bookkeeping together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from guestlist.domain.facts import Fact, MarketingReceipt, MessageReceipt, Objection, OptIn, ReceiptKind, Reply, UploadStatus
from guestlist.domain.messages import Channel
from guestlist.domain.policy import COOL_DOWN
from guestlist.domain.states import Delivery, rises
from guestlist.engine.base import Ownership
from guestlist.errors import DependencyError
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import pages as page_rows
from guestlist.storage import recipients, rows, tables
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms, to_ms
from guestlist.storage.senders import find_anywhere
from guestlist.storage.webhooks import StoredWebhook, WebhookMark, WebhookState, due_webhooks, mark_webhooks

from .audiences import note_bounds
from .base import Services
from .campaigns import finish_if_done
from .choices import apply_opt_in
from .message_inbox import apply_messaging, keep_subscriber
from .texts import apply_texts

BLOCK = 200
"""Raw webhooks applied in one transaction."""

TRIES = 3
"""How often a body that cannot be applied is tried in all."""

log = structlog.get_logger(__name__)

Finder = Callable[[MarketingReceipt], tuple[str, int] | None]
"""A receipt's recipient as (campaign, position), where we know it."""

RAISED_TO = {
    ReceiptKind.ECHO: Delivery.SENT,
    ReceiptKind.DELIVERED: Delivery.DELIVERED,
    ReceiptKind.READ: Delivery.READ,
    ReceiptKind.CLICKED: Delivery.READ,  # who clicked has read
    ReceiptKind.FAILED: Delivery.FAILED,
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A fact with the webhook it came in."""

    fact: Fact
    webhook_id: int
    received_at: datetime


async def run_inbox_lane(services: Services, ownership: Ownership) -> float | None:
    """Applies stored webhooks, oldest first, until none is left."""
    after = 0
    while not ownership.lost():
        raw = await services.db.read(partial(due_webhooks, limit=BLOCK, after=after))
        if not raw:
            return None
        after = raw[-1].id  # one that stays for another try must not hold up those behind it
        for lane in await _apply(services, raw):
            await services.wake(lane)
    return None


async def _apply(services: Services, raw: Sequence[StoredWebhook]) -> set[str]:
    """Applies a block; where one body cannot be applied, the others are, and it is tried again a few times."""
    try:
        return await _apply_block(services, raw)
    except DependencyError:
        raise
    except Exception as error:
        if len(raw) == 1:
            await _set_aside(services, raw[0], error)
            return set()
    return {lane for each in raw for lane in await _apply(services, [each])}


async def _set_aside(services: Services, webhook: StoredWebhook, error: Exception) -> None:
    given_up = webhook.attempts + 1 >= TRIES
    log.error("webhook.not_applied", webhook=webhook.id, error=type(error).__name__, given_up=given_up)
    state = WebhookState.REFUSED if given_up else WebhookState.STORED
    mark = WebhookMark(webhook.id, state, reason=f"not_applied: {type(error).__name__}", applied_at=services.now_ms())
    await services.db.write(lambda tx: mark_webhooks(tx, [mark]))


async def _apply_block(services: Services, raw: Sequence[StoredWebhook]) -> set[str]:
    """Applies a block in one transaction; the lanes that now have something due."""
    facts: list[Arrived] = []
    marks: list[WebhookMark] = []
    for webhook in raw:
        received_at = from_ms(webhook.received_at)
        parsed = services.parse(webhook.provider, webhook.app_id, webhook.body, received_at)
        facts += [Arrived(fact, webhook.id, received_at) for fact in parsed.facts]
        state = WebhookState.REFUSED if parsed.refused and not parsed.facts else WebhookState.APPLIED
        marks.append(WebhookMark(webhook.id, state, reason="; ".join(parsed.refused)[:200], applied_at=services.now_ms()))

    async def unit(tx: Transaction) -> set[str]:
        touched = await apply_facts(tx, services, facts)
        await mark_webhooks(tx, marks)
        return touched

    return await services.db.write(unit)


async def apply_facts(tx: Transaction, services: Services, arrived: Sequence[Arrived]) -> set[str]:
    """Applies facts for every workspace that has connected their account. A fact of an unknown one changes nothing."""
    touched: set[str] = set()
    of_account: dict[tuple[str, str], list[Arrived]] = defaultdict(list)
    for each in arrived:
        account = _account_of(each.fact)
        if account is not None:
            of_account[account].append(each)
    for (channel, sender), of_one in sorted(of_account.items()):
        if channel == Channel.MESSENGER.value:
            for page in await page_rows.find_by_meta_id(tx, sender):
                touched |= await _apply_to_page(tx, services, page, of_one)
        else:
            row = await find_anywhere(tx, sender)
            if row is not None:
                touched |= await apply_texts(tx, services, row, of_one)
    return touched


def _account_of(fact: Fact) -> tuple[str, str] | None:
    """The channel and the account a fact is about: Meta's Page id, or our own id of an account of SMS or e-mail."""
    if isinstance(fact, Reply | MessageReceipt | Objection):
        return fact.channel, fact.account
    if fact.page_id is None and not isinstance(fact, UploadStatus):
        return None
    return Channel.MESSENGER.value, fact.page_id or ""


async def _apply_to_page(tx: Transaction, services: Services, page: Row, of_page: Sequence[Arrived]) -> set[str]:
    receipts = [each for each in of_page if isinstance(each.fact, MarketingReceipt)]
    await _apply_receipts(tx, services, page, receipts)
    _, touched = await apply_messaging(tx, services, page["workspace_id"], page["id"], of_page)
    for each in of_page:
        if isinstance(each.fact, UploadStatus):
            touched |= await _apply_upload_status(tx, services, page, each.fact)
        elif isinstance(each.fact, OptIn):
            await apply_opt_in(tx, services, page, each.fact, each.webhook_id, each.received_at)
            await keep_subscriber(tx, services, page, each.fact)
    return touched


async def _apply_upload_status(tx: Transaction, services: Services, page: Row, fact: UploadStatus) -> set[str]:
    audience = await campaign_rows.audience_by_meta_id(tx, page["workspace_id"], fact.audience_id)
    if audience is None:
        return set()
    now = services.now_ms()
    await note_bounds(tx, audience, lower=fact.lower, upper=fact.upper, at=now)
    unmatched = await upload_rows.open_uploads(tx, page["workspace_id"], audience["id"])
    for upload in [each for each in unmatched if each["batches_matched"] < each["batches_sent"]][:1]:
        values: dict[str, Any] = {"batches_matched": upload["batches_matched"] + 1, "due_at": now}
        if not fact.succeeded:
            values["reason"] = f"batch_{fact.raw_status.lower()[:40]}"
        await rows.change(tx, tables.uploads, page["workspace_id"], upload["id"], **values)
    return {f"ads:{page['workspace_id']}:{page['ad_account_id']}"}


# -- receipts -------------------------------------------------------------------------------------------------------


async def _apply_receipts(tx: Transaction, services: Services, page: Row, arrived: Sequence[Arrived]) -> None:
    """Raises recipients as far as all receipts of the block say, in whatever order they came."""
    if not arrived:
        return
    found = await _find_recipients(tx, page, [each.fact for each in arrived if isinstance(each.fact, MarketingReceipt)])
    of_recipient: dict[tuple[str, int], list[tuple[MarketingReceipt, datetime]]] = defaultdict(list)
    for each in arrived:
        assert isinstance(each.fact, MarketingReceipt)
        pair = found(each.fact)
        if pair is not None:
            of_recipient[pair].append((each.fact, each.fact.at or each.received_at))
    if not of_recipient:
        return
    held = await recipients.lock_recipients(tx, page["workspace_id"], sorted(of_recipient))
    moves = [
        move for pair, said in of_recipient.items() if pair in held and (move := _receipt_move(held[pair], said)) is not None
    ]
    await recipients.apply_moves(tx, moves)
    settled = [held[move.campaign_id, move.position]["subscriber_id"] for move in moves if not rises(Delivery.UNKNOWN, move.old)]
    await subscriber_rows.start_cool_down(tx, page["workspace_id"], settled, to_ms(services.clock.now() + COOL_DOWN))
    for campaign_id in sorted({move.campaign_id for move in moves if move.old in (Delivery.SENDING, Delivery.QUEUED)}):
        await finish_if_done(tx, services, page["workspace_id"], campaign_id)


async def _find_recipients(tx: Transaction, page: Row, receipts: Sequence[MarketingReceipt]) -> Finder:
    """How to find a receipt's recipient: by tracking id, else by token and campaign."""
    tracking_ids = sorted({each.tracking_id for each in receipts if each.tracking_id})
    by_tracking = await recipients.by_tracking(tx, page["workspace_id"], tracking_ids) if tracking_ids else {}
    untracked = [each for each in receipts if (each.tracking_id or "") not in by_tracking]
    tokens = sorted({each.token for each in untracked if each.token})
    by_token = await recipients.by_token(tx, page["workspace_id"], page["id"], tokens) if tokens else {}

    def find(receipt: MarketingReceipt) -> tuple[str, int] | None:
        if receipt.tracking_id in by_tracking:
            return by_tracking[receipt.tracking_id]
        return by_token.get((receipt.token or "", receipt.campaign_id or ""))

    return find


def _receipt_move(row: Row, said: Sequence[tuple[MarketingReceipt, datetime]]) -> recipients.Move | None:
    """One move for all that was said of a recipient; None when nothing is new."""
    state, reason = Delivery(row["state"]), row["reason"]
    times: dict[str, int] = {}
    tracking_id: str | None = None
    for receipt, at in said:
        target = RAISED_TO[receipt.kind]
        if rises(state, target):
            state, reason = target, "late_failure" if receipt.kind is ReceiptKind.FAILED else ""
        for name in _times_of(receipt.kind):
            times[name] = min(to_ms(at), times.get(name, to_ms(at)))
        tracking_id = receipt.tracking_id or tracking_id
    fresh = {name: at for name, at in times.items() if row[name] is None}
    if state.value == row["state"] and not fresh:
        return None
    return recipients.move(
        row,
        state,
        reason=reason,
        fence=row["fence"],
        tracking_id=tracking_id if row["tracking_id"] is None else None,
        first_click="clicked_at" in fresh,
        **fresh,
    )


def _times_of(kind: ReceiptKind) -> tuple[str, ...]:
    return {
        ReceiptKind.ECHO: ("sent_at",),
        ReceiptKind.DELIVERED: ("sent_at", "delivered_at"),
        ReceiptKind.READ: ("sent_at", "delivered_at", "read_at"),
        ReceiptKind.CLICKED: ("sent_at", "delivered_at", "read_at", "clicked_at"),
        ReceiptKind.FAILED: (),
    }[kind]
