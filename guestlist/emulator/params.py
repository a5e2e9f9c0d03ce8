"""Request parameters: query, form, multipart and JSON merged into one mapping, JSON inside strings understood."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
import python_multipart
from python_multipart.exceptions import FormParserError

from .errors import invalid

MAX_FIELDS = 1000
TRUE = frozenset({"true", "1", "yes"})
FALSE = frozenset({"false", "0", "no", ""})
INTEGER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a multipart body; its content is not kept. `size`: bytes."""

    name: str
    size: int


class Params(dict[str, Any]):
    """Parameters of one call, with readers that refuse wrong types as Graph does (code 100)."""

    def text(self, name: str, *, required: bool = False) -> str | None:
        """A string; numbers are taken as their digits."""
        value = self.get(name)
        if value is None or value == "":
            if required:
                raise invalid(f"The parameter {name} is required")
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise invalid(f"Param {name} must be a string.")
        return value

    def must(self, name: str) -> str:
        """A required string."""
        return self.text(name, required=True) or ""

    def choice(self, name: str, allowed: frozenset[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid(f"Param {name} must be one of {{{', '.join(sorted(allowed))}}}")
        return value

    def integer(self, name: str, *, minimum: int | None = None) -> int | None:
        return as_integer(self.get(name), name, minimum=minimum)

    def boolean(self, name: str) -> bool | None:
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in TRUE:
            return True
        if word in FALSE:
            return False
        raise invalid(f"Param {name} must be a boolean.")

    def mapping(self, name: str, *, required: bool = False) -> dict[str, Any] | None:
        """An object, given as JSON or as a JSON string."""
        value = self._decoded(name)
        if value is None and not required:
            return None
        if not isinstance(value, dict):
            raise invalid(f"Param {name} must be a JSON object." if value is not None else f"The parameter {name} is required")
        return value

    def sequence(self, name: str, *, required: bool = False) -> list[Any] | None:
        """A list, given as JSON, as a JSON string, or as words between commas."""
        value = self._decoded(name, words=True)
        if value is None and not required:
            return None
        if not isinstance(value, list):
            raise invalid(f"Param {name} must be an array." if value is not None else f"The parameter {name} is required")
        return value

    def _decoded(self, name: str, *, words: bool = False) -> object:
        value = self.get(name)
        if not isinstance(value, str):
            return value
        if value.lstrip()[:1] in ("{", "["):
            return decode_json(value, f"Param {name}")
        if not value:
            return None
        return [word.strip() for word in value.split(",")] if words else value


def as_integer(value: object, name: str, *, minimum: int | None = None) -> int | None:
    """An integer out of a number or its digits; None stays None. Errors: 100."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"Param {name} must be an integer.")
    if minimum is not None and value < minimum:
        raise invalid(f"Param {name} must be at least {minimum}.")
    return value


def decode_json(text: str | bytes, what: str) -> Any:
    """Errors: 100 when `text` is not JSON, or nested deeper than the parser goes."""
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise invalid(f"{what} is not valid JSON") from None


def parse_params(query: bytes, content_type: str, body: bytes) -> Params:
    """Everything the caller sent; a name given in the body wins over the query. Errors: 100."""
    params = Params()
    if query:
        params.update(_parse_form(query))
    if not body:
        return params
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        params.update(_parse_multipart(content_type, body))
    elif kind == "application/json" or body[:1] == b"{":
        value = decode_json(body, "The request body")
        if not isinstance(value, dict):
            raise invalid("The request body must be a JSON object")
        params.update(value)
    else:
        params.update(_parse_form(body))
    return params


def _parse_form(raw: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:  # too many fields, or bytes that no URL encoding holds
        raise invalid("The parameters are not URL-encoded text") from None


def _parse_multipart(content_type: str, body: bytes) -> Mapping[str, str | File]:
    found: dict[str, str | File] = {}

    def keep(field: Any) -> None:
        found[(field.field_name or b"").decode("utf-8", "replace")] = (field.value or b"").decode("utf-8", "replace")

    def keep_file(file: Any) -> None:
        name = (file.file_name or b"").decode("utf-8", "replace")
        found[(file.field_name or b"").decode("utf-8", "replace")] = File(name, file.size)
        file.close()

    try:
        python_multipart.parse_form({"Content-Type": content_type.encode()}, io.BytesIO(body), keep, keep_file)
    except (FormParserError, ValueError):
        raise invalid("The multipart body cannot be read") from None
    return found
