"""The tidy lane: once an hour, what has served its time is dropped. Nothing that still waits is touched."""

from __future__ import annotations

from datetime import timedelta

import structlog

from guestlist.engine.base import Ownership
from guestlist.storage import access, uploads, work
from guestlist.storage.base import Transaction
from guestlist.storage.instants import to_ms

from .base import Services

TIDY_LANE = "tidy:all"
EVERY = timedelta(hours=1)
KEYS_LAST = timedelta(hours=24)  # an Idempotency-Key has one effect for so long
IMPORTS_LAST = timedelta(hours=24)  # an import that never ended was cut off by a kill
BLOCK = 1000

log = structlog.get_logger(__name__)


async def run_tidy_lane(services: Services, ownership: Ownership) -> float | None:
    """Drops old idempotency keys, webhooks applied long ago (they hold personal data) and imports that were cut off."""
    now = services.clock.now()
    await services.db.write(lambda tx: access.forget_old_requests(tx, to_ms(now - KEYS_LAST)))
    await services.db.write(lambda tx: _drop_cut_off_imports(tx, to_ms(now - IMPORTS_LAST)))
    kept_from = to_ms(now - services.pace.webhooks_kept)
    dropped = 0
    while not ownership.lost():
        more = await services.db.write(lambda tx: work.drop_applied_webhooks(tx, kept_from, BLOCK))
        dropped += more
        if more < BLOCK:
            break
    log.debug("tidied", webhooks=dropped)
    return EVERY.total_seconds()


async def _drop_cut_off_imports(tx: Transaction, before: int) -> None:
    for row in await uploads.cut_off_lists(tx, before):
        await uploads.delete_list(tx, row["workspace_id"], row["id"])
