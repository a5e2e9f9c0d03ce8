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


class Verdict(BaseModel):
    """The report in a sentence."""

    code: Literal["ready", "improve", "region", "small", "unusable"] = Field(
        description="`improve`: ready, but much is left to gain; `region`: probably another one; `small`: perhaps too few people."
    )
    text: str


class Hint(BaseModel):
    """One thing that would make the list better."""

    code: str = Field(description="Stable; the reference of lists names them.")
    rows: int = Field(description="Rows or values concerned; of a long file an estimate.")
    gain: int = Field(description="About how many more people might match at best. Hints stand in its order.")
    text: str = Field(description="What was found.")
    action: str = Field(description="What to do.")


class IdentifiersPerRow(BaseModel):
    """What the usable rows hold."""

    both: int
    email_only: int
    phone_only: int
    average: float = Field(description="E-mails and phones per usable row, 1 to 2.")
    keys: float = Field(description="Filled keys per usable row.")


class PhonesSeen(BaseModel):
    """Phone numbers looked at more closely: all of them, or those of some rows."""

    looked_at: int
    mobile: int
    landline: int
    mobile_or_landline: int = Field(description="The numbering plan does not tell, as in North America.")
    other: int
    with_country_code: int = Field(description="Written with it in the file.")


class RegionChange(BaseModel):
    """What the list's phones would be under another region, counted over `rows` rows without a country of their own."""

    region: str
    gained: int = Field(description="Numbers that only this region reads.")
    lost: int = Field(description="Numbers that only the list's region reads.")
    changed: int = Field(description="Numbers both read, as different ones.")
    rows: int = Field(description="Rows compared.")
    net: int = Field(description="Gained less lost in the whole file; an estimate where the rows are a sample of it.")
    reason: str = Field(description="Why this region was tried.")


class FixesUsed(BaseModel):
    """Corrected rows that replaced rows of the file (`--fixes` of the command line)."""

    rows: int
    sha256: str = Field(description="Of the file they came in.")


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
    warnings: list[str] = Field(description="What to know before uploading.")
    fingerprint: str = Field(default="", description="Of the header, by which a mapping is saved; empty without a header.")
    mapping_from: Literal["found", "chosen", "saved"] = Field(
        default="found",
        description="Whether the mapping was found out, said for this file, or said for one with the same header.",
    )
    mapping_saved: str = Field(default="", description="The day a saved mapping was said; empty where none was used.")
    format: str = Field(default="csv", description="`csv`, `xlsx`, `parquet` or `jsonl`.")
    container: str = Field(default="", description="`gzip`, `zip`, or empty.")
    verdict: Verdict | None = None
    hints: list[Hint] = Field(default_factory=list, description="What would help, the most helpful first.")
    keys: dict[str, int] = Field(default_factory=dict, description="Usable rows that hold a value, by key.")
    identifiers_per_row: IdentifiersPerRow | None = None
    phones: PhonesSeen | None = Field(default=None, description="Null where the list has no phones in clear.")
    regions: list[RegionChange] = Field(default_factory=list, description="Other regions compared, the best first.")
    fixes: FixesUsed | None = None

    @classmethod
    def of_report(cls, report: ListReport) -> Self:
        """The public form of the list engine's report."""
        return cls.model_validate(report.as_json())
