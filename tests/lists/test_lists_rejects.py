"""Every reject code is made by a case here and documented; the rejects file is safe to open."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.lists.base import Rejected
from guestlist.lists.masking import mask
from guestlist.lists.rejects import REFUSALS, REGISTRY, Scope
from guestlist.lists.rejects_csv import RejectsWriter

Read = Callable[..., Any]
DOCS = Path(__file__).parents[2] / "docs" / "reference"

CELLS = {  # code: column, a cell that makes it, the list's region
    "nul_byte": ("first name", "A\0n", "GB"),
    "bad_encoding": ("first name", "A\ufffdn", "GB"),
    "spreadsheet_error": ("first name", "#N/A", "GB"),
    "looks_hashed": ("phone", "f" * 64, "GB"),
    "email_no_at": ("email", "ann.example.com", "GB"),
    "email_invalid": ("email", "ann@@example.com", "GB"),
    "email_too_long": ("email", "a" * 300 + "@example.com", "GB"),
    "phone_is_email": ("phone", "ann@example.com", "GB"),
    "phone_scientific": ("phone", "4.47911E+11", "GB"),
    "phone_letters": ("phone", "07911 12345O", "GB"),
    "phone_too_short": ("phone", "12345", "GB"),
    "phone_too_long": ("phone", "0791112345678901234", "GB"),
    "phone_placeholder": ("phone", "+1 000 000 0000", "GB"),
    "phone_invalid": ("phone", "01632 0011", "GB"),
    "phone_ambiguous": ("phone", "4915112345678", "DE"),
    "gender_unknown": ("gender", "x", "GB"),
    "birth_year_invalid": ("birth year", "85", "GB"),
    "birth_month_invalid": ("birth month", "13", "GB"),
    "birth_day_invalid": ("birth day", "32", "GB"),
    "birth_date_invalid": ("dob", "31085", "GB"),
    "name_not_split": ("full name", "Ann", "GB"),
    "no_letters": ("first name", "---", "GB"),
    "state_unknown": ("state", "Nowhere", "US"),
    "zip_invalid": ("zip", "ABC", "GB"),
    "country_unknown": ("country", "Neverland", "GB"),
}


@pytest.mark.parametrize("code", CELLS)
def test_each_cell_code_is_made_by_its_case(read: Read, code: str) -> None:
    column, cell, region = CELLS[code]
    spare, value = ("phone", "+442079460001") if column == "email" else ("email", "spare@example.com")
    good = {"email": "ann@example.com", "phone": "+442079460002"}.get(column, "")
    outcome = read(f"{spare},{column}\n{value},{cell}\n{value},{good}\n", region=region)

    assert outcome.codes == [(1, column, code)]
    assert outcome.report.dropped_cells == {code: 1}
    assert outcome.rejects[0].remedy


def test_a_clear_cell_in_a_hashed_column_is_dropped(read: Read) -> None:
    hashed = "email,phone_sha256\n" + f"a@example.com,{'a' * 64}\n" * 19 + "b@example.com,07911 123456\n"
    assert read(hashed).report.dropped_cells == {"not_a_hash": 1}


def test_every_code_is_made_somewhere() -> None:
    elsewhere = {"blank", "not_a_hash", "madid_invalid"}  # the rules' tests and the test above
    cells = {code for code, entry in REGISTRY.items() if entry.scope is Scope.CELL}
    assert cells == set(CELLS) | elsewhere
    assert {code for code, entry in REGISTRY.items() if entry.scope is Scope.ROW} == {
        *("blank_row", "preamble", "totals_row", "row_short", "row_long", "unclosed_quote", "field_too_long", "no_identifier"),
    }


def test_every_code_is_documented_with_its_meaning_and_remedy() -> None:
    page = (DOCS / "reject-codes.md").read_text(encoding="utf-8")
    for entry in REGISTRY.values():
        assert f"| `{entry.code}` | {entry.meaning} |" in page
        assert entry.remedy in page
    for code, meaning in REFUSALS.items():
        assert f"| `{code}` | {meaning} |" in page


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r+", "＝"])
def test_a_value_that_would_start_a_formula_is_defused(start: str) -> None:
    stream = io.StringIO(newline="")
    RejectsWriter(stream).write([Rejected(3, f"{start}cmd", "phone_invalid", f"{start}44•", "Write it with a plus.")])

    (line,) = csv.DictReader(io.StringIO(stream.getvalue(), newline=""))
    assert list(line) == ["row", "column", "code", "value", "remedy"]
    assert line["row"] == "3"
    assert line["column"].startswith("'")
    assert line["value"].startswith("'")


def test_rows_before_the_header_keep_their_negative_numbers() -> None:
    stream = io.StringIO(newline="")
    RejectsWriter(stream).write([Rejected(-2, "", "preamble", "Cu••", "Nothing to do.")])
    assert stream.getvalue().splitlines()[1].startswith("-2,,preamble,")


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("ann@example.com", "a••@e••••••.com"),
        ("07911 123456", "07••• •••••6"),
        ("Jo", "J•"),
        ("J", "•"),
        ("", ""),
        ("a\0b", "a?•"),
    ],
)
def test_masks_show_where_to_look_and_no_more(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text(max_size=200))
def test_masks_hide_most_of_any_value_and_never_grow(value: str) -> None:
    masked = mask(value)
    shown = sum(char.isalnum() for char in masked)
    assert len(masked) <= 40
    assert shown <= max(1, sum(char.isalnum() for char in value) // 2 + 1, 6)
    assert masked.isprintable()
