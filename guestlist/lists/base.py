"""The contract of the list engine: what goes in, what comes out. No I/O happens here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol


class Key(StrEnum):
    """The Custom Audience keys, in the order of fact-page section 1.3. Schemas list them in this order."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    GEN = "GEN"
    DOBY = "DOBY"
    DOBM = "DOBM"
    DOBD = "DOBD"
    FN = "FN"
    LN = "LN"
    FI = "FI"
    CT = "CT"
    ST = "ST"
    ZIP = "ZIP"
    COUNTRY = "COUNTRY"
    MADID = "MADID"
    EXTERN_ID = "EXTERN_ID"


UNHASHED = frozenset({Key.MADID, Key.EXTERN_ID})
"""Keys that Meta wants in clear. A Messenger upload never contains them; they are rules of the reference all the same."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a value or a row cannot be used."""

    code: str  # from lists/rejects.py, the one registry
    remedy: str = ""  # overrides the registry's remedy where the value itself suggests a better one


@dataclass(frozen=True, slots=True)
class Rejected:
    """One line of the rejects file. `column` is "" when the whole row is lost. Row 1 is the first record after the header."""

    row: int
    column: str
    code: str
    value: str  # masked
    remedy: str


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """What one column of the file is used for."""

    index: int
    name: str  # the header, or "column 3" where there is none
    key: str | None  # a Key, "FULL_NAME", "DOB", or None when ignored
    certainty: str  # "used" | "unsure" | "ignored"
    reason: str  # a sentence for a person
    hashed: bool = False  # the file holds SHA-256 already


@dataclass(frozen=True, slots=True)
class Payload:
    """One upload payload: `data` rows follow `schema`; values are lowercase hex SHA-256, "" where missing."""

    schema: tuple[str, ...]
    data: tuple[tuple[str, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {"schema": list(self.schema), "data": [list(row) for row in self.data]}


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as a person sees it: raw (masked) -> normalised (masked) -> first 8 of the hash, by key."""

    row: int
    cells: Mapping[str, tuple[str, str, str]]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectedMatch:
    """How many people Meta may match: a range and its grounds. Never an exact number."""

    lower: int
    upper: int
    grounds: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole report in a word and a sentence."""

    code: str  # "ready", "improve", "region" (probably another one), "small" or "unusable"
    text: str


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that would make the list better. `gain`: about how many more people might match; hints stand in its order."""

    code: str  # stable, for programs; `lists.hints` names them
    rows: int  # rows concerned; of a large file an estimate
    gain: int
    text: str  # what was found
    action: str  # what to do


@dataclass(frozen=True, slots=True)
class IdentifiersPerRow:
    """How many of the usable rows hold what. `average`: e-mails and phones a row, 1 to 2; `keys`: filled keys a row."""

    both: int
    email_only: int
    phone_only: int
    average: float
    keys: float


@dataclass(frozen=True, slots=True)
class PhonesSeen:
    """Phone numbers looked at more closely: all of them, or those of some rows. `other`: pagers, free numbers and so on."""

    looked_at: int
    mobile: int
    landline: int
    mobile_or_landline: int  # the plan does not tell, as in North America
    other: int
    with_country_code: int  # written with it in the file


@dataclass(frozen=True, slots=True)
class RegionChange:
    """What the list's phones would be under another region, counted over `rows` rows without a country of their own."""

    region: str
    gained: int  # numbers that only this region reads
    lost: int  # numbers that only the list's region reads
    changed: int  # numbers both read, as different ones
    rows: int
    net: int  # gained less lost, in the whole file; an estimate where the rows are a sample of it
    reason: str  # why this region was tried


@dataclass(frozen=True, slots=True)
class FixesUsed:
    """Corrected rows that replaced rows of the file, and the SHA-256 of the file they came in."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """What was said of the columns under a header once, kept for the next file. `since`: the day, such as `2026-11-20`."""

    columns: Mapping[int, str]  # index -> key or "ignore"
    since: str


@dataclass(slots=True)
class ListReport:
    """The whole file accounted for: rows = usable + duplicates + sum(rejected)."""

    filename: str
    sha256: str
    bytes: int
    encoding: str
    delimiter: str
    has_header: bool
    region: str
    format: str = "csv"  # or "xlsx", "parquet", "jsonl"; every delimited text is "csv"
    container: str = ""  # what the file came in: "gzip", "zip" or nothing
    rows: int = 0
    usable: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    dropped_cells: dict[str, int] = field(default_factory=dict)
    mapping: list[MappedColumn] = field(default_factory=list)
    preview: list[PreviewRow] = field(default_factory=list)
    expected_match: ExpectedMatch | None = None
    warnings: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    hints: list[Hint] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)  # usable rows that hold a value, by key of the schema
    identifiers_per_row: IdentifiersPerRow | None = None
    phones: PhonesSeen | None = None
    regions: list[RegionChange] = field(default_factory=list)
    fixes: FixesUsed | None = None
    fingerprint: str = ""  # of the header, by which a mapping is saved; "" without a header
    mapping_from: str = "found"  # "found", "chosen" (said for this file) or "saved" (said for an earlier one)
    mapping_saved: str = ""  # the day a saved mapping was said, such as "2026-11-20"; "" where none was used

    def as_json(self) -> dict[str, Any]:
        """The shape of `lists check --json`."""
        from dataclasses import asdict

        return asdict(self)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How to read a file. `None` means: find out."""

    region: str  # ISO 3166-1 alpha-2; "UK" is refused with a hint at GB
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | None = None  # of a workbook: its name, or its number from 1
    mapping: Mapping[str, str] | None = None  # column name, index from 0 or "column 3" -> key or "ignore"
    saved: Callable[[str], SavedMapping | None] | None = None  # finds what was said for a header's fingerprint; asked once
    batch_rows: int = 10_000
    preview_rows: int = 20
    workers: int | None = None  # processes that read a long file; 1 is none beside this one. Nothing else depends on it
    fixes: Path | BinaryIO | None = None  # a corrected fixable file, whose rows replace those of the file by number
    clear_preview: bool = False  # the preview's values in clear: only ever for the user's own terminal


class Step(NamedTuple):
    """A bounded piece of a file, ready: a payload, or None where rejects alone filled it, and the rejects on the way to it."""

    payload: Payload | None
    rejects: Sequence[Rejected]


class Prepared(Protocol):
    """A file being prepared, in one pass. Iterate `steps()` to its end; then `report` is complete."""

    report: ListReport
    chosen: Mapping[int, str]  # what was said of columns, for this file or a header like it: index -> key or "ignore"

    def steps(self) -> Generator[Step]:
        """The batches in file order, each of at most `batch_rows` rows; rejects in file order too.

        Close the iterator when you stop early: it holds the file, and on large files processes and a temporary file.
        Errors: ListError where the file is no list, or cannot be read to its end.
        """
        ...


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """One row in clear. Phones are digits with their country code, in the order of the columns."""

    row: int
    external_id: str = ""
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class PeopleReport:
    """The whole file accounted for: rows = usable + sum(rejected)."""

    filename: str
    mapping: Sequence[MappedColumn]
    rows: int = 0
    usable: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    dropped_cells: Counter[str] = field(default_factory=Counter)
    sha256: str = ""


class PeopleStep(NamedTuple):
    """Some people of the file, and the rejects on the way to them."""

    people: Sequence[ListedPerson]
    rejects: Sequence[Rejected]


class ListedPeople(Protocol):
    """The people of one file on their way through. Iterate `steps()` to its end; then `report` is complete."""

    report: PeopleReport

    def steps(self) -> Generator[PeopleStep]:
        """The people in file order. Close the iterator when you stop early. Errors: ListError where the file breaks off."""
        ...


class ListEngine(Protocol):
    """Turns a customer file into batches and rejects."""

    def prepare(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> Prepared:
        """Opens the file and finds encoding, delimiter, header and mapping. Errors: ListError (what, where, the way out)."""
        ...

    def read_people(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> ListedPeople:
        """Opens a file whose people are to be kept in clear. Errors: ListError (what, where, the way out)."""
        ...
