"""Customer files of every format, made in memory: what exports, spreadsheets and people produce, and what nobody should."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

import pyarrow
import pyarrow.parquet

Cell = str | int | float | None
"""A cell of a made workbook: text, number, or what starts with `<`: the cell's own XML, `{}` standing for its place."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)
"""Style 1 is a date, 2 a date and time, 3 a number."""


def make_zip(files: Mapping[str, bytes | str], *, compressed: bool = True) -> bytes:
    """A zip file with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 7, 29, 12, 0, 0)), content, archive.compression)
    return out.getvalue()


def make_gzip(content: bytes) -> bytes:
    """A gzip file, the same every time."""
    return gzip.compress(content, mtime=0)


def make_workbook(
    sheets: Mapping[str, Sequence[Sequence[Cell]] | str], *, hidden: Sequence[str] = (), starts_1904: bool = False
) -> bytes:
    """An XLSX file. A sheet is rows of cells, or the XML of its rows. Texts are shared, as Excel writes them."""
    texts: dict[str, int] = {}
    parts = {"_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]), "xl/styles.xml": _STYLES}
    listed, related = [], [("styles", "styles.xml"), ("sharedStrings", "/xl/sharedStrings.xml")]
    for at, (name, rows) in enumerate(sheets.items(), start=1):
        state = ' state="hidden"' if name in hidden else ""
        listed.append(f'<sheet name={quoteattr(name)} sheetId="{at}"{state} r:id="rId{len(related) + 1}"/>')
        related.append(("worksheet", f"worksheets/sheet{at}.xml"))
        inner = rows if isinstance(rows, str) else "".join(_row(at, cells, texts) for at, cells in enumerate(rows, start=1))
        parts[f"xl/worksheets/sheet{at}.xml"] = f'<worksheet xmlns="{_MAIN}"><sheetData>{inner}</sheetData></worksheet>'
    flag = ' date1904="1"' if starts_1904 else ""
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><workbookPr{flag}/><sheets>{"".join(listed)}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = _relations(related)
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{items}</sst>'
    return make_zip({"[Content_Types].xml": "<Types/>", **parts})


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{at}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{items}</Relationships>'


def _row(number: int, cells: Sequence[Cell], texts: dict[str, int]) -> str:
    """A row's XML; one without cells is left out, as programs do."""
    made = "".join(_cell(f"{column_name(at)}{number}", cell, texts) for at, cell in enumerate(cells) if cell is not None)
    return f'<row r="{number}">{made}</row>' if made else ""


def _cell(place: str, cell: Cell, texts: dict[str, int]) -> str:
    if isinstance(cell, str) and cell.startswith("<"):
        return cell.replace("{}", place)
    if isinstance(cell, str):
        return f'<c r="{place}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
    return f'<c r="{place}"><v>{cell!r}</v></c>'


def column_name(index: int) -> str:
    """0 as `A`, 27 as `AB`."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


def make_parquet(columns: Mapping[str, Sequence[object] | pyarrow.Array], *, group: int = 1_000) -> bytes:
    """A Parquet file with row groups of so many rows."""
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), out, row_group_size=group)
    return out.getvalue()
