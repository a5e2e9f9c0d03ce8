"""What the user says of columns goes before what is found, is saved by the header's fingerprint, and is never guessed at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.errors import ListError
from guestlist.lists.base import MappedColumn, SavedMapping
from guestlist.lists.choices import TARGETS
from guestlist.lists.headers import find_fingerprint
from guestlist.lists.mapping import ColumnPlan, map_columns

Read = Callable[..., Any]

HEADER = ["Kontakt", "Extra", "Wer", "Wer"]
CELLS = [["ann@example.com"], ["x"], ["Ann"], ["Lee"]]


def plan_with(chosen: dict[str, str] | None = None, saved: dict[int, str] | None = None) -> ColumnPlan:
    """The plan for the header above, with what is said now and what was said before."""
    earlier = SavedMapping(saved, "2026-11-20") if saved is not None else None
    return map_columns(HEADER, CELLS, "DE", chosen, find_saved=lambda fingerprint: earlier)


def test_a_column_is_named_by_its_header_its_place_or_its_index() -> None:
    assert plan_with({"KONTAKT": "email", "column 3": "FN", "3": "ln"}).serving == {"EMAIL": (0,), "FN": (2,), "LN": (3,)}


def test_a_name_that_several_columns_have_means_all_of_them() -> None:
    assert [column.reason for column in plan_with({"wer": "ignore"}).columns[2:]] == ["You said so.", "You said so."]
    assert plan_with({"Wer": "PHONE"}).serving["PHONE"] == (2, 3)


REFUSED = [
    ({"Kontakte": "EMAIL"}, "unknown_column", "Did you mean “Kontakt” (column 1)?"),
    ({"Telefon": "PHONE"}, "unknown_column", "The columns are: Kontakt, Extra, Wer, Wer."),
    ({"9": "PHONE"}, "unknown_column", "The columns are: Kontakt, Extra, Wer, Wer."),
    ({"column 5": "PHONE"}, "unknown_column", "The columns are: Kontakt, Extra, Wer, Wer."),
    ({"Extra": "PHONES"}, "unknown_key", "Did you mean PHONE? Use one of EMAIL, PHONE, "),
    ({"Extra": "colour"}, "unknown_key", "FULL_NAME, DOB, ignore."),
    ({"Extra": "FN", "0": "FN"}, "key_mapped_twice", "Only EMAIL and PHONE take several columns."),
    ({"Wer": "FN"}, "key_mapped_twice", "'column 3=FN'"),
    ({"Extra": "FN", "1": "LN"}, "column_mapped_twice", "Map each column once."),
]


@pytest.mark.parametrize(("chosen", "code", "remedy"), REFUSED)
def test_what_cannot_be_meant_is_refused_with_what_can(chosen: dict[str, str], code: str, remedy: str) -> None:
    with pytest.raises(ListError) as refusal:
        plan_with(chosen)
    assert refusal.value.code == code
    assert remedy in (refusal.value.remedy or "")


def test_a_choice_that_the_cells_contradict_is_obeyed_and_says_so() -> None:
    plan = map_columns(["email", "tel"], [["a@b.example"] * 10, ["n/a?"] * 10], "GB", {"tel": "PHONE"})

    assert plan.columns[1].reason.startswith("You said so. Only 0% of the first rows hold phone numbers, though.")


def test_a_saved_mapping_is_used_and_says_since_when() -> None:
    plan = plan_with(saved={1: "CT", 3: "LN"})

    assert (plan.source, plan.saved, plan.chosen) == ("saved", "2026-11-20", {1: "CT", 3: "LN"})
    assert plan.columns[3].reason == "You said so on 2026-11-20, for a file with the same header."


def test_what_is_said_now_goes_before_what_was_saved_column_by_column() -> None:
    plan = plan_with({"Extra": "ignore"}, saved={1: "CT", 3: "LN"})

    assert (plan.source, plan.saved, plan.chosen) == ("chosen", "2026-11-20", {1: "ignore", 3: "LN"})


def test_a_key_of_one_column_moves_to_the_column_said_now() -> None:
    plan = plan_with({"Extra": "LN"}, saved={3: "LN", 2: "PHONE"})

    assert plan.chosen == {1: "LN", 2: "PHONE"}


def test_nothing_said_is_found(read: Read) -> None:
    report = read("email\nann@example.com\n").report

    assert (report.mapping_from, report.mapping_saved) == ("found", "")
    assert report.fingerprint == find_fingerprint(["email"])


def test_the_engine_asks_once_for_the_headers_fingerprint(read: Read) -> None:
    asked = []

    def find(fingerprint: str) -> SavedMapping:
        asked.append(fingerprint)
        return SavedMapping({1: "EMAIL", 0: "ignore"}, "2026-11-20")

    outcome = read("email,second\nann@example.com,bob@example.com\n", saved=find)

    assert asked == [find_fingerprint(["email", "second"])]
    assert (outcome.report.mapping_from, outcome.report.mapping_saved) == ("saved", "2026-11-20")
    assert outcome.rows == read("email\nbob@example.com\n").rows


@pytest.mark.parametrize("text", ["ann@example.com,Ann\nbob@example.com,Bob\n", "Email,ann@example.com\nbob@example.com,Bob\n"])
def test_a_file_without_header_or_with_a_customer_in_its_place_asks_for_nothing(read: Read, text: str) -> None:
    asked: list[str] = []
    outcome = read(text, header="Email" in text, saved=asked.append)

    assert (asked, outcome.report.fingerprint) == ([], "")


SAME = [["Email", "Tel."], [" EMAIL ", "tel."], ["\ufeffEmail", "Tel."], ["Ｅｍａｉｌ", "Tel."]]
OTHER = [["Tel.", "Email"], ["Email", "Tel"], ["Email", "Tel.", ""], ["Email Tel."], ["Email"]]


def test_headers_share_a_fingerprint_when_only_their_writing_differs() -> None:
    assert len({find_fingerprint(header) for header in SAME}) == 1
    assert len({find_fingerprint(header) for header in [SAME[0], *OTHER]}) == len(OTHER) + 1


words = st.sampled_from(
    ["Email", "Phone", "First Name", "Last, First", "DOB", "Birthday", "Zip", "", "Name", "Email SHA256", "姓", "x"]
)
names = words | st.text(max_size=30) | st.text("()[]{}（）【】<>/|, _-.#'\"1a", max_size=40)
cells = st.sampled_from(["ann@example.com", "07911 123456", "Ann Lee", "1985-03-27", "f" * 64, "", "GB", "H"]) | st.text(
    max_size=20
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str] | None, list[list[str]]]:
    """A header, or none, over as many columns of up to twelve cells."""
    width = draw(st.integers(1, 8))
    header = draw(st.none() | st.lists(names, min_size=width, max_size=width))
    return header, draw(st.lists(st.lists(cells, max_size=12), min_size=width, max_size=width))


chosen_maps = st.dictionaries(
    names | st.sampled_from(["0", "1", "column 1"]), st.sampled_from([*TARGETS, "ignore", "?"]), max_size=3
)
saved_maps = st.none() | st.dictionaries(st.integers(-1, 9), st.sampled_from([*TARGETS, "ignore"]), max_size=4)


@settings(max_examples=400, deadline=None)
@given(tables(), st.sampled_from(["GB", "US", "JP"]), chosen_maps, saved_maps)
def test_any_table_is_mapped_whole_or_refused(
    table: tuple[list[str] | None, list[list[str]]], region: str, chosen: dict[str, str], saved: dict[int, str] | None
) -> None:
    header, columns = table
    earlier = None if saved is None else SavedMapping(saved, "2026-11-20")
    try:
        plan = map_columns(header, columns, region, chosen, find_saved=lambda fingerprint: earlier)
    except ListError:
        return  # refused; that a refusal says the way out is tested above
    check_plan(plan, len(columns))


def check_plan(plan: ColumnPlan, width: int) -> None:
    """Every column stands in the report once, in order, with a reason; those that serve a key are exactly the used ones."""
    assert [column.index for column in plan.columns] == list(range(width))
    serving = {index: key for key, indexes in plan.serving.items() for index in indexes}
    assert serving == {column.index: column.key for column in plan.columns if column.certainty == "used"}
    assert len(serving) == sum(map(len, plan.serving.values()))
    for column in plan.columns:
        assert is_told(column), column


def is_told(column: MappedColumn) -> bool:
    """Whether a column says what it is used for and why, in whole sentences."""
    keyed = column.key is None if column.certainty == "ignored" else column.key in TARGETS
    begun = column.reason[:1].isupper() or column.reason[:1].isdigit()
    return keyed and begun and column.reason.endswith(".") and bool(column.name)
