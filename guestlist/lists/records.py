"""Lines to records: quoting, quoted line ends, and a limit to the damage an unclosed quote can do.

A quote opens a quoted cell only at the cell's start, and closes it only before a delimiter or the line's end; any other
quote is a character (`5" pipe`). A quoted cell may run over line ends, but only if it closes strictly and no line within
it reads as a record of its own. Else the quote was never closed: that one line is lost, and reading goes on with the next.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

MAX_FIELD = 65_536
"""Characters a cell may have."""

MAX_LINE = 1_048_576
"""Characters a line may have; what is longer is cut off and the row rejected."""

MAX_LINES = 1_000
"""Lines a quoted cell may span."""

MORE_CELLS = 8
"""Cells beyond the file's width after which lines are no longer joined."""

_QUOTES = re.compile('"+')


class Record(NamedTuple):
    """One record: its cells, and the reject code if its form alone loses it. What is lost shows what it can."""

    cells: Sequence[str]
    fault: str = ""


def split_line(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line, or None when a quoted cell is still open at its end."""
    if '"' not in line:
        return line.split(delimiter)
    if line[0] == line[-1] == '"' and len(line) > 1:  # every cell quoted, the usual export: split at C speed
        cells = line[1:-1].split(f'"{delimiter}"')
        if line.count('"') == 2 * len(cells):
            return cells
    cells, is_open = _scan(line, delimiter)
    return None if is_open else cells


class _StrayQuoteError(Exception):
    """A quote inside a quoted cell that neither closes it nor is doubled."""


def _scan(line: str, delimiter: str, *, inside: bool = False) -> tuple[list[str], bool]:
    """The cells of a line, and whether the last is still open at its end.

    `inside`: the line continues an open cell, so its first cell belongs to that one. Then the reading is strict.
    Errors: `_StrayQuoteError` if strict.
    """
    cells: list[str] = []
    strict, start, end = inside, 0, len(line)
    while True:
        if inside or line.startswith('"', start):
            start += not inside
            inside = False
            close = _find_close(line, start, delimiter, strict=strict)
            if close < 0:
                return [*cells, line[start:].replace('""', '"')], True
            cells.append(line[start:close].replace('""', '"'))
            stop = close + 1
        else:
            found = line.find(delimiter, start)
            stop = end if found < 0 else found
            cells.append(line[start:stop])
        if stop >= end:
            return cells, False
        start = stop + 1


def _find_close(line: str, start: int, delimiter: str, *, strict: bool) -> int:
    """Where the quoted cell that starts here closes, or -1."""
    for run in _QUOTES.finditer(line, start):
        if (run.end() - run.start()) % 2 == 0:
            continue  # doubled quotes
        if run.end() == len(line) or line[run.end()] == delimiter:
            return run.end() - 1
        if strict:
            raise _StrayQuoteError
    return -1


def find_width(lines: Sequence[str], delimiter: str) -> tuple[int, float]:
    """The number of cells most records have, and their share of the lines that are not blank.

    Lines are counted one by one and as a plain CSV reader joins them, so that cells with line ends do not mislead. Of very
    long ones the first megabyte is looked at.
    """
    sizes = accumulate(map(len, lines))
    sample = [line for line, size in zip(lines, sizes, strict=False) if size <= MAX_LINE and line.strip()]
    if not sample:
        return 1, 0.0
    single = Counter(len(cells) for line in sample if (cells := split_line(line, delimiter)) is not None)
    joined = _joined_widths(sample, delimiter)
    width, _ = max((single + joined).items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return width, max(single[width] / len(sample), joined[width] / max(1, joined.total()))


def _joined_widths(sample: Sequence[str], delimiter: str) -> Counter[int]:
    """The widths a plain CSV reader finds, up to where it gives up."""
    widths: Counter[int] = Counter()
    try:
        for cells in csv.reader((line.replace("\r", " ") + "\n" for line in sample), delimiter=delimiter):
            widths[len(cells)] += 1
    except csv.Error:  # a cell beyond its limit
        return widths
    return widths


@dataclass(frozen=True, slots=True)
class PlainLines:
    """Lines that are a record each whatever stands around them: no quote in them, none longer than a cell may be.

    Cutting them is left to whoever reads them, which may be another process.
    """

    lines: Sequence[str]
    delimiter: str

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Record]:
        return (Record(line.split(self.delimiter)) for line in self.lines)


class RecordReader:
    """Turns blocks of lines into blocks of records. One pass, flat memory: it looks at most 64 KB ahead."""

    def __init__(self, blocks: Iterator[list[str]], delimiter: str, width: int) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._width = width
        self._lines: list[str] = []
        self._at = 0

    def blocks(self) -> Iterator[list[Record] | PlainLines]:
        """The records, a block for each block of lines."""
        while self._fill():
            if self._at == 0 and self._is_plain():
                yield PlainLines(self._lines, self._delimiter)
                self._lines = []
                continue
            records = []
            while self._at < len(self._lines):
                records.append(self._next())
            yield records

    def _is_plain(self) -> bool:
        """Whether every line at hand is a record of its own."""
        return '"' not in "".join(self._lines) and max(map(len, self._lines)) <= MAX_FIELD

    def _fill(self) -> bool:
        """Puts the next lines behind those at hand. False when the file has no more."""
        block = next((block for block in self._blocks if block), None)
        if block is None:
            return False
        self._lines = self._lines[self._at :] + block
        self._at = 0
        return True

    def _next(self) -> Record:
        line = self._lines[self._at]
        cells = split_line(line, self._delimiter)
        if cells is None:
            return self._spanning()
        self._at += 1
        if len(line) > MAX_FIELD and (len(line) > MAX_LINE or any(len(cell) > MAX_FIELD for cell in cells)):
            return Record((), "field_too_long")
        return Record(cells)

    def _spanning(self) -> Record:
        """The record whose quoted cell runs over the line's end, or the one line lost to an unclosed quote."""
        joined = self._join()
        if joined is not None:
            return Record(joined)
        line = self._lines[self._at]
        self._at += 1
        return Record((), "field_too_long") if len(line) > MAX_FIELD else Record((line,), "unclosed_quote")

    def _join(self) -> list[str] | None:
        """The cells of the record that begins at the current line and spans several, moving past it; None if there is none."""
        cells, is_open = _scan(self._lines[self._at], self._delimiter)
        size, ahead = len(self._lines[self._at]), 0
        while is_open and size <= MAX_FIELD and ahead < MAX_LINES and len(cells) <= self._width + MORE_CELLS:
            ahead += 1
            if self._at + ahead >= len(self._lines) and not self._fill():
                return None
            line = self._lines[self._at + ahead]
            size += len(line) + 1
            if '"' not in line and line.count(self._delimiter) == self._width - 1:
                return None  # a record of its own
            try:
                (first, *more), is_open = _scan(line, self._delimiter, inside=True)
            except _StrayQuoteError:
                return None
            cells[-1] += f"\n{first}"
            cells += more
        if is_open or not self._is_one(cells, self._lines[self._at + ahead]):
            return None
        self._at += ahead + 1
        return cells

    def _is_one(self, cells: Sequence[str], last: str) -> bool:
        """Whether joined lines are one record: of the file's width, or of another while the last line is no record of its own."""
        if len(cells) == self._width:
            return True
        alone = split_line(last, self._delimiter)
        return alone is None or len(alone) != self._width
