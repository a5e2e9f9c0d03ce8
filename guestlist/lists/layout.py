"""Where the table begins: which record is the header, what stands before it, how wide the table is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .headers import find_hinted, find_named
from .records import Record

LOOK_AT = 30
"""Records looked at for a header: titles and blank lines before it are rarely more."""

_LONG_DIGITS = re.compile(r"(?:\d[ ().\-/]*){7,}")
_TOTALS = re.compile(
    r"(?:(?:grand|sub)[\s\-]?total|total|totals|sum|summe|gesamt(?:summe)?|totale|totaal|suma|razem|итого|合計|总计|count|anzahl)\b[\s:]*"
    r"(?:[\d.,\s]*|(?:rows|records|customers|contacts|entries|kunden|clients?)\b.*|\d[\d.,]*\s+\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """`header_at`: index of the header record, or None. `first`: index of the first customer. Between and before: preamble."""

    header: tuple[str, ...] | None
    header_at: int | None
    first: int
    width: int


def is_blank(cells: Sequence[str]) -> bool:
    """Whether a record holds nothing."""
    return not "".join(cells).strip()


def is_totals(cells: Sequence[str]) -> bool:
    """Whether a record without e-mail and phone reads as a total: its first words say so."""
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return len(first) <= 80 and _TOTALS.fullmatch(first) is not None


def is_value(cell: str) -> bool:
    """Whether a cell looks like a customer's data: an address or a number as long as a phone's."""
    return "@" in cell or _LONG_DIGITS.search(cell) is not None


def find_layout(records: Sequence[Record], width: int, *, header: bool | None) -> Layout:
    """The layout of a file from its first records. `header` True or False is the user's word; None means find out."""
    candidates = [index for index, record in enumerate(records[:LOOK_AT]) if not record.fault and not is_blank(record.cells)]
    if header is False or not candidates:
        return Layout(None, None, _first_data(records, candidates, width), width)
    named = next((index for index in candidates if _is_header(records[index].cells, width)), None)
    if header and named is None:
        named = next((index for index in candidates if len(records[index].cells) == width), candidates[0])
    if named is None:
        named = _find_unnamed(records, candidates, width)
    if named is None:
        return Layout(None, None, _first_data(records, candidates, width), width)
    return _with_header(records, named, width)


def _is_header(cells: Sequence[str], width: int) -> bool:
    """Whether a record names columns: some are known, nothing looks like data, and it is about as wide as the table."""
    if any(is_value(cell) for cell in cells) or 2 * len(cells) < width:
        return False
    known = sum(find_named(cell) is not None or find_hinted(cell) is not None for cell in cells)
    return known >= 2 or (known == 1 and (len(cells) == width or width == 1) and 4 * known >= sum(bool(c.strip()) for c in cells))


def _find_unnamed(records: Sequence[Record], candidates: Sequence[int], width: int) -> int | None:
    """A header whose names nobody knows: full, distinct words without a digit, above records that do hold data."""
    index = next((at for at in candidates if len(records[at].cells) == width), None)
    if index is None:
        return None
    cells = [cell.strip() for cell in records[index].cells]
    below = [record.cells for record in records[index + 1 :] if not record.fault and len(record.cells) == width]
    wordy = all(cells) and len(set(cells)) == len(cells) and not any(is_value(cell) for cell in cells)
    with_data = sum(any(is_value(cell) for cell in row) for row in below)
    return index if wordy and below and 10 * with_data >= 9 * len(below) else None


def _first_data(records: Sequence[Record], candidates: Sequence[int], width: int) -> int:
    """Without a header the table starts at its first full record, unless what stands before it looks like data."""
    first = next((index for index in candidates if len(records[index].cells) == width), 0)
    return first if not any(is_value(cell) for record in records[:first] for cell in record.cells) else 0


def _with_header(records: Sequence[Record], at: int, width: int) -> Layout:
    """The header, wide as itself; blank names at its end come and go with the records below."""
    names = [cell.strip() for cell in records[at].cells]
    below = [record.cells for record in records[at + 1 :] if not record.fault and not is_blank(record.cells)]
    while len(names) > max(width, 1) and not names[-1]:
        names.pop()
    if len(names) < width and below and all(is_blank(cells[len(names) :]) for cells in below if len(cells) == width):
        names += [""] * (width - len(names))
    return Layout(tuple(names), at, at + 1, len(names))
