"""Statements about recipients: snapshot at launch, claim, and the one way in which states move and counts follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
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

from guestlist.domain.policy import Closed
from guestlist.domain.states import Delivery, Source

from .base import Row, Transaction
from .tables import campaign_counts, campaigns, pages, recipients, subscriber_audiences, subscribers, tracking

REASONED = frozenset({Delivery.UNKNOWN, Delivery.EXPIRED, Delivery.FAILED})
"""States counted by reason."""


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
    """A move of a stored recipient; attempts that are not given stay."""
    kept = {"attempts": row["attempts"], **values}
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
_state = bindparam("b_state", type_=recipients.c.state.type)
_move = (
    update(recipients)
    .where(
        recipients.c.workspace_id == bindparam("b_workspace_id"),
        recipients.c.campaign_id == bindparam("b_campaign_id"),
        recipients.c.position == bindparam("b_position"),
    )
    .values(
        state=_state,
        called_at=case((_state == Delivery.QUEUED.value, null()), else_=recipients.c.called_at),
        reason=bindparam("b_reason"),
        attempts=bindparam("b_attempts"),
        fence=bindparam("b_fence", type_=recipients.c.fence.type),
        not_before=bindparam("b_not_before", type_=recipients.c.not_before.type),
        **{name: func.coalesce(recipients.c[name], bindparam(f"b_{name}", type_=recipients.c[name].type)) for name in _KEPT},
    )
)
_count = upsert(campaign_counts)
_count = _count.on_conflict_do_update(
    index_elements=["workspace_id", "campaign_id", "measure", "reason"], set_={"n": campaign_counts.c.n + _count.excluded.n}
)
_track = upsert(tracking).on_conflict_do_nothing(index_elements=["workspace_id", "tracking_id"])


async def apply_moves(tx: Transaction, moves: Sequence[Move]) -> None:
    """Moves recipients and their campaigns' counts together. The caller holds the rows' locks and decided by their old states."""
    if not moves:
        return
    ordered = sorted(moves, key=lambda move: (move.workspace_id, move.campaign_id, move.position))
    await tx.execute_many(_move, [_parameters(move) for move in ordered])
    tracked = [
        {"workspace_id": m.workspace_id, "tracking_id": m.tracking_id, "campaign_id": m.campaign_id, "position": m.position}
        for m in ordered
        if m.tracking_id
    ]
    if tracked:
        await tx.execute_many(_track, tracked)
    await add_counts(tx, _deltas(ordered))


def _parameters(move: Move) -> dict[str, Any]:
    values = {
        f"b_{name}": getattr(move, name) for name in ("workspace_id", "campaign_id", "position", "reason", "attempts", "fence")
    }
    return {**values, "b_state": move.new.value, "b_not_before": move.not_before, **{f"b_{n}": getattr(move, n) for n in _KEPT}}


def _deltas(moves: Sequence[Move]) -> Counter[tuple[str, str, str, str]]:
    deltas: Counter[tuple[str, str, str, str]] = Counter()
    for move in moves:
        campaign = (move.workspace_id, move.campaign_id)
        deltas[(*campaign, move.old.value, move.old_reason if move.old in REASONED else "")] -= 1
        deltas[(*campaign, move.new.value, move.reason if move.new in REASONED else "")] += 1
        if move.first_click:
            deltas[(*campaign, "clicked", "")] += 1
        if move.first_opt_out:
            deltas[(*campaign, "opted_out", "")] += 1
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


async def claimed_recipients(tx: Transaction, workspace_id: str, rows: Sequence[tuple[str, int]], fence: int) -> list[Row]:
    """Those of the (campaign, position) pairs that we still hold, locked, each with its subscriber's and campaign's standing."""
    query = (
        _with_subscribers(campaigns.c.state.label("campaign_state"), pages.c.state.label("page_state"))
        .join(campaigns, and_(campaigns.c.workspace_id == recipients.c.workspace_id, campaigns.c.id == recipients.c.campaign_id))
        .join(pages, and_(pages.c.workspace_id == campaigns.c.workspace_id, pages.c.id == campaigns.c.page_id))
        .where(recipients.c.state == Delivery.SENDING.value, recipients.c.fence == fence)
        .order_by(recipients.c.position)
        .with_for_update(of=[recipients])
    )
    return [row for of_campaign in _among(workspace_id, rows) for row in await tx.fetch_all(query.where(of_campaign))]


async def mark_called(tx: Transaction, workspace_id: str, rows: Sequence[tuple[str, int]], at: int) -> None:
    """Notes that the calls for these (campaign, position) pairs are about to be made. From here on they are in doubt."""
    for of_campaign in _among(workspace_id, rows):
        await tx.execute(update(recipients).where(of_campaign).values(called_at=at))


async def lock_recipients(tx: Transaction, workspace_id: str, rows: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Row]:
    """The rows of (campaign, position) pairs, locked, by pair."""
    query = select(recipients).order_by(recipients.c.position).with_for_update()
    held = [row for of_campaign in _among(workspace_id, rows) for row in await tx.fetch_all(query.where(of_campaign))]
    return {(row["campaign_id"], row["position"]): row for row in held}


def _among(workspace_id: str, rows: Sequence[tuple[str, int]]) -> list[ColumnElement[bool]]:
    """One condition per campaign for (campaign, position) pairs, in the order of locking.

    Not one for all: SQLite searches no index for a list of pairs, and reads the whole workspace instead.
    """
    of_workspace = recipients.c.workspace_id == workspace_id
    positions: dict[str, list[int]] = {}
    for campaign_id, position in rows:
        positions.setdefault(campaign_id, []).append(position)
    return [
        and_(of_workspace, recipients.c.campaign_id == campaign_id, recipients.c.position.in_(wanted))
        for campaign_id, wanted in sorted(positions.items())
    ]


def _with_subscribers(*more: ColumnElement[Any]) -> Select[Any]:
    standing = (subscribers.c.token, subscribers.c.opted_out_at.label("subscriber_opted_out_at"))
    times = (subscribers.c.next_eligible_at, subscribers.c.expires_at)
    return select(recipients, *standing, *times, *more).join(
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
