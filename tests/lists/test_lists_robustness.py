"""The robustness table: each file that other readers get wrong, and what must happen here. Never a silent loss."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow
import pytest
from support.list_files import make_gzip, make_parquet, make_workbook, make_zip

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine

Read = Callable[..., Any]


class Story(NamedTuple):
    """A file, the rows that come of it, and by row, column and code what is lost."""

    data: bytes
    usable: int
    lost: list[tuple[int, str, str]]


def people(count: int, *, start: int = 0) -> str:
    return "".join(f"c{at}@example.com,020 7946 {at:04d},Ann\n" for at in range(start, start + count))


HEAD = "email,phone,first name\n"
BIG = HEAD + people(60)

STORIES = {
    "byte order mark, CRLF, quoted line end": Story(
        ("\ufeff" + HEAD + 'a@example.com,,"Ann\nLee"\nb@example.com,,Bob\n').replace("\n", "\r\n").encode(), 2, []
    ),
    "UTF-16 with mark": Story(BIG.encode("utf-16"), 60, []),
    "UTF-16 without mark": Story(BIG.encode("utf-16-be"), 60, []),
    "UTF-32 without mark": Story(BIG.encode("utf-32-le"), 60, []),
    "Windows-1252": Story((BIG + "z@example.com,,Zoë\n").encode("cp1252"), 61, []),
    "semicolons": Story(BIG.replace(",", ";").encode(), 60, []),
    "tabs": Story(BIG.replace(",", "\t").encode(), 60, []),
    "bars": Story(BIG.replace(",", "|").encode(), 60, []),
    "Excel's sep line": Story(("sep=;\r\n" + BIG.replace(",", ";")).encode(), 60, []),
    "lone CR": Story(BIG.replace("\n", "\r").encode(), 60, []),
    "short row": Story((BIG + "z@example.com\n").encode(), 60, [(61, "", "row_short")]),
    "long row": Story((BIG + "z@example.com,,Zoë,x\n").encode(), 60, [(61, "", "row_long")]),
    "stray quote": Story((BIG + 'z@example.com,,5" pipe\n').encode(), 61, []),
    "unclosed quote": Story((HEAD + 'z@example.com,,"Zoë\n' + people(60)).encode(), 60, [(1, "", "unclosed_quote")]),
    "one bad byte": Story(BIG.encode() + b"z@example.com,,Zo\xff\n", 61, [(61, "first name", "bad_encoding")]),
    "NUL byte": Story(BIG.encode() + b"z@example.com,,Zo\0e\n", 61, [(61, "first name", "nul_byte")]),
    "no header": Story(people(60).encode(), 60, []),
    "gzip called .csv": Story(make_gzip(BIG.encode()), 60, []),
    "zip called .csv": Story(make_zip({"a.csv": BIG}), 60, []),
    "XLSX called .csv": Story(make_workbook({"A": [line.split(",") for line in BIG.splitlines()]}), 60, []),
    "numbers as text": Story((HEAD + "a@example.com,00447911123456,0\n").encode(), 1, [(1, "first name", "no_letters")]),
    "header in row 4": Story(
        ("Customer export\n\nMay 2026\n" + BIG).encode(), 60, [(-3, "", "preamble"), (-2, "", "blank_row"), (-1, "", "preamble")]
    ),
    "totals at the end": Story(
        (BIG + "\nTotal,60,\nGrand total: 60 customers\n").encode(),
        60,
        [(61, "", "blank_row"), (62, "", "totals_row"), (63, "", "totals_row")],
    ),
    "exports joined": Story((BIG + "\ufeff" + HEAD + people(2, start=60)).encode(), 62, [(61, "", "repeated_header")]),
    "exports joined, quoted, with tabs": Story(
        (2 * '"email"\t"first name"\n"a@example.com"\t"Ann"\n').encode(), 1, [(2, "", "repeated_header")]
    ),
    "encodings joined": Story(
        (BIG + "y@example.com,,Zoë\n").encode() + "z@example.com,,Zoë\n".encode("cp1252"),
        62,
        [(62, "first name", "bad_encoding")],
    ),
    "formulas": Story(
        (
            HEAD + 'a@example.com,"=HYPERLINK(""tel:02079460001"",""call"")",=1+1\nb@example.com,"=""020 7946 0001""",@SUM(A1)\n'
            "c@example.com,=442079460002,+cmd|' /C calc'!A0\nd@example.com,+44 20 7946 0003,-VLOOKUP(A1;B:C;2)\n"
        ).encode(),
        4,
        [
            *((1, "phone", "formula"), (1, "first name", "formula"), (2, "first name", "formula")),
            *((3, "first name", "formula"), (4, "first name", "formula")),
        ],
    ),
    "a cell of 70,000 characters": Story(
        (HEAD + f"a@example.com,,{'x' * 70_000}\n" + people(2)).encode(), 2, [(1, "", "field_too_long")]
    ),
    "such a cell in a workbook": Story(
        make_workbook({"A": [["email", "city"], ["a@example.com", "x" * 70_000], ["b@example.com", "York"]]}),
        1,
        [(1, "", "field_too_long")],
    ),
    "such a cell in Parquet": Story(
        make_parquet({"email": ["a@example.com", "b@example.com"], "city": ["x" * 70_000, "York"]}),
        1,
        [(1, "", "field_too_long")],
    ),
    "such a cell in JSON": Story(
        ('{"email":"a@example.com","city":"' + "x" * 70_000 + '"}\n{"email":"b@example.com"}\n').encode(),
        1,
        [(1, "", "field_too_long")],
    ),
    "a record of 1.2 million characters": Story(
        make_parquet({"email": ["a@example.com"], **{f"note {at}": ["x" * 60_000] for at in range(20)}}),
        0,
        [(1, "", "field_too_long")],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_each_file_of_the_table_is_read_right_and_accounted_for(read: Read, name: str) -> None:
    story = STORIES[name]
    outcome = read(story.data)

    assert outcome.codes == story.lost
    assert outcome.report.usable == story.usable
    assert outcome.adds_up()
    assert outcome.report.rows == story.usable + outcome.report.duplicates + sum(not column for _, column, _ in story.lost)


REFUSED = {
    "empty": (b"", "empty_file"),
    "a PDF called .csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "not_text"),
    "an image": (b"\x89PNG\r\n\x1a\n", "not_text"),
    "a web page": (b"<html><table><tr><td>a@example.com</td></tr></table>", "not_text"),
    "10,000 columns": ((",".join(f"column{at}" for at in range(10_000)) + "\n").encode() * 3, "too_many_columns"),
    "10,000 columns of a workbook": (
        make_workbook({"A": [[f"column{at}" for at in range(10_000)], ["a@example.com"]]}),
        "too_many_columns",
    ),
    "10,000 keys": (("{" + ",".join(f'"k{at}":1' for at in range(10_000)) + "}\n").encode(), "too_many_columns"),
    "10,000 columns of Parquet": (make_parquet({f"c{at}": ["x"] for at in range(10_000)}), "too_many_columns"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused(read: Read, name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(ListError) as refused:
        read(data)

    assert refused.value.code == code
    assert refused.value.remedy


LAUGHS = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
LINE = b"y" * 70_000_000
BOMBS = {  # what it holds, the cap, the code
    "gzip": (make_gzip(LINE), None, "too_large"),
    "zip": (make_zip({"a.csv": LINE}), None, "too_large"),
    "gzip, by the cap": (make_gzip(BIG.encode() * 100), 100_000, "too_large"),
    "sheet": (make_workbook({"A": " " * 70_000_000}), None, "too_large"),
    "sheet with an endless comment": (make_workbook({"A": "<!--" + " " * 9_000_000 + "-->"}), None, "damaged_file"),
    "sheet, by the cap": (make_workbook({"A": [["email"], *[["a@example.com"]] * 3_000]}), 50_000, "too_large"),
    "parquet": (make_parquet({"email": pyarrow.repeat("a@example.com", 200_000)}, group=200_000), 200_000, "too_large"),
    "parquet of nothing": (make_parquet({"email": pyarrow.nulls(3_000_000, pyarrow.string())}), 100_000, "too_large"),
    "entities": (make_zip({"xl/workbook.xml": f"{LAUGHS}<workbook>&b;</workbook>"}), None, "damaged_file"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_stop_at_the_cap_which_the_error_names(name: str) -> None:
    data, cap, code = BOMBS[name]
    engine = FileListEngine(max_unpacked=cap) if cap else FileListEngine()
    tracemalloc.start()
    try:
        with pytest.raises(ListError) as refused:
            list(engine.prepare(io.BytesIO(data), ListOptions(region="GB")).steps())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert refused.value.code == code
    if cap:
        assert f"{cap:,}" in refused.value.sentence or "unpacks to" in refused.value.sentence
        assert "GUESTLIST_LIST_MAX_UNPACKED" in refused.value.remedy
    assert peak < 24 * 1024**2


def test_two_cells_far_apart_make_no_table_of_the_whole_sheet(read: Read) -> None:
    far = '<row r="1"><c r="A1" t="str"><v>email</v></c></row><row r="2"><c r="A2" t="str"><v>a@example.com</v></c></row>'
    far += '<row r="20000"><c r="XFD20000" t="str"><v>x</v></c></row>'
    outcome = read(make_workbook({"A": far}))

    assert outcome.report.rejected == {"blank_row": 19_997, "row_long": 1}
    assert outcome.adds_up()


class Endless(io.RawIOBase):
    """A header, a person, a field without end, and a person behind it."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self._parts = [head, *[b"y" * 1_048_576] * (size >> 20), tail]
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        while self._at < len(self._parts) and not self._parts[self._at]:
            self._at += 1
        if self._at == len(self._parts):
            return b""
        piece, self._parts[self._at] = self._parts[self._at][:size], self._parts[self._at][size:]
        return piece


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"email,city\na@example.com,York\nb@example.com,", b"\nc@example.com,York\n"),
        (b'email,city\na@example.com,York\nb@example.com,"', b"\nc@example.com,York\n"),
        (b'{"email":"a@example.com"}\n{"email":"b@example.com","city":"', b'"}\n{"email":"c@example.com"}\n'),
    ],
)
def test_an_endless_field_costs_its_row_and_no_memory(head: bytes, tail: bytes) -> None:
    tracemalloc.start()
    try:
        prepared = FileListEngine().prepare(Endless(head, 256 << 20, tail), ListOptions(region="GB"))  # type: ignore[arg-type]
        steps = list(prepared.steps())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sum(len(step.payload.data) for step in steps if step.payload) == 2
    assert prepared.report.rejected == {"field_too_long": 1}
    assert peak < 24 * 1024**2
