"""The list engine: a file -> blocks of records -> hashed rows -> each once -> batches, in one pass and flat memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TextIO

from guestlist.errors import ListError

from .base import FixesUsed, ListOptions, ListReport, Payload, PeopleReport, Rejected, Step
from .blocks import BlockPlan, BlockResult
from .containers import MAX_UNPACKED
from .countries import check_region
from .dedupe import IN_MEMORY, Seen
from .diagnosis import diagnose
from .encodings import check_encoding
from .fixes import FixableWriter, Fixes, read_fixes
from .mapping import ColumnPlan, map_columns
from .people import PeopleFile
from .reader import FileReader
from .rows import plan_rows
from .sniffing import check_delimiter
from .table import Table
from .tally import Tally
from .workers import count_workers, read_blocks


def _system_now() -> datetime:
    return datetime.now(UTC)


class FileListEngine:
    """Reads customer files.

    `now` tells the current year, which bounds birth years; `max_unpacked` caps packed files, in bytes. `workers`: processes
    that read a long file, where the options do not say (None: by cores). `in_memory`: rows known by digest before disk is used.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = _system_now,
        *,
        max_unpacked: int = MAX_UNPACKED,
        workers: int | None = None,
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._now = now
        self._max_unpacked = max_unpacked
        self._workers = workers
        self._in_memory = in_memory

    def prepare(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> PreparedFile:
        """Opens the file and finds encoding, delimiter, header and mapping. Errors: ListError (what, where, the way out)."""
        region = check_region(options.region)
        table = self._open(source, options)
        reader = table.reader
        name = filename or (source.name if isinstance(source, Path) else "")
        try:
            plan = map_columns(table.layout.header, table.sample_columns(), region, options.mapping, find_saved=options.saved)
            fixes = self._read_fixes(options.fixes, [column.name for column in plan.columns]) if options.fixes else None
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
            format=table.format,
            container=reader.container,
            mapping=plan.columns,
            fingerprint=plan.fingerprint,
            mapping_from=plan.source,
            mapping_saved=plan.saved,
        )
        blocks = self._plan_blocks(table, plan, region, options)
        workers = count_workers(self._workers if options.workers is None else options.workers)
        return PreparedFile(table, blocks, report, options, fixes, workers=workers, seen=Seen(self._in_memory))

    def read_people(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> PeopleFile:
        """Opens a file whose people are to be kept in clear. Errors: ListError (what, where, the way out)."""
        region = check_region(options.region)
        table = self._open(source, options)
        name = filename or (source.name if isinstance(source, Path) else "")
        try:
            plan = map_columns(table.layout.header, table.sample_columns(), region, options.mapping, find_saved=options.saved)
        except ListError:
            table.reader.close()
            raise
        report = PeopleReport(name.encode("utf-8", "replace").decode(), plan.columns)
        return PeopleFile(table, self._plan_blocks(table, plan, region, options), report)

    def _plan_blocks(self, table: Table, plan: ColumnPlan, region: str, options: ListOptions) -> BlockPlan:
        return BlockPlan(
            plan_rows(plan, table.sample_rows(), region=region, this_year=self._now().year),
            table.delimiter,
            table.layout.width,
            first=1 if table.layout.header is not None else table.layout.first + 1,
            preview_rows=options.preview_rows,
        )

    def open_fixable(self, source: Path | BinaryIO, options: ListOptions, report: ListReport, stream: TextIO) -> FixableWriter:
        """A writer of the rows behind the rejects of a file that is being prepared. It reads the file once more, in step.

        `stream` gets clear values: it is the user's own file. Errors: ListError.
        """
        names = [column.name for column in report.mapping]
        fixes = self._read_fixes(options.fixes, names) if options.fixes else None
        return FixableWriter(stream, self._open(source, options), names, fixes)

    def _open(self, source: Path | BinaryIO, options: ListOptions) -> Table:
        """The file as a table, closed again where it is none. Errors: ListError."""
        encoding = check_encoding(options.encoding) if options.encoding else None
        delimiter = check_delimiter(options.delimiter) if options.delimiter else None
        reader = FileReader(source, encoding, max_unpacked=self._max_unpacked)
        try:
            return Table(reader, delimiter, header=options.header, sheet=options.sheet)
        except ListError:
            reader.close()
            raise

    def _read_fixes(self, source: Path | BinaryIO, names: Sequence[str]) -> Fixes:
        """The corrected rows, of the columns of the file. Errors: ListError, which says that it is about them."""
        if isinstance(source, BytesIO):
            source.seek(0)
        try:
            return read_fixes(self._open(source, ListOptions(region="", header=False)), names)
        except ListError as error:
            raise ListError(
                error.sentence.replace("The file", "The corrected file", 1), code=error.code, remedy=error.remedy, **error.data
            ) from error


class PreparedFile:
    """One file on its way through. See `lists.base.Prepared`."""

    def __init__(
        self,
        table: Table,
        plan: BlockPlan,
        report: ListReport,
        options: ListOptions,
        fixes: Fixes | None,
        *,
        workers: int,
        seen: Seen,
    ) -> None:
        self.report = report
        self.chosen = plan.rows.columns.chosen
        self._table = table
        self._numbered = fixes.merge(table.numbered()) if fixes is not None else table.numbered()
        self._plan = plan
        self._options = options
        self._tally = Tally(plan.rows, options.preview_rows)
        self._seen = seen
        self._workers = workers
        report.fixes = FixesUsed(len(fixes), fixes.sha256) if fixes is not None else None
        report.rejected, report.dropped_cells = self._tally.rejected, self._tally.dropped_cells  # they grow as the file is read

    def steps(self) -> Generator[Step]:
        """The batches in file order, with the rejects on the way. Errors: ListError when the file cannot be read to its end."""
        schema, most = self._plan.rows.schema, self._options.batch_rows
        rows: list[tuple[str, ...]] = []
        rejects: list[Rejected] = []
        found = read_blocks(self._plan, self._numbered, self._workers)
        with closing(self._table.reader), closing(self._seen), closing(found):
            for result in found:
                rows += self._new(result)
                rejects += result.rejects
                while len(rows) >= most or len(rejects) >= most:
                    payload = Payload(schema, tuple(rows[:most])) if len(rows) >= most else None
                    rows = rows[most:] if payload else rows
                    yield Step(payload, rejects)
                    rejects = []
        self._finish()
        if rows or rejects:
            yield Step(Payload(schema, tuple(rows)) if rows else None, rejects)

    def _new(self, result: BlockResult) -> list[tuple[str, ...]]:
        """The rows of a block that no earlier block had; the block is counted."""
        again = self._seen.add(result.identities)
        new = result.digests
        if again:
            twice = [identity in again for identity in result.identities]
            new = [digests for digests, known in zip(new, twice, strict=True) if not known]
            result.tally.forget({number for number, known in zip(result.numbers, twice, strict=True) if known})
        self._tally.merge(result.tally)
        self._tally.fill(new)
        report = self.report
        report.rows, report.duplicates = self._tally.rows, self._tally.duplicates
        report.usable += len(new)
        return new

    def _finish(self) -> None:
        """Completes the report once the file is read."""
        report, reader, tally = self.report, self._table.reader, self._tally
        report.sha256, report.bytes, report.encoding = reader.sha256, reader.size, reader.encoding
        report.preview = tally.preview.rows(report.mapping, clear=self._options.clear_preview)
        first = self._table.sample_columns()
        diagnose(report, tally, self._plan.rows, first, guessed_encoding=self._options.encoding is None)
        report.warnings = [*self._table.notes, *report.warnings]
