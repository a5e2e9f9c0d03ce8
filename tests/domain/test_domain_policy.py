"""When a marketing message may go."""

from datetime import UTC, datetime, timedelta

import pytest

from guestlist.domain.policy import COOL_DOWN, Close, Go, Standing, Wait, backoff, decide_handover, is_hidden

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPEN = Standing(opted_out=False, next_eligible_at=None, token_expires_at=None, campaign_expires_at=None)
HOUR = timedelta(hours=1)


def standing(**changes):
    fields = {name: getattr(OPEN, name) for name in Standing.__dataclass_fields__}
    return Standing(**{**fields, **changes})


@pytest.mark.parametrize(
    ("known", "decision"),
    [
        (OPEN, Go()),
        (standing(opted_out=True), Close("opted_out")),
        (standing(opted_out=True, campaign_expires_at=NOW - HOUR), Close("opted_out")),
        (standing(campaign_expires_at=NOW), Close("expired", expired=True)),
        (standing(campaign_expires_at=NOW + HOUR), Go()),
        (standing(token_expires_at=NOW), Close("token_expired")),
        (standing(next_eligible_at=NOW + HOUR), Wait(NOW + HOUR, "cool_down")),
        (standing(next_eligible_at=NOW), Go()),
        (standing(next_eligible_at=NOW - COOL_DOWN), Go()),
    ],
)
def test_what_is_known_decides(known, decision):
    assert decide_handover(known, NOW) == decision


@pytest.mark.parametrize(
    ("lower", "upper", "hidden"), [(None, None, True), (99, 120, True), (100, 120, False), (None, 500, True), (0, 0, True)]
)
def test_tokens_may_be_hidden_unless_a_hundred_surely_matched(lower, upper, hidden):
    assert is_hidden(lower, upper) is hidden


def test_back_off_doubles_and_is_bounded():
    waits = [backoff(n).total_seconds() for n in range(12)]
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 300
    assert backoff(10_000).total_seconds() == 300
