"""What every rule asks of a cell first: is it empty, is it damaged, is it a spreadsheet's error?"""

from __future__ import annotations

import re

from .base import Reject

_DAMAGE = re.compile("[\0\ud800-\udfff\ufffd]")
_ERRORS = frozenset(
    {"#n/a", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!", "#error!", "n/a", "n.a.", "#nv", "#wert!", "#bezug!"}
)
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"

HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
"""A SHA-256 digest as other tools write it, in either case."""

BLANK = Reject("blank")
"""A missing value. It is neither hashed nor counted as dropped."""


def find_damage(raw: str) -> Reject | None:
    """Why no rule can read this cell, or None. `BLANK` for one without visible characters."""
    if _DAMAGE.search(raw):
        return Reject("nul_byte" if "\0" in raw else "bad_encoding")
    text = raw.strip()
    if not text or not (text.isascii() or text.strip(_INVISIBLE + " \t\r\n\u00a0")):
        return BLANK
    return Reject("spreadsheet_error") if text[0] in "#nN" and text.lower() in _ERRORS else None


def trim(raw: str) -> str:
    """The cell without white space and invisible characters at its ends, nor the `="…"` a spreadsheet wraps text in."""
    text = raw.strip()
    if not text.isascii():
        text = text.strip(_INVISIBLE).strip().strip(_INVISIBLE)
    if text.startswith('="') and text.endswith('"') and len(text) > 3:
        text = text[2:-1].strip()
    return text
