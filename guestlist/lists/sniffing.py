"""What the first bytes of a file tell: is it text at all, in which encoding, with which line ends and delimiter?"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from guestlist.errors import ListError

from .records import find_width

DELIMITERS = (",", ";", "\t", "|", "^", "~")
"""What is looked for. Any other single character can be named."""

SAMPLE_LINES = 1_000
_MAGIC = (
    (b"\x1f\x8b", "gzip", "Unpack it first."),
    (b"%PDF", "PDF", "Export the list as CSV."),
    (b"PAR1", "Parquet", "Export the list as CSV."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS workbook", "Save the sheet as CSV UTF-8."),
    (b"\x89PNG\r\n", "PNG image", "Export the list as CSV."),
    (b"\xff\xd8\xff", "JPEG image", "Export the list as CSV."),
    (b"BZh", "bzip2", "Unpack it first."),
    (b"\xfd7zXZ\0", "xz", "Unpack it first."),
    (b"7z\xbc\xaf'\x1c", "7-Zip", "Unpack it first."),
    (b"Rar!\x1a", "RAR", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "zstd", "Unpack it first."),
    (b"SQLite format 3\0", "SQLite", "Export the table as CSV."),
    (b"{\\rtf", "RTF", "Save it as plain text."),
)
_MARKUP = re.compile(rb"\s*(?:(<(?:!doctype|html|\?xml)\b)|([\[{]\s*[\"{\[]))", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SEP_LINE = re.compile(r'"?sep=(.)"?[ ,;\t]*', re.IGNORECASE)


def check_text(head: bytes) -> None:
    """Refuses what is no delimited text by its first bytes, whatever its name. Errors: ListError `empty_file`, `not_text`."""
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise ListError("The file is empty.", code="empty_file", remedy="Export the list again.")
    if head.startswith(b"PK\x03\x04"):
        workbook = b"[Content_Types].xml" in head[:4096] or b"xl/" in head
        raise _refuse(*(("XLSX workbook", "Save the sheet as CSV UTF-8.") if workbook else ("zip", "Unpack it first.")))
    for magic, name, remedy in _MAGIC:
        if head.startswith(magic):
            raise _refuse(name, remedy)
    if markup := _MARKUP.match(head):
        raise _refuse("HTML or XML page" if markup[1] else "JSON", "Export the list as CSV.")


def _refuse(name: str, remedy: str) -> ListError:
    return ListError(f"The file is a {name} file, not a delimited text.", code="not_text", remedy=remedy, found=name)


def find_bom(head: bytes) -> tuple[str | None, int]:
    """The encoding a byte order mark names, and its length in bytes."""
    return next(((encoding, len(bom)) for bom, encoding in _BOMS if head.startswith(bom)), (None, 0))


def find_encoding(head: bytes) -> str:
    """The likeliest of utf-8, windows-1252, utf-16-le and utf-16-be, by byte order mark, NUL pattern and byte sequences.

    `ascii` where no byte above 127 occurs: the caller looks again once one does.
    """
    if (marked := find_bom(head)[0]) is not None:
        return marked
    if len(head) >= 4 and (wide := _find_utf16(head)) is not None:
        return wide
    return "ascii" if head.isascii() else find_eight_bit(head)


def _find_utf16(head: bytes) -> str | None:
    """UTF-16 without mark: at least a third of every second byte is zero, and hardly any of the others."""
    even, odd = head[0:4096:2], head[1:4096:2]
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros_odd > 0.3 and zeros_even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if zeros_even > 0.3 and zeros_odd < 0.1 else None


_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LATIN_WORD = re.compile(
    rb"(?:[A-Za-z][\x8a\x8c\x8e\x9a\x9c\x9e\xc0-\xd6\xd8-\xf6\xf8-\xfd]|[\xc0-\xd6\xd8-\xde][a-z])(?![^\s,;|\"]*@)"
)


def find_eight_bit(data: bytes) -> str:
    """`utf-8` or `windows-1252` for bytes with some above 127.

    UTF-8 where its sequences are no fewer than the strays, or where the strays do not read as accented letters in words
    (those of an e-mail address tell nothing): then the odd byte costs its cell, not every accent of the file.
    """
    sequences = len(_MULTIBYTE.findall(data))
    rest = _MULTIBYTE.sub(b" ", data)
    strays = sum(byte > 127 for byte in rest[:-3])  # a sequence may be cut at the end
    if sequences and strays <= sequences:
        return "utf-8"
    return "windows-1252" if _LATIN_WORD.search(rest) else "utf-8"


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


_READABLE = {
    "ascii": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "cp1252": "windows-1252",
    "latin-1": "windows-1252",
    "iso8859-1": "windows-1252",
}


def check_encoding(encoding: str) -> str:
    """The codec's name as reports show it. Errors: ListError `unknown_encoding`."""
    try:
        info = codecs.lookup(encoding)
        "a".encode(info.name)
        text = info._is_text_encoding
    except (LookupError, UnicodeError, TypeError, ValueError):
        text = False
    if not text:
        raise ListError(
            f"{encoding[:40]!r} is no text encoding.",
            code="unknown_encoding",
            remedy="Name one such as utf-8, utf-16 or windows-1252.",
        )
    return _READABLE.get(info.name, info.name)
