"""Any file of the robustness table: read right, or refused or rejected with a reason; never silently short."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions
from guestlist.lists.containers import PIECE
from guestlist.lists.engine import FileListEngine

Read = Callable[..., Any]

TABLE = "email,phone,first name\njosé@example.com,020 7946 0001,José\nann@example.com,020 7946 0002,Ann\n"

ENCODED = [
    ("utf-8", TABLE.encode()),
    ("utf-8", codecs.BOM_UTF8 + TABLE.encode()),
    ("utf-16-le", codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le")),
    ("utf-16-be", codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be")),
    ("utf-16-le", TABLE.encode("utf-16-le")),
    ("utf-16-be", TABLE.encode("utf-16-be")),
    ("windows-1252", TABLE.encode("windows-1252")),
]


@pytest.mark.parametrize(("encoding", "data"), ENCODED)
def test_every_encoding_gives_the_same_rows(read: Read, encoding: str, data: bytes) -> None:
    outcome = read(data)

    assert outcome.report.encoding == encoding
    assert outcome.rows == read(TABLE).rows
    assert outcome.report.usable == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("final", [True, False])
def test_line_ends_and_delimiters_give_the_same_rows(read: Read, end: str, delimiter: str, final: bool) -> None:
    text = TABLE.replace(",", delimiter).replace("\n", end)
    outcome = read(text if final else text.removesuffix(end))

    assert outcome.report.delimiter == delimiter
    assert outcome.rows == read(TABLE).rows
    assert outcome.report.rows == 2


@pytest.mark.parametrize("sep", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_sep_line_is_obeyed_and_no_row(read: Read, sep: str, encoding: str) -> None:
    outcome = read(f"{sep}\r\nemail;notes\r\nann@example.com;a, b, c\r\n".encode(encoding))

    assert outcome.report.delimiter == ";"
    assert (outcome.report.rows, outcome.report.usable) == (1, 1)


def test_a_windows_1252_accent_deep_in_a_file_is_still_read_right(read: Read) -> None:
    plain = "".join(f"c{index}@example.com,Ann\n" for index in range(40_000))
    data = b"email,first name\n" + plain.encode() + "last@example.com,José\n".encode("windows-1252")
    assert len(data) > 2 * PIECE

    outcome = read(data)

    assert outcome.report.encoding == "windows-1252"
    assert outcome.report.dropped_cells == {}
    assert outcome.rows[-1] == read("email,first name\nlast@example.com,José\n").rows[0]


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\xc3("])
def test_bytes_that_are_no_utf8_cost_their_cell(read: Read, bad: bytes) -> None:
    data = TABLE.encode() + b"bob@example.com,,B" + bad + b"b\n"
    outcome = read(data)

    assert outcome.codes == [(3, "first name", "bad_encoding")]
    assert outcome.report.usable == 3


def test_half_a_utf16_character_costs_its_cell(read: Read) -> None:
    data = (TABLE + "bob@example.com,,B").encode("utf-16-le") + b"\x00\xd8" + "b\n".encode("utf-16-le")
    outcome = read(data)

    assert outcome.codes == [(3, "first name", "bad_encoding")]
    assert outcome.report.usable == 3


QUOTED = [
    ('ann@example.com,"Ann, the first"', "ann the first"),
    ('ann@example.com,"Ann ""Annie"" Lee"', "ann annie lee"),
    ('ann@example.com,Ann 5" pipe', "ann 5 pipe"),
    ('ann@example.com,"Ann "Annie" Lee"', "ann annie lee"),
    ('ann@example.com,"Ann\nLee"', "ann lee"),
    ('ann@example.com,"Ann\r\nLee\n\nJones"', "ann lee jones"),
    ('"ann@example.com","Ann"', "ann"),
    ('"ann@example.com",""', ""),
]


@pytest.mark.parametrize(("record", "name"), QUOTED)
def test_quoting_as_people_and_programs_write_it(read: Read, record: str, name: str) -> None:
    outcome = read(f"email,first name\n{record}\nbob@example.com,Bob\n")

    assert outcome.report.rows == outcome.report.usable == 2
    wanted = read(f"email,first name\nann@example.com,{name}\nbob@example.com,Bob\n")
    assert outcome.rows == wanted.rows


UNCLOSED = [
    'x@example.com,"020 7946 0009,X',
    'x@example.com,020 7946 0009,"X',
    '"x@example.com,020 7946 0009,X',
]


@pytest.mark.parametrize("record", UNCLOSED)
@pytest.mark.parametrize("quoted", [True, False])
def test_an_unclosed_quote_costs_only_its_row(read: Read, record: str, quoted: bool) -> None:
    good = [f"c{index}@example.com,020 7946 0{index:03d},C" for index in range(100)]
    if quoted:
        good = ['"' + row.replace(",", '","') + '"' for row in good]
    outcome = read("\n".join(["email,phone,first name", *good[:50], record, *good[50:]]))

    assert outcome.codes == [(51, "", "unclosed_quote")]
    assert (outcome.report.rows, outcome.report.usable) == (101, 100)


def test_a_ragged_row_with_a_line_end_in_a_cell_is_one_record(read: Read) -> None:
    outcome = read(
        'email,phone,first name\na@example.com,,A\nb@example.com,,"B\nof b",extra\nc@example.com,"C\nof c"\nd@example.com,,D\n'
    )

    assert outcome.codes == [(2, "", "row_long"), (3, "", "row_short")]
    assert (outcome.report.rows, outcome.report.usable) == (4, 2)


def test_ragged_rows_are_rejected_with_their_number(read: Read) -> None:
    outcome = read("email,phone,first name\na@example.com,,A\nb@example.com\nc@example.com,,C,extra\nd@example.com,,D\n")

    assert outcome.codes == [(2, "", "row_short"), (3, "", "row_long")]
    assert outcome.report.usable == 2


def test_a_delimiter_at_the_end_of_every_row_is_no_column(read: Read) -> None:
    outcome = read("email,first name\na@example.com,A,\nb@example.com,B,\n")

    assert outcome.report.usable == 2
    assert outcome.rejects == []


def test_a_cell_beyond_the_cap_costs_its_row(read: Read) -> None:
    long = "x" * 70_000
    outcome = read(f'email,first name\na@example.com,A\nb@example.com,{long}\nc@example.com,"{long}"\nd@example.com,D\n')

    assert outcome.codes == [(2, "", "field_too_long"), (3, "", "field_too_long")]
    assert outcome.report.usable == 2


def test_an_endless_line_is_skipped_without_keeping_it(read: Read) -> None:
    outcome = read(b"email,first name\na@example.com,A\nb@example.com," + b"y" * 5_000_000 + b"\nc@example.com,C\n")

    assert outcome.codes == [(2, "", "field_too_long")]
    assert outcome.report.usable == 2


REFUSED = [
    (b"", "empty_file", ""),
    (b"\xef\xbb\xbf\r\n\r\n", "empty_file", ""),
    (b"email,phone\n", "header_only", ""),
    (b"email,phone", "header_only", ""),
    (b"email,phone\n\n,\n", "header_only", ""),
    (b"sep=;\n", "empty_file", ""),
    (b'"' + (b"x" * 1_000 + b"\n") * 300, "no_usable_column", "--map"),
    (b"colour,size\nred,5\nblue,7\n", "no_usable_column", "--map"),
    (b"%PDF-1.7\n...", "not_text", "CSV"),
    (b"PAR1....", "damaged_file", "again"),
    (b"<!DOCTYPE html><html>", "not_text", "CSV"),
    (b'[{"email": "a@example.com"}]', "not_text", "CSV"),
    (b"a,b\n" + b",".join([b"x"] * 3000), "too_many_columns", "delimiter"),
]


@pytest.mark.parametrize(("data", "code", "hint"), REFUSED)
def test_what_is_no_list_is_refused_with_the_way_out(read: Read, data: bytes, code: str, hint: str) -> None:
    with pytest.raises(ListError) as refused:
        read(data)

    assert refused.value.code == code
    assert refused.value.remedy
    assert hint in refused.value.remedy


@pytest.mark.parametrize(
    ("region", "hint"), [("UK", "GB"), ("Germany", "DE"), ("usa", "US"), ("XX", "two-letter"), ("", "two-letter")]
)
def test_an_unknown_region_is_refused_with_a_hint(read: Read, region: str, hint: str) -> None:
    with pytest.raises(ListError) as refused:
        read(TABLE, region=region)

    assert refused.value.code == "unknown_region"
    assert hint in refused.value.remedy


OPTIONS = [
    ({"encoding": "klingon"}, "unknown_encoding"),
    ({"encoding": "base64"}, "unknown_encoding"),
    ({"delimiter": ";;"}, "bad_delimiter"),
    ({"delimiter": '"'}, "bad_delimiter"),
    ({"mapping": {"e-mail": "EMAIL"}}, "unknown_column"),
    ({"mapping": {"email": "MAIL"}}, "unknown_key"),
    ({"mapping": {"email": "ignore", "phone": "ignore"}}, "no_usable_column"),
]


@pytest.mark.parametrize(("options", "code"), OPTIONS)
def test_options_that_cannot_be_meant_are_refused(read: Read, options: dict[str, object], code: str) -> None:
    with pytest.raises(ListError) as refused:
        read(TABLE, **options)

    assert refused.value.code == code


def test_options_override_what_was_found(read: Read) -> None:
    outcome = read(
        "Łukasz;a@example.com\n".encode("cp1250"),
        region="PL",
        encoding="cp1250",
        delimiter=";",
        header=False,
        mapping={"0": "FN"},
    )

    assert outcome.report.encoding == "cp1250"
    assert outcome.rows == read("FN;email\nŁukasz;a@example.com\n").rows


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "missing.csv", "file_not_found"), (tmp_path, "file_unreadable")):
        with pytest.raises(ListError) as refused:
            FileListEngine().prepare(path, ListOptions(region="GB"))
        assert refused.value.code == code
        assert path.name in str(refused.value)


def test_a_path_is_read_hashed_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(TABLE.encode())
    prepared = FileListEngine().prepare(path, ListOptions(region="GB"))

    rows = [row for step in prepared.steps() if step.payload for row in step.payload.data]

    assert len(rows) == 2
    assert prepared.report.filename == "customers.csv"
    assert prepared.report.bytes == len(TABLE.encode())
    assert prepared.report.sha256 == hashlib.sha256(TABLE.encode()).hexdigest()
