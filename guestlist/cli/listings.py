"""Listings: a slice of rows as a table, or as the JSON that the HTTP API gives for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guestlist.cli.output import print_json, print_records, say

if TYPE_CHECKING:
    from guestlist.api.models import Shown
    from guestlist.storage.base import Row


@dataclass(frozen=True, slots=True)
class Columns:
    """A table: its headings, how a row fills them, and what to say where there is no row."""

    names: Sequence[str]
    cells: Callable[[Row], Sequence[object]]
    nothing: str
    right: Sequence[str] = ()


def document(model: type[Shown], row: Row) -> dict[str, Any]:
    """The row as the HTTP API shows it."""
    return model.of(row).model_dump(mode="json")


def print_listing(
    rows: Sequence[Row], limit: int, *, model: type[Shown], columns: Columns, as_json: bool, place: str = "id"
) -> None:
    """Prints at most `limit` of the rows, of which one more was asked for; `place` is the column that `--after` takes."""
    shown = rows[:limit]
    after = shown[-1][place] if len(rows) > limit else None
    if as_json:
        print_json({"data": [document(model, row) for row in shown], "next": None if after is None else str(after)})
        return
    if not shown:
        say(columns.nothing)
        return
    print_records(columns.names, map(columns.cells, shown), right=columns.right)
    if after is not None:
        say(f"There is more: --after {after}")
