"""Customer files in, payloads and rejects out: opened so that a mistake costs a sentence, not a file."""

from __future__ import annotations

import io
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from guestlist.errors import ListError, UsageError
from guestlist.lists.base import Key
from guestlist.lists.rejects_csv import RejectsWriter

STANDARD = Path("-")
HELD_MAX_BYTES = 256 * 1024**2
"""Standard input that must be read twice is held in memory: customer data is never written to disk in clear on the way."""

DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "colon": ":", "space": " "}
MAPPABLE = (*(key.value for key in Key), "FULL_NAME", "DOB", "ignore")


@contextmanager
def open_list(file: Path, max_bytes: int, *, twice: bool = False) -> Iterator[Path | BinaryIO]:
    """The file's path, or standard input as it comes; held in memory if it is read `twice`.

    What is wrong with the file itself, as found while it is open, is told with its name. Errors: ListError where it cannot
    be read or is too large; standard input may turn out so as it is read.
    """
    if file == STANDARD:
        with named("Standard input"):
            if sys.stdin.isatty():
                remedy = "Name a file, or pipe one in: … | guestlist lists check -"
                raise UsageError("Standard input is this terminal.", remedy=remedy)
            source = StandardInput(min(max_bytes, HELD_MAX_BYTES) if twice else max_bytes)
            yield io.BytesIO(source.read()) if twice else cast(BinaryIO, source)
        return
    if file.is_dir():
        raise ListError(f"{file} is a folder.", code="not_a_file", remedy="Name one customer file in it.")
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
    except FileNotFoundError as error:
        raise ListError(f"There is no file {file}.", code="file_not_found", remedy="Check the path.") from error
    except OSError as error:
        raise ListError(
            f"{file} cannot be read: {error.strerror}.", code="file_unreadable", remedy="Check its rights."
        ) from error
    if size > max_bytes:
        refuse_size(str(file), max_bytes)
    with named(str(file)):
        yield file


@contextmanager
def named(file: str) -> Iterator[None]:
    """Says "customers.csv is empty" where the list engine, which knows no names, says "The file is empty"."""
    try:
        yield
    except ListError as error:
        sentence = error.sentence.replace("The file", file, 1)
        raise ListError(sentence, code=error.code, remedy=error.remedy, **error.data) from error


class StandardInput(io.RawIOBase):
    """Standard input up to a size. Errors: ListError where there is more."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, or all there are."""
        content = sys.stdin.buffer.read(self._left + 1 if size < 0 else size)
        self._left -= len(content)
        if self._left < 0:
            refuse_size("Standard input", self._max_bytes)
        return content


def refuse_size(what: str, max_bytes: int) -> None:
    """Errors: ListError, always."""
    sentence = f"{what} is larger than {max_bytes:,} bytes."
    remedy = "Split it, give the file's path instead of a pipe, or raise GUESTLIST_LIST_MAX_BYTES."
    raise ListError(sentence, code="file_too_large", remedy=remedy)


def check_targets(file: Path, *targets: Path | None, fixes: Path | None = None) -> None:
    """Errors: UsageError where one file would be read and written, or written twice. `fixes` is read too."""
    real = [path.resolve() for path in (file, fixes, *targets) if path is not None and path != STANDARD]
    if len(set(real)) < len(real) or targets.count(STANDARD) > 1:
        raise UsageError("The same file is named twice.", remedy="Give each file of the command a name of its own.")


@contextmanager
def open_target(path: Path) -> Iterator[BinaryIO]:
    """Where data is written: standard output, or a file that appears whole, readable by its owner only, or not at all.

    Errors: UsageError where the place cannot be written.
    """
    if path == STANDARD:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    special = path.exists() and not path.is_file()  # a device or a named pipe is written as it is
    draft = path if special else path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        flags = os.O_WRONLY if special else os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.fdopen(os.open(draft, flags, 0o600), "wb")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", remedy="Choose another place.") from error
    try:
        with file:
            yield file
        if not special:
            draft.replace(path)
    finally:
        if not special:
            with suppress(FileNotFoundError):
                draft.unlink()


@contextmanager
def open_rejects(path: Path | None) -> Iterator[RejectsWriter]:
    """The rejects file, in CSV; without a path, a writer to nowhere."""
    with open_target(path or Path(os.devnull)) as target:
        text = io.TextIOWrapper(target, encoding="utf-8", newline="")
        try:
            yield RejectsWriter(text)
        finally:
            text.detach()  # writes what is left; the target closes the file


def parse_delimiter(text: str) -> str:
    """One character, also by name. Errors: UsageError."""
    delimiter = DELIMITERS.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {text!r} is no single character.", remedy=f"Give one, or a name: {', '.join(DELIMITERS)}.")
    return delimiter


def parse_mapping(pairs: Sequence[str]) -> Mapping[str, str]:
    """`["Tel=PHONE"]` as `{"Tel": "PHONE"}`; keys in any case. Errors: UsageError with the key that was probably meant."""
    mapping: dict[str, str] = {}
    spelled = {key.lower(): key for key in MAPPABLE}
    for pair in pairs:
        column, equals, word = pair.rpartition("=")
        if not equals or not column.strip():
            raise UsageError(f"--map {pair!r} is not COL=KEY.", remedy="Write it as Tel=PHONE, or 3=EMAIL for the third column.")
        key = spelled.get(word.strip().lower())
        if key is None:
            near = get_close_matches(word.strip().lower(), spelled, n=1)
            remedy = f"Did you mean {spelled[near[0]]}?" if near else f"Keys are {', '.join(MAPPABLE)}."
            raise UsageError(f"--map {pair!r} names no key.", remedy=remedy)
        mapping[engine_column(column.strip())] = key
    return mapping


def engine_column(column: str) -> str:
    """A column as the engine names it: people count from 1, the engine from 0. Errors: UsageError on column 0."""
    if not (column.isascii() and column.isdigit()):
        return column
    if int(column) == 0:
        raise UsageError("--map names column 0.", remedy="The first column is 1.")
    return str(int(column) - 1)
