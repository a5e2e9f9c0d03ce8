"""A file as a table: numbered records in blocks, with the first ones at hand to find delimiter, header and width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar

from guestlist.errors import ListError

from .layout import Layout, find_layout, is_blank
from .reader import FileReader
from .records import Record, RecordReader, find_width
from .sniffing import SAMPLE_LINES, find_delimiter, find_sep_line

MAX_COLUMNS = 2_000

Item = TypeVar("Item")


class Table:
    """The file as records, its first ones at hand: enough to find the delimiter, the header and what columns hold."""

    def __init__(self, reader: FileReader, delimiter: str | None, *, header: bool | None) -> None:
        self.reader = reader
        blocks = reader.blocks()
        lines = _gather(blocks)
        named = find_sep_line(lines[0]) if lines else None
        if named:
            lines = lines[1:]
        self.delimiter = delimiter or named or find_delimiter(lines)
        width, _ = find_width(lines[:SAMPLE_LINES], self.delimiter)
        if width > MAX_COLUMNS:
            raise ListError(
                f"The records have {width:,} cells; {MAX_COLUMNS:,} are the most.",
                code="too_many_columns",
                remedy="Check the delimiter, or export fewer columns.",
            )
        self._blocks = RecordReader(chain([lines], blocks), self.delimiter, width).blocks()
        self._first = _gather(self._blocks)
        self.layout: Layout = find_layout(self._first, width, header=header)
        self._check_rows()

    def _check_rows(self) -> None:
        """Errors: ListError where no record follows the header."""
        if any(record.fault or not is_blank(record.cells) for record in self._first[self.layout.first :]):
            return
        if len(self._first) >= SAMPLE_LINES:
            return
        if self.layout.header is None:
            raise ListError("The file holds no record.", code="empty_file", remedy="Export the list again.")
        raise ListError("The file ends after its header.", code="header_only", remedy="Export the list with its rows.")

    def sample_rows(self) -> list[Sequence[str]]:
        """The sound records among the first thousand."""
        sample = self._first[self.layout.first :][:SAMPLE_LINES]
        return [record.cells for record in sample if not record.fault and len(record.cells) == self.layout.width]

    def sample_columns(self) -> list[list[str]]:
        """The same, column by column; of very wide tables fewer rows, so that looking stays quick."""
        few = max(20, 100_000 // self.layout.width)
        rows = self.sample_rows()[:few]
        return [[row[index] for row in rows] for index in range(self.layout.width)]

    def numbered(self) -> Iterator[list[tuple[int, Record]]]:
        """The records with their numbers, without the header, in blocks.

        Row 1 is the first record after the header; those before it count backwards from -1. Without a header row 1 is
        the first record of the file.
        """
        at = self.layout.header_at
        number = 1 if at is None else -at
        for block in chain([self._first], self._blocks):
            numbered = list(enumerate(block, start=number))
            number += len(block)
            yield [pair for pair in numbered if at is None or pair[0] != 0]

    def is_preamble(self, number: int) -> bool:
        """Whether a record stands before the first customer."""
        return number < 1 if self.layout.header_at is not None else number <= self.layout.first


def _gather(blocks: Iterator[list[Item]]) -> list[Item]:
    """At least a thousand items, or all there are."""
    gathered: list[Item] = []
    for block in blocks:
        gathered += block
        if len(gathered) >= SAMPLE_LINES:
            break
    return gathered
