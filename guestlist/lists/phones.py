"""Phone numbers: the digits Meta hashes, country code first, from whatever a list holds.

Three steps on top of `phonenumbers`: tidy what people and spreadsheets add (labels, extensions, letters, other scripts'
digits), try each reading the digits allow (national, with the country code but no plus, with a foreign dial prefix), and
decide by validity. Where a number is valid both as a national one and with the region's country code, the column's habit
decides; without one it is rejected with both readings.

Source: fact page 1.3 (`PHONE`), design page `list-engine.md` section 2.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

from .base import Reject
from .cells import find_damage
from .numbering import is_valid, read_full, read_national

MIN_DIGITS = 7
"""Shorter numbers, if no plan knows them, are called too short rather than invalid."""

MAX_DIGITS = 17
"""Country code and national number together never have more (E.164 allows 15, some plans go beyond)."""

CONFIDENCE = 0.8
"""The share of telling numbers in a column that must agree before it decides the ambiguous ones."""

LONGEST_PLAIN = 40
"""Characters of digits and separators; what is longer is no plain number."""

MIN_VOTES = 3
"""Fewer telling numbers than this decide nothing."""


class Habit(StrEnum):
    """How a column writes numbers without a plus: the tie-breaker for those that can be read both ways."""

    WITH_CODE = "with_code"  # 4915112345678 starts with the country code
    NATIONAL = "national"  # 1511234567 is national, its trunk zero left out
    UNDECIDED = "undecided"


class Reading(NamedTuple):
    """A number as Meta wants it: country code and national number, digits only."""

    digits: str
    by_column: bool = False  # ambiguous in itself; the column's habit decided


class Written(NamedTuple):
    """The digits of a cell, and whether a plus stood before them."""

    digits: str
    plus: bool


_PLAIN = re.compile(r"\s*\(?\+?[\d ().\-]+\s*", re.ASCII)
_FLOAT = re.compile(r"(\+?\d{6,})[.,]0{1,2}")
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_HEX = re.compile(r"(?=.*[a-fA-F])[0-9a-fA-F]{32,}|[0-9]{64}")
_EXTENSION = re.compile(
    r"""(?: ;ext= | [\s,;\-]* (?: \be?xt(?:ensi[oó]n?)?n? | poste | durchwahl | dw | ramal | anexo | int(?:erno)? | toestel
        | wewn | доб(?:авочный)? | 内線 | [x~\#] ) [.:=\s]* | ,, | [ \-]+(?=\d{1,6}\#) ) \d{1,7} \#? \W* $""",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL = re.compile(
    r"\(?\b(?:tel(?:efono?|ephone)?|phone|mobile?|mob|cell(?:ulare?|phone)?|handy|home|work|office|priv(?:at|ate)?|main|direct|fax|wa|whatsapp)\b\.?:?\)?",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\s*(?:[/;,|\n]|\bor\b|\boder\b|\bou\b)\s*")
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_FOREIGN_PREFIXES = ("0011", "011", "010", "00")


def tidy_phone(raw: str) -> tuple[Written, ...] | Reject:
    """The digits of each number a cell holds, in order; nearly always one. Rejects what is no phone number by its form."""
    text = raw
    if not _PLAIN.fullmatch(raw) or len(raw) > LONGEST_PLAIN:
        folded = _fold(raw)
        if isinstance(folded, Reject):
            return folded
        text = folded
    if "." in text or "," in text:
        damaged = _FLOAT.fullmatch(text.strip())
        text = damaged[1] if damaged else text
    pieces = (text,) if _PLAIN.fullmatch(text) else _split(text)
    found = tuple([written for piece in pieces if (written := _digits(piece))])
    if not found:
        return Reject("phone_letters") if any(char.isalpha() for char in text) else Reject("phone_too_short")
    return found


def _fold(raw: str) -> str | Reject:
    """The cell in ASCII digits and letters, without extension and label; spreadsheet damage undone where nothing is lost."""
    text = unicodedata.normalize("NFKC", raw)
    if not text.isascii():
        text = "".join(_plain_char(char) for char in text if unicodedata.category(char) != "Cf")
    text = text.strip().removeprefix("=").strip().strip("\"'")
    if len(text) > 200:
        return Reject("looks_hashed" if _HEX.fullmatch(text) else "phone_too_long")
    if _HEX.fullmatch(text):
        return Reject("looks_hashed")
    if "@" in text:
        return Reject("phone_is_email")
    if scientific := _SCIENTIFIC.fullmatch(text):
        digits = scientific[1] + (scientific[2] or "")
        return digits if len(digits) == int(scientific[3]) + 1 else Reject("phone_scientific")
    first = re.search(r"[+0-9]", text)
    if first is None:
        return Reject("phone_letters" if text else "phone_too_short")
    text = _LABEL.sub(" ", _EXTENSION.sub("", text[first.start() :])).strip()
    letters = [char for char in text if char.isalpha()]
    if letters and not _SEVERAL.search(text):
        return text.upper().translate(_KEYPAD) if len(letters) >= 3 and text.isascii() else Reject("phone_letters")
    return text


def _plain_char(char: str) -> str:
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    return "-" if unicodedata.category(char) == "Pd" else char


def _split(text: str) -> list[str]:
    """The numbers of a cell that lists several. A slash after an area code, or before a short tail, separates nothing."""
    pieces = _SEVERAL.split(text)
    long = [piece for piece in pieces if len(_NOT_DIGIT.sub("", piece)) >= MIN_DIGITS]
    return long if long and len(_NOT_DIGIT.sub("", pieces[0])) >= MIN_DIGITS else [text]


def _digits(piece: str) -> Written | None:
    digits = _NOT_DIGIT.sub("", piece)
    return Written(digits, "+" in piece and piece.index("+") < piece.index(digits[0])) if digits else None


def normalise_phone(raw: str, region: str, habit: Habit = Habit.UNDECIDED) -> str | Reject:
    """The number's digits, country code first, no plus: `(+84) 091-2345678` -> `84912345678`. Total: never raises.

    `region`: ISO alpha-2, upper case, of the row's own country, else of the list.
    """
    reading = read_phone(raw, region, habit)
    return reading if isinstance(reading, Reject) else reading.digits


def read_phone(raw: str, region: str, habit: Habit = Habit.UNDECIDED) -> Reading | Reject:
    """As `normalise_phone`, telling also whether the column had to decide."""
    written = find_damage(raw) or tidy_phone(raw)
    if isinstance(written, Reject):
        return written
    refusal: Reject | None = None
    for one in written:
        reading = _read(one, region, habit)
        if isinstance(reading, Reading):
            return reading
        refusal = refusal or reading
    return refusal or Reject("phone_invalid")


def _read(written: Written, region: str, habit: Habit) -> Reading | Reject:
    """One number in the first reading that is valid."""
    digits = written.digits
    if len(digits) > MAX_DIGITS + 4:
        return Reject("phone_too_long")
    if written.plus and digits[0] != "0":
        found = _full(digits) or _full_without_trunk_zero(digits)
        return Reading(found) if found else _stated_in_full(digits) or _refuse(digits)
    if digits.startswith("00") and (found := _full(digits.lstrip("0"))):
        return Reading(found)
    national, coded = _national(digits, region), _coded(digits, region)
    if national and coded and national != coded:
        return _decide(national, coded, habit)
    found = national or coded or _zero_restored(digits, region) or _foreign(digits)
    if found:
        return Reading(found)
    if digits.startswith("00"):
        return _stated_in_full(digits.lstrip("0")) or _refuse(digits)
    if len(digits) >= 11 and digits.startswith(_code_of(region)):
        return _stated_in_full(digits) or _refuse(digits)
    return _refuse(digits)


def _decide(national: str, coded: str, habit: Habit) -> Reading | Reject:
    match habit:
        case Habit.NATIONAL:
            return Reading(national, by_column=True)
        case Habit.WITH_CODE:
            return Reading(coded, by_column=True)
        case Habit.UNDECIDED:
            readings = f"+{national[:5]}… ({len(national)} digits) and +{coded[:5]}… ({len(coded)} digits)"
            return Reject("phone_ambiguous", f"Write it with a plus sign and country code: it reads as {readings}.")


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _joined(number: PhoneNumber | None) -> str | None:
    """Country code and national number where the number is valid, else None."""
    if number is None or number.country_code is None:
        return None
    nsn = str(number.national_number)
    if number.italian_leading_zero:
        nsn = "0" * (number.number_of_leading_zeros or 1) + nsn
    return f"{number.country_code}{nsn}" if is_valid(number.country_code, nsn) else None


def _full(digits: str) -> str | None:
    """The reading of digits that start with a country code."""
    return (read_full(digits) or _joined(_parse("+" + digits, None))) if digits else None


def _full_without_trunk_zero(digits: str) -> str | None:
    """The same, with a zero after the country code that the plan itself does not know, as in `+34 (0)91`."""
    for length in (1, 2, 3):
        if digits[length : length + 1] == "0" and int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _full(digits[:length] + digits[length:].lstrip("0"))
    return None


def _national(digits: str, region: str) -> str | None:
    """What `phonenumbers` itself reads in the region: trunk and dial prefixes of that region removed."""
    return (
        (read_national(digits, region) or _joined(_parse(digits, region))) if region in phonenumbers.SUPPORTED_REGIONS else None
    )


@lru_cache(maxsize=512)
def _code_of(region: str) -> str:
    return str(phonenumbers.country_code_for_region(region)) if region in phonenumbers.SUPPORTED_REGIONS else "none"


def _coded(digits: str, region: str) -> str | None:
    """The reading with the region's own country code, written without plus."""
    return (_full(digits) or _full_without_trunk_zero(digits)) if digits.startswith(_code_of(region)) else None


def _zero_restored(digits: str, region: str) -> str | None:
    """The national reading with the leading zero a spreadsheet took, for plans whose numbers keep it (Italy)."""
    return None if digits.startswith("0") else _national("0" + digits, region)


def _foreign(digits: str) -> str | None:
    """The reading of a number of another country, without plus or behind another country's dial prefix."""
    for prefix in _FOREIGN_PREFIXES:
        if digits.startswith(prefix) and (found := _full(digits.removeprefix(prefix))):
            return found
    return _full(digits) if len(digits) >= 10 and digits[0] != "0" else None


def _stated_in_full(digits: str) -> Reading | Reject | None:
    """A number with its country code that no plan lists yet: taken when its length is possible and it is no filler.

    Metadata lags behind the carriers, and test ranges such as +1 555 are in no plan at all.
    """
    number = _parse("+" + digits, None) if digits else None
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    nsn = str(number.national_number)
    if len(set(nsn)) == 1 or nsn in "01234567890123456789":
        return Reject("phone_placeholder")
    return Reading(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


def _refuse(digits: str) -> Reject:
    if len(digits) < MIN_DIGITS:
        return Reject("phone_too_short")
    if len(digits) > MAX_DIGITS:
        return Reject("phone_too_long")
    return Reject("phone_placeholder") if len(set(digits)) == 1 else Reject("phone_invalid")


def habit_of(cells: Iterable[tuple[str, str]]) -> Habit:
    """The habit of a column, from cells with their regions: the side that at least 80 % of three or more telling cells take.

    A number with trunk prefix tells that bare digits are not national; so does one valid only with its country code.
    """
    votes = [vote for raw, region in cells if (vote := _vote(raw, region))]
    with_code = sum(vote is Habit.WITH_CODE for vote in votes)
    if len(votes) < MIN_VOTES:
        return Habit.UNDECIDED
    if with_code >= CONFIDENCE * len(votes):
        return Habit.WITH_CODE
    return Habit.NATIONAL if len(votes) - with_code >= CONFIDENCE * len(votes) else Habit.UNDECIDED


def _vote(raw: str, region: str) -> Habit | None:
    written = tidy_phone(raw)
    if isinstance(written, Reject) or written[0].plus or written[0].digits.startswith("00"):
        return None
    digits = written[0].digits
    national, coded = _national(digits, region), _coded(digits, region)
    if coded and national in (None, coded):
        return Habit.WITH_CODE
    if national and not coded:
        trunk = phonenumbers.ndd_prefix_for_region(region, True)
        return Habit.WITH_CODE if trunk and digits.startswith(trunk) else Habit.NATIONAL
    return None
