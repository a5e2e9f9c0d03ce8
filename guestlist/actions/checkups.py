"""Check-ups: whether what the work rests on is sound, each finding with its way out. Nothing is changed, here or at Meta."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select

from guestlist.domain.matching import PhoneMatching, Voucher
from guestlist.domain.states import Delivery
from guestlist.errors import DependencyError, GuestlistError
from guestlist.graph.base import ErrorClass, GraphError
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms
from guestlist.storage.tables import campaign_counts, webhooks

from .base import Services
from .matching import check_matching, state_of
from .pages import WEBHOOK_FIELDS, check_ads_token, check_page_token, check_terms

ENDS_SOON = timedelta(days=7)


class Health(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what it found. `foreign` failures are not ours to mend: something we depend on is down."""

    name: str
    health: Health
    sentence: str
    remedy: str = ""
    foreign: bool = False


def failed(name: str, error: GuestlistError) -> Finding:
    """A failure as an error tells it."""
    return Finding(name, Health.FAIL, error.sentence, error.remedy, foreign=isinstance(error, DependencyError))


async def check_page(services: Services, page: Row) -> list[Finding]:
    """A connected Page: its tokens and their permissions, the ad account's terms, the webhook subscription."""
    steps: dict[str, Callable[[], Awaitable[Finding]]] = {
        "token": lambda: _check_page_token(services, page),
        "ads token": lambda: _check_ads_token(services, page),
        "terms": lambda: _check_terms(services, page),
        "webhooks": lambda: _check_webhooks(services, page),
    }
    if state_of(page) is PhoneMatching.ENABLED:
        steps["phone matching"] = lambda: _check_matching(services, page)
    return [await _run(f"{page['name']}: {name}", step) for name, step in steps.items()]


async def _run(name: str, step: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        found = await step()
    except GuestlistError as error:
        return failed(name, error)
    except GraphError as error:
        foreign = error.kind in (ErrorClass.RETRY, ErrorClass.WAIT)
        remedy = "Try again later." if foreign else "Connect the Page again with fresh tokens: guestlist pages connect"
        return Finding(name, Health.FAIL, error.sentence, remedy, foreign=foreign)
    return Finding(name, found.health, found.sentence, found.remedy)


async def _check_page_token(services: Services, page: Row) -> Finding:
    info = await services.page_graph(page).debug_token()
    check_page_token(services, info, page["page_id"])
    if page["state"] != "connected":
        sentence = f"The Page's work rests: {page['reason']}"
        return Finding("", Health.FAIL, sentence, "Connect it again with fresh tokens: guestlist pages connect")
    return _tell_end(services, info.expires_at)


async def _check_ads_token(services: Services, page: Row) -> Finding:
    info = await services.ads_graph(page).debug_token()
    check_ads_token(services, info)
    return _tell_end(services, info.expires_at)


def _tell_end(services: Services, expires_at: datetime | None) -> Finding:
    if expires_at is None:
        return Finding("", Health.OK, "Valid, with every permission; it does not end.")
    soon = expires_at - services.clock.now() < ENDS_SOON
    remedy = "Connect the Page again with a fresh token before that." if soon else ""
    sentence = f"Valid, with every permission, until {expires_at:%Y-%m-%d %H:%M} UTC."
    return Finding("", Health.WARN if soon else Health.OK, sentence, remedy)


async def _check_terms(services: Services, page: Row) -> Finding:
    check_terms(await services.ads_graph(page).read_terms(page["ad_account_id"]))
    return Finding("", Health.OK, "The ad account has accepted Meta's Custom Audience terms.")


async def _check_webhooks(services: Services, page: Row) -> Finding:
    missing = set(WEBHOOK_FIELDS) - await services.page_graph(page).subscribed_fields(page["page_id"])
    if missing:
        sentence = f"The app is not subscribed to: {', '.join(sorted(missing))}."
        return Finding("", Health.FAIL, sentence, "Connect the Page again: guestlist pages connect")
    return Finding("", Health.OK, f"All {len(WEBHOOK_FIELDS)} webhook fields are subscribed.")


async def _check_matching(services: Services, page: Row) -> Finding:
    """Only where it is enabled: elsewhere nothing is sent to phone numbers over Messenger."""
    conditions = (await check_matching(services, page)).conditions
    unmet = [each for each in conditions if not each.met]
    if unmet:
        sentence = " ".join(f"{each.name}: {each.sentence}" for each in unmet)
        health = Health.FAIL if any(each.met is False for each in unmet) else Health.WARN
        return Finding("", health, sentence, " ".join(dict.fromkeys(each.remedy for each in unmet)))
    by = {who: [each.name for each in conditions if each.by is who] for who in Voucher}
    sentence = f"Verified: {', '.join(by[Voucher.GRAPH])}. Declared by the owner: {', '.join(by[Voucher.OWNER])}."
    return Finding("", Health.OK, sentence)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits or is in doubt. `oldest` is when the first waiting webhook came."""

    webhooks_waiting: int
    oldest: datetime | None
    webhooks_refused: int
    unknown_recipients: int


async def read_backlog(services: Services, workspace_id: str) -> Backlog:
    """The backlog as it stands. Errors: DependencyError."""

    async def unit(tx: Transaction) -> Backlog:
        counted = select(func.count().label("n"), func.min(webhooks.c.received_at).label("first"))
        [waiting] = await tx.fetch_all(counted.where(webhooks.c.state == "stored"))
        [refused] = await tx.fetch_all(counted.where(webhooks.c.state == "refused"))
        total = select(func.coalesce(func.sum(campaign_counts.c.n), 0).label("n"))
        in_doubt = total.where(
            campaign_counts.c.workspace_id == workspace_id, campaign_counts.c.measure == Delivery.UNKNOWN.value
        )
        [unknown] = await tx.fetch_all(in_doubt)
        oldest = from_ms(waiting["first"]) if waiting["n"] else None
        return Backlog(waiting["n"], oldest, refused["n"], int(unknown["n"]))

    return await services.db.read(unit)
