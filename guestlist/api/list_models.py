"""What lists look like from outside. Values of customers are masked before they get here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from guestlist.api.models import Instant, Shown
from guestlist.lists.base import ListReport


class CustomerList(Shown):
    """An imported customer file. `rows = usable + duplicates + rejected`."""

    id: str
    name: str
    filename: str
    sha256: str = Field(description="Of the file.")
    region: str
    state: Literal["preparing", "ready", "failed"]
    rows: int = Field(description="Records after the header.")
    usable: int
    duplicates: int
    created_at: Instant


class Reject(Shown):
    """A row that is lost, or a cell that is dropped from its row."""

    row: int = Field(description="1 is the first record after the header.")
    column: str = Field(validation_alias="column_name", description="Empty where the whole row is lost.")
    code: str
    value: str = Field(description="Masked.")
    remedy: str


class MappedColumn(BaseModel):
    """What one column is used for."""

    index: int
    name: str
    key: str | None = Field(description="A key of Meta's, `FULL_NAME`, `DOB`, or null where it is ignored.")
    certainty: str = Field(description="`used`, `unsure` or `ignored`.")
    reason: str
    hashed: bool = Field(description="Whether the file holds SHA-256 already.")


class PreviewRow(BaseModel):
    """One row: by key the value (masked), its normal form (masked), and the first 8 digits of its hash."""

    row: int
    cells: dict[str, tuple[str, str, str]]
    codes: list[str]


class ExpectedMatch(BaseModel):
    """How many people Meta may match: a range and its grounds, never a promise."""

    lower: int
    upper: int
    grounds: str


class Report(BaseModel):
    """A file accounted for: `rows = usable + duplicates + sum(rejected)`."""

    filename: str
    sha256: str
    bytes: int
    encoding: str
    delimiter: str
    has_header: bool
    region: str
    rows: int
    usable: int
    duplicates: int
    rejected: dict[str, int] = Field(description="Lost rows by code.")
    dropped_cells: dict[str, int] = Field(description="Dropped cells by code, of rows that are not lost.")
    mapping: list[MappedColumn]
    preview: list[PreviewRow]
    expected_match: ExpectedMatch | None
    warnings: list[str]

    @classmethod
    def of_report(cls, report: ListReport) -> Self:
        """The public form of the list engine's report."""
        return cls.model_validate(report.as_json())
