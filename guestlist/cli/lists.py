"""`guestlist lists check` and `hash`: what a customer file is worth, and the payloads it turns into. Nothing is kept or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import typer

from guestlist.cli.advice import print_advice, summarize
from guestlist.cli.list_files import STANDARD, check_targets, open_list, open_rejects, open_target, parse_delimiter, parse_mapping
from guestlist.cli.list_fixes import Fixable, Fixes, Keep, open_fixable, with_fixes
from guestlist.cli.options import Json, Region
from guestlist.cli.output import Advance, print_json, progress, say, say_json
from guestlist.cli.saved_mappings import saved_mappings, say_saved
from guestlist.cli.state import state_of
from guestlist.errors import UsageError
from guestlist.lists.base import ListOptions, ListReport, Prepared, Step

app = typer.Typer(name="lists", no_args_is_help=True, help="Check customer files, keep them as digests, see what was lost.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The customer file, or - for standard input.", show_default=False)]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="The file's encoding, such as utf-8 or windows-1252; found out if not given.")
]
Delimiter = Annotated[
    str | None, typer.Option(metavar="CHAR", help="What separates columns: one character, or tab, comma, semicolon, pipe.")
]
Header = Annotated[bool | None, typer.Option("--header/--no-header", help="Whether the first row names the columns.")]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="COL=KEY", help="Use a column, by name or number (from 1), for a key: Tel=PHONE, 3=EMAIL, Notes=ignore."
    ),
]
Sheet = Annotated[
    str | None, typer.Option(metavar="NAME", help="The sheet of a workbook, by name or number; the first with rows if not given.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, metavar="N", help="Processes that read a long file, 1 for none beside this one; by cores if not given."
    ),
]
PreviewRows = Annotated[int, typer.Option("--rows", min=1, max=100, metavar="N", help="Rows to look at, problems first.")]


class Opened(NamedTuple):
    """A file being prepared, and what keeps its rows for correction."""

    prepared: Prepared
    keep: Keep


@app.command()
def check(
    context: typer.Context,
    file: File,
    region: Region,
    as_json: Json = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    mapping: Map = None,
    sheet: Sheet = None,
    workers: Workers = None,
    rows: PreviewRows = 20,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show the rows to look at in clear, on this terminal; not with --json.")
    ] = False,
    fixable: Fixable = None,
    fixes: Fixes = None,
) -> None:
    """Read a customer file and say what is in it, what is lost and why, and what would help. Nothing is stored or sent.

    Example: `guestlist lists check customers.csv --region GB`
    """
    if show_values and as_json:
        raise UsageError("--show-values and --json exclude each other.", remedy="JSON holds masked values only; leave one out.")
    check_targets(file, fixable, fixes=fixes)
    options = list_options(region, encoding, delimiter, header, mapping, sheet, workers)
    options = replace(options, preview_rows=rows, clear_preview=show_values)
    with prepare(context, file, options, fixes=fixes, fixable=fixable) as opened, progress(f"Reading {file.name}") as advance:
        for _ in walk(opened, advance):
            pass
    report = opened.prepared.report
    if as_json:
        print_json(report.as_json())
    else:
        print_advice(report, file="-" if file == STANDARD else str(file))


@app.command("hash")
def hash_list(
    context: typer.Context,
    file: File,
    region: Region,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the payloads go, one a line; - for standard output.")
    ] = STANDARD,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Where rejected rows and cells go, with remedies.")
    ] = None,
    as_json: Json = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    mapping: Map = None,
    sheet: Sheet = None,
    workers: Workers = None,
    fixable: Fixable = None,
    fixes: Fixes = None,
) -> None:
    """Turn a customer file into hashed upload payloads, one JSON object a line. Nothing is sent.

    The counts follow on stderr, or on stdout when the payloads go to a file.

    Example: `guestlist lists hash customers.csv --region GB --out payloads.ndjson --rejects rejects.csv`
    """
    check_targets(file, out, rejects, fixable, fixes=fixes)
    payloads = 0
    options = list_options(region, encoding, delimiter, header, mapping, sheet, workers)
    with prepare(context, file, options, fixes=fixes, fixable=fixable) as opened:
        prepared = opened.prepared
        with open_target(out) as target, open_rejects(rejects) as book, progress(f"Hashing {file.name}") as advance:
            for payload, found in walk(opened, advance):
                book.write(found)
                if payload is not None:
                    target.write(orjson.dumps(payload.as_json()) + b"\n")
                    payloads += 1
    if as_json:
        (say_json if out == STANDARD else print_json)(counts(prepared.report, payloads))
    else:
        say(summarize(prepared.report))


def list_options(
    region: str,
    encoding: str | None,
    delimiter: str | None,
    header: bool | None,
    mapping: Sequence[str] | None,
    sheet: str | None = None,
    workers: int | None = None,
) -> ListOptions:
    """The flags as the engine wants them. Errors: UsageError on a delimiter or mapping that cannot be meant."""
    return ListOptions(
        region=region.strip().upper(),
        encoding=encoding,
        delimiter=parse_delimiter(delimiter) if delimiter is not None else None,
        header=header,
        mapping=parse_mapping(mapping) if mapping else None,
        sheet=sheet,
        workers=workers,
    )


@contextmanager
def prepare(
    context: typer.Context, file: Path, options: ListOptions, *, fixes: Path | None = None, fixable: Path | None = None
) -> Iterator[Opened]:
    """The file, opened by the list engine. Errors: ListError; UsageError where `fixable` cannot be written."""
    from guestlist.lists.engine import FileListEngine  # late: phone tables are not loaded for `--help`

    settings = state_of(context).settings
    max_bytes = settings.list_max_bytes
    options = replace(options, saved=saved_mappings(context))
    with (
        open_list(file, max_bytes, twice=fixable is not None) as source,
        with_fixes(options, fixes, max_bytes) as options,
        open_fixable(fixable, source, options) as keep,
    ):
        prepared = FileListEngine(workers=settings.list_workers, max_unpacked=settings.list_max_unpacked).prepare(
            source, options, filename="standard input" if file == STANDARD else file.name
        )
        say_saved(prepared.report)
        yield Opened(prepared, keep)


def walk(opened: Opened, advance: Advance) -> Iterator[Step]:
    """The steps, each told to the progress bar and kept for correction."""
    prepared, seen = opened.prepared, 0
    with closing(prepared.steps()) as steps:
        for step in steps:
            advance(prepared.report.rows - seen)
            seen = prepared.report.rows
            opened.keep(prepared.report, step)
            yield step


def counts(report: ListReport, payloads: int) -> dict[str, object]:
    """The whole file accounted for, without its mapping and preview."""
    return {
        "rows": report.rows,
        "usable": report.usable,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "dropped_cells": report.dropped_cells,
        "payloads": payloads,
        "sha256": report.sha256,
        "warnings": report.warnings,
    }
