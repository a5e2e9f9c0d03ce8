"""`guestlist events`: what happened, as normalised facts."""

from __future__ import annotations

import orjson
import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, print_listing
from guestlist.cli.options import After, Json, Limit
from guestlist.cli.output import when

app = typer.Typer(name="events", no_args_is_help=True, help="See what happened.")


@app.command("list")
def list_events(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print events, newest first."""
    from guestlist.actions import events
    from guestlist.api.events import Event

    found = in_installation(context, lambda app: events.list_events(app.services, app.workspace_id, after=after, limit=limit + 1))
    columns = Columns(
        ("Id", "At", "Event", "About", "Data"),
        lambda row: (row["id"], when(row["at"]), row["kind"], row["subject"], tell_data(row["data"])),
        nothing="Nothing has happened yet.",
    )
    print_listing(found, limit, model=Event, columns=columns, as_json=as_json)


def tell_data(data: str) -> str:
    """`rows=500 usable=497`."""
    return " ".join(f"{name}={value}" for name, value in orjson.loads(data).items())
