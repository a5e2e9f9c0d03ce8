"""In which encoding a text is, by its first bytes: found where bytes leave no doubt, else guessed, which the report says."""

from __future__ import annotations

import codecs
import re

from guestlist.errors import ListError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is how it begins
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LATIN_WORD = re.compile(
    rb"(?:[A-Za-z][\x8a\x8c\x8e\x9a\x9c\x9e\xc0-\xd6\xd8-\xf6\xf8-\xfd]|[\xc0-\xd6\xd8-\xde][a-z])(?![^\s,;|\"]*@)"
)
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_IN_LATIN_WORD = re.compile(rb"[A-Za-z][\x80-\xff]+|[\x80-\xff]+[A-Za-z]")

_FOREIGN = re.compile(
    rb"[\x80-\xff]{3,}"
    rb"|(?<![A-Za-z\x80-\xff])[\x80-\xff]{2}(?![A-Za-z\x80-\xff])"
    rb"|[\x81\x8d\x8f\x90\x9d]"
    rb"|[a-z][\xc0-\xd6\xd8-\xde\x80\x8a\x8c\x8e](?![A-Z])"
    rb"|[\xa1-\xbf][a-z]"
)
"""What Windows-1252 hardly ever holds: three accented letters in a row or two alone, what it has no letter for, capitals at the
end of a word, signs within one."""

_ENOUGH_TO_GUESS = 12
"""Bytes above 127 from which a guess at other encodings is worth more than a coin."""

_LATIN = {"cp1250": "windows-1250", "mac_roman": "mac-roman", "cp1252": "windows-1252"}
_OTHER_SCRIPTS = {
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp932": "shift_jis",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc_kr": "euc_kr",
}
"""What is guessed at, as the library names it and as reports do."""


def find_bom(head: bytes) -> tuple[str | None, int]:
    """The encoding a byte order mark names, and its length in bytes."""
    return next(((encoding, len(bom)) for bom, encoding in _BOMS if head.startswith(bom)), (None, 0))


def find_encoding(head: bytes) -> str:
    """The likeliest encoding by byte order mark, NUL pattern and byte sequences.

    `ascii` where no byte above 127 occurs: the caller looks again once one does.
    """
    if (marked := find_bom(head)[0]) is not None:
        return marked
    if len(head) >= 4 and (wide := _find_wide(head[:4096])) is not None:
        return wide
    return "ascii" if head.isascii() else find_eight_bit(head)


def _find_wide(head: bytes) -> str | None:
    """UTF-32 or UTF-16 without mark: bytes are zero at fixed places, and hardly ever at the others."""
    zeros = [head[place::4].count(0) / len(head[place::4]) for place in range(4)]
    if min(zeros[2:]) > 0.9 and zeros[0] < 0.1:
        return "utf-32-le"
    if min(zeros[:2]) > 0.9 and zeros[3] < 0.1:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if odd > 0.3 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 and odd < 0.1 else None


def find_eight_bit(data: bytes) -> str:
    """The encoding of bytes with some above 127: UTF-8, Windows-1252, or where neither reads well a guess at others.

    UTF-8 where its sequences are no fewer than the strays, or at least a fifth while the strays stand alone, as in files
    joined of both: what strays then costs its cell, visibly. Windows-1252 where the strays read as accented letters in words
    (those of an e-mail address tell nothing).
    """
    sequences = len(_MULTIBYTE.findall(data))
    rest = _MULTIBYTE.sub(b" ", data)
    strays = _count_high(rest[:-3])  # a sequence may be cut at the end
    if sequences and (strays <= sequences or (strays <= 4 * sequences and 5 * len(_ALONE.findall(rest)) > 4 * strays)):
        return "utf-8"
    high = _count_high(data)
    if high >= _ENOUGH_TO_GUESS and 8 * sum(map(len, _FOREIGN.findall(data))) > high:
        return _guess(data, high)
    return "windows-1252" if _LATIN_WORD.search(rest) else "utf-8"


def _count_high(data: bytes) -> int:
    return len(data.translate(None, bytes(range(128))))


def _guess(data: bytes, high: int) -> str:
    """The library's guess by the lines that hold such bytes, or Windows-1252 where it finds none that reads well."""
    import logging

    from charset_normalizer import from_bytes  # late: hardly any list needs it

    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    telling = b"\n".join(line for line in data.splitlines() if not line.isascii())[:65_536]
    in_words = sum(map(_count_high, _IN_LATIN_WORD.findall(data)))
    candidates = {**_OTHER_SCRIPTS, **(_LATIN if 5 * in_words > high else {})}
    best = from_bytes(telling, cp_isolation=list(candidates), threshold=0.15).best()
    return candidates.get(best.encoding, "windows-1252") if best is not None else "windows-1252"


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
