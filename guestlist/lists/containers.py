"""What a file comes in: plain, in gzip, or alone in a zip. Unpacked piece by piece up to a cap, in memory, never to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import struct
import weakref
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO

from guestlist.errors import ListError

PIECE = 262_144
"""Bytes read at a time; also what encoding, delimiter and line ends are judged by."""

MAX_UNPACKED = 4 * 1024**3
"""Bytes a packed file may unpack to, unless the operator says otherwise."""

MAX_RATIO = 200
"""Times its own size a packed file may unpack to, once it has unpacked to `RATIO_FROM` bytes."""

RATIO_FROM = 64 * 1024**2

MAX_HELD = 256 * 1024**2
"""Bytes held in memory of a file that must be whole to be read, and cannot be sought in where it is."""

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error, ValueError, OverflowError)
"""What the unpackers of the standard library raise on damaged files."""

_SIDE_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db")


class ByteSource:
    """Bytes in pieces. The first piece can be looked at before it is read."""

    def __init__(self) -> None:
        self._ahead = b""

    def look(self) -> bytes:
        """The first piece. It will be read again."""
        self._ahead = self._ahead or self._take(PIECE)
        return self._ahead

    def read(self, size: int = PIECE) -> bytes:
        """At most so many bytes; empty at the end. Errors: ListError `file_unreadable`, `damaged_file`, `too_large`."""
        if not self._ahead:
            return self._take(size)
        part, self._ahead = self._ahead[:size], self._ahead[size:]
        return part

    def whole(self) -> BinaryIO:
        """All of it, to seek in. Errors: ListError `too_large`."""
        held = io.BytesIO()
        while piece := self.read():
            held.write(piece)
            if held.tell() > MAX_HELD:
                raise ListError(
                    f"The file is larger than {MAX_HELD:,} bytes and must be held in memory to be read this way.",
                    code="too_large",
                    remedy="Give the unpacked file by its path, or save it as CSV.",
                )
        held.seek(0)
        return held

    def _take(self, size: int) -> bytes:
        raise NotImplementedError


class Original(ByteSource):
    """The file as it came. What is read of it is counted and hashed."""

    def __init__(self, source: Path | BinaryIO) -> None:
        """Opens it. Errors: ListError `file_not_found`, `file_unreadable`."""
        super().__init__()
        self._stream = _open(source)
        self._owned = isinstance(source, Path)
        if self._owned:  # closed, too, where the file is prepared and then never read
            weakref.finalize(self, self._stream.close)
        self._digest = hashlib.sha256()
        self._seekable = self._stream.seekable() and self._stream.tell() == 0
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of the bytes read so far, lowercase hex."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Closes what was opened here."""
        if self._owned:
            self._stream.close()

    def whole(self) -> BinaryIO:
        """All of it, to seek in, counted and hashed: the file itself where that can be sought in."""
        if not self._seekable:
            return super().whole()
        while self.read():
            pass
        self._stream.seek(0)
        return self._stream

    def _take(self, size: int) -> bytes:
        """The next piece, full but for the last, so that pipes and files are judged alike."""
        parts, wanted = [], size
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


class Expansion:
    """Counts what a packed file unpacks to, over all its parts, and stops it at the caps."""

    def __init__(self, original: Original, most: int) -> None:
        self._original = original
        self._most = most
        self._unpacked = 0

    def add(self, size: int) -> None:
        """So many bytes more. Errors: ListError `too_large` naming the cap and the setting."""
        self._unpacked += size
        if self._unpacked > self._most:
            raise too_large(f"unpacks to more than {self._most:,} bytes")
        if self._unpacked > RATIO_FROM and self._unpacked > MAX_RATIO * self._original.size:
            raise ListError(
                f"The file unpacks to more than {MAX_RATIO} times its size.",
                code="too_large",
                remedy="Such a file is rarely a list. If this one is, unpack it yourself and give what was in it.",
            )


def too_large(what: str) -> ListError:
    """The error of a file beyond the cap that the operator sets."""
    return ListError(
        f"The file {what}.",
        code="too_large",
        remedy="Split the list, or raise GUESTLIST_LIST_MAX_UNPACKED.",
    )


class Unpacked(ByteSource):
    """What comes out of a packed file."""

    def __init__(self, stream: IO[bytes], expansion: Expansion, name: str) -> None:
        super().__init__()
        self._stream = stream
        self._expansion = expansion
        self._name = name

    def _take(self, size: int) -> bytes:
        parts, wanted = [], size
        try:
            while wanted and (part := self._stream.read(wanted)):
                parts.append(part)
                wanted -= len(part)
                self._expansion.add(len(part))
        except DAMAGE as error:
            raise damaged(self._name) from error
        return b"".join(parts)


def damaged(name: str) -> ListError:
    """The error of a file that breaks off or holds nonsense. Nothing of it is used, because nobody knows what is missing."""
    return ListError(
        f"The file is a damaged {name} file: it breaks off, or its parts contradict one another.",
        code="damaged_file",
        remedy="Export or copy it again. Nothing of it was used.",
    )


def open_gzip(original: ByteSource, expansion: Expansion) -> Unpacked:
    """What the gzip file holds, all its members one after the other."""
    return Unpacked(gzip.GzipFile(fileobj=original, mode="rb"), expansion, "gzip")  # type: ignore[call-overload]


def open_archive(stream: BinaryIO) -> zipfile.ZipFile:
    """A zip file, which a workbook is too. Errors: ListError `damaged_file`."""
    try:
        return zipfile.ZipFile(stream)
    except (*DAMAGE, NotImplementedError) as error:
        raise damaged("zip") from error


def open_only_file(archive: zipfile.ZipFile, expansion: Expansion) -> Unpacked:
    """The one file in a zip. Errors: ListError `several_files` naming them, `empty_file`, and those of `open_part`."""
    files = [item for item in archive.infolist() if not item.is_dir() and not _is_side_file(item.filename)]
    if not files:
        raise ListError("The file is a zip file without a file in it.", code="empty_file", remedy="Export the list again.")
    if len(files) > 1:
        names = ", ".join(repr(_printable(item.filename)) for item in files[:10])
        more = f" and {len(files) - 10} more" if len(files) > 10 else ""
        raise ListError(
            f"The file is a zip file with {len(files)} files: {names}{more}.",
            code="several_files",
            remedy="Unpack it and give each list by itself.",
        )
    return open_part(archive, files[0], expansion, "zip")


def open_part(archive: zipfile.ZipFile, item: zipfile.ZipInfo, expansion: Expansion, name: str) -> Unpacked:
    """One part of an archive. Errors: ListError `encrypted_file`, `damaged_file`."""
    if item.flag_bits & 1:
        raise encrypted(name)
    try:
        return Unpacked(archive.open(item), expansion, name)
    except (*DAMAGE, NotImplementedError, RuntimeError) as error:
        raise damaged(name) from error


def encrypted(name: str) -> ListError:
    """The error of a file behind a password."""
    return ListError(
        f"The file is an encrypted {name} file.",
        code="encrypted_file",
        remedy="Take the password off: open it, and save or pack it again without one.",
    )


def _is_side_file(name: str) -> bool:
    return name.startswith(_SIDE_FILES[0]) or name.rpartition("/")[2] in _SIDE_FILES[1:]


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:80])
