"""`guestlist lists mappings` and `forget-mapping`, and the commands that read what is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
FILE = "Wer,Kontakt\nann@example.com,bob@example.com\nzoe@example.com,tim@example.com\n"
CHECK = ("lists", "check", "people.csv", "--region", "GB")


@pytest.fixture(autouse=True)
def people(empty_folder: Path) -> None:
    """A file whose columns say nothing."""
    (empty_folder / "people.csv").write_text(FILE)


@pytest.fixture
def saved(guestlist: Command) -> Result:
    """An import that says what its columns are."""
    result = guestlist("lists", "import", "people.csv", "--region", "GB", "--map", "2=EMAIL", "--map", "Wer=ignore")
    assert result.exit_code == 0, result.stderr
    return result


def test_what_an_import_says_is_saved_and_it_says_so(saved: Result, ask: Ask, guestlist: Command) -> None:
    assert "What you said of the columns is saved for the next file with this header" in saved.stderr
    [mapping] = ask("lists", "mappings")["data"]
    assert [(column["name"], column["key"]) for column in mapping["columns"]] == [("Wer", "ignore"), ("Kontakt", "EMAIL")]
    assert "Wer=ignore, Kontakt=EMAIL" in " ".join(guestlist("lists", "mappings").stdout.split())


def test_check_and_hash_use_it_and_say_how_to_forget_it(saved: Result, ask: Ask, guestlist: Command) -> None:
    [mapping] = ask("lists", "mappings")["data"]

    report = ask(*CHECK)
    hashed = guestlist("lists", "hash", "people.csv", "--region", "GB", "--out", "-")

    assert (report["mapping_from"], report["fingerprint"]) == ("saved", mapping["fingerprint"])
    assert [column["key"] for column in report["mapping"]] == [None, "EMAIL"]
    assert f"guestlist lists forget-mapping {mapping['fingerprint']}" in " ".join(hashed.stderr.split())
    assert len(json.loads(hashed.stdout)["data"][0]) == 1


def test_a_forgotten_mapping_serves_no_more(saved: Result, ask: Ask, guestlist: Command, refusal: Refusal) -> None:
    [mapping] = ask("lists", "mappings")["data"]

    forgotten = ask("lists", "forget-mapping", mapping["fingerprint"])

    assert forgotten == {"fingerprint": mapping["fingerprint"], "forgotten": True}
    assert ask(*CHECK)["mapping_from"] == "found"
    assert "No mapping is saved" in guestlist("lists", "mappings").stderr
    assert refusal("lists", "forget-mapping", mapping["fingerprint"])[0] == 5


def test_without_an_installation_a_check_finds_nothing_and_makes_none(ask: Ask, guestlist: Command, empty_folder: Path) -> None:
    result = guestlist(*CHECK)

    assert (result.exit_code, result.stderr) == (0, "")
    assert ask(*CHECK)["mapping_from"] == "found"
    assert not (empty_folder / "guestlist-data").exists()


def test_a_database_that_is_away_costs_the_saved_mappings_not_the_check(
    guestlist: Command, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "broken.db").write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{empty_folder / 'broken.db'}")

    result = guestlist(*CHECK)

    assert result.exit_code == 0
    assert result.stderr.startswith("Saved mappings are left out: ")
