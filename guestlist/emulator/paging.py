"""Pages of a list with opaque cursors (fact page 0.3)."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .errors import invalid

if TYPE_CHECKING:
    from .calls import Call

UNSENT = frozenset({"after", "before", "limit", "method"})  # not copied into next and previous


def encode_cursor(edge: str, position: int) -> str:
    """A cursor that only this edge understands."""
    raw = f"{position}.{zlib.crc32(f'{edge}:{position}'.encode()):08x}"
    return base64.urlsafe_b64encode(raw.encode()).decode()


def decode_cursor(edge: str, cursor: str) -> int:
    """Errors: 100 when the cursor was not made by `encode_cursor` for this edge."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
        position = int(raw.partition(".")[0])
    except (binascii.Error, ValueError):
        raise invalid("Invalid parameter: the cursor is not valid") from None
    if encode_cursor(edge, position) != cursor:
        raise invalid("Invalid parameter: the cursor is not valid")
    return position


@dataclass(frozen=True, slots=True)
class Slice:
    """Which rows a caller wants: positions `start` up to, not including, `stop` when set, at most `limit` of them."""

    limit: int
    start: int
    stop: int | None


def read_slice(call: Call, *, default: int, most: int) -> Slice:
    """The paging parameters of a call. A larger limit than `most` is lowered to it, as Graph does."""
    limit = min(call.params.integer("limit", minimum=1) or default, most)
    after, before = call.params.text("after"), call.params.text("before")
    if after:
        return Slice(limit, decode_cursor(call.path, after) + 1, None)
    if before:
        stop = decode_cursor(call.path, before)
        return Slice(limit, max(0, stop - limit), stop)
    return Slice(limit, 0, None)


def build_page(
    call: Call, rows: Sequence[Any], show: Callable[[Any], dict[str, Any] | None], *, default: int = 25, most: int = 1000
) -> dict[str, Any]:
    """One page of `rows`. `show` gives a row's JSON, or None for a row this caller does not see."""
    wanted = read_slice(call, default=default, most=most)
    data: list[dict[str, Any]] = []
    first = last = None
    position, end = wanted.start, len(rows) if wanted.stop is None else min(wanted.stop, len(rows))
    while position < end and len(data) < wanted.limit:
        shown = show(rows[position])
        if shown is not None:
            first = position if first is None else first
            last = position
            data.append(shown)
        position += 1
    page: dict[str, Any] = {"data": data}
    if first is not None and last is not None:
        more = any(show(rows[later]) is not None for later in range(position, len(rows)))
        page["paging"] = _links(call, first, last, more=more)
    if call.params.boolean("summary"):
        page["summary"] = {"total_count": sum(1 for row in rows if show(row) is not None)}
    return page


def _links(call: Call, first: int, last: int, *, more: bool) -> dict[str, Any]:
    before, after = encode_cursor(call.path, first), encode_cursor(call.path, last)
    links: dict[str, Any] = {"cursors": {"before": before, "after": after}}
    kept = {name: value for name, value in call.params.items() if name not in UNSENT and isinstance(value, str | int)}
    if call.token is not None:
        kept["access_token"] = call.token.value  # as Graph does: the link works on its own
    if "limit" in call.params:
        kept["limit"] = call.params["limit"]
    if more:
        links["next"] = f"{call.url}?{urlencode({**kept, 'after': after})}"
    if first > 0:
        links["previous"] = f"{call.url}?{urlencode({**kept, 'before': before})}"
    return links
