"""What a column holds, judged by its first cells: the share of sound values per key, and whether that is safe to go by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from .base import Key, Reject
from .cells import HEX_DIGEST, find_digest
from .dates import split_date
from .headers import DOB, FULL_NAME
from .names import split_name
from .phones import normalise_phone
from .rules import (
    normalise_birth_day,
    normalise_birth_month,
    normalise_birth_year,
    normalise_country,
    normalise_email,
    normalise_gender,
    normalise_state,
    normalise_zip,
)

MAX_CELLS = 200
"""Cells looked at per column."""

_LAST_YEAR = 2100  # a birth year is judged by the current year only when it is hashed
POSTCODES = {
    "GB": re.compile(r"[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}"),
    "CA": re.compile(r"[A-Za-z]\d[A-Za-z][\s\-]?\d[A-Za-z]\d"),
    "NL": re.compile(r"\d{4}\s?[A-Za-z]{2}"),
    "IE": re.compile(r"[A-Za-z]\d[\dWw]\s?[A-Za-z\d]{4}"),
}
"""Postal codes that nothing else looks like."""


class Content:
    """The first filled cells of a column. Shares are worked out when asked for: columns may be many."""

    def __init__(self, cells: Sequence[str], region: str) -> None:
        self._cells = [cell.strip() for cell in cells if cell.strip()][:MAX_CELLS]
        self._region = region
        self._shares: dict[str, float] = {}
        self.filled = len(self._cells)
        self.hashed = self.filled > 0 and sum(HEX_DIGEST.fullmatch(cell) is not None for cell in self._cells) >= 0.9 * self.filled
        faults = [fault.remedy for cell in self._cells if (fault := find_digest(cell)) and fault.remedy]
        self.useless = faults[0] if faults and len(faults) >= 0.9 * self.filled else ""  # digests, but not SHA-256 in hex
        self.in_spanish = {cell.lower() for cell in self._cells} == {"h", "m"}  # hombre, mujer: m would be misread

    @property
    def in_two_words(self) -> bool:
        """Whether most cells are of two words or more, as full names are."""
        return self.filled > 0 and self._most(lambda cell: len(cell.split()) >= 2, 0.6)

    def share(self, key: str) -> float:
        """The share of filled cells that are sound values of a key."""
        if key not in self._shares and self.filled:
            rule = _RULES.get(key)
            sound = sum(not isinstance(rule(cell, self._region), Reject) for cell in self._cells) if rule else 0
            self._shares[key] = sound / self.filled
        return self._shares.get(key, 0.0)

    def best(self) -> tuple[str | None, bool]:
        """The likeliest key by content alone, and whether it is safe to use. Names, dates and short codes never are."""
        if not self.filled or self.hashed:
            return None, False
        if self._most(lambda cell: "@" in cell, 0.6) and self.share(Key.EMAIL) >= 0.6:
            return Key.EMAIL, True
        if self._most(_has_phone_length, 0.6) and self.share(Key.PHONE) >= 0.6:
            return Key.PHONE, self._written_as_phones()
        postcode = POSTCODES.get(self._region)
        if postcode and self._most(lambda cell: postcode.fullmatch(cell) is not None, 0.8):
            return Key.ZIP, True
        if self.share(Key.COUNTRY) >= 0.8:
            return Key.COUNTRY, self._most(lambda cell: len(cell) > 3, 0.8)
        return next(((key, False) for key in (DOB, Key.GEN) if self.share(key) >= 0.8), (None, False))

    def _most(self, test: Callable[[str], bool], share: float) -> bool:
        return sum(map(test, self._cells)) >= share * self.filled

    def _written_as_phones(self) -> bool:
        """Whether numbers are phones beyond doubt: grouped or with a plus or leading zero, or nearly all valid and in no order.

        Bare digits that rise from row to row are a counter, however valid they look.
        """
        if self._most(lambda cell: cell[0] in "+0(" or any(char in " -().+/" for char in cell), 0.6):
            return True
        rising = self.filled > 2 and all(earlier < later for earlier, later in pairwise(self._cells))
        return self.share(Key.PHONE) >= 0.9 and not rising


def _has_letters(cell: str) -> bool | Reject:
    """Whether a cell may be a name or a place: letters, and neither an address nor mostly digits."""
    letters, digits = sum(map(str.isalpha, cell)), sum(map(str.isdecimal, cell))
    return (letters > digits and "@" not in cell and len(cell) <= 80) or Reject("no_letters")


_RULES: dict[str, Callable[[str, str], object]] = {
    Key.EMAIL: lambda cell, region: normalise_email(cell),
    Key.PHONE: normalise_phone,
    Key.GEN: lambda cell, region: normalise_gender(cell),
    Key.DOBY: lambda cell, region: normalise_birth_year(cell, _LAST_YEAR),
    Key.DOBM: lambda cell, region: normalise_birth_month(cell),
    Key.DOBD: lambda cell, region: normalise_birth_day(cell),
    Key.FN: lambda cell, region: _has_letters(cell),
    Key.LN: lambda cell, region: _has_letters(cell),
    Key.FI: lambda cell, region: _has_letters(cell),
    Key.CT: lambda cell, region: _has_letters(cell),
    Key.ST: normalise_state,
    Key.ZIP: lambda cell, region: normalise_zip(cell, ""),  # the rows may name other countries
    Key.COUNTRY: lambda cell, region: normalise_country(cell),
    FULL_NAME: lambda cell, region: split_name(cell),
    DOB: lambda cell, region: split_date(cell, month_first=False),
}


def looks_like_data(header: str) -> bool:
    """Whether what stands in the header's place may be a customer's: such words are never kept."""
    return "@" in header or _has_phone_length(header)


def _has_phone_length(cell: str) -> bool:
    return sum(char.isdecimal() for char in cell) >= 7
