"""What is due: the lanes whose rows wait, derived from the rows themselves. The sweeper asks every second."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, Table, and_, delete, literal, literal_column, or_, select, union

from guestlist.domain.states import Campaign, Delivery

from .base import Row, Transaction
from .messaging_tables import accounts, addresses, endpoints, messages, notices, parts
from .tables import audiences, campaigns, pages, recipients, uploads, webhooks, workspaces

INBOX_LANE = "inbox:meta"


async def due_lanes(tx: Transaction, now: int) -> list[str]:
    """Names of all lanes with due rows: `page:`, `ads:`, `sync:`, `send:`, `due:`, `notify:` and the inbox."""
    lanes = {f"page:{row['workspace_id']}:{row['id']}" for row in await tx.fetch_all(_sending(now))}
    lanes |= {f"ads:{row['workspace_id']}:{row['ad_account_id']}" for row in await tx.fetch_all(_ads(now))}
    syncs = select(pages.c.workspace_id, pages.c.id).where(pages.c.sync_at <= now, pages.c.state == "connected")
    lanes |= {f"sync:{row['workspace_id']}:{row['id']}" for row in await tx.fetch_all(syncs)}
    lanes |= {f"send:{row['workspace_id']}:{row['id']}" for row in await tx.fetch_all(_messaging(now))}
    due = select(literal(1)).where(messages.c.workspace_id == workspaces.c.id, messages.c.due_at <= now).limit(1)
    timers = select(workspaces.c.id).where(due.correlate(workspaces).scalar_subquery().is_not(None))
    lanes |= {f"due:{row['id']}" for row in await tx.fetch_all(timers)}
    lanes |= {f"notify:{row['workspace_id']}:{row['id']}" for row in await tx.fetch_all(_notices(now))}
    of_page = and_(pages.c.workspace_id == addresses.c.workspace_id, pages.c.id == addresses.c.account_id)
    asked = select(addresses.c.workspace_id, addresses.c.account_id).join(pages, of_page).distinct()
    asked = asked.where(addresses.c.due_at <= now, pages.c.state == "connected")
    lanes |= {f"profiles:{row['workspace_id']}:{row['account_id']}" for row in await tx.fetch_all(asked)}
    if await tx.fetch_one(select(webhooks.c.id).where(webhooks.c.state == literal_column("'stored'")).limit(1)):
        lanes.add(INBOX_LANE)
    return sorted(lanes)


def _sending(now: int) -> CompoundSelect[Any]:
    """Pages with somebody to hand over, with rows that a dead owner or a stop may have left behind, or with an end to note."""
    time_has_come = or_(recipients.c.not_before.is_(None), recipients.c.not_before <= now)
    awake = or_(campaigns.c.not_before.is_(None), campaigns.c.not_before <= now)
    running = and_(campaigns.c.state == Campaign.RUNNING.value, pages.c.state == "connected", awake)
    queued, on_the_wire = _somebody(Delivery.QUEUED), _somebody(Delivery.SENDING)
    mine = and_(pages.c.workspace_id == campaigns.c.workspace_id, pages.c.id == campaigns.c.page_id)
    launched = select(pages.c.workspace_id, pages.c.id).join(campaigns, mine).where(campaigns.c.launched_at.is_not(None))
    return union(
        launched.where(on_the_wire),
        launched.where(running, _somebody(Delivery.QUEUED, time_has_come)),
        launched.where(running, ~queued, ~on_the_wire),
        launched.where(campaigns.c.state == Campaign.STOPPED.value, queued),
    )


def _somebody(state: Delivery, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a campaign has a recipient in this state. A limited look, as PostgreSQL answers EXISTS by reading everybody."""
    in_campaign = and_(recipients.c.workspace_id == campaigns.c.workspace_id, recipients.c.campaign_id == campaigns.c.id)
    one = select(literal(1)).where(in_campaign, _in_state(state), *more).correlate(campaigns).limit(1)
    return one.scalar_subquery().is_not(None)


def _in_state(state: Delivery) -> ColumnElement[bool]:
    return recipients.c.state == literal_column(f"'{state.value}'")  # spelt out, so that the partial index serves


def _messaging(now: int) -> CompoundSelect[Any]:
    """Accounts with a part to hand over, or with one that a dead owner may have left behind."""

    def some(account: Table, *which: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = and_(parts.c.workspace_id == account.c.workspace_id, parts.c.account_id == account.c.id)
        one = select(literal(1)).where(mine, *which).correlate(account).limit(1)  # a limited look, as above
        return one.scalar_subquery().is_not(None)

    sending = parts.c.state == literal_column(f"'{Delivery.SENDING.value}'")
    return union(
        *(
            select(account.c.workspace_id, account.c.id).where(
                or_(some(account, sending), and_(account.c.state == "connected", some(account, parts.c.due_at <= now)))
            )
            for account in (pages, accounts)
        )
    )


def _notices(now: int) -> Select[Any]:
    """Enabled endpoints with something to be told."""
    mine = and_(notices.c.workspace_id == endpoints.c.workspace_id, notices.c.endpoint_id == endpoints.c.id)
    one = select(literal(1)).where(mine, notices.c.due_at <= now).correlate(endpoints).limit(1)  # a limited look, as above
    told = select(endpoints.c.workspace_id, endpoints.c.id).where(endpoints.c.state == "enabled")
    return told.where(one.scalar_subquery().is_not(None))


def _ads(now: int) -> CompoundSelect[Any]:
    account = (pages.c.workspace_id, pages.c.ad_account_id)
    at_work = pages.c.state == "connected"
    of_audience = and_(pages.c.workspace_id == audiences.c.workspace_id, pages.c.id == audiences.c.page_id)
    of_campaign = and_(pages.c.workspace_id == campaigns.c.workspace_id, pages.c.id == campaigns.c.page_id)
    of_upload = and_(audiences.c.workspace_id == uploads.c.workspace_id, audiences.c.id == uploads.c.audience_id)
    return union(
        select(*account).join(audiences, of_audience).where(audiences.c.due_at <= now, at_work),
        select(*account).join(campaigns, of_campaign).where(campaigns.c.due_at <= now, at_work),
        select(*account)
        .select_from(uploads.join(audiences, of_upload).join(pages, of_audience))
        .where(uploads.c.due_at <= now, at_work),
    )


async def due_steps(tx: Transaction, workspace_id: str, ad_account_id: str, now: int) -> dict[str, list[Row]]:
    """The due audiences, uploads and campaigns of an ad account, oldest first, with their Page's id."""
    of_account = and_(pages.c.workspace_id == workspace_id, pages.c.ad_account_id == ad_account_id, pages.c.state == "connected")
    of_audience = and_(pages.c.workspace_id == audiences.c.workspace_id, pages.c.id == audiences.c.page_id)
    of_campaign = and_(pages.c.workspace_id == campaigns.c.workspace_id, pages.c.id == campaigns.c.page_id)
    of_upload = and_(audiences.c.workspace_id == uploads.c.workspace_id, audiences.c.id == uploads.c.audience_id)
    first = select(audiences).join(pages, of_audience).where(of_account, audiences.c.due_at <= now)
    second = select(uploads, audiences.c.page_id).select_from(uploads.join(audiences, of_upload).join(pages, of_audience))
    third = select(campaigns).join(pages, of_campaign).where(of_account, campaigns.c.due_at <= now)
    return {
        "audiences": await tx.fetch_all(first.order_by(audiences.c.due_at)),
        "uploads": await tx.fetch_all(second.where(of_account, uploads.c.due_at <= now).order_by(uploads.c.due_at)),
        "campaigns": await tx.fetch_all(third.order_by(campaigns.c.due_at)),
    }


async def drop_applied_webhooks(tx: Transaction, before: int, limit: int) -> int:
    """Drops up to `limit` raw webhooks applied before an instant; how many."""
    old = select(webhooks.c.id).where(webhooks.c.state != "stored", webhooks.c.applied_at < before).limit(limit)
    return await tx.execute(delete(webhooks).where(webhooks.c.id.in_(old)))
