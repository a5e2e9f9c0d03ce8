"""Full names to first and last name, only where the split is safe."""

from __future__ import annotations

import re
from enum import StrEnum

from .base import Reject
from .cells import find_damage, trim

_TITLE_WORDS = "mr mrs ms miss mx dr prof sir herr frau hr fr dott dra sr sra m mme mlle"
_SUFFIX_WORDS = "jr sr ii iii iv phd md esq"
_PARTICLE_WORDS = "van von de da di del della dos das du la le der den ter ten el al bin bint ibn zu zum af av san st"
_TITLES, _SUFFIXES, _PARTICLES = (frozenset(words.split()) for words in (_TITLE_WORDS, _SUFFIX_WORDS, _PARTICLE_WORDS))
_SURNAME_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PATRONYMIC = re.compile("[\u0400-\u04ff]")


class NameOrder(StrEnum):
    """How a column writes full names, as its header says. A comma in a name, or its script, says it better."""

    GIVEN_FIRST = "given_first"  # Ann Lee
    FAMILY_FIRST = "family_first"  # Lee Ann; Иванов Иван Иванович
    GIVEN_LAST = "given_last"  # family, middle, given: Nguyễn Văn An


def split_name(raw: str, order: NameOrder = NameOrder.GIVEN_FIRST) -> tuple[str, str] | Reject:
    """First and last name, as written. `Last, First` is turned round, titles go, particles stay with the last name;
    Chinese, Japanese and Korean names put the family first, others as the column's `order` says.

    Rejects one word (first or last?), names written without spaces, and those whose family name may be one word or two.
    """
    if damage := find_damage(raw):
        return damage
    text = trim(raw)
    if text.count(",") == 1:
        last, first = (part.strip() for part in text.split(","))
        if last and first and first.rstrip(".").lower() not in _SUFFIXES:
            return _without_title(first.split())[0], last
        text = last
    words = _without_title(text.split())
    while len(words) > 2 and words[-1].rstrip(".").lower() in _SUFFIXES:
        words.pop()
    if len(words) < 2 or len(words) > 6 or not all(any(char.isalpha() for char in word) for word in (words[0], words[-1])):
        return Reject("name_not_split")
    if _SURNAME_FIRST.search(text):
        return words[-1], words[0]
    if order is not NameOrder.GIVEN_FIRST:
        return (words[-1], words[0]) if order is NameOrder.GIVEN_LAST else _split_family_first(words)
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return words[0], " ".join(words[start:])


def _split_family_first(words: list[str]) -> tuple[str, str] | Reject:
    """The family name is what stands in capitals before the rest (`LE GOFF Anne Marie`), else one word with its particles."""
    loud = next((at for at, word in enumerate(words) if not word.isupper()), 0)
    if loud:
        return words[loud], " ".join(words[:loud])
    end = next(at for at, word in enumerate(words) if word.lower() not in _PARTICLES or at == len(words) - 2) + 1
    if len(words) > end + 1 and not _PATRONYMIC.search(words[0]):
        return Reject("name_not_split")
    return words[end], " ".join(words[:end])


def _without_title(words: list[str]) -> list[str]:
    while len(words) > 1 and words[0].rstrip(".").lower() in _TITLES:
        words = words[1:]
    return words
