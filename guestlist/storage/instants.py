"""Instants in rows: milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def to_ms(instant: datetime) -> int:
    """The row form. Errors: ValueError for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is no instant")
    return int(instant.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The instant of a row."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def maybe_ms(instant: datetime | None) -> int | None:
    """The row form of an instant that may be missing."""
    return None if instant is None else to_ms(instant)


def maybe_from_ms(milliseconds: int | None) -> datetime | None:
    """The instant of a row where it may be missing."""
    return None if milliseconds is None else from_ms(milliseconds)
