"""The readable form of `lists check`: what an expert would say after looking through the file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from guestlist.cli.output import GAP, count, page, plural, print_flush, print_table, print_text, printable
from guestlist.lists.base import Hint, ListReport, PreviewRow
from guestlist.lists.rejects import REGISTRY

DELIMITER_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes", " ": "spaces", ":": "colons", "": "nothing"}
FORMAT_WORDS = {"xlsx": "an Excel workbook", "parquet": "a Parquet file", "jsonl": "JSON lines"}
NARROW = 100
"""Columns of a terminal below which tables with sentences become blocks."""

BAR = 24
"""Columns of the longest bar."""

IN_FULL = 2
"""Good rows that are shown with all their values; of the others the identifiers, and what is left out, tell enough."""

MOST_IGNORED = 20
"""Columns that are not used and still listed."""

SAID_AS_WARNINGS = ("by_column", "guessed_encoding")
"""Hints that stand among the warnings already."""


def print_advice(report: ListReport, *, file: str = "FILE") -> None:
    """Prints the whole report, what matters most first. `file` stands in the commands it names."""
    print_text(report.verdict.text if report.verdict else summarize(report), style="bold")
    if report.verdict:
        print_text(summarize(report))
    print_counts(report)
    print_warnings(report)
    print_hints([hint for hint in report.hints if hint.code not in SAID_AS_WARNINGS])
    print_expectation(report)
    print_mapping(report)
    print_preview(report)
    print_losses("Rows that are lost", report.rejected)
    print_losses("Values left out; their rows are kept", report.dropped_cells)
    heading("Next")
    print_text(next_step(report, file))


def heading(text: str) -> None:
    print_text()
    print_text(text, style="bold")


def summarize(report: ListReport) -> str:
    """`customers.csv: 500 rows, 497 usable (99 %), 2 duplicates, 1 rejected.`"""
    share = f" ({100 * report.usable // report.rows} %)" if report.rows else ""
    rejected = sum(report.rejected.values())
    return (
        f"{printable(report.filename)}: {plural(report.rows, 'row')}, {count(report.usable)} usable{share}, "
        f"{plural(report.duplicates, 'duplicate')}, {count(rejected)} rejected."
    )


def describe_reading(report: ListReport) -> str:
    """How the file was read, so that a wrong guess is seen and overridden."""
    form = FORMAT_WORDS.get(report.format, "")
    if not form:
        split = DELIMITER_WORDS.get(report.delimiter, repr(report.delimiter))
        form = f"{report.encoding}, separated by {split}"
    header = "the first row names the columns" if report.has_header else "no row names the columns"
    fixed = f" {plural(report.fixes.rows, 'row')} of it came corrected." if report.fixes else ""
    return (
        f"Read as {form}; {header}. Numbers without a country are taken as {report.region}.{fixed} "
        "Wrong? Use --encoding, --delimiter, --header, --region."
    )


def print_counts(report: ListReport) -> None:
    """What became of the rows, and what the usable ones hold, as bars."""
    whole = max(1, report.rows)
    lost = sum(report.rejected.values())
    bars = [("usable", report.usable), ("duplicates", report.duplicates), ("lost", lost)]
    print_bars([(name, rows, whole) for name, rows in bars])
    held = report.identifiers_per_row
    if held is not None and report.usable:
        print_text()
        bars = [("e-mail and phone", held.both), ("e-mail only", held.email_only), ("phone only", held.phone_only)]
        print_bars([(name, rows, report.usable) for name, rows in bars])
        names = ", ".join(f"{key} {percent(rows, report.usable)}" for key, rows in report.keys.items())
        print_text(f"Filled of the usable rows: {names}.")


def print_bars(bars: Sequence[tuple[str, int, int]]) -> None:
    """Lines of a name, a number, its share of a whole, and a bar of that length. Each: name, number, whole."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, GAP, 0, 0))
    for justify in ("left", "right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    for name, number, whole in bars:
        table.add_row(Text(printable(name)), count(number), percent(number, whole), draw_bar(number, whole))
    print_flush(table)


def percent(number: int, whole: int) -> str:
    """`37 %`; neither all nor nothing unless it is."""
    share = 100 * number / whole
    return "<1 %" if 0 < share < 1 else ">99 %" if 99 < share < 100 else f"{share:.0f} %"


def draw_bar(number: int, whole: int) -> str:
    """The bar of a number; whatever is there can be seen."""
    return "█" * round(BAR * number / whole) or ("▏" if number else "")


def print_warnings(report: ListReport) -> None:
    """What must be known before uploading."""
    if report.warnings:
        heading("Before you upload")
        for warning in report.warnings:
            print_item("-", warning)


def print_hints(hints: Sequence[Hint]) -> None:
    """What would help, the most helpful first, each with its way out."""
    if hints:
        heading("What would help most")
        for number, hint in enumerate(hints, start=1):
            gain = f" (about {plural(hint.gain, 'more match', 'more matches')})" if hint.gain else ""
            print_item(f"{number}.", hint.text + gain, hint.action)


def print_item(mark: str, text: str, more: str = "") -> None:
    """A paragraph behind its mark, and a second one below it."""
    if not sys.stdout.isatty():
        print_text(f"{mark} {printable(text)}")
        if more:
            print_text(f"{' ' * len(mark)} -> {printable(more)}")
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(mark, Text(printable(text)))
    if more:
        table.add_row("", Text(f"-> {printable(more)}", style="green"))
    print_flush(table)


def is_narrow() -> bool:
    return page(sys.stdout).width < NARROW


def print_mapping(report: ListReport) -> None:
    """How the file was read, what each column is used for, and why."""
    heading("How it was read")
    print_text(describe_reading(report))
    print_text()
    ignored = [column for column in report.mapping if column.certainty == "ignored"]
    left_out = {column.index for column in ignored[MOST_IGNORED:]}
    columns = [
        (column.index + 1, column.name, used_for(column.key, column.certainty), column.reason + hashed_note(column.hashed))
        for column in report.mapping
        if column.index not in left_out
    ]
    if is_narrow():
        for number, name, use, reason in columns:
            print_item(f"{number}.", f"{name} -> {use}", reason)
    else:
        print_table(("#", "Column", "Used for", "Why"), columns, right=("#",))
    if left_out:
        print_text(f"And {plural(len(left_out), 'more column')} that {'is' if len(left_out) == 1 else 'are'} not used.")
    if any(column.certainty == "unsure" for column in report.mapping):
        print_text("Settle an unsure column with --map COLUMN=KEY, or --map COLUMN=ignore.")


def used_for(key: str | None, certainty: str) -> str:
    """What a column is used for. Only what is sure is used."""
    return f"maybe {key}, not used" if certainty == "unsure" else key or "not used"


def hashed_note(hashed: bool) -> str:
    return " It holds SHA-256 values already; they are passed on as they are." if hashed else ""


def print_losses(title: str, losses: Mapping[str, int]) -> None:
    """Losses by code, the largest first, each with its bar and its way out."""
    if not losses:
        return
    heading(f"{title}: {count(sum(losses.values()))}")
    ordered = sorted(losses.items(), key=lambda item: (-item[1], item[0]))
    longest = ordered[0][1]
    if is_narrow():
        for code, number in ordered:
            print_item("-", f"{count(number)} {code}", REGISTRY[code].remedy)
        return
    rows = [(count(n), code, draw_bar(n, longest), REGISTRY[code].remedy) for code, n in ordered]
    print_table(("Number", "Code", "", "What to do"), rows, right=("Number",))


def print_preview(report: ListReport) -> None:
    """Some rows as they are read: problems first where the engine found any."""
    if not report.preview:
        return
    heading("A look inside")
    if is_narrow():
        for row, cells in choose_cells(report.preview):
            print_text(f"Row {row.row}{': ' if row.codes else ''}{', '.join(row.codes)}", style="bold")
            for key, (raw, normalised, digest) in cells.items():
                print_item(" ", f"{key}: {raw}", f"{normalised} ({digest})" if digest else "left out")
        return
    lines: list[tuple[str, ...]] = []
    for row, cells in choose_cells(report.preview):
        number, notes = str(row.row), ", ".join(row.codes)
        for key, (raw, normalised, digest) in cells.items() or {"": ("(the whole row)", "", "")}.items():
            lines.append((number, key, raw, normalised or "left out", digest, notes))
            number = notes = ""  # said once, on the row's first line
    print_table(("Row", "Key", "In the file", "Becomes", "Hash", "Problem"), lines, right=("Row",))


def choose_cells(preview: Sequence[PreviewRow]) -> Iterator[tuple[PreviewRow, dict[str, tuple[str, str, str]]]]:
    """The rows with the values worth a line: what is left out first, then e-mail and phone; a few good rows in full."""
    full = IN_FULL
    for row in preview:
        left_out = {key: cell for key, cell in row.cells.items() if not cell[2]}
        if not row.codes and full:
            full -= 1
            yield row, dict(row.cells)
        else:
            yield row, left_out | {key: cell for key, cell in row.cells.items() if key in ("EMAIL", "PHONE")}


def print_expectation(report: ListReport) -> None:
    """The match range with its grounds, never one number."""
    expected = report.expected_match
    if expected is None or not report.usable:
        return
    heading("What to expect")
    low, high = (100 * bound / report.usable for bound in (expected.lower, expected.upper))
    print_text(
        f"Between {count(expected.lower)} and {count(expected.upper)} of {plural(report.usable, 'usable row')} may match "
        f"({low:.0f} to {high:.0f} %). {expected.grounds}"
    )
    print_text("Meta tells totals only: nobody will learn which rows matched.")


def next_step(report: ListReport, file: str = "FILE") -> str:
    """The command that goes on from here."""
    name = shlex.quote(file)
    command = f"guestlist lists {{}} {name} --region {report.region}"
    if not report.usable:
        return "No row can be used. Look at the columns above and name the right ones with --map."
    if report.verdict and report.verdict.code == "region" and report.regions:
        return f"Check it with the other region: guestlist lists check {name} --region {report.regions[0].region}"
    if report.rejected or report.dropped_cells:
        return (
            f"Correct what is worth it: {command.format('check')} --fixable fix.csv\n"
            f"Or go on without it: {command.format('import')}"
        )
    return f"The file is clean. Keep it, ready to upload: {command.format('import')}"
