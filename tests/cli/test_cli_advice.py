"""The readable report of a customer file."""

from __future__ import annotations

import pytest

from guestlist.cli.advice import draw_bar, next_step, percent, print_advice, summarize
from guestlist.lists.base import (
    ExpectedMatch,
    Hint,
    IdentifiersPerRow,
    ListReport,
    MappedColumn,
    PreviewRow,
    RegionChange,
    Verdict,
)


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
        verdict=Verdict("improve", "Ready to upload, but it can do better."),
        hints=[
            Hint("landlines", 900, 90, "900 phones are landlines.", "Add mobile numbers."),
            Hint("add_email", 9, 1, "9 rows have a phone only.", "Add e-mail addresses."),
            Hint("by_column", 5, 0, "5 phones read in two ways.", "Look at them."),
        ],
        keys={"EMAIL": 1191, "PHONE": 1000},
        identifiers_per_row=IdentifiersPerRow(991, 200, 9, 1.83, 1.83),
    )


def test_the_verdict_is_the_first_line_and_the_counts_the_second(report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_advice(report)

    first, second, usable, *_ = capsys.readouterr().out.splitlines()
    assert first == "Ready to upload, but it can do better."
    assert second == summarize(report)
    assert usable.split() == ["usable", "1,200", ">99", "%", "█" * 24]


def test_hints_stand_in_their_order_with_gain_and_way_out(report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_advice(report)

    out = capsys.readouterr().out
    assert "1. 900 phones are landlines. (about 90 more matches)\n   -> Add mobile numbers.\n2. 9 rows" in out
    assert "(about 1 more match)" in out
    assert "5 phones read in two ways" not in out  # it is among the warnings


@pytest.mark.parametrize(
    ("number", "whole", "shown"), [(0, 9, "0 %"), (1, 900, "<1 %"), (1, 3, "33 %"), (899, 900, ">99 %"), (9, 9, "100 %")]
)
def test_a_share_is_neither_all_nor_nothing_unless_it_is(number: int, whole: int, shown: str) -> None:
    assert percent(number, whole) == shown
    assert bool(draw_bar(number, whole)) == bool(number)


def test_a_narrow_terminal_gets_blocks_that_fit(
    report: ListReport, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guestlist.cli.output.WIDTH_OF_A_FILE", 60)

    print_advice(report)

    out = capsys.readouterr().out
    assert "1. Mail -> EMAIL\n   -> Its header says so, and 98 % look like it.\n" in out
    assert "- 40 phone_too_short\n  -> Add the area or country code.\n" in out
    assert "How sure" not in out


def test_a_wrong_region_leads_to_a_check_with_the_other(report: ListReport) -> None:
    report.verdict = Verdict("region", "Check the region first.")
    report.regions = [RegionChange("US", 400, 0, 0, 500, 400, "the postal codes are those of US")]

    assert next_step(report, "my list.csv").endswith("guestlist lists check 'my list.csv' --region US")


def test_the_line_of_counts(report: ListReport) -> None:
    assert summarize(report) == "spring.csv: 1,203 rows, 1,200 usable (99 %), 1 duplicate, 2 rejected."


@pytest.mark.parametrize(
    "part",
    [
        "Read as windows-1252, separated by semicolons; the first row names the columns.",
        "Its header says so, and 98 % look like it.",
        "Settle an unsure column with --map",
        "Rows that are lost: 2",
        "Add an e-mail address or a phone number.",
        "Values left out; their rows are kept: 40",
        "Add the area or country code.",
        "44791112••56",
        "ab12cd34",
        "Between 240 and 840 of 1,200 usable rows may match (20 to 70 %). 20 to 70 % is what Meta's guide gives.",
        "nobody will learn which rows matched",
        "- The column Tel holds numbers of two countries.",
        "guestlist lists check FILE --region GB --fixable fix.csv",
        "Filled of the usable rows: EMAIL >99 %, PHONE 83 %.",
    ],
)
def test_the_report_says_what_an_expert_would(part: str, report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_advice(report)

    out, err = capsys.readouterr()
    assert part in out
    assert err == ""
    assert "\x1b" not in out


def test_a_file_without_usable_rows_points_at_the_mapping(report: ListReport, capsys: pytest.CaptureFixture[str]) -> None:
    report.usable, report.rows, report.duplicates = 0, 2, 0

    print_advice(report)

    out = capsys.readouterr().out
    assert "No row can be used." in out
    assert "What to expect" not in out
