"""The people of a file in clear: for lists whose owner chose to keep them as contacts. Nothing here is hashed or stored.

The same columns, rules and rejects as for an upload, but every phone and every e-mail of a row counts, and names stay as written.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from .base import Key, ListedPerson, PeopleReport, PeopleStep, Reject, Rejected
from .blocks import BlockPlan, BlockReader, records_of
from .rows import Row
from .rules import RULES
from .table import Numbered, Table


class PeopleReader(BlockReader):
    """Reads blocks as people instead of digests."""

    def read_people(self, block: Numbered) -> PeopleStep:
        """Every record of the block as a person, or as a reject. A row with an id of its own needs neither phone nor e-mail."""
        people: list[ListedPerson] = []
        rejects: list[Rejected] = []
        for number, (cells, fault) in enumerate(records_of(block.records), start=block.number):
            code = self.code_of(number, cells, fault)
            row = None if code else self._rows.read(cells)
            person = None if row is None else self._person(number, cells, row)
            if row is None or person is None:
                rejects.append(self._lost(number, cells, row, code or self.unidentified(cells)))
                continue
            rejects += [self._dropped(number, cell) for cell in row.dropped]
            people.append(person)
        return PeopleStep(people, rejects)

    def _person(self, number: int, cells: Sequence[str], row: Row) -> ListedPerson | None:
        phones, emails = self._rows.all_of(Key.PHONE, cells), self._rows.all_of(Key.EMAIL, cells)
        external_id = self._external_id(cells)
        if not (phones or emails or external_id):
            return None
        names = {key: raw.strip() for key, raw, value in zip(self._rows.keys, row.raws, row.values, strict=True) if value}
        first, last = names.get(Key.FN, ""), names.get(Key.LN, "")
        return ListedPerson(number, external_id, first, last, tuple(phones), tuple(emails))

    def _external_id(self, cells: Sequence[str]) -> str:
        """The business's own id, from the column it said holds it: uploads never send those, so none is taken unasked."""
        for index, key in self._plan.rows.columns.chosen.items():
            if key == Key.EXTERN_ID and not isinstance(value := RULES[Key.EXTERN_ID](cells[index], "", 0), Reject):
                return value
        return ""


class PeopleFile:
    """The people of one file on their way through. See `lists.base.ListedPeople`."""

    def __init__(self, table: Table, plan: BlockPlan, report: PeopleReport) -> None:
        self.report = report
        self._table = table
        self._reader = PeopleReader(plan)

    def steps(self) -> Generator[PeopleStep]:
        """The people in file order. Close the iterator when you stop early. Errors: ListError where the file breaks off."""
        report = self.report
        with closing(self._table.reader):
            for block in self._table.numbered():
                step = self._reader.read_people(block)
                report.usable += len(step.people)
                lost = [each.code for each in step.rejects if not each.column]
                report.rows += len(step.people) + len(lost)
                report.rejected.update(lost)
                report.dropped_cells.update(each.code for each in step.rejects if each.column)
                yield step
        report.sha256 = self._table.reader.sha256
