"""The readable form of `lists check`: what an expert would say after looking through the file."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.cli.output import count, plural, print_table, print_text
from guestlist.lists.base import ListReport

DELIMITER_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes", " ": "spaces", ":": "colons", "": "nothing"}
PREVIEW_LINES = 24


def print_advice(report: ListReport, remedies: Mapping[str, str]) -> None:
    """Prints the whole report; `remedies` by reject code."""
    print_text(summarize(report), style="bold")
    print_text(describe_reading(report))
    print_mapping(report)
    print_losses("Rows that are lost", report.rejected, remedies, noun="Rows")
    print_losses("Values left out; their rows are kept", report.dropped_cells, remedies, noun="Values")
    print_preview(report)
    print_expectation(report)
    if report.warnings:
        heading("Worth knowing")
        for warning in report.warnings:
            print_text(f"- {warning}")
    heading("Next")
    print_text(next_step(report))


def heading(text: str) -> None:
    print_text()
    print_text(text, style="bold")


def summarize(report: ListReport) -> str:
    """`customers.csv: 500 rows, 497 usable (99 %), 2 duplicates, 1 rejected.`"""
    share = f" ({100 * report.usable // report.rows} %)" if report.rows else ""
    rejected = sum(report.rejected.values())
    return (
        f"{report.filename}: {plural(report.rows, 'row')}, {count(report.usable)} usable{share}, "
        f"{plural(report.duplicates, 'duplicate')}, {count(rejected)} rejected."
    )


def describe_reading(report: ListReport) -> str:
    """How the file was read, so that a wrong guess is seen and overridden."""
    split = DELIMITER_WORDS.get(report.delimiter, repr(report.delimiter))
    header = "the first row names the columns" if report.has_header else "no row names the columns"
    return (
        f"Read as {report.encoding}, separated by {split}; {header}. Numbers without a country are taken as {report.region}. "
        "Wrong? Use --encoding, --delimiter, --header, --region."
    )


def print_mapping(report: ListReport) -> None:
    """What each column is used for, and why."""
    heading("Columns")
    rows = (
        (
            column.index + 1,
            column.name,
            used_for(column.key, column.certainty),
            column.certainty,
            column.reason + hashed_note(column.hashed),
        )
        for column in report.mapping
    )
    print_table(("#", "Column", "Used for", "How sure", "Why"), rows, right=("#",))
    if any(column.certainty == "unsure" for column in report.mapping):
        print_text("Settle an unsure column with --map COLUMN=KEY, or --map COLUMN=ignore.")


def used_for(key: str | None, certainty: str) -> str:
    """What a column is used for. Only what is sure is used."""
    return f"maybe {key}" if certainty == "unsure" else key or "not used"


def hashed_note(hashed: bool) -> str:
    return " It holds SHA-256 values already; they are passed on as they are." if hashed else ""


def print_losses(title: str, losses: Mapping[str, int], remedies: Mapping[str, str], *, noun: str) -> None:
    """Losses by code, the largest first, each with its way out."""
    if not losses:
        return
    heading(f"{title}: {count(sum(losses.values()))}")
    rows = [(count(n), code, remedies.get(code, "")) for code, n in sorted(losses.items(), key=lambda item: (-item[1], item[0]))]
    print_table((noun, "Code", "What to do"), rows, right=(noun,))


def print_preview(report: ListReport) -> None:
    """Some rows as they are read: problems first where the engine found any."""
    lines: list[tuple[str, ...]] = []
    for row in report.preview:
        number, notes = str(row.row), ", ".join(row.codes)
        for key, (raw, normalised, digest) in row.cells.items():
            lines.append((number, key, raw, normalised, digest, notes))
            number = notes = ""  # said once, on the row's first line
    if not lines:
        return
    heading("A look inside (values masked)")
    print_table(("Row", "Key", "In the file", "Becomes", "Hash", "Notes"), lines[:PREVIEW_LINES], right=("Row",))
    if len(lines) > PREVIEW_LINES:
        print_text(f"{plural(len(lines) - PREVIEW_LINES, 'more value')} in --json.")


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


def next_step(report: ListReport) -> str:
    """The command that goes on from here."""
    if not report.usable:
        return "No row can be used. Look at the columns above and name the right ones with --map."
    command = f"guestlist lists hash FILE --region {report.region}"
    if report.rejected or report.dropped_cells:
        return f"See every reject with its row: {command} --out /dev/null --rejects rejects.csv"
    return f"The file is clean. See what would be sent: {command}"
