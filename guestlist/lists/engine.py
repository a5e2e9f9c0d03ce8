"""The list engine: bytes -> lines -> records -> rows -> batches, each stage on blocks, in one pass and flat memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from guestlist.errors import ListError

from .base import ListOptions, ListReport, Payload, Rejected
from .countries import check_region
from .layout import is_blank, is_totals
from .mapping import IDENTIFIERS, ColumnPlan, map_columns
from .masking import mask
from .preview import Preview, expect_match, find_warnings
from .reader import FileReader
from .records import Record
from .rejects import REGISTRY
from .rows import Dropped, Row, RowReader
from .sniffing import check_delimiter, check_encoding
from .table import Table


def _system_now() -> datetime:
    return datetime.now(UTC)


class CsvListEngine:
    """Reads delimited text. `now` tells the current year, which bounds birth years."""

    def __init__(self, now: Callable[[], datetime] = _system_now) -> None:
        self._now = now

    def prepare(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> CsvPrepared:
        """Opens the file and finds encoding, delimiter, header and mapping. Errors: ListError (what, where, the way out)."""
        region = check_region(options.region)
        encoding = check_encoding(options.encoding) if options.encoding else None
        delimiter = check_delimiter(options.delimiter) if options.delimiter else None
        reader = FileReader(source, encoding)
        name = filename or (source.name if isinstance(source, Path) else "")
        try:
            table = Table(reader, delimiter, header=options.header)
            plan = map_columns(table.layout.header, table.sample_columns(), region, options.mapping)
        except ListError:
            reader.close()
            raise
        report = ListReport(
            filename=name.encode("utf-8", "replace").decode(),  # names on disk need not be text
            sha256="",
            bytes=0,
            encoding=reader.encoding,
            delimiter=table.delimiter,
            has_header=table.layout.header is not None,
            region=region,
            mapping=plan.columns,
        )
        rows = RowReader(plan, table.sample_rows(), region=region, this_year=self._now().year)
        return CsvPrepared(table, plan, rows, report, options)


class CsvPrepared:
    """One file on its way through. See `lists.base.Prepared`."""

    def __init__(self, table: Table, plan: ColumnPlan, rows: RowReader, report: ListReport, options: ListOptions) -> None:
        self.report = report
        self._table = table
        self._plan = plan
        self._rows = rows
        self._options = options
        self._preview = Preview(rows.schema, options.preview_rows)
        self._rejects: list[Rejected] = []
        self._seen: set[bytes] = set()
        self._by_column = 0

    def rejects(self) -> Sequence[Rejected]:
        """The rejects found since the last call, in file order."""
        found, self._rejects = self._rejects, []
        return found

    def payloads(self) -> Iterator[Payload]:
        """The batches in file order. Errors: ListError when the file cannot be read to its end."""
        batch: list[tuple[str, ...]] = []
        for block in self._table.numbered():
            for digests in self._usable(block):
                batch.append(digests)
                if len(batch) == self._options.batch_rows:
                    yield Payload(self._rows.schema, tuple(batch))
                    batch = []
        if batch:
            yield Payload(self._rows.schema, tuple(batch))
        self._finish()

    def _usable(self, block: Iterable[tuple[int, Record]]) -> Iterator[tuple[str, ...]]:
        """The hashed rows of a block that go up; every record of it is counted once."""
        report = self.report
        for number, record in block:
            report.rows += 1
            if code := self._lost_by_form(number, record):
                self._lose(number, code, self._table.delimiter.join(record.cells))
                continue
            row = self._rows.read(record.cells)
            if not self._rows.has_identifier(row):
                self._lose_unidentified(number, row, "totals_row" if is_totals(record.cells) else "no_identifier")
                continue
            if row.dropped:
                self._drop(number, row.dropped)
            self._by_column += row.by_column
            identity = hashlib.blake2b("\x1f".join(row.values).encode(), digest_size=16).digest()
            if identity in self._seen:
                report.duplicates += 1
                continue
            self._seen.add(identity)
            self._preview.add(number, row)
            report.usable += 1
            yield row.digests

    def _lost_by_form(self, number: int, record: Record) -> str:
        """The code by which a record is lost before its cells are read, or ""."""
        if record.fault:
            return record.fault
        cells, width = record.cells, self._table.layout.width
        if is_blank(cells):
            return "blank_row"
        if self._table.is_preamble(number):
            return "preamble"
        if len(cells) == width:
            return ""
        if is_totals(cells):
            return "totals_row"
        return "row_short" if len(cells) < width else "row_long"

    def _lose(self, number: int, code: str, value: str, remedy: str = "") -> None:
        self.report.rejected[code] = self.report.rejected.get(code, 0) + 1
        self._rejects.append(Rejected(number, "", code, mask(value), remedy or REGISTRY[code].remedy))

    def _lose_unidentified(self, number: int, row: Row, code: str) -> None:
        """A row without e-mail and phone: its reject says what was wrong with those it had."""
        tried = [cell for cell in row.dropped if self._plan.columns[cell.column].key in IDENTIFIERS]
        causes = [f"{self._name(cell.column)}: {REGISTRY[cell.code].meaning} {self._remedy(cell)}" for cell in tried]
        self._lose(number, code, " ".join(cell.raw for cell in tried), " ".join(causes))
        self._preview.add(number, row, code)

    def _drop(self, number: int, dropped: Iterable[Dropped]) -> None:
        for cell in dropped:
            self.report.dropped_cells[cell.code] = self.report.dropped_cells.get(cell.code, 0) + 1
            self._rejects.append(Rejected(number, self._name(cell.column), cell.code, mask(cell.raw), self._remedy(cell)))

    def _name(self, column: int) -> str:
        return self._plan.columns[column].name

    def _remedy(self, cell: Dropped) -> str:
        return cell.remedy or REGISTRY[cell.code].remedy

    def _finish(self) -> None:
        """Completes the report once the file is read."""
        report, reader = self.report, self._table.reader
        report.sha256, report.bytes, report.encoding = reader.sha256, reader.size, reader.encoding
        report.preview = self._preview.rows()
        report.expected_match = expect_match(report.usable)
        report.warnings = find_warnings(report, by_column=self._by_column, guessed_encoding=self._options.encoding is None)
