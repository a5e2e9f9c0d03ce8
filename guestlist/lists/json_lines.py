"""JSON lines: one object a line is one record, its keys are columns. Objects within it are flattened one level, by a dot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from .cells import NESTED
from .records import MAX_FIELD, MAX_LINE, Record
from .sniffing import SAMPLE_LINES
from .values import value_text

_OBJECT = re.compile(r'\s*\{\s*["}]')
_LIST = re.compile(r"\s*\[\s*(?:\{|$)")


def holds_objects(lines: Sequence[str]) -> bool:
    """Whether the first lines are JSON objects, a broken one among them aside, and no list of objects is begun."""
    first = [line for line in lines[:SAMPLE_LINES] if line.strip()]
    if not first or _LIST.match(first[0]):
        return False
    looks_alike = [line for line in first if _OBJECT.match(line)]
    return 2 * len(looks_alike) >= len(first) and any(_parse(line) is not None for line in looks_alike)


class JsonRecords:
    """The records of such a file. Its columns are the keys of the first 1,000 objects, in the order they come."""

    format = "jsonl"
    delimiter = ""

    def __init__(self, lines: Sequence[str], more: Iterator[list[str]]) -> None:
        self._blocks = chain([lines], more)
        names: dict[str, int] = {}
        for line in lines[:SAMPLE_LINES]:
            for name in _flatten(_parse(line) or {}):
                names.setdefault(name, len(names))
        self._names = names
        self._late: dict[str, None] = {}
        self.header: tuple[str, ...] | None = tuple(names)
        self.width = len(names)

    @property
    def notes(self) -> list[str]:
        """What to tell a person of the file: keys that came too late to be columns."""
        if not self._late:
            return []
        shown = ", ".join(repr(name[:60]) for name in list(self._late)[:5])
        return [f"Keys that first occur after row {SAMPLE_LINES:,} were left out: {shown}."]

    def blocks(self) -> Iterator[list[Record]]:
        """The records, a block for each block of lines."""
        for lines in self._blocks:
            yield [self._read(line) for line in lines]

    def _read(self, line: str) -> Record:
        if not line or line.isspace():
            return Record(())
        if len(line) > MAX_LINE:
            return Record((), "field_too_long")
        found = _parse(line)
        if found is None:
            return Record((line,), "bad_json")
        cells = [""] * self.width
        for name, value in _flatten(found).items():
            place = self._names.get(name)
            if place is not None:
                cells[place] = _cell(value)
            elif len(self._late) < SAMPLE_LINES:
                self._late[name] = None
        if len(line) > MAX_FIELD and any(len(cell) > MAX_FIELD for cell in cells):
            return Record((), "field_too_long")
        return Record(cells)


def _parse(line: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except ValueError:  # lone surrogates are no JSON either
        return None
    return found if isinstance(found, dict) else None


def _flatten(found: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the keys of objects within it behind their own: `{"a": {"b": 1}}` as `{"a.b": 1}`."""
    if not any(isinstance(value, dict) for value in found.values()):
        return dict(found)
    flat: dict[str, Any] = {}
    for name, value in found.items():
        inner = value if isinstance(value, dict) else None
        flat.update({f"{name}.{key}": part for key, part in inner.items()} if inner is not None else {name: value})
    return flat


def _cell(value: Any) -> str:
    """The text of a value. A list of one value is that value; any other list or object is marked, so that its use is refused."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else value or None
    text = value_text(value if value != {} else None)
    return text if text is not None else NESTED + orjson.dumps(value).decode()
