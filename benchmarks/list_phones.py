"""Right phones on an own labelled list, beside the official SDK, and agreement with `phonenumbers` where it alone decides.

A row is *decidable* when its cell has one valid reading, or when its column tells which of two is meant: a column whose bare
digits all have the country code, or none of them. In mixed columns a cell that is valid both ways is not decidable, nor is one
that may have lost a zero its plan keeps (Italy). Such cells are counted apart, with what became of them. Whether a cell reads
two ways is judged by `phonenumbers`, not by our code.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import phonenumbers
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.adobjects.serverside.normalize import Normalize
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from guestlist.lists.base import Reject
from guestlist.lists.numbering import read_full, read_national
from guestlist.lists.phones import habit_of, normalise_phone, read_phone

LABELLED = 100_000
COMPARED = 500_000
SAMPLED = 1_000
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "BR", "IN", "AU", "NL", "PL", "VN", "MX", "SE", "JP")
PERSONAL = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
DIAL_PREFIXES = ("011 ", "0011 ", "010 ", "8~10 ", "00")
SCRIPTS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９")

Spelling = Callable[[PhoneNumber, random.Random], str]


def _national(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def _international(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _two_numbers(number: PhoneNumber, rng: random.Random) -> str:
    return f"{_international(number)}{rng.choice((' / ', '; ', ' or ', ', '))}{_international(number)[:-1]}{rng.randint(0, 9)}"


def _scientific(number: PhoneNumber, rng: random.Random) -> str:
    digits = _e164(number)
    return f"{digits[0]}{rng.choice('.,')}{digits[1:]}E+{len(digits) - 1}"


CLEAR: dict[str, Spelling] = {
    "plus, grouped": lambda number, rng: _international(number),
    "plus, digits": lambda number, rng: f"+{_e164(number)}",
    "national": lambda number, rng: _national(number),
    "national digits": lambda number, rng: _digits(_national(number)),
    "00 and code": lambda number, rng: f"00{_e164(number)}",
    "code and trunk zero": lambda number, rng: f"(+{number.country_code}) {_digits(_national(number))}",
    "extension": lambda number, rng: f"{_national(number)}{rng.choice((' ext. ', ' x', ';ext='))}{rng.randint(1, 999)}",
    "other dial prefix": lambda number, rng: f"{rng.choice(DIAL_PREFIXES)}{_e164(number)}",
    "other digits": lambda number, rng: f"+{_e164(number)}".translate(str.maketrans("0123456789", rng.choice(SCRIPTS))),
    "direction marks": lambda number, rng: f"\u200e\u202a{_international(number)}\u202c",
    "spreadsheet text": lambda number, rng: rng.choice(('="{}"', "'{}")).format(_digits(_national(number))),
    "label and remark": lambda number, rng: f"{rng.choice(('Tel.: ', 'mobile ', ''))}{_international(number)} (Ann, evenings)",
    "two numbers": _two_numbers,
}
"""Spellings that say for themselves how they are meant, in whatever column."""

WITH_CODE: dict[str, Spelling] = {
    "code without plus": lambda number, rng: _e164(number),
    "code, spreadsheet .0": lambda number, rng: f"{_e164(number)}.0",
    "code, E+11": _scientific,
}
"""Bare digits that begin with the country code."""

BARE_NATIONAL: dict[str, Spelling] = {
    "leading zero lost": lambda number, rng: _digits(_national(number)).lstrip("0"),
    "zero lost, .0": lambda number, rng: f"{_digits(_national(number)).lstrip('0')}.0",
}
"""Bare digits of a national number, the zero before it taken by a spreadsheet."""

COLUMNS: dict[str, dict[str, Spelling]] = {
    "bare digits have the code": CLEAR | WITH_CODE,
    "bare digits are national": CLEAR | BARE_NATIONAL,
    "bare digits of both kinds": CLEAR | WITH_CODE | BARE_NATIONAL,
}
AS_AT_HOME = frozenset({"national", "national digits", "extension", "spreadsheet text"})
"""Clear spellings without country code: with a trunk prefix, or in a country that has none."""

SPELLINGS = CLEAR | WITH_CODE | BARE_NATIONAL


class Labelled(NamedTuple):
    """One row: how it is spelt, the cell, the digits it means, whether its column tells."""

    spelling: str
    raw: str
    label: str
    decidable: bool


@dataclass
class Score:
    """Rows by spelling for each way to normalise, and what became of the rows that cannot be decided."""

    total: Counter[str] = field(default_factory=Counter)
    right: dict[str, Counter[str]] = field(default_factory=dict)
    sent_wrong: Counter[str] = field(default_factory=Counter)
    undecidable: Counter[str] = field(default_factory=Counter)

    def share(self, way: str) -> float:
        """The share of decidable rows that one way gets right."""
        return self.right[way].total() / self.total.total()


@cache
def judge(text: str, region: str | None) -> str | None:
    """What `phonenumbers` alone says: the digits of a valid number, or None."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return _e164(number) if phonenumbers.is_valid_number(number) else None


def make_number(region: str, rng: random.Random) -> PhoneNumber:
    """A valid number of a region near its example one."""
    kind = rng.choice((PhoneNumberType.MOBILE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    digits = phonenumbers.national_significant_number(example)
    while True:
        tail = "".join(rng.choices("0123456789", k=6))
        number = phonenumbers.parse(f"+{example.country_code}{digits[:-6]}{tail}")
        if phonenumbers.is_valid_number(number):
            return number


def _changed(digits: str, rng: random.Random, places: int) -> str:
    changed = list(digits)
    for place in rng.sample(range(len(digits)), min(places, len(digits))):
        changed[place] = rng.choice("0123456789")
    return "".join(changed)


def walk(region: str, kind: int, rng: random.Random) -> Iterator[PhoneNumber]:
    """Valid landline and mobile numbers of a region, each some digits from the one before, all over its plan."""
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    nsn = phonenumbers.national_significant_number(example)
    while True:
        tried = _changed(nsn, rng, 4)
        number = phonenumbers.parse(f"+{example.country_code}{tried}")
        if phonenumbers.is_valid_number_for_region(number, region) and phonenumbers.number_type(number) in PERSONAL:
            nsn = phonenumbers.national_significant_number(number)
            yield number


def _core(name: str, number: PhoneNumber) -> str:
    """The digits that a spelling leaves to be read without plus and dial prefix, "" where it has one of these."""
    if name in WITH_CODE:
        return _e164(number)
    if name in BARE_NATIONAL:
        return _digits(_national(number)).lstrip("0")
    return _digits(_national(number)) if name in AS_AT_HOME else ""


def _is_bare_national(core: str, number: PhoneNumber, region: str) -> bool:
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    return core not in ("", _e164(number)) and not (trunk and core.startswith(trunk))


def _reads_two_ways(core: str, region: str) -> bool:
    """Whether digits are valid in more than one way: national, with the region's country code, with a lost zero."""
    code = str(phonenumbers.country_code_for_region(region))
    restored = None if core.startswith("0") else judge(f"0{core}", region)
    readings = {judge(core, region), restored, judge(f"+{core}", None) if core.startswith(code) else None}
    return len(readings - {None}) > 1


def make_column(region: str, kind: str, rows: int, rng: random.Random) -> list[Labelled]:
    """One list of a country: mobiles and landlines in every spelling that the kind of column holds."""
    mobiles, landlines = (walk(region, one, rng) for one in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
    names = list(COLUMNS[kind])
    drawn = [(next(mobiles if rng.random() < 0.7 else landlines), rng.choice(names)) for _ in range(rows)]
    bare = any(_is_bare_national(_core(name, number), number, region) for number, name in drawn)
    mixed = bare and any(name in WITH_CODE for _, name in drawn)
    return [
        Labelled(name, SPELLINGS[name](number, rng), _e164(number), decidable=_tells(_core(name, number), region, mixed=mixed))
        for number, name in drawn
    ]


def _tells(core: str, region: str, *, mixed: bool) -> bool:
    """Whether a cell, or else its column, says how it is meant. No column tells a lost zero from none."""
    if not core or not _reads_two_ways(core, region):
        return True
    keeps_zero = judge(f"0{core}", region) == f"{phonenumbers.country_code_for_region(region)}0{core}"
    return not mixed and not keeps_zero


def _sdk_audience(cells: list[str]) -> list[str]:
    """The digests that the SDK's `CustomAudience.format_params` would send."""
    params = CustomAudience.format_params([CustomAudience.Schema.MultiKeySchema.phone], [[cell] for cell in cells], is_raw=True)
    return [row[0] for row in params["payload"]["data"]]


def _sdk_server_side(cell: str) -> str:
    """What the SDK's server-side `Normalize` makes of a cell, "" where it raises."""
    try:
        return str(Normalize.normalize_field_skip_hashing("ph", cell))
    except (TypeError, ValueError):
        return ""


def right_share(rows: int = LABELLED, seed: int = 2) -> Score:
    """Right phones over 15 countries and three kinds of column in 18 spellings, each list read in its own region."""
    rng, score = random.Random(seed), Score()
    ways = ("ours", "phonenumbers", "SDK audience", "SDK server-side")
    score.right = {way: Counter() for way in ways}
    for region in COUNTRIES:
        for kind in COLUMNS:
            column = make_column(region, kind, rows // (len(COUNTRIES) * len(COLUMNS)) + 1, rng)
            habit = habit_of((one.raw, region) for one in column[:SAMPLED])
            decidable = [one for one in column if one.decidable]
            for one in column:
                _count(one, normalise_phone(one.raw, region, habit), score)
            for one, digest in zip(decidable, _sdk_audience([one.raw for one in decidable]), strict=True):
                score.right["SDK audience"][one.spelling] += digest == hashlib.sha256(one.label.encode()).hexdigest()
                score.right["SDK server-side"][one.spelling] += _sdk_server_side(one.raw) == one.label
                score.right["phonenumbers"][one.spelling] += judge(one.raw, region) == one.label
            judge.cache_clear()
    return score


def _count(one: Labelled, ours: str | Reject, score: Score) -> None:
    if not one.decidable:
        outcome = "rejected with both readings" if isinstance(ours, Reject) else "sent, wrong"
        score.undecidable["sent, right" if ours == one.label else outcome] += 1
        return
    score.total[one.spelling] += 1
    score.right["ours"][one.spelling] += ours == one.label
    if not isinstance(ours, Reject) and ours != one.label:
        score.sent_wrong[one.spelling] += 1


@dataclass
class Agreement:
    """Numbers compared with `phonenumbers`; those that an extra step of ours reads otherwise, by step; disagreements."""

    compared: int = 0
    exempt: Counter[str] = field(default_factory=Counter)
    disagreements: list[tuple[str, str, str | None, object]] = field(default_factory=list)


def agreement(count: int = COMPARED, seed: int = 3) -> Agreement:
    """Valid and nearly valid numbers of every region and type, as typed abroad and at home, against parse and validity check.

    `read_full` and `read_national` must agree always, `normalise_phone` wherever no extra step applies. Exempt numbers are not
    counted as compared.
    """
    rng, result = random.Random(seed), Agreement()
    examples = list(_examples())
    share = -(-count // len(examples))
    while result.compared < count:
        for region, code, nsn in examples:
            for near in _near(nsn, rng, share // 2):
                _compare(f"+{code}{near}", region, result)
                if region is not None:
                    before = rng.choice(("", phonenumbers.ndd_prefix_for_region(region, True) or "", str(code)))
                    _compare(f"{before}{near}", region, result)
            judge.cache_clear()
        share = 2
    return result


def _examples() -> Iterator[tuple[str | None, int, str]]:
    """An example number of every region and type: region, country code, national number. Region None: a code of no country."""
    kinds = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            if example := phonenumbers.example_number_for_type(region, kind):
                yield region, example.country_code or 0, phonenumbers.national_significant_number(example)
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        if example := phonenumbers.example_number_for_non_geo_entity(code):
            yield None, code, phonenumbers.national_significant_number(example)


def _near(nsn: str, rng: random.Random, count: int) -> Iterator[str]:
    """Numbers around one: some digits changed at any place, one in ten also longer or shorter by a digit."""
    for _ in range(count):
        near = _changed(nsn, rng, rng.randrange(0, 6))
        yield {0: near + rng.choice("0123456789"), 1: near[:-1]}.get(rng.randrange(20), near)


def _compare(text: str, region: str | None, result: Agreement) -> None:
    expected = judge(text, region)
    exact = read_full(text[1:]) if text.startswith("+") else read_national(text, str(region))
    ours = read_phone(text, region or "GB")
    digits = None if isinstance(ours, Reject) else ours.digits
    if exact != expected:
        result.disagreements.append((text, region or "", expected, exact))
    elif digits == expected:
        result.compared += 1
    elif step := _extra_step(text, region or "GB", expected, ours):
        result.exempt[step] += 1
    else:
        result.disagreements.append((text, region or "", expected, ours))


def _extra_step(text: str, region: str, expected: str | None, ours: object) -> str:
    """The extra step that explains another answer than the library's, proved by the library itself; "" where none does."""
    digits = text.removeprefix("+")
    full, trimmed = judge(f"+{digits.lstrip('0')}", None), _without_zero_after_code(digits.lstrip("0"))
    if expected is not None:
        if isinstance(ours, Reject) and ours.code == "phone_ambiguous" and {full, trimmed} - {None, expected}:
            return "reads two ways"
        repeated = isinstance(ours, Reject) and ours.code == "phone_placeholder" and len(set(digits[-7:])) == 1
        return "filler" if repeated else ""
    found = getattr(ours, "digits", None)
    if found is None:
        return ""
    if not text.startswith("+"):
        if full == found:
            return "00 or country code without plus"
        if judge(f"0{digits}", region) == found:
            return "leading zero restored"
        if found in [judge(f"+{digits.removeprefix(prefix)}", None) for prefix in ("011", "010", "810")]:
            return "dial prefix of another country"
    if trimmed == found:
        return "trunk zero after the country code"
    number = phonenumbers.parse(f"+{digits.lstrip('0')}", None)
    return "possible length, in no plan yet" if phonenumbers.is_possible_number(number) and _e164(number) == found else ""


def _without_zero_after_code(digits: str) -> str | None:
    """The number without the zero behind its country code, where there is one."""
    for length in (1, 2, 3):
        if digits[length : length + 1] == "0" and int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return judge(f"+{digits[:length]}{digits[length + 1 :]}", None)
    return None


def run() -> None:
    """Prints the share of right phones and the agreement."""
    score = right_share()
    rows = score.total.total() + score.undecidable.total()
    print(
        f"list_phones: right phones, 15 countries, {len(SPELLINGS)} spellings, {rows:,} rows, {score.total.total():,} decidable"
    )
    ways = list(score.right)
    print("list_phones:   " + f"{'':<22}" + "".join(f"{way:>16}" for way in ways))
    print("list_phones:   " + f"{'all':<22}" + "".join(f"{score.share(way):>16.2%}" for way in ways))
    for name in SPELLINGS:
        shares = [score.right[way][name] / score.total[name] for way in ways]
        print("list_phones:   " + f"{name:<22}" + "".join(f"{share:>16.2%}" for share in shares))
    print(f"list_phones: sent wrong, of the decidable   {score.sent_wrong.total():,}")
    outcomes = ", ".join(f"{name} {count:,}" for name, count in score.undecidable.most_common())
    print(f"list_phones: not decidable, apart   {score.undecidable.total():,}: {outcomes}")
    start = time.perf_counter()
    result = agreement()
    judged = result.compared + len(result.disagreements)
    print(
        f"list_phones: agreement with phonenumbers   {result.compared / judged:.4%} of {judged:,}"
        f"   ({time.perf_counter() - start:.0f} s)"
    )
    for step, count in result.exempt.most_common():
        print(f"list_phones:   read by an extra step   {count:>8,}  {step}")


if __name__ == "__main__":
    run()
