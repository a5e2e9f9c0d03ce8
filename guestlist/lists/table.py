"""A file as a table: numbered records in blocks, with the first ones at hand to find header and width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from guestlist.errors import ListError

from .formats import SAMPLE_SIZE, open_records
from .layout import Layout, find_layout, is_blank
from .reader import FileReader
from .records import PlainLines, Record
from .sniffing import SAMPLE_LINES

MAX_COLUMNS = 2_000

_CELLS: Callable[[Record], Sequence[str]] = itemgetter(0)


Block = Sequence[Record] | PlainLines


class Numbered(NamedTuple):
    """Records that follow one another in the file. `number` is that of the first."""

    number: int
    records: Block


class Table:
    """The file as records, its first ones at hand: enough to find the header and what columns hold."""

    def __init__(self, reader: FileReader, delimiter: str | None, *, header: bool | None, sheet: str | None = None) -> None:
        """Reads the first records. Errors: ListError where they are no table."""
        self.reader = reader
        self._source = source = open_records(reader, delimiter, sheet)
        self.format, self.delimiter = source.format, source.delimiter
        if source.header == ():
            raise ListError(
                "No column of the file holds single values.", code="no_usable_column", remedy="Export the list as CSV."
            )
        if source.width > MAX_COLUMNS:
            raise ListError(
                f"The records have {source.width:,} cells; {MAX_COLUMNS:,} are the most.",
                code="too_many_columns",
                remedy="Check the delimiter, or export fewer columns.",
            )
        self._blocks = source.blocks()
        self._first, self._is_all = _gather(self._blocks)
        self.layout = (
            find_layout(self._first, source.width, header=header)
            if source.header is None
            else Layout(source.header, None, 0, source.width)
        )
        self._check_rows()

    @property
    def notes(self) -> Sequence[str]:
        """What to tell a person of the way the file was read. Complete when the records are."""
        return self._source.notes

    def _check_rows(self) -> None:
        """Errors: ListError where no record follows the header."""
        if any(record.fault or not is_blank(record.cells) for record in self._first[self.layout.first :]):
            return
        if not self._is_all:
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
        few = max(20, 100_000 // max(1, self.layout.width))
        rows = self.sample_rows()[:few]
        return [[row[index] for row in rows] for index in range(self.layout.width)]

    def numbered(self) -> Iterator[Numbered]:
        """The records with their numbers, without the header, in blocks. The file is closed at its end.

        Row 1 is the first record after the header; those before it count backwards from -1. Without a header row 1 is
        the first record of the file.
        """
        at = self.layout.header_at
        try:
            if at is None:
                yield Numbered(1, self._first)
                number = 1 + len(self._first)
            else:
                yield Numbered(-at, self._first[:at])
                yield Numbered(1, self._marked(self._first[at + 1 :]))
                number = len(self._first) - at
            for block in self._blocks:
                yield Numbered(number, self._marked(block))
                number += len(block)
        finally:
            self.reader.close()

    def _marked(self, block: Block) -> Block:
        """The block; where the header stands in it again, as in files put one behind the other, that record is lost."""
        if self.layout.header_at is None:
            return block
        header = self._first[self.layout.header_at].cells
        if not (self.delimiter.join(header) in block.lines if isinstance(block, PlainLines) else header in map(_CELLS, block)):
            return block
        again = Record(header, "repeated_header")
        return [again if record.cells == header else record for record in block]


def _gather(blocks: Iterator[Block]) -> tuple[list[Record], bool]:
    """At least a thousand records, fewer where they are very long; and whether these are all there are."""
    gathered: list[Record] = []
    size = 0
    for block in blocks:
        gathered += block
        size += sum(len(cell) for record in block for cell in record.cells)
        if len(gathered) >= SAMPLE_LINES or size >= SAMPLE_SIZE:
            return gathered, False
    return gathered, True
