"""Foreign JSON, tamed: every value read from a webhook goes through here, and comes out with a known type and size or not at all.

Errors name the kind of event and the field, never the value: values are people's.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from guestlist.errors import UsageError

MAX_IDENTIFIER = 512
MAX_COUNT = 2**63 - 1
"""What fits the database's whole numbers."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}", re.ASCII)
_ESCAPE = re.compile(  # a whole surrogate pair, half of one, any other escape
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class PayloadError(UsageError):
    """An event of a webhook is not what its provider documents."""

    code = "bad_payload"

    def __init__(self, kind: str, field: str, problem: str) -> None:
        super().__init__(f"{kind}: {field} {problem}.")
        self.kind: Final = kind
        self.field: Final = field
        self.problem: Final = problem


class Fields:
    """One JSON object of an event, read field by field. `null` counts as absent everywhere."""

    __slots__ = ("_path", "_values", "kind")

    def __init__(self, kind: str, values: object, *, path: str = "") -> None:
        """`path` is where in the event the object stands. Errors: PayloadError when `values` is not an object."""
        if not isinstance(values, dict):
            raise PayloadError(kind, path or "value", "is missing" if values is None else "is not an object")
        self.kind = kind
        self._path = f"{path}." if path else ""
        self._values: dict[str, object] = values

    def raw(self, name: str) -> object:
        """The value as it came, None when absent."""
        return self._values.get(name)

    def find_child(self, name: str) -> Fields | None:
        """The object under `name`, None when absent. Errors: PayloadError when it is something else."""
        return None if self._values.get(name) is None else self.get_child(name)

    def get_child(self, name: str) -> Fields:
        """The object under `name`. Errors: PayloadError when it is absent or something else."""
        return Fields(self.kind, self._values.get(name), path=self._path + name)

    def refuse(self, name: str, problem: str) -> PayloadError:
        """The error to raise about one field."""
        return PayloadError(self.kind, self._path + name, problem)

    def find_identifier(self, name: str) -> str | None:
        """An id, which may come as a string or as a whole number of any size; None when absent or empty.

        Errors: PayloadError for anything else. A float is refused even if whole: it has already lost digits.
        """
        value = self._values.get(name)
        if value is None or value == "":
            return None
        identifier = read_identifier(value)
        if identifier is None:
            raise self.refuse(name, "is not an id")
        return identifier

    def get_identifier(self, name: str) -> str:
        """The same, where the event means nothing without it. Errors: PayloadError when absent, too."""
        identifier = self.find_identifier(name)
        if identifier is None:
            raise self.refuse(name, "is missing")
        return identifier

    def find_text(self, name: str, limit: int) -> str | None:
        """Free text of at most `limit` characters, cut there, without NUL; None when absent. Errors: PayloadError if no text."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(name, "is not text")
        return value[:limit].replace("\x00", "\ufffd")

    def find_count(self, name: str) -> int | None:
        """A number of things, from 0; None when absent or negative.

        Errors: PayloadError when it is no whole number, or larger than the database's.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_COUNT)):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value > MAX_COUNT:
            raise self.refuse(name, "is not a count")
        return value if value >= 0 else None


def find_document(value: object, limit: int) -> dict[str, Any] | None:
    """An object kept as it came, NUL apart; None for anything else, and for one whose JSON is longer than `limit` bytes."""
    if not isinstance(value, dict):
        return None
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:  # a number beyond what the database keeps
        return None
    if len(text) > limit:
        return None
    document: dict[str, Any] = orjson.loads(text.replace(rb"\u0000", rb"\ufffd"))
    return document


def read_identifier(value: object) -> str | None:
    """A JSON string or whole number as an id; None for anything that is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value >= 0 else None
    if isinstance(value, str) and 0 < len(value) <= MAX_IDENTIFIER and not _CONTROL.search(value):
        return value.strip() or None
    return None


def read_kind(value: object) -> str:
    """The name of a kind of event, safe to store and to show; "unknown" for what is no plain word."""
    return value if isinstance(value, str) and _KIND.fullmatch(value) else "unknown"


def mend_surrogates(body: bytes) -> bytes:
    """The body with every half of a cut character (`\\ud83d` alone) as U+FFFD.

    JSON text cut at a length limit can end in one; a strict parser then refuses the whole body, siblings included.
    """
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], body)
