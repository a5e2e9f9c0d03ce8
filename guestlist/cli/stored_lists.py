"""`guestlist lists import`, `list`, `show`, `rejects` and `delete`: customer lists that are kept, as digests, ready to upload."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.advice import print_advice, summarize
from guestlist.cli.deleting import Yes, confirm_deletion
from guestlist.cli.installation import in_installation, print_rehearsal
from guestlist.cli.list_files import STANDARD, check_targets, open_list, open_rejects
from guestlist.cli.list_fixes import Fixable, Fixes, open_fixable, with_fixes
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.lists import Delimiter, Encoding, File, Header, Map, Sheet, Workers, app, list_options
from guestlist.cli.options import After, DryRun, Json, Limit, Region
from guestlist.cli.output import count, plural, print_facts, print_json, print_text, progress, say, when
from guestlist.cli.saved_mappings import say_saved
from guestlist.cli.state import state_of
from guestlist.errors import RefusedError
from guestlist.lists.base import ListReport, Rejected, Step

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.storage.base import Row

OurId = Annotated[str, typer.Argument(metavar="LIST", help="The list's id, `lst_…`.", show_default=False)]
BLOCK = 5000
"""Rejects that are held in memory at a time when all are written."""


@app.command("import")
def import_list(
    context: typer.Context,
    file: File,
    region: Region,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What to call the list; the file's name if not given.", show_default=False)
    ] = "",
    as_json: Json = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    mapping: Map = None,
    sheet: Sheet = None,
    workers: Workers = None,
    fixable: Fixable = None,
    fixes: Fixes = None,
) -> None:
    """Read a customer file and keep its digests, ready to upload. Clear values are never stored, and nothing is sent.

    Example: `guestlist lists import customers.csv --region GB`
    """
    from guestlist.actions import lists
    from guestlist.api.list_models import CustomerList

    check_targets(file, fixable, fixes=fixes)
    options = list_options(region, encoding, delimiter, header, mapping, sheet, workers)
    called = "standard input" if file == STANDARD else file.name
    max_bytes = state_of(context).settings.list_max_bytes
    with ExitStack() as files:
        source = files.enter_context(open_list(file, max_bytes, twice=fixable is not None))
        options = files.enter_context(with_fixes(options, fixes, max_bytes))
        keep = files.enter_context(open_fixable(fixable, source, options))
        advance = files.enter_context(progress(f"Importing {called}"))
        seen = 0

        def tell(report: ListReport, step: Step) -> None:
            nonlocal seen
            advance(report.rows - seen)
            seen = report.rows
            keep(report, step)

        async def task(app: App) -> Row:
            return await lists.import_list(
                app.services, app.workspace_id, source, options, name=name, filename=called, progress=tell
            )

        row = in_installation(context, task)
    if as_json:
        print_json(document(CustomerList, row))
        return
    report = parse_report(row)
    print_text(summarize(report))
    say_saved(report, keeps=True)
    print_facts({"Id": row["id"], "List": row["name"]})
    say(f"What was lost, and why: guestlist lists show {row['id']}")
    say(f"Next: guestlist audiences upload AUDIENCE --list {row['id']}")


@app.command("list")
def list_lists(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print the lists that are kept, newest first."""
    from guestlist.actions import lists
    from guestlist.api.list_models import CustomerList

    found = in_installation(context, lambda app: lists.list_lists(app.services, app.workspace_id, after=after, limit=limit + 1))
    columns = Columns(
        ("Id", "List", "Region", "State", "Rows", "Usable", "Duplicates", "Imported"),
        lambda row: (
            row["id"],
            row["name"],
            row["region"],
            row["state"],
            *(count(row[number]) for number in ("rows", "usable", "duplicates")),
            when(row["created_at"]),
        ),
        nothing="There is no list. Import one: guestlist lists import FILE --region XX",
        right=("Rows", "Usable", "Duplicates"),
    )
    print_listing(found, limit, model=CustomerList, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, list_id: OurId, as_json: Json = False) -> None:
    """Print a list's report: what was mapped, normalised and lost, with masked examples."""
    from guestlist.actions.lists import get_list
    from guestlist.api.list_models import CustomerList

    row = in_installation(context, lambda app: get_list(app.services, app.workspace_id, list_id))
    if row["state"] != "ready":
        raise RefusedError(
            f"List {list_id} is {row['state']}.", code="list_not_ready", remedy="Wait a moment, or import the file again."
        )
    report = parse_report(row)
    if as_json:
        print_json(document(CustomerList, row) | {"report": report.as_json()})
        return
    print_facts({"Id": row["id"], "List": row["name"], "Imported": when(row["created_at"]), "File (SHA-256)": row["sha256"]})
    print_text()
    print_advice(report)


def parse_report(row: Row) -> ListReport:
    """The report kept with a list."""
    from pydantic import TypeAdapter

    return TypeAdapter(ListReport).validate_json(row["report"])


@app.command()
def rejects(
    context: typer.Context,
    list_id: OurId,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write all of them there, as CSV; - for standard output.")
    ] = None,
    limit: Limit = 50,
    after: Annotated[int | None, typer.Option(min=0, metavar="N", help="Print what follows this position.")] = None,
    as_json: Json = False,
) -> None:
    """Print the rows and cells of a list that cannot be used, in file order, values masked.

    Example: `guestlist lists rejects lst_… --out rejects.csv`
    """
    from guestlist.actions.lists import list_rejects
    from guestlist.api.list_models import Reject

    if out is not None:
        write_rejects(context, list_id, out, as_json=as_json)
        return
    found = in_installation(
        context, lambda app: list_rejects(app.services, app.workspace_id, list_id, after=after or 0, limit=limit + 1)
    )
    columns = Columns(
        ("Row", "Column", "Code", "Value", "What to do"),
        lambda row: (row["row"], row["column_name"] or "(the row)", row["code"], row["value"], row["remedy"]),
        nothing="Every row and every cell can be used.",
        right=("Row",),
    )
    print_listing(found, limit, model=Reject, columns=columns, as_json=as_json, place="position")


def write_rejects(context: typer.Context, list_id: str, out: Path, *, as_json: bool) -> None:
    """Writes all rejects of a list as CSV."""
    written = 0

    async def task(app: App) -> None:
        nonlocal written
        first = await read_block(app, list_id, 0)  # before the file is made: there may be no such list
        with open_rejects(out) as book:
            async for block in iterate_blocks(app, list_id, first):
                book.write([Rejected(row["row"], row["column_name"], row["code"], row["value"], row["remedy"]) for row in block])
                written += len(block)

    in_installation(context, task)
    if out == STANDARD:
        return
    if as_json:
        print_json({"file": str(out), "rejects": written})
    else:
        print_text(f"Wrote {plural(written, 'reject')} to {out}.")


async def read_block(app: App, list_id: str, after: int) -> Sequence[Row]:
    """Some rejects from behind a position."""
    from guestlist.actions.lists import list_rejects

    return await list_rejects(app.services, app.workspace_id, list_id, after=after, limit=BLOCK)


async def iterate_blocks(app: App, list_id: str, block: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    """The block, then all that follow it."""
    while block:
        yield block
        block = await read_block(app, list_id, block[-1]["position"])


@app.command()
def delete(context: typer.Context, list_id: OurId, yes: Yes = False, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete a list with its digests and rejects. Audiences it was uploaded into stay as they are."""
    from guestlist.actions.lists import delete_list, get_list
    from guestlist.actions.rehearsal import rehearse

    if not (yes or dry_run):
        confirm_deletion(f"Delete {list_id} for good?")

    async def task(app: App) -> Row:
        row = await get_list(app.services, app.workspace_id, list_id)
        await delete_list(rehearse(app.services) if dry_run else app.services, app.workspace_id, list_id)
        return row

    row = in_installation(context, task)
    if dry_run:
        print_rehearsal(f"delete the list “{row['name']}” with {plural(row['usable'], 'row')} of digests.", as_json=as_json)
    elif as_json:
        print_json({"id": list_id, "deleted": True})
    else:
        print_text(f"Deleted the list “{row['name']}”.")
