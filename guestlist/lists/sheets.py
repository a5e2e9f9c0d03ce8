"""The rows of a workbook's sheet, streamed: every cell as text, phones with all their digits, dates in ISO 8601."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from itertools import chain

from guestlist.errors import ListError

from .containers import damaged
from .layout import is_value
from .records import MAX_FIELD, MAX_LINE, Record
from .sniffing import SAMPLE_LINES
from .values import moment_text, number_text
from .workbook import Sheet, TextHolder, Workbook, XmlReader

ROWS = 2_000
"""Records a block."""

MAX_ROWS = 1_048_576
MAX_COLUMNS_OF_A_SHEET = 16_384
_LAST_SERIAL = 2_958_466  # the day after 9999-12-31
_SAMPLE_CELLS = 200_000

SheetRow = Mapping[int, str]
"""Texts by column. Cells that hold nothing are not there."""

_NOTHING: SheetRow = {}


class SheetRecords:
    """The records of one sheet of a workbook. The table is as wide as its first 1,000 rows."""

    format = "xlsx"
    delimiter = ""
    header: tuple[str, ...] | None = None

    def __init__(self, book: Workbook, wanted: str | None) -> None:
        """Finds the sheet: the one named, else the first with a table. Errors: ListError `unknown_sheet`, `damaged_file`."""
        self._book = book
        sheet = _find_sheet(book, wanted)
        self._rows = _read_rows(book, sheet.part)
        self._first = _gather_rows(self._rows)
        columns = [column for row in self._first[:SAMPLE_LINES] for column, text in row.items() if text.strip()]
        self._left = min(columns, default=0)
        self.width = max(columns, default=0) - self._left + 1
        others = [repr(other.name[:60]) for other in book.sheets if other != sheet and not other.hidden]
        self.notes = []
        if others:
            self.notes.append(f"Only the sheet {sheet.name!r} was read, not {', '.join(others[:10])}. Name another with --sheet.")

    def blocks(self) -> Iterator[list[Record]]:
        """The records, in blocks that stay small where a sheet leaves out many rows."""
        for rows in chain([self._first], self._rows):
            for at in range(0, len(rows), ROWS):
                yield [self._record(row) for row in rows[at : at + ROWS]]

    def _record(self, row: SheetRow) -> Record:
        if not row:
            return Record(())
        cells, beyond, size = [""] * self.width, [], 0
        for column, text in row.items():
            place = column - self._left
            if 0 <= place < self.width:
                cells[place] = text
            elif text.strip():
                beyond.append(text)
            size += len(text)
        if size > MAX_FIELD and (size > MAX_LINE or any(len(text) > MAX_FIELD for text in row.values())):
            return Record((), "field_too_long")
        return Record(cells + beyond)


def _find_sheet(book: Workbook, wanted: str | None) -> Sheet:
    """The sheet of that name, or number from 1; without either the first visible one with a table."""
    if not book.sheets:
        raise ListError("The workbook has no sheet.", code="unknown_sheet", remedy="Save the list as CSV UTF-8.")
    if wanted is not None:
        return _find_wanted(book, wanted)
    visible = [sheet for sheet in book.sheets if not sheet.hidden] or book.sheets
    filled = None
    for sheet in visible:
        rows = [row for row in _gather_rows(_read_rows(book, sheet.part)) if row]
        if len(rows) > 1 and any(is_value(text) for row in rows for text in row.values()):
            return sheet
        filled = filled or (sheet if rows else None)
    return filled or visible[0]


def _find_wanted(book: Workbook, wanted: str) -> Sheet:
    folded = wanted.strip().casefold()
    named = next((sheet for sheet in book.sheets if sheet.name.strip().casefold() == folded), None)
    if named is None and folded.isascii() and folded.isdigit() and 0 < int(folded[:9]) <= len(book.sheets):
        named = book.sheets[int(folded) - 1]
    if named is None:
        names = ", ".join(repr(sheet.name[:60]) for sheet in book.sheets[:20])
        raise ListError(f"There is no sheet {wanted[:60]!r}.", code="unknown_sheet", remedy=f"The sheets are: {names}.")
    return named


def _gather_rows(blocks: Iterator[list[SheetRow]]) -> list[SheetRow]:
    """The first rows: a thousand or a few more, or all there are; of very wide sheets fewer."""
    gathered: list[SheetRow] = []
    cells = 0
    for rows in blocks:
        gathered += rows
        cells += sum(map(len, rows))
        if len(gathered) >= SAMPLE_LINES or cells > _SAMPLE_CELLS:
            break
    return gathered


def _read_rows(book: Workbook, part: str) -> Iterator[list[SheetRow]]:
    """The rows of a sheet in blocks, empty ones between them too; those behind the last filled one are no rows."""
    parser = _SheetParser(book)
    for piece in book.pieces(part):
        parser.reader.feed(piece)
        yield parser.take()


class _SheetParser:
    """Listens to the parts of a sheet's XML and makes rows of them."""

    def __init__(self, book: Workbook) -> None:
        self.reader = XmlReader(self._start, self._end)
        self._book = book
        self._rows: list[SheetRow] = []
        self._number = 0  # of the row
        self._written = 0  # rows handed on, or ready to be
        self._cells: dict[int, str] = {}
        self._column = -1
        self._type = self._style = self._value = self._formula = ""
        self._hints = 0
        self._held = TextHolder()
        self._columns: dict[str, int] = {}

    def take(self) -> list[SheetRow]:
        """The rows that ended since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "c":
            reference = given.get("r")
            self._column = self._find_column(reference) if reference else self._column + 1
            self._type, self._style = given.get("t", "n"), given.get("s", "0")
            self._value = self._formula = ""
        elif tag in ("v", "f") or (tag == "t" and not self._hints):
            self.reader.listen(self._held.add)
        elif tag == "row":
            number = given.get("r", "")
            self._number = max(self._number + 1, int(number[:9]) if number else 0)
            if self._number > MAX_ROWS:
                raise damaged("XLSX")
            self._cells, self._column = {}, -1
        elif tag == "rPh":
            self._hints += 1

    def _end(self, tag: str) -> None:
        if tag == "c":
            text = self._text()
            if text:
                self._cells[self._column] = text
        elif tag == "v":
            self.reader.listen(None)
            self._value = self._held.take()
        elif tag == "f":
            self.reader.listen(None)
            self._formula = self._held.take()
        elif tag == "t":
            self.reader.listen(None)
        elif tag == "is":
            self._value = self._held.take()
        elif tag == "row":
            self._end_row()
        elif tag == "rPh":
            self._hints -= 1

    def _end_row(self) -> None:
        """Rows that the file leaves out are empty ones. They are rows only once a filled one follows."""
        if self._cells:
            self._rows += [_NOTHING] * (self._number - self._written - 1)
            self._rows.append(self._cells)
            self._written = self._number

    def _find_column(self, reference: str) -> int:
        """Of `AB12` the column, from 0."""
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = 0
            for letter in letters[:4].upper():
                column = 26 * column + ord(letter) - 64
            if not letters.isascii() or not letters.isalpha() or column > MAX_COLUMNS_OF_A_SHEET:
                raise damaged("XLSX")
            column = self._columns[letters] = column - 1
        return column

    def _text(self) -> str:
        """The cell as text. A formula whose value the file does not hold stays a formula, which the rules refuse."""
        value = self._value
        if not value:
            return f"={self._formula}" if self._formula else ""
        if self._type == "s":
            return self._book.texts.find(int(value))
        if self._type == "n":
            return self._number_text(value)
        return ("true" if value == "1" else "false") if self._type == "b" else value

    def _number_text(self, value: str) -> str:
        is_date = self._style in self._book.date_styles
        if not is_date and len(value) < 16 and value.isascii() and value.isdigit():
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        return date_text(number, starts_1904=self._book.starts_1904) if is_date else number_text(number)


def date_text(serial: float, *, starts_1904: bool) -> str:
    """A spreadsheet's day number in ISO 8601; a time where it is less than a day, the number itself where it is no day.

    The first 60 days of 1900 are one off, because spreadsheets hold 1900 for a leap year.
    """
    if not 0 <= serial < _LAST_SERIAL:
        return number_text(serial)
    days, seconds = int(serial), round((serial - int(serial)) * 86_400)
    if days == 0 and not starts_1904:
        return time(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60).isoformat()
    start = datetime(1904, 1, 1) if starts_1904 else datetime(1899, 12, 31 if days < 60 else 30)
    try:
        return moment_text(start + timedelta(days=days, seconds=seconds))
    except OverflowError:
        return number_text(serial)
