"""`guestlist subscribers`: who can be messaged on a Page. Neither tokens nor Meta's ids of people are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, Json, Limit, PageId
from guestlist.cli.output import count, print_json, print_table, print_text, say, when

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(name="subscribers", no_args_is_help=True, help="See who can be messaged, and opt people out.")


@app.command("list")
def list_subscribers(
    context: typer.Context,
    page: Annotated[str | None, typer.Option(metavar="PAGE", help="Only this Page's.", show_default=False)] = None,
    opted_out: Annotated[
        bool | None, typer.Option("--opted-out/--open", help="Only those who are, or are not, opted out.", show_default=False)
    ] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print subscribers, newest first."""
    from guestlist.actions import subscribers
    from guestlist.api.subscribers import Subscriber

    async def task(app: App) -> list[Row]:
        if page is not None:
            await app.services.get_page(app.workspace_id, page)
        return await subscribers.list_subscribers(
            app.services, app.workspace_id, page_id=page, opted_out=opted_out, after=after, limit=limit + 1
        )

    columns = Columns(
        ("Id", "Page", "Source", "Audience", "Opted out", "Why", "Next message from", "Since"),
        lambda row: (
            row["id"],
            row["page_id"],
            row["source"],
            row["audience_id"] or "",
            when(row["opted_out_at"]),
            row["opt_out_reason"] or "",
            when(row["next_eligible_at"]),
            when(row["created_at"]),
        ),
        nothing="There is no such subscriber. Read them from Meta: guestlist pages sync PAGE",
    )
    print_listing(in_installation(context, task), limit, model=Subscriber, columns=columns, as_json=as_json)


@app.command("count")
def count_subscribers(context: typer.Context, page: PageId, as_json: Json = False) -> None:
    """Print how many subscribers a Page has, by how they came first."""
    from guestlist.actions import subscribers

    sources = in_installation(context, lambda app: subscribers.count_subscribers(app.services, app.workspace_id, page))
    reachable = sum(each["open"] for each in sources.values())
    opted_out = sum(each["opted_out"] for each in sources.values())
    if as_json:
        print_json({"page_id": page, "open": reachable, "opted_out": opted_out, "sources": sources})
        return
    if not sources:
        say(f"No subscriber is known. Read them from Meta: guestlist pages sync {page}")
        return
    lines = [(source, count(each["open"]), count(each["opted_out"])) for source, each in sorted(sources.items())]
    print_table(
        ("Source", "Open", "Opted out"), [*lines, ("all", count(reachable), count(opted_out))], right=("Open", "Opted out")
    )


@app.command("opt-out")
def opt_out(
    context: typer.Context,
    subscriber: Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="The subscriber's id, `sub_…`.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Opt one subscriber out: no campaign reaches them any more. Doing it twice changes nothing."""
    from guestlist.actions.subscribers import opt_out_subscriber
    from guestlist.api.subscribers import Subscriber

    row = in_installation(context, lambda app: opt_out_subscriber(app.services, app.workspace_id, subscriber, by="cli"))
    if as_json:
        print_json(document(Subscriber, row))
    else:
        print_text(f"{row['id']} is opted out since {when(row['opted_out_at'])} ({row['opt_out_reason']}).")
