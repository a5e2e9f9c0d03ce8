"""What a text costs by SMS: its alphabet, its length in that alphabet, and how many segments it takes.

Source: 3GPP TS 23.038 (GSM 03.38), 6.2.1 and 6.2.1.1, and TS 23.040 for concatenation: a segment holds 140 octets, which is 160
septets or 70 UCS-2 units; joined ones lose 6 octets each to their header, which leaves 153 septets or 67 units.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic table without its escape: one septet each."""

EXTENSION = "\f^{}\\[~]|€"
"""Behind an escape: two septets each, which never part over two segments."""


class Encoding(StrEnum):
    """The alphabet a text goes in. One character that GSM lacks makes the whole text UCS-2."""

    GSM = "gsm"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Size:
    """What a text comes to. `units` are septets or 16-bit units; `segments` is 0 for no text at all."""

    encoding: Encoding
    units: int
    segments: int


_COSTS = dict.fromkeys(BASIC, 1) | dict.fromkeys(EXTENSION, 2)
_LIMITS = {Encoding.GSM: (160, 153), Encoding.UCS2: (70, 67)}  # units in a single segment, and in each of several


def is_gsm(text: str) -> bool:
    """Whether GSM 03.38 can say all of it."""
    return all(character in _COSTS for character in text)


def measure(text: str) -> Size:
    """What a text comes to in the cheapest alphabet that can say it."""
    encoding, cost = (Encoding.GSM, _COSTS.__getitem__) if is_gsm(text) else (Encoding.UCS2, _count_units)
    costs = [cost(character) for character in text]
    single, joined = _LIMITS[encoding]
    units = sum(costs)
    return Size(encoding, units, min(units, 1) if units <= single else _count_segments(costs, joined))


def _count_units(character: str) -> int:
    """UTF-16 units: characters beyond the basic plane take two, which never part either."""
    return 2 if ord(character) > 0xFFFF else 1


def _count_segments(costs: list[int], limit: int) -> int:
    segments, used = 1, 0
    for cost in costs:
        if used + cost > limit:
            segments, used = segments + 1, 0
        used += cost
    return segments


# -- saying it in GSM -----------------------------------------------------------------------------------------------

REPLACEMENTS = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "`": "'", "´": "'", "ʼ": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": "<", "›": ">",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "­": "",
    "…": "...", "•": "*", "·": ".", "×": "x", "÷": "/", "\t": " ", "\v": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n",
    "©": "(c)", "®": "(r)", "™": "TM", "№": "No", "°": " deg", "µ": "u",
    "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "Ħ": "H", "ħ": "h", "ı": "i", "ĸ": "k",
    "Ŋ": "N", "ŋ": "n", "Œ": "OE", "œ": "oe", "Ŧ": "T", "ŧ": "t", "ẞ": "ß",
    "₤": "£", "₺": "TL", "₽": "RUB", "₹": "Rs", "₩": "KRW", "₫": "VND", "₪": "ILS", "₴": "UAH",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\ufe0e": "", "\ufe0f": "",
}  # fmt: skip
"""What people paste and GSM lacks, and what stands for it. Everything else is taken apart by Unicode's own tables."""

UNKNOWN = "?"
"""Stands for a character that nothing stands for, such as one of another script or an emoji."""


def convert_to_gsm(text: str) -> str:
    """The text in GSM 03.38: kept where it is GSM, then the table, then without accents, else a question mark."""
    return "".join(_converted(unicodedata.normalize("NFC", text)))


def _converted(text: str) -> Iterator[str]:
    for character in text:
        yield next(found for way in _WAYS if (found := way(character)) is not None)


def _as_it_is(character: str) -> str | None:
    return character if character in _COSTS else None


def _by_table(character: str) -> str | None:
    return REPLACEMENTS.get(character)


def _taken_apart(character: str) -> str | None:
    """`ő` is `o` and an accent, `½` is `1⁄2`, any kind of space a space: the parts that GSM has, if it has one."""
    parts = (each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each))
    kept = "".join(REPLACEMENTS.get(each, "/" if each == "⁄" else each) for each in parts)
    return kept if kept and is_gsm(kept) else None


def _give_up(character: str) -> str | None:
    return "" if unicodedata.combining(character) else UNKNOWN


_WAYS: tuple[Callable[[str], str | None], ...] = (_as_it_is, _by_table, _taken_apart, _give_up)
