"""One number, several spellings: the forms of Brazil, Mexico and Argentina, by their real plans."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from guestlist.domain.phones import phone_aliases

PAIRS = [
    ("5511987654321", "551187654321"),  # São Paulo, with and without the ninth digit
    ("5551991234567", "555191234567"),  # Porto Alegre
    ("525512345678", "5215512345678"),  # Mexico City
    ("523312345678", "5213312345678"),  # Guadalajara
    ("5491123456789", "541123456789"),  # Buenos Aires
    ("5493511234567", "543511234567"),  # Córdoba
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_either_form_finds_the_other(one: str, other: str) -> None:
    assert phone_aliases(one) == (one, other)
    assert phone_aliases(other) == (other, one)


ALONE = [
    "551121234567",  # a Brazilian landline has no ninth digit
    "5520987654321",  # there is no area code 20
    "5511587654321",  # nor did mobile numbers begin with 5
    "52155123456",  # too short
    "442079460958",
    "15559876543",
    "",
    "no number",
    "٥٥١١٩٨٧٦٥٤٣٢١",
]


@pytest.mark.parametrize("digits", ALONE)
def test_what_has_one_form_stands_alone(digits: str) -> None:
    assert phone_aliases(digits) == (digits,)


@given(st.text("0123456789", max_size=16) | st.from_regex(r"(55|52|521|54|549)\d{8,11}", fullmatch=True) | st.text(max_size=20))
def test_an_alias_of_an_alias_is_the_number_again(digits: str) -> None:
    aliases = phone_aliases(digits)
    assert aliases[0] == digits
    assert len(set(aliases)) == len(aliases)
    for alias in aliases:
        assert set(phone_aliases(alias)) == set(aliases)


def _mobiles(region: str, start: str, count: int = 200) -> list[str]:
    """Mobile numbers all over a country's plan of today, country code first, that begin in one way."""
    rng, found = random.Random(region), []
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    nsn = phonenumbers.national_significant_number(example)
    while len(found) < count:
        changed = list(nsn)
        for place in rng.sample(range(len(nsn)), 3):
            changed[place] = rng.choice("0123456789")
        number = phonenumbers.parse(f"+{example.country_code}{''.join(changed)}")
        digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
        if phonenumbers.is_valid_number(number) and digits.startswith(start):
            nsn = phonenumbers.national_significant_number(number)
            found.append(digits)
    return found


def _is_valid(digits: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))


def test_every_mexican_number_of_the_plan_has_the_form_with_1_which_the_plan_no_longer_knows() -> None:
    for digits in _mobiles("MX", "52"):
        assert phone_aliases(digits) == (digits, f"521{digits[2:]}")
        assert not _is_valid(f"521{digits[2:]}")


def test_every_argentine_mobile_loses_its_9_and_gets_it_back() -> None:
    for digits in _mobiles("AR", "549"):
        assert phone_aliases(digits) == (digits, f"54{digits[3:]}")


def test_brazilian_mobiles_of_the_old_ranges_have_both_forms_and_only_the_longer_is_in_the_plan() -> None:
    mobiles = [digits for digits in _mobiles("BR", "55", 400) if len(digits) == 13 and digits[4] == "9" and digits[5] in "6789"]
    assert len(mobiles) > 20
    for digits in mobiles:
        old = digits[:4] + digits[5:]
        assert phone_aliases(digits) == (digits, old)
        assert not _is_valid(old) or old[4] == "7"  # some trunked radio kept eight digits and begins with 7
