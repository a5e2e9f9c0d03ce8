"""What a list's phones would be under another region, worked out over the sampled rows by the engine's own rules.

Which regions are worth trying is told by the list itself: the countries its other rows name, the codes of numbers written
in full, the endings of its e-mail addresses, and, where many numbers cannot be read, what would read them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import phonenumbers

from .base import Key, RegionChange
from .content import POSTCODES, Content
from .phones import MAX_DIGITS, MIN_DIGITS, habit_of
from .rows import Row, RowPlan, RowReader
from .tally import sampled_places

_MARKETS = """
    US GB DE FR IT ES NL BE AT CH IE PT PL SE DK NO FI CZ GR RO HU AU NZ IN PH VN TH MY SG ID JP KR TW HK
    BR MX AR CO CL PE ZA NG KE EG MA AE SA IL TR UA
"""
MARKETS = tuple(_MARKETS.split())
"""Regions tried where the list gives no other clue."""

MOST = 3
"""Regions compared at most: each costs reading the sample again."""

TRIED = 20
"""Unreadable numbers tried with every market."""

_SOLD_TO_ALL = "co io me tv ai cc ws fm to ly gg eu am fm la nu st"
_GENERIC = frozenset(_SOLD_TO_ALL.split())
"""Endings that look like a country's and are sold to everyone."""

_LEAST = 0.02
"""The share of a clue's rows from which a region counts as named."""


class SampledPhones(NamedTuple):
    """The sampled rows with a phone, as records of the file: each with the region it is read in, and its row."""

    records: Sequence[Sequence[str]]
    regions: Sequence[str]
    rows: Sequence[Row]


def read_sample(plan: RowPlan, sample: Iterable[tuple[str, ...]]) -> SampledPhones:
    """The sample as the list's own plan reads it: rows with something in a phone column only."""
    phones = _phone_plan(plan, plan.region)
    reader = RowReader(phones)
    places, width = sampled_places(plan), len(plan.columns.columns)
    wanted = _phone_columns(plan)
    records = []
    for cells in sample:
        record = [""] * width
        for place, cell in zip(places, cells, strict=True):
            record[place] = cell
        if any(record[place].strip() for place in wanted):
            records.append(record)
    return SampledPhones(records, [reader.region_of(record) for record in records], [reader.read(record) for record in records])


def _phone_columns(plan: RowPlan) -> list[int]:
    hashed = {column.index for column in plan.columns.columns if column.hashed}
    return [at for at in plan.columns.serving.get(Key.PHONE, ()) if at not in hashed]


def _phone_plan(plan: RowPlan, region: str) -> RowPlan:
    """The plan with phones and countries alone, in a region."""
    serving: dict[str, tuple[int, ...]] = {
        key: plan.columns.serving[key] for key in (Key.PHONE, Key.COUNTRY) if key in plan.columns.serving
    }
    return replace(plan, columns=replace(plan.columns, serving=serving), region=region)


def compare_regions(
    plan: RowPlan, sample: Iterable[tuple[str, ...]], phones: SampledPhones, columns: Sequence[Sequence[str]], scale: float
) -> list[RegionChange]:
    """What the likeliest other regions would gain and lose; the best first, those that change nothing left out.

    `columns`: the cells of the first rows, column by column. `scale`: rows of the file for each sampled one.
    """
    column = _place_of_phone(plan)
    homeless = _without_country(plan, phones)
    if column is None or not homeless:
        return []
    changes = []
    for region, reason in _candidates(plan, sample, phones, homeless, columns):
        reader = RowReader(_moved(plan, region, [phones.records[at] for at in homeless]))
        gained = lost = changed = 0
        for at in homeless:
            before, after = phones.rows[at].values[column], reader.read(phones.records[at]).values[column]
            if before != after:
                gained += not before
                lost += not after
                changed += bool(before and after)
        if gained or lost or changed:
            changes.append(RegionChange(region, gained, lost, changed, len(homeless), round(scale * (gained - lost)), reason))
    return sorted(changes, key=lambda change: (change.lost - change.gained, change.region))


def _place_of_phone(plan: RowPlan) -> int | None:
    """Where the phone stands among the keys of a phone plan; None where the list has none in clear."""
    keys = _phone_plan(plan, plan.region).keys
    return keys.index(Key.PHONE) if _phone_columns(plan) else None


def _without_country(plan: RowPlan, phones: SampledPhones) -> list[int]:
    """The sampled rows that the list's region decides: those whose country cells name none."""
    elsewhere = "ZZ"  # no country
    reader = RowReader(_phone_plan(plan, elsewhere))
    return [at for at, record in enumerate(phones.records) if reader.region_of(record) == elsewhere]


def _moved(plan: RowPlan, region: str, records: Sequence[Sequence[str]]) -> RowPlan:
    """The phone plan in another region, with the habits its columns would have there."""
    habits = {at: habit_of((record[at], region) for record in records if record[at]) for at in _phone_columns(plan)}
    return replace(_phone_plan(plan, region), habits=habits)


def _candidates(
    plan: RowPlan,
    sample: Iterable[tuple[str, ...]],
    phones: SampledPhones,
    homeless: Sequence[int],
    columns: Sequence[Sequence[str]],
) -> list[tuple[str, str]]:
    """The regions worth comparing, the likeliest first, each with its reason. Those of the same numbering plan are one."""
    same = phonenumbers.country_code_for_region(plan.region)
    found: dict[int, tuple[str, str]] = {}
    clues = [
        *_named_countries(plan, phones),
        *_written_codes(plan, phones),
        *find_postcodes(columns),
        *_mail_endings(plan, sample),
    ]
    if plan.region not in dict(clues):  # else the list speaks for its region, and some plans read nearly anything
        clues += _readable_as(plan, phones, homeless)
    for region, reason in clues:
        code = phonenumbers.country_code_for_region(region)
        if code and code != same:
            found.setdefault(code, (region, reason))
    return list(found.values())[:MOST]


def _named_countries(plan: RowPlan, phones: SampledPhones) -> Iterator[tuple[str, str]]:
    if Key.COUNTRY in plan.columns.serving:
        yield from _frequent(Counter(phones.regions), "{share:.0f} % of the rows looked at are in {region}")


def _written_codes(plan: RowPlan, phones: SampledPhones) -> Iterator[tuple[str, str]]:
    """The countries of numbers that carry their code."""
    place = _place_of_phone(plan)
    if place is None:
        return
    codes: Counter[str] = Counter()
    for row in phones.rows:
        value = row.values[place]
        if value and is_in_full(row.raws[place], value):
            code = next((length for length in (1, 2, 3) if int(value[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), 0)
            codes[phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(value[:code])][0] if code else ""] += 1
    del codes[""]
    yield from _frequent(codes, "{share:.0f} % of the numbers written with a country code are from {region}")


def is_in_full(raw: str, value: str) -> bool:
    """Whether a number was written with its country code, given its normal form."""
    digits = "".join(char for char in raw if char.isdecimal()).lstrip("0")
    return digits.startswith(value[:3]) and len(digits) >= len(value)


def _mail_endings(plan: RowPlan, sample: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """The countries e-mail addresses end in."""
    places = sampled_places(plan)
    mails = [at for at, place in enumerate(places) if place in plan.columns.serving.get(Key.EMAIL, ())]
    endings: Counter[str] = Counter()
    for cells in sample:
        for at in mails:
            ending = cells[at].strip().lower().rpartition("@")[2].rpartition(".")[2]
            region = "GB" if ending == "uk" else ending.upper()
            endings[region if region in phonenumbers.SUPPORTED_REGIONS and ending not in _GENERIC else ""] += 1
    total = endings.total()
    del endings[""]
    yield from _frequent(endings, "{share:.0f} % of the e-mail addresses end as in {region}", total)


def _frequent(counts: Counter[str], reason: str, total: int = 0) -> Iterator[tuple[str, str]]:
    whole = total or counts.total()
    for region, count in counts.most_common(MOST + 1):
        if count >= max(3, _LEAST * whole):
            yield region, reason.format(share=100 * count / whole, region=region)


def _readable_as(plan: RowPlan, phones: SampledPhones, homeless: Sequence[int]) -> Iterator[tuple[str, str]]:
    """The markets that read most of the numbers the list's region cannot."""
    place = _place_of_phone(plan)
    unread = [phones.records[at] for at in homeless if place is not None and not phones.rows[at].values[place]]
    if 10 * len(unread) < len(homeless) or len(unread) < 5:
        return
    tried = unread[:: max(1, len(unread) // TRIED)][:TRIED]
    readable: Counter[str] = Counter()
    for region in MARKETS:
        reader = RowReader(_phone_plan(plan, region))
        readable[region] = sum(reader.read(record).values[place or 0] != "" for record in tried)
    (region, count), *_ = readable.most_common(1)
    if 2 * count >= len(tried):
        yield region, f"{100 * count / len(tried):.0f} % of the numbers that cannot be read as {plan.region} can be as {region}"


def find_postcodes(columns: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Countries whose postal codes look like nothing else, where a column is full of them."""
    for cells in columns:
        filled = [cell.strip() for cell in cells if cell.strip()]
        for region, pattern in POSTCODES.items():
            if len(filled) >= 3 and sum(pattern.fullmatch(cell) is not None for cell in filled) >= 0.8 * len(filled):
                yield region, f"the postal codes are those of {region}"


def find_hidden_phones(
    plan: RowPlan, sample: Iterable[tuple[str, ...]], columns: Sequence[Sequence[str]], usable: int
) -> list[RegionChange]:
    """Columns that are not used, but would be phones in another region: the sign of a wrong region in a file without header.

    Only regions are tried that the list names by its postal codes or e-mail addresses, its own not among them.
    """
    unused = [column.index for column in plan.columns.columns if column.certainty != "used"]
    likely = [columns[at] for at in unused if _looks_like_phones(columns[at])]
    if not likely:
        return []
    clues: dict[str, str] = {}
    for region, reason in (*find_postcodes(columns), *_mail_endings(plan, sample)):
        clues.setdefault(region, reason)
    for region, reason in clues.items() if plan.region not in clues else ():
        contents = [Content(cells, region) for cells in likely]
        share = max((content.share(Key.PHONE) for content in contents if content.best() == (Key.PHONE, True)), default=0.0)
        if share:
            rows = len(columns[0])
            return [RegionChange(region, round(share * rows), 0, 0, rows, round(share * usable), reason)]
    return []


def _looks_like_phones(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    phonelike = [cell for cell in filled if MIN_DIGITS <= sum(map(str.isdecimal, cell)) <= MAX_DIGITS]
    return 5 * len(phonelike) >= 3 * max(1, len(filled))
