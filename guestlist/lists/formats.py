"""Which format a file is in, and its records: delimited text, JSON lines, a workbook's sheet, Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

from .json_lines import JsonRecords, holds_objects
from .layout import LOOK_AT
from .reader import FileReader
from .records import PlainLines, Record, RecordReader, find_width
from .sniffing import SAMPLE_LINES, find_delimiter, find_sep_line, refuse

SAMPLE_SIZE = 16 * 1024**2
"""Characters after which a sample is enough, however few lines they are."""

_JSON = re.compile(r'\s*[\[{]\s*["{\[]')


class RecordSource(Protocol):
    """A file as records. `header` is known where the format names its columns; `notes` is complete when the records are."""

    format: str
    delimiter: str
    width: int

    @property
    def header(self) -> tuple[str, ...] | None: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def blocks(self) -> Iterator[Sequence[Record] | PlainLines]:
        """The records in file order, in blocks. Errors: ListError."""
        ...


class DelimitedRecords:
    """Delimited text."""

    format = "csv"
    header: tuple[str, ...] | None = None
    notes: Sequence[str] = ()

    def __init__(self, lines: list[str], more: Iterator[list[str]], delimiter: str | None) -> None:
        """Finds the delimiter and the width by the first lines."""
        named = find_sep_line(lines[0]) if lines else None
        if named:
            lines = lines[1:]
        self.delimiter = delimiter or named or find_delimiter(lines)
        self.width, _ = find_width(lines[:SAMPLE_LINES], self.delimiter)
        self._lines = chain([lines], more)

    def blocks(self) -> Iterator[Sequence[Record] | PlainLines]:
        """The records, a block for each block of lines."""
        return RecordReader(self._lines, self.delimiter, self.width).blocks()


def open_records(reader: FileReader, delimiter: str | None, sheet: str | None) -> RecordSource:
    """The file's records. `delimiter` is the user's word on text, `sheet` on workbooks; other formats have none.

    Errors: ListError `not_text`, `unknown_sheet`, `damaged_file`, `too_large`, `encrypted_file`.
    """
    if reader.archive is not None:
        from .sheets import SheetRecords  # late, as the next: most lists are text
        from .workbook import Workbook

        return SheetRecords(Workbook(reader.archive, reader.expansion), sheet)
    if reader.parquet is not None:
        from .parquet import ParquetRecords

        return ParquetRecords(reader.parquet, reader.expansion, reader.max_unpacked)
    blocks = reader.blocks()
    lines = _gather_lines(blocks)
    if delimiter is None and holds_objects(lines):
        return JsonRecords(lines, blocks)
    if delimiter is None and _JSON.match("\n".join(lines[:LOOK_AT])):
        raise refuse("JSON", "Write one object a line, without the brackets and commas around them, or export the list as CSV.")
    return DelimitedRecords(lines, blocks, delimiter)


def _gather_lines(blocks: Iterator[list[str]]) -> list[str]:
    """The first lines: a thousand or more, or all there are; of very long ones fewer."""
    gathered: list[str] = []
    size = 0
    for block in blocks:
        gathered += block
        size += sum(map(len, block))
        if len(gathered) >= SAMPLE_LINES or size >= SAMPLE_SIZE:
            break
    return gathered
