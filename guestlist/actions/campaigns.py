"""Campaigns: created at Meta, warmed up, launched to the Page's subscribers, paused, resumed, stopped, finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from guestlist.domain.campaigns import check_message
from guestlist.domain.policy import WARM_UP, Closed
from guestlist.domain.states import Campaign, Delivery
from guestlist.errors import RefusedError, UsageError
from guestlist.graph.base import GraphError
from guestlist.storage import recipients, rows, tables
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms, maybe_ms, to_ms

from .base import Services
from .creations import Noun, advance_creation, change_unmoved
from .pages import check_connected

ENDED = frozenset({Campaign.STOPPED, Campaign.FINISHED, Campaign.FAILED})
UNBORN = frozenset({Campaign.QUEUED, Campaign.CREATING, Campaign.UNKNOWN})
STOP_BLOCK = 10_000
"""Recipients closed in one transaction when a campaign is stopped."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person asks for. Budgets in minor currency units, at most one of them; `audience_ids` empty = everybody."""

    page_id: str
    name: str
    message: Mapping[str, Any]
    audience_ids: Sequence[str] = ()
    daily_budget: int | None = None
    lifetime_budget: int | None = None
    expires_at: datetime | None = None


async def create_campaign(services: Services, workspace_id: str, draft: Draft) -> Row:
    """The campaign, to be created at Meta by its ad account's lane; then it warms up. Errors: UsageError, NotFoundError."""
    _check_draft(draft, services.clock.now())
    page = await services.get_page(workspace_id, draft.page_id)
    now = services.now_ms()
    campaign_id = services.ids.new("cmp")
    row = {
        "workspace_id": workspace_id,
        "id": campaign_id,
        "page_id": draft.page_id,
        "name": draft.name.strip(),
        "message": orjson.dumps(draft.message).decode(),
        "audience_ids": orjson.dumps(list(draft.audience_ids)).decode(),
        "daily_budget": draft.daily_budget,
        "lifetime_budget": draft.lifetime_budget,
        "state": Campaign.QUEUED.value,
        "expires_at": maybe_ms(draft.expires_at),
        "due_at": now,
        "created_at": now,
    }

    async def unit(tx: Transaction) -> Row:
        for audience_id in draft.audience_ids:
            await rows.get(tx, tables.audiences, workspace_id, audience_id)
        await rows.insert(tx, tables.campaigns, row)
        await services.emit(tx, workspace_id, "campaign.created", campaign_id)
        return await rows.get(tx, tables.campaigns, workspace_id, campaign_id)

    campaign = await services.db.write(unit)
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return campaign


def _check_draft(draft: Draft, now: datetime) -> None:
    if not draft.name.strip():
        raise UsageError("A campaign needs a name.", code="bad_name", remedy="Give one with --name.")
    if draft.daily_budget is not None and draft.lifetime_budget is not None:
        raise UsageError("A campaign has a daily or a lifetime budget, not both.", code="bad_budget", remedy="Drop one of them.")
    for budget in (draft.daily_budget, draft.lifetime_budget):
        if budget is not None and budget <= 0:
            raise UsageError("A budget is a positive number of minor units.", code="bad_budget", remedy="500 means 5.00.")
    if draft.expires_at is not None and draft.expires_at <= now:
        raise UsageError("expires_at lies in the past.", code="bad_expiry", remedy="Give a later instant.")
    check_message(draft.message)


# -- at Meta --------------------------------------------------------------------------------------------------------


async def advance_campaign(services: Services, page: Row, campaign: Row, fence: int) -> None:
    """One step of a campaign that is due: create it, look up a lost answer, or note that it is warm."""
    if await advance_creation(services, CAMPAIGN, page, campaign, fence):
        return
    if campaign["state"] == Campaign.WARMING.value:
        await _warm(services, campaign)
    else:
        await change_unmoved(services, tables.campaigns, campaign, due_at=None)


async def _create(services: Services, page: Row, campaign: Row) -> str:
    return await services.ads_graph(page).create_campaign(
        page["ad_account_id"],
        name=marked(campaign),
        page_id=page["page_id"],
        daily_budget=campaign["daily_budget"],
        lifetime_budget=campaign["lifetime_budget"],
        end_time=None,
    )


async def _find(services: Services, page: Row, campaign: Row) -> str | None:
    listed = await services.ads_graph(page).list_campaigns(page["ad_account_id"])
    return next((info.id for info in listed if info.name == marked(campaign)), None)


def marked(campaign: Row) -> str:
    """The name at Meta: the user's own and our mark, by which a lost answer is found again."""
    return f"{campaign['name']} [{campaign['id']}]"


def _born(services: Services) -> dict[str, Any]:
    ready_at = to_ms(services.clock.now() + WARM_UP)
    return {"state": Campaign.WARMING.value, "ready_at": ready_at, "due_at": ready_at}


def _halted(error: GraphError) -> dict[str, Any]:
    return {"state": Campaign.PAUSED.value, "paused_from": Campaign.QUEUED.value, "action": error.kind.value}


CAMPAIGN = Noun(table=tables.campaigns, create=_create, find=_find, born=_born, halted=_halted)


async def _warm(services: Services, campaign: Row) -> None:
    if campaign["ready_at"] > services.now_ms():  # resumed before its time
        await change_unmoved(services, tables.campaigns, campaign, due_at=campaign["ready_at"])
        return

    async def unit(tx: Transaction) -> bool:
        seen = {"state": campaign["state"], "launched_at": campaign["launched_at"]}  # a launch may have come since
        return await rows.change_if(tx, tables.campaigns, campaign, seen, state=_warm_state(campaign), due_at=None)

    if await services.db.write(unit) and campaign["launched_at"] is not None:
        await services.wake(f"page:{campaign['workspace_id']}:{campaign['page_id']}")


def _warm_state(campaign: Row) -> str:
    return (Campaign.READY if campaign["launched_at"] is None else Campaign.RUNNING).value


# -- what a person does ---------------------------------------------------------------------------------------------


async def launch_campaign(services: Services, workspace_id: str, campaign_id: str) -> Row:
    """Fixes the recipients from the Page's subscribers as they stand; sending starts as soon as the campaign is warm.

    Errors: NotFoundError; RefusedError `already_launched`, `campaign_ended`, `no_recipients`.
    """

    async def unit(tx: Transaction) -> Row:
        campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id, lock=True)
        _check_launchable(campaign)
        await _launch(tx, services, campaign)
        return await rows.get(tx, tables.campaigns, workspace_id, campaign_id)

    campaign = await services.db.write(unit)
    await services.wake(f"page:{workspace_id}:{campaign['page_id']}")
    return campaign


def _check_launchable(campaign: Row) -> None:
    if campaign["launched_at"] is not None:
        raise RefusedError(
            f"Campaign {campaign['id']} is already launched.", code="already_launched", remedy="Create another one."
        )
    if Campaign(campaign["state"]) in ENDED:
        raise RefusedError(
            f"Campaign {campaign['id']} is {campaign['state']}.", code="campaign_ended", remedy="Create another one."
        )


async def _launch(tx: Transaction, services: Services, campaign: Row) -> None:
    now = services.clock.now()
    start = max(now, from_ms(campaign["ready_at"])) if campaign["ready_at"] else now + WARM_UP
    sources, excluded, total = await recipients.snapshot(
        tx,
        campaign["workspace_id"],
        campaign["id"],
        page_id=campaign["page_id"],
        audience_ids=orjson.loads(campaign["audience_ids"]),
        start=to_ms(start),
    )
    if not total:
        raise RefusedError(
            "Nobody can be reached: the campaign would have no recipient.",
            code="no_recipients",
            remedy="See `guestlist subscribers count`; below 100 matched people Meta shows no token of a list.",
            excluded=excluded,
        )
    values: dict[str, Any] = {
        "launched_at": to_ms(now),
        "subscribers": sum(sources.values()),
        "recipients": total,
        "sources": orjson.dumps(sources).decode(),
        "excluded": orjson.dumps(excluded).decode(),
    }
    for name in ("state", "paused_from"):  # one that is paused runs when it is resumed
        if campaign[name] == Campaign.READY.value:
            values[name] = Campaign.RUNNING.value
    await rows.change(tx, tables.campaigns, campaign["workspace_id"], campaign["id"], **values)
    await services.emit(tx, campaign["workspace_id"], "campaign.launched", campaign["id"], recipients=total)


async def pause_campaign(services: Services, workspace_id: str, campaign_id: str) -> Row:
    """Holds the campaign: no claim follows. Errors: RefusedError when it has ended or is paused."""

    async def unit(tx: Transaction) -> Row:
        campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id, lock=True)
        state = Campaign(campaign["state"])
        if state in ENDED or state in UNBORN or state is Campaign.PAUSED:
            raise RefusedError(
                f"Campaign {campaign_id} is {state}.", code="cannot_pause", remedy="Only a campaign under way can pause."
            )
        held = {"state": Campaign.PAUSED.value, "paused_from": state.value, "reason": "", "action": ""}
        await rows.change(tx, tables.campaigns, workspace_id, campaign_id, **held)
        await services.emit(tx, workspace_id, "campaign.paused", campaign_id)
        return await rows.get(tx, tables.campaigns, workspace_id, campaign_id)

    return await services.db.write(unit)


async def resume_campaign(services: Services, workspace_id: str, campaign_id: str) -> Row:
    """Goes on with a paused campaign where it stood. Errors: NotFoundError, RefusedError `reconnect_needed`, `not_paused`."""

    async def unit(tx: Transaction) -> tuple[Row, Row]:
        campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id, lock=True)
        page = await rows.get(tx, tables.pages, workspace_id, campaign["page_id"])
        if campaign["state"] not in ENDED:
            check_connected(page)
        if campaign["state"] != Campaign.PAUSED.value:
            raise RefusedError(
                f"Campaign {campaign_id} is {campaign['state']}, not paused.", code="not_paused", remedy="Nothing to do."
            )
        back = {"state": campaign["paused_from"], "paused_from": "", "reason": "", "action": "", "due_at": services.now_ms()}
        await rows.change(tx, tables.campaigns, workspace_id, campaign_id, **back)
        await services.emit(tx, workspace_id, "campaign.resumed", campaign_id)
        return await rows.get(tx, tables.campaigns, workspace_id, campaign_id), page

    campaign, page = await services.db.write(unit)
    await services.wake(f"page:{workspace_id}:{campaign['page_id']}")
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return campaign


async def stop_campaign(services: Services, workspace_id: str, campaign_id: str) -> Row:
    """Ends the campaign for good; whoever was not handed over yet is closed as `stopped`. Idempotent."""

    async def mark(tx: Transaction) -> None:
        campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id, lock=True)
        if campaign["state"] == Campaign.STOPPED.value:
            return
        if Campaign(campaign["state"]) in ENDED:
            raise RefusedError(f"Campaign {campaign_id} is {campaign['state']}.", code="campaign_ended", remedy="Nothing to do.")
        ended = {"state": Campaign.STOPPED.value, "finished_at": services.now_ms(), "due_at": None}
        await rows.change(tx, tables.campaigns, workspace_id, campaign_id, **ended)
        await services.emit(tx, workspace_id, "campaign.stopped", campaign_id)

    await services.db.write(mark)
    while await services.db.write(lambda tx: close_stopped(tx, workspace_id, campaign_id)):
        pass
    return await services.find_row(tables.campaigns, workspace_id, campaign_id)


async def close_stopped(tx: Transaction, workspace_id: str, campaign_id: str) -> bool:
    """Closes up to a block of a stopped campaign's queued recipients; whether there may be more."""
    queued = await recipients.queued_recipients(tx, workspace_id, campaign_id, STOP_BLOCK)
    await recipients.apply_moves(tx, [recipients.move(row, Delivery.FAILED, reason=Closed.STOPPED) for row in queued])
    return len(queued) == STOP_BLOCK


async def finish_if_done(tx: Transaction, services: Services, workspace_id: str, campaign_id: str) -> bool:
    """Ends a running campaign once nobody is pending; whether it did.

    The campaign is locked only when it seems done: a claim holds it while it waits for the counts that we hold here. Of two
    that end together neither may see the other's end; then the sweep finds the campaign without anybody to wait for.
    """
    if pending(await recipients.read_counts(tx, workspace_id, campaign_id)):
        return False
    campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id, lock=True)
    if campaign["state"] != Campaign.RUNNING.value:
        return False
    ended = {"state": Campaign.FINISHED.value, "finished_at": services.now_ms()}
    await rows.change(tx, tables.campaigns, workspace_id, campaign_id, **ended)
    await services.emit(tx, workspace_id, "campaign.finished", campaign_id)
    return True


def pending(counts: Mapping[str, Mapping[str, int]]) -> int:
    """Recipients that can still move: not handed over yet, or on the wire."""
    return sum(sum(counts.get(state.value, {}).values()) for state in (Delivery.QUEUED, Delivery.SENDING))


async def read_funnel(services: Services, workspace_id: str, campaign_id: str) -> dict[str, Any]:
    """The campaign's funnel, in which every total adds up. Errors: NotFoundError.

    Shape: subscribers {source: n}, excluded {reason: n}, recipients, pending, accepted, delivered, read, clicked, opted_out,
    failed {reason: n} (expired included), unknown. recipients = accepted + sum(failed) + unknown + pending.
    """

    async def unit(tx: Transaction) -> tuple[Row, dict[str, dict[str, int]]]:
        campaign = await rows.get(tx, tables.campaigns, workspace_id, campaign_id)
        return campaign, await recipients.read_counts(tx, workspace_id, campaign_id)

    campaign, counts = await services.db.read(unit)

    def count(*measures: str) -> int:
        return sum(sum(counts.get(measure, {}).values()) for measure in measures)

    failed = dict(counts.get(Delivery.FAILED, {}))
    for reason, n in counts.get(Delivery.EXPIRED, {}).items():
        failed[reason] = failed.get(reason, 0) + n
    return {
        "subscribers": orjson.loads(campaign["sources"]),
        "excluded": orjson.loads(campaign["excluded"]),
        "recipients": campaign["recipients"],
        "pending": pending(counts),
        "accepted": count(Delivery.SENT, Delivery.DELIVERED, Delivery.READ),
        "delivered": count(Delivery.DELIVERED, Delivery.READ),
        "read": count(Delivery.READ),
        "clicked": count("clicked"),
        "opted_out": count("opted_out"),
        "failed": failed,
        "unknown": count(Delivery.UNKNOWN),
    }


async def get_campaign(services: Services, workspace_id: str, campaign_id: str) -> Row:
    """One campaign. Errors: NotFoundError."""
    return await services.find_row(tables.campaigns, workspace_id, campaign_id)


async def list_campaigns(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Campaigns, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await tx.fetch_all(rows.page_of(tables.campaigns, workspace_id, after=after, limit=limit))

    return await services.db.read(unit)


async def list_recipients(
    services: Services,
    workspace_id: str,
    campaign_id: str,
    *,
    state: str | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[Row]:
    """Recipients of a campaign, in the order of sending. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Row]:
        await rows.get(tx, tables.campaigns, workspace_id, campaign_id)
        return await recipients.list_recipients(tx, workspace_id, campaign_id, state=state, after=after, limit=limit)

    return await services.db.read(unit)
