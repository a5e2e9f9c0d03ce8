"""What a dead owner or a stop left behind on a Page: settled first, whenever the Page's lane runs."""

from __future__ import annotations

from guestlist.domain.policy import COOL_DOWN
from guestlist.domain.states import Delivery
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import recipients
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from .base import Services
from .campaigns import close_stopped, finish_if_done

BLOCK = 1000
"""Rows of a dead owner settled in one transaction."""


async def settle_leftovers(services: Services, page: Row, fence: int) -> None:
    """Rows claimed under an older fence become `unknown` or go back; queued rows of stopped campaigns are closed."""
    while await services.db.write(lambda tx: _settle_abandoned(tx, services, page, fence)):
        pass
    while await services.db.write(lambda tx: _close_unfinished_stops(tx, page)):
        pass


async def _settle_abandoned(tx: Transaction, services: Services, page: Row, fence: int) -> bool:
    workspace_id = page["workspace_id"]
    left = await recipients.abandoned_recipients(tx, workspace_id, page["id"], fence, BLOCK)
    await recipients.apply_moves(tx, [_abandoned_move(row) for row in left])
    called = [row["subscriber_id"] for row in left if row["called_at"] is not None]
    await subscriber_rows.start_cool_down(tx, workspace_id, called, to_ms(services.clock.now() + COOL_DOWN))
    for campaign_id in sorted({row["campaign_id"] for row in left}):
        await finish_if_done(tx, services, workspace_id, campaign_id)
    return len(left) == BLOCK


def _abandoned_move(row: Row) -> recipients.Move:
    """A row whose call may have left is in doubt; one that provably never left goes back."""
    if row["called_at"] is None:
        return recipients.move(row, Delivery.QUEUED, attempts=row["attempts"] - 1)
    return recipients.move(row, Delivery.UNKNOWN, reason="owner_died")


async def _close_unfinished_stops(tx: Transaction, page: Row) -> bool:
    """A stop closes what is queued, but a kill may cut it off, and a row on the wire may be put back behind it."""
    unfinished = await campaign_rows.unfinished_stops(tx, page["workspace_id"], page["id"])
    for campaign_id in unfinished:
        await close_stopped(tx, page["workspace_id"], campaign_id)
    return bool(unfinished)
