"""`guestlist lists import`, `list`, `show`, `rejects`: what is kept of a customer file, and what never is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
NOBODY = "lst_01m7w7anwyac6ndf6dfhcp9t9k"
MESSY = "email,phone\nann@example.com,07911 123456\nbroken,07911 1\nbob@example.com,07911 12\nann@example.com,07911 123456\n"


@pytest.fixture
def messy(empty_folder: Path, ask: Ask) -> str:
    """An imported list with a lost row and a duplicate."""
    (empty_folder / "messy.csv").write_text(MESSY)
    return str(ask("lists", "import", "messy.csv", "--region", "gb", "--name", "Spring")["id"])


def test_an_import_says_what_became_of_the_file(messy: str, ask: Ask, guestlist: Command) -> None:
    (kept,) = ask("lists", "list")["data"]

    assert (kept["name"], kept["region"], kept["state"]) == ("Spring", "GB", "ready")
    assert (kept["rows"], kept["usable"], kept["duplicates"]) == (4, 2, 1)
    result = guestlist("lists", "import", "messy.csv", "--region", "GB")
    assert result.stdout.startswith("messy.csv: 4 rows, 2 usable (50 %), 1 duplicate, 1 rejected.")
    assert "Next: guestlist audiences upload AUDIENCE --list lst_" in result.stderr


def test_a_report_is_shown_as_the_check_shows_it(messy: str, ask: Ask, guestlist: Command) -> None:
    shown = guestlist("lists", "show", messy).stdout
    checked = guestlist("lists", "check", "messy.csv", "--region", "GB").stdout

    report = ask("lists", "show", messy)["report"]
    assert checked.split("Next")[0] in shown
    assert report["rows"] == report["usable"] + report["duplicates"] + sum(report["rejected"].values())


def test_a_list_comes_through_a_pipe_with_the_same_options(guestlist: Command) -> None:
    result = guestlist(
        *("lists", "import", "-", "--region", "GB", "--json", "--delimiter", "pipe", "--no-header"),
        *("--map", "2=EMAIL", "--map", "1=ignore"),
        stdin=b"x|ann@example.com\ny|bob@example.com\n",
    )

    assert (json.loads(result.stdout)["usable"], json.loads(result.stdout)["name"]) == (2, "standard input")


def test_rejects_are_printed_in_slices_and_written_as_csv(messy: str, ask: Ask, guestlist: Command, empty_folder: Path) -> None:
    everything = ask("lists", "rejects", messy)["data"]
    first = ask("lists", "rejects", messy, "--limit", "1")
    rest = ask("lists", "rejects", messy, "--after", first["next"])

    written = ask("lists", "rejects", messy, "--out", "rejects.csv")
    piped = guestlist("lists", "rejects", messy, "--out", "-").stdout

    assert first["data"] + rest["data"] == everything
    assert written == {"file": "rejects.csv", "rejects": len(everything)}
    assert piped == (empty_folder / "rejects.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(piped)))
    assert [(int(row["row"]), row["column"], row["code"]) for row in rows] == [
        (each["row"], each["column"], each["code"]) for each in everything
    ]
    assert "(the row)" in guestlist("lists", "rejects", messy).stdout


def test_a_list_is_imported_with_its_corrections(messy: str, guestlist: Command, ask: Ask, empty_folder: Path) -> None:
    guestlist("lists", "import", "messy.csv", "--region", "GB", "--fixable", "fix.csv")
    text = (empty_folder / "fix.csv").read_text(encoding="utf-8")
    (empty_folder / "fix.csv").write_text(text.replace("broken,07911 1", "cleo@example.com,07911 123458"), encoding="utf-8")

    kept = ask("lists", "import", "messy.csv", "--region", "GB", "--fixes", "fix.csv")

    assert (kept["rows"], kept["usable"], kept["duplicates"]) == (4, 3, 1)
    assert ask("lists", "show", kept["id"])["report"]["fixes"]["rows"] == 2


@pytest.mark.parametrize("words", [("show", NOBODY), ("rejects", NOBODY), ("rejects", NOBODY, "--out", "rejects.csv")])
def test_an_unknown_list_is_not_found_and_makes_no_file(words: tuple[str, ...], refusal: Refusal, empty_folder: Path) -> None:
    assert refusal("lists", *words)[0] == 5
    assert not (empty_folder / "rejects.csv").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty_file"),
        ("email\n", "header_only"),
        ("email,phone\nbroken,1\n", "nothing_usable"),
        ("colour\nred\n", "no_usable_column"),
    ],
)
def test_a_file_without_a_usable_row_is_refused_and_not_kept(
    content: str, code: str, refusal: Refusal, ask: Ask, empty_folder: Path
) -> None:
    (empty_folder / "bad.csv").write_text(content)

    exit_code, problem = refusal("lists", "import", "bad.csv", "--region", "GB")

    assert (exit_code, problem["code"]) == (2, code)
    assert ask("lists", "list")["data"] == []


def test_no_clear_value_reaches_the_disk(messy: str, empty_folder: Path) -> None:
    stored = b"".join(file.read_bytes() for file in (empty_folder / "guestlist-data").glob("*"))

    assert b"Spring" in stored
    assert not [value for value in (b"ann@example.com", b"07911 123456", b"447911123456") if value in stored]
