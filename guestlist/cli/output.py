"""How commands speak: data on stdout, talk on stderr, progress that becomes plain lines when nobody watches a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE = 160
GAP = 2
"""Blanks between two columns."""

SECONDS_BETWEEN_LINES = 2.0

Advance = Callable[[int], None]
"""Says that so many more are done."""


def page(stream: TextIO) -> Console:
    """A console for the stream. Files and pipes get a fixed width, so that tables do not depend on who started us."""
    return Console(file=stream, width=None if stream.isatty() else WIDTH_OF_A_FILE, highlight=False, markup=False, emoji=False)


def printable(value: object) -> str:
    """The text without control characters: a column name must not be able to steer the terminal."""
    return "".join(c if c.isprintable() else "�" for c in str(value))


def count(number: int) -> str:
    """1234567 as `1,234,567`."""
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def print_json(document: Any) -> None:
    """One document on stdout: UTF-8 whatever the terminal's encoding is."""
    print_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")


def say_json(document: Any) -> None:
    """Talk for scripts: one object on stderr, in one line, where stdout is taken by data."""
    sys.stderr.write(orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")


def print_bytes(data: bytes) -> None:
    """Raw data on stdout, after what was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_text(text: str = "", style: str = "") -> None:
    """A paragraph of the answer, on stdout; wrapped on a terminal, left whole elsewhere."""
    page(sys.stdout).print(Text(text, style=style), soft_wrap=not sys.stdout.isatty())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table on stdout; the columns named in `right` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    print_flush(table)


def print_records(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table of records with ids; on a terminal too narrow for it, a block a record, so that ids stay in one piece."""
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = (max(map(cell_len, cells)) for cells in zip(columns, *shown, strict=True))
    if not sys.stdout.isatty() or sum(widths) + GAP * (len(columns) - 1) <= page(sys.stdout).width:
        print_table(columns, shown, right=right)
        return
    for number, row in enumerate(shown):
        if number:
            print_text()
        print_facts(dict(zip(columns, row, strict=True)))


def print_flush(table: Table) -> None:
    """Prints without the blanks that would fill each line up to the table's width."""
    console = page(sys.stdout)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")
    console.file.flush()


def print_facts(facts: Mapping[str, object]) -> None:
    """What is known of one thing, a line each, on stdout. What is None or empty is left out."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, GAP, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in (None, ""):
            table.add_row(Text(printable(name)), Text(printable(value)))
    print_flush(table)


def when(milliseconds: int | None) -> str:
    """An instant of a row for people, in UTC; nothing where there is none."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M}Z" if milliseconds is not None else ""


def say(text: str, style: str = "") -> None:
    """Talk: one line on stderr."""
    page(sys.stderr).print(Text(text, style=style), soft_wrap=True)


@contextmanager
def progress(
    title: str, total: int | None = None, *, noun: str = "rows", now: Callable[[], float] = time.monotonic
) -> Iterator[Advance]:
    """Progress of a long step on stderr: a bar on a terminal; elsewhere a line every other second, none for a short step."""
    if sys.stderr.isatty():
        with bar(title, total, noun) as advance_bar:
            yield advance_bar
        return
    done, said = 0, now()

    def advance(more: int) -> None:
        nonlocal done, said
        done += more
        if now() - said >= SECONDS_BETWEEN_LINES:
            said = now()
            say(f"{title}: {count(done)}{f' of {count(total)}' if total else ''} {noun}")

    yield advance


@contextmanager
def bar(title: str, total: int | None, noun: str) -> Iterator[Advance]:
    """The moving form, gone from the screen when the step is over."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} " + noun))
    with Progress(*columns, TimeRemainingColumn(), console=page(sys.stderr), transient=True) as live:
        task = live.add_task(title, total=total)
        yield lambda more: live.advance(task, more)
