"""Addresses of people as clients write them, brought to the form that rows hold."""

from __future__ import annotations

import re
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, Field

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,253}", re.ASCII)


def phone_digits(text: str) -> str:
    """The digits of a phone number with its country code: `+44 7911 123456`, `00447911123456`, `447911123456`.

    Errors: ValueError for what cannot be one.
    """
    plain = text.strip()
    digits = re.sub(r"[\s()./-]", "", plain)
    digits = digits.removeprefix("+") if digits.startswith("+") else digits.removeprefix("00")
    wrong = ValueError("must be a phone number with its country code, such as +447911123456")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise wrong
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        raise wrong from None
    if not phonenumbers.is_possible_number(number):
        raise wrong
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def check_email(text: str) -> str:
    """An e-mail address, its domain in small letters. Errors: ValueError."""
    plain = text.strip()
    if not _EMAIL.fullmatch(plain):
        raise ValueError("must be an e-mail address")
    local, _, domain = plain.rpartition("@")
    return f"{local}@{domain.lower()}"


Phone = Annotated[str, Field(max_length=40, examples=["+447911123456"]), AfterValidator(phone_digits)]
"""A phone number with its country code."""
Email = Annotated[str, Field(max_length=320, examples=["ana@example.com"]), AfterValidator(check_email)]
"""An e-mail address."""
