"""What a contact may hold: sizes and forms. Pure; every door asks here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import orjson

MAX_BYTES = 100 * 1024
"""A contact's own data as JSON: names, fields and all."""

MAX_FIELDS = 500
MAX_FIELD_NAME = 100

PLAIN = ("first_name", "last_name", "locale", "timezone", "gender", "picture_url")
"""The facts that have a place of their own."""

_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_BAD_NAME = re.compile(r'["\x00-\x1f\x7f]')


def check_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, if their names can be kept and asked for. Errors: ValueError."""
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"must hold at most {MAX_FIELDS} fields")
    for name in fields:
        if not 0 < len(name) <= MAX_FIELD_NAME or _BAD_NAME.search(name):
            raise ValueError(f"names of fields have 1 to {MAX_FIELD_NAME} characters, without quotes and line breaks")
        if name.startswith(("_", "$", "[")):
            raise ValueError("names of fields begin with none of _ $ [")
    return fields


def check_timezone(text: str) -> str:
    """An IANA name, an offset such as +02:00, or "". Errors: ValueError."""
    if text and not _OFFSET.fullmatch(text) and text not in available_timezones():
        raise ValueError("must be a time zone such as Europe/Berlin, or an offset such as +02:00")
    return text


def check_locale(text: str) -> str:
    """A language tag such as en_GB, or "". Errors: ValueError."""
    if text and not _LOCALE.fullmatch(text):
        raise ValueError("must be a language tag such as en_GB")
    return text


def merge_fields(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they are after a change: given ones replace, null takes one away, the others stay."""
    merged = {**kept, **given}
    return {name: value for name, value in merged.items() if value is not None}


def measure(facts: Mapping[str, Any]) -> int:
    """The bytes of a contact's own data as JSON."""
    return len(orjson.dumps(dict(facts)))
