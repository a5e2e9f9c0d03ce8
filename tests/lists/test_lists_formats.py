"""Gzip, zip, XLSX, Parquet and JSON lines give the same rows as the same table in CSV; every cell comes as text."""

from __future__ import annotations

import datetime
import decimal
import gc
import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from support.list_files import Cell, make_gzip, make_parquet, make_workbook, make_zip

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine

Read = Callable[..., Any]

ROWS = [["email", "phone", "first name"], ["ann@example.com", "020 7946 0001", "Ann"], ["bob@example.com", "", "Zoë"]]
CSV = "".join(",".join(row) + "\n" for row in ROWS).encode()
WORKBOOK = make_workbook({"Customers": ROWS})
PARQUET = make_parquet({name: [row[at] for row in ROWS[1:]] for at, name in enumerate(ROWS[0])}, group=1)
JSON = (
    '{"email":"ann@example.com","phone":"020 7946 0001","first name":"Ann"}\n{"email":"bob@example.com","first name":"Zoë"}\n'
).encode()

SAME = {
    "gzip": (make_gzip(CSV), "csv", "gzip"),
    "gzip in two members": (make_gzip(CSV[:40]) + make_gzip(CSV[40:]), "csv", "gzip"),
    "gzip of UTF-16": (make_gzip(CSV.decode().encode("utf-16")), "csv", "gzip"),
    "zip": (make_zip({"customers.csv": CSV}), "csv", "zip"),
    "zip, stored, with what a Mac adds": (make_zip({"__MACOSX/._a.csv": "x", "in/a.csv": CSV}, compressed=False), "csv", "zip"),
    "xlsx": (WORKBOOK, "xlsx", ""),
    "xlsx in zip": (make_zip({"customers.xlsx": WORKBOOK}), "xlsx", "zip"),
    "parquet": (PARQUET, "parquet", ""),
    "parquet in gzip": (make_gzip(PARQUET), "parquet", "gzip"),
    "json lines": (JSON, "jsonl", ""),
    "json lines in zip": (make_zip({"a.json": JSON}), "jsonl", "zip"),
    "json lines in UTF-16": (JSON.decode().encode("utf-16"), "jsonl", ""),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_table_gives_the_same_rows_in_every_format(read: Read, name: str) -> None:
    data, form, container = SAME[name]
    outcome = read(data)

    assert outcome.payloads == read(CSV).payloads
    assert (outcome.report.format, outcome.report.container) == (form, container)
    assert outcome.report.has_header
    assert outcome.report.bytes == len(data)


@pytest.mark.parametrize("name", SAME)
def test_a_pipe_and_a_path_are_read_alike(read: Read, name: str, tmp_path: Path) -> None:
    data = SAME[name][0]
    path = tmp_path / "list.pdf"  # the name says nothing
    path.write_bytes(data)

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._left = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._left.read(min(size, 777))

    whole = read(data)
    for source in (path, Pipe()):
        prepared = FileListEngine().prepare(source, ListOptions(region="GB"))  # type: ignore[arg-type]
        assert [step.payload for step in prepared.steps()] == whole.payloads
        assert prepared.report.sha256 == whole.report.sha256


CELLS: dict[str, tuple[Cell, str]] = {
    "phone as number": (447911123456, "447911123456"),
    "phone as fraction": (447911123456.0, "447911123456"),
    "phone in scientific notation": ('<c r="{}"><v>4.4791112345600001E+11</v></c>', "447911123456"),
    "phone as text keeps its zero": ("07911123456", "07911123456"),
    "inline text, two runs": (
        '<c r="{}" t="inlineStr"><is><r><t>+44 7911 </t></r><r><t>123456</t></r></is></c>',
        "+44 7911 123456",
    ),
    "formula with its value": ('<c r="{}" t="str"><f>A1&amp;B1</f><v>07911123456</v></c>', "07911123456"),
    "formula that is a number": ('<c r="{}"><f>B1</f><v>447911123456</v></c>', "447911123456"),
    "escaped control character": ('<c r="{}" t="str"><v>07911_x0009_123456</v></c>', "07911\t123456"),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_of_a_workbook_keep_every_digit(read: Read, name: str) -> None:
    cell, text = CELLS[name]
    outcome = read(make_workbook({"A": [["email", "phone"], ["a@example.com", cell]]}))

    assert outcome.rows == read(f"email;phone\na@example.com;{text}\n").rows
    assert outcome.rows[0][1]


DATES = {
    "date": ('<c r="{}" s="1"><v>31133</v></c>', False),
    "date and time": ('<c r="{}" s="2"><v>31133.75</v></c>', False),
    "ISO date": ('<c r="{}" t="d"><v>1985-03-27</v></c>', False),
    "days since 1904": ('<c r="{}" s="1"><v>29671</v></c>', True),
    "text": ("1985-03-27", False),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_of_a_workbook_are_dates(read: Read, name: str) -> None:
    cell, starts_1904 = DATES[name]
    outcome = read(make_workbook({"A": [["email", "date of birth"], ["a@example.com", cell]]}, starts_1904=starts_1904))

    assert outcome.rows == read("email,date of birth\na@example.com,1985-03-27\n").rows
    assert all(outcome.rows[0])


SPOILED = {
    "a number that only looks like a date": ('<c r="{}" s="3"><v>31133</v></c>', "birth_date_invalid"),
    "an error": ('<c r="{}" t="e"><v>#N/A</v></c>', "spreadsheet_error"),
    "a formula without its value": ('<c r="{}"><f>TODAY()</f></c>', "formula"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_cells_without_a_value_are_dropped_with_their_code(read: Read, name: str) -> None:
    cell, code = SPOILED[name]
    outcome = read(make_workbook({"A": [["email", "date of birth"], ["a@example.com", cell]]}))

    assert outcome.codes == [(1, "date of birth", code)]
    assert outcome.adds_up()


def test_a_sheet_that_begins_elsewhere_and_has_gaps_is_accounted_for(read: Read) -> None:
    rows = [[], [None, None, "Customers, May"], [], [None, None, "email", "phone"], [None, None, "a@example.com", 447911123456]]
    more = [[], [], [None, None, "b@example.com"], [None, None, "Total", 3], []]
    outcome = read(make_workbook({"A": [*rows, *more]}))

    assert outcome.codes == [
        *((-3, "", "blank_row"), (-2, "", "preamble"), (-1, "", "blank_row"), (2, "", "blank_row"), (3, "", "blank_row")),
        (5, "", "totals_row"),
    ]
    assert (outcome.report.rows, outcome.report.usable) == (8, 2)
    assert [column.name for column in outcome.report.mapping] == ["email", "phone"]


SHEETS: dict[str, list[list[Cell]]] = {
    "Read me": [["How to use this file"], ["Ask Ann"]],
    "Customers": ROWS,  # type: ignore[dict-item]
    "Archive": [["email"], ["old@example.com"]],
}


def test_the_first_sheet_with_a_table_is_read_and_the_others_are_named(read: Read) -> None:
    outcome = read(make_workbook(SHEETS))

    assert outcome.rows == read(CSV).rows
    assert "Only the sheet 'Customers' was read, not 'Read me', 'Archive'" in outcome.report.warnings[0]


@pytest.mark.parametrize("sheet", ["Archive", "archive ", "3"])
def test_another_sheet_can_be_named(read: Read, sheet: str) -> None:
    assert read(make_workbook(SHEETS), sheet=sheet).rows == read("email\nold@example.com\n").rows


def test_a_hidden_sheet_is_read_only_when_named(read: Read) -> None:
    workbook = make_workbook({"Old": [["email"], ["old@example.com"]], "Now": ROWS}, hidden=["Old"])

    assert read(workbook).rows == read(CSV).rows
    assert not any("Old" in warning for warning in read(workbook).report.warnings)
    assert read(workbook, sheet="Old").report.usable == 1


@pytest.mark.parametrize("sheet", ["Custom", "0", "4", ""])
def test_a_sheet_that_is_not_there_is_refused_with_the_names(read: Read, sheet: str) -> None:
    with pytest.raises(ListError) as refused:
        read(make_workbook(SHEETS), sheet=sheet)

    assert refused.value.code == "unknown_sheet"
    assert "'Read me', 'Customers', 'Archive'" in refused.value.remedy


def test_a_workbook_of_a_program_with_prefixes_is_read(read: Read) -> None:
    rows = '<x:row r="1"><x:c t="inlineStr"><x:is><x:t>email</x:t></x:is></x:c></x:row>'
    rows += '<x:row><x:c t="inlineStr"><x:is><x:t>a@example.com</x:t></x:is></x:c></x:row>'
    workbook = make_workbook({"A": rows})
    plain = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    assert read(_replaced(workbook, plain, plain.replace(b"<", b"<x:").replace(b"xmlns", b"xmlns:x"))).report.usable == 1


def _replaced(workbook: bytes, old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    swap = {name: part.replace(old, new).replace(b"</worksheet>", b"</x:worksheet>") for name, part in parts.items()}
    return make_zip({**swap, **{name: parts[name] for name in parts if "sheet1" not in name}})


def test_typed_columns_of_parquet_are_text(read: Read) -> None:
    columns = {
        "email": pyarrow.array(["a@example.com", "b@example.com"]).dictionary_encode(),
        "phone": [447911123456.0, None],
        "date of birth": [datetime.date(1985, 3, 27), None],
        "zip": [decimal.Decimal("90210.00"), None],
        "country": [b"US", b"GB"],
    }
    outcome = read(make_parquet(columns))

    assert outcome.rows == read("email,phone,date of birth,zip,country\n"
                                "a@example.com,447911123456,1985-03-27,90210,US\nb@example.com,,,,GB\n").rows  # fmt: skip


def test_structs_are_flattened_and_lists_left_out_with_the_reason(read: Read) -> None:
    address = pyarrow.array([{"city": "Leeds", "lines": ["1 High St"]}, None])
    outcome = read(make_parquet({"email": ["a@example.com", "b@example.com"], "billing": address, "tags": [[1], [2]]}))

    assert outcome.rows == read("email,billing city\na@example.com,Leeds\nb@example.com,\n").rows
    assert "'tags'" in outcome.report.warnings[0]


def test_keys_of_json_lines_are_columns_whatever_their_order(read: Read) -> None:
    lines = [
        '{"email": "a@example.com", "billing": {"city": "Leeds"}}',
        '{"phone": 447911123456, "email": "b@example.com"}',
        '{"email": ["c@example.com"], "phone": null}',
        '{"email": "d@example.com", "phone": ["020 7946 0001", "020 7946 0002"], "billing": {}}',
        "",
        '{"email": "e@example.com"',
        "[1, 2]",
    ]
    outcome = read("\n".join(lines))

    assert [column.name for column in outcome.report.mapping] == ["email", "billing.city", "phone"]
    assert outcome.codes == [(4, "phone", "nested_value"), (5, "", "blank_row"), (6, "", "bad_json"), (7, "", "bad_json")]
    assert (outcome.report.rows, outcome.report.usable) == (7, 4)


def test_a_key_that_comes_too_late_is_named(read: Read) -> None:
    lines = [f'{{"email": "c{at}@example.com"}}' for at in range(40_000)]
    lines[30_000] = '{"email": "x@example.com", "phone": "020 7946 0001"}'
    outcome = read("\n".join(lines))

    assert outcome.payloads[0].schema == ("EMAIL",)
    assert "'phone'" in outcome.report.warnings[0]


@pytest.mark.parametrize(
    ("data", "code", "hint"),
    [
        (make_zip({"a.csv": CSV, "b.csv": CSV}), "several_files", "each list by itself"),
        (make_zip({"a/": ""}), "empty_file", "again"),
        (make_zip({"a.csv": ""}), "empty_file", "again"),
        (make_gzip(b""), "empty_file", "again"),
        (make_zip({"a.zip": make_zip({"a.csv": CSV})}), "not_text", "Unpack"),
        (make_gzip(make_gzip(CSV)), "not_text", "Unpack"),
        (make_zip({"a.pdf": b"%PDF-1.7"}), "not_text", "CSV"),
        (make_zip({"word/document.xml": "<x/>"}), "not_text", "CSV"),
        (make_zip({"mimetype": "x", "content.xml": "<x/>"}), "not_text", "XLSX"),
        (make_zip({"xl/workbook.bin": b"x"}), "not_text", "XLSX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "not_text", "XLSX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted_file", "password"),
        (make_workbook({}), "unknown_sheet", "CSV"),
        (make_workbook({"A": [[]]}), "empty_file", "again"),
        (make_workbook({"A": [["email"]]}), "header_only", "rows"),
        (make_parquet({"email": []}), "header_only", "rows"),
        (make_parquet({"tags": [[1], [2]]}), "no_usable_column", "CSV"),
        (b"{}\n{}\n", "no_usable_column", "CSV"),
        (b'[\n{"email": "a@example.com"},\n{"email": "b@example.com"}\n]', "not_text", "one object a line"),
        (b'{\n  "email": "a@example.com"\n}\n', "not_text", "one object a line"),
    ],
)
def test_what_holds_no_list_is_refused_with_the_way_out(read: Read, data: bytes, code: str, hint: str) -> None:
    with pytest.raises(ListError) as refused:
        read(data)

    assert refused.value.code == code
    assert hint in refused.value.remedy


def test_the_files_of_a_zip_are_named(read: Read) -> None:
    with pytest.raises(ListError, match=r"2 files: 'a\.csv', 'b\?\.csv'"):
        read(make_zip({"a.csv": CSV, "b\n.csv": CSV}))


def test_a_file_that_is_prepared_and_never_read_is_closed(tmp_path: Path) -> None:
    for name, (data, _, _) in SAME.items():
        path = tmp_path / name.replace(" ", "")
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            FileListEngine().prepare(path, ListOptions(region="GB"))
            gc.collect()
        assert [str(warning.message) for warning in caught] == [], name


def test_an_encrypted_zip_is_refused(read: Read) -> None:
    data = bytearray(make_zip({"a.csv": CSV}))
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory

    with pytest.raises(ListError, match="encrypted zip"):
        read(bytes(data))


@pytest.mark.parametrize("name", ["gzip", "zip", "xlsx", "xlsx in zip", "parquet", "parquet in gzip"])
def test_a_file_that_breaks_off_is_refused_whole(read: Read, name: str) -> None:
    data = SAME[name][0]
    for length in range(5, len(data) - 1, max(1, len(data) // 40)):
        with pytest.raises(ListError) as refused:
            read(data[:length])
        assert refused.value.code == "damaged_file"
