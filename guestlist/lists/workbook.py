"""XLSX workbooks: their parts, their sheets and what cells refer to. Sheets are streamed; shared texts are held, packed.

The parser is the standard library's expat, fed in pieces, because the readers at hand build the whole sheet in memory, and
two far apart cells are enough to end their process.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from xml.parsers import expat

from guestlist.errors import ListError

from .containers import Expansion, damaged, open_part
from .records import MAX_FIELD

MAX_TAG = 1_048_576
"""Bytes a single tag or comment may have."""

MAX_TEXTS = 128 * 1024**2
"""Bytes of shared texts that are held."""

_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_OF_A_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')


class Sheet(NamedTuple):
    """One sheet of a workbook."""

    name: str
    part: str
    hidden: bool


class XmlReader:
    """Feeds one part of a workbook to handlers: `start(name, attributes)`, `end(name)`, `text(characters)`.

    Prefixes come off the names where the outermost element has one, as some programs write.
    """

    def __init__(self, start: Callable[[str, Mapping[str, str]], None], end: Callable[[str], None]) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._start, self._end = start, end
        self._fed = 0
        self._parser.StartElementHandler = self._begin
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def _begin(self, name: str, given: Mapping[str, str]) -> None:
        """The outermost element: without a prefix the parser calls the handlers itself, which halves its time."""
        start, end = self._start, self._end
        prefixed = ":" in name
        self._parser.StartElementHandler = (lambda name, given: start(_bare(name), given)) if prefixed else start
        self._parser.EndElementHandler = (lambda name: end(_bare(name))) if prefixed else end
        start(_bare(name), given)

    def listen(self, text: Callable[[str], None] | None) -> None:
        """Who gets the characters from here on."""
        self._parser.CharacterDataHandler = text

    def feed(self, piece: bytes) -> None:
        """The next piece; an empty one ends the part. Errors: ListError `damaged_file`."""
        try:
            self._parser.Parse(piece, not piece)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise damaged("XLSX") from error
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > MAX_TAG:
            raise damaged("XLSX")  # the parser would begin this tag or comment anew with every piece


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_doctype(*_: object) -> None:
    raise damaged("XLSX")  # no program writes one; entities could make a small part endless


class SharedTexts:
    """The texts that cells refer to by number, one behind the other in memory: millions of Python strings would not be flat."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q")

    def add(self, text: str) -> None:
        """One more. Errors: ListError `too_large`."""
        self._bytes += text[: MAX_FIELD + 1].encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))
        if len(self._bytes) + 8 * len(self._ends) > MAX_TEXTS:
            raise ListError(
                f"The workbook's texts are larger than {MAX_TEXTS:,} bytes.",
                code="too_large",
                remedy="Save the sheet as CSV UTF-8, which is read piece by piece.",
            )

    def find(self, index: int) -> str:
        """The text of that number. Errors: IndexError."""
        if not 0 <= index < len(self._ends):
            raise IndexError(index)
        start = self._ends[index - 1] if index else 0
        return self._bytes[start : self._ends[index]].decode("utf-8", "surrogatepass")


class Workbook:
    """A workbook's sheets, shared texts and date formats."""

    def __init__(self, archive: zipfile.ZipFile, expansion: Expansion) -> None:
        """Reads all but the sheets. Errors: ListError `damaged_file`, `too_large`, `encrypted_file`."""
        self._archive = archive
        self._expansion = expansion
        self._items = {item.filename.lower(): item for item in archive.infolist()}
        book = next((part for kind, part in self._relations("").values() if kind == "officeDocument"), "xl/workbook.xml")
        relations = self._relations(book)
        self.sheets: list[Sheet] = []
        self.starts_1904 = False
        self._read_book(book, relations)
        parts = dict(relations.values())
        self.texts = self._read_texts(parts.get("sharedStrings", ""))
        self.date_styles = self._read_date_styles(parts.get("styles", ""))

    def parse(self, part: str, reader: XmlReader) -> None:
        """One part, whole. Errors: ListError."""
        for piece in self.pieces(part):
            reader.feed(piece)

    def pieces(self, part: str) -> Iterator[bytes]:
        """A part's bytes in pieces, an empty one last; none where there is no such part."""
        item = self._items.get(part.lower())
        if item is not None:
            stream = open_part(self._archive, item, self._expansion, "XLSX")
            while piece := stream.read():
                yield piece
            yield b""

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """By id, the kind and the name of each part that a part refers to."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, given: Mapping[str, str]) -> None:
            if tag == "Relationship" and given.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, given.get("Target", "")))
                found[given.get("Id", "")] = (given.get("Type", "").rpartition("/")[2], target.lstrip("/"))

        self.parse(posixpath.join(folder, "_rels", f"{name}.rels"), XmlReader(start, _ignore))
        return found

    def _read_book(self, part: str, relations: Mapping[str, tuple[str, str]]) -> None:
        def start(tag: str, given: Mapping[str, str]) -> None:
            if tag == "workbookPr":
                self.starts_1904 = given.get("date1904") in ("1", "true")
            elif tag == "sheet":
                key = next((value for name, value in given.items() if _bare(name) == "id"), "")
                kind, target = relations.get(key, ("", ""))
                if kind == "worksheet":  # charts and dialogs are sheets too
                    self.sheets.append(Sheet(given.get("name", "")[:100], target, given.get("state", "visible") != "visible"))

        self.parse(part, XmlReader(start, _ignore))

    def _read_texts(self, part: str) -> SharedTexts:
        """The shared texts: of rich ones all runs, without the phonetic hints of Japanese ones."""
        texts, held, hints = SharedTexts(), TextHolder(), 0

        def start(tag: str, _: Mapping[str, str]) -> None:
            nonlocal hints
            if tag == "t" and not hints:
                reader.listen(held.add)
            elif tag == "rPh":
                hints += 1

        def end(tag: str) -> None:
            nonlocal hints
            if tag == "t":
                reader.listen(None)
            elif tag == "rPh":
                hints -= 1
            elif tag == "si":
                texts.add(held.take())

        reader = XmlReader(start, end)
        self.parse(part, reader)
        return texts

    def _read_date_styles(self, part: str) -> frozenset[str]:
        """The numbers of the cell styles that show a date or time, as cells name them."""
        own: dict[str, bool] = {}
        styles: list[str] = []
        inside = False

        def start(tag: str, given: Mapping[str, str]) -> None:
            nonlocal inside
            if tag == "numFmt":
                own[given.get("numFmtId", "")] = is_date_format(given.get("formatCode", ""))
            elif tag == "cellXfs":
                inside = True
            elif tag == "xf" and inside:
                styles.append(given.get("numFmtId", ""))

        def end(tag: str) -> None:
            nonlocal inside
            inside = inside and tag != "cellXfs"

        self.parse(part, XmlReader(start, end))
        built_in = {str(number) for number in _DATE_FORMATS}
        return frozenset(str(at) for at, number in enumerate(styles) if own.get(number, number in built_in))


class TextHolder:
    """Collects the characters of one text, and no more of it than shows that it is too long."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Some more characters."""
        if self._size <= MAX_FIELD:
            self._parts.append(text)
            self._size += len(text)

    def take(self) -> str:
        """The text so far; the next one begins."""
        text = "".join(self._parts)
        self._parts, self._size = [], 0
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""How workbooks write characters that XML cannot hold."""


def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or time: `dd.mm.yyyy`, not `0.00` nor `"day" 0`."""
    return re.search("[ymdhs]", _NOT_OF_A_DATE.sub("", code), re.IGNORECASE) is not None


def _ignore(_: str) -> None:
    """For parts that are told by their start tags alone."""
