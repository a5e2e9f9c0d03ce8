"""Ids that grow: a noun's prefix and a UUIDv7 in Crockford base 32, such as `cmp_01hq3k5y8v7d2w9g4m6n0p1r2s`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from guestlist.errors import UsageError

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS = {character: value for value, character in enumerate(ALPHABET)}
_BITS = 128


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


def _decode(row_id: str) -> int:
    """The 128 bits of an id. Errors: ValueError for what is none of ours."""
    tail = row_id.rpartition("_")[2]
    number = 0
    for character in tail:
        if character not in _DIGITS:
            raise ValueError("this is no id of ours")
        number = number << 5 | _DIGITS[character]
    if len(tail) != 26 or number >> _BITS:
        raise ValueError("this is no id of ours")
    return number


def _encode(prefix: str, number: int) -> str:
    return encode_id(prefix, number >> 80, number)


def check_cursor(after: str, *prefixes: str) -> str:
    """The id behind which a listing goes on. Errors: UsageError `bad_cursor` for what is no id of its nouns."""
    prefix, _, _ = after.partition("_")
    try:
        _decode(after)
    except ValueError:
        prefix = ""
    if prefix not in prefixes:
        shapes = " or ".join(f"{each}_…" for each in prefixes)
        raise UsageError(
            f"`after` is no id of this listing ({shapes}).", code="bad_cursor", remedy="Give the `next` of the slice before."
        )
    return after


def to_uuid(row_id: str) -> str:
    """An id as Comapi shows it: its 128 bits as a GUID. Errors: ValueError for what is none of ours."""
    return str(UUID(int=_decode(row_id)))


def from_uuid(prefix: str, text: str) -> str:
    """The id of a noun behind a GUID, with or without dashes. Errors: ValueError for what is no GUID."""
    return _encode(prefix, UUID(text).int)


def to_decimal(row_id: str) -> str:
    """An id as Amio shows it: its 128 bits as a decimal number, as text. Errors: ValueError for what is none of ours."""
    return str(_decode(row_id))


def from_decimal(prefix: str, text: str) -> str:
    """The id of a noun behind a decimal number. Errors: ValueError for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 39) or int(text) >> _BITS:
        raise ValueError("this is no number of ours")
    return _encode(prefix, int(text))
