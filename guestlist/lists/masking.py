"""Masks: enough of a value to find it in one's own file, too little to use it."""

from __future__ import annotations

import unicodedata

BULLET = "•"
LONGEST = 40


def mask(value: str) -> str:
    """The value with its inside hidden: `07911 123456` -> `07••• ••••56`, `ann@example.com` -> `a••@e••••••.com`.

    At most a third of the letters and digits stay; separators stay; controls become `?`, odd blanks a space.
    Never longer than 40 characters.
    """
    shown = "".join(map(_printable, value[: 4 * LONGEST]))
    local, at, domain = shown.rpartition("@")
    masked = f"{_hide(local, 1, 0)}{at}{_hide_domain(domain)}" if at else _hide(shown, 2, 2)
    return masked if len(masked) <= LONGEST else masked[: LONGEST - 1] + "…"


def _printable(char: str) -> str:
    kind = unicodedata.category(char)[0]
    return "?" if kind == "C" else " " if kind == "Z" else char


def _hide_domain(domain: str) -> str:
    name, dot, ending = domain.rpartition(".")
    return f"{_hide(name, 1, 0)}{dot}{ending}" if dot and len(ending) <= 4 else _hide(domain, 1, 0)


def _hide(text: str, head: int, tail: int) -> str:
    """The text with all but its first and last letters and digits as bullets; of short ones fewer stay."""
    places = [index for index, char in enumerate(text) if char.isalnum()]
    kept = len(places) // 3
    head = min(head, max(kept, 1 if len(places) > 1 else 0))
    tail = min(tail, max(kept - head, 0))
    visible = {*places[:head], *(places[-tail:] if tail else ())}
    return "".join(char if index in visible or not char.isalnum() else BULLET for index, char in enumerate(text))
