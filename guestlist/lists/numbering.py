"""The numbering plans of `phonenumbers`, compiled once: reads digits as it does, at a fraction of its time.

`is_valid` equals `phonenumbers.is_valid_number`; `read_full` and `read_national` equal its parse and validity check together,
for text of digits only, in every region. Every pattern is compiled once and kept by country code or region, so that lists of
many regions read as fast as lists of one. The tables come from the installed version's metadata and are stored nowhere; tests
and `benchmarks/list_phones.py` compare them with the library itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

MIN_NATIONAL = 2
"""Digits of the shortest national number the library reads."""

MAX_NATIONAL = 17
"""Digits of the longest one. E.164 allows 15 with the country code; some plans go beyond."""

_KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail",
)  # fmt: skip
_NEVER = r"(?!)"


def _of_length(desc: PhoneNumberDesc | None) -> str:
    """The pattern of one kind of number, behind a look-ahead at its possible lengths."""
    if desc is None or not desc.national_number_pattern:
        return _NEVER
    lengths = "|".join(rf"\d{{{length}}}" for length in desc.possible_length if length > 0)
    return rf"(?=(?:{lengths})\Z)(?:{desc.national_number_pattern})" if lengths else f"(?:{desc.national_number_pattern})"


def _pattern(metadata: PhoneMetadata, kinds: tuple[str, ...]) -> re.Pattern[str]:
    """Matches the national significant numbers of some kinds that are valid in one region."""
    either = "|".join(_of_length(getattr(metadata, kind)) for kind in kinds)
    return re.compile(rf"(?={_of_length(metadata.general_desc)}\Z)(?:{either})")


@dataclass(frozen=True, slots=True)
class _Region:
    """What tells a region among those of its country code, if anything does, and its valid numbers."""

    name: str
    leading: re.Pattern[str] | None
    valid: re.Pattern[str]


@cache
def _regions(cc: int) -> tuple[_Region, ...]:
    """The regions of a country code, in the order in which the library tries them."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(cc, ())
    found = [PhoneMetadata.metadata_for_region_or_calling_code(cc, region) for region in regions]
    return tuple(
        _Region(
            str(one.id),
            re.compile(one.leading_digits) if one.leading_digits and len(regions) > 1 else None,
            _pattern(one, _KINDS),
        )
        for one in found
        if one is not None
    )


def _region_of(cc: int, nsn: str) -> _Region | None:
    """The region a valid national significant number belongs to; None where it is not valid."""
    for region in _regions(cc):
        if region.leading is not None:
            if region.leading.match(nsn):
                return region if region.valid.fullmatch(nsn) else None
        elif region.valid.fullmatch(nsn):
            return region
    return None


@cache
def _pattern_of_kind(cc: int, region: str, kind: str) -> re.Pattern[str]:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(cc, region)
    assert metadata is not None
    return _pattern(metadata, (kind,))


def is_valid(cc: int, nsn: str) -> bool:
    """Whether a national significant number (digits, Italy's zero kept) is valid under a country code."""
    return _region_of(cc, nsn) is not None


def is_mobile(digits: str) -> bool:
    """Whether a valid number, country code first, is a mobile one and can be no landline."""
    return rank_as_mobile(digits) == 0


def rank_as_mobile(digits: str) -> int:
    """How likely a number, country code first, is carried about: 0 a mobile, 2 a landline, 1 what may be either or is neither."""
    cc, nsn = _code_at(digits), national_part(digits)
    if (region := _region_of(cc, nsn)) is None:
        return 1
    mobile, fixed = (_pattern_of_kind(cc, region.name, kind) for kind in ("mobile", "fixed_line"))
    return 1 - (mobile.fullmatch(nsn) is not None) + (fixed.fullmatch(nsn) is not None)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a region dials: its code, its prefix for calls abroad, its trunk prefix, and what a number in general looks like."""

    code: str
    abroad: re.Pattern[str]
    trunk: re.Pattern[str] | None
    rewrite: str  # what the trunk pattern's match becomes where its last group took part (carriers, area codes left out)
    general: re.Pattern[str]
    lengths: frozenset[int]
    local_lengths: frozenset[int]

    def is_too_long(self, digits: str) -> bool:
        return len(digits) > max(self.lengths) and len(digits) not in self.local_lengths

    def has_length(self, digits: str) -> bool:
        return len(digits) in self.lengths

    def without_trunk(self, digits: str) -> str:
        """The digits without trunk prefix and carrier code, unless they were sound with it and are not without."""
        found = self.trunk.match(digits) if self.trunk is not None else None
        if found is None:
            return digits
        rewritten = self.rewrite and found.groups()[-1] is not None
        bare = found.expand(self.rewrite) + digits[found.end() :] if rewritten else digits[found.end() :]
        return digits if not self.general.fullmatch(bare) and self.general.fullmatch(digits) else bare


def _plan(metadata: PhoneMetadata) -> _Plan:
    general = metadata.general_desc
    assert general is not None
    return _Plan(
        str(metadata.country_code),
        re.compile(metadata.international_prefix or _NEVER),
        re.compile(metadata.national_prefix_for_parsing) if metadata.national_prefix_for_parsing else None,
        metadata.national_prefix_transform_rule or "",
        re.compile(general.national_number_pattern or _NEVER),
        frozenset(general.possible_length),
        frozenset(general.possible_length_local_only),
    )


@cache
def _plan_of_code(cc: int) -> _Plan:
    """The plan of a country code's main region, which the library goes by once it has read the code."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(cc, COUNTRY_CODE_TO_REGION_CODE[cc][0])
    assert metadata is not None
    return _plan(metadata)


@cache
def _plan_of_region(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return _plan(metadata) if metadata is not None else None


def code_of(region: str) -> str:
    """The country code of a region (ISO alpha-2, upper case), "" where it has no numbering plan."""
    plan = _plan_of_region(region)
    return plan.code if plan else ""


def _code_at(digits: str) -> int:
    """The country code with which the digits begin, 0 where there is none."""
    if not digits.startswith("0"):
        for length in (1, 2, 3):
            if (code := int(digits[:length] or "0")) in COUNTRY_CODE_TO_REGION_CODE:
                return code
    return 0


def national_part(digits: str) -> str:
    """What follows the country code of a number in full."""
    return digits[len(str(_code_at(digits))) :]


def read_full(digits: str) -> str | None:
    """Digits that start with a country code, as country code and national number; None where they are no valid number."""
    cc = _code_at(digits)
    if not cc:
        return None
    plan = _plan_of_code(cc)
    return _joined(digits[len(plan.code) :], plan)


def read_national(digits: str, region: str) -> str | None:
    """Digits as dialled within a region, as country code and national number; None where they are no valid number.

    Like the library, it also reads the region's own prefix for calls abroad, and its own country code where the number is
    sound only without it.
    """
    plan = _plan_of_region(region)
    if plan is None:
        return None
    if (abroad := plan.abroad.match(digits)) and digits[abroad.end() : abroad.end() + 1] != "0":
        return read_full(digits[abroad.end() :])
    if digits.startswith(plan.code):
        bare = plan.without_trunk(digits[len(plan.code) :])
        if plan.is_too_long(digits) or (plan.general.fullmatch(bare) and not plan.general.fullmatch(digits)):
            return _joined(bare, _plan_of_code(int(plan.code)))
    return _joined(digits, plan)


def has_national_length(digits: str, region: str) -> bool:
    """Whether digits are as long as a national number of the region can be."""
    plan = _plan_of_region(region)
    return plan is not None and plan.has_length(digits)


def read_possible(digits: str) -> tuple[str, str] | None:
    """Country code and national number of digits that start with a code, if the length is possible; valid or not."""
    cc = _code_at(digits)
    if not cc:
        return None
    plan = _plan_of_code(cc)
    nsn = _national_number(digits[len(plan.code) :], plan)
    return (plan.code, nsn) if plan.has_length(nsn) else None


def has_trunk_prefix(digits: str, region: str) -> bool:
    """Whether digits as dialled within a region begin with its trunk prefix."""
    plan = _plan_of_region(region)
    return plan is not None and len(plan.without_trunk(digits)) < len(digits)


def _national_number(digits: str, plan: _Plan) -> str:
    """The digits without trunk prefix, if what is left is long enough for the plan."""
    bare = plan.without_trunk(digits)
    return bare if plan.has_length(bare) or plan.is_too_long(bare) else digits


def _joined(digits: str, plan: _Plan) -> str | None:
    """Country code and national number, if valid."""
    if len(digits) < MIN_NATIONAL:
        return None
    nsn = _national_number(digits, plan)
    return plan.code + nsn if MIN_NATIONAL <= len(nsn) <= MAX_NATIONAL and is_valid(int(plan.code), nsn) else None
