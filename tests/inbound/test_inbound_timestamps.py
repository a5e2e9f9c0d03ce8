"""Instants on the wire: seconds, milliseconds, and those that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbound_driver import RECEIVED

from guestlist.inbound.timestamps import parse_expiry, parse_instant

JUNE = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
DAY = 86_400


@pytest.mark.parametrize("value", [1750000000, 1750000000000, "1750000000", "1750000000000", 1.75e9, 1.75e12])
def test_seconds_and_milliseconds_tell_the_same_instant(value: object) -> None:
    assert parse_instant(value, RECEIVED) == JUNE


def test_milliseconds_are_kept() -> None:
    assert parse_instant(1750000000123, RECEIVED) == JUNE + timedelta(milliseconds=123)


@pytest.mark.parametrize(
    "value",
    [None, 0, -1, True, 1.5, "", "soon", "-5", "1750000000.0", "١٧٥", [], {}, 10**15, 10**30, 1e300, "9" * 400, 1000000000000000],
)
def test_what_cannot_be_a_time_is_none(value: object) -> None:
    assert parse_instant(value, RECEIVED) is None


def test_the_window_is_2015_to_a_day_after_receipt() -> None:
    first, received = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp()), int(RECEIVED.timestamp())
    for second, plausible in [(first - 1, False), (first, True), (received + DAY, True), (received + DAY + 1, False)]:
        assert (parse_instant(second, RECEIVED) is not None) is plausible


def test_an_expiry_may_lie_in_the_future_but_not_beyond_ten_years() -> None:
    received = int(RECEIVED.timestamp())
    assert parse_expiry(1790000000, RECEIVED) == parse_expiry(1790000000000, RECEIVED) == datetime.fromtimestamp(1790000000, UTC)
    assert parse_expiry(received + 11 * 366 * DAY, RECEIVED) is None


@given(st.integers() | st.floats() | st.text() | st.none())
def test_no_value_raises(value: object) -> None:
    instant = parse_instant(value, RECEIVED)
    assert instant is None or instant <= RECEIVED + timedelta(days=1)
