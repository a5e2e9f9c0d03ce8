"""What the first bytes and lines of a file tell: is it packed, is it text at all, with which delimiter?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guestlist.errors import ListError

from .containers import encrypted
from .records import find_width

DELIMITERS = (",", ";", "\t", "|", "^", "~")
"""What is looked for. Any other single character can be named."""

SAMPLE_LINES = 1_000
_MAGIC = (
    (b"%PDF", "PDF", "Export the list as CSV."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS workbook", "Save the sheet as XLSX or CSV UTF-8."),
    (b"\x89PNG\r\n", "PNG image", "Export the list as CSV."),
    (b"\xff\xd8\xff", "JPEG image", "Export the list as CSV."),
    (b"GIF8", "GIF image", "Export the list as CSV."),
    (b"BZh", "bzip2", "Unpack it first."),
    (b"\xfd7zXZ\0", "xz", "Unpack it first."),
    (b"7z\xbc\xaf'\x1c", "7-Zip", "Unpack it first."),
    (b"Rar!\x1a", "RAR", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "zstd", "Unpack it first."),
    (b"SQLite format 3\0", "SQLite", "Export the table as CSV."),
    (b"{\\rtf", "RTF", "Save it as plain text."),
)
_PACKED = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"PAR1", "parquet"))
_OFFICE = (
    ("xl/workbook.bin", "XLSB workbook", "Save the sheet as XLSX or CSV UTF-8."),
    ("word/document.xml", "Word document", "Export the list as CSV."),
    ("ppt/presentation.xml", "PowerPoint file", "Export the list as CSV."),
    ("content.xml", "OpenDocument file", "Save the sheet as XLSX or CSV UTF-8."),
    ("Index/Document.iwa", "Numbers document", "Export the table as CSV."),
)
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
_SEP_LINE = re.compile(r'"?sep=(.)"?[ ,;\t]*', re.IGNORECASE)


def find_kind(head: bytes) -> str:
    """`gzip`, `zip`, `parquet`, or "" for what may be text, by the first bytes, whatever the file is called."""
    return next((kind for magic, kind in _PACKED if head.startswith(magic)), "")


def is_workbook(names: Sequence[str]) -> bool:
    """Whether a zip file with these parts is a workbook. Errors: ListError `not_text` for other office documents."""
    for part, name, remedy in _OFFICE:
        if part in names:
            raise refuse(name, remedy)
    return any(name.lower() == "xl/workbook.xml" or name.lower().startswith("xl/worksheets/") for name in names)


def check_text(head: bytes) -> None:
    """Refuses what is no text by its first bytes. Errors: ListError `empty_file`, `not_text`, `encrypted_file`."""
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise ListError("The file is empty.", code="empty_file", remedy="Export the list again.")
    if head.startswith(_MAGIC[1][0]) and _LOCKED in head:
        raise encrypted("XLSX")
    for magic, name, remedy in _MAGIC:
        if head.startswith(magic):
            raise refuse(name, remedy)
    if _MARKUP.match(head):
        raise refuse("HTML or XML page", "Export the list as CSV.")


def refuse(name: str, remedy: str) -> ListError:
    """The error of a file that is something else."""
    return ListError(f"The file is a {name} file, not a list that can be read.", code="not_text", remedy=remedy, found=name)


def find_sep_line(line: str) -> str | None:
    """The delimiter Excel's `sep=;` line names, or None when the line is no such line."""
    found = _SEP_LINE.fullmatch(line)
    return found[1] if found else None


def find_delimiter(lines: Sequence[str]) -> str:
    """The character that splits most lines into the same number of cells, more cells winning among equals; else a comma."""
    best, best_score = ",", (0.5, 1)
    for delimiter in DELIMITERS:
        width, share = find_width(lines[:SAMPLE_LINES], delimiter)
        if width > 1 and (round(share, 1), width) > best_score:
            best, best_score = delimiter, (round(share, 1), width)
    return best


def check_delimiter(delimiter: str) -> str:
    """The delimiter, if it can be one; `\\t` and `tab` mean a tab. Errors: ListError `bad_delimiter`."""
    named = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}.get(
        delimiter.lower(), delimiter
    )
    if len(named) != 1 or named.isalnum() or named in '"\r\n\0@+.':
        raise ListError(
            "The delimiter must be one character that occurs in no value.", code="bad_delimiter", remedy="Name it, such as ';'."
        )
    return named
