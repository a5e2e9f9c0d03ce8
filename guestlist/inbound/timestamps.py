"""Instants on the wire: seconds in one field, milliseconds in the next, and now and then the year 33658.

A time that cannot be is no time: the event stands, its `at` is None, and nothing is refused or reordered for it.
Source: fact page 0.1, 2 and 13.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MILLISECONDS_FROM = 10**12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=1)
_LONGEST_VALIDITY = timedelta(days=3660)
_MOST_DIGITS = 15
_ABSURD = 10**14  # year 5138: kept away from datetime, which ends at 9999


def parse_instant(value: object, received_at: datetime) -> datetime | None:
    """When an event happened; None for what is no time, before 2015, or more than a day after it was received.

    Units: from 10^12 up milliseconds since 1970 UTC, below that seconds; a number, or a string of digits.
    """
    return _parse(value, latest=received_at + _CLOCK_SKEW)


def parse_expiry(value: object, received_at: datetime) -> datetime | None:
    """When something ends; None for what is no time, before 2015, or more than ten years after it was received."""
    return _parse(value, latest=received_at + _LONGEST_VALIDITY)


def _parse(value: object, *, latest: datetime) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    milliseconds = value if value >= _MILLISECONDS_FROM else value * 1000
    if not 0 < milliseconds < _ABSURD:
        return None
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    return instant if _EARLIEST <= instant <= latest else None
