"""What a pass over records counts: a tally of each block, merged in file order into the tally of the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .addresses import PROVIDERS, ROLES, Note, find_note
from .base import Key
from .preview import Preview
from .rows import Row, RowPlan
from .sampling import MASK, SPREAD, Sample, bar_at

DUPLICATE = "duplicate"
"""The code of a row that repeats an earlier one of its block. Rows that repeat an earlier block are found later: `forget`."""


LONGEST_SAMPLED = 200
"""Characters of a cell beyond which its row is no use in a sample."""

MOST_NOTED = 5_000
"""Different notes on addresses that are counted apart: a mistyped domain is one."""


def sampled_places(plan: RowPlan) -> tuple[int, ...]:
    """The columns whose cells are sampled: e-mails, phones and countries in clear."""
    hashed = {column.index for column in plan.columns.columns if column.hashed}
    serving = plan.columns.serving
    return tuple(at for key in (Key.EMAIL, Key.PHONE, Key.COUNTRY) for at in serving.get(key, ()) if at not in hashed)


class Tally:
    """Counts of records, rejects and cells, the rows worth showing, and a sample. Picklable, so that other processes can count.

    `notes` on the addresses of usable rows stand by row number in a block's tally, and are `noted` in numbers once merged.
    The `sample` holds the cells of `sampled_places`, of usable rows and of those without a valid identifier, repeated ones
    left out. `filled`: usable rows that hold a value, by place in the schema. `first`: the number of the block's first record.
    """

    def __init__(self, plan: RowPlan, preview_rows: int, first: int = 1) -> None:
        self.rows = 0
        self.duplicates = 0
        self.rejected: dict[str, int] = {}
        self.dropped_cells: dict[str, int] = {}
        self.by_column = 0
        self.preview = Preview(plan.schema, preview_rows)
        self.notes: dict[int, Note] = {}
        self.noted: dict[Note, int] = {}
        self.filled = [0] * len(plan.keys)
        self.sample: Sample[tuple[str, ...]] = Sample()
        self._places = sampled_places(plan)
        self._bar = bar_at(first)
        self._email = plan.keys.index(Key.EMAIL) if Key.EMAIL in plan.keys else None

    def add(self, number: int, cells: Sequence[str], row: Row | None, code: str) -> None:
        """Counts one record; each record once.

        `row` is None where the record's form loses it. `code` is the reject code that loses it, `DUPLICATE`, or "" where it
        is usable so far. A lost row counts under its code alone, not by its cells.
        """
        self.rows += 1
        if row is None:
            _count(self.rejected, code)
            self.preview.add_lost(number, code)
            return
        if code == DUPLICATE:
            self.duplicates += 1
        else:
            if number * SPREAD & MASK < self._bar:
                self._sample(number, cells)
            if code or row.dropped or not self.preview.has_enough_good:
                self.preview.add(number, row, code)
            if code:
                _count(self.rejected, code)
                return
            if self._email is not None:
                local, _, domain = row.values[self._email].partition("@")
                if domain and (domain not in PROVIDERS or local in ROLES) and (note := find_note(local, domain)):
                    self.notes[number] = note
        if row.dropped:
            for cell in row.dropped:
                _count(self.dropped_cells, cell.code)
        if row.by_column:
            self.by_column += row.by_column

    def _sample(self, number: int, cells: Sequence[str]) -> None:
        taken = tuple([cells[place] for place in self._places])
        if all(len(cell) <= LONGEST_SAMPLED for cell in taken):
            self.sample.add(number, taken)

    def fill(self, rows: Sequence[Sequence[str]]) -> None:
        """Counts the values of rows that go up, each in the order of the schema."""
        for place, column in enumerate(zip(*rows, strict=True)):
            self.filled[place] += len(column) - column.count("")

    def forget(self, numbers: Collection[int]) -> None:
        """Takes back rows that turned out to repeat one of an earlier block."""
        self.duplicates += len(numbers)
        self.preview.forget(numbers)
        self.sample.forget(numbers)
        for number in numbers:
            self.notes.pop(number, None)

    def merge(self, later: Tally) -> None:
        """Adds the tally of the block that follows."""
        self.rows += later.rows
        self.duplicates += later.duplicates
        self.by_column += later.by_column
        for mine, others in ((self.rejected, later.rejected), (self.dropped_cells, later.dropped_cells)):
            _add(mine, others)
        for note in later.notes.values():
            if note in self.noted or len(self.noted) < MOST_NOTED:
                self.noted[note] = self.noted.get(note, 0) + 1
        self.preview.merge(later.preview)
        self.sample.merge(later.sample)


def _count(counts: dict[str, int], code: str) -> None:
    counts[code] = counts.get(code, 0) + 1


def _add(counts: dict[str, int], others: Mapping[str, int]) -> None:
    for code, count in others.items():
        counts[code] = counts.get(code, 0) + count
