"""The engine whole: every row accounted for, one bad row loses only itself, batches in file order, files nobody here wrote."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions, Step
from guestlist.lists.engine import FileListEngine
from guestlist.lists.sample import SAMPLE_FILE, SAMPLE_REGION

Read = Callable[..., Any]
SHARED = Path(__file__).parents[3] / "shared" / "data"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows_of(steps: Iterable[Step]) -> int:
    return sum(len(step.payload.data) for step in steps if step.payload)


def good_rows(count: int) -> list[str]:
    return [f"c{index}@example.com,+4420794{index:05d},Ann,Lee" for index in range(count)]


def test_a_row_goes_up_in_schema_order_with_gaps_as_empty_strings(read: Read) -> None:
    outcome = read("country,last name,e-mail,phone\nUS,Lee,ann@example.com,(212) 555-0123\n,Ray,bob@example.com,\n")

    assert outcome.payloads[0].schema == ("EMAIL", "PHONE", "LN", "COUNTRY")
    assert outcome.rows == [
        (digest("ann@example.com"), digest("12125550123"), digest("lee"), digest("us")),
        (digest("bob@example.com"), "", digest("ray"), ""),
    ]


def test_country_is_in_the_schema_only_when_the_file_has_it(read: Read) -> None:
    assert read("e-mail,phone\nann@example.com,020 7946 0001\n").payloads[0].schema == ("EMAIL", "PHONE")


def test_the_rows_own_country_decides_how_its_phone_is_read(read: Read) -> None:
    outcome = read("phone,country\n020 7946 0001,\n030 23125123,Deutschland\n(212) 555-0123,USA\n030 23125124,Neverland\n")

    assert [row[0] for row in outcome.rows[:3]] == [digest("442079460001"), digest("493023125123"), digest("12125550123")]
    assert outcome.codes == [(4, "country", "country_unknown")]
    assert outcome.rows[3][0] == digest("443023125124")


def test_the_first_valid_of_several_columns_is_used(read: Read) -> None:
    outcome = read("email,mobile,work phone\na@example.com,12,020 7946 0001\nb@example.com,020 7946 0002,020 7946 0003\n")

    assert [row[1] for row in outcome.rows] == [digest("442079460001"), digest("442079460002")]
    assert outcome.codes == [(1, "mobile", "phone_too_short")]


def test_full_names_and_dates_fill_several_keys(read: Read) -> None:
    outcome = read(
        "email,full name,date of birth\na@example.com,Ann Lee,27/03/1985\nb@example.com,Bob Ray,soon\n", preview_rows=5
    )

    assert outcome.payloads[0].schema == ("EMAIL", "DOBY", "DOBM", "DOBD", "FN", "LN")
    assert outcome.rows[0][1:] == tuple(map(digest, ("1985", "03", "27", "ann", "lee")))
    assert outcome.codes == [(2, "date of birth", "birth_date_invalid")]
    assert outcome.report.dropped_cells == {"birth_date_invalid": 1}


def test_duplicates_have_the_same_normalised_values_in_all_mapped_keys(read: Read) -> None:
    rows = [
        "ann@example.com,Ann,",
        " ANN@example.com ,ann!,",
        "ann@example.com,,Ann",
        "ann@example.com,Anna,",
        ",Ann,ann@example.com",
    ]
    outcome = read("\n".join(["email,first name,last name", *rows]))

    assert (outcome.report.usable, outcome.report.duplicates) == (3, 1)
    assert outcome.report.rejected == {"no_identifier": 1}


def test_a_lost_row_counts_once_and_its_cells_are_not_dropped_cells(read: Read) -> None:
    outcome = read("email,phone,gender\nbroken,12,x\nann@example.com,12,x\n")

    assert outcome.report.rejected == {"no_identifier": 1}
    assert outcome.report.dropped_cells == {"phone_too_short": 1, "gender_unknown": 1}
    lost = outcome.rejects[0]
    assert (lost.row, lost.column, lost.code) == (1, "", "no_identifier")
    assert "email: The e-mail address has no @." in lost.remedy
    assert "phone: The phone number has too few digits." in lost.remedy


def test_blank_preamble_and_totals_records_are_counted_with_their_codes(read: Read) -> None:
    before = "Customer export\n\nprinted 1 May\n"
    after = "ann@example.com,020 7946 0001\n\n,\nbob@example.com,\nTotal,2\nTotal: 2 rows\n"
    outcome = read(f"{before}email,phone\n{after}")

    assert outcome.report.rows == 9
    assert outcome.report.rejected == {"preamble": 2, "blank_row": 3, "totals_row": 2}
    assert outcome.codes[:3] == [(-3, "", "preamble"), (-2, "", "blank_row"), (-1, "", "preamble")]
    assert outcome.codes[3] == (2, "", "blank_row")
    assert outcome.adds_up()


BAD_CELLS = [
    ("phone", "+0000000000", "phone_placeholder"),
    ("phone", "a" * 64, "looks_hashed"),
    ("phone", "020\0 7946", "nul_byte"),
    ("email", "ann\0@example.com", "nul_byte"),
    ("email", "a" * 288 + "@example.com", "email_too_long"),
    ("email", hashlib.sha256(b"x").hexdigest(), "looks_hashed"),
    ("email", b"ann\xed\xa0\x80@example.com", "bad_encoding"),
    ("first name", b"Jo\xffs", "bad_encoding"),
]


@pytest.mark.parametrize(("column", "value", "code"), BAD_CELLS)
def test_one_bad_cell_among_10_000_rows_costs_only_itself(read: Read, column: str, value: str | bytes, code: str) -> None:
    raw = value.encode() if isinstance(value, str) else value
    cells = {"email": b"x@example.com", "phone": b"+442079499999", "first name": b"Xe", "last name": b"Lee"} | {column: raw}
    good = "\n".join(good_rows(10_000)).encode().split(b"\n")
    outcome = read(b"\n".join([b"email,phone,first name,last name", *good[:6_000], b",".join(cells.values()), *good[6_000:]]))

    assert outcome.codes == [(6_001, column, code)]
    assert outcome.report.usable == outcome.report.rows == 10_001
    assert [len(payload.data) for payload in outcome.payloads] == [10_000, 1]


BAD_ROWS = [
    (b"a@b.example", "row_short"),
    (b"a@b.example,,,,x", "row_long"),
    (b'a@b.example,"020 7946,Ann,Lee', "unclosed_quote"),
    (b"a@b.example," + b"9" * 70_000 + b",Ann,Lee", "field_too_long"),
    (b",,Ann,Lee", "no_identifier"),
    (b"a\0@b.example,+0000000000,Ann,Lee", "no_identifier"),
    (b"", "blank_row"),
    (b"Total,,,", "totals_row"),
]


@pytest.mark.parametrize(("row", "code"), BAD_ROWS)
def test_one_bad_row_among_10_000_loses_only_itself(read: Read, row: bytes, code: str) -> None:
    good = "\n".join(good_rows(10_000)).encode().split(b"\n")
    outcome = read(b"\n".join([b"email,phone,first name,last name", *good[:6_000], row, *good[6_000:]]))

    assert outcome.codes == [(6_001, "", code)]
    assert outcome.report.usable == 10_000
    assert outcome.report.dropped_cells == {}
    assert outcome.adds_up()


def test_batches_keep_file_order_and_their_size(read: Read) -> None:
    outcome = read("email,phone,first name,last name\n" + "\n".join(good_rows(2_500)), batch_rows=1_000)

    assert [len(payload.data) for payload in outcome.payloads] == [1_000, 1_000, 500]
    assert [row[0] for row in outcome.rows] == [digest(f"c{index}@example.com") for index in range(2_500)]


def test_the_hash_of_nothing_is_never_sent(read: Read) -> None:
    outcome = read(SAMPLE_FILE.read_bytes(), region=SAMPLE_REGION)

    assert digest("") not in {cell for row in outcome.rows for cell in row}
    assert all(cell == "" or len(cell) == 64 for row in outcome.rows for cell in row)


NASTY = st.sampled_from(
    [
        '"',
        '""',
        ",",
        ";",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\x1f",
        "é",
        "\ufeff",
        "a@b.example",
        "+442079460001",
        "Total",
        " ",
        "x" * 300,
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(NASTY, max_size=60),
    st.sampled_from(["email,phone,name\n", "a@b.example,x,y\n", ""]),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_fuzzed_files_add_up_or_are_refused(parts: list[str], head: str, encoding: str) -> None:
    data = (head + "".join(parts)).encode(encoding, "replace")
    try:
        prepared = FileListEngine().prepare(io.BytesIO(data), ListOptions(region="GB", batch_rows=3))
        steps = list(prepared.steps())
    except ListError:
        return
    report, rows = prepared.report, rows_of(steps)
    assert report.rows == report.usable + report.duplicates + sum(report.rejected.values())
    assert rows == report.usable
    assert sum(report.rejected.values()) == sum(not one.column for step in steps for one in step.rejects)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"email\n", b"email;phone\r\na@b.example;1\r\n"]))
def test_any_bytes_add_up_or_are_refused(tail: bytes, head: bytes) -> None:
    try:
        prepared = FileListEngine().prepare(io.BytesIO(head + tail), ListOptions(region="GB"))
        rows = rows_of(prepared.steps())
    except ListError:
        return
    report = prepared.report
    assert report.rows == rows + report.duplicates + sum(report.rejected.values())


def test_how_the_bytes_arrive_changes_nothing() -> None:
    data = SAMPLE_FILE.read_bytes()

    class Dripping(io.RawIOBase):
        def __init__(self) -> None:
            self._left = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._left.read(min(size, 777))

    whole = FileListEngine().prepare(io.BytesIO(data), ListOptions(region="GB"))
    dripped = FileListEngine().prepare(Dripping(), ListOptions(region="GB"))  # type: ignore[arg-type]
    assert list(whole.steps()) == list(dripped.steps())
    assert whole.report.sha256 == dripped.report.sha256 == hashlib.sha256(data).hexdigest()


def test_pieces_of_a_big_file_join_without_a_seam(read: Read) -> None:
    rows = [f'c{index}@example.com,"Zoë ""{index}""\nof é",x' for index in range(30_000)]
    outcome = read("email,first name,notes\n" + "\n".join(rows))

    assert outcome.report.usable == outcome.report.rows == 30_000
    assert outcome.rejects == []


def test_the_preview_shows_problems_first_masked_and_the_hash_begun(read: Read) -> None:
    rows = good_rows(40)
    rows[30] = "broken,+442079499999,Ann,Lee"
    outcome = read("email,phone,first name,last name\n" + "\n".join(rows), preview_rows=10)

    preview = outcome.report.preview
    assert len(preview) == 10
    assert (preview[0].row, preview[0].codes) == (31, ("email_no_at",))
    assert preview[1].cells["EMAIL"] == ("c•@e••••••.com", "c•@e••••••.com", digest("c0@example.com")[:8])
    assert "c0@example.com" not in orjson.dumps(outcome.report.as_json()).decode()


@pytest.mark.parametrize(("rows", "warned"), [(0, 2), (99, 2), (100, 1), (499, 1), (500, 0)])
def test_the_two_warnings_about_size(read: Read, rows: int, warned: int) -> None:
    outcome = read("email,phone,first name,last name\n" + "\n".join([*good_rows(rows), ",,No,Body"]))

    assert len(outcome.report.warnings) == warned
    expected = outcome.report.expected_match
    assert expected.lower == rows // 5
    assert expected.lower <= expected.upper <= rows
    assert "20 to 70 %" in expected.grounds


def test_ambiguous_phones_decided_by_their_column_are_reported(read: Read) -> None:
    clear = [f"030 23125{index:03d}" for index in range(50)]
    outcome = read("phone\n" + "\n".join([*clear, "4915112345678"]), region="DE")

    assert outcome.rows[-1] == (digest("4915112345678"),)
    assert any("1 phone numbers read both" in warning for warning in outcome.report.warnings)


def uk_file() -> bytes:
    """The shared file, or one of the same shape: no header, quoted, every row three times, two columns of national phones."""
    if (path := SHARED / "contacts-uk-500.csv").exists():
        return path.read_bytes()
    rng, out = random.Random(1), io.StringIO(newline="")
    rows = [
        [
            "Ann",
            "Lee",
            "Lee & Co, Ltd",
            f"{index} High St",
            "Ward",
            "Kent",
            "CT2 7PP",
            *(f"01835-70{rng.randrange(1000, 9999)}" for _ in "ab"),
        ]
        + [f"ann{index}@example.com", "http://www.example.co.uk"]
        for index in range(500)
    ]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows * 3)
    return out.getvalue().encode()


def ca_file() -> bytes:
    """The shared file, or one of the same shape: semicolons, a header, two phone columns."""
    if (path := SHARED / "contacts-ca-500.csv").exists():
        return path.read_bytes()
    head = "first_name;last_name;company_name;address;city;province;postal;phone1;phone2;email;web"
    rows = [
        f"Ann;Lee;Lee, Inc;{index} Main St #6;Windsor;ON;N8N 3N2;519-569-{index:04d};519-978-6179;ann{index}@example.com;http://www.example.com"
        for index in range(500)
    ]
    return "\n".join([head, *rows, ""]).encode()


def test_the_uk_file_without_header_and_with_every_row_thrice(read: Read) -> None:
    outcome = read(uk_file(), region="GB")
    report = outcome.report

    assert not report.has_header
    assert (report.rows, report.usable, report.duplicates, report.rejected) == (1_500, 500, 1_000, {})
    assert outcome.payloads[0].schema == ("EMAIL", "PHONE", "ZIP")
    assert sum(bool(row[1]) for row in outcome.rows) > 450


def test_the_canadian_file_with_semicolons_and_two_phone_columns(read: Read) -> None:
    outcome = read(ca_file(), region="CA")
    report = outcome.report

    assert (report.delimiter, report.has_header) == (";", True)
    assert (report.rows, report.usable, report.duplicates, report.rejected) == (500, 500, 0, {})
    assert outcome.payloads[0].schema == ("EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP")
    assert all(all(row) for row in outcome.rows)
