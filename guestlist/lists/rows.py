"""Cells to keys: one record normalised and hashed by the plan of its columns, with what had to be dropped and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .base import UNHASHED, Key, Reject
from .cells import BLANK
from .dates import puts_month_first, split_date
from .headers import DOB, FULL_NAME
from .mapping import ColumnPlan
from .names import split_name
from .numbering import rank_as_mobile
from .phones import Habit, habit_of, read_phone
from .rules import RULES, hash_value, normalise_country, normalise_digest

REMEMBERED = 10_000
"""Cells remembered per column before the memory starts anew: names repeat, and so do rows."""

REMEMBERED_OF_REGION = 2_000
"""The same per column and region, where the region matters."""

REGIONS_REMEMBERED = 32
"""Regions of which cells are remembered."""

_SPLIT = {FULL_NAME: (Key.FN, Key.LN), DOB: (Key.DOBY, Key.DOBM, Key.DOBD)}
_BY_REGION = frozenset({Key.ST, Key.ZIP})


class Dropped(NamedTuple):
    """A cell that cannot be used."""

    column: int
    code: str
    raw: str
    remedy: str


class Hit(NamedTuple):
    """What a cell gives: a value, normalised and hashed, or "" with the reason if it cannot be used.

    `by_column`: an ambiguous phone that the column's habit decided.
    """

    value: str
    digest: str
    by_column: bool = False
    refused: Reject | None = None


Find = Callable[[str], Hit]
"""Reads a cell of one column of one region."""

_MISSING = Hit("", "")


class Row(NamedTuple):
    """A record by the keys of the schema. `raws` are the cells of the values, without meaning where a value is ""."""

    values: Sequence[str]
    digests: tuple[str, ...]
    raws: Sequence[str]
    dropped: Sequence[Dropped]
    by_column: int


class _Source(NamedTuple):
    """One column serving one key. `place` is where its cell stands in the record; `column` the file's column to name."""

    place: int
    column: int
    find: Find


class _Fields(NamedTuple):
    """How to read the rows of one region: by key all its sources, and the first of each alone, which is all most rows need."""

    sources: list[list[_Source]]
    first: list[tuple[int, Find]]


@dataclass(frozen=True, slots=True)
class RowPlan:
    """All that reading a row takes, decided by the columns and their first rows. Picklable. Made by `plan_rows`."""

    columns: ColumnPlan
    region: str
    this_year: int
    habits: Mapping[int, Habit]  # of the phone columns, by index
    month_first: bool  # in dates that read both ways

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the upload, in fact-page order."""
        served = set(self.columns.serving)
        served |= {key for whole, parts in _SPLIT.items() if whole in served for key in parts}
        return tuple(key for key in Key if key in served and key not in UNHASHED)

    @property
    def schema(self) -> tuple[str, ...]:
        """The same as a payload names them."""
        return tuple(key.value for key in self.keys)


def plan_rows(columns: ColumnPlan, sample: Sequence[Sequence[str]], *, region: str, this_year: int) -> RowPlan:
    """The plan for rows, from the plan for columns and sound records of the file's begin."""
    undecided = RowReader(RowPlan(columns, region, this_year, {}, month_first=False))
    habits = {
        at: habit_of((cells[at], undecided.region_of(cells)) for cells in sample if cells[at])
        for at in columns.serving.get(Key.PHONE, ())
    }
    births = columns.serving.get(DOB, ())[:1]
    month_first = bool(births) and puts_month_first((cells[births[0]] for cells in sample), region)
    return RowPlan(columns, region, this_year, habits, month_first)


class RowReader:
    """Reads records by a plan. It remembers cells, so one reader serves many rows."""

    def __init__(self, plan: RowPlan) -> None:
        self._plan = plan
        self._keys = plan.keys
        self._serving = plan.columns.serving
        self._hashed = {column.index for column in plan.columns.columns if column.hashed}
        self._splits = [(key, index) for key in _SPLIT for index in self._serving.get(key, ())[:1]]
        self._countries = [
            (at, _Memory(_by_country, REMEMBERED)) for at in self._serving.get(Key.COUNTRY, ()) if at not in self._hashed
        ]
        self._shared: dict[tuple[Key, int], Find] = {}  # those that do not look at the region
        self._fields: dict[str, _Fields] = {}
        self._rivals = [at for at, key in enumerate(self._keys) if len(self._places(key)) > 1]
        self._phone = self._keys.index(Key.PHONE) if Key.PHONE in self._keys else -1
        self._more_phones = [place for place, _ in self._places(Key.PHONE)[1:]]
        self._identifiers = [at for at, key in enumerate(self._keys) if key in (Key.EMAIL, Key.PHONE)]

    def _places(self, key: Key) -> list[tuple[int, int]]:
        """Where the cells of a key stand, and the columns they come from; split columns put their parts behind the record."""
        places = [(index, index) for index in self._serving.get(key, ())]
        at = len(self._plan.columns.columns)
        for whole, index in self._splits:
            places += [(place, index) for place, part in enumerate(_SPLIT[whole], start=at) if part == key]
            at += len(_SPLIT[whole])
        return places

    def _fields_of(self, region: str) -> _Fields:
        """The fields as a region reads them; only so many regions are remembered."""
        if len(self._fields) >= REGIONS_REMEMBERED:
            self._fields.clear()
        sources = [[_Source(*place, self._find(key, place[1], region)) for place in self._places(key)] for key in self._keys]
        fields = self._fields[region] = _Fields(sources, [(first.place, first.find) for first, *_ in sources])
        return fields

    def _find(self, key: Key, column: int, region: str) -> Find:
        if column in self._hashed:
            return _by_digest
        if key == Key.PHONE:  # like e-mails, hardly ever the same twice
            return partial(_by_phone, region=region, habit=self._plan.habits.get(column, Habit.UNDECIDED))
        rule, this_year = RULES[key], self._plan.this_year
        if key == Key.EMAIL:
            return lambda raw: _hit(rule(raw, "", this_year)) if raw else _MISSING
        if key in _BY_REGION:
            return _Memory(lambda raw: _hit(rule(raw, region, this_year)), REMEMBERED_OF_REGION).__getitem__
        if (key, column) not in self._shared:
            self._shared[key, column] = _Memory(lambda raw: _hit(rule(raw, "", this_year)), REMEMBERED).__getitem__
        return self._shared[key, column]

    def region_of(self, cells: Sequence[str]) -> str:
        """The row's own country, else the list's region."""
        for place, known in self._countries:
            if region := known[cells[place]].value:
                return region
        return self._plan.region

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that values of rows stand for, in order."""
        return self._keys

    def all_of(self, key: Key, cells: Sequence[str]) -> list[str]:
        """Every usable value in clear that a row holds of a key which no column is split into, each once, best column first."""
        if key not in self._keys:
            return []
        region = self.region_of(cells)
        fields = self._fields.get(region) or self._fields_of(region)
        sources = [each for each in fields.sources[self._keys.index(key)] if each.column not in self._hashed]
        hits = [source.find(cells[source.place]).value for source in sources]
        return [value for value in dict.fromkeys(hits) if value]

    def read(self, cells: Sequence[str]) -> Row:
        """The record as a row of the upload, whatever is wrong with its cells."""
        dropped: list[Dropped] = []
        region = self.region_of(cells)
        if self._splits:
            cells = [*cells, *self._parts(cells, dropped)]
        fields = self._fields.get(region) or self._fields_of(region)
        hits = [find(cells[place]) for place, find in fields.first]
        raws = [cells[place] for place, _ in fields.first]
        values, digests, decided, refused = zip(*hits, strict=True)
        if any(refused) or (self._rivals and self._has_choice(hits, cells)):
            found = [
                (_best_phone if at == self._phone else _first_valid)(sources, cells, dropped)
                for at, sources in enumerate(fields.sources)
            ]
            values, digests, decided, _ = zip(*[hit for hit, _ in found], strict=True)
            raws = [raw for _, raw in found]
        return Row(values, digests, raws, dropped, sum(decided))

    def _has_choice(self, hits: Sequence[Hit], cells: Sequence[str]) -> bool:
        """Whether a later column may serve the row better: the first lacks a value, or its number may be no mobile."""
        if not all(hits[at].value for at in self._rivals):
            return True
        return any(cells[place] for place in self._more_phones) and _rank(hits[self._phone]) > 0

    def _parts(self, cells: Sequence[str], dropped: list[Dropped]) -> list[str]:
        """The parts of full names and dates; empty ones, and a dropped cell, where there are none."""
        parts: list[str] = []
        for whole, index in self._splits:
            raw = cells[index]
            plan = self._plan
            found = split_name(raw, plan.columns.order) if whole == FULL_NAME else split_date(raw, month_first=plan.month_first)
            if isinstance(found, Reject):
                if found != BLANK:
                    dropped.append(Dropped(index, found.code, raw, found.remedy))
                parts.extend("" for _ in _SPLIT[whole])
            else:
                parts.extend(found)
        return parts

    def has_identifier(self, row: Row) -> bool:
        """Whether the row holds an e-mail or a phone: without one Meta takes nothing."""
        return any(map(row.values.__getitem__, self._identifiers))


def _first_valid(sources: Sequence[_Source], cells: Sequence[str], dropped: list[Dropped]) -> tuple[Hit, str]:
    """The first usable cell among those that serve a key; unusable ones before it are dropped."""
    for source in sources:
        raw = cells[source.place]
        hit = source.find(raw)
        if hit.value:
            return hit, raw
        if hit.refused:
            dropped.append(Dropped(source.column, hit.refused.code, raw, hit.refused.remedy))
    return _MISSING, ""


def _best_phone(sources: Sequence[_Source], cells: Sequence[str], dropped: list[Dropped]) -> tuple[Hit, str]:
    """The usable number that is likeliest in the person's pocket: a mobile before what may be either, that before a landline;
    among equals the one of the better column. Unusable ones before the first usable one are dropped; no other is lost."""
    best, raw = _first_valid(sources, cells, dropped)
    likeliest = _rank(best)
    for source in sources:
        if not likeliest:
            break
        other = source.find(cells[source.place])
        if other.value and (rank := _rank(other)) < likeliest:
            best, raw, likeliest = other, cells[source.place], rank
    return best, raw


def _rank(hit: Hit) -> int:
    """See `rank_as_mobile`; of a number hashed elsewhere nothing can be told."""
    return rank_as_mobile(hit.value) if hit.value and hit.value != hit.digest else 1


class _Memory(dict[str, Hit]):
    """What cells give, worked out when first asked for; it starts anew when full."""

    def __init__(self, find: Find, most: int) -> None:
        self._find = find
        self._most = most

    def __missing__(self, raw: str) -> Hit:
        if len(self) >= self._most:
            self.clear()
        hit = self[raw] = self._find(raw) if raw else _MISSING
        return hit


def _refuse(reject: Reject) -> Hit:
    return _MISSING if reject == BLANK else Hit("", "", refused=reject)


def _hit(value: str | Reject) -> Hit:
    return _refuse(value) if isinstance(value, Reject) else Hit(value, hash_value(value))


def _by_country(raw: str) -> Hit:
    """The region a country cell means, upper case, for the rules that depend on it."""
    value = normalise_country(raw)
    return _refuse(value) if isinstance(value, Reject) else Hit(value.upper(), "")


def _by_digest(raw: str) -> Hit:
    if not raw:
        return _MISSING
    value = normalise_digest(raw)
    return _refuse(value) if isinstance(value, Reject) else Hit(value, value)


def _by_phone(raw: str, region: str, habit: Habit) -> Hit:
    if not raw:
        return _MISSING
    reading = read_phone(raw, region, habit)
    if isinstance(reading, Reject):
        return _refuse(reading)
    return Hit(reading.digits, hash_value(reading.digits), reading.by_column)
