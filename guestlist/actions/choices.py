"""No and yes: every way in which a subscriber is opted out or comes back, with the ledger's entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from guestlist.domain.facts import OptIn, OptInChange
from guestlist.domain.states import Delivery, Source
from guestlist.storage import ledgers, recipients
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import maybe_ms, to_ms

from .base import Services


async def opt_out(
    tx: Transaction,
    services: Services,
    workspace_id: str,
    subscriber_ids: Sequence[str],
    *,
    reason: str,
    proof: dict[str, Any],
    at: int | None = None,
) -> None:
    """Opts subscribers out, with the ledger's entry, and notes it on the campaign that reached them last.

    `at` is when they said so, in milliseconds; now where nobody told. After this commits, no claim follows: claims lock the
    subscriber's row and read it.
    """
    if not subscriber_ids:
        return
    now = services.now_ms()
    await subscriber_rows.set_opt_out(tx, workspace_id, subscriber_ids, at=now if at is None else min(at, now), reason=reason)
    consents = [
        ledgers.Consent(subject=f"subscriber:{each}", act="withdrawn", source=reason, proof=proof) for each in subscriber_ids
    ]
    await ledgers.append_consents(tx, workspace_id, now, consents)
    reached = await recipients.latest_reached(tx, workspace_id, subscriber_ids)
    await recipients.apply_moves(tx, [_noted(row, now) for row in reached])
    for each in subscriber_ids:
        await services.emit(tx, workspace_id, "subscriber.opted_out", each, reason=reason)


def _noted(row: Row, now: int) -> recipients.Move:
    """An opt-out noted on a recipient whose delivery state stays."""
    kept = {name: row[name] for name in ("reason", "fence", "not_before")}
    return recipients.move(row, Delivery(row["state"]), opted_out_at=now, first_opt_out=True, **kept)


async def lift(tx: Transaction, services: Services, workspace_id: str, subscriber_ids: Sequence[str], *, source: str) -> None:
    """Takes an opt-out back on new evidence: the vanished token's return, or the person's own resume."""
    if not subscriber_ids:
        return
    await subscriber_rows.set_opt_out(tx, workspace_id, subscriber_ids, at=None, reason=None)
    entries = [ledgers.Consent(subject=f"subscriber:{each}", act="restored", source=source) for each in subscriber_ids]
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), entries)


async def apply_opt_in(
    tx: Transaction, services: Services, page: Row, fact: OptIn, webhook_id: int, received_at: datetime
) -> None:
    """A person granted, stopped or resumed marketing messages in the thread. A yes older than their no changes nothing."""
    workspace_id, page_id = page["workspace_id"], page["id"]
    known = (await subscriber_rows.known_tokens(tx, workspace_id, page_id, [fact.token])).get(fact.token)
    proof = {"webhook": webhook_id, "title": fact.title or ""}
    said_at = to_ms(fact.at or received_at)
    if fact.change is OptInChange.STOPPED:
        if known and known["opted_out_at"] is None:
            await opt_out(tx, services, workspace_id, [known["id"]], reason="stopped", proof=proof, at=said_at)
        return
    row_id = known["id"] if known else services.ids.new("sub")
    if known is None:
        await subscriber_rows.insert_new(tx, [_newcomer(services, page, fact, row_id)])
    elif known["opted_out_at"] is not None:
        if said_at < known["opted_out_at"]:
            return
        await lift(tx, services, workspace_id, [row_id], source=fact.change.value)
    granted = ledgers.Consent(
        subject=f"subscriber:{row_id}", act="granted", source=fact.change.value, words=fact.title or "", proof=proof
    )
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), [granted])
    await services.emit(tx, workspace_id, "subscriber.opted_in", row_id)


def _newcomer(services: Services, page: Row, fact: OptIn, row_id: str) -> dict[str, Any]:
    return {
        "workspace_id": page["workspace_id"],
        "id": row_id,
        "page_id": page["id"],
        "token": fact.token,
        "psid": fact.psid,
        "source": (Source.LINK if fact.from_link else Source.OPT_IN_REQUEST).value,
        "timezone": fact.timezone,
        "expires_at": maybe_ms(fact.expires_at),
        "seen_in": page["sync_number"],
        "created_at": services.now_ms(),
    }
