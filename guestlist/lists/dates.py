"""Dates of birth to year, month and day; whether day or month comes first is the column's to tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from .base import Reject
from .cells import find_damage, trim

_ISO = re.compile(r"(\d{4})[\-/.](\d{1,2})[\-/.](\d{1,2})(?:[T ]\d.*)?|(\d{4})(\d{2})(\d{2})", re.ASCII)
_NUMERIC = re.compile(r"(\d{1,2})[\-/. ]+(\d{1,2})[\-/. ]+(\d{4})(?: \d.*)?", re.ASCII)
_EASTERN = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_WORDED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[\s\-.]+([a-z]{3,9})|([a-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?)[\s\-.,]+(\d{4})",
    re.IGNORECASE | re.ASCII,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def find_date_parts(raw: str, *, month_first: bool = False) -> tuple[str, str, str] | None:
    """Year, month and day as written in digits, or None where the cell is no full date. Two-digit years are none."""
    text = trim(raw)
    if found := _ISO.fullmatch(text) or _EASTERN.fullmatch(text):
        year, month, day = (part for part in found.groups() if part)
    elif found := _NUMERIC.fullmatch(text):
        one, two, year = found.groups()
        swap = (month_first and int(one) <= 12) or int(two) > 12
        month, day = (one, two) if swap else (two, one)
    elif found := _WORDED.fullmatch(text):
        word = (found[2] or found[3])[:3].lower()
        year, month, day = found[5], str(_MONTHS.index(word) + 1 if word in _MONTHS else 0), found[1] or found[4]
    else:
        return None
    return (year, month, day) if _exists(year, month, day) else None


def _exists(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def split_date(raw: str, *, month_first: bool) -> tuple[str, str, str] | Reject:
    """The same as a rule: the three parts, or why not."""
    return find_damage(raw) or find_date_parts(raw, month_first=month_first) or Reject("birth_date_invalid")


def puts_month_first(cells: Iterable[str], region: str) -> bool:
    """Whether a column writes month before day: as its unmistakable dates do, else as the region does."""
    day_first = month_first = 0
    for cell in cells:
        if found := _NUMERIC.fullmatch(cell.strip()):
            day_first += int(found[1]) > 12
            month_first += int(found[2]) > 12
    return month_first > day_first if month_first != day_first else region in ("US", "PH", "FM", "PW", "MH")
