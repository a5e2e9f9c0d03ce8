"""A workspace's timers: messages whose time to be sent has come, whose receipt stays out, or whose time is over."""

from __future__ import annotations

from typing import Any

from guestlist.domain.deliveries import fallback_due
from guestlist.domain.states import Delivery
from guestlist.engine.base import Ownership
from guestlist.storage import messages as message_rows
from guestlist.storage.base import Transaction

from .base import Services
from .message_book import Book

BLOCK = 200
"""Messages stepped on in one transaction."""

OVERTAKEN = "overtaken"
"""A delivery that had not left when the next rule's turn came."""


async def run_due_lane(services: Services, ownership: Ownership) -> float | None:
    """Steps on every message whose instant has come. Gives the seconds until the next one."""
    workspace_id = ownership.lease.lane.partition(":")[2]
    while not ownership.lost():
        stepped, lanes = await services.db.write(lambda tx: _step_block(tx, services, workspace_id))
        for lane in sorted(lanes):
            await services.wake(lane)
        if not stepped:
            break
    due = await services.db.read(lambda tx: message_rows.next_timer(tx, workspace_id))
    return None if due is None else max(0.0, (due - services.now_ms()) / 1000)


async def _step_block(tx: Transaction, services: Services, workspace_id: str) -> tuple[int, set[str]]:
    due = await message_rows.due_messages(tx, workspace_id, services.now_ms(), BLOCK)
    if not due:
        return 0, set()
    book = await Book.open(tx, services, workspace_id, due)
    for message in book.messages.values():
        _step(book, message)
    return len(due), await book.close(tx)


def _step(book: Book, message: dict[str, Any]) -> None:
    """What an instant means for one message. The book finds the next instant when it is closed."""
    draft = book.draft(message)
    if message["rule"] == 0:
        book.go_on(message["id"], "")
        return
    if draft.expires_at is not None and draft.expires_at <= book.now:
        book.expire(message)
        return
    falls_back_at = fallback_due(book.tried(message), len(draft.rules), draft.fallback)
    if falls_back_at is not None and falls_back_at <= book.now:
        _overtake(book, message)
        book.go_on(message["id"], "no_receipt")


def _overtake(book: Book, message: dict[str, Any]) -> None:
    """What has provably not left on the rule before will not leave any more: the next rule says it instead."""
    delivery = max(book.deliveries[message["id"]], key=lambda each: int(each["rule"]))
    parts = book.parts[delivery["id"]]
    if parts and all(part["state"] == Delivery.QUEUED.value for part in parts):
        for part in parts:
            book.move(part, Delivery.FAILED, reason=OVERTAKEN)
