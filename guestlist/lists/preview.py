"""What a person wants to see of a list before trusting it: some rows, the problems first, and what to expect."""

from __future__ import annotations

from collections import Counter

from .base import ExpectedMatch, ListReport, PreviewRow
from .masking import mask
from .rows import Row

MATCH_SHARE = (20, 70)
"""Percent of the usable rows that Meta may match. Source: fact page 1.2."""

ENOUGH = 100
"""Rows with an identifier that Meta advises; matched people from which it shows tokens."""

_OF_ONE_CODE = 3


class Preview:
    """Collects rows for the preview: a few of each problem, and good ones behind them."""

    def __init__(self, schema: tuple[str, ...], limit: int) -> None:
        self._schema = schema
        self._limit = limit
        self._seen: Counter[str] = Counter()
        self._problems: list[PreviewRow] = []
        self._good: list[PreviewRow] = []

    def add(self, number: int, row: Row, lost: str = "") -> None:
        """Considers a row. `lost` is the code that loses it."""
        if not row.dropped and not lost:
            if len(self._good) < self._limit:
                self._good.append(self._shown(number, row, ()))
            return
        codes = tuple(dict.fromkeys((*((lost,) if lost else ()), *(cell.code for cell in row.dropped))))
        if len(self._problems) < self._limit and any(self._seen[code] < _OF_ONE_CODE for code in codes):
            self._seen.update(codes)
            self._problems.append(self._shown(number, row, codes))

    def _shown(self, number: int, row: Row, codes: tuple[str, ...]) -> PreviewRow:
        cells = {
            key: (mask(raw), mask(value), digest[:8])
            for key, raw, value, digest in zip(self._schema, row.raws, row.values, row.digests, strict=True)
            if raw
        }
        return PreviewRow(number, cells, codes)

    def rows(self) -> list[PreviewRow]:
        """The problems first; at least a third of the rows are good ones, if there are that many."""
        room = max(self._limit - len(self._good), self._limit * 2 // 3)
        problems = self._problems[:room]
        return problems + self._good[: self._limit - len(problems)]


def expect_match(usable: int) -> ExpectedMatch:
    """The range of people Meta may match."""
    low, high = MATCH_SHARE
    grounds = f"Meta states that {low} to {high} % of a list's people are usually matched; these are {usable:,} usable rows."
    return ExpectedMatch(usable * low // 100, -(-usable * high // 100), grounds)


def find_warnings(report: ListReport, *, by_column: int, guessed_encoding: bool) -> list[str]:
    """What a person should know before uploading, in sentences."""
    warnings = []
    if report.usable < ENOUGH:
        warnings.append(f"Only {report.usable} rows have a usable e-mail or phone. Meta advises at least {ENOUGH} for a list.")
    if report.expected_match and report.expected_match.lower < ENOUGH:
        warnings.append(
            f"The expected match starts at {report.expected_match.lower} people. Meta shows tokens only above {ENOUGH} matched "
            "people; at 20 to 70 % that takes 150 to 500 usable rows."
        )
    if guessed_encoding and report.encoding != "utf-8":
        warnings.append(f"The file was read as {report.encoding}, a guess. If names look wrong, name the encoding.")
    if by_column:
        warnings.append(
            f"{by_column:,} phone numbers read both as national ones and with a country code; they were read the way "
            "the clear numbers of their column are written."
        )
    if report.duplicates > report.usable:
        warnings.append(
            f"Most rows stand there more than once: {report.duplicates:,} duplicates of {report.usable:,} rows were left out."
        )
    unsure = [column for column in report.mapping if column.certainty == "unsure"]
    if unsure:
        names = ", ".join(f"{column.name!r} (maybe {column.key})" for column in unsure[:5])
        warnings.append(f"Not used because unsure: {names}. Map them yourself if they are right.")
    invalid = report.dropped_cells.get("phone_invalid", 0)
    if invalid > 20 and 5 * invalid > report.usable:
        warnings.append(f"{invalid:,} phone numbers are valid in no plan. Is {report.region} the right region for this list?")
    return warnings
