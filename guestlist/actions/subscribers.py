"""Subscribers: the Page's tokens as Meta lists them, and every way in which one is opted out or comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from guestlist.domain.facts import OptIn, OptInChange
from guestlist.domain.states import Delivery, Source
from guestlist.engine.base import Ownership
from guestlist.graph.base import ErrorClass, Graph, GraphError, TokenRow
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import ledgers, recipients, rows, tables
from guestlist.storage import pages as page_rows
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import maybe_ms, to_ms

from .base import Services
from .pages import mark_dead

RETRY_SYNC = timedelta(minutes=1)

META_SOURCES = {"CTM": Source.AD, "COMMENT_AUTOMATION": Source.COMMENT, "REPLY_AUTOMATION": Source.STALE_THREAD}
"""Meta's `opt_in_source` -> ours. List-born tokens are told by their audiences."""

VANISHED = "vanished"


async def run_sync_lane(services: Services, ownership: Ownership) -> float | None:
    """One complete, unfiltered list of a Page's tokens, if it is due."""
    _, workspace_id, page_id = ownership.lease.lane.split(":")
    page = await services.get_page(workspace_id, page_id)
    now = services.now_ms()
    if page["state"] != "connected" or page["sync_at"] is None or page["sync_at"] > now:
        return None
    try:
        await sync_page(services, page)
    except GraphError as error:
        if error.kind is ErrorClass.RECONNECT:
            await mark_dead(services, workspace_id, page_id, error.sentence)
        again = timedelta(seconds=error.retry_after) if error.retry_after else RETRY_SYNC
        await services.db.write(lambda tx: page_rows.set_sync_due(tx, workspace_id, page_id, to_ms(services.clock.now() + again)))
    return None


async def sync_page(services: Services, page: Row) -> None:
    """Lists all tokens of a Page. Only a list that was read to its end says anything about the missing.

    Errors: GraphError; what was listed until then is kept, nobody is counted as missing.
    """
    workspace_id, page_id = page["workspace_id"], page["id"]
    number = page["sync_number"] + 1
    await services.db.write(lambda tx: rows.change(tx, tables.pages, workspace_id, page_id, sync_number=number))
    graph = services.page_graph(page)
    origins: dict[str, Source] | None = None
    after: str | None = None
    while True:
        listed = await graph.list_tokens(page["page_id"], after=after)
        if origins is None and await _has_unexplained(services, page, listed.rows):
            origins = await _read_origins(graph, page["page_id"])
        await _keep_tokens(services, page, listed.rows, number, origins or {})
        after = listed.after
        if after is None:
            break
    await services.db.write(lambda tx: _finish_sync(tx, services, page, number))


async def _has_unexplained(services: Services, page: Row, listed: Sequence[TokenRow]) -> bool:
    """Whether a token is new and not born from a list, so that its origin must be asked."""
    tokens = [row.token for row in listed if not row.audience_ids]
    if not tokens:
        return False
    known = await services.db.write(lambda tx: subscriber_rows.known_tokens(tx, page["workspace_id"], page["id"], tokens))
    return len(known) < len(tokens)


async def _read_origins(graph: Graph, meta_page_id: str) -> dict[str, Source]:
    """Token -> source, from the lists Meta filters by `opt_in_source`."""
    origins: dict[str, Source] = {}
    for opt_in_source, source in META_SOURCES.items():
        after: str | None = None
        while True:
            listed = await graph.list_tokens(meta_page_id, after=after, opt_in_source=opt_in_source)
            origins |= {row.token: source for row in listed.rows}
            after = listed.after
            if after is None:
                break
    return origins


async def _keep_tokens(
    services: Services, page: Row, listed: Sequence[TokenRow], number: int, origins: dict[str, Source]
) -> None:
    if not listed:
        return
    ids = {row.token: services.ids.new("sub") for row in listed}

    async def unit(tx: Transaction) -> None:
        workspace_id, page_id = page["workspace_id"], page["id"]
        ours = {row["meta_id"]: row["id"] for row in await campaign_rows.audiences_of_page(tx, workspace_id, page_id)}
        known = await subscriber_rows.known_tokens(tx, workspace_id, page_id, list(ids))
        new = [
            _new_subscriber(services, page, row, ids[row.token], number, origins, ours)
            for row in listed
            if row.token not in known
        ]
        if new:
            await subscriber_rows.insert_new(tx, new)
        seen = [_seen(workspace_id, known[row.token]["id"], row, number) for row in listed if row.token in known]
        await subscriber_rows.see(tx, sorted(seen, key=lambda each: str(each["b_id"])))
        placed = [
            {"workspace_id": workspace_id, "audience_id": ours[meta_id], "subscriber_id": _id_of(row, known, ids)}
            for row in listed
            for meta_id in row.audience_ids
            if meta_id in ours
        ]
        await subscriber_rows.place(tx, placed)
        back = [row["id"] for row in known.values() if row["opt_out_reason"] == VANISHED]
        await _lift(tx, services, workspace_id, back, source="token_returned")

    await services.db.write(unit)


def _id_of(row: TokenRow, known: dict[str, Row], ids: dict[str, str]) -> str:
    return str(known[row.token]["id"]) if row.token in known else ids[row.token]


def _new_subscriber(
    services: Services, page: Row, row: TokenRow, row_id: str, number: int, origins: dict[str, Source], ours: dict[str, str]
) -> dict[str, Any]:
    audience_id = next((ours[meta_id] for meta_id in row.audience_ids if meta_id in ours), None)
    fallback = Source.LIST if row.audience_ids else Source.UNKNOWN
    return {
        "workspace_id": page["workspace_id"],
        "id": row_id,
        "page_id": page["id"],
        "token": row.token,
        "psid": row.psid,
        "source": origins.get(row.token, fallback).value,
        "audience_id": audience_id,
        "timezone": row.timezone,
        "next_eligible_at": maybe_ms(row.next_eligible_at),
        "expires_at": maybe_ms(row.expires_at),
        "seen_in": number,
        "created_at": services.now_ms(),
    }


def _seen(workspace_id: str, row_id: str, row: TokenRow, number: int) -> dict[str, Any]:
    return {
        "b_workspace": workspace_id,
        "b_id": row_id,
        "b_seen_in": number,
        "b_psid": row.psid,
        "b_next_eligible_at": maybe_ms(row.next_eligible_at),
        "b_expires_at": maybe_ms(row.expires_at),
    }


async def _finish_sync(tx: Transaction, services: Services, page: Row, number: int) -> None:
    workspace_id, page_id = page["workspace_id"], page["id"]
    now = services.now_ms()
    vanished = await subscriber_rows.count_misses(tx, workspace_id, page_id, number)
    await opt_out(tx, services, workspace_id, vanished, reason=VANISHED, proof={"sync": number})
    values = {"synced_at": now, "sync_at": to_ms(services.clock.now() + services.pace.sync)}
    await rows.change(tx, tables.pages, workspace_id, page_id, **values)
    await services.emit(tx, workspace_id, "page.synced", page_id, vanished=len(vanished))


async def opt_out(
    tx: Transaction, services: Services, workspace_id: str, subscriber_ids: Sequence[str], *, reason: str, proof: dict[str, Any]
) -> None:
    """Opts subscribers out, with the ledger's entry, and notes it on the campaign that reached them last.

    After this commits, no claim follows: claims lock the subscriber's row and read it.
    """
    if not subscriber_ids:
        return
    now = services.now_ms()
    await subscriber_rows.set_opt_out(tx, workspace_id, subscriber_ids, at=now, reason=reason)
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
    state = Delivery(row["state"])
    return recipients.Move(
        workspace_id=row["workspace_id"],
        campaign_id=row["campaign_id"],
        position=row["position"],
        old=state,
        new=state,
        old_reason=row["reason"],
        reason=row["reason"],
        attempts=row["attempts"],
        fence=row["fence"],
        not_before=row["not_before"],
        opted_out_at=now,
        first_opt_out=True,
    )


async def _lift(tx: Transaction, services: Services, workspace_id: str, subscriber_ids: Sequence[str], *, source: str) -> None:
    """Takes an opt-out back on new evidence: the vanished token's return, or the person's own resume."""
    if not subscriber_ids:
        return
    await subscriber_rows.set_opt_out(tx, workspace_id, subscriber_ids, at=None, reason=None)
    entries = [ledgers.Consent(subject=f"subscriber:{each}", act="restored", source=source) for each in subscriber_ids]
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), entries)


async def apply_opt_in(tx: Transaction, services: Services, page: Row, fact: OptIn, webhook_id: int) -> None:
    """A person granted, stopped or resumed marketing messages in the thread."""
    workspace_id, page_id = page["workspace_id"], page["id"]
    known = (await subscriber_rows.known_tokens(tx, workspace_id, page_id, [fact.token])).get(fact.token)
    proof = {"webhook": webhook_id, "title": fact.title or ""}
    if fact.change is OptInChange.STOPPED:
        if known and known["opted_out_at"] is None:
            await opt_out(tx, services, workspace_id, [known["id"]], reason="stopped", proof=proof)
        return
    row_id = known["id"] if known else services.ids.new("sub")
    if known is None:
        source = Source.LINK if fact.from_link else Source.OPT_IN_REQUEST
        new = {
            "workspace_id": workspace_id,
            "id": row_id,
            "page_id": page_id,
            "token": fact.token,
            "psid": fact.psid,
            "source": source.value,
            "timezone": fact.timezone,
            "expires_at": maybe_ms(fact.expires_at),
            "seen_in": page["sync_number"],
            "created_at": services.now_ms(),
        }
        await subscriber_rows.insert_new(tx, [new])
    elif known["opted_out_at"] is not None:
        await _lift(tx, services, workspace_id, [row_id], source=fact.change.value)
    granted = ledgers.Consent(
        subject=f"subscriber:{row_id}", act="granted", source=fact.change.value, words=fact.title or "", proof=proof
    )
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), [granted])
    await services.emit(tx, workspace_id, "subscriber.opted_in", row_id)


async def request_sync(services: Services, workspace_id: str, page_id: str) -> None:
    """Makes a token sync due now. Errors: NotFoundError."""
    await services.get_page(workspace_id, page_id)
    await services.db.write(lambda tx: page_rows.set_sync_due(tx, workspace_id, page_id, services.now_ms()))
    await services.wake(f"sync:{workspace_id}:{page_id}")


async def list_subscribers(
    services: Services,
    workspace_id: str,
    *,
    page_id: str | None = None,
    opted_out: bool | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Subscribers, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await subscriber_rows.list_subscribers(
            tx, workspace_id, page_id=page_id, opted_out=opted_out, after=after, limit=limit
        )

    return await services.db.read(unit)


async def count_subscribers(services: Services, workspace_id: str, page_id: str) -> dict[str, dict[str, int]]:
    """Subscribers of a Page by source, each as {"open", "opted_out"}. Errors: NotFoundError."""
    await services.get_page(workspace_id, page_id)
    return await services.db.read(lambda tx: subscriber_rows.count_by_source(tx, workspace_id, page_id))


async def opt_out_subscriber(services: Services, workspace_id: str, subscriber_id: str, *, by: str) -> Row:
    """Opts one subscriber out at the business's wish. Idempotent. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> Row:
        row = await rows.get(tx, tables.subscribers, workspace_id, subscriber_id, lock=True)
        if row["opted_out_at"] is None:
            await opt_out(tx, services, workspace_id, [subscriber_id], reason="asked", proof={"by": by})
        return await rows.get(tx, tables.subscribers, workspace_id, subscriber_id)

    return await services.db.write(unit)
