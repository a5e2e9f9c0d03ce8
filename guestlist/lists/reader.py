"""Bytes to lines: the file is read once, in pieces, hashed on the way, decoded and cut at its line ends."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from guestlist.errors import ListError

from .records import MAX_LINE
from .sniffing import check_text, find_bom, find_eight_bit, find_encoding

PIECE = 262_144
"""Bytes read at a time; also what encoding, delimiter and line ends are judged by."""


class FileReader:
    """A file as blocks of lines. `sha256` and `size` are complete when the lines are."""

    def __init__(self, source: Path | BinaryIO, encoding: str | None = None) -> None:
        """Opens the file and looks at its first bytes. Errors: ListError when it cannot be opened or is no text."""
        self._digest = hashlib.sha256()
        self.size = 0
        self._stream = _open(source)
        self._owned = isinstance(source, Path)
        try:
            self._head = self._read()
            check_text(self._head)
        except ListError:
            self.close()
            raise
        self._bom = find_bom(self._head)
        found = encoding or find_encoding(self._head)
        self._undecided = found == "ascii"
        self.encoding = "utf-8" if self._undecided else found

    @property
    def sha256(self) -> str:
        """Of the bytes read so far, lowercase hex."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Closes what this reader opened."""
        if self._owned:
            self._stream.close()

    def blocks(self) -> Iterator[list[str]]:
        """The lines without their ends, in blocks. Closes the file at its end. Errors: ListError when reading fails."""
        texts = self._texts()
        first = next(texts, "")
        cut = _LineCutter(cr_ends=_has_cr_ends(first))
        try:
            yield cut.feed(first)
            for text in texts:
                yield cut.feed(text)
            yield cut.end()
        finally:
            self.close()

    def _read(self) -> bytes:
        """The next piece, full but for the last, so that pipes and files are judged alike."""
        parts, wanted = [], PIECE
        try:
            while wanted and (part := self._stream.read(wanted)):
                parts.append(part)
                wanted -= len(part)
        except OSError as error:
            raise ListError(
                "The file cannot be read to its end.", code="file_unreadable", remedy="Check the disk, then try again."
            ) from error
        piece = b"".join(parts)
        self._digest.update(piece)
        self.size += len(piece)
        return piece

    def _texts(self) -> Iterator[str]:
        """The file decoded. Bytes that are no text become U+FFFD, which costs their cell."""
        marked, length = self._bom
        piece = self._head[length:] if marked == self.encoding else self._head
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        while piece:
            if self._undecided and not piece.isascii():
                self._undecided = False
                self.encoding = find_eight_bit(piece)
                decoder = codecs.getincrementaldecoder(self.encoding)("replace")
            yield self._decode(decoder, piece)
            piece = self._read()
        yield self._decode(decoder, b"", final=True)

    def _decode(self, decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> str:
        """A piece as text. Some encodings refuse a file whatever is replaced: UTF-16 without its byte order mark does."""
        try:
            return decoder.decode(piece, final)
        except UnicodeError:
            raise ListError(
                f"The file is not {self.encoding} text.",
                code="wrong_encoding",
                remedy="Leave the encoding out and it is found, or name the right one, such as utf-16-le or windows-1252.",
            ) from None


def _open(source: Path | BinaryIO) -> BinaryIO:
    if not isinstance(source, Path):
        return source
    try:
        return source.open("rb")
    except FileNotFoundError as error:
        raise ListError(f"There is no file {source.name!r}.", code="file_not_found", remedy="Check the path.") from error
    except OSError as error:
        why = "it is a folder" if source.is_dir() else (error.strerror or "unknown reason").lower()
        raise ListError(
            f"{source.name!r} cannot be opened: {why}.", code="file_unreadable", remedy="Name a readable file."
        ) from error


def _has_cr_ends(text: str) -> bool:
    """Whether lines end in a lone CR, as old Mac exports do; else a lone CR is just a character."""
    pairs = text.count("\r\n")
    return text.count("\r") - pairs > text.count("\n")


class _LineCutter:
    """Cuts text at line ends, keeping what is not ended yet, of which it holds a little over a megabyte at most."""

    def __init__(self, *, cr_ends: bool) -> None:
        self._cr_ends = cr_ends
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """The lines that end in this text."""
        text = self._rest + text
        held = "\r" if text.endswith("\r") else ""  # its LF may come with the next piece
        text = text.removesuffix("\r").replace("\r\n", "\n")
        if self._cr_ends:
            text = text.replace("\r", "\n")
        lines = text.split("\n")
        self._rest = lines.pop()[: MAX_LINE + 1] + held
        return lines

    def end(self) -> list[str]:
        """The last line, if the file does not end with a line end."""
        rest = self._rest.removesuffix("\r")
        ended_by_cr = self._cr_ends and self._rest.endswith("\r")
        return [rest] if rest or ended_by_cr else []
