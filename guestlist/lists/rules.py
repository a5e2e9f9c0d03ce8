"""The reference: how each Custom Audience key is normalised and hashed. Everything faster must equal these, bit for bit.

Each rule is a pure, total function `str -> str | Reject`; those that depend on the country take the row's region (ISO
alpha-2, upper case) as well, birth years the current year. A rule never gives an empty string. Phones, countries and the
checks common to all cells have modules of their own, and no rule reads, batches or counts.

Source: fact page 1.3. Where the official SDK differs from Meta's guide, the guide wins.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable
from functools import lru_cache

import pycountry

from .base import Key, Reject
from .cells import BLANK, HEX_DIGEST, find_damage, find_digest, find_fault, trim
from .countries import find_country
from .phones import Habit, normalise_phone, read_phone

__all__ = ["KEEP_INNER_SPACES", "RULES", "Habit", "Rule", "hash_value", "normalise", "normalise_phone", "read_phone"]

KEEP_INNER_SPACES = True
"""Names keep one space between their words (`mary ann`). Meta's text on FN and LN says nothing of inner spaces."""

MAX_EMAIL = 254
MAX_EMAIL_LOCAL = 64
FIRST_BIRTH_YEAR = 1900

_EMAIL_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\]\\.]+(?:\.[^\s@\"(),:;<>\[\]\\.]+)*")
_EMAIL_LABEL = re.compile(r"[^\W_](?:[\w\-]*[^\W_])?")
_EMAIL_PLAIN = re.compile(r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)+[a-z]{2,}")
_EMAIL_WRAPPED = re.compile(r".*<([^<>]+@[^<>]+)>")
_UK_POSTCODE = re.compile(r"([a-z]{1,2}\d[a-z\d]?\d)(?:[a-z]{2})?")
_FLOAT_TAIL = re.compile(r"(\d+)[.,]0+")

_GENDERS = {
    "m": (
        "m male man men mann männlich maennlich masculin homme hombre h masculino maschio uomo mannelijk mężczyzna mr herr erkek "
        "мужской м муж 男 男性 nam laki-laki pria"
    ),
    "f": (
        "f female woman women w frau weiblich femme féminin feminin mujer femenino feminino femmina donna vrouw vrouwelijk "
        "kobieta k kvinna mrs ms miss kadın женский ж жен 女 女性 nữ perempuan wanita"
    ),
}
_GENDER = {word: letter for letter, words in _GENDERS.items() for word in words.split()}


def hash_value(normalised: str) -> str:
    """Lowercase hex SHA-256 of the UTF-8 bytes; "" stays "", which means missing and is never hashed."""
    return hashlib.sha256(normalised.encode()).hexdigest() if normalised else ""


def normalise_email(raw: str) -> str | Reject:
    """Trimmed and lowercased; `mailto:`, `Name <…>` and a trailing dot, comma or semicolon come off; the first of several.

    Source: fact page 1.3, `EMAIL`.
    """
    plain = raw.strip().lower()
    if _EMAIL_PLAIN.fullmatch(plain) and len(plain) <= MAX_EMAIL_LOCAL:  # nearly all; the rest takes the long way
        return plain
    if damage := find_damage(raw):
        return damage
    text = _half_width(trim(raw))
    if wrapped := _EMAIL_WRAPPED.fullmatch(text):
        text = wrapped[1]
    text = unicodedata.normalize("NFC", text.lower()).removeprefix("mailto:").strip(" \t\r\n\u00a0'\"<>,;").rstrip(".")
    if "@" not in text:
        return find_digest(trim(raw)) or Reject("email_no_at")
    if text.count("@") > 1:
        first = re.split(r"[\s,;|/]+", text)[0]
        return _checked_email(first) if first.count("@") == 1 else Reject("email_invalid")
    return _checked_email(text)


def _checked_email(text: str) -> str | Reject:
    local, _, domain = text.partition("@")
    if len(text) > MAX_EMAIL or len(local) > MAX_EMAIL_LOCAL:
        return Reject("email_too_long")
    labels = domain.split(".")
    sound = len(labels) >= 2 and all(len(label) <= 63 and _EMAIL_LABEL.fullmatch(label) for label in labels)
    if not sound or not _EMAIL_LOCAL.fullmatch(local) or len(labels[-1]) < 2 or labels[-1].isdigit():
        return Reject("email_invalid")
    return text if text.isprintable() else Reject("email_invalid")


def _half_width(text: str) -> str:
    """Full-width letters, digits and signs (`ａ＠ｂ`) as plain ones; all else as it was."""
    return text if text.isascii() else "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in text)


def normalise_gender(raw: str) -> str | Reject:
    """`m` or `f`, from the words and letters of the usual exports.

    Source: fact page 1.3, `GEN`.
    """
    if damage := find_fault(raw):
        return damage
    return _GENDER.get(trim(raw).lower().rstrip(".")) or Reject("gender_unknown")


def normalise_birth_year(raw: str, this_year: int) -> str | Reject:
    """Four digits, 1900 to `this_year`.

    Source: fact page 1.3, `DOBY`.
    """
    year = _number(raw)
    if isinstance(year, Reject):
        return year
    return str(year) if year is not None and FIRST_BIRTH_YEAR <= year <= this_year else Reject("birth_year_invalid")


def normalise_birth_month(raw: str) -> str | Reject:
    """Two digits, 01 to 12.

    Source: fact page 1.3, `DOBM`.
    """
    month = _number(raw)
    if isinstance(month, Reject):
        return month
    return f"{month:02d}" if month is not None and 1 <= month <= 12 else Reject("birth_month_invalid")


def normalise_birth_day(raw: str) -> str | Reject:
    """Two digits, 01 to 31.

    Source: fact page 1.3, `DOBD`.
    """
    day = _number(raw)
    if isinstance(day, Reject):
        return day
    return f"{day:02d}" if day is not None and 1 <= day <= 31 else Reject("birth_day_invalid")


def _number(raw: str) -> int | Reject | None:
    """A small whole number, in any script's digits, a spreadsheet's `.0` taken off."""
    if damage := find_fault(raw):
        return damage
    text = trim(raw)
    if whole := _FLOAT_TAIL.fullmatch(text):
        text = whole[1]
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def normalise_name(raw: str) -> str | Reject:
    """Lowercase, NFC, punctuation removed, letters of every script kept, one space between words (`KEEP_INNER_SPACES`).

    Source: fact page 1.3, `FN`, `LN`.
    """
    if damage := find_fault(raw):
        return damage
    text = _letters(trim(raw), digits=True)
    joined = (" " if KEEP_INNER_SPACES else "").join(text.split())
    return _with_letters(joined)


def normalise_initial(raw: str) -> str | Reject:
    """The first letter of a name, lowercase.

    Source: fact page 1.3, `FI`.
    """
    name = normalise_name(raw)
    if isinstance(name, Reject):
        return name
    first = next(index for index, char in enumerate(name) if char.isalpha())
    return _with_letters(unicodedata.normalize("NFC", name[first]))


def normalise_city(raw: str) -> str | Reject:
    """Lowercase letters only: no punctuation, spaces or digits; letters of every script kept.

    Source: fact page 1.3, `CT`.
    """
    if damage := find_fault(raw):
        return damage
    return _with_letters("".join(_letters(trim(raw), digits=False).split()))


def normalise_state(raw: str, region: str) -> str | Reject:
    """In the US the two-letter code, from code or name; elsewhere as a city.

    Source: fact page 1.3, `ST`.
    """
    if region != "US":
        return normalise_city(raw)
    if damage := find_fault(raw):
        return damage
    return _us_states().get("".join(_letters(trim(raw), digits=False).split())) or Reject("state_unknown")


@lru_cache(maxsize=1)
def _us_states() -> dict[str, str]:
    states = {
        "aa": "aa",
        "ae": "ae",
        "ap": "ap",
        "washingtondc": "dc",
        "calif": "ca",
        "mass": "ma",
        "penn": "pa",
        "tex": "tx",
        "fla": "fl",
    }
    for state in pycountry.subdivisions:
        if state.country_code != "US":
            continue
        code = state.code.removeprefix("US-").lower()
        states[code] = states["".join(_letters(state.name, digits=False).split())] = code
    return states


def normalise_zip(raw: str, region: str) -> str | Reject:
    """Lowercase, no white space. US: the first five digits, zeros a spreadsheet took restored. UK: area, district and sector.

    Source: fact page 1.3, `ZIP`.
    """
    if damage := find_fault(raw):
        return damage
    text = "".join(unicodedata.normalize("NFKC", trim(raw)).lower().split())
    if whole := _FLOAT_TAIL.fullmatch(text):
        text = whole[1]
    if region == "US":
        digits = (
            text[:5]
            if re.fullmatch(r"[0-9]{5}(?:-?[0-9]{4})?", text)
            else text.zfill(5)
            if re.fullmatch(r"[0-9]{3,4}", text)
            else ""
        )
        return digits if digits.strip("0") else Reject("zip_invalid")
    if region == "GB":
        postcode = _UK_POSTCODE.fullmatch(text)
        return postcode[1] if postcode else Reject("zip_invalid")
    sound = len(text) <= 12 and any(char.isdigit() for char in text) and all(char.isalnum() or char == "-" for char in text)
    return text if sound else Reject("zip_invalid")


def normalise_country(raw: str) -> str | Reject:
    """ISO 3166-1 alpha-2, lowercase, from alpha-2, alpha-3, a name in many languages, or a nickname such as UK.

    Source: fact page 1.3, `COUNTRY`.
    """
    if damage := find_fault(raw):
        return damage
    found = find_country(trim(raw))
    return found.lower() if found else Reject("country_unknown")


def normalise_madid(raw: str) -> str | Reject:
    """A mobile advertiser id, lowercase, hyphens kept. Not hashed, and never in a Messenger upload.

    Source: fact page 1.3, `MADID`.
    """
    if damage := find_damage(raw):
        return damage
    text = trim(raw).lower()
    if not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) or uuid.UUID(text).int == 0:
        return Reject("madid_invalid")
    return text


def normalise_extern_id(raw: str) -> str | Reject:
    """The caller's own id, trimmed. Not hashed, and never in a Messenger upload.

    Source: fact page 1.3, `EXTERN_ID`.
    """
    return find_damage(raw) or trim(raw) or BLANK


def normalise_digest(raw: str) -> str | Reject:
    """A cell of a column that holds SHA-256 already: 64 hexadecimal digits, lowercase. Never hashed twice.

    Source: fact page 1.2, "all hashed values are lowercase hex SHA-256".
    """
    if damage := find_damage(raw):
        return damage
    text = trim(raw)
    if HEX_DIGEST.fullmatch(text) and text.lower() != _EMPTY_DIGEST:
        return text.lower()
    other = find_digest(text)
    return Reject("not_a_hash", other.remedy if other else "")


_EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


def _letters(text: str, *, digits: bool) -> str:
    """Lowercase letters with their marks, white space as it was, digits if wanted; punctuation and symbols are gone."""
    if text.isascii():
        return "".join(char for char in text.lower() if char.isalpha() or char.isspace() or (digits and char.isdigit()))
    lowered = unicodedata.normalize("NFC", text).lower()
    kept = [
        char for char in lowered if char.isspace() or (kind := unicodedata.category(char))[0] in "LM" or (digits and kind == "Nd")
    ]
    return unicodedata.normalize("NFC", "".join(kept))


def _with_letters(text: str) -> str | Reject:
    return text if any(char.isalpha() for char in text) else Reject("no_letters")


Rule = Callable[[str, str, int], str | Reject]
"""A rule in its general form: cell, region of the row, current year."""

RULES: dict[Key, Rule] = {
    Key.EMAIL: lambda raw, region, year: normalise_email(raw),
    Key.PHONE: lambda raw, region, year: normalise_phone(raw, region),
    Key.GEN: lambda raw, region, year: normalise_gender(raw),
    Key.DOBY: lambda raw, region, year: normalise_birth_year(raw, year),
    Key.DOBM: lambda raw, region, year: normalise_birth_month(raw),
    Key.DOBD: lambda raw, region, year: normalise_birth_day(raw),
    Key.FN: lambda raw, region, year: normalise_name(raw),
    Key.LN: lambda raw, region, year: normalise_name(raw),
    Key.FI: lambda raw, region, year: normalise_initial(raw),
    Key.CT: lambda raw, region, year: normalise_city(raw),
    Key.ST: lambda raw, region, year: normalise_state(raw, region),
    Key.ZIP: lambda raw, region, year: normalise_zip(raw, region),
    Key.COUNTRY: lambda raw, region, year: normalise_country(raw),
    Key.MADID: lambda raw, region, year: normalise_madid(raw),
    Key.EXTERN_ID: lambda raw, region, year: normalise_extern_id(raw),
}
"""The rule of every key."""


def normalise(key: Key, raw: str, *, region: str, this_year: int) -> str | Reject:
    """A cell as Meta wants it before hashing, or why it cannot be. Total: never raises, never gives ""."""
    return RULES[key](raw, region, this_year)
