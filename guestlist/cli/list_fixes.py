"""`--fixable` and `--fixes`: the rows that lost something, out for correction and back in their places."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from guestlist.cli.list_files import STANDARD, open_list, open_target
from guestlist.cli.output import plural, say
from guestlist.errors import UsageError
from guestlist.lists.base import ListOptions, ListReport, Step

if TYPE_CHECKING:
    from guestlist.lists.fixes import FixableWriter

Fixable = Annotated[
    Path | None,
    typer.Option(
        metavar="FIX.csv", help="Write the rows that lost something there, in clear, for you to correct.", show_default=False
    ),
]
Fixes = Annotated[
    Path | None,
    typer.Option(
        metavar="FIX.csv", help="The corrected file of --fixable: its rows replace those of FILE by number.", show_default=False
    ),
]
Keep = Callable[[ListReport, Step], None]
"""Takes each step of a list's way, to write what of it can be corrected."""


@contextmanager
def with_fixes(options: ListOptions, fixes: Path | None, max_bytes: int) -> Iterator[ListOptions]:
    """The options, with corrected rows where some are given. Errors: ListError where they cannot be read."""
    if fixes is None:
        yield options
        return
    if fixes == STANDARD:
        raise UsageError("--fixes cannot be standard input.", remedy="Give the corrected file's path.")
    with open_list(fixes, max_bytes) as source:
        yield replace(options, fixes=source)


@contextmanager
def open_fixable(path: Path | None, source: Path | BinaryIO, options: ListOptions) -> Iterator[Keep]:
    """The fixable file, written in step with the list and there once it is read; without a path, nothing is written.

    Errors: UsageError where the place cannot be written.
    """
    if path is None:
        yield lambda report, step: None
        return
    if path == STANDARD:
        raise UsageError(
            "--fixable cannot be standard output.", remedy="Give a path: the file holds your customers' data in clear."
        )
    from guestlist.lists.engine import FileListEngine  # late: phone tables are not loaded for `--help`

    writer: FixableWriter | None = None
    again = io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else source
    with open_target(path) as target:
        text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")

        def keep(report: ListReport, step: Step) -> None:
            nonlocal writer
            if writer is None:
                writer = FileListEngine().open_fixable(again, options, report, text)
            writer.write(step.rejects)

        try:
            yield keep
        finally:
            text.detach()  # writes what is left; the target closes the file
            if writer is not None:
                writer.close()
    rows = writer.rows if writer else 0
    if rows:
        say(f"{plural(rows, 'row')} to correct in {path}. Then the same command with --fixes {path} instead of --fixable.")
    else:
        say(f"No row of it can be corrected: {path} holds its columns alone.")
