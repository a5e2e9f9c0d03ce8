"""The one registry of reject codes: why a cell or a row of a customer list cannot be used, and the way out.

`docs/reference/reject-codes.md` lists each; a test fails when one is missing there. Codes of files that cannot be read
at all are not rejects but `ListError`s, named in `REFUSALS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What is lost."""

    CELL = "cell"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class RejectCode:
    """One entry of the registry. `example` shows the cell or record as a file holds it."""

    code: str
    scope: Scope
    meaning: str
    example: str
    remedy: str


def _cell(code: str, meaning: str, example: str, remedy: str) -> RejectCode:
    return RejectCode(code, Scope.CELL, meaning, example, remedy)


def _row(code: str, meaning: str, example: str, remedy: str) -> RejectCode:
    return RejectCode(code, Scope.ROW, meaning, example, remedy)


_CODES = (
    _row("blank_row", "The record holds nothing.", ",,,", "Nothing to do; delete the empty line if it disturbs."),
    _row("preamble", "The record stands before the header or the first customer.", "Customer export, May", "Nothing to do."),
    _row("totals_row", "The record is a total, not a customer.", "Total,1500,", "Nothing to do."),
    _row("row_short", "The record has fewer cells than the header.", "ann@example.com", "Add the missing delimiters."),
    _row(
        "row_long", "The record has more cells than the header.", "a@b.example,Ann,Lee,x", "Quote cells that hold the delimiter."
    ),
    _row("unclosed_quote", "A quoted cell never ends.", 'ann@example.com,"Ann', "Close the quote, or remove it."),
    _row(
        "field_too_long", "A cell is longer than 65,536 characters.", "aaaa…", "Shorten the cell; an unclosed quote can cause it."
    ),
    _row(
        "no_identifier",
        "Neither a valid e-mail nor a valid phone is left.",
        ",,Ann,Lee",
        "Add an e-mail address or a phone number.",
    ),
    _cell("blank", "The cell is empty: a missing value, never hashed, not counted as dropped.", "  ", "Nothing to do."),
    _cell("nul_byte", "The cell holds a NUL character.", "ann\\0@example.com", "Export the file again as text."),
    _cell(
        "bad_encoding",
        "The cell holds bytes that are no text in the file's encoding, or half a character.",
        "Jos\\xff",
        "Export as UTF-8, or name the right encoding with --encoding.",
    ),
    _cell(
        "spreadsheet_error",
        "The cell holds a spreadsheet's error or 'not available'.",
        "#N/A",
        "Fill in the value, or leave it empty.",
    ),
    _cell(
        "looks_hashed",
        "The cell holds a digest where clear text is expected.",
        "f1904cf1a9d7…",
        "Give clear text, or hash the whole column.",
    ),
    _cell(
        "not_a_hash",
        "The column holds SHA-256 digests, and this cell is none.",
        "ann@example.com",
        "Hash the cell, or give the whole column in clear.",
    ),
    _cell("email_no_at", "The e-mail address has no @.", "ann.example.com", "Write name@domain."),
    _cell("email_invalid", "The e-mail address cannot exist.", "ann@@example.com", "Write one address as name@domain.tld."),
    _cell(
        "email_too_long",
        "The e-mail address is longer than 254 characters, or its name part than 64.",
        "aaaa…@example.com",
        "Shorten it.",
    ),
    _cell("phone_is_email", "The phone cell holds an e-mail address.", "ann@example.com", "Put it in the e-mail column."),
    _cell(
        "phone_scientific",
        "A spreadsheet rounded the phone number; digits are lost.",
        "4.47911E+11",
        "Format the column as text and export again.",
    ),
    _cell("phone_letters", "The phone cell holds letters that are no vanity number.", "07911 12345O", "Write digits only."),
    _cell("phone_too_short", "The phone number has too few digits.", "12345", "Add the area or country code."),
    _cell("phone_too_long", "The phone number has too many digits.", "0791112345678901234", "Give one number a cell."),
    _cell("phone_placeholder", "The phone number is a filler.", "+1 000 000 0000", "Ask the customer for the number."),
    _cell(
        "phone_invalid",
        "No numbering plan knows such a number, read in the row's country and with a country code.",
        "01234 5",
        "Write it with + and country code, or check the row's country and --region.",
    ),
    _cell(
        "phone_ambiguous",
        "The number is valid both as a national one and with a country code, and the column does not tell which.",
        "4915112345678",
        "Write it with a plus sign and country code.",
    ),
    _cell("gender_unknown", "The gender is neither male nor female; Meta takes only these.", "x", "Leave it empty."),
    _cell("birth_year_invalid", "The birth year is no four-digit year from 1900 to now.", "85", "Write YYYY."),
    _cell("birth_month_invalid", "The birth month is not 1 to 12.", "13", "Write MM."),
    _cell("birth_day_invalid", "The birth day is not 1 to 31.", "32", "Write DD."),
    _cell("birth_date_invalid", "The date of birth cannot be read.", "31085", "Write YYYY-MM-DD."),
    _cell("no_letters", "The name, city or state holds no letter.", "---", "Fill in the value, or leave it empty."),
    _cell(
        "name_not_split",
        "The full name cannot be split safely into first and last name.",
        "Ann",
        "Give first and last name in columns of their own.",
    ),
    _cell("state_unknown", "No such state of the United States.", "Nowhere", "Use the two-letter code."),
    _cell(
        "zip_invalid",
        "No postal code of the row's country looks like this.",
        "ABC",
        "Check the postal code and the row's country.",
    ),
    _cell("country_unknown", "No country by this name or code.", "Neverland", "Use the two-letter ISO code, such as GB."),
    _cell("madid_invalid", "The mobile advertiser id is no UUID.", "1234", "Give it as 8-4-4-4-12 hexadecimal digits."),
)

REGISTRY = {entry.code: entry for entry in _CODES}
"""Every reject code, rows first."""

REFUSALS = {
    "file_not_found": "The file is not there.",
    "file_unreadable": "The file cannot be opened or read.",
    "not_text": "The file is a gzip, zip, XLSX, XLS, PDF, Parquet, image, HTML or JSON file, not a delimited text.",
    "empty_file": "The file holds no record.",
    "header_only": "The file ends after its header.",
    "no_usable_column": "No column holds e-mail addresses or phone numbers.",
    "too_many_columns": "A record has more than 2,000 cells.",
    "unknown_region": "The region is no ISO 3166-1 alpha-2 code with a numbering plan.",
    "unknown_encoding": "The encoding named is none of those Guestlist reads.",
    "wrong_encoding": "The file is not in the encoding named.",
    "bad_delimiter": "The delimiter named is not one character, or a quote, letter, digit or line end.",
    "unknown_column": "The mapping names a column the file does not have.",
    "unknown_key": "The mapping names a key that does not exist.",
}
"""Codes of `ListError`: nothing of the file can be used."""
