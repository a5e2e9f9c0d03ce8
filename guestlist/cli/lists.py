"""`guestlist lists check` and `hash`: what a customer file is worth, and the payloads it turns into. Nothing is kept or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer

from guestlist.cli.advice import print_advice, summarize
from guestlist.cli.list_files import STANDARD, check_targets, open_list, open_rejects, open_target, parse_delimiter, parse_mapping
from guestlist.cli.options import Json, Region
from guestlist.cli.output import Advance, print_json, progress, say, say_json
from guestlist.cli.state import state_of
from guestlist.lists.base import ListOptions, ListReport, Payload, Prepared, Rejected

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
) -> None:
    """Read a customer file and say what is in it, what is lost and why. Nothing is stored or sent.

    Example: `guestlist lists check customers.csv --region GB`
    """
    remedies: dict[str, str] = {}
    with prepare(context, file, list_options(region, encoding, delimiter, header, mapping)) as prepared:
        with progress(f"Reading {file.name}") as advance:
            for _, rejects in walk(prepared, advance):
                for reject in rejects:
                    remedies.setdefault(reject.code, reject.remedy)
    if as_json:
        print_json(prepared.report.as_json())
    else:
        print_advice(prepared.report, remedies)


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
) -> None:
    """Turn a customer file into hashed upload payloads, one JSON object a line. Nothing is sent.

    The counts follow on stderr, or on stdout when the payloads go to a file.

    Example: `guestlist lists hash customers.csv --region GB --out payloads.ndjson --rejects rejects.csv`
    """
    check_targets(file, out, rejects)
    payloads = 0
    with prepare(context, file, list_options(region, encoding, delimiter, header, mapping)) as prepared:
        with open_target(out) as target, open_rejects(rejects) as book, progress(f"Hashing {file.name}") as advance:
            for payload, found in walk(prepared, advance):
                book.write(found)
                if payload is not None:
                    target.write(orjson.dumps(payload.as_json()) + b"\n")
                    payloads += 1
    if as_json:
        (say_json if out == STANDARD else print_json)(counts(prepared.report, payloads))
    else:
        say(summarize(prepared.report))


def list_options(
    region: str, encoding: str | None, delimiter: str | None, header: bool | None, mapping: Sequence[str] | None
) -> ListOptions:
    """The flags as the engine wants them. Errors: UsageError on a delimiter or mapping that cannot be meant."""
    return ListOptions(
        region=region.strip().upper(),
        encoding=encoding,
        delimiter=parse_delimiter(delimiter) if delimiter is not None else None,
        header=header,
        mapping=parse_mapping(mapping) if mapping else None,
    )


@contextmanager
def prepare(context: typer.Context, file: Path, options: ListOptions) -> Iterator[Prepared]:
    """The file, opened by the list engine. Errors: ListError."""
    from guestlist.lists.engine import CsvListEngine  # late: phone tables are not loaded for `--help`

    with open_list(file, state_of(context).settings.list_max_bytes) as source:
        yield CsvListEngine().prepare(source, options, filename="standard input" if file == STANDARD else file.name)


def walk(prepared: Prepared, advance: Advance) -> Iterator[tuple[Payload | None, Sequence[Rejected]]]:
    """Each payload with the rejects found on the way to it, then the last rejects alone."""
    seen = 0
    for payload in prepared.payloads():
        advance(prepared.report.rows - seen)
        seen = prepared.report.rows
        yield payload, prepared.rejects()
    yield None, prepared.rejects()


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
