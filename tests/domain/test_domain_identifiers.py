"""Ids in the two public forms that vendors' clients know: a GUID and a decimal number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.domain.identifiers import encode_id, from_decimal, from_uuid, to_decimal, to_uuid

MESSAGE = "msg_01hq3k5y8v7d2w9g4m6n0p1r2s"


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1))
def test_both_forms_lead_back(milliseconds: int, tail: int) -> None:
    row_id = encode_id("msg", milliseconds, tail)
    assert from_uuid("msg", to_uuid(row_id)) == row_id
    assert from_decimal("msg", to_decimal(row_id)) == row_id


def test_what_they_look_like() -> None:
    assert to_uuid(MESSAGE) == "018dc732-f91b-3b45-c4c0-94354160e059"
    assert to_decimal(MESSAGE) == str(0x018DC732F91B3B45C4C094354160E059)
    assert from_uuid("msg", "018DC732F91B3B45C4C094354160E059") == MESSAGE


def test_numbers_of_later_ids_are_larger() -> None:
    earlier, later = encode_id("msg", 1, 2**80 - 1), encode_id("msg", 2, 0)
    assert int(to_decimal(earlier)) < int(to_decimal(later))


@pytest.mark.parametrize(
    "row_id", ["wsp_default", "", "msg_", "msg_8zzzzzzzzzzzzzzzzzzzzzzzzz", "msg_01hq3k5y8v7d2w9g4m6n0p1r2", "x" * 26]
)
def test_what_is_no_id_has_no_other_form(row_id: str) -> None:
    for form in (to_uuid, to_decimal):
        with pytest.raises(ValueError, match="no id of ours"):
            form(row_id)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "٣", "x", str(2**128), "1" * 40])
def test_what_is_no_number_leads_nowhere(text: str) -> None:
    with pytest.raises(ValueError, match="no number of ours"):
        from_decimal("msg", text)
