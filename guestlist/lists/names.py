"""Full names to first and last name, only where the split is safe."""

from __future__ import annotations

import re

from .base import Reject
from .cells import find_damage, trim

_TITLE_WORDS = "mr mrs ms miss mx dr prof sir herr frau hr fr dott dra sr sra m mme mlle"
_SUFFIX_WORDS = "jr sr ii iii iv phd md esq"
_PARTICLE_WORDS = "van von de da di del della dos das du la le der den ter ten el al bin bint ibn zu zum af av san st"
_TITLES, _SUFFIXES, _PARTICLES = (frozenset(words.split()) for words in (_TITLE_WORDS, _SUFFIX_WORDS, _PARTICLE_WORDS))
_SURNAME_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def split_name(raw: str) -> tuple[str, str] | Reject:
    """First and last name, as written. `Last, First` is turned round, titles go, particles stay with the last name;
    Chinese, Japanese and Korean names put the family first.

    Rejects one word (first or last?) and names written without spaces.
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
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return words[0], " ".join(words[start:])


def _without_title(words: list[str]) -> list[str]:
    while len(words) > 1 and words[0].rstrip(".").lower() in _TITLES:
        words = words[1:]
    return words
