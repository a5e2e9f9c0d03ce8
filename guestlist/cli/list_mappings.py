"""`guestlist lists mappings` and `forget-mapping`: what was said of columns, saved for the next file with the same header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, print_listing
from guestlist.cli.options import After, Json, Limit
from guestlist.cli.output import print_json, print_text, when

if TYPE_CHECKING:
    from guestlist.storage.base import Row


def mappings(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print the saved mappings: what `lists import --map` said of columns, reused for files with the same header."""
    from guestlist.actions.list_mappings import list_mappings
    from guestlist.api.list_mappings import SavedMapping

    found = in_installation(context, lambda app: list_mappings(app.services, app.workspace_id, after=after, limit=limit + 1))
    columns = Columns(
        ("Fingerprint", "Columns", "Said"),
        lambda row: (row["fingerprint"], describe_columns(row), when(row["updated_at"])),
        nothing="No mapping is saved. Save one: guestlist lists import FILE --region XX --map COL=KEY",
    )
    print_listing(found, limit, model=SavedMapping, columns=columns, as_json=as_json, place="fingerprint")


def describe_columns(row: Row) -> str:
    """`Tel=PHONE, Notes=ignore`."""
    from guestlist.api.list_mappings import SavedMapping

    return ", ".join(f"{column.name}={column.key}" for column in SavedMapping.of(row).columns)


def forget_mapping(
    context: typer.Context,
    fingerprint: Annotated[
        str, typer.Argument(metavar="FINGERPRINT", help="From `guestlist lists mappings`.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Forget a saved mapping: the next file with that header is mapped anew. Imported lists stay as they are."""
    from guestlist.actions import list_mappings

    in_installation(context, lambda app: list_mappings.forget_mapping(app.services, app.workspace_id, fingerprint))
    if as_json:
        print_json({"fingerprint": fingerprint, "forgotten": True})
    else:
        print_text(f"Forgot the mapping {fingerprint}.")
