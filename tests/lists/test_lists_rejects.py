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

from guestlist.lists.base import Key, Reject, Rejected
from guestlist.lists.masking import mask
from guestlist.lists.rejects import REGISTRY, Scope
from guestlist.lists.rejects_csv import RejectsWriter
from guestlist.lists.rejects_page import page
from guestlist.lists.rules import normalise

Read = Callable[..., Any]
DOCS = Path(__file__).parents[2] / "docs" / "reference"

NEVER_SHOWN = [code for code, entry in REGISTRY.items() if entry.scope is Scope.NOTHING]


@pytest.mark.parametrize("code", [code for code in REGISTRY if code not in NEVER_SHOWN])
def test_each_code_is_made_by_its_own_example_and_by_nothing_else_in_it(read: Read, code: str) -> None:
    entry = REGISTRY[code]
    outcome = read(entry.example_file(), region=entry.region)
    column = "" if entry.scope is Scope.ROW else entry.column

    assert [(made[1], made[2]) for made in outcome.codes] == [(column, code)]
    assert outcome.report.rejected == ({code: 1} if entry.scope is Scope.ROW else {})
    assert outcome.report.dropped_cells == ({code: 1} if entry.scope is Scope.CELL else {})
    assert outcome.rejects[0].remedy
    assert outcome.adds_up()


@pytest.mark.parametrize("code", NEVER_SHOWN)
def test_codes_that_no_file_shows_are_a_rule_s_answer(code: str) -> None:
    entry = REGISTRY[code]
    answer = normalise(Key(entry.column), entry.example, region="GB", this_year=2026)
    assert isinstance(answer, Reject)
    assert answer.code == code


def test_the_page_of_the_codes_is_the_registry_s() -> None:
    assert (DOCS / "reject-codes.md").read_text(encoding="utf-8").splitlines() == list(page())


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
