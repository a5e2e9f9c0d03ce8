"""Ids that grow: a noun's prefix and a UUIDv7 in Crockford base 32, such as `cmp_01hq3k5y8v7d2w9g4m6n0p1r2s`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """Where the business time comes from: the system's in `serve`, the emulator's in `demo`, a frozen one in tests."""

    def now(self) -> datetime:
        """The current instant, aware, UTC."""
        ...


class Ids(Protocol):
    """Makes ids. Seeded in tests."""

    def new(self, prefix: str) -> str:
        """A fresh id that sorts after every earlier one of this process."""
        ...

    def integer63(self) -> int:
        """A random positive 63-bit integer, for Meta's caller-chosen session ids."""
        ...


def encode_id(prefix: str, milliseconds: int, tail: int) -> str:
    """The id for an instant (ms since 1970) and an 80-bit tail."""
    number = (milliseconds << 80) | (tail & ((1 << 80) - 1))
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"
