"""When a marketing message may go: pure choices over what is known of a recipient. Source: fact page 5, read 2026-11."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WARM_UP = timedelta(hours=1)
"""Meta lets a campaign send one hour after its creation (enforced since 2026-05-05)."""

COOL_DOWN = timedelta(hours=12)
"""One marketing message a token in twelve hours (since 2025-08-11)."""

VISIBLE_MATCHES = 100
"""Below so many matched people Meta lists no token of an audience."""

VANISHED_AFTER = 2
"""A token missing from so many consecutive complete, unfiltered lists has been opted out."""


class Closed:
    """Why a subscriber is left out at launch or closed at claim: the stable words of `excluded` and `failed`."""

    OPTED_OUT = "opted_out"
    COOL_DOWN = "cool_down"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a reason, not a secret)
    NO_CONSENT_RECORD = "no_consent_record"
    NOT_IN_AUDIENCE = "not_in_audience"
    CAMPAIGN_EXPIRED = "expired"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a recipient at hand-over."""

    opted_out: bool
    next_eligible_at: datetime | None
    token_expires_at: datetime | None
    campaign_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Go:
    """Hand it over now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """Never: it ends here under our own code."""

    reason: str
    expired: bool = False


def decide_handover(standing: Standing, now: datetime) -> Go | Wait | Close:
    """Whether one recipient may be handed to Meta at `now`. Asked inside the claim's transaction."""
    if standing.opted_out:
        return Close(Closed.OPTED_OUT)
    if standing.campaign_expires_at is not None and now >= standing.campaign_expires_at:
        return Close(Closed.CAMPAIGN_EXPIRED, expired=True)
    if standing.token_expires_at is not None and now >= standing.token_expires_at:
        return Close(Closed.TOKEN_EXPIRED)
    if standing.next_eligible_at is not None and now < standing.next_eligible_at:
        ends = (standing.next_eligible_at, standing.campaign_expires_at, standing.token_expires_at)
        return Wait(min(end for end in ends if end is not None), Closed.COOL_DOWN)
    return Go()


def is_hidden(lower: int | None, upper: int | None) -> bool:
    """Whether an audience's tokens may be hidden by the threshold: its bounds are unknown, or do not surely reach 100."""
    return lower is None or upper is None or lower < VISIBLE_MATCHES


def backoff(attempts: int, *, first: float = 2.0, longest: float = 300.0) -> timedelta:
    """How long to wait after the given number of attempts: doubling, bounded."""
    return timedelta(seconds=min(longest, first * 2 ** min(attempts, 16)))
