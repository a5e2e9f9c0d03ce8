"""The list doctor: from the counts and the sample of one pass to a verdict, an expectation, warnings and hints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

from .base import IdentifiersPerRow, Key, ListReport, PhonesSeen, RegionChange, Verdict
from .expectation import expect_match
from .hints import Findings, best_region, find_hints
from .regions import SampledPhones, compare_regions, find_hidden_phones, find_postcodes, is_in_full, read_sample
from .rows import RowPlan
from .tally import Tally

ENOUGH = 100
"""Rows with an identifier that Meta advises; matched people from which it shows tokens."""

MOST_PHONES = 300
"""Numbers whose kind is looked up."""

_KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile_or_landline",
}


def diagnose(report: ListReport, tally: Tally, plan: RowPlan, first: Sequence[Sequence[str]], *, guessed_encoding: bool) -> None:
    """Completes a report whose file is read. `first`: the cells of its first rows, column by column."""
    tally.sample.thin()
    sample = list(tally.sample)
    phones = read_sample(plan, sample)
    report.keys = dict(zip(plan.schema, tally.filled, strict=True))
    report.identifiers_per_row = count_identifiers(report.usable, report.keys)
    report.phones = look_at_phones(plan, phones)
    report.regions = _regions(report, plan, sample, phones, first)
    weak = sum(tally.noted.values())
    report.expected_match = expect_match(report.usable, report.identifiers_per_row, report.phones, weak)
    report.warnings = find_warnings(report, by_column=tally.by_column, guessed_encoding=guessed_encoding)
    postcodes = next((region for region, _ in find_postcodes(first)), "")
    report.hints = find_hints(report, Findings(tally.noted, tally.by_column, guessed_encoding, postcodes))
    report.verdict = decide_verdict(report)


def count_identifiers(usable: int, filled: dict[str, int]) -> IdentifiersPerRow:
    """What the usable rows hold. Each holds an e-mail or a phone, so that the counts of both tell how many hold both."""
    emails, phones = filled.get(Key.EMAIL, 0), filled.get(Key.PHONE, 0)
    both = emails + phones - usable
    rows = max(1, usable)
    return IdentifiersPerRow(
        both, emails - both, phones - both, round((emails + phones) / rows, 2), round(sum(filled.values()) / rows, 2)
    )


def look_at_phones(plan: RowPlan, phones: SampledPhones) -> PhonesSeen | None:
    """Which kinds the sampled numbers are of, and whether they carry their country code; None without numbers in clear."""
    read = [(raw, value) for row in phones.rows for value, raw in zip(row.values[:1], row.raws[:1], strict=True) if value]
    if not read or not plan.columns.serving.get(Key.PHONE):
        return None
    looked_at = read[:: -(-len(read) // MOST_PHONES)]
    kinds = Counter(_kind(value) for _, value in looked_at)
    coded = sum(is_in_full(raw, value) for raw, value in looked_at)
    known = {name: kinds.pop(name, 0) for name in _KINDS.values()}
    return PhonesSeen(looked_at=len(looked_at), other=kinds.total(), with_country_code=coded, **known)


def _kind(value: str) -> str:
    """What a normalised number is. Numbers that no plan lists are of no kind."""
    try:
        return _KINDS.get(phonenumbers.number_type(phonenumbers.parse(f"+{value}")), "other")
    except phonenumbers.NumberParseException:
        return "other"


def _regions(
    report: ListReport,
    plan: RowPlan,
    sample: Sequence[tuple[str, ...]],
    phones: SampledPhones,
    first: Sequence[Sequence[str]],
) -> list[RegionChange]:
    """The comparison with other regions; where phones were not even recognised as such, the region that would."""
    hidden = find_hidden_phones(plan, sample, first, report.usable) if Key.PHONE not in plan.columns.serving else []
    if hidden:
        return hidden
    rows = report.usable + report.rejected.get("no_identifier", 0)
    return compare_regions(plan, sample, phones, first, max(1.0, rows / max(1, len(sample))))


def find_warnings(report: ListReport, *, by_column: int, guessed_encoding: bool) -> list[str]:
    """What a person should know before uploading, in sentences."""
    warnings = []
    if report.usable < ENOUGH:
        warnings.append(f"Only {report.usable} rows have a usable e-mail or phone. Meta advises at least {ENOUGH} for a list.")
    if report.expected_match and report.expected_match.lower < ENOUGH:
        warnings.append(
            f"The expected match starts at {report.expected_match.lower} people. Meta shows tokens only above {ENOUGH} matched "
            "people; at 20 to 70 % that takes 150 to 500 usable rows."
        )
    if guessed_encoding and report.encoding != "utf-8":
        warnings.append(f"The file was read as {report.encoding}, a guess. If names look wrong, name the encoding.")
    if by_column:
        warnings.append(
            f"{by_column:,} phone numbers read both as national ones and with a country code; they were read the way "
            "the clear numbers of their column are written."
        )
    if report.duplicates > report.usable:
        warnings.append(
            f"Most rows stand there more than once: {report.duplicates:,} duplicates of {report.usable:,} rows were left out."
        )
    unsure = [column for column in report.mapping if column.certainty == "unsure"]
    if unsure:
        names = ", ".join(f"{column.name!r} (maybe {column.key})" for column in unsure[:5])
        warnings.append(f"Not used because unsure: {names}. Map them yourself if they are right.")
    return warnings


def decide_verdict(report: ListReport) -> Verdict:
    """The report in a sentence."""
    lost = sum(report.rejected.values())
    if not report.usable or report.expected_match is None:
        return Verdict("unusable", f"Nothing can go up yet: none of {report.rows:,} rows has a valid e-mail or phone.")
    people = (
        f"{report.usable:,} people, of whom {report.expected_match.lower:,} to {report.expected_match.upper:,} may be matched"
    )
    region = best_region(report)
    if region and 10 * region.net >= report.usable:
        return Verdict(
            "region", f"Check the region first: {region.region} reads {region.net:,} phones more than {report.region}. {people}."
        )
    if report.usable < ENOUGH or report.expected_match.lower < ENOUGH:
        return Verdict("small", f"Good rows, but perhaps too few of them: {people}.")
    gains = sum(hint.gain for hint in report.hints if hint.code != "add_keys")
    if 10 * gains >= report.expected_match.upper or 20 * lost >= report.rows:
        return Verdict("improve", f"Ready to upload, but it can do better: {people}.")
    return Verdict("ready", f"Ready to upload: {people}.")
