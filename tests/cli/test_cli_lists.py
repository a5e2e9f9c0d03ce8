"""`guestlist lists` with the real engine: the shapes scripts rely on, and what a person reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import Result

Command = Callable[..., Result]

MESSY = """Mail;Telefon;Vorname;Notizen
ann@example.com;07911 123456;Ann;
BOB@EXAMPLE.COM ;;Bob;likes tea
ann@example.com;07911 123456;Ann;again
broken.example.com;12;Cleo;
;+44 7911 123457;Dan;
;;;
"""


@pytest.fixture
def messy(empty_folder: Path) -> str:
    """Six rows: three usable, one duplicate, two lost."""
    (empty_folder / "messy.csv").write_text(MESSY, encoding="utf-8")
    return "messy.csv"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_hash_prints_one_payload_a_line(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "hash", messy, "--region", "GB")

    (line,) = result.stdout.splitlines()
    payload = json.loads(line)
    assert result.exit_code == 0
    assert payload["schema"] == ["EMAIL", "PHONE", "FN"]
    assert payload["data"] == [
        [digest("ann@example.com"), digest("447911123456"), digest("ann")],
        [digest("bob@example.com"), "", digest("bob")],
        ["", digest("447911123457"), digest("dan")],
    ]
    assert result.stderr == "messy.csv: 6 rows, 3 usable (50 %), 1 duplicate, 2 rejected.\n"


def test_every_lost_row_and_cell_is_in_the_rejects_file(messy: str, guestlist: Command, empty_folder: Path) -> None:
    guestlist("lists", "hash", messy, "--region", "GB", "--rejects", "rejects.csv")

    with (empty_folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        rejects = list(csv.DictReader(file))
    lost = {(line["row"], line["code"]) for line in rejects if not line["column"]}
    assert {row for row, _ in lost} == {"4", "6"}
    assert all(line["remedy"] for line in rejects)
    assert "broken.example.com" not in (empty_folder / "rejects.csv").read_text(encoding="utf-8")


def test_payloads_into_a_file_leave_stdout_to_the_counts(messy: str, guestlist: Command, empty_folder: Path) -> None:
    result = guestlist("lists", "hash", messy, "--region", "GB", "--out", "payloads.ndjson", "--json")

    counts = json.loads(result.stdout)
    assert (counts["rows"], counts["usable"], counts["duplicates"], counts["payloads"]) == (6, 3, 1, 1)
    assert counts["rows"] == counts["usable"] + counts["duplicates"] + sum(counts["rejected"].values())
    assert len((empty_folder / "payloads.ndjson").read_text().splitlines()) == 1


def test_with_json_and_payloads_on_stdout_the_counts_are_talk(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "hash", messy, "--region", "GB", "--json")

    assert set(json.loads(result.stdout)) == {"schema", "data"}
    assert json.loads(result.stderr)["rows"] == 6


def test_check_gives_scripts_the_promised_shape(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", "GB", "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {
        "rows",
        "usable",
        "duplicates",
        "rejected",
        "dropped_cells",
        "mapping",
        "preview",
        "expected_match",
        "warnings",
    } <= set(report)
    assert set(report["expected_match"]) == {"lower", "upper", "grounds"}
    assert report["rows"] == 6 == report["usable"] + report["duplicates"] + sum(report["rejected"].values())


def test_check_tells_a_person_what_happens_to_the_file(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", "gb")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("Good rows, but perhaps too few of them: 3 people")
    assert result.stdout.splitlines()[1] == "messy.csv: 6 rows, 3 usable (50 %), 1 duplicate, 2 rejected."
    for part in ("separated by semicolons", "Telefon", "PHONE", "Rows that are lost: 2", "What to expect", "Next"):
        assert part in result.stdout


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_no_clear_value_is_ever_printed(flags: tuple[str, ...], messy: str, guestlist: Command) -> None:
    output = guestlist("lists", "check", messy, "--region", "GB", *flags).output

    assert not [
        value for value in ("ann@example.com", "07911 123456", "447911123456", "bob@example.com") if value in output.lower()
    ]


def test_a_list_can_come_through_a_pipe(guestlist: Command) -> None:
    result = guestlist("lists", "check", "-", "--region", "GB", "--json", stdin=MESSY.encode())

    report = json.loads(result.stdout)
    assert (report["usable"], report["filename"]) == (3, "standard input")


def test_flags_override_what_was_found_out(guestlist: Command, empty_folder: Path) -> None:
    (empty_folder / "odd.txt").write_bytes("José|ann@example.com\n".encode("utf-16-le"))

    result = guestlist(
        *("lists", "check", "odd.txt", "--region", "ES", "--json", "--encoding", "utf-16-le"),
        *("--delimiter", "pipe", "--no-header", "--map", "1=FN", "--map", "2=email"),
    )

    report = json.loads(result.stdout)
    assert (report["rows"], report["usable"], report["has_header"], report["delimiter"]) == (1, 1, False, "|")
    assert [column["key"] for column in report["mapping"]] == ["FN", "EMAIL"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"email,phone\n", "header_only"),
        (b"colour,size\nred,10\nblue,12\n", "no_usable_column"),
        (b"%PDF-1.7 a form", "not_text"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "hash"])
def test_a_file_that_is_no_list_exits_with_2_and_the_way_out(
    content: bytes, code: str, verb: str, guestlist: Command, empty_folder: Path
) -> None:
    (empty_folder / "bad.csv").write_bytes(content)

    result = guestlist("lists", verb, "bad.csv", "--region", "GB", "--json")

    problem = json.loads(result.stderr)
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem["code"] == code
    assert problem["detail"]


def test_a_file_that_is_no_list_leaves_no_files_behind(guestlist: Command, empty_folder: Path) -> None:
    (empty_folder / "bad.csv").write_bytes(b"")

    guestlist("lists", "hash", "bad.csv", "--region", "GB", "--out", "out.ndjson", "--rejects", "rejects.csv")

    assert [path.name for path in empty_folder.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize(("region", "part"), [("UK", "GB"), ("Atlantis", "two")])
def test_a_region_that_is_none_is_refused_with_a_hint(region: str, part: str, messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", region)

    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr


def test_a_column_that_is_not_there_is_refused(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", "GB", "--map", "Handy=PHONE", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stderr)["code"] == "unknown_column"


def test_a_file_over_the_limit_is_refused(messy: str, guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_LIST_MAX_BYTES", "10")

    result = guestlist("lists", "check", messy, "--region", "GB", "--json")

    assert json.loads(result.stderr)["code"] == "file_too_large"


def test_rows_are_corrected_and_merged_by_number(messy: str, guestlist: Command, empty_folder: Path) -> None:
    checked = guestlist("lists", "check", messy, "--region", "GB", "--fixable", "fix.csv")
    text = (empty_folder / "fix.csv").read_bytes().decode("utf-8-sig")
    (empty_folder / "fix.csv").write_text(text.replace("broken.example.com;12", "cleo@example.com;"), encoding="utf-8")

    again = guestlist("lists", "check", messy, "--region", "GB", "--fixes", "fix.csv", "--json")
    hashed = guestlist("lists", "hash", messy, "--region", "GB", "--fixes", "fix.csv")

    assert "1 row to correct in fix.csv" in checked.stderr
    assert text.splitlines()[0] == "guestlist_row;guestlist_problem;Mail;Telefon;Vorname;Notizen"
    report = json.loads(again.stdout)
    assert (report["rows"], report["usable"], report["rejected"]) == (6, 4, {"blank_row": 1})
    assert report["fixes"]["rows"] == 1
    assert json.loads(hashed.stdout)["data"][2][0] == digest("cleo@example.com")


def test_rows_of_standard_input_can_be_corrected_too(guestlist: Command, empty_folder: Path) -> None:
    guestlist("lists", "hash", "-", "--region", "GB", "--fixable", "fix.csv", stdin=MESSY.encode())

    assert "broken.example.com" in (empty_folder / "fix.csv").read_text(encoding="utf-8")
    assert (empty_folder / "fix.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "flags",
    [
        ("--fixable", "messy.csv"),
        ("--fixable", "-"),
        ("--fixes", "-"),
        ("--fixes", "fix.csv", "--fixable", "fix.csv"),
        ("--show-values", "--json"),
    ],
)
def test_flags_that_contradict_each_other_are_a_usage_error(flags: tuple[str, ...], messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", "GB", *flags)

    assert (result.exit_code, result.stdout) == (2, "")


def test_values_are_shown_in_clear_only_when_asked_for(messy: str, guestlist: Command) -> None:
    result = guestlist("lists", "check", messy, "--region", "GB", "--show-values")

    assert "07911 123456" in result.stdout
    assert "447911123456" in result.stdout


def test_as_many_rows_are_looked_at_as_asked_for(guestlist: Command, empty_folder: Path) -> None:
    (empty_folder / "many.csv").write_text("email\n" + "".join(f"p{at}@example.com\n" for at in range(99)))

    shown = [
        json.loads(guestlist("lists", "check", "many.csv", "--region", "GB", "--json", *flags).stdout)["preview"]
        for flags in ((), ("--rows", "50"))
    ]

    assert [len(rows) for rows in shown] == [20, 50]


def test_the_how_to_shows_the_report_as_it_is(guestlist: Command) -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "how-to" / "read-a-list-report.md").read_text(encoding="utf-8")
    shown = guestlist("lists", "check", str(root / "guestlist" / "lists" / "sample.csv"), "--region", "GB", "--rows", "3").stdout

    capture = page.split("```console\n")[1].split("```")[0]
    headings = [after for before, after in pairwise(shown.splitlines()) if not before and after[:1].isupper()]
    assert len(headings) >= 6
    assert [heading.partition(":")[0] for heading in headings if heading.partition(":")[0] not in capture] == []
