"""The tidy lane: once an hour, what has served its time is dropped. Nothing that still waits is touched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from guestlist.domain.identifiers import encode_id
from guestlist.engine.base import Ownership
from guestlist.storage import access, early_receipts, endpoints, members, notices, sessions, uploads, work
from guestlist.storage.base import Transaction
from guestlist.storage.instants import to_ms

from .base import Services

TIDY_LANE = "tidy:all"
EVERY = timedelta(hours=1)
KEYS_LAST = timedelta(hours=24)  # an Idempotency-Key has one effect for so long
IMPORTS_LAST = timedelta(hours=24)  # an import that never ended was cut off by a kill
EARLY_KEPT = timedelta(days=7)  # receipts of a message that nobody has named yet
BLOCK = 1000

log = structlog.get_logger(__name__)


async def run_tidy_lane(services: Services, ownership: Ownership) -> float | None:
    """Drops old idempotency keys, raw webhooks applied long ago, imports that were cut off, ledgers of deleted audiences,
    what endpoints were told, receipts that no message was found for, sessions that ran out."""
    now = services.clock.now()
    await services.db.write(lambda tx: access.forget_old_requests(tx, to_ms(now - KEYS_LAST)))
    await services.db.write(lambda tx: sessions.forget_old_sessions(tx, to_ms(now)))
    await services.db.write(lambda tx: _drop_cut_off_imports(tx, to_ms(now - IMPORTS_LAST)))
    kept_from = to_ms(now - services.pace.webhooks_kept)
    ledger = await _drop(services, ownership, lambda tx: members.forget_deleted(tx, BLOCK))
    ledger += await _drop(services, ownership, lambda tx: members.forget_cancelled(tx, BLOCK))
    dropped = await _drop(services, ownership, lambda tx: work.drop_applied_webhooks(tx, kept_from, BLOCK))
    await _drop(services, ownership, lambda tx: early_receipts.drop_early(tx, to_ms(now - EARLY_KEPT), BLOCK))
    told = await _drop_old_notices(services, ownership, encode_id("ntc", to_ms(now - services.pace.notices_kept), 0))
    log.debug("tidied", webhooks=dropped, ledger=ledger, notices=told)
    return EVERY.total_seconds()


async def _drop_old_notices(services: Services, ownership: Ownership, before: str) -> int:
    """Drops what endpoints were told long ago; how many notices."""
    dropped = 0
    for each in await services.db.read(endpoints.all_endpoints):
        block = partial(
            notices.drop_old_notices, workspace_id=each["workspace_id"], endpoint_id=each["id"], before=before, limit=BLOCK
        )
        dropped += await _drop(services, ownership, block)
    return dropped


async def _drop(services: Services, ownership: Ownership, block: Callable[[Transaction], Awaitable[int]]) -> int:
    """Drops block by block until none is left; how many rows."""
    dropped = 0
    while not ownership.lost():
        more = await services.db.write(block)
        dropped += more
        if not more:
            break
    return dropped


async def _drop_cut_off_imports(tx: Transaction, before: int) -> None:
    for row in await uploads.cut_off_lists(tx, before):
        await uploads.delete_list(tx, row["workspace_id"], row["id"])
