"""Rows a person can correct, and the corrected ones back in their places.

A fixable file holds the rows that lost something, with their clear values: leading columns say which row it is and what is
wrong, the rest is as the customer file has it. Once corrected it is given back with the same customer file, whose rows it
replaces by number; count and order stay. Nobody but the user sees either file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TextIO

from guestlist.errors import ListError

from .base import Rejected
from .layout import is_blank
from .records import Record
from .rejects import REGISTRY
from .rejects_csv import starts_formula
from .table import Numbered, Table

ROW, PROBLEM = "guestlist_row", "guestlist_problem"
LEADING = (ROW, PROBLEM)

MAX_FIXES = 100_000
"""Corrected rows that are held in memory. Who has more should correct the file itself."""

_SPREADSHEET_DELIMITERS = ",;\t|"


def shield(text: str) -> str:
    """The text so that a spreadsheet shows it rather than runs it: an apostrophe before what would start a formula."""
    return f"'{text}" if starts_formula(text.lstrip("'")) else text


def unshield(text: str) -> str:
    """What `shield` was given. Text that carries no such apostrophe stays as it is."""
    return text[1:] if text.startswith("'") and starts_formula(text.lstrip("'")) else text


class FixableWriter:
    """Writes the rows behind rejects, read from the customer file a second time, in step with the first.

    The stream should be opened with `newline=""`. `names`: the file's columns as the report names them.
    """

    def __init__(self, stream: TextIO, table: Table, names: Sequence[str], fixes: Fixes | None = None) -> None:
        delimiter = table.delimiter if table.delimiter and table.delimiter in _SPREADSHEET_DELIMITERS else ","
        self._writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
        self._writer.writerow([*LEADING, *map(shield, names)])
        self._delimiter = table.delimiter
        blocks = fixes.merge(table.numbered()) if fixes is not None else table.numbered()
        self._table = table
        self._records = (pair for block in blocks for pair in enumerate(block.records, start=block.number))
        self.rows = 0

    def write(self, rejects: Iterable[Rejected]) -> None:
        """One line for each row that a correction can help. Rejects come in file order, all of a row together."""
        for number, group in groupby(rejects, key=lambda one: one.row):
            problems = [one for one in group if REGISTRY[one.code].fixable]
            if problems:
                cells = self._cells(number)
                self._writer.writerow([number, shield(_describe(problems)), *map(shield, cells)])
                self.rows += 1

    def close(self) -> None:
        """Closes the customer file, should it not be read to its end."""
        self._table.reader.close()

    def _cells(self, number: int) -> Sequence[str]:
        """The cells of a row; of one whose quotes do not close, what stands between its delimiters."""
        record = next((record for at, record in self._records if at == number), None)
        if record is None:
            raise ListError("The file changed while it was read.", code="file_changed", remedy="Try again once it is at rest.")
        if record.fault == "unclosed_quote":
            return [_writable(cell) for line in record.cells for cell in line.split(self._delimiter)]
        return [_writable(cell) for cell in record.cells]


def _writable(text: str) -> str:
    """The text without half characters, which no file can hold: they are read as U+FFFD, which is damage as well."""
    return text if text.isascii() else "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _describe(problems: Iterable[Rejected]) -> str:
    """What is wrong with a row, for its owner: `Mobile: The phone number has too few digits. Add the area code.`"""
    words = (
        one.remedy if not one.column and one.code == "no_identifier" else f"{REGISTRY[one.code].meaning} {one.remedy}".strip()
        for one in problems
    )
    return " ".join(f"{one.column}: {word}" if one.column else word for one, word in zip(problems, words, strict=True))


class Fixes:
    """Corrected rows by number. `sha256`: of the file they came in."""

    def __init__(self, rows: dict[int, Record], sha256: str) -> None:
        self._rows = rows
        self.sha256 = sha256

    def __len__(self) -> int:
        return len(self._rows)

    def merge(self, blocks: Iterable[Numbered]) -> Iterator[Numbered]:
        """The blocks with corrected rows in their places. Errors: ListError `fixes_unknown_row` behind the last block."""
        left = set(self._rows)
        for number, records in blocks:
            here = left.intersection(range(number, number + len(records)))
            left -= here
            if here:
                records = [self._rows.get(at, record) for at, record in enumerate(records, start=number)]
            yield Numbered(number, records)
        if left:
            raise ListError(
                f"There is no row {min(left)} to fix.",
                code="fixes_unknown_row",
                remedy="Give the same customer file that the fixable file was made from, and leave its guestlist_row as it is.",
            )


def read_fixes(table: Table, names: Sequence[str]) -> Fixes:
    """The corrected rows of a fixable file, opened as one without header, and read to its end.

    Errors: ListError `fixes_columns`, `fixes_row`, `fixes_too_many`.
    """
    lines = ((at, record) for block in table.numbered() for at, record in enumerate(block.records, start=block.number))
    _, header = next(lines)
    _check_columns(header.cells, names)
    rows: dict[int, Record] = {}
    for line, record in lines:
        if not record.fault and is_blank(record.cells):
            continue
        number = _row_number(record, line)
        if number in rows:
            raise ListError(f"Row {number} is fixed twice.", code="fixes_row", remedy="Leave one line for each row.")
        if len(rows) == MAX_FIXES:
            raise ListError(
                f"There are more than {MAX_FIXES:,} fixes.", code="fixes_too_many", remedy="Correct the customer file itself."
            )
        rows[number] = _corrected(record, len(names))
    return Fixes(rows, table.reader.sha256)


def _check_columns(header: Sequence[str], names: Sequence[str]) -> None:
    found = [unshield(name.strip()).casefold() for name in header]
    while len(found) > len(names) + len(LEADING) and not found[-1]:
        found.pop()
    wanted = [name.casefold() for name in (*LEADING, *names)]
    if found == wanted:
        return
    missing = [name for name in (*LEADING, *names) if name.casefold() not in found]
    what = f"it lacks {missing[0]!r}" if missing else "they stand in another order, or there are more"
    raise ListError(
        f"The columns of the fixes are not those of the customer file: {what}.",
        code="fixes_columns",
        remedy="Correct the file that --fixable wrote for this customer file: change its cells, not its columns.",
    )


def _row_number(record: Record, line: int) -> int:
    text = record.cells[0].strip().removesuffix(".0") if record.cells and not record.fault else ""
    if text.removeprefix("-").isdecimal() and len(text) < 15:
        return int(text)
    what = "has a quote that never closes" if record.fault else f"has no row number in {ROW}"
    raise ListError(
        f"Record {line} of the fixes {what}.",
        code="fixes_row",
        remedy="Leave the numbers of the fixable file as they are, and close every quote.",
    )


def _corrected(record: Record, width: int) -> Record:
    """The record as the customer file would hold it; blank cells that a spreadsheet added at its end are gone."""
    cells = [unshield(cell) for cell in record.cells[len(LEADING) :]]
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    return Record(cells)
