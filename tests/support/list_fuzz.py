"""Seeded customer files of every format, whole and broken, and the check that none is ever silently short.

Whole files are counted by another way than the list engine's: lines split, rows written, objects dumped. Of broken ones the
sums must hold, or the refusal must be one of the registry's.
"""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions, ListReport, Rejected
from guestlist.lists.engine import FileListEngine
from guestlist.lists.rejects import REFUSALS, REGISTRY

from .list_files import make_gzip, make_parquet, make_workbook, make_zip

MAX_UNPACKED = 1_000_000
"""Made files are small: what unpacks to more than this is a bomb."""

_HEADERS = ("email", "phone", "first name", "last name", "Country", "date of birth", "notes", "Vorname", "E-Mail 2", "")
_CELLS = (
    *("ann@example.com", "bob@example.org", "ANN@EXAMPLE.COM ", "no-mail", "020 7946 0001", "+44 7911 123456", "4.47911E+11"),
    *("447911123456.0", "Ann", "José", "Łukasz", "太郎", "", " ", "-", "GB", "Germany", "1985-03-27", "27/3/85", "n/a", "#REF!"),
    *("=1+1", '="007"', "@SUM(A1)", "Total", "x" * 40, "\ufffd", "a\u200bb", "ΟΔΟΣ", "İ", "f" * 64, "0" * 12, "{}", "[1]"),
)
_LINES = ("Customer export", "Total: 12 customers", "Summe", "", ",,,", ";;", "--", "email,phone", "sep=;", "\ufeff")
_NASTY = (
    *(
        b'"',
        b'""',
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"PK\x03\x04",
    ),
    *(b"\x1f\x8b\x08\x00", b"PAR1", b"{", b"}", b"<", b"</row>", b"&#0;", b"\xa0" * 9, b"9" * 300, b"a" * 70_000, b"%PDF"),
)
_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp1251", "gb18030", "mac_roman")

Rows = Sequence[Sequence[str]]


class Made(NamedTuple):
    """A made file. `records`: those in it, the header too, where that can be known without reading it."""

    kind: str
    data: bytes
    records: int | None


def make_file(seed: int) -> Made:
    """One file of any format; two of three are broken in one to four places."""
    rng = random.Random(seed)
    kind = rng.choice(list(_MAKERS))
    data, records = _MAKERS[kind](rng)
    broken = rng.choice(("", "", "inside", "inside", "outside", "outside"))
    if broken == "inside":  # before it is packed, so that the packing is sound
        data = _broken_part(data, rng) if kind == "workbook" else _broken(data, rng)
    name = kind
    if rng.random() < 0.25:
        data, name = _packed(data, rng), f"packed {kind}"
    if broken == "outside":
        data = _broken(data, rng)
    return Made(f"broken {name}", data, None) if broken else Made(name, data, records)


def _rows(rng: random.Random) -> list[list[str]]:
    """A header and records as wide as it; a column of addresses, so that most files are lists."""
    width = rng.randint(1, 6)
    header = ["email", *rng.choices(_HEADERS, k=width - 1)]
    records = [[f"c{rng.randrange(30)}@example.com", *rng.choices(_CELLS, k=width - 1)] for _ in range(rng.randint(0, 20))]
    return [header, *records]


def _plain_text(rng: random.Random) -> tuple[bytes, int | None]:
    """Delimited text without quotes: every line is a record. Counted by splitting it."""
    delimiter, end = rng.choice(",;\t|"), rng.choice(("\n", "\r\n"))
    rows = [[cell.replace('"', "'").replace(delimiter, " ") for cell in row] for row in _rows(rng)]
    lines = [delimiter.join(row) for row in rows]
    for _ in range(rng.choice((0, 0, 1, 3))):
        lines.insert(rng.randint(1, len(lines)), rng.choice(_LINES).replace("sep=;", "sep"))
    text = end.join(lines) + rng.choice(("", end))
    data = text.encode(rng.choice(_ENCODINGS), "replace")
    ends_bare = text.rpartition("\n")[2].strip("\ufeff") == ""  # nothing behind the last line end is no record
    return data, text.count("\n") + (not ends_bare)


def _quoted_text(rng: random.Random) -> tuple[bytes, int | None]:
    """What a program writes: cells with delimiters, quotes and line ends in quotes."""
    out = io.StringIO(newline="")
    rows = _rows(rng)
    spice = ("a, b", 'said "so"', 'the 5" pipe', "two\nlines", "two\r\nlines; of it")
    rows[1:] = [[*row[:1], *(rng.choice(spice) if rng.random() < 0.2 else cell for cell in row[1:])] for row in rows[1:]]
    csv.writer(out, delimiter=rng.choice(",;\t"), quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))).writerows(rows)
    return out.getvalue().encode(), len(rows)


def _json_lines(rng: random.Random) -> tuple[bytes, int | None]:
    header, *records = _rows(rng)
    lines = []
    for record in records:
        found: dict[str, object] = dict(zip(header, record, strict=True))
        if rng.random() < 0.2:
            found["more"] = rng.choice(({"phone": 447911123456}, [1, 2], {"a": {"b": [None]}}, 1e300, True))
        lines.append(json.dumps(found, ensure_ascii=rng.random() < 0.5))
    for _ in range(rng.choice((0, 0, 1))):
        lines.insert(rng.randint(0, len(lines)), rng.choice(("", "{", "null", "[]", '{"email": ')))
    objects = sum(line.startswith('{"') for line in lines)
    return "\n".join([*lines, ""]).encode(), len(lines) if 2 * objects > len(lines) else None


def _workbook(rng: random.Random) -> tuple[bytes, int | None]:
    rows = _rows(rng)
    cells = [[_sheet_cell(cell, rng) for cell in row] for row in rows]
    gaps = rng.choice((0, 0, 2))
    sheets: dict[str, Sequence[Sequence[str | int | float | None]]] = {"Customers": [*cells[:1], *[[]] * gaps, *cells[1:]]}
    if rng.random() < 0.3:
        sheets = {"Notes": [["Read me"]], **sheets}
    return make_workbook(sheets), len(rows) + (gaps if len(rows) > 1 else 0)


def _sheet_cell(cell: str, rng: random.Random) -> str | int | float | None:
    if cell == "" or "\ufffd" in cell:
        return None
    if cell.isascii() and cell.isdigit() and rng.random() < 0.5:
        return rng.choice((447911123456, 4.47911123456e11, 31133))
    return f"'{cell}" if cell.startswith("<") else cell


def _parquet(rng: random.Random) -> tuple[bytes, int | None]:
    header, *records = _rows(rng)
    names = [f"{name} {at}" if at else name for at, name in enumerate(header)]
    columns: dict[str, Sequence[object]] = {name: [row[at] or None for row in records] for at, name in enumerate(names)}
    columns["number"] = [rng.choice((447911123456.0, None, 1.5)) for _ in records]
    columns["nested"] = [[1, 2] for _ in records]
    return make_parquet(columns, group=7), len(records)


_MAKERS: Mapping[str, Callable[[random.Random], tuple[bytes, int | None]]] = {
    "text": _plain_text,
    "quoted text": _quoted_text,
    "json lines": _json_lines,
    "workbook": _workbook,
    "parquet": _parquet,
}


def _packed(data: bytes, rng: random.Random) -> bytes:
    return make_gzip(data) if rng.random() < 0.5 else make_zip({"list.csv": data}, compressed=rng.random() < 0.8)


def _broken_part(workbook: bytes, rng: random.Random) -> bytes:
    """The workbook with one part broken, its sheet most of the time."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    sheets = [name for name in parts if "/worksheets/" in name]
    name = rng.choice(sheets if rng.random() < 0.7 else list(parts))
    part = parts[name]
    return make_zip({**parts, name: _broken(part if isinstance(part, bytes) else part.encode(), rng)})


def _broken(data: bytes, rng: random.Random) -> bytes:
    """The file with some bytes changed, lost, doubled, put in or cut off."""
    for _ in range(rng.randint(1, 4)):
        at, stop = sorted(rng.randint(0, len(data)) for _ in "ab")
        draw = rng.random()
        if draw < 0.25 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif draw < 0.40:
            data = data[:at] + data[min(stop, at + 40) :]
        elif draw < 0.55:
            data = data[:stop] + data[at : at + 200] + data[stop:]
        elif draw < 0.90:
            data = data[:at] + rng.choice(_NASTY) + data[at:]
        else:
            data = data[: max(stop, 1)]
    return data


def check_file(made: Made) -> str:
    """The code the file is refused with, or "". Errors: AssertionError where a record is not accounted for."""
    engine = FileListEngine(max_unpacked=MAX_UNPACKED)
    rejects: list[Rejected] = []
    uploaded = 0
    refusal: ListError | None = None
    try:
        prepared = engine.prepare(io.BytesIO(made.data), ListOptions(region="GB", batch_rows=7))
        for step in prepared.steps():
            rejects += step.rejects
            uploaded += len(step.payload.data) if step.payload else 0
    except ListError as error:
        refusal = error
    if refusal is not None:
        assert refusal.code in REFUSALS, refusal.code
        assert refusal.remedy, refusal.code
        return refusal.code
    _check_sums(prepared.report, rejects, uploaded)
    if made.records is not None:
        assert prepared.report.rows == made.records - _header_rows(prepared.report), (prepared.report.rows, made.records)
    return ""


def _header_rows(report: ListReport) -> int:
    """Formats that name their columns have no record for it."""
    return int(report.has_header and report.format in ("csv", "xlsx"))


def _check_sums(report: ListReport, rejects: Sequence[Rejected], uploaded: int) -> None:
    assert report.rows == report.usable + report.duplicates + sum(report.rejected.values())
    assert report.usable == uploaded
    assert sum(not reject.column for reject in rejects) == sum(report.rejected.values())
    assert sum(bool(reject.column) for reject in rejects) == sum(report.dropped_cells.values())
    assert {reject.code for reject in rejects} <= REGISTRY.keys()
    rows = [reject.row for reject in rejects]
    assert rows == sorted(rows)
