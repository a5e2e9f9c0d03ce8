"""Subscribers: the Page's tokens as Meta lists them, kept by regular syncs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from guestlist.domain.states import Source
from guestlist.engine.base import Ownership
from guestlist.graph.base import ErrorClass, Graph, GraphError, TokenRow
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import pages as page_rows
from guestlist.storage import rows, tables
from guestlist.storage import subscribers as subscriber_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import maybe_ms, to_ms

from .base import Services
from .choices import lift, opt_out
from .pages import mark_dead

RETRY_SYNC = timedelta(minutes=1)

META_SOURCES = {"CTM": Source.AD, "COMMENT_AUTOMATION": Source.COMMENT, "REPLY_AUTOMATION": Source.STALE_THREAD}
"""Meta's `opt_in_source` -> ours. List-born tokens are told by their audiences."""

VANISHED = "vanished"
VANISHED_BLOCK = 500
"""Vanished subscribers opted out in one transaction."""


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
            await mark_dead(services, page, error.sentence)
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
    if await services.db.read(lambda tx: subscriber_rows.is_any_missing(tx, workspace_id, page_id, number)):
        await _refresh_bounds(services, page)
        await _note_missing(services, page, number)
    await services.db.write(lambda tx: _finish_sync(tx, services, page))


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
        seen = [_seen(workspace_id, known[row.token]["id"], row, number) for row in listed if row.token in known]
        if new:
            await subscriber_rows.insert_new(tx, new)
            known |= await subscriber_rows.known_tokens(tx, workspace_id, page_id, [each["token"] for each in new])
        await subscriber_rows.see(tx, sorted(seen, key=lambda each: str(each["b_id"])))
        placed = [
            {"workspace_id": workspace_id, "audience_id": ours[meta_id], "subscriber_id": known[row.token]["id"]}
            for row in listed
            for meta_id in row.audience_ids
            if meta_id in ours
        ]
        await subscriber_rows.place(tx, placed)
        back = [row["id"] for row in known.values() if row["opt_out_reason"] == VANISHED]
        await lift(tx, services, workspace_id, back, source="token_returned")

    await services.db.write(unit)


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


async def _refresh_bounds(services: Services, page: Row) -> None:
    """Asks how big the Page's audiences are now: a token of one that shrank below the threshold is hidden, not gone."""
    ours = await services.db.read(lambda tx: campaign_rows.audiences_of_page(tx, page["workspace_id"], page["id"]))
    for audience in ours:
        try:
            info = await services.ads_graph(page).read_audience(audience["meta_id"])
        except GraphError as error:
            if error.kind is not ErrorClass.FIX:  # it is not there any more: its size is unknown
                raise
            bounds: dict[str, int | None] = {"lower": None, "upper": None}
        else:
            bounds = {"lower": info.lower, "upper": info.upper}
        await services.db.write(partial(_keep_bounds, audience=audience, at=services.now_ms(), bounds=bounds))


async def _keep_bounds(tx: Transaction, *, audience: Row, at: int, bounds: dict[str, int | None]) -> None:
    await rows.change(tx, tables.audiences, audience["workspace_id"], audience["id"], read_at=at, **bounds)


async def _note_missing(services: Services, page: Row, number: int) -> None:
    """Counts a miss for every open token that a complete list lacked, and opts out who vanished, block by block."""
    workspace_id, page_id = page["workspace_id"], page["id"]
    await services.db.write(lambda tx: subscriber_rows.count_misses(tx, workspace_id, page_id, number))

    async def unit(tx: Transaction) -> int:
        vanished = await subscriber_rows.find_vanished(tx, workspace_id, page_id, number, VANISHED_BLOCK)
        await opt_out(tx, services, workspace_id, vanished, reason=VANISHED, proof={"sync": number})
        return len(vanished)

    while await services.db.write(unit) == VANISHED_BLOCK:
        pass


async def _finish_sync(tx: Transaction, services: Services, page: Row) -> None:
    """Notes the end. A sync that was asked for meanwhile stays due."""
    now, later = services.now_ms(), to_ms(services.clock.now() + services.pace.sync)
    await rows.change(tx, tables.pages, page["workspace_id"], page["id"], synced_at=now)
    await rows.change_if(tx, tables.pages, page, {"sync_at": page["sync_at"]}, sync_at=later)
    await services.emit(tx, page["workspace_id"], "page.synced", page["id"])


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
