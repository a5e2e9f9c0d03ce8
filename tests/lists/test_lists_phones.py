"""Right phones are the first promise: every spelling of the field, numbers that read two ways, `phonenumbers` as judge."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.lists.base import Reject
from guestlist.lists.numbering import is_valid, read_full, read_national
from guestlist.lists.phones import Habit, Reading, habit_of, normalise_phone, read_phone

SPELLINGS = [
    ("(+84) 091-2345678", "VN", "84912345678"),
    ("(+84) 091-2345678", "US", "84912345678"),
    ("+1 (555) 987-6543", "GB", "15559876543"),
    ("020 7946 0958", "GB", "442079460958"),
    ("+44 (0)20 7946 0958", "DE", "442079460958"),
    ("442079460958", "GB", "442079460958"),
    ("442079460958", "US", "442079460958"),
    ("2079460958", "GB", "442079460958"),
    ("0044 20 7946 0958", "GB", "442079460958"),
    ("0044 20 7946 0958", "US", "442079460958"),
    ("0044 20 7946 0958", "BR", "442079460958"),
    ("0044 20 7946 0958", "JP", "442079460958"),
    ("011 44 20 7946 0958", "US", "442079460958"),
    ("0011 44 20 7946 0958", "GB", "442079460958"),
    ("+0044 20 7946 0958", "US", "442079460958"),
    ("442079460958.0", "GB", "442079460958"),
    ("4.42079460958E+11", "GB", "442079460958"),
    ("4,42079460958E+11", "GB", "442079460958"),
    ('="02079460958"', "GB", "442079460958"),
    ("'02079460958", "GB", "442079460958"),
    ("020 7946 0958 ext. 22", "GB", "442079460958"),
    ("02079460958x22", "GB", "442079460958"),
    ("tel:+44-20-7946-0958;ext=22", "GB", "442079460958"),
    ("030 23125123 Durchwahl 7", "DE", "493023125123"),
    ("1-800-FLOWERS", "US", "18003569377"),
    ("mobile: 020 7946 0958 (work)", "GB", "442079460958"),
    ("p:+442079460958", "GB", "442079460958"),
    ("０２０７９４６０９５８", "GB", "442079460958"),
    ("٠٢٠٧٩٤٦٠٩٥٨", "GB", "442079460958"),
    ("\u202a+44 20 7946 0958\u202c", "GB", "442079460958"),
    ("+44–20–7946–0958", "GB", "442079460958"),
    ("030/23125123", "DE", "493023125123"),
    ("020 7946 0958 / 020 7946 0959", "GB", "442079460958"),
    ("12345 / 020 7946 0959", "GB", Reject("phone_invalid")),
    ("+34 (0)912 345 678", "ES", "34912345678"),
    ("+39 06 1234567", "GB", "39061234567"),
    ("39061234567", "IT", "39061234567"),
    ("06 1234567", "IT", "39061234567"),
    ("61234567", "IT", "39061234567"),
    ("01835-703597", "GB", "441835703597"),
    ("519-569-8399", "CA", "15195698399"),
]


@pytest.mark.parametrize(("raw", "region", "expected"), SPELLINGS)
def test_spellings_of_the_field(raw: str, region: str, expected: str | Reject) -> None:
    assert normalise_phone(raw, region) == expected


REFUSED = [
    ("+0000000000", "phone_placeholder"),
    ("0000000000", "phone_placeholder"),
    ("+1 000 000 0000", "phone_placeholder"),
    ("4.47911E+11", "phone_scientific"),
    ("07911 12345O", "phone_letters"),
    ("unknown", "phone_letters"),
    ("12345", "phone_too_short"),
    ("+", "phone_too_short"),
    ("0791112345678901234567890", "phone_too_long"),
    ("01632 00", "phone_invalid"),
    ("ann@example.com", "phone_is_email"),
    ("a" * 64, "looks_hashed"),
    ("1" * 64, "looks_hashed"),
    ("020 \0 7946", "nul_byte"),
    ("020\ud8007946", "bad_encoding"),
    ("#REF!", "spreadsheet_error"),
    ("  ", "blank"),
    ("4" * 300, "phone_too_long"),
]


@pytest.mark.parametrize(("raw", "code"), REFUSED)
def test_what_is_no_number_is_refused_with_its_reason(raw: str, code: str) -> None:
    refused = normalise_phone(raw, "GB")
    assert isinstance(refused, Reject)
    assert refused.code == code


AMBIGUOUS = "4915112345678"  # valid in Germany as a national number, and as a mobile with country code


def test_a_number_that_reads_two_ways_is_refused_with_both_readings() -> None:
    refused = normalise_phone(AMBIGUOUS, "DE")
    assert isinstance(refused, Reject)
    assert refused.code == "phone_ambiguous"
    assert "+49491… (15 digits)" in refused.remedy
    assert "+49151… (13 digits)" in refused.remedy


HABITS = [
    (["493023125123", "4940669691234", "+49 30 23125123"], Habit.UNDECIDED),
    (["030 23125123", "040 66969123", "0221 4710123"], Habit.WITH_CODE),
    (["3023125123", "4066969123", "2214710123"], Habit.NATIONAL),
    (["030 23125123", "040 66969123", "2214710123", "3023125123"], Habit.UNDECIDED),
    (["n/a", "", "+49 30 23125123", "0049 30 23125123"], Habit.UNDECIDED),
]


@pytest.mark.parametrize(("column", "habit"), HABITS)
def test_the_clear_numbers_of_a_column_tell_its_habit(column: list[str], habit: Habit) -> None:
    assert habit_of((raw, "DE") for raw in column) is habit


def test_the_habit_decides_the_ambiguous_and_says_so() -> None:
    assert read_phone(AMBIGUOUS, "DE", Habit.WITH_CODE) == Reading("4915112345678", by_column=True)
    assert read_phone(AMBIGUOUS, "DE", Habit.NATIONAL) == Reading("494915112345678", by_column=True)
    assert read_phone("030 23125123", "DE", Habit.NATIONAL) == Reading("493023125123", by_column=False)


@given(st.text(max_size=40) | st.text("0123456789+-() .x/eE", max_size=40), st.sampled_from(["GB", "DE", "US", "IT", "MX", "AQ"]))
def test_a_normalised_number_stays_itself_when_written_with_a_plus(raw: str, region: str) -> None:
    once = normalise_phone(raw, region)
    if isinstance(once, str):
        assert once.isascii()
        assert once.isdigit()
        assert normalise_phone(f"+{once}", "GB") == once


def _numbers(region: str, rng: random.Random, count: int) -> list[str]:
    """Digits near a region's example numbers: valid, nearly valid, with trunk prefix, with country code."""
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    code = str(phonenumbers.country_code_for_region(region))
    found = []
    for _ in range(count):
        example = phonenumbers.example_number_for_type(region, rng.choice((0, 1, 3, 4, 6, 7)))
        nsn = phonenumbers.national_significant_number(example) if example else "12345678"
        changed = rng.randrange(0, min(6, len(nsn)))
        digits = nsn[: len(nsn) - changed] + "".join(rng.choices("0123456789", k=changed))
        found.append(rng.choice(("", trunk, code, "0")) + digits)
    return found


def _judge(text: str, region: str | None) -> str | None:
    """What `phonenumbers` alone says: the digits of a valid number, or None."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return (
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
        if phonenumbers.is_valid_number(number)
        else None
    )


def test_phonenumbers_agrees_in_every_region() -> None:
    rng, compared = random.Random(7), 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for digits in _numbers(region, rng, 25):
            national, full = _judge(digits, region), _judge(f"+{digits}", None)
            assert read_national(digits, region) in (None, national)
            assert read_full(digits) in (None, full)
            ours = normalise_phone(digits, region)
            ambiguous = isinstance(ours, Reject) and ours.code == "phone_ambiguous"
            assert national is None or ours == national or ambiguous
            compared += 1
    assert compared > 6_000


def test_validity_is_that_of_phonenumbers() -> None:
    rng = random.Random(8)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for digits in _numbers(region, rng, 10):
            code = phonenumbers.country_code_for_region(region)
            try:
                number = phonenumbers.parse(f"+{code}{digits}", None)
            except phonenumbers.NumberParseException:
                continue
            nsn = phonenumbers.national_significant_number(number)
            assert is_valid(number.country_code or 0, nsn) == phonenumbers.is_valid_number(number)
