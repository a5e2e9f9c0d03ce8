"""What a column's header names: an exact name of `header_names`, one with words around it, or two names in one.

Three degrees of certainty: `find_named` is sure, `find_hinted` must be confirmed by the column's content, and
`refuses_value` says that the column is about an address, not one itself.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .header_names import (
    AND,
    DOB,
    FAMILY_FIRST,
    FREE_AT_HOME,
    FULL_NAME,
    GIVEN_LAST,
    HINTS,
    MOBILE_WORDS,
    NAMES,
    NOISE,
    NOT_A_VALUE,
    NOT_A_VALUE_INSIDE,
    PERSON,
    QUALIFIERS,
    TOO_SHORT,
)
from .names import NameOrder

__all__ = ["DOB", "FULL_NAME", "IGNORE", "Named", "find_fingerprint", "find_hinted", "find_named", "fold_header", "refuses_value"]

IGNORE = "ignore"

TIER = 20
"""The ranks between two rows of names: more than any words around a name can cost."""

LONGEST = 100
"""Characters of a header that is a name; longer ones are sentences, which hint at most."""

MOST_WORDS = 8
"""Words of a header that is a name with words around it."""

HINTED = 1_000
"""The rank of columns that are only hinted at: behind all named ones."""

_FOLDED = str.maketrans(
    {"ł": "l", "ı": "i", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "'": "", "’": "", "ʼ": "", "״": "", "׳": ""}
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_CODES = re.compile(r"\b(sha|e|whats) (256|164|app)\b")
_MAIL = re.compile(r"\be (?=mail|post)")
_POSSESSIVE = re.compile(r"['’]s\b")
_WITH_CODE = re.compile(
    r"\b(?:with|incl|including|inkl|mit|avec|con) (?:country code|landervorwahl|vorwahl|indicatif|prefijo|prefisso)\b"
)
_HASH_WORDS = re.compile(r"\b(?:sha256|hashed|hash)\b")
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|（[^（）]*）|【[^【】]*】|<[^<>]*>")
_PLACES = frozenset({"CT", "ST", "ZIP", "COUNTRY"})
_COUNTED = frozenset({"EMAIL", "PHONE"}) | _PLACES
"""Keys of which a person may have a second and a third: `Email 2`."""


class Named(NamedTuple):
    """What a header means. `rank`: lower is better among columns of one key. `order`: how a full name is written."""

    key: str
    rank: int
    hashed: bool = False
    order: NameOrder = NameOrder.GIVEN_FIRST


def fold_header(header: str) -> str:
    """The header in lower case, without accents and punctuation, words and numbers apart by one space, `e-mail` as one word."""
    spaced = _POSSESSIVE.sub("", _CAMEL.sub(" ", header.strip().lstrip("\ufeff")))
    plain = "".join(c for c in unicodedata.normalize("NFKD", spaced.casefold()) if not unicodedata.combining(c))
    words = re.sub(r"[\W_]+", " ", plain.translate(_FOLDED)).strip()
    return _WITH_CODE.sub("", _MAIL.sub("e", _CODES.sub(r"\1\2", words))).strip()


def _table() -> dict[str, Named]:
    table: dict[str, Named] = {}
    for key, tiers in NAMES.items():
        for tier, names in enumerate(tiers):
            for name in names.split("|"):
                table.setdefault(fold_header(name), Named(key, TIER * tier))
    for names, order in ((FAMILY_FIRST, NameOrder.FAMILY_FIRST), (GIVEN_LAST, NameOrder.GIVEN_LAST)):
        table |= {fold_header(name): Named(FULL_NAME, 0, order=order) for name in names.split("|")}
    return table


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(fold_header(word)) for word in text.split('|'))})\b")


def _parts(text: str) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(fold_header(part)) for part in text.split("|")))


_TABLE = _table()
_AND, _NOISE = (frozenset(map(fold_header, words)) for words in (AND, NOISE))
_COSTS = {fold_header(word): cost for word, cost in QUALIFIERS.items()}
_AT_HOME = frozenset(map(fold_header, FREE_AT_HOME))
_NOT_A_VALUE, _NOT_A_VALUE_INSIDE = _words(NOT_A_VALUE), _parts(NOT_A_VALUE_INSIDE)
_HINTS = [(key, _words(whole), _parts(inside)) for key, (whole, inside) in HINTS.items()]


def find_named(header: str) -> Named | None:
    """What a header names beyond doubt, or None. `Email SHA256` names digests of e-mail addresses."""
    return _find_named(header) if len(header) <= LONGEST else None


@lru_cache(maxsize=4_096)
def _find_named(header: str) -> Named | None:
    folded = fold_header(header)
    if not _HASH_WORDS.search(folded):
        return _find(folded, header)
    clear = " ".join(_HASH_WORDS.sub(" ", folded).split())
    named = _find(clear, clear)
    return named._replace(hashed=True) if named else None


def _find(folded: str, header: str) -> Named | None:
    return _TABLE.get(folded) or _find_qualified(folded) or _find_joined(folded, header)


def _find_qualified(folded: str) -> Named | None:
    """A name with words around it that only say whose or which it is: `Billing Phone #`, `E-Mail (privat)`."""
    words = folded.split()
    for kept in _readings(words) if len(words) <= MOST_WORDS else ():
        named = _TABLE.get(" ".join(kept))
        if named is None or " ".join(kept) in TOO_SHORT:
            continue
        around = [word for word in words if word in _COSTS and word not in kept]
        if _may_stand_beside(named.key, around):
            return named._replace(rank=max(0, named.rank + _shift(named.key, around)))
    return None


def _readings(words: list[str]) -> list[list[str]]:
    """What may be the name in it: ever less of the words around at both ends, then all but those anywhere."""
    around = [word in _COSTS or word in _NOISE for word in words]
    most = next((at for at, is_around in enumerate(around) if not is_around), len(words))
    least = next((at for at in range(len(words), 0, -1) if not around[at - 1]), 0)
    readings = [words[start:end] for start in range(most + 1) for end in range(len(words), max(start, least - 1), -1)]
    calm = [word for word in words if word not in _NOISE]
    return [*readings, calm, [word for word in calm if word not in _COSTS]]


def _may_stand_beside(key: str, around: list[str]) -> bool:
    if key not in _COUNTED and any(word.isdigit() for word in around):
        return False
    if key != "PHONE" and any(word in MOBILE_WORDS for word in around):
        return False
    return key != "ST" or all(_COSTS[word] != PERSON for word in around)  # a contact's state may be `active`


def _shift(key: str, around: list[str]) -> int:
    """What the words around cost. A phone at home is often a landline; an e-mail address at home is the personal one."""
    costs = [0 if key != "PHONE" and word in _AT_HOME else _COSTS[word] for word in around]
    mobile = key == "PHONE" and any(word in MOBILE_WORDS for word in around)
    return max(costs, default=0) - (TIER if mobile else 0)


def _find_joined(folded: str, header: str) -> Named | None:
    """Two names in one header: two for the same key (`Telefon / Mobil`), or those of a full name in either order."""
    pieces = [fold_header(piece) for piece in re.split(r"[/|,;&+・、／]", header)]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) == 1:
        return _find_pair(folded)
    found = [_TABLE.get(piece) or _find_qualified(piece) for piece in pieces]
    named = [each for each in found if each]
    if len(named) < len(pieces):
        return _find_pair(folded) if len(pieces) == 2 else None
    if len({each.key for each in named}) == 1:
        return min(named, key=lambda each: each.rank)
    return _whole(named[0], named[1]) if len(named) == 2 else None


def _find_pair(folded: str) -> Named | None:
    """`nachname vorname`, `nom et prenom`, `name last first`: a last name and a first name in a row."""
    words = folded.split()
    for at in range(1, len(words)) if len(words) <= MOST_WORDS else ():
        rest = words[at + 1 :] if words[at] in _AND else words[at:]
        one = _TABLE.get(" ".join(words[:at]))
        other = _TABLE.get(" ".join(rest))
        whole = _whole(one, other) if one and other else _find_pair(" ".join(rest)) if one and one.key == FULL_NAME else None
        if whole:
            return whole
    return None


def _whole(one: Named, other: Named) -> Named | None:
    if one.key in ("FN", FULL_NAME) and other.key == "LN":
        return Named(FULL_NAME, 0)
    if one.key in ("LN", FULL_NAME) and other.key == "FN":
        return Named(FULL_NAME, 0, order=NameOrder.FAMILY_FIRST)
    return None


def find_hinted(header: str) -> Named | None:
    """What a header hints at, to be confirmed by the column's content: `Guest phone (evening)` hints at PHONE."""
    header = header[: 4 * LONGEST]
    if refuses_value(header):
        return None
    bare = _BRACKETED.sub(" ", header)
    if bare.strip() and bare != header and (named := find_named(bare)):
        return named._replace(rank=HINTED + named.rank)
    folded = fold_header(header)
    return next((Named(key, HINTED) for key, whole, inside in _HINTS if whole.search(folded) or inside.search(folded)), None)


def refuses_value(header: str) -> bool:
    """Whether a header says that the column is about an address or number, or somebody else's: `Email opt-in date`, `Fax`."""
    folded = fold_header(header[: 4 * LONGEST])
    return bool(_NOT_A_VALUE.search(folded) or _NOT_A_VALUE_INSIDE.search(folded))


def find_fingerprint(header: Sequence[str]) -> str:
    """What files with the same header share: SHA-256 over its names in their order, the first 32 hex digits.

    Case, width, white space and a byte order mark do not count; everything else does, so that words learned later change
    no fingerprint.
    """
    names = (" ".join(unicodedata.normalize("NFKC", name).replace("\ufeff", "").casefold().split()) for name in header)
    return hashlib.sha256("\x1f".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]
