"""Country names, codes and regions: whatever a list calls a country -> ISO 3166-1 alpha-2.

Names come from pycountry, in English and in the languages of its translations; only what people write and no standard
knows stands here.
"""

from __future__ import annotations

import gettext
import re
import unicodedata
from functools import lru_cache

import phonenumbers
import pycountry

from guestlist.errors import ListError

LANGUAGES = ("de", "fr", "es", "pt", "it", "nl", "pl", "sv", "da", "nb", "fi", "tr", "ru", "ja", "zh_CN", "vi", "id", "cs", "el")

_NICKNAMES = {
    "GB": "uk, great britain, britain, england, scotland, wales, "
    "northern ireland, grossbritannien, royaume uni, reino unido, inglaterra, angleterre, vereinigtes konigreich",
    "US": "usa, us of a, america, estados unidos, eeuu, ee uu, etats unis, stati uniti, vereinigte staaten von amerika",
    "NL": "holland, the netherlands, niederlande",
    "AE": "uae, emirates",
    "VN": "vietnam, viet nam",
    "KR": "south korea, korea",
    "KP": "north korea",
    "RU": "russia",
    "CZ": "czech republic",
    "CI": "ivory coast",
    "CV": "cape verde",
    "SZ": "swaziland",
    "MM": "burma",
    "MK": "macedonia",
    "TR": "turkey",
    "IE": "republic of ireland, eire",
    "BR": "brasil",
    "DE": "deutschland",
    "AT": "osterreich",
    "CH": "schweiz, suisse, svizzera",
    "ES": "espana",
    "IT": "italia",
    "PL": "polska",
    "SE": "sverige",
    "NO": "norge",
    "DK": "danmark",
    "FI": "suomi",
    "BE": "belgique, belgie",
    "HK": "hong kong sar",
    "MO": "macau",
    "TW": "taiwan",
    "PS": "palestine",
    "XK": "kosovo, xk",
}
COLLOQUIAL = {name: code for code, names in _NICKNAMES.items() for name in names.split(", ")}
"""What people write, folded as `_fold` does."""


def _fold(name: str) -> str:
    """The name without case, accents and punctuation, words apart by one space."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(
        " " if char in "-–_/,'’&()" else char for char in decomposed if not unicodedata.combining(char) and char != "."
    )
    return re.sub(r"\s+", " ", bare).strip()


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every folded name and code -> alpha-2. Built on first use: reading the translations takes some milliseconds."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        translate = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True).gettext
        for country in pycountry.countries:
            names.setdefault(_fold(translate(country.name)), country.alpha_2)
    for country in pycountry.countries:
        for field in ("name", "official_name", "common_name", "alpha_3", "alpha_2"):
            written = getattr(country, field, None)
            if written:
                names[_fold(written)] = country.alpha_2
    return names | COLLOQUIAL


def find_country(written: str) -> str | None:
    """The alpha-2 code (upper case) of a country written as code, name or nickname; None when unknown."""
    return _names().get(_fold(written))


def check_region(region: str) -> str:
    """The region as phone numbers need it, upper case. Errors: ListError `unknown_region`, with a hint where one is known."""
    candidate = region.strip().upper()
    if candidate in phonenumbers.SUPPORTED_REGIONS:
        return candidate
    meant = find_country(region) if region.isprintable() else None
    if meant in phonenumbers.SUPPORTED_REGIONS:
        hint = f"Use {meant}."
    else:
        hint = "Use a two-letter ISO 3166-1 code such as GB, US or DE."
    shown = region if region.isprintable() and len(region) <= 40 else "that"
    raise ListError(f"{shown!r} is not a region.", code="unknown_region", remedy=hint, region=shown)
