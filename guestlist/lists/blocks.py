"""A block of records to hashed rows, rejects and counts. Pure, and picklable in and out, so that any process can do it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import repeat
from typing import NamedTuple

from .base import Rejected
from .layout import is_blank, is_totals
from .mapping import IDENTIFIERS
from .masking import mask
from .records import PlainLines, Record
from .rejects import REGISTRY
from .rows import Dropped, Row, RowPlan, RowReader
from .table import Numbered
from .tally import DUPLICATE, Tally

IDENTITY = 16
"""Bytes of the digest by which a row is known again."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """All that reading a block takes. `first`: the number of the first customer; what stands before it is preamble."""

    rows: RowPlan
    delimiter: str
    width: int
    first: int
    preview_rows: int


class BlockResult(NamedTuple):
    """A block read: its usable rows, each once, by number, identity (the digest of its values) and digests; and what was lost."""

    numbers: list[int]
    identities: list[bytes]
    digests: list[tuple[str, ...]]
    rejects: list[Rejected]
    tally: Tally


class BlockReader:
    """Reads blocks by a plan."""

    def __init__(self, plan: BlockPlan) -> None:
        self._plan = plan
        self._columns = plan.rows.columns.columns
        self._rows = RowReader(plan.rows)

    def read(self, block: Numbered) -> BlockResult:
        """Every record of the block is counted once."""
        tally = Tally(self._plan.rows, self._plan.preview_rows, block.number)
        found: dict[bytes, tuple[int, tuple[str, ...]]] = {}
        rejects: list[Rejected] = []
        read, has_identifier, add = self._rows.read, self._rows.has_identifier, tally.add
        for number, (cells, fault) in enumerate(records_of(block.records), start=block.number):
            code = self.code_of(number, cells, fault)
            row = None if code else read(cells)
            if row is not None and not has_identifier(row):
                code = self.unidentified(cells)
                row = None if code == "blank_row" else row
            if row is None or code:
                rejects.append(self._lost(number, cells, row, code))
                add(number, cells, row, code)
                continue
            if row.dropped:
                rejects += [self._dropped(number, cell) for cell in row.dropped]
            identity = blake2b("\x1f".join(row.values).encode(), digest_size=IDENTITY).digest()
            if identity in found:
                add(number, cells, row, DUPLICATE)
            else:
                found[identity] = number, row.digests
                add(number, cells, row, "")
        return BlockResult(
            [number for number, _ in found.values()], list(found), [digests for _, digests in found.values()], rejects, tally
        )

    def code_of(self, number: int, cells: Sequence[str], fault: str) -> str:
        """The code by which its form alone loses a record, or ""."""
        sound = len(cells) == self._plan.width and number >= self._plan.first
        return fault or ("" if sound else self._lost_by_form(number, cells))

    def unidentified(self, cells: Sequence[str]) -> str:
        """The code that loses a row by which nobody can be reached."""
        if is_blank(cells):
            return "blank_row"
        return "totals_row" if is_totals(cells) else "no_identifier"

    def _lost_by_form(self, number: int, cells: Sequence[str]) -> str:
        """The code that loses a record of another width than the file's, or before its first customer."""
        if is_blank(cells):
            return "blank_row"
        if number < self._plan.first:
            return "preamble"
        if is_totals(cells):
            return "totals_row"
        return "row_short" if len(cells) < self._plan.width else "row_long"

    def _lost(self, number: int, cells: Sequence[str], row: Row | None, code: str) -> Rejected:
        """A lost row. One without e-mail and phone says what was wrong with those it had."""
        if row is None or not REGISTRY[code].fixable:
            return Rejected(number, "", code, mask(self._plan.delimiter.join(cells)), REGISTRY[code].remedy)
        tried = [cell for cell in row.dropped if self._columns[cell.column].key in IDENTIFIERS]
        causes = [f"{self._columns[cell.column].name}: {REGISTRY[cell.code].meaning} {_remedy(cell)}" for cell in tried]
        value = mask(" ".join(cell.raw for cell in tried))
        return Rejected(number, "", code, value, " ".join(causes) or REGISTRY[code].remedy)

    def _dropped(self, number: int, cell: Dropped) -> Rejected:
        return Rejected(number, self._columns[cell.column].name, cell.code, mask(cell.raw), _remedy(cell))


def records_of(records: Sequence[Record] | PlainLines) -> Iterable[tuple[Sequence[str], str]]:
    """The cells of each record, and the code by which its form loses it, or ""."""
    if isinstance(records, PlainLines):
        return zip([line.split(records.delimiter) for line in records.lines], repeat(""))
    return records


def _remedy(cell: Dropped) -> str:
    return cell.remedy or REGISTRY[cell.code].remedy
