"""Statements about recipients: snapshot at launch, claim, and the one way in which states move and counts follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    column,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.base import Executable

from guestlist.domain.policy import Closed
from guestlist.domain.states import Campaign, Delivery, Source

from .base import Row, Transaction
from .given import give, given_rows, like
from .tables import campaign_counts, campaigns, pages, recipients, subscriber_audiences, subscribers, tracking

REASONED = frozenset({Delivery.UNKNOWN, Delivery.EXPIRED, Delivery.FAILED})
"""States counted by reason."""

KEY = ("workspace_id", "campaign_id", "position")

Pair: TypeAlias = tuple[str, int]
"""A recipient: its campaign's id and its position there."""


@dataclass(frozen=True, slots=True)
class Move:
    """One recipient's change: where it stood, where it goes. Fields left None stay as they are, but for `not_before`."""

    workspace_id: str
    campaign_id: str
    position: int
    old: Delivery
    new: Delivery
    old_reason: str = ""
    reason: str = ""
    attempts: int = 0
    unexplained: int = 0
    fence: int | None = None
    not_before: int | None = None
    tracking_id: str | None = None
    claimed_at: int | None = None
    sent_at: int | None = None
    delivered_at: int | None = None
    read_at: int | None = None
    clicked_at: int | None = None
    opted_out_at: int | None = None
    first_click: bool = False
    first_opt_out: bool = False


def move(row: Row, new: Delivery, **values: Any) -> Move:
    """A move of a stored recipient; counts of tries that are not given stay."""
    kept = {"attempts": row["attempts"], "unexplained": row["unexplained"], **values}
    return Move(
        workspace_id=row["workspace_id"],
        campaign_id=row["campaign_id"],
        position=row["position"],
        old=Delivery(row["state"]),
        old_reason=row["reason"],
        new=new,
        **kept,
    )


_KEPT = ("tracking_id", "claimed_at", "sent_at", "delivered_at", "read_at", "clicked_at", "opted_out_at")
_WRITTEN = ("reason", "attempts", "unexplained", "fence", "not_before")


@cache
def _move(dialect: str) -> Executable:
    moved = given_rows(dialect, column("new", Text()), *(like(recipients.c[name]) for name in (*KEY, *_WRITTEN, *_KEPT)))
    return (
        update(recipients)
        .where(_is_in(moved))
        .values(
            state=moved.c.new,
            called_at=case((moved.c.new == Delivery.QUEUED.value, null()), else_=recipients.c.called_at),
            **{name: moved.c[name] for name in _WRITTEN},
            **{name: func.coalesce(recipients.c[name], moved.c[name]) for name in _KEPT},
        )
    )


@cache
def _track(dialect: str) -> Executable:
    names = [column.name for column in tracking.c]
    moved = given_rows(dialect, *(like(each) for each in tracking.c))
    tracked = select(*(moved.c[name] for name in names)).where(moved.c.tracking_id.is_not(None))
    return upsert(tracking).from_select(names, tracked).on_conflict_do_nothing(index_elements=["workspace_id", "tracking_id"])


_counted = attrgetter("workspace_id", "campaign_id", "old", "old_reason", "new", "reason", "first_click", "first_opt_out")
_count = upsert(campaign_counts)
_count = _count.on_conflict_do_update(
    index_elements=["workspace_id", "campaign_id", "measure", "reason"], set_={"n": campaign_counts.c.n + _count.excluded.n}
)


async def apply_moves(tx: Transaction, moves: Sequence[Move]) -> None:
    """Moves recipients, each at most once, and their campaigns' counts together. The caller holds the rows' locks and decided
    by their old states."""
    if not moves:
        return
    rows = give(moves)
    await tx.execute(_move(tx.dialect), rows)
    if any(move.tracking_id for move in moves):
        await tx.execute(_track(tx.dialect), rows)
    await add_counts(tx, _deltas(moves))


def _deltas(moves: Sequence[Move]) -> Counter[tuple[str, str, str, str]]:
    deltas: Counter[tuple[str, str, str, str]] = Counter()
    for (workspace_id, campaign_id, old, old_reason, new, reason, clicked, opted_out), n in Counter(map(_counted, moves)).items():
        campaign = (workspace_id, campaign_id)
        deltas[(*campaign, old.value, old_reason if old in REASONED else "")] -= n
        deltas[(*campaign, new.value, reason if new in REASONED else "")] += n
        deltas[(*campaign, "clicked", "")] += n * clicked
        deltas[(*campaign, "opted_out", "")] += n * opted_out
    return deltas


async def add_counts(tx: Transaction, deltas: Counter[tuple[str, str, str, str]]) -> None:
    """Adds to the counts of campaigns; keys are (workspace, campaign, measure, reason)."""
    names = ("workspace_id", "campaign_id", "measure", "reason")
    changed = [{**dict(zip(names, key, strict=True)), "n": n} for key, n in sorted(deltas.items()) if n]
    if changed:
        await tx.execute_many(_count, changed)


async def read_counts(tx: Transaction, workspace_id: str, campaign_id: str) -> dict[str, dict[str, int]]:
    """A campaign's counts: measure -> reason ("" where none) -> people."""
    query = select(campaign_counts).where(
        campaign_counts.c.workspace_id == workspace_id, campaign_counts.c.campaign_id == campaign_id, campaign_counts.c.n != 0
    )
    counts: dict[str, dict[str, int]] = {}
    for row in await tx.fetch_all(query):
        counts.setdefault(row["measure"], {})[row["reason"]] = row["n"]
    return counts


# -- launch ---------------------------------------------------------------------------------------------------------


def _exclusion(start: int, audience_ids: Sequence[str]) -> ColumnElement[str | None]:
    """Why a subscriber is left out at launch; NULL for a recipient. The order of the cases is the order of the reasons."""
    placed = and_(
        subscriber_audiences.c.workspace_id == subscribers.c.workspace_id,
        subscriber_audiences.c.subscriber_id == subscribers.c.id,
    )
    cases: list[Any] = [(subscribers.c.opted_out_at.is_not(None), literal(Closed.OPTED_OUT))]
    if audience_ids:
        inside = select(literal(1)).where(placed, subscriber_audiences.c.audience_id.in_(audience_ids)).exists()
        cases.append((~inside, literal(Closed.NOT_IN_AUDIENCE)))
    proven = select(literal(1)).where(placed).exists()
    cases += [
        (and_(subscribers.c.source == Source.LIST.value, ~proven), literal(Closed.NO_CONSENT_RECORD)),
        (subscribers.c.expires_at <= start, literal(Closed.TOKEN_EXPIRED)),
        (subscribers.c.next_eligible_at > start, literal(Closed.COOL_DOWN)),
    ]
    return case(*cases, else_=null())


async def snapshot(
    tx: Transaction, workspace_id: str, campaign_id: str, *, page_id: str, audience_ids: Sequence[str], start: int
) -> tuple[dict[str, int], dict[str, int], int]:
    """One row per recipient, from the Page's subscribers: (subscribers by source, excluded by reason, recipients).

    Those who change or come between the two statements are counted by what the first one did with them, so the sums agree.
    """
    of_page = and_(subscribers.c.workspace_id == workspace_id, subscribers.c.page_id == page_id)
    reason = _exclusion(start, audience_ids)
    chosen = select(
        literal(workspace_id),
        literal(campaign_id),
        func.row_number().over(order_by=subscribers.c.id),
        subscribers.c.id,
        literal(Delivery.QUEUED.value),
    ).where(of_page, reason.is_(None))
    columns = ["workspace_id", "campaign_id", "position", "subscriber_id", "state"]
    count = await tx.execute(insert(recipients).from_select(columns, chosen))
    await add_counts(tx, Counter({(workspace_id, campaign_id, Delivery.QUEUED.value, ""): count}))
    in_campaign = and_(
        recipients.c.workspace_id == workspace_id,
        recipients.c.campaign_id == campaign_id,
        recipients.c.subscriber_id == subscribers.c.id,
    )
    judged = (
        select(subscribers.c.source, case((recipients.c.position.is_not(None), ""), else_=reason).label("reason"))
        .select_from(subscribers.outerjoin(recipients, in_campaign))
        .where(of_page)
        .subquery()
    )
    sums = select(judged.c.source, judged.c.reason, func.count().label("n")).where(judged.c.reason.is_not(None))
    by_source: Counter[str] = Counter()
    excluded: Counter[str] = Counter()
    for row in await tx.fetch_all(sums.group_by(judged.c.source, judged.c.reason)):
        by_source[row["source"]] += row["n"]
        if row["reason"]:
            excluded[row["reason"]] += row["n"]
    return dict(by_source), dict(excluded), count


# -- claim ----------------------------------------------------------------------------------------------------------


async def due_recipients(tx: Transaction, campaign: Row, now: int, limit: int) -> list[Row]:
    """Queued recipients whose time has come, with what policy asks of their subscribers. Both rows are locked; those that an
    opt-out holds at this moment are skipped, so that no claim follows it. Whoever is on the wire for another campaign waits
    until that answer has started the cool-down."""
    elsewhere = recipients.alias("elsewhere")
    on_the_wire = select(literal(1)).where(
        elsewhere.c.workspace_id == recipients.c.workspace_id,
        elsewhere.c.subscriber_id == recipients.c.subscriber_id,
        elsewhere.c.state == literal_column(f"'{Delivery.SENDING.value}'"),
    )
    query = (
        _with_subscribers()
        .where(
            recipients.c.workspace_id == campaign["workspace_id"],
            recipients.c.campaign_id == campaign["id"],
            recipients.c.state == literal_column(f"'{Delivery.QUEUED.value}'"),
            or_(recipients.c.not_before.is_(None), recipients.c.not_before <= now),
            ~on_the_wire.exists(),
        )
        .order_by(recipients.c.position)
        .limit(limit)
        .with_for_update(of=[recipients, subscribers], skip_locked=True)
    )
    return await tx.fetch_all(query)


async def claimed_recipients(tx: Transaction, workspace_id: str, rows: Sequence[Pair], fence: int) -> list[Row]:
    """Those of the (campaign, position) pairs that we still hold, locked, each with its subscriber's and campaign's standing."""
    return await tx.fetch_all(_claimed(tx.dialect), {"b_fence": fence, **_give_pairs(workspace_id, rows)})


@cache
def _claimed(dialect: str) -> Executable:
    return (
        _with_subscribers(campaigns.c.state.label("campaign_state"))
        .join(campaigns, and_(campaigns.c.workspace_id == recipients.c.workspace_id, campaigns.c.id == recipients.c.campaign_id))
        .where(_among(dialect), _is_held())
        .order_by(recipients.c.campaign_id, recipients.c.position)
        .with_for_update(of=[recipients])
    )


async def mark_called(tx: Transaction, workspace_id: str, rows: Sequence[Pair], fence: int, at: int) -> set[Pair]:
    """Notes that the calls for (campaign, position) pairs are about to be made; from here on they are in doubt.

    The pairs that were marked: those we still hold, of a running campaign on a connected Page, to somebody not opted out.
    """
    marked = await tx.fetch_all(_call(tx.dialect), {"b_fence": fence, "b_at": at, **_give_pairs(workspace_id, rows)})
    return {(row["campaign_id"], row["position"]) for row in marked}


@cache
def _call(dialect: str) -> Executable:
    of_page = and_(pages.c.workspace_id == campaigns.c.workspace_id, pages.c.id == campaigns.c.page_id)
    running = select(literal(1)).where(
        campaigns.c.workspace_id == recipients.c.workspace_id,
        campaigns.c.id == recipients.c.campaign_id,
        campaigns.c.state == Campaign.RUNNING.value,
        select(literal(1)).where(of_page, pages.c.state == "connected").exists(),
    )
    willing = select(literal(1)).where(
        subscribers.c.workspace_id == recipients.c.workspace_id,
        subscribers.c.id == recipients.c.subscriber_id,
        subscribers.c.opted_out_at.is_(None),
    )
    return (
        update(recipients)
        .where(_among(dialect), _is_held(), running.exists(), willing.exists())
        .values(called_at=bindparam("b_at", type_=recipients.c.called_at.type))
        .returning(recipients.c.campaign_id, recipients.c.position)
    )


async def lock_recipients(tx: Transaction, workspace_id: str, rows: Sequence[Pair]) -> dict[Pair, Row]:
    """The rows of (campaign, position) pairs, locked, by pair."""
    held = await tx.fetch_all(_lock(tx.dialect), _give_pairs(workspace_id, rows))
    return {(row["campaign_id"], row["position"]): row for row in held}


@cache
def _lock(dialect: str) -> Executable:
    in_order = select(recipients).where(_among(dialect)).order_by(recipients.c.campaign_id, recipients.c.position)
    return in_order.with_for_update(of=[recipients])


def _give_pairs(workspace_id: str, rows: Sequence[Pair]) -> dict[str, str]:
    return give([dict(zip(KEY, (workspace_id, *pair), strict=True)) for pair in rows])


def _among(dialect: str) -> ColumnElement[bool]:
    """Whether a recipient is one of the given pairs."""
    return _is_in(given_rows(dialect, *(like(recipients.c[name]) for name in KEY)))


def _is_in(given: FromClause) -> ColumnElement[bool]:
    """By the whole key, the workspace too: with less, SQLite begins with the recipients and reads all of the workspace's."""
    return and_(*(recipients.c[name] == given.c[name] for name in KEY))


def _is_held() -> ColumnElement[bool]:
    """Whether a recipient is claimed under this fence."""
    return and_(recipients.c.state == Delivery.SENDING.value, recipients.c.fence == bindparam("b_fence"))


def _with_subscribers(*more: ColumnElement[Any]) -> Select[Any]:
    """What a move and policy ask of a recipient, and no more: claims are read in bulk."""
    moved = [recipients.c[name] for name in (*KEY, "subscriber_id", "state", "reason", "attempts", "unexplained")]
    standing = (subscribers.c.opted_out_at.label("subscriber_opted_out_at"), subscribers.c.next_eligible_at)
    return select(*moved, *standing, subscribers.c.token, subscribers.c.expires_at, *more).join_from(
        recipients,
        subscribers,
        and_(subscribers.c.workspace_id == recipients.c.workspace_id, subscribers.c.id == recipients.c.subscriber_id),
    )


async def abandoned_recipients(tx: Transaction, workspace_id: str, page_id: str, fence: int, limit: int) -> list[Row]:
    """Recipients of a Page claimed under an older fence: their owner died."""
    of_page = select(campaigns.c.id).where(
        campaigns.c.workspace_id == workspace_id, campaigns.c.page_id == page_id, campaigns.c.launched_at.is_not(None)
    )
    launched = [row["id"] for row in await tx.fetch_all(of_page)]
    query = (
        select(recipients)
        .where(
            recipients.c.workspace_id == workspace_id,
            recipients.c.campaign_id.in_(launched),
            recipients.c.state == literal_column(f"'{Delivery.SENDING.value}'"),
            recipients.c.fence < fence,
        )
        .order_by(recipients.c.campaign_id, recipients.c.position)
        .limit(limit)
        .with_for_update()
    )
    return await tx.fetch_all(query) if launched else []


async def queued_recipients(tx: Transaction, workspace_id: str, campaign_id: str, limit: int) -> list[Row]:
    """Recipients not yet handed over, locked."""
    query = select(recipients).where(
        recipients.c.workspace_id == workspace_id,
        recipients.c.campaign_id == campaign_id,
        recipients.c.state == literal_column(f"'{Delivery.QUEUED.value}'"),
    )
    return await tx.fetch_all(query.order_by(recipients.c.position).limit(limit).with_for_update())


async def next_due(tx: Transaction, workspace_id: str, campaign_id: str) -> int | None:
    """When the earliest waiting recipient of a campaign is due; 0 when one is due at once; None when none is queued."""
    query = select(func.min(func.coalesce(recipients.c.not_before, 0)).label("at")).where(
        recipients.c.workspace_id == workspace_id,
        recipients.c.campaign_id == campaign_id,
        recipients.c.state == literal_column(f"'{Delivery.QUEUED.value}'"),
    )
    row = await tx.fetch_one(query)
    return None if row is None else row["at"]


# -- receipts -------------------------------------------------------------------------------------------------------


async def by_tracking(tx: Transaction, workspace_id: str, tracking_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Tracking id -> (campaign, position)."""
    query = select(tracking).where(tracking.c.workspace_id == workspace_id, tracking.c.tracking_id.in_(tracking_ids))
    return {row["tracking_id"]: (row["campaign_id"], row["position"]) for row in await tx.fetch_all(query)}


async def by_token(
    tx: Transaction, workspace_id: str, page_id: str, tokens: Sequence[str]
) -> dict[tuple[str, str], tuple[str, int]]:
    """(token, Meta's campaign id) -> (campaign, position), for every campaign these tokens of a Page are in.

    Two statements, so that no planner begins with the recipients of the whole workspace.
    """
    people = select(subscribers.c.id, subscribers.c.token).where(
        subscribers.c.workspace_id == workspace_id, subscribers.c.page_id == page_id, subscribers.c.token.in_(tokens)
    )
    token_of = {row["id"]: row["token"] for row in await tx.fetch_all(people)}
    if not token_of:
        return {}
    query = (
        select(recipients.c.subscriber_id, campaigns.c.meta_id, recipients.c.campaign_id, recipients.c.position)
        .join(campaigns, and_(campaigns.c.workspace_id == recipients.c.workspace_id, campaigns.c.id == recipients.c.campaign_id))
        .where(recipients.c.workspace_id == workspace_id, recipients.c.subscriber_id.in_(list(token_of)))
    )
    found = await tx.fetch_all(query)
    return {(token_of[row["subscriber_id"]], row["meta_id"]): (row["campaign_id"], row["position"]) for row in found}


async def latest_reached(tx: Transaction, workspace_id: str, subscriber_ids: Sequence[str]) -> list[Row]:
    """For each subscriber the recipient row of the campaign that reached them last, locked, where none noted an opt-out yet."""
    query = select(recipients.c.subscriber_id, recipients.c.sent_at, recipients.c.campaign_id, recipients.c.position).where(
        recipients.c.workspace_id == workspace_id, recipients.c.subscriber_id.in_(subscriber_ids)
    )
    last: dict[str, tuple[int, str, int]] = {}
    for row in await tx.fetch_all(query.where(recipients.c.sent_at.is_not(None))):
        reached = (row["sent_at"], row["campaign_id"], row["position"])
        last[row["subscriber_id"]] = max(reached, last.get(row["subscriber_id"], reached))
    if not last:
        return []
    held = await lock_recipients(tx, workspace_id, [(campaign_id, position) for _, campaign_id, position in last.values()])
    return [row for row in held.values() if row["opted_out_at"] is None]


async def list_recipients(
    tx: Transaction, workspace_id: str, campaign_id: str, *, state: str | None, after: int | None, limit: int
) -> list[Row]:
    """Recipients in the order of sending, from behind the cursor."""
    query = select(recipients).where(recipients.c.workspace_id == workspace_id, recipients.c.campaign_id == campaign_id)
    if state is not None:
        query = query.where(recipients.c.state == state)
    if after is not None:
        query = query.where(recipients.c.position > after)
    return await tx.fetch_all(query.order_by(recipients.c.position).limit(limit))
