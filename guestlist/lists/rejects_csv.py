"""The rejects file: `row,column,code,value,remedy`, values masked, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from .base import Rejected

COLUMNS = ("row", "column", "code", "value", "remedy")
_FORMULA_STARTS = frozenset("=+-@|%＝＋－＠")


def defuse(text: str) -> str:
    """The text as a spreadsheet shows it rather than runs it: no controls, an apostrophe before what would start a formula."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return f"'{shown}" if starts_formula(shown) else shown


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet might run the text: it starts with a formula's sign, blanks and controls aside."""
    first = next((char for char in text if char.isprintable() and not char.isspace()), "")
    return first in _FORMULA_STARTS


class RejectsWriter:
    """Writes rejects as they come. The stream should be opened with `newline=""`."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, rejects: Iterable[Rejected]) -> None:
        """One line each."""
        self._writer.writerows((one.row, *map(defuse, (one.column, one.code, one.value, one.remedy))) for one in rejects)
