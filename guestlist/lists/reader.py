"""Bytes to lines: the file is read once, in pieces, hashed on the way, unpacked, decoded and cut at its line ends."""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from guestlist.errors import ListError

from .containers import MAX_UNPACKED, ByteSource, Expansion, Original, open_archive, open_gzip, open_only_file
from .encodings import find_bom, find_eight_bit, find_encoding
from .records import MAX_LINE
from .sniffing import check_text, find_kind, is_workbook, refuse

BOM = "\ufeff"


class FileReader:
    """A file as blocks of lines; where it holds no text, as what `archive` (a workbook) or `parquet` reads.

    `container` is "gzip", "zip" or "". `sha256` and `size` are those of the file as it came, complete when it is read.
    """

    def __init__(self, source: Path | BinaryIO, encoding: str | None = None, *, max_unpacked: int = MAX_UNPACKED) -> None:
        """Opens the file and looks at its first bytes. Errors: ListError when it cannot be opened or is no list."""
        self._original = Original(source)
        self.expansion = Expansion(self._original, max_unpacked)
        self.max_unpacked = max_unpacked
        self.container = ""
        self.archive: zipfile.ZipFile | None = None
        self.parquet: BinaryIO | None = None
        try:
            self._bytes = self._unwrap(self._original)
            self._head = b""
            if self.archive is None and self.parquet is None:
                self._head = self._bytes.read()
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
        return self._original.sha256

    @property
    def size(self) -> int:
        """Bytes read so far."""
        return self._original.size

    def close(self) -> None:
        """Closes what this reader opened."""
        self._original.close()

    def blocks(self) -> Iterator[list[str]]:
        """The lines without their ends, in blocks. Errors: ListError when reading fails."""
        texts = self._texts()
        first = next(texts, "")
        cut = _LineCutter(cr_ends=_has_cr_ends(first))
        yield cut.feed(first)
        for text in texts:
            yield cut.feed(text)
        yield cut.end()

    def _unwrap(self, source: ByteSource) -> ByteSource:
        """What is in the file, taken out of one container at most. Errors: ListError."""
        kind = find_kind(source.look())
        if kind == "parquet":
            self.parquet = source.whole()
            return source
        if kind == "zip":
            archive = open_archive(source.whole())
            if is_workbook(archive.namelist()):
                self.archive = archive
                return source
            unpacked = open_only_file(archive, self.expansion)
        elif kind == "gzip":
            unpacked = open_gzip(source, self.expansion)
        else:
            return source
        if self.container:
            raise refuse(f"{kind} file in a {self.container}", "Unpack it first.")
        self.container = kind
        return self._unwrap(unpacked)

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
            piece = self._bytes.read()
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


def _has_cr_ends(text: str) -> bool:
    """Whether lines end in a lone CR, as old Mac exports do; else a lone CR is just a character."""
    pairs = text.count("\r\n")
    return text.count("\r") - pairs > text.count("\n")


class _LineCutter:
    """Cuts text at line ends, keeping what is not ended yet, of which it holds a little over a megabyte at most.

    Byte order marks at the start of a line come off: files put one behind the other have them in the middle.
    """

    def __init__(self, *, cr_ends: bool) -> None:
        self._cr_ends = cr_ends
        self._rest = ""
        self._marked = False

    def feed(self, text: str) -> list[str]:
        """The lines that end in this text."""
        if len(self._rest) > MAX_LINE and "\n" not in text and "\r" not in text and self._rest[-1] != "\r":
            return []  # an endless line: what is held of it shows already that it is too long
        self._marked = self._marked or BOM in text
        text = self._rest + text
        held = "\r" if text.endswith("\r") else ""  # its LF may come with the next piece
        text = text.removesuffix("\r").replace("\r\n", "\n")
        if self._cr_ends:
            text = text.replace("\r", "\n")
        lines = text.split("\n")
        self._rest = lines.pop()[: MAX_LINE + 1] + held
        return [line.lstrip(BOM) for line in lines] if self._marked else lines

    def end(self) -> list[str]:
        """The last line, if the file does not end with a line end."""
        rest = self._rest.removesuffix("\r").lstrip(BOM)
        ended_by_cr = self._cr_ends and self._rest.endswith("\r")
        return [rest] if rest or ended_by_cr else []
