"""The one registry of reject codes: why a cell or a row of a customer list cannot be used, and the way out.

`python -m guestlist.lists.rejects_page` prints `docs/reference/reject-codes.md` from it, and a test feeds each entry's own
example to the engine. Codes of files that cannot be read at all are not rejects but `ListError`s, named in `REFUSALS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What is lost."""

    CELL = "cell"
    ROW = "row"
    NOTHING = "nothing"  # a rule's answer to a single value; no rejects file shows it


@dataclass(frozen=True, slots=True)
class RejectCode:
    """One entry of the registry. `example` shows the cell or record as a file holds it; `example_file` is a file with it."""

    code: str
    scope: Scope
    meaning: str
    example: str
    remedy: str
    column: str = "first name"  # the header above the example of a cell
    region: str = "GB"  # the region of the example's list
    raw: str = ""  # the example exactly, where it cannot be shown; a lone surrogate stands for a byte
    file: str = ""  # the whole example, where a header and one record do not make it
    fixable: bool = True  # whether a person can correct it in the file; False: it is no customer, or too long to show

    def example_file(self) -> bytes:
        """A small file of region `region` of which the engine rejects the example alone, by this code."""
        example = self.raw or self.example
        if self.scope is Scope.ROW:
            text = f"email,phone,last name\n{example}\nann@example.com,020 7946 0001,Lee\n"
        elif self.column == "email":
            text = f"phone,email\n020 7946 0001,{example}\n020 7946 0002,bob@example.com\n"
        else:
            example = f'"{example}"' if "," in example else example
            good = "+442079460002" if self.column == "phone" else ""
            text = f"email,{self.column}\nann@example.com,{example}\nbob@example.com,{good}\n"
        return (self.file or text).encode(errors="surrogateescape")


def _cell(
    code: str,
    meaning: str,
    example: str,
    remedy: str,
    *,
    column: str = "first name",
    region: str = "GB",
    raw: str = "",
    file: str = "",
) -> RejectCode:
    return RejectCode(code, Scope.CELL, meaning, example, remedy, column, region, raw, file)


def _row(
    code: str, meaning: str, example: str, remedy: str, *, raw: str = "", file: str = "", fixable: bool = True
) -> RejectCode:
    return RejectCode(code, Scope.ROW, meaning, example, remedy, raw=raw, file=file, fixable=fixable)


def _value(code: str, meaning: str, example: str, remedy: str, *, column: str) -> RejectCode:
    return RejectCode(code, Scope.NOTHING, meaning, example, remedy, column)


_DIGESTS = "email,phone_sha256\n" + 19 * f"ann@example.com,{64 * 'a'}\n"

_CODES = (
    _row("blank_row", "The record holds nothing.", ",,", "Nothing to do; delete the empty line if it disturbs.", fixable=False),
    _row(
        "preamble",
        "The record stands before the header or the first customer.",
        "Customer export, May",
        "Nothing to do.",
        file="Customer export, May\nemail,phone,last name\nann@example.com,020 7946 0001,Lee\n",
        fixable=False,
    ),
    _row("totals_row", "The record is a total, not a customer.", "Total,1500,", "Nothing to do.", fixable=False),
    _row(
        "repeated_header",
        "The header stands there again, as in exports put one behind the other.",
        "email,phone,last name",
        "Nothing to do.",
    ),
    _row("row_short", "The record has fewer cells than the header.", "ann@example.com", "Add the missing delimiters."),
    _row(
        "row_long", "The record has more cells than the header.", "ann@example.com,,Lee,x", "Quote cells that hold the delimiter."
    ),
    _row("unclosed_quote", "A quoted cell never ends.", 'ann@example.com,,"Lee', "Close the quote, or remove it."),
    _row(
        "bad_json",
        "The line is no JSON object.",
        '{"email": "ann@exam',
        "Write one whole object a line.",
        file='{"email": "ann@exam\n{"email": "ann@example.com"}\n',
    ),
    _row(
        "field_too_long",
        "A cell is longer than 65,536 characters, or the record than 1,048,576.",
        "aaaa…",
        "Shorten the cell; an unclosed quote can cause it.",
        raw="ann@example.com,," + 65_537 * "a",
        fixable=False,
    ),
    _row(
        "no_identifier", "Neither a valid e-mail nor a valid phone is left.", ",,Lee", "Add an e-mail address or a phone number."
    ),
    _value(
        "blank", "The cell is empty: a missing value, never hashed, not counted as dropped.", "  ", "Nothing to do.", column="FN"
    ),
    _cell("nul_byte", "The cell holds a NUL character.", "ann\\0@example.com", "Export the file again as text.", raw="Ann\0"),
    _cell(
        "bad_encoding",
        "The cell holds bytes that are no text in the file's encoding, or half a character.",
        "Jos\\xff",
        "Export as UTF-8, or name the right encoding with --encoding.",
        raw="Jos\udcff",
    ),
    _cell(
        "spreadsheet_error",
        "The cell holds a spreadsheet's error or 'not available'.",
        "#N/A",
        "Fill in the value, or leave it empty.",
    ),
    _cell(
        "formula",
        "The cell holds a formula, not its value.",
        "=VLOOKUP(A2,B:C,2)",
        "Replace formulas by their values, then export again.",
    ),
    _cell(
        "nested_value",
        "The cell holds a list or an object where one value is expected.",
        '["Ann", "Lee"]',
        "Give one value a cell.",
        file='{"email": "ann@example.com", "first name": ["Ann", "Lee"]}\n',
    ),
    _cell(
        "looks_hashed",
        "The cell holds a digest where clear text is expected.",
        "f1904cf1a9d7…",
        "Give clear text, or hash the whole column.",
        column="phone",
        raw=64 * "f",
    ),
    _cell(
        "not_a_hash",
        "The column holds SHA-256 digests, and this cell is none.",
        "07911 123456",
        "Hash the cell, or give the whole column in clear.",
        column="phone_sha256",
        file=_DIGESTS + "ann@example.com,07911 123456\n",
    ),
    _cell("email_no_at", "The e-mail address has no @.", "ann.example.com", "Write name@domain.", column="email"),
    _cell(
        "email_invalid",
        "The e-mail address cannot exist.",
        "ann@@example.com",
        "Write one address as name@domain.tld.",
        column="email",
    ),
    _cell(
        "email_too_long",
        "The e-mail address is longer than 254 characters, or its name part than 64.",
        "aaaa…@example.com",
        "Shorten it.",
        column="email",
        raw=65 * "a" + "@example.com",
    ),
    _cell(
        "phone_is_email",
        "The phone cell holds an e-mail address.",
        "ann@example.com",
        "Put it in the e-mail column.",
        column="phone",
    ),
    _cell(
        "phone_scientific",
        "A spreadsheet rounded the phone number; digits are lost.",
        "4.47911E+11",
        "Format the column as text and export again.",
        column="phone",
    ),
    _cell(
        "phone_letters",
        "The phone cell holds letters that are no vanity number.",
        "07911 12345O",
        "Write digits only.",
        column="phone",
    ),
    _cell("phone_too_short", "The phone number has too few digits.", "12345", "Add the area or country code.", column="phone"),
    _cell(
        "phone_too_long",
        "The phone number has too many digits.",
        "0791112345678901234",
        "Give one number a cell.",
        column="phone",
    ),
    _cell(
        "phone_placeholder",
        "The phone number is a filler.",
        "+1 000 000 0000",
        "Ask the customer for the number.",
        column="phone",
    ),
    _cell(
        "phone_invalid",
        "No numbering plan knows such a number, read in the row's country and with a country code.",
        "01632 0011",
        "Write it with + and country code, or check the row's country and --region.",
        column="phone",
    ),
    _cell(
        "phone_ambiguous",
        "The number is valid both as a national one and with a country code, and the column does not tell which.",
        "4915112345678",
        "Write it with a plus sign and country code.",
        column="phone",
        region="DE",
    ),
    _cell(
        "gender_unknown", "The gender is neither male nor female; Meta takes only these.", "x", "Leave it empty.", column="gender"
    ),
    _cell(
        "birth_year_invalid", "The birth year is no four-digit year from 1900 to now.", "85", "Write YYYY.", column="birth year"
    ),
    _cell("birth_month_invalid", "The birth month is not 1 to 12.", "13", "Write MM.", column="birth month"),
    _cell("birth_day_invalid", "The birth day is not 1 to 31.", "32", "Write DD.", column="day of birth"),
    _cell("birth_date_invalid", "The date of birth cannot be read.", "31085", "Write YYYY-MM-DD.", column="date of birth"),
    _cell("no_letters", "The name, city or state holds no letter.", "---", "Fill in the value, or leave it empty."),
    _cell(
        "name_not_split",
        "The full name cannot be split safely into first and last name.",
        "Ann",
        "Give first and last name in columns of their own.",
        column="full name",
    ),
    _cell(
        "state_unknown", "No such state of the United States.", "Nowhere", "Use the two-letter code.", column="state", region="US"
    ),
    _cell(
        "zip_invalid",
        "No postal code of the row's country looks like this.",
        "ABC",
        "Check the postal code and the row's country.",
        column="zip",
    ),
    _cell(
        "country_unknown",
        "No country by this name or code.",
        "Neverland",
        "Use the two-letter ISO code, such as GB.",
        column="country",
    ),
    _value(
        "madid_invalid",
        "The mobile advertiser id is no UUID.",
        "1234",
        "Give it as 8-4-4-4-12 hexadecimal digits.",
        column="MADID",
    ),
)

REGISTRY = {entry.code: entry for entry in _CODES}
"""Every reject code, rows first."""

REFUSALS = {
    "file_not_found": "The file is not there.",
    "file_unreadable": "The file cannot be opened or read.",
    "not_text": "The file is an XLS, PDF, image, HTML, JSON or other file that holds no table, or an archive in an archive.",
    "several_files": "The zip file holds more than one file.",
    "encrypted_file": "The file is behind a password.",
    "damaged_file": "A gzip, zip, XLSX or Parquet file breaks off or contradicts itself.",
    "too_large": "The file unpacks to too much: more than GUESTLIST_LIST_MAX_UNPACKED, 200 times its size, or fits in memory.",
    "empty_file": "The file holds no record.",
    "header_only": "The file ends after its header.",
    "no_usable_column": "No column holds e-mail addresses or phone numbers.",
    "too_many_columns": "A record has more than 2,000 cells.",
    "unknown_region": "The region is no ISO 3166-1 alpha-2 code with a numbering plan.",
    "unknown_encoding": "The encoding named is none of those Guestlist reads.",
    "wrong_encoding": "The file is not in the encoding named.",
    "unknown_sheet": "The workbook has no sheet of the name or number given, or none with a table.",
    "bad_delimiter": "The delimiter named is not one character, or a quote, letter, digit or line end.",
    "unknown_column": "The mapping names a column the file does not have.",
    "unknown_key": "The mapping names a key that does not exist.",
    "column_mapped_twice": "The mapping gives one column two keys.",
    "fixes_columns": "The corrected file has other columns than the customer file.",
    "fixes_row": "A row of the corrected file has no number, or the number of another one.",
    "fixes_too_many": "There are more than 100,000 corrected rows.",
    "fixes_unknown_row": "The customer file has no row of a corrected row's number.",
    "file_changed": "The customer file changed while it was read.",
    "key_mapped_twice": "The mapping gives several columns a key that takes one.",
}
"""Codes of `ListError`: nothing of the file can be used."""
