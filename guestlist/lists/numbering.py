"""The numbering plans of `phonenumbers`, compiled once: reads clean digits at a fraction of its time, or leaves them to it.

`is_valid` equals `phonenumbers.is_valid_number`. `read_full` and `read_national` give what parse and validity check give
together, where that is certain, and None where only `phonenumbers` itself can tell. Tests compare all three over every
region. The tables come from the installed version's metadata and are stored nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc, country_code_for_region

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


def _valid_pattern(metadata: PhoneMetadata) -> re.Pattern[str]:
    """Matches the national significant numbers that are valid in one region."""
    kinds = "|".join(_of_length(getattr(metadata, kind)) for kind in _KINDS)
    return re.compile(rf"(?={_of_length(metadata.general_desc)}\Z)(?:{kinds})")


@lru_cache(maxsize=512)
def _regions(cc: int) -> tuple[tuple[re.Pattern[str] | None, re.Pattern[str]], ...]:
    """The regions of a country code in their order: leading digits if they tell the region, and the valid numbers."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(cc, ())
    found = [PhoneMetadata.metadata_for_region_or_calling_code(cc, region) for region in regions]
    return tuple(
        (re.compile(one.leading_digits) if one.leading_digits and len(regions) > 1 else None, _valid_pattern(one))
        for one in found
        if one is not None
    )


def is_valid(cc: int, nsn: str) -> bool:
    """Whether a national significant number (digits, Italy's zero kept) is valid under a country code."""
    for leading, valid in _regions(cc):
        if leading is not None:
            if leading.match(nsn):
                return valid.fullmatch(nsn) is not None
        elif valid.fullmatch(nsn):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a region dials: its code, its international prefix, its trunk prefix, and what a number in general looks like."""

    cc: int
    code: str
    abroad: re.Pattern[str]
    trunk: re.Pattern[str] | None
    general: re.Pattern[str]


@lru_cache(maxsize=512)
def _plan(cc: int, region: str) -> _Plan | None:
    """The plan, or None where reading it takes more than cutting a prefix off (Mexico, Argentina, Brazil...)."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(cc, region)
    if metadata is None or metadata.general_desc is None or metadata.national_prefix_transform_rule:
        return None
    trunk = re.compile(metadata.national_prefix_for_parsing) if metadata.national_prefix_for_parsing else None
    if trunk is not None and trunk.groups:
        return None
    abroad = re.compile(metadata.international_prefix or _NEVER)
    return _Plan(cc, str(cc), abroad, trunk, re.compile(metadata.general_desc.national_number_pattern or _NEVER))


def read_full(digits: str) -> str | None:
    """Digits that start with a country code, as country code and national number; None when `phonenumbers` must be asked."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code[0] != "0" and (regions := COUNTRY_CODE_TO_REGION_CODE.get(int(code))):
            plan = _plan(int(code), regions[0])
            return _joined(digits[length:], plan) if plan else None
    return None


def read_national(digits: str, region: str) -> str | None:
    """Digits as dialled within a region, as country code and national number; None when `phonenumbers` must be asked."""
    cc = country_code_for_region(region)
    plan = _plan(cc, region) if cc else None
    if plan is None or digits.startswith(plan.code) or plan.abroad.match(digits):
        return None
    return _joined(digits, plan)


def _joined(digits: str, plan: _Plan) -> str | None:
    """Country code and national number, if valid once the trunk prefix is off."""
    nsn = digits
    if plan.trunk is not None and (prefix := plan.trunk.match(digits)) and prefix.end():
        stripped = digits[prefix.end() :]
        if plan.general.fullmatch(stripped) or not plan.general.fullmatch(digits):
            nsn = stripped
    return plan.code + nsn if len(nsn) > 1 and is_valid(plan.cc, nsn) else None
