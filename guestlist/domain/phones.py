"""Spellings of one phone number that the world uses side by side: for looking people up, never for what is sent.

Brazil put a 9 before mobile numbers between 2012 and 2016; Mexico dropped the 1 between country code and number in 2019;
Argentina has a 9 there for mobiles called from abroad, which its own people leave out. Lists and messaging services keep both
forms. The tests compare the forms with the plans of `phonenumbers`.
"""

from __future__ import annotations

import re

_BRAZIL_AREA = r"55(?:[14689][1-9]|2[12478]|3[1-578]|5[1345]|7[134579])"
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({_BRAZIL_AREA})9([6-9]\d{{7}})", re.ASCII), r"\1\2"),
    (re.compile(rf"({_BRAZIL_AREA})([6-9]\d{{7}})", re.ASCII), r"\g<1>9\2"),
    (re.compile(r"521([2-9]\d{9})", re.ASCII), r"52\1"),
    (re.compile(r"52([2-9]\d{9})", re.ASCII), r"521\1"),
    (re.compile(r"549([1-36-8]\d{9})", re.ASCII), r"54\1"),
    (re.compile(r"54([1-36-8]\d{9})", re.ASCII), r"549\1"),
)
"""A form, and the other one it is written in. Each pair stands in both directions."""


def phone_aliases(digits: str) -> tuple[str, ...]:
    """The number itself and the other form it may be stored under, likeliest first.

    `digits`: country code and national number, no plus, as `normalise_phone` gives them. What has no other form, or is no
    number at all, stands alone. Every alias of an alias is the number again, so a look-up may start from either form.
    """
    others = [form.expand(other) for pattern, other in _FORMS if (form := pattern.fullmatch(digits))]
    return (digits, *others)
