"""Cells to keys: one record normalised and hashed by the plan of its columns, with what had to be dropped and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from .base import UNHASHED, Key, Reject
from .cells import BLANK
from .dates import puts_month_first, split_date
from .headers import DOB, FULL_NAME
from .mapping import ColumnPlan
from .names import split_name
from .phones import Habit, habit_of, read_phone
from .rules import RULES, hash_value, normalise_country, normalise_digest

REMEMBERED = 20_000
"""Cells remembered per column, or per column and region, before the memory starts anew: names repeat, and so do rows."""

_SPLIT = {FULL_NAME: (Key.FN, Key.LN), DOB: (Key.DOBY, Key.DOBM, Key.DOBD)}
_BY_REGION = frozenset({Key.PHONE, Key.ST, Key.ZIP})


class Dropped(NamedTuple):
    """A cell that cannot be used."""

    column: int
    code: str
    raw: str
    remedy: str


class Hit(NamedTuple):
    """A value ready to go: normalised and hashed. `by_column`: an ambiguous phone that the column's habit decided."""

    value: str
    digest: str
    by_column: bool = False


class Row(NamedTuple):
    """A record by the keys of the schema. `raws` are the cells used, "" where none was."""

    values: Sequence[str]
    digests: tuple[str, ...]
    raws: Sequence[str]
    dropped: Sequence[Dropped]
    by_column: int


class Rule(Protocol):
    """Reads one cell of a column, given the row's region."""

    def __call__(self, raw: str, region: str) -> Hit | Reject: ...


class _Source(NamedTuple):
    """One column serving one key. `place` is where its cell stands in the record; `column` the file's column to name."""

    place: int
    column: int
    rule: Rule


class RowReader:
    """Reads records by a plan. `schema`: the keys of the upload, in fact-page order."""

    def __init__(self, plan: ColumnPlan, sample: Sequence[Sequence[str]], *, region: str, this_year: int) -> None:
        self._region = region
        self._this_year = this_year
        self._width = len(plan.columns)
        self._hashed = {column.index for column in plan.columns if column.hashed}
        self._splits = [(key, index) for key in _SPLIT for index in plan.serving.get(key, ())[:1]]
        self._countries = [
            _Source(at, at, _remembered(_by_country)) for at in plan.serving.get(Key.COUNTRY, ()) if at not in self._hashed
        ]
        self._habits = {at: self._habit(at, sample) for at in plan.serving.get(Key.PHONE, ())}
        births = plan.serving.get(DOB, ())[:1]
        self._month_first = bool(births) and puts_month_first((cells[births[0]] for cells in sample), region)
        sources = self._sources(plan)
        keys = [key for key in Key if key in sources and key not in UNHASHED]
        self.schema = tuple(key.value for key in keys)
        self._fields = [sources[key] for key in keys]
        self._identifiers = [index for index, key in enumerate(keys) if key in (Key.EMAIL, Key.PHONE)]

    def _sources(self, plan: ColumnPlan) -> dict[Key, list[_Source]]:
        """For each key the columns it comes from; split columns put their parts behind the record."""
        sources: dict[Key, list[_Source]] = {}
        for key in Key:
            for index in plan.serving.get(key, ()):
                sources.setdefault(key, []).append(self._source(key, index, index))
        place = self._width
        for whole, index in self._splits:
            for key in _SPLIT[whole]:
                sources.setdefault(key, []).append(self._source(key, place, index))
                place += 1
        return sources

    def _source(self, key: Key, place: int, column: int) -> _Source:
        return _Source(place, column, self._rule(key, column))

    def _habit(self, index: int, sample: Sequence[Sequence[str]]) -> Habit:
        return habit_of((cells[index], self._region_of(cells)) for cells in sample if cells[index])

    def _rule(self, key: Key, column: int) -> Rule:
        if column in self._hashed:
            return _by_digest
        if key == Key.PHONE:
            habit = self._habits[column]
            return _remembered_by_region(lambda raw, region: _by_phone(raw, region, habit))
        rule, this_year = RULES[key], self._this_year
        if key == Key.EMAIL:  # hardly ever the same twice
            return lambda raw, region: _hit(rule(raw, region, this_year))
        remembered = _remembered_by_region if key in _BY_REGION else _remembered
        return remembered(lambda raw, region: _hit(rule(raw, region, this_year)))

    def _region_of(self, cells: Sequence[str]) -> str:
        """The row's own country, else the list's region."""
        for source in self._countries:
            raw = cells[source.place]
            if raw and isinstance(hit := source.rule(raw, ""), Hit):
                return hit.value
        return self._region

    def read(self, cells: Sequence[str]) -> Row:
        """The record as a row of the upload, whatever is wrong with its cells."""
        dropped: list[Dropped] = []
        region = self._region_of(cells) if self._countries else self._region
        if self._splits:
            cells = [*cells, *self._parts(cells, dropped)]
        values, digests, raws, by_column = [], [], [], 0
        for sources in self._fields:
            (value, digest, decided), raw = _first_valid(sources, cells, region, dropped)
            values.append(value)
            digests.append(digest)
            raws.append(raw)
            by_column += decided
        return Row(values, tuple(digests), raws, dropped, by_column)

    def _parts(self, cells: Sequence[str], dropped: list[Dropped]) -> list[str]:
        """The parts of full names and dates; empty ones, and a dropped cell, where there are none."""
        parts: list[str] = []
        for whole, index in self._splits:
            raw = cells[index]
            found = split_name(raw) if whole == FULL_NAME else split_date(raw, month_first=self._month_first)
            if isinstance(found, Reject):
                if found != BLANK:
                    dropped.append(Dropped(index, found.code, raw, found.remedy))
                parts.extend("" for _ in _SPLIT[whole])
            else:
                parts.extend(found)
        return parts

    def has_identifier(self, row: Row) -> bool:
        """Whether the row holds an e-mail or a phone: without one Meta takes nothing."""
        return any(row.values[index] for index in self._identifiers)


def _first_valid(sources: Sequence[_Source], cells: Sequence[str], region: str, dropped: list[Dropped]) -> tuple[Hit, str]:
    """The first usable cell among those that serve a key; unusable ones before it are dropped."""
    for source in sources:
        raw = cells[source.place]
        if not raw:
            continue
        hit = source.rule(raw, region)
        if isinstance(hit, Hit):
            return hit, raw
        if hit != BLANK:
            dropped.append(Dropped(source.column, hit.code, raw, hit.remedy))
    return _MISSING, ""


_MISSING = Hit("", "")


def _remembered(rule: Rule) -> Rule:
    """The rule with a memory, for one that does not look at the region."""
    known: dict[str, Hit | Reject] = {}

    def find(raw: str, region: str) -> Hit | Reject:
        hit = known.get(raw)
        if hit is None:
            if len(known) >= REMEMBERED:
                known.clear()
            hit = known[raw] = rule(raw, region)
        return hit

    return find


def _remembered_by_region(rule: Rule) -> Rule:
    """The rule with a memory for each region."""
    by_region: dict[str, Rule] = {}

    def find(raw: str, region: str) -> Hit | Reject:
        found = by_region.get(region)
        if found is None:
            found = by_region[region] = _remembered(rule)
        return found(raw, region)

    return find


def _hit(value: str | Reject) -> Hit | Reject:
    return value if isinstance(value, Reject) else Hit(value, hash_value(value))


def _by_country(raw: str, region: str) -> Hit | Reject:
    """The region a country cell means, upper case, for the rules that depend on it."""
    value = normalise_country(raw)
    return value if isinstance(value, Reject) else Hit(value.upper(), "")


def _by_digest(raw: str, region: str) -> Hit | Reject:
    value = normalise_digest(raw)
    return value if isinstance(value, Reject) else Hit(value, value)


def _by_phone(raw: str, region: str, habit: Habit) -> Hit | Reject:
    reading = read_phone(raw, region, habit)
    return reading if isinstance(reading, Reject) else Hit(reading.digits, hash_value(reading.digits), reading.by_column)
