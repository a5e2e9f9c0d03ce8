"""What the user says of columns, as columns and keys of this file; what cannot be meant is refused with what can."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from guestlist.errors import ListError

from .base import Key
from .headers import DOB, FULL_NAME, IGNORE, fold_header

TARGETS = (*(key.value for key in Key), FULL_NAME, DOB)

SEVERAL = frozenset({Key.EMAIL, Key.PHONE, IGNORE})
"""What several columns may be named for: a person has more than one address, but one birth year."""

_BY_POSITION = re.compile(r"column (\d{1,5})", re.IGNORECASE | re.ASCII)


def read_choices(names: Sequence[str], chosen: Mapping[str, str]) -> dict[int, str]:
    """The user's mapping by index. A column is named by its header, as `column 3`, or by its index from 0.

    Errors: ListError `unknown_column`, `unknown_key`, `column_mapped_twice`, `key_mapped_twice`.
    """
    wanted: dict[int, str] = {}
    for column, target in chosen.items():
        key = _read_key(target)
        for index in _find_columns(names, column):
            if wanted.setdefault(index, key) != key:
                raise ListError(
                    f"{_show(names, index)} is mapped twice, to {wanted[index]} and to {key}.",
                    code="column_mapped_twice",
                    remedy="Map each column once.",
                )
    for key in {*wanted.values()} - SEVERAL:
        rivals = [index for index, each in wanted.items() if each == key]
        if len(rivals) > 1:
            raise ListError(
                f"{key} is mapped to {len(rivals)} columns: {', '.join(_show(names, index) for index in sorted(rivals)[:5])}.",
                code="key_mapped_twice",
                remedy="Only EMAIL and PHONE take several columns. Name one, by its number if two have the same name, as in "
                f"'column {rivals[0] + 1}={key}'.",
            )
    return wanted


def merge_choices(saved: Mapping[int, str], chosen: Mapping[int, str], width: int) -> dict[int, str]:
    """What was said before, except where this time something else is said of the column or of a key that takes one column."""
    taken = {key for key in chosen.values() if key not in SEVERAL}
    kept = {index: key for index, key in saved.items() if key not in taken and 0 <= index < width}
    return kept | dict(chosen)


def _read_key(target: str) -> str:
    key = IGNORE if target.strip().lower() == IGNORE else target.strip().upper()
    if key in (*TARGETS, IGNORE):
        return key
    near = get_close_matches(key, TARGETS, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    remedy = f"{hint}Use one of {', '.join(TARGETS)}, {IGNORE}."
    raise ListError(f"{target[:40]!r} is no key.", code="unknown_key", remedy=remedy)


def _find_columns(names: Sequence[str], column: str) -> list[int]:
    """The columns meant: all of that name, else the one at that place."""
    wanted = column.strip()
    found = [index for index, name in enumerate(names) if name.casefold() == wanted.casefold()]
    if found:
        return found
    place = _BY_POSITION.fullmatch(wanted)
    index = int(place[1]) - 1 if place else int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else -1
    if 0 <= index < len(names):
        return [index]
    raise ListError(f"There is no column {wanted[:40]!r}.", code="unknown_column", remedy=_suggest(names, wanted))


def _suggest(names: Sequence[str], wanted: str) -> str:
    """The nearest column with its number, else the columns there are."""
    known = [fold_header(name) for name in names]
    near = get_close_matches(fold_header(wanted), known, n=1)
    if near:
        return f"Did you mean {_show(names, known.index(near[0]))}?"
    shown = ", ".join(name[:40] for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"The columns are: {shown}{more}."


def _show(names: Sequence[str], index: int) -> str:
    """`“Telefon” (column 3)`."""
    place = f"column {index + 1}"
    return place if names[index] == place else f"“{names[index][:40]}” ({place})"
