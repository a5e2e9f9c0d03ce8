"""What every rule asks of a cell first: is it empty, is it damaged, is it a spreadsheet's error or formula?"""

from __future__ import annotations

import re

from .base import Reject

NESTED = "\ufdd0"
"""What a reader puts before a cell that held a list or an object. Unicode keeps this character out of texts."""

_DAMAGE = re.compile(f"[\0\ud800-\udfff\ufffd{NESTED}]")
_ERRORS = frozenset(
    {"#n/a", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!", "#error!", "n/a", "n.a.", "#nv", "#wert!", "#bezug!"}
)
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"

_FORMULA = re.compile(r"=|[+\-@](?:[A-Za-z][\w.]*\(|[^!|]*\|[^!]*!)", re.ASCII)
_FORMULA_OF_A_VALUE = re.compile(r'="[^"]*"|=[+\-]?\d[\d.]*', re.ASCII)
"""Formulas that are their value: `="020 7946 0001"`, `=447911123456`."""

HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
"""A SHA-256 digest as other tools write it, in either case."""

_OTHER_DIGESTS = {32: "MD5", 40: "SHA-1", 96: "SHA-384", 128: "SHA-512"}
_BASE64_DIGEST = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z0-9+/_\-]{43}=")
_HEX_WORD = re.compile(r"(?=.*[a-fA-F])(?=.*\d)[0-9a-fA-F]+")

BLANK = Reject("blank")
"""A missing value. It is neither hashed nor counted as dropped."""


def find_damage(raw: str) -> Reject | None:
    """Why no rule can read this cell, or None. `BLANK` for one without visible characters."""
    if _DAMAGE.search(raw):
        return Reject("nested_value" if raw.startswith(NESTED) else "nul_byte" if "\0" in raw else "bad_encoding")
    text = raw.strip()
    if not text or not (text.isascii() or text.strip(_INVISIBLE + " \t\r\n\u00a0")):
        return BLANK
    if text[0] in "#nN":
        return Reject("spreadsheet_error") if text.lower() in _ERRORS else None
    return Reject("formula") if text[0] in "=+-@" and is_formula(text) else None


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would work the cell out, to something that cannot be known from it: `=1+1`, `@SUM(A1)`."""
    return _FORMULA.match(text) is not None and _FORMULA_OF_A_VALUE.fullmatch(text) is None


def trim(raw: str) -> str:
    """The cell without white space and invisible characters at its ends, nor the `="…"` or `=` a spreadsheet puts around it."""
    text = raw.strip()
    if not text.isascii():
        text = text.strip(_INVISIBLE).strip().strip(_INVISIBLE)
    if text.startswith("=") and _FORMULA_OF_A_VALUE.fullmatch(text):
        text = text[1:].strip('"').strip()
    return text


def find_digest(text: str) -> Reject | None:
    """Whether trimmed text is a digest already, which must not be hashed again; the remedy says what can be done with its kind.

    Only hex SHA-256 is of use, in a column of its own (fact page 1.3): no other digest can be turned into it.
    """
    if not 32 <= len(text) <= 128 or not text.isascii():
        return None
    if HEX_DIGEST.fullmatch(text):
        return Reject("looks_hashed")
    kind = _OTHER_DIGESTS.get(len(text))
    if kind and _HEX_WORD.fullmatch(text):
        return Reject(
            "looks_hashed", f"This is an {kind} digest; Meta matches SHA-256 only. Export clear text, or SHA-256 in hex."
        )
    if _BASE64_DIGEST.fullmatch(text):
        return Reject("looks_hashed", "This is a digest in Base64. Write SHA-256 as 64 hexadecimal digits, or export clear text.")
    return None


def find_fault(raw: str) -> Reject | None:
    """Why a rule for clear text cannot read this cell: damage, or a digest."""
    return find_damage(raw) or (find_digest(trim(raw)) if len(raw) >= 32 else None)
