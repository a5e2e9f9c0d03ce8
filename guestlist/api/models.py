"""What the nouns' models share: ids, instants, texts, and how a row becomes its public form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from guestlist.errors import NotFoundError
from guestlist.storage.base import Row

ID_PATTERN = r"^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$"
_ID = re.compile(ID_PATTERN[1:-1], re.ASCII)


class Shown(BaseModel):
    """The public form of a row: the declared fields and no others, so that nothing sealed can slip out."""

    @classmethod
    def of(cls, row: Row) -> Self:
        """Shapes a row: instants as UTC, documents decoded."""
        return cls.model_validate(dict(row))


class Given(BaseModel):
    """What a client sends. A field we do not know is refused, for it is a typing error; values stay out of errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def _to_instant(value: object) -> object:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else value


def read_document(value: object) -> object:
    """JSON text of a row, decoded; anything else as it is."""
    return orjson.loads(value) if isinstance(value, str) else value


Instant = Annotated[datetime, BeforeValidator(_to_instant)]
"""An instant of a row, shown as ISO 8601, UTC."""
Document = Annotated[dict[str, Any], BeforeValidator(read_document)]
"""A JSON document of a row."""
Counts = Annotated[dict[str, int], BeforeValidator(read_document)]
"""People by a word, such as a reason."""
Texts = Annotated[list[str], BeforeValidator(read_document)]


def _parse_flag(value: object) -> object:
    words = {"true": True, "false": False}
    if isinstance(value, str) and value not in words:
        raise ValueError("must be true or false")
    return words[value] if isinstance(value, str) else value


def spell_out(words: type[StrEnum]) -> WithJsonSchema:
    """Describes a text of a row by the words it can be. Not typed as the enum: its name would take a noun's in the reference."""
    return WithJsonSchema({"type": "string", "enum": [word.value for word in words]})


Flag = Annotated[bool, BeforeValidator(_parse_flag)]
"""A flag in a query: `true` or `false`, and no other spelling."""


def check_row_id(value: str) -> str:
    """The id, if it can be one. Errors: NotFoundError, which does not repeat what was sent."""
    if not _ID.fullmatch(value):
        raise NotFoundError("There is nothing with such an id in this workspace.", remedy="Copy the `id` from a listing.")
    return value


def _check_text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    return value


_LooksLikeId = Field(json_schema_extra={"pattern": ID_PATTERN}, examples=["aud_01hq3k5y8v7d2w9g4m6n0p1r2s"])
RowId = Annotated[str, AfterValidator(check_row_id), _LooksLikeId]
"""An id in a path or query: one that cannot exist is not found."""
GivenId = Annotated[str, StringConstraints(pattern=ID_PATTERN), _LooksLikeId]
"""An id in a body."""
MetaId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$"), Field(examples=["1083917405628"])]
"""An id of Meta's: digits, as text."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_check_text)]
Words = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_check_text)]


def check_storable(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document, if it is JSON through and through. Errors: ValueError (cut characters, NaN, numbers beyond 64 bits)."""
    try:
        same = orjson.loads(orjson.dumps(document)) == document
    except orjson.JSONEncodeError:
        same = False
    if not same:
        raise ValueError("must be plain JSON: whole characters, numbers of at most 64 bits, no NaN, not nested too deeply")
    return document
