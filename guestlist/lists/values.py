"""Typed values of workbooks, Parquet and JSON as the text a person would have typed: phones keep every digit, dates are ISO."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

_EXACT = 2**53
"""Up to here a float holds every whole number. Beyond, digits are lost, and the text says so by its exponent."""


def number_text(value: float) -> str:
    """`447911123456.0` as `447911123456`; a fraction as it is; "" for what is no number."""
    if value != value:
        return ""
    return str(int(value)) if abs(value) <= _EXACT and value.is_integer() else repr(value)


def moment_text(value: datetime | date | time) -> str:
    """ISO 8601; midnight is a date alone."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat()


def value_text(value: object) -> str | None:
    """The text of a single value, "" where it is missing, or None where it is a list or an object."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, datetime | date | time):
        return moment_text(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return ""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
