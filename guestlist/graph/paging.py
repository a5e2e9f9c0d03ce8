"""Following Graph's cursors to the end of a list.

A list ends where `paging.next` is absent; a page may be short or empty and still have a next one (fact page 0.3). The `next` URL
is never fetched: it may name another host and carries a token. Only its cursor is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from .base import ErrorClass, GraphError, TooMuchDataError
from .wire import Document, WireError, as_object, as_text, parse_rows

Row = TypeVar("Row")

SMALLEST_PAGE = 5
"""Rows a page below which asking for less is of no use."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list. The list is complete when `after` is None."""

    rows: Sequence[Row]
    after: str | None


def parse_page(parse_row: Callable[[Document], Row]) -> Callable[[Document], Page[Row]]:
    """A parser of one page whose rows `parse_row` reads."""
    return lambda document: Page([parse_row(row) for row in parse_rows(document)], next_cursor(document))


def next_cursor(document: Document) -> str | None:
    """The cursor of the following page, or None at the end. Errors: WireError where there is more but no way to get it."""
    paging = as_object(document.get("paging"))
    following = paging.get("next")
    if not following:
        return None
    cursor = as_text(as_object(paging.get("cursors")).get("after")) or _cursor_in(as_text(following))
    if not cursor:
        raise WireError("There is a next page but no cursor to it.")
    return cursor


async def read_all(read: Callable[[Mapping[str, str]], Awaitable[Page[Row]]], limit: int) -> list[Row]:
    """The rows of every page, asked for `limit` at a time; `read` takes the paging parameters and gives that page.

    Errors: GraphError when a page fails, so that a list is whole or not there at all, and when the list runs in circles.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    page = await read_smaller(read, limit=limit)
    rows.extend(page.rows)
    while page.after is not None:
        check_forward(seen, page.after)
        seen.add(page.after)
        page = await read_smaller(read, limit=limit, after=page.after)
        rows.extend(page.rows)
    return rows


async def read_smaller(
    read: Callable[[Mapping[str, str]], Awaitable[Page[Row]]], *, limit: int, after: str | None = None
) -> Page[Row]:
    """One page of `limit` rows, or of half as many as long as Graph says that it is too much data."""
    cursor = {} if after is None else {"after": after}
    while True:
        try:
            return await read({"limit": str(limit), **cursor})
        except TooMuchDataError:
            if limit <= SMALLEST_PAGE:
                raise
            limit = max(limit // 2, SMALLEST_PAGE)


def check_forward(seen: Collection[str | None], cursor: str) -> None:
    """Errors: GraphError when the cursor led here before, so that following it would never end."""
    if cursor in seen:
        raise GraphError(
            "Graph's list runs in circles: a page names an earlier one as the next.", kind=ErrorClass.RETRY, status=200
        )


def _cursor_in(url: str) -> str:
    try:
        return parse_qs(urlsplit(url).query).get("after", [""])[0]
    except ValueError:
        return ""
