"""Foreign JSON, tamed: every read of a Graph answer states the type it wants and takes both forms where sources disagree.

Fact page, section 13. A `WireError` means that the answer lacks what the call needs; the caller makes it a GraphError.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

Document: TypeAlias = Mapping[str, Any]
"""A JSON object from outside."""

EMPTY: Document = {}
MILLISECONDS_FROM = 1_000_000_000_000
"""An instant at or above this number is in milliseconds, below it in seconds. Fact page, section 13."""

_HUGE_INTEGER = re.compile(rb"[:\[,]\s*-?\d{20}")


class WireError(ValueError):
    """The answer is JSON but not what the call is documented to give. Holds no value of the answer."""


def parse_json(body: bytes) -> Any:
    """The JSON value of a body, integers exact at any length.

    Errors: WireError when it is empty, cut short, nested too deeply, or no JSON at all.
    """
    try:
        # orjson turns integers beyond 64 bits into floats, which would round an id.
        return json.loads(body) if _HUGE_INTEGER.search(body) else orjson.loads(body)
    except (ValueError, RecursionError):
        pass
    raise WireError("The answer is not JSON.")


def as_object(value: Any) -> Document:
    """The value when it is an object, else an empty one: PHP-style serialisers write `[]` for an empty map."""
    return value if isinstance(value, Mapping) else EMPTY


def as_int(value: Any) -> int | None:
    """An integer given as a number or as a string of digits, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,40}", value):
        return int(value)
    return None


def as_number(value: Any) -> float | None:
    """A finite number given as such or as a string, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_id(value: Any) -> str | None:
    """An id, written by Graph as a string or as a bare number, always as a string. Empty is None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value).strip() or None


def as_text(value: Any) -> str:
    """The value when it is text, else the empty string."""
    return value if isinstance(value, str) else ""


def as_bound(value: Any) -> int | None:
    """An audience bound; None while unavailable, which Graph writes as -1."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_instant(value: Any) -> datetime | None:
    """An instant from Unix seconds or milliseconds. 0, negative and implausible values are None, which means: not known."""
    number = as_int(value)
    if number is None or number <= 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number >= MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_rows(document: Document) -> list[Document]:
    """The objects under `data`. Errors: WireError when there is no list, or when a row is no object."""
    rows = document.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise WireError("The answer holds no list of rows.")
    return rows


def parse_new_id(document: Document) -> str:
    """The id of what was created: at the top (reference) or in `data[0]` (Meta's guide). Errors: WireError."""
    data = document.get("data")
    first = data[0] if isinstance(data, list) and data else data
    new_id = as_id(document.get("id")) or as_id(as_object(first).get("id"))
    if new_id is None:
        raise WireError("The answer names no id.")
    return new_id


def parse_success(document: Document) -> None:
    """Checks `{"success": true}`. Errors: WireError for anything else."""
    if document.get("success") not in (True, "true", 1, "1"):
        raise WireError("The answer does not confirm success.")
