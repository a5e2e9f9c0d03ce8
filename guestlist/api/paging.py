"""Cursors: a listing is read in slices, each telling where the next begins. Rows added meanwhile move nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from guestlist.api.models import ID_PATTERN
from guestlist.errors import UsageError
from guestlist.storage.base import Row

Item = TypeVar("Item")
Place = TypeVar("Place", str, int)

_ID = re.compile(ID_PATTERN[1:-1], re.ASCII)
PLACE = re.compile(r"-?[0-9]{1,15}~[1-3](:[a-z0-9_]{1,40}){1,4}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
After = Annotated[str | None, Query(max_length=300, description="The `next` of the slice before, unchanged.")]


class Listing(BaseModel, Generic[Item]):
    """A slice of a listing."""

    data: list[Item]
    next: str | None = Field(description="Give it as `after` for what follows; null at the end.")


@dataclass(frozen=True, slots=True)
class Window(Generic[Place]):
    """Which slice is asked for: at most `limit` rows from behind `after`."""

    limit: int
    after: Place | None

    @property
    def wanted(self) -> int:
        """One row more than is shown tells whether there is a next slice."""
        return self.limit + 1

    def cut(self, rows: Sequence[Row], build: Callable[[Row], Item], place: str = "id") -> Listing[Item]:
        """The slice from up to `wanted` rows; `place` is the column the cursor holds."""
        more = len(rows) > self.limit
        cursor = build_cursor(rows[self.limit - 1][place]) if more else None
        return Listing(data=[build(row) for row in rows[: self.limit]], next=cursor)


def build_cursor(place: Any) -> str:
    """The opaque form of a place in a listing."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def parse_cursor(cursor: str, pattern: re.Pattern[str]) -> str:
    """The place a cursor holds. Errors: UsageError `bad_cursor`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        place = ""
    if not pattern.fullmatch(place):
        raise UsageError("`after` is no cursor of this listing.", code="bad_cursor", remedy="Give the `next` of an answer.")
    return place


async def find_window(limit: Limit = 50, after: After = None) -> Window[str]:
    """The window over a listing kept by ids."""
    return Window(limit, None if after is None else parse_cursor(after, _ID))


async def find_numbered_window(limit: Limit = 50, after: After = None) -> Window[int]:
    """The window over a listing kept by positions."""
    return Window(limit, None if after is None else int(parse_cursor(after, _NUMBER)))


async def find_placed_window(limit: Limit = 50, after: After = None) -> Window[str]:
    """The window over a timeline: the cursor holds an instant and the key within it."""
    return Window(limit, None if after is None else parse_cursor(after, PLACE))


ById = Annotated[Window[str], Depends(find_window)]
ByPosition = Annotated[Window[int], Depends(find_numbered_window)]
ByPlace = Annotated[Window[str], Depends(find_placed_window)]
