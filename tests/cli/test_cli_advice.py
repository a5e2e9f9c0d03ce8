"""The readable report of a customer file."""

from __future__ import annotations

import pytest

from guestlist.cli.advice import print_advice, summarize
from guestlist.lists.base import ExpectedMatch, ListReport, MappedColumn, PreviewRow

REMEDIES = {"phone_too_short": "Add the area code.", "no_identifier": "Add an e-mail address."}


@pytest.fixture
def report() -> ListReport:
    """A small file with some of everything."""
    return ListReport(
        filename="spring.csv",
        sha256="0" * 64,
        bytes=1,
        encoding="windows-1252",
        delimiter=";",
        has_header=True,
        region="GB",
        rows=1203,
        usable=1200,
        duplicates=1,
        rejected={"no_identifier": 2},
        dropped_cells={"phone_too_short": 40},
        mapping=[
            MappedColumn(0, "Mail", "EMAIL", "used", "Its header says so, and 98 % look like it."),
            MappedColumn(1, "Tel\x1b[2J", "PHONE", "unsure", "Half of it looks like phones."),
            MappedColumn(2, "Notes", None, "ignored", "No key fits."),
        ],
        preview=[PreviewRow(7, {"PHONE": ("07911 ••3456", "44791112••56", "ab12cd34")}, ("phone_too_short",))],
        expected_match=ExpectedMatch(240, 840, "20 to 70 % is what Meta's guide gives."),
        warnings=["The column Tel holds numbers of two countries."],
    )


def test_the_first_line_is_the_whole_story(report: ListReport) -> None:
    assert summarize(report) == "spring.csv: 1,203 rows, 1,200 usable (99 %), 1 duplicate, 2 rejected."


@pytest.mark.parametrize(
    "part",
    [
        "Read as windows-1252, separated by semicolons; the first row names the columns.",
        "Its header says so, and 98 % look like it.",
        "Settle an unsure column with --map",
        "Rows that are lost: 2",
        "Add an e-mail address.",
        "Values left out; their rows are kept: 40",
        "Add the area code.",
        "44791112••56",
        "ab12cd34",
        "Between 240 and 840 of 1,200 usable rows may match (20 to 70 %). 20 to 70 % is what Meta's guide gives.",
        "nobody will learn which rows matched",
        "- The column Tel holds numbers of two countries.",
        "--region GB --out /dev/null --rejects rejects.csv",
    ],
)
def test_the_report_says_what_an_expert_would(part: str, report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_advice(report, REMEDIES)

    out, err = capsys.readouterr()
    assert part in out
    assert err == ""
    assert "\x1b" not in out


def test_a_file_without_usable_rows_points_at_the_mapping(report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    report.usable, report.rows, report.duplicates = 0, 2, 0

    print_advice(report, REMEDIES)

    out = capsys.readouterr().out
    assert "No row can be used." in out
    assert "What to expect" not in out
