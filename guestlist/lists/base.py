"""The contract of the list engine: what goes in, what comes out. No I/O happens here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol


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
    rows: int = 0
    usable: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    dropped_cells: dict[str, int] = field(default_factory=dict)
    mapping: list[MappedColumn] = field(default_factory=list)
    preview: list[PreviewRow] = field(default_factory=list)
    expected_match: ExpectedMatch | None = None
    warnings: list[str] = field(default_factory=list)

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
    mapping: Mapping[str, str] | None = None  # column name or index -> key or "ignore"
    batch_rows: int = 10_000
    preview_rows: int = 20


class Prepared(Protocol):
    """A file being prepared, in one pass. Iterate `payloads()` to its end; then `report` is complete."""

    report: ListReport

    def payloads(self) -> Iterator[Payload]:
        """The batches in file order, each of at most `batch_rows` rows. Errors: ListError where the file is no list."""
        ...

    def rejects(self) -> Sequence[Rejected]:
        """The rejects found since the last call, in file order. Call it after each payload and once at the end."""
        ...


class ListEngine(Protocol):
    """Turns a customer file into batches and rejects."""

    def prepare(self, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> Prepared:
        """Opens the file and finds encoding, delimiter, header and mapping. Errors: ListError (what, where, the way out)."""
        ...
