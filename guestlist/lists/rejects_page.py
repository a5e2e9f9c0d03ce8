"""The page `docs/reference/reject-codes.md`, made from the registry: `python -m guestlist.lists.rejects_page` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from .rejects import REFUSALS, REGISTRY, RejectCode, Scope

INTRODUCTION = """\
# Reject codes

Made from the code by `python -m guestlist.lists.rejects_page`; do not edit. A test feeds every example below to the list
engine and expects exactly that code.

Why a row or a cell of a customer list cannot be used. The rejects file (`guestlist lists hash FILE --region XX --rejects
rejects.csv`) has one line for each, with the columns `row,column,code,value,remedy`:

- `row` 1 is the first record after the header. Records before the header count backwards from -1. Without a header, row 1 is
  the first record.
- `column` is empty when the whole row is lost.
- `value` is masked: enough to find it in your own file, too little to use it.
- `remedy` is the way out; where the value itself suggests a better one than this page, that one stands there.

A lost row counts once, under its first cause, and its cells are not counted as dropped. A row whose e-mail and phone are both
unusable is `no_identifier`; its remedy says what was wrong with each. Values that a spreadsheet would run as a formula carry
an apostrophe.

To correct the rows themselves, see [Mend what was rejected](../how-to/read-a-list-report.md#mend-what-was-rejected).
"""

_TITLES = {
    Scope.ROW: ("Rows", "The whole row is lost."),
    Scope.CELL: ("Cells", "The cell is dropped; its row goes up without it, as long as an e-mail or a phone is left."),
    Scope.NOTHING: ("Values that are never counted", "What a rule answers to a single value. No rejects file shows them."),
}


def page() -> Iterator[str]:
    """The page's lines: a section for every code, found by its name as the anchor."""
    yield from INTRODUCTION.splitlines()
    for scope, (title, words) in _TITLES.items():
        entries = [entry for entry in REGISTRY.values() if entry.scope is scope]
        yield from ("", f"## {title}", "", words, "")
        yield " · ".join(f"[`{entry.code}`](#{entry.code})" for entry in entries)
        for entry in entries:
            yield from _section(entry)
    yield from ("", "## Files", "")
    yield "Nothing of these files is read. The command ends with exit code 2, the API answers 422."
    yield from ("", "| Code | Meaning |", "|---|---|")
    yield from (f"| `{code}` | {meaning} |" for code, meaning in REFUSALS.items())


def _section(entry: RejectCode) -> Iterator[str]:
    """Meaning, example and remedy of one code."""
    yield from ("", f"### {entry.code}", "", entry.meaning, "")
    where = "" if entry.scope is Scope.ROW else f" in the column `{entry.column}`"
    region = "" if entry.region == "GB" else f", in a list of region {entry.region}"
    yield f"- Example: `{entry.example}`{where}{region}"
    yield f"- What to do: {entry.remedy}"


if __name__ == "__main__":
    print("\n".join(page()))
