"""The list doctor: what it finds, in which order it says so, and what it never does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.lists.addresses import CLOSED, ROLE, TYPO, Note, find_note, suggest_domain
from guestlist.lists.base import IdentifiersPerRow, PhonesSeen
from guestlist.lists.expectation import expect_match
from guestlist.lists.sampling import MASK, SIZE, SPREAD, Sample, bar_at

Read = Callable[..., Any]


def people(count: int, phone: str = "07911 12{:04}", domain: str = "example.com", more: str = "") -> str:
    """Rows of that many people, each with an e-mail and a phone."""
    return "".join(f"p{at}@{domain},{phone.format(at)}{more}\n" for at in range(count))


def codes(outcome: Any) -> list[str]:
    return [hint.code for hint in outcome.report.hints]


def hint(outcome: Any, code: str) -> Any:
    return next(one for one in outcome.report.hints if one.code == code)


def test_a_good_list_is_ready_and_both_identifiers_reach_the_whole_range(read: Read) -> None:
    data = "email,phone,first name,last name,country,town,dob\n" + people(600, more=",Ann,Lee,GB,Leeds,1980-02-03")
    report = read(data).report

    assert report.verdict.code == "ready"
    assert (report.expected_match.lower, report.expected_match.upper) == (120, 420)
    assert report.hints == []
    assert report.warnings == []
    assert (report.identifiers_per_row.both, report.identifiers_per_row.average) == (600, 2.0)
    assert report.keys["EMAIL"] == 600
    assert (report.phones.mobile, report.phones.landline) == (report.phones.looked_at, 0)


def test_hints_stand_in_order_of_their_gain(read: Read) -> None:
    data = "email,phone\n" + people(300, phone="020 7946 {:04}") + people(50, phone="", domain="gmial.com")
    outcome = read(data)

    gains = [one.gain for one in outcome.report.hints]
    assert gains == sorted(gains, reverse=True)
    assert codes(outcome)[:2] == ["landlines", "add_keys"]
    assert all(one.text and one.action and one.rows for one in outcome.report.hints)
    assert "gmial.com (50, gmail.com?)" in hint(outcome, "typo_domains").text


def test_british_numbers_under_another_region_name_the_right_one(read: Read) -> None:
    outcome = read("email,phone\n" + people(200, phone="020 7946 {:04}", domain="shop.co.uk"), region="US")

    (best, *_) = outcome.report.regions
    assert (best.region, best.gained, best.lost, best.net, best.rows) == ("GB", 200, 0, 200, 200)
    assert "100 % of the e-mail addresses" in best.reason
    assert outcome.report.verdict.code == "region"
    assert codes(outcome)[0] == "region"
    assert hint(outcome, "region").text.startswith("+200 numbers with --region GB instead of US")


def test_the_right_region_is_never_talked_away(read: Read) -> None:
    data = "email,phone\n" + people(200, phone="020 7946 {:04}", domain="laden.de")
    outcome = read(data, region="GB")

    assert "region" not in codes(outcome)
    assert all(change.net <= 0 for change in outcome.report.regions)


def test_rows_with_a_country_of_their_own_are_left_out_of_the_comparison(read: Read) -> None:
    data = (
        "email,phone,country\n" + people(50, phone="020 7946 {:04}", more=",GB") + people(50, phone="030 12345{:03}", more=",DE")
    )
    assert read(data, region="US").report.regions == []


def test_a_wrong_region_without_header_is_known_by_the_columns_that_are_not_used(read: Read) -> None:
    data = "".join(f"p{at}@example.com,01835-70{at:04},CT2 {at % 9}PP\n" for at in range(200))
    right, wrong = read(data), read(data, region="US")

    assert set(right.report.keys) == {"EMAIL", "PHONE", "ZIP"}
    assert right.report.regions == []
    assert set(wrong.report.keys) == {"EMAIL"}
    assert (wrong.report.regions[0].region, wrong.report.regions[0].net) == ("GB", 200)
    assert "postal codes" in hint(wrong, "region").text
    assert hint(wrong, "no_header").action.count("--map") == 2


def test_numbers_that_no_region_reads_do_not_make_it_doubt_its_own(read: Read) -> None:
    data = "".join(f"p{at}@example.com,01632 96{at:04},CT2 {at % 9}PP\n" for at in range(200))
    assert "region" not in codes(read(data))


def test_a_number_that_both_regions_read_is_counted_as_changed(read: Read) -> None:
    data = "email,phone\n" + "".join(f"a{at}@example.ca,416 555 {at:04}\n" for at in range(100, 300))
    outcome = read(data, region="DE")

    (best, *_) = outcome.report.regions
    assert best.region == "CA"
    assert best.gained + best.changed == 200
    assert best.net == best.gained - best.lost


@pytest.mark.parametrize(
    ("data", "code", "rows"),
    [
        ("email\n" + "".join(f"p{at}@example.com\n" for at in range(10)), "add_phone", 10),
        ("phone\n" + "".join(f"07911 1234{at}\n" for at in range(10, 20)), "add_email", 10),
        ("email,phone\n" + people(9) + "sales@shop.example,\n", "role_addresses", 1),
        ("email,phone\n" + people(9) + "ann@freeserve.co.uk,\n", "closed_domains", 1),
        ("email,phone\n" + people(9, phone="020 7946 {:04}"), "landlines", 9),
        ("email,phone\n" + people(9), "no_country_code", 9),
        ("email,phone\n" + people(9), "add_keys", 9),
        ("email,phone,first name,country,dob,town\n" + people(9, more=",Ann,GB,1980-02-03,Leeds"), "add_keys", None),
        ("email,phone\n" + people(9) + "broken,12\n,\nbroken,\n", "mend_rows", 2),
        ("email,phone\n" + people(9) + "ann@example.com,12\n", "mend_identifiers", 1),
        ("email,phone\n" + people(9), "no_header", None),
        ("email,zip\n" + "".join(f"p{at}@example.com,K8P 1B{at}\n" for at in range(9)), "postal_codes", 9),
    ],
)
def test_each_hint_counts_the_rows_it_is_about(data: str, code: str, rows: int | None, read: Read) -> None:
    outcome = read(data)

    if rows is None:
        assert code not in codes(outcome)
    else:
        assert hint(outcome, code).rows == rows


def test_repeated_rows_are_counted_once_in_hints(read: Read) -> None:
    data = "email,phone\n" + 3 * ("info@shop.example,07911 123456\n" + people(20, domain="gmial.com"))
    outcome = read(data)

    assert outcome.report.duplicates == 42
    assert hint(outcome, "role_addresses").rows == 1
    assert hint(outcome, "typo_domains").rows == 20


def test_ambiguous_phones_that_the_column_decided_are_said(read: Read) -> None:
    coded = "".join(f"a{at}@example.de,4915112345{at:03}\n" for at in range(30))
    outcome = read("email,phone\n" + coded + "b@example.de,491701234567\nc@example.de,4940123456\n", region="DE")

    if outcome.report.dropped_cells.get("phone_ambiguous"):
        assert "ambiguous_phones" in codes(outcome)
    else:
        assert hint(outcome, "by_column").gain == 0


def test_a_guessed_encoding_is_a_warning_and_a_hint(read: Read) -> None:
    outcome = read(b"email,first name\n" + "".join(f"a{at}@example.com,José\n" for at in range(5)).encode("cp1252"))

    assert hint(outcome, "guessed_encoding").rows == 5
    assert any("windows-1252" in warning for warning in outcome.report.warnings)


@pytest.mark.parametrize(("rows", "warnings", "verdict"), [(99, 2, "small"), (499, 1, "small"), (500, 0, "ready")])
def test_few_rows_and_few_matches_are_two_warnings(rows: int, warnings: int, verdict: str, read: Read) -> None:
    report = read("email,phone\n" + people(rows)).report

    assert len(report.warnings) == warnings
    assert report.verdict.code == verdict


def test_a_file_without_a_usable_row_says_so(read: Read) -> None:
    report = read("email,phone\nbroken,12\n").report

    assert report.verdict.code == "unusable"
    assert (report.expected_match.lower, report.expected_match.upper) == (0, 0)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 20_000))
def test_the_range_never_promises_more_than_meta(both: int, emails: int, phones: int, landlines: int, weak: int) -> None:
    usable = both + emails + phones
    seen = PhonesSeen(100, 100 - landlines, landlines, 0, 0, 0) if both + phones else None
    expected = expect_match(usable, IdentifiersPerRow(both, emails, phones, 1.0, 1.0), seen, min(weak, both + emails))

    assert 0 <= expected.lower <= expected.upper <= usable
    assert expected.lower <= usable * 20 / 100
    assert expected.upper <= -(-usable * 70 // 100)
    assert expected.grounds.startswith("Meta states")


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("hotmal.com", "hotmail.com"),
        ("yahooo.com", "yahoo.com"),
        ("iclod.com", "icloud.com"),
        ("example.con", "example.com"),
        ("mail.com", ""),
        ("gmx.de", ""),
        ("hotmail.se", ""),
        ("shop.example", ""),
        ("", ""),
    ],
)
def test_domains_that_look_mistyped_get_a_suggestion(domain: str, meant: str) -> None:
    assert suggest_domain(domain) == meant


@pytest.mark.parametrize(
    ("local", "domain", "note"),
    [
        ("ann", "gmail.com", None),
        ("info", "gmail.com", Note(ROLE)),
        ("ann", "wanadoo.co.uk", Note(CLOSED)),
        ("ann", "gmial.com", Note(TYPO, "gmial.com", "gmail.com")),
        ("ann", "annlee.con", Note(TYPO, "….con", "….com")),
    ],
)
def test_addresses_are_told_apart(local: str, domain: str, note: Note | None) -> None:
    assert find_note(local, domain) == note


def test_a_sample_is_the_same_however_the_file_is_cut() -> None:
    def read_in(block: int, rows: int) -> list[int]:
        whole: Sample[int] = Sample()
        for start in range(1, rows + 1, block):
            part: Sample[int] = Sample()
            for number in range(start, min(start + block, rows + 1)):
                if number * SPREAD & MASK < bar_at(start):
                    part.add(number, number)
            whole.merge(part)
        whole.thin()
        return sorted(whole)

    assert read_in(1_000, SIZE) == list(range(1, SIZE + 1))
    kept = read_in(700, 60_000)
    assert kept == read_in(60_000, 60_000)
    assert 0.9 * SIZE < len(kept) < 1.1 * SIZE
    assert 0.4 < sum(number <= 30_000 for number in kept) / len(kept) < 0.6


def test_what_the_doctor_says_holds_no_clear_value(read: Read) -> None:
    outcome = read("email,phone\nann.secret@gmial.com,07911 123456\nsecret.person@freeserve.co.uk,12\nbroken.secret,077\n")

    said = repr(outcome.report.as_json())
    assert not [
        value for value in ("ann.secret", "secret.person", "broken.secret", "07911 123456", "447911123456") if value in said
    ]


def test_every_hint_is_documented() -> None:
    root = Path(__file__).parents[2]
    source = (root / "guestlist" / "lists" / "hints.py").read_text(encoding="utf-8")
    page = (root / "docs" / "reference" / "lists.md").read_text(encoding="utf-8")

    made = {*re.findall(r'Hint\("(\w+)"', source), "add_phone", "add_email"}
    assert len(made) >= 15
    assert (
        made
        == set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \| [^|]+ \|$", page, re.M)))) & made
    )


def test_the_preview_is_filled_up_with_one_problem_where_there_is_no_other(read: Read) -> None:
    outcome = read("email,phone\n" + people(40, phone="{:04}"), preview_rows=30)
    assert [row.codes for row in outcome.report.preview] == [("phone_too_short",)] * 30


def test_every_problem_is_shown_before_one_is_shown_often(read: Read) -> None:
    data = "email,phone\n" + people(40, phone="{:04}") + "ann@example.com,07911 12345O\n" + people(40)
    preview = read(data, preview_rows=20).report.preview

    assert len(preview) == 20
    assert {code for row in preview for code in row.codes} == {"phone_too_short", "phone_letters"}
    assert sum(not row.codes for row in preview) > 10
