"""Rows out for correction and back: the right ones, unharmed by spreadsheets, in their places."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine
from guestlist.lists.fixes import shield, unshield

Read = Callable[..., Any]

BROKEN = """Mail;Telefon;Vorname
ann@example.com;07911 123456;Ann
bob@example.com;+44 7911 12;Bob
;;Cleo
dan@example.com;07911 123457
eve@example.com;"07911 123458;Eve

Total;3;
"""


def write_fixable(data: str | bytes, fixes: str | None = None, **options: Any) -> str:
    """The fixable file of a list in the region GB."""
    content = data.encode() if isinstance(data, str) else data
    wanted = ListOptions(region="GB", fixes=io.BytesIO(fixes.encode()) if fixes is not None else None, **options)
    prepared = FileListEngine().prepare(io.BytesIO(content), wanted)
    out = io.StringIO(newline="")
    writer = FileListEngine().open_fixable(io.BytesIO(content), wanted, prepared.report, out)
    for step in prepared.steps():
        writer.write(step.rejects)
    writer.close()
    return out.getvalue()


def test_the_fixable_file_holds_the_rows_worth_correcting_as_the_file_has_them() -> None:
    rows = list(csv.reader(io.StringIO(write_fixable(BROKEN)), delimiter=";"))

    assert rows[0] == ["guestlist_row", "guestlist_problem", "Mail", "Telefon", "Vorname"]
    assert [[row[0], *row[2:]] for row in rows[1:]] == [
        ["2", "bob@example.com", "'+44 7911 12", "Bob"],
        ["3", "", "", "Cleo"],
        ["4", "dan@example.com", "07911 123457"],
        ["5", "eve@example.com", '"07911 123458', "Eve"],
    ]
    assert rows[1][1].startswith("Telefon: ")
    assert rows[2][1] == "Add an e-mail address or a phone number."


def test_corrected_rows_take_their_places_and_the_sum_holds(read: Read) -> None:
    fixed = write_fixable(BROKEN).replace("'+44 7911 12", "+44 7911 123455").replace(";;Cleo", ";020 7946 0001;Cleo")

    before, after = read(BROKEN), read(BROKEN, fixes=io.BytesIO(fixed.encode()))

    assert before.report.rows == after.report.rows == 7
    assert before.rows[0] == after.rows[0]
    assert (before.report.usable, after.report.usable) == (2, 4)
    assert after.report.rejected == {"row_short": 1, "blank_row": 1, "totals_row": 1}
    assert after.report.fixes.rows == 4
    assert after.adds_up()


def test_a_fixable_file_that_nobody_touched_changes_no_sound_row(read: Read) -> None:
    data = "email,phone,first name\nann@example.com,+447911123456,=Ann\n-bob@example.com,12,'Bob\n"

    assert read(data, fixes=io.BytesIO(write_fixable(data).encode())).rows == read(data).rows


def test_a_row_that_is_left_out_of_the_corrected_file_stays_as_it_was(read: Read) -> None:
    fixed = "guestlist_row;guestlist_problem;Mail;Telefon;Vorname\n3;;cleo@example.com;;Cleo;;\n\n"

    after = read(BROKEN, fixes=io.BytesIO(fixed.encode()))

    assert after.report.dropped_cells == {"phone_invalid": 1}
    assert [row for row, _, code in after.codes if code == "no_identifier"] == []


def test_rows_are_corrected_twice_where_once_was_not_enough() -> None:
    first = write_fixable(BROKEN)
    again = write_fixable(BROKEN, fixes=first.replace("dan@example.com;07911 123457", "dan@example.com;07911 123457;Dan"))

    assert [row[0] for row in csv.reader(io.StringIO(again), delimiter=";")][1:] == ["2", "3"]


def test_a_file_without_header_is_corrected_by_its_numbered_columns(read: Read) -> None:
    data = "ann@example.com,020 7946 0001\nbob@example.com,020 7946 0002\nbroken,020 7946 0003\n"
    fixable = write_fixable(data, header=False, mapping={"0": "EMAIL"})
    assert fixable.startswith("guestlist_row,guestlist_problem,column 1,column 2\r\n3,")

    fixed = fixable.replace("broken", "cleo@example.com")
    after = read(data, header=False, mapping={"0": "EMAIL"}, fixes=io.BytesIO(fixed.encode()))
    assert (after.report.usable, after.report.dropped_cells) == (3, {})


@pytest.mark.parametrize(
    ("fixed", "code", "words"),
    [
        ("guestlist_row;guestlist_problem;Mail;Telefon;Vorname\n99;;a@example.com;;\n", "fixes_unknown_row", "row 99"),
        ("guestlist_row;guestlist_problem;Mail;Telefon\n2;;a@example.com;\n", "fixes_columns", "'Vorname'"),
        ("guestlist_row;guestlist_problem;Telefon;Mail;Vorname\n2;;;a@example.com;\n", "fixes_columns", "another order"),
        ("Mail;Telefon;Vorname\na@example.com;;\n", "fixes_columns", "'guestlist_row'"),
        ("guestlist_row;guestlist_problem;Mail;Telefon;Vorname\n2;;a@b.example;;\n2;;c@d.example;;\n", "fixes_row", "Row 2"),
        ("guestlist_row;guestlist_problem;Mail;Telefon;Vorname\nx;;a@b.example;;\n", "fixes_row", "Record 2"),
        ("", "empty_file", "The corrected file"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_reason(fixed: str, code: str, words: str, read: Read) -> None:
    with pytest.raises(ListError) as caught:
        read(BROKEN, fixes=io.BytesIO(fixed.encode()))

    assert caught.value.code == code
    assert words in caught.value.sentence
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["=1+1", "+447911123456", "-5", "@cmd", "\t=x", "'=x", "''+1", "＝x"])
def test_a_formula_is_shown_rather_than_run_and_reads_back_the_same(text: str) -> None:
    assert shield(text).startswith("'")
    assert unshield(shield(text)) == text


@given(st.text())
def test_shielding_any_text_can_be_undone(text: str) -> None:
    assert unshield(shield(text)) == text


def test_half_characters_do_not_stop_the_fixable_file() -> None:
    data = "email,first name\nann@example.com,A\ud800\n".encode("utf-16-le", "surrogatepass")

    assert "ann@example.com,A\ufffd" in write_fixable(data)
