"""Right phones are the first promise: every spelling of the field, numbers that read two ways, `phonenumbers` as judge."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.list_phones import agreement, right_share
from guestlist.lists.base import Reject
from guestlist.lists.numbering import has_trunk_prefix, is_mobile, is_valid, read_full, read_national, read_possible
from guestlist.lists.phones import Habit, Reading, habit_of, normalise_phone, read_phone, tidy_phone

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
    # dial prefixes: the region's own, another country's, with carrier codes
    ("8~10 44 20 7946 0958", "RU", "442079460958"),
    ("8~10 49 30 23125123", "DE", "493023125123"),
    ("810 44 20 7946 0958", "KZ", "442079460958"),
    ("010 44 20 7946 0958", "GB", "442079460958"),
    ("0 15 11 2123-4567", "BR", "551121234567"),
    ("0015 44 20 7946 0958", "BR", "442079460958"),
    ("0055 79 95769-3472", "BR", "5579957693472"),
    ("001 44 20 7946 0958", "KR", "442079460958"),
    ("00700 1 650 253 0000", "KR", "16502530000"),
    ("0011 46 33 43 49 91", "SE", "4633434991"),
    ("+011 44 20 7946 0958", "US", "442079460958"),
    ("0034 0912 345 678", "GB", "34912345678"),
    ("+34 0912 345 678", "US", "34912345678"),
    # other scripts
    ("۰۲۰۷۹۴۶۰۹۵۸", "GB", "442079460958"),
    ("+४४ २० ७९४६ ०९५८", "IN", "442079460958"),
    ("\u200f+966 50 123 4567\u200e", "SA", "966501234567"),
    ("\u2067+44\u00a020\u20117946\u20110958\u2069", "GB", "442079460958"),
    # spreadsheets
    ("‘02079460958", "GB", "442079460958"),
    ("442079460958,0", "GB", "442079460958"),
    ("30720.0", "DE", "4930720"),
    ("447,911,123,456", "GB", "447911123456"),
    ("-442079460958", "GB", "442079460958"),
    # several numbers, remarks, letters
    ("+44 20 7946 0958 +44 20 7946 0959", "GB", "442079460958"),
    ("020 7946 0958 and 020 7946 0959", "GB", "442079460958"),
    ("020 7946 0958 x22 / 020 7946 0959 x3", "GB", "442079460958"),
    ("07911 12345O / 020 7946 0959", "GB", "442079460959"),
    ("020 7946 0958 ask for Bob after 6", "GB", "442079460958"),
    ("030 23125123 abends", "DE", "493023125123"),
    ("0211-555-TAXI", "DE", "492115558294"),
    ("1 212 555 TAXI", "US", "12125558294"),
    ("0451 in the evening", "DE", Reject("phone_letters")),
    ("020 7946 0958 доб. 12", "GB", "442079460958"),
    ("03-1234-5678 内線 12", "JP", "81312345678"),
    # Argentina's 15 within the country is the plan's own way to write its 9
    ("011 15 2345-6789", "AR", "5491123456789"),
    # ten digits where national numbers have ten are rather mistyped than Norwegian
    ("4740123456", "GB", Reject("phone_invalid")),
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
    ("4.4207946095E+11", "phone_scientific"),
    ("7777777777", "phone_placeholder"),
    ("+91 99999 99999", "phone_placeholder"),
    ("5e9f" * 8, "looks_hashed"),
    ("x" * 41, "phone_letters"),
]


@pytest.mark.parametrize(("raw", "code"), REFUSED)
def test_what_is_no_number_is_refused_with_its_reason(raw: str, code: str) -> None:
    refused = normalise_phone(raw, "GB")
    assert isinstance(refused, Reject)
    assert refused.code == code


AMBIGUOUS = "4915112345678"  # valid in Germany as a national number, and as a mobile with country code
EITHER = "4947709115167"  # the same, but a landline in both readings


def test_a_number_that_reads_two_ways_is_refused_with_both_readings() -> None:
    refused = normalise_phone(AMBIGUOUS, "DE")
    assert isinstance(refused, Reject)
    assert refused.code == "phone_ambiguous"
    assert "+49491… (15 digits)" in refused.remedy
    assert "+49151… (13 digits)" in refused.remedy


def test_a_prefix_for_calls_abroad_that_reads_two_ways_is_refused_too() -> None:
    refused = normalise_phone("001 65 8234 5678", "KR")
    assert isinstance(refused, Reject)
    assert refused.code == "phone_ambiguous"
    assert "+65823…" in refused.remedy
    assert "+16582…" in refused.remedy


HABITS = [
    (["493023125123", "4940669691234", "+49 30 23125123"], Habit.UNDECIDED),
    (["030 23125123", "040 66969123", "0221 4710123"], Habit.WITH_CODE),
    (["3023125123", "4066969123", "2214710123"], Habit.NATIONAL),
    (["030 23125123", "040 66969123", "2214710123", "3023125123"], Habit.UNDECIDED),
    (["n/a", "", "+49 30 23125123", "0049 30 23125123"], Habit.UNDECIDED),
    ([AMBIGUOUS] * 3, Habit.WITH_CODE),
    ([EITHER] * 3, Habit.WITH_CODE),
    ([AMBIGUOUS] * 5 + ["3023125123"] * 20, Habit.MIXED),
    ([AMBIGUOUS] + ["3023125123"] * 20, Habit.NATIONAL),
    ([AMBIGUOUS] * 3 + ["3023125123"] * 100, Habit.UNDECIDED),
    ([AMBIGUOUS] * 10 + ["3023125123"] * 1_000, Habit.NATIONAL),
    ([EITHER] * 5 + ["3023125123"] * 20, Habit.UNDECIDED),
    (["030 23125123"] * 6 + ["3023125123"] * 3, Habit.NATIONAL),
]
ITALIAN_MOBILE = "3905359490"  # a landline, if it were written with the country code


@pytest.mark.parametrize(("column", "habit"), HABITS)
def test_the_clear_numbers_of_a_column_tell_its_habit(column: list[str], habit: Habit) -> None:
    assert habit_of((raw, "DE") for raw in column) is habit


def test_where_both_forms_are_about_a_clear_mobile_has_the_code_and_a_landline_stays_open() -> None:
    assert read_phone(AMBIGUOUS, "DE", Habit.MIXED) == Reading("4915112345678", by_column=True)
    open_still = read_phone(EITHER, "DE", Habit.MIXED)
    assert isinstance(open_still, Reject)
    assert open_still.code == "phone_ambiguous"


def test_a_number_that_is_a_mobile_only_as_a_national_one_speaks_for_national_numbers() -> None:
    assert habit_of([(ITALIAN_MOBILE, "IT")] * 3) is Habit.NATIONAL
    assert read_phone(ITALIAN_MOBILE, "IT", Habit.NATIONAL) == Reading("393905359490", by_column=True)
    assert read_phone(ITALIAN_MOBILE, "IT", Habit.MIXED) == Reading("393905359490", by_column=True)
    assert normalise_phone(ITALIAN_MOBILE, "IT", Habit.WITH_CODE) == "3905359490"


def test_a_column_that_writes_codes_settles_a_short_foreign_number() -> None:
    assert read_phone("4740123456", "GB", Habit.WITH_CODE) == Reading("4740123456", by_column=True)


def test_an_older_form_is_refused_with_the_one_of_today_and_never_rewritten() -> None:
    refused = normalise_phone("+52 1 55 1234 5678", "MX")
    assert isinstance(refused, Reject)
    assert refused.code == "phone_invalid"
    assert "+5255… (12 digits)" in refused.remedy
    assert normalise_phone("+55 11 8765-4321", "BR") == "551187654321"


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


anything = st.text(max_size=40) | st.text(st.characters(codec=None), max_size=30)


@given(anything | st.text("0123456789+-() .,;/x~=\"'eE#&", max_size=50), st.sampled_from(["GB", "DE", "KR", "IT", "XX", ""]))
def test_any_text_gives_a_number_that_can_be_or_a_reason(raw: str, region: str) -> None:
    for habit in Habit:
        reading = read_phone(raw, region, habit)
        if isinstance(reading, Reading):
            assert read_possible(reading.digits) is not None
            assert len(set(reading.digits)) > 1
        else:
            assert reading.code


@given(anything | st.text("0123456789+-(). \t\n\x0b\x0c\x1c\x1f", max_size=20))
def test_tidying_leaves_ascii_digits_and_adds_none(raw: str) -> None:
    written = tidy_phone(raw)
    for one in () if isinstance(written, Reject) else written:
        assert one.digits.isascii()
        assert one.digits.isdigit()


def test_phonenumbers_agrees_in_every_region_and_type() -> None:
    result = agreement(20_000, seed=7)
    assert result.disagreements == []
    assert result.compared >= 20_000
    assert result.exempt["possible length, in no plan yet"] > 0


def test_nearly_all_decidable_phones_of_a_messy_list_are_right() -> None:
    score = right_share(9_000, seed=5)
    assert score.share("ours") >= 0.98
    assert score.share("ours") > score.share("phonenumbers") > score.share("SDK audience")
    assert score.sent_wrong.total() <= 0.001 * score.total.total()
    assert all(score.right["ours"][name] >= 0.95 * total for name, total in score.total.items())
    assert score.undecidable["rejected with both readings"] > 0


def _near(nsn: str, rng: random.Random) -> str:
    changed = rng.randrange(0, min(6, len(nsn)))
    return nsn[: len(nsn) - changed] + "".join(rng.choices("0123456789", k=changed))


def _parsed(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None


def test_digits_behind_any_prefix_read_as_phonenumbers_reads_them() -> None:
    rng, valid = random.Random(8), 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code, trunk = str(phonenumbers.country_code_for_region(region)), phonenumbers.ndd_prefix_for_region(region, True) or ""
        example = phonenumbers.national_significant_number(phonenumbers.example_number(region))
        for prefix in ("", trunk, code, code + trunk, "0", "00", "011", "1", "15", "9", f"00{code}"):
            digits = prefix + _near(example, rng)
            assert read_national(digits, region) == _judge(digits, region), (digits, region)
            assert read_full(digits) == _judge(f"+{digits}", None), digits
            valid += read_national(digits, region) is not None
    assert valid > 1_000


def test_validity_and_possible_length_are_those_of_phonenumbers() -> None:
    rng = random.Random(9)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        example = phonenumbers.national_significant_number(phonenumbers.example_number(region))
        for _ in range(10):
            digits = f"{code}{_near(example, rng)[: rng.randrange(1, 20)]}"
            if (number := _parsed(digits)) is None:
                continue
            nsn = phonenumbers.national_significant_number(number)
            assert is_valid(number.country_code or 0, nsn) == phonenumbers.is_valid_number(number)
            reason = phonenumbers.is_possible_number_with_reason(number)
            assert (read_possible(digits) is not None) == (reason == phonenumbers.ValidationResult.IS_POSSIBLE), digits


def test_a_mobile_is_told_from_a_landline_where_the_plan_tells() -> None:
    assert is_mobile("4915112345678")
    assert not is_mobile("493023125123")
    assert not is_mobile("12125550123")  # the same in North America
    assert not is_mobile("0")


def test_trunk_prefixes_are_those_of_the_plan() -> None:
    assert has_trunk_prefix("03023125123", "DE")
    assert has_trunk_prefix("01521234567890"[:12], "AR") is True
    assert not has_trunk_prefix("0612345678", "IT")
    assert not has_trunk_prefix("3023125123", "DE")
    assert not has_trunk_prefix("03023125123", "XX")


def _judge(text: str, region: str | None) -> str | None:
    """What `phonenumbers` alone says: the digits of a valid number, or None."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return formatted if phonenumbers.is_valid_number(number) else None
