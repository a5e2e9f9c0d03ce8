"""Tame reading of foreign values: both forms where sources disagree, and nothing made of junk."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.graph.base import Response
from guestlist.graph.errors import classify, reason_of
from guestlist.graph.wire import WireError, as_bound, as_id, as_instant, as_int, as_number, as_text, parse_json, parse_new_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), ("7", 7), ("-1", -1), (7.0, 7), (7.5, None), (True, None), ("7a", None), ("", None), ("٧", None), (None, None)]
    + [(math.inf, None), (math.nan, None), ("9" * 41, None), ([7], None)],
)
def test_integers(value: Any, expected: int | None) -> None:
    assert as_int(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 1.5), ("2", 2.0), (math.inf, None), ("nan", None), (10**400, None), (False, None), ("x", None), ({}, None)],
)
def test_numbers(value: Any, expected: float | None) -> None:
    assert as_number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", "12"), (2**70, str(2**70)), (" 1 ", "1"), ("", None), (True, None), (1.2e23, None), (None, None), (["1"], None)],
)
def test_ids(value: Any, expected: str | None) -> None:
    assert as_id(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(105, 105), ("105", 105), (0, 0), (-1, None), ("-1", None), (None, None)])
def test_bounds(value: Any, expected: int | None) -> None:
    assert as_bound(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_750_000_000, datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)),
        (1_750_000_000_000, datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)),
        ("1750000000", datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)),
        (999_999_999_999, None),  # the year 33658
        (0, None),
        (-5, None),
        (10**400, None),
        (True, None),
        ("soon", None),
        (None, None),
    ],
)
def test_instants(value: Any, expected: datetime | None) -> None:
    assert as_instant(value) == expected


def test_text_is_text_or_nothing() -> None:
    assert as_text("Grüße") == "Grüße"
    assert as_text(7) == as_text(None) == ""


def test_integers_beyond_64_bits_stay_exact() -> None:
    assert parse_json(b'{"id": 123456789012345678901234}')["id"] == 123456789012345678901234
    assert parse_json(b"[18446744073709551615]") == [2**64 - 1]


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"<html>", b"\xff", b"NaN", b"[" * 100_000, b"[" * 9_999 + b"1" * 30])
def test_what_is_not_json_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        parse_json(body)


@pytest.mark.parametrize(
    "document", [{"id": "7"}, {"id": 7}, {"data": [{"id": "7"}]}, {"data": {"id": 7}}, {"id": "7", "data": [{"id": "8"}]}]
)
def test_a_new_id_stands_at_the_top_or_in_the_first_row(document: Any) -> None:
    assert parse_new_id(document) == "7"


@pytest.mark.parametrize("document", [{}, {"id": ""}, {"id": None}, {"data": []}, {"data": [7]}, {"data": [{"name": "x"}]}])
def test_no_new_id_is_an_error(document: Any) -> None:
    with pytest.raises(WireError):
        parse_new_id(document)


@given(JSON)
def test_no_value_makes_a_reader_fail(value: Any) -> None:
    for read in (as_int, as_number, as_id, as_bound, as_instant, as_text):
        read(value)


@given(st.binary(max_size=200), st.integers(100, 599))
def test_no_answer_makes_the_classifier_fail(body: bytes, status: int) -> None:
    assert reason_of(classify(Response(status, {}, body)))


@given(JSON, st.sampled_from([200, 400, 500]))
def test_no_envelope_makes_the_classifier_fail(value: Any, status: int) -> None:
    assert reason_of(classify(Response(status, {}, json.dumps({"error": {"code": value, "error_data": value}}).encode())))
