"""What a person wants to see of a list before trusting it: some rows, the problems first, and what to expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from .base import MappedColumn, PreviewRow
from .masking import mask
from .rejects import REGISTRY
from .rows import Row

_OF_ONE_CODE = 3


class Candidate(NamedTuple):
    """A row that may be shown, with the codes that make it a problem."""

    number: int
    row: Row | None  # None where its form loses it
    codes: tuple[str, ...]


class Preview:
    """Collects rows for the preview: a few of each problem, and good ones behind them. They are masked only when shown."""

    def __init__(self, schema: tuple[str, ...], limit: int) -> None:
        self._schema = schema
        self._limit = limit
        self._seen: Counter[str] = Counter()
        self._problems: list[Candidate] = []
        self._spare: list[Candidate] = []  # problems of which enough are shown, should there be room
        self._good: list[Candidate] = []
        self.has_enough_good = False  # asked for each row

    def add(self, number: int, row: Row, lost: str = "") -> None:
        """Considers a row. `lost` is the code that loses it."""
        if not row.dropped and not lost:
            if len(self._good) < self._limit:
                self._good.append(Candidate(number, row, ()))
            self.has_enough_good = len(self._good) >= self._limit
            return
        if len(self._problems) < self._limit:
            codes = dict.fromkeys((*((lost,) if lost else ()), *(cell.code for cell in row.dropped)))
            self._consider(Candidate(number, row, tuple(codes)))

    def add_lost(self, number: int, code: str) -> None:
        """Considers a row that its form loses, unless it is no customer."""
        if len(self._problems) < self._limit and REGISTRY[code].fixable:
            self._consider(Candidate(number, None, (code,)))

    def _consider(self, problem: Candidate) -> None:
        """Takes a problem of which too few are shown yet; others wait for room."""
        if len(self._problems) < self._limit and any(self._seen[code] < _OF_ONE_CODE for code in problem.codes):
            self._seen.update(problem.codes)
            self._problems.append(problem)
        elif len(self._spare) < self._limit:
            self._spare.append(problem)

    def forget(self, numbers: Collection[int]) -> None:
        """Takes back the rows of these numbers."""
        self._problems = [candidate for candidate in self._problems if candidate.number not in numbers]
        self._spare = [candidate for candidate in self._spare if candidate.number not in numbers]
        self._good = [candidate for candidate in self._good if candidate.number not in numbers]
        self._seen = Counter(code for candidate in self._problems for code in candidate.codes)

    def merge(self, later: Preview) -> None:
        """Considers the candidates of the block that follows."""
        self._good += later._good[: self._limit - len(self._good)]
        for problem in (*later._problems, *later._spare):
            self._consider(problem)

    def rows(self, columns: Sequence[MappedColumn], *, clear: bool = False) -> list[PreviewRow]:
        """The problems first; at least a third of the rows are good ones, if there are that many. `clear`: not masked."""
        room = max(self._limit - len(self._good), self._limit * 2 // 3)
        problems = self._problems[:room]
        problems += self._spare[: room - len(problems)] if len(problems) + len(self._good) < self._limit else []
        show: Callable[[str], str] = _in_one_line if clear else mask
        return [self._shown(candidate, columns, show) for candidate in problems + self._good[: self._limit - len(problems)]]

    def _shown(self, candidate: Candidate, columns: Sequence[MappedColumn], show: Callable[[str], str]) -> PreviewRow:
        """By key its raw value, normalised value and hash; a cell that is dropped has neither of the latter."""
        row = candidate.row
        if row is None:
            return PreviewRow(candidate.number, {}, candidate.codes)
        cells = {
            key: (show(raw), show(value), digest[:8])
            for key, raw, value, digest in zip(self._schema, row.raws, row.values, row.digests, strict=True)
            if value
        }
        for cell in row.dropped:
            cells.setdefault(columns[cell.column].key or "", (show(cell.raw), "", ""))
        return PreviewRow(candidate.number, cells, candidate.codes)


def _in_one_line(value: str) -> str:
    return " ".join(value[:100].split())
