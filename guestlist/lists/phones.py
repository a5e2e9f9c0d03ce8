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
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from guestlist.domain.phones import phone_aliases

from .base import Reject
from .cells import find_damage, find_digest
from .numbering import (
    MAX_NATIONAL,
    code_of,
    has_national_length,
    has_trunk_prefix,
    is_mobile,
    national_part,
    read_full,
    read_national,
    read_possible,
)

MIN_DIGITS = 7
"""Shorter numbers, if no plan knows them, are called too short rather than invalid."""

MAX_DIGITS = MAX_NATIONAL
"""Country code and national number together never have more."""

CONFIDENCE = 0.8
"""How sure a column must make us before it decides an ambiguous number: the share of its telling numbers that agree."""

LONGEST_PLAIN = 40
"""Characters of digits and separators; what is longer is no plain number."""

LONGEST = 200
"""Characters of a cell that may hold a phone number at all."""

LONGEST_WORD = 8
"""Letters of a number spelt on a telephone's keys; more are a remark."""

MIN_VOTES = 3
"""Fewer telling numbers than this decide nothing."""

REPEATED = 7
"""So many times one digit at the end, and nothing else behind the country code, is a filler: `9999999999`."""


class Habit(StrEnum):
    """How a column writes numbers without a plus: the tie-breaker for those that can be read both ways."""

    WITH_CODE = "with_code"  # 4915112345678 starts with the country code
    NATIONAL = "national"  # 1511234567 is national, its trunk zero left out
    MIXED = "mixed"  # both are about; the reading that alone is a mobile number goes, the rest is open
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
_SEPARATORS = dict.fromkeys(map(ord, " ().-+\t\n\r\v\f"))
_FLOAT = re.compile(r"(\+?\d{4,})[.,]0{1,2}")
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_EXTENSION = re.compile(
    r"""(?: ;ext= | [\s,;\-]* (?: \be?xt(?:ensi[oó]n?)?n? | poste | durchwahl | dw | ramal | anexo | int(?:erno)? | toestel
        | wewn? | linka | mellék | anknytning | доб(?:авочный)? | 内線 | 分机 | 分機 | 내선 | [x~\#] ) [.:=\s]* | ,,
        | [ \-]+(?=\d{1,6}\#) ) \d{1,7} \#? \W* $""",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL = re.compile(
    r"(?<![\w\-])\(?\b(?:tel(?:efono?|ephone)?|phone|mobile?|mob|cell(?:ulare?|phone)?|handy|home|work|office|priv(?:at|ate)?"
    r"|main|direct|fax|wa|whatsapp)\b\.?:?\)?",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\s*(?:[/;,|&\n]|\b(?:or|oder|ou|and|und|et|y|e|или|и)\b|(?<=\d)(?=\s*\+\s*\(?\d))\s*", re.IGNORECASE)
_REMARK = re.compile(r"([\W\d_]*\d)[)\]]?\s*(?:\s|[(\[])\s*[^\W\d_]{2}.*")
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_DIAL_PREFIXES = ("0011", "00", "011", "010", "810")
"""How other countries than the list's dial abroad. The region's own prefix is its plan's to read."""
_RUSSIAN_PREFIX = re.compile(r"8\s*~\s*10")


def tidy_phone(raw: str) -> tuple[Written, ...] | Reject:
    """The digits a cell holds, likeliest first; nearly always one number. Rejects what is no phone number by its form."""
    if _PLAIN.fullmatch(raw) and len(raw) <= LONGEST_PLAIN:
        text = _whole(raw) if "." in raw else raw
        digits = text.translate(_SEPARATORS)
        if digits:
            return (Written(digits, "+" in text),)
    folded = find_damage(raw) or _fold(raw)
    if isinstance(folded, Reject):
        return folded
    found: list[Written] = []
    refusal: Reject | None = None
    for piece in _split(_EXTENSION.sub("", folded)):
        spelt = _spellings(piece)
        if isinstance(spelt, Reject):
            refusal = refusal or spelt
        else:
            found += spelt
    return tuple(found) or refusal or Reject("phone_too_short")


def _fold(raw: str) -> str | Reject:
    """The cell in ASCII digits from its first digit or plus on; a spreadsheet's damage undone where nothing is lost."""
    text = unicodedata.normalize("NFKC", raw)
    if not text.isascii():
        text = "".join(_plain_char(char) for char in text if unicodedata.category(char) != "Cf")
    text = text.strip().removeprefix("=").strip().strip("\"'’‘`´")
    if digest := find_digest(text):
        return digest
    if len(text) > LONGEST:
        return Reject("phone_too_long")
    if "@" in text:
        return Reject("phone_is_email")
    if scientific := _SCIENTIFIC.fullmatch(text):
        digits = scientific[1] + (scientific[2] or "")
        return digits if len(digits) == int(scientific[3]) + 1 else Reject("phone_scientific")
    first = re.search(r"[+0-9]", text)
    if first is None:
        return Reject("phone_letters" if any(char.isalpha() for char in text) else "phone_too_short")
    text = text[first.start() :]
    return _RUSSIAN_PREFIX.sub("+", text, count=1) if _RUSSIAN_PREFIX.match(text) else text


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


def _spellings(piece: str) -> list[Written] | Reject:
    """What one number's text may mean: its digits; a remark behind them left out; letters as on a telephone's keys."""
    text = _whole(_LABEL.sub(" ", _EXTENSION.sub("", piece)).strip())
    letters = sum(char.isalpha() for char in text)
    if not letters:
        written = _digits(text)
        return [written] if written else Reject("phone_too_short")
    found = []
    if remark := _REMARK.fullmatch(text):
        found.append(_digits(remark[1]))
    if 3 <= letters <= LONGEST_WORD and text.isascii():
        found.append(_digits(text.upper().translate(_KEYPAD)))
    known = [written for written in found if written and len(written.digits) >= MIN_DIGITS]
    return known or Reject("phone_letters")


def _whole(text: str) -> str:
    """The digits before a spreadsheet's `.0` or `,00`; other text as it was."""
    damaged = _FLOAT.fullmatch(text.strip())
    return damaged[1] if damaged else text


def _digits(piece: str) -> Written | None:
    digits = _NOT_DIGIT.sub("", piece)
    return Written(digits, "+" in piece and piece.index("+") < piece.index(digits[0])) if digits else None


def normalise_phone(raw: str, region: str, habit: Habit = Habit.UNDECIDED) -> str | Reject:
    """The number's digits, country code first, no plus: `(+84) 091-2345678` -> `84912345678`. Total: never raises.

    `region`: ISO alpha-2, upper case, of the row's own country, else of the list. Source: fact page 1.3, `PHONE`.
    """
    reading = read_phone(raw, region, habit)
    return reading if isinstance(reading, Reject) else reading.digits


def read_phone(raw: str, region: str, habit: Habit = Habit.UNDECIDED) -> Reading | Reject:
    """As `normalise_phone`, telling also whether the column had to decide."""
    written = tidy_phone(raw)
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
    reading = _read_digits(written.digits, region, habit, plus=written.plus)
    if isinstance(reading, Reading) and _is_filler(reading.digits):
        return Reject("phone_placeholder")
    return reading


def _read_digits(digits: str, region: str, habit: Habit, *, plus: bool) -> Reading | Reject:
    if len(digits) > MAX_DIGITS + 4:
        return Reject("phone_too_long")
    if plus and digits[0] != "0":
        found = _full(digits)
        return Reading(found) if found else _stated_in_full(digits) or _refuse(digits)
    national = read_national(digits, region)
    if digits.startswith("00") and (abroad := _dialled_abroad(digits)):
        return _decide_abroad(national, abroad, code_of(region))
    coded = _coded(digits, region)
    if national and coded and national != coded:
        return _decide(national, coded, habit)
    if found := national or coded or _zero_restored(digits, region) or _dialled_abroad(digits):
        return Reading(found)
    if foreign := _foreign(digits, region, habit):
        return foreign
    if digits.startswith("00"):
        return _stated_in_full(digits.lstrip("0")) or _refuse(digits)
    if len(digits) >= 11 and (code := code_of(region)) and digits.startswith(code):
        return _stated_in_full(digits) or _refuse(digits)
    return _refuse(digits)


def _decide(national: str, coded: str, habit: Habit) -> Reading | Reject:
    match habit:
        case Habit.NATIONAL:
            return Reading(national, by_column=True)
        case Habit.WITH_CODE:
            return Reading(coded, by_column=True)
        case Habit.MIXED if mobile := _only_mobile(national, coded):
            return Reading(mobile, by_column=True)
        case _:
            return _ambiguous(national, coded)


def _decide_abroad(local: str | None, abroad: str, code: str) -> Reading | Reject:
    """A number behind `00` that the region's own prefix and carrier codes read otherwise: the customer at home is likelier."""
    if local is None or local == abroad or (abroad.startswith(code) and not local.startswith(code)):
        return Reading(abroad)
    return Reading(local) if local.startswith(code) and not abroad.startswith(code) else _ambiguous(local, abroad)


def _ambiguous(one: str, other: str) -> Reject:
    readings = f"+{one[:5]}… ({len(one)} digits) and +{other[:5]}… ({len(other)} digits)"
    return Reject("phone_ambiguous", f"Write it with a plus sign and country code: it reads as {readings}.")


def _only_mobile(national: str, coded: str) -> str | None:
    """The one reading that is a mobile number, where the other, as a rule far too long or too short, is none."""
    if is_mobile(coded) == is_mobile(national):
        return None
    return coded if is_mobile(coded) else national


def _is_filler(digits: str) -> bool:
    return digits[-1] == digits[-2] and digits.endswith(digits[-1] * REPEATED) and len(set(national_part(digits))) == 1


def _full(digits: str) -> str | None:
    """The reading of digits that start with a country code; a zero behind it that the plan does not know may go."""
    if not digits:
        return None
    if found := read_full(digits):
        return found
    for length in (1, 2, 3):
        if digits[length : length + 1] == "0" and int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return read_full(digits[:length] + digits[length + 1 :])
    return None


def _coded(digits: str, region: str) -> str | None:
    """The reading with the region's own country code, written without plus."""
    code = code_of(region)
    return _full(digits) if code and digits.startswith(code) else None


def _zero_restored(digits: str, region: str) -> str | None:
    """The national reading with the leading zero a spreadsheet took, for plans whose numbers keep it (Italy)."""
    return None if digits.startswith("0") else read_national("0" + digits, region)


def _dialled_abroad(digits: str) -> str | None:
    """The reading of a number behind another country's dial prefix. `0011` before `00`: no number begins with `+1 1`."""
    for prefix in _DIAL_PREFIXES:
        if digits.startswith(prefix):
            rest = digits.removeprefix(prefix)
            if found := _full(rest.lstrip("0") if prefix == "00" else rest):
                return found
    return None


def _foreign(digits: str, region: str, habit: Habit) -> Reading | None:
    """The reading of a number of another country, without plus. One of ten digits is rather a mistyped national number where
    those have ten, unless the column writes country codes."""
    if len(digits) < 10 or digits.startswith("0"):
        return None
    doubted = len(digits) == 10 and has_national_length(digits, region)
    found = None if doubted and habit is not Habit.WITH_CODE else _full(digits)
    return Reading(found, by_column=doubted) if found else None


def _stated_in_full(digits: str) -> Reading | Reject | None:
    """A number with its country code that no plan lists yet: taken when its length is possible and it is no filler.

    Metadata lags behind the carriers, and test ranges such as +1 555 are in no plan at all.
    """
    number = read_possible(digits)
    if number is None:
        return None
    code, nsn = number
    if len(set(nsn)) == 1 or nsn in "01234567890123456789":
        return Reject("phone_placeholder")
    return Reading(code + nsn)


def _refuse(digits: str) -> Reject:
    if len(digits) < MIN_DIGITS:
        return Reject("phone_too_short")
    if len(digits) > MAX_DIGITS:
        return Reject("phone_too_long")
    if len(set(digits)) == 1:
        return Reject("phone_placeholder")
    today = next((alias for alias in phone_aliases(digits.lstrip("0"))[1:] if read_full(alias)), None)
    if today:
        return Reject("phone_invalid", f"This is an older form of the number: write it as +{today[:4]}… ({len(today)} digits).")
    return Reject("phone_invalid")


class _Vote(StrEnum):
    """What one number tells of its column."""

    WITH_CODE = "with_code"  # bare digits, valid with the country code only
    TRUNK = "trunk"  # a trunk prefix: national numbers have it here, so bare digits are none, as a rule
    NATIONAL = "national"  # bare digits, valid as a national number only, or a mobile number only so
    MOBILE = "mobile"  # bare digits, valid both ways, and a mobile number only with the country code
    EITHER = "either"  # bare digits, valid both ways


def habit_of(cells: Iterable[tuple[str, str]]) -> Habit:
    """The habit of a column, from cells with their regions.

    Three or more telling numbers decide: the side that at least 80 % of them take; national is also what 80 % of the bare ones
    are. Of national numbers, one in `10 ** len(code)` reads both ways by chance. Where chance explains at most 20 % of those
    that do, both forms are about (`MIXED`), and clear mobile numbers have the code; where less than 80 %, the column is not
    national.
    """
    counts = dict.fromkeys(_Vote, 0)
    by_chance = 0.0
    for raw, region in cells:
        vote = _vote(raw, region)
        if vote is None:
            continue
        counts[vote] += 1
        if vote is _Vote.NATIONAL:
            by_chance += 0.1 ** len(code_of(region))
    total, trunk, national = sum(counts.values()), counts[_Vote.TRUNK], counts[_Vote.NATIONAL]
    if total < MIN_VOTES:
        return Habit.UNDECIDED
    if total - national >= CONFIDENCE * total:
        return Habit.WITH_CODE
    either = counts[_Vote.MOBILE] + counts[_Vote.EITHER]
    if counts[_Vote.MOBILE] >= MIN_VOTES and by_chance <= (1 - CONFIDENCE) * either:
        return Habit.MIXED
    explained = either < MIN_VOTES or by_chance >= CONFIDENCE * either
    if explained and total - trunk >= MIN_VOTES and national >= CONFIDENCE * (total - trunk):
        return Habit.NATIONAL
    return Habit.UNDECIDED


def _vote(raw: str, region: str) -> _Vote | None:
    written = tidy_phone(raw)
    if isinstance(written, Reject) or written[0].plus or written[0].digits.startswith("00"):
        return None
    digits = written[0].digits
    national, coded = read_national(digits, region), _coded(digits, region)
    if coded and national in (None, coded):
        return _Vote.WITH_CODE
    if national and coded:
        mobile = _only_mobile(national, coded)
        return _Vote.EITHER if mobile is None else _Vote.MOBILE if mobile == coded else _Vote.NATIONAL
    if national:
        return _Vote.TRUNK if has_trunk_prefix(digits, region) else _Vote.NATIONAL
    return None
