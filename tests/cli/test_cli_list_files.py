"""Files in and out: a mistake costs a sentence, never a file."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from guestlist.cli.list_files import STANDARD, check_targets, open_list, open_rejects, open_target, parse_delimiter, parse_mapping
from guestlist.errors import ListError, UsageError
from guestlist.lists.base import Rejected

LIMIT = 1000


def test_a_file_that_can_be_read_is_given_as_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email\n")

    with open_list(tmp_path / "a.csv", LIMIT) as source:
        assert source == tmp_path / "a.csv"


@pytest.mark.parametrize(
    ("name", "code"), [("gone.csv", "file_not_found"), ("folder", "not_a_file"), ("big.csv", "file_too_large")]
)
def test_a_file_that_cannot_be_used_says_why(name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "big.csv").write_bytes(b"x" * (LIMIT + 1))

    with pytest.raises(ListError) as caught, open_list(tmp_path / name, LIMIT):
        pass

    assert caught.value.code == code
    assert name in caught.value.sentence
    assert caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch(mode=0o000)

    with pytest.raises(ListError, match="cannot be read"), open_list(tmp_path / "a.csv", LIMIT):
        pass


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("size", [0, LIMIT])
def test_standard_input_is_held_in_memory_only_to_be_read_twice(size: int, twice: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"x" * size)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))

    with open_list(STANDARD, LIMIT, twice=twice) as source:
        assert not isinstance(source, Path)
        assert source.seekable() is twice
        assert stream.tell() == (size if twice else 0)
        assert len(source.read()) == size


@pytest.mark.parametrize("pieces", [-1, 400])
def test_too_much_standard_input_is_refused(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * (LIMIT + 1))))

    with pytest.raises(ListError, match="larger than 1,000 bytes"), open_list(STANDARD, LIMIT) as source:
        list(iter(lambda: cast(BinaryIO, source).read(pieces), b""))


def test_a_target_appears_whole_and_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"

    with open_target(path) as target:
        target.write(b"half")
        assert not path.exists()

    assert path.read_bytes() == b"half"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_work_that_breaks_leaves_the_old_target_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    path.write_text("old")

    def break_off() -> None:
        with open_target(path) as target:
            target.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_as_it_is() -> None:
    with open_target(Path(os.devnull)) as target:
        target.write(b"x")

    assert not Path(os.devnull).is_file()


def test_a_target_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"), open_target(tmp_path / "gone" / "out"):
        pass


def test_rejects_are_csv_that_a_spreadsheet_reads(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"

    with open_rejects(path) as book:
        book.write([Rejected(3, "Naïve, name", "email_no_at", 'j"…', "Write name@domain.")])

    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "column", "code", "value", "remedy"],
            ["3", "Naïve, name", "email_no_at", 'j"…', "Write name@domain."],
        ]


@pytest.mark.parametrize(
    ("file", "out", "rejects"),
    [("a.csv", "a.csv", None), ("a.csv", "-", "./a.csv"), ("a.csv", "b", "b"), ("a.csv", "-", "-")],
)
def test_one_file_cannot_play_two_parts(file: str, out: str, rejects: str | None) -> None:
    with pytest.raises(UsageError, match="twice"):
        check_targets(Path(file), Path(out), Path(rejects) if rejects else None)


@pytest.mark.parametrize(("file", "out", "rejects"), [("-", "-", None), ("a.csv", "-", "r.csv"), ("-", "b", "r.csv")])
def test_standard_input_and_output_are_two_things(file: str, out: str, rejects: str | None) -> None:
    check_targets(Path(file), Path(out), Path(rejects) if rejects else None)


@pytest.mark.parametrize(
    ("text", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("SEMICOLON", ";"), (";", ";"), ("|", "|"), ("\t", "\t")]
)
def test_delimiters_have_names(text: str, delimiter: str) -> None:
    assert parse_delimiter(text) == delimiter


@pytest.mark.parametrize("text", ["", ";;", '"', "\n", "colons"])
def test_a_delimiter_that_is_no_character_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--delimiter"):
        parse_delimiter(text)


def test_a_mapping_takes_names_numbers_and_equal_signs() -> None:
    mapping = parse_mapping(["Tel=PHONE", "3=email", "a=b=Ignore", "Name = full_name"])

    assert mapping == {"Tel": "PHONE", "2": "EMAIL", "a=b": "ignore", "Name": "FULL_NAME"}


@pytest.mark.parametrize(
    ("pair", "way_out"),
    [
        ("PHONE", "Tel=PHONE"),
        ("=PHONE", "Tel=PHONE"),
        ("Tel=PHNE", "PHONE"),
        ("Tel=", "Keys are"),
        ("0=EMAIL", "first column is 1"),
        ("x=zzz", "Keys are"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_with_a_hint(pair: str, way_out: str) -> None:
    with pytest.raises(UsageError, match="--map") as caught:
        parse_mapping([pair])

    assert way_out in caught.value.remedy
