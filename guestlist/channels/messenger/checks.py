"""Single values of a payload, checked: each finding names the field and the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from guestlist.channels.base import Problem
from guestlist.domain.urls import refuse_url

Payload = Mapping[str, Any]
Found = Iterator[Problem]


def check_text(payload: Payload, name: str, place: str, *, most: int | None = None, required: bool = False) -> Found:
    """A text of at most so many characters."""
    value = payload.get(name)
    if value is None or value == "":
        if required:
            yield Problem(f"{place}.{name}", "missing", f"`{name}` is needed.")
    elif not isinstance(value, str):
        yield Problem(f"{place}.{name}", "bad_value", f"`{name}` is a text.")
    elif most is not None and len(value) > most:
        yield Problem(f"{place}.{name}", "too_long", f"`{name}` has at most {most:,} characters.")


def check_url(payload: Payload, name: str, place: str, *, required: bool = False, https: bool = False) -> Found:
    """A URL that Meta or the person can open."""
    yield from check_text(payload, name, place, required=required)
    value = payload.get(name)
    if isinstance(value, str) and value and (bad := refuse_url(value, https=https)):
        yield Problem(f"{place}.{name}", bad.code, bad.sentence)


def check_word(payload: Payload, name: str, place: str, words: Iterable[str], *, required: bool = False) -> Found:
    """One of the words Meta knows."""
    value, known = payload.get(name), tuple(words)
    if value not in known if required or value is not None else False:
        yield Problem(f"{place}.{name}", "bad_value", f"`{name}` is one of {', '.join(known)}.")


def check_each(
    payload: Payload, name: str, place: str, check: Callable[[Payload, str], Found], *, least: int = 0, most: int | None = None
) -> Found:
    """A list of objects, within its bounds, each of them checked."""
    given, at = payload.get(name, []), f"{place}.{name}"
    if not isinstance(given, list | tuple) or len(given) < least:
        yield Problem(at, "missing" if not given else "bad_value", f"`{name}` is a list of at least {least}.")
        return
    if most is not None and len(given) > most:
        yield Problem(f"{at}.{most}", "too_many", f"`{name}` holds at most {most}.")
    for number, each in enumerate(given[:most]):
        if isinstance(each, Mapping):
            yield from check(each, f"{at}.{number}")
        else:
            yield Problem(f"{at}.{number}", "bad_value", f"`{name}` holds objects.")
