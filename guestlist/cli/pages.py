"""`guestlist pages`: connect Facebook Pages and read their subscribers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli import page_matching, page_messenger
from guestlist.cli.installation import in_installation, print_rehearsal
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, DryRun, Json, Limit, Patience, Wait
from guestlist.cli.output import print_facts, print_json, say, when
from guestlist.cli.tokens import read_token
from guestlist.cli.waiting import PATIENCE, Waiting, Watch, settle
from guestlist.errors import DependencyError

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(name="pages", no_args_is_help=True, help="Connect Facebook Pages and read their subscribers.")
app.add_typer(page_messenger.profile)
app.add_typer(page_messenger.personas)
app.command()(page_matching.matching)

OurId = Annotated[str, typer.Argument(metavar="PAGE", help="The Page's id here, `pag_…`.", show_default=False)]


@app.command()
def connect(
    context: typer.Context,
    page_id: Annotated[str, typer.Option(metavar="ID", help="Meta's id of the Page.", show_default=False)],
    ad_account: Annotated[
        str, typer.Option(metavar="ID", help="The ad account that pays, with or without act_.", show_default=False)
    ],
    page_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the Page token; - for a line of standard input.")
    ] = None,
    page_token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable that holds the Page token.")
    ] = None,
    ads_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the system user's token. Without one the Page token does its work."),
    ] = None,
    ads_token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable that holds the system user's token.")
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Calls a second that Meta allows this Page. Default: the setting page_rate, 300."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Connect a Page, or give a connected one fresh tokens.

    Asks for tokens on a terminal. Checks them, their permissions and the terms with Meta, subscribes the webhooks, and
    keeps the tokens encrypted. When a check fails nothing is kept.

    Example: `guestlist pages connect --page-id 105… --ad-account 304… --page-token-file page.token`
    """
    from guestlist.actions.pages import Connection, connect_page
    from guestlist.actions.rehearsal import rehearse
    from guestlist.api.pages import ConnectedPage

    connection = Connection(
        page_id=page_id.strip(),
        ad_account_id=ad_account.strip(),
        page_token=read_token("Page token", page_token_file, page_token_env, needed=True),
        ads_token=read_token("system user's token", ads_token_file, ads_token_env, needed=False),
        rate=rate,
    )

    async def task(app: App) -> Row:
        return await connect_page(rehearse(app.services) if dry_run else app.services, app.workspace_id, connection)

    page = in_installation(context, task)
    if dry_run:
        print_rehearsal(f"connect the Page “{page['name']}”: its tokens, permissions and terms are in order.", as_json=as_json)
    elif as_json:
        print_json(document(ConnectedPage, page))
    else:
        print_page(page)
        say(f"Next: guestlist pages sync {page['id']} reads its subscribers; a running server does it by itself.")


@app.command("list")
def list_pages(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print the connected Pages, newest first."""
    from guestlist.actions import pages
    from guestlist.api.pages import ConnectedPage

    found = in_installation(context, lambda app: pages.list_pages(app.services, app.workspace_id, after=after, limit=limit + 1))
    columns = Columns(
        ("Id", "Page", "Meta's id", "Ad account", "State", "Subscribers read"),
        lambda row: (row["id"], row["name"], row["page_id"], row["ad_account_id"], row["state"], when(row["synced_at"])),
        nothing="No Page is connected. Connect one: guestlist pages connect",
    )
    print_listing(found, limit, model=ConnectedPage, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, page: OurId, as_json: Json = False) -> None:
    """Print what is known of a Page. Tokens are never shown."""
    from guestlist.api.pages import ConnectedPage

    row = in_installation(context, lambda app: app.services.get_page(app.workspace_id, page))
    if as_json:
        print_json(document(ConnectedPage, row))
    else:
        print_page(row)


@app.command()
def sync(context: typer.Context, page: OurId, wait: Wait = None, patience: Patience = PATIENCE, as_json: Json = False) -> None:
    """Read a Page's subscribers from Meta now, to the end. A server does it every hour by itself."""
    from guestlist.actions.subscribers import count_subscribers, request_sync
    from guestlist.api.pages import ConnectedPage

    async def task(app: App) -> tuple[Row, int]:
        before = await app.services.get_page(app.workspace_id, page)
        await request_sync(app.services, app.workspace_id, page)
        row = await settle(app, watch_sync(app, before), Waiting(wait, patience, as_json))
        counts = await count_subscribers(app.services, app.workspace_id, page)
        return row, sum(each["open"] for each in counts.values())

    row, reachable = in_installation(context, task, lanes=("sync",))
    if as_json:
        print_json(document(ConnectedPage, row) | {"reachable": reachable})
    else:
        print_facts({"Id": row["id"], "Subscribers read": when(row["synced_at"]), "Not opted out": f"{reachable:,}"})


def watch_sync(app: App, before: Row) -> Watch:
    """Watches a Page until its subscribers were read to the end once more."""
    asked = app.services.now_ms()

    def is_settled(row: Row) -> bool:
        if row["synced_at"] != before["synced_at"]:
            return True
        if row["state"] == "connected" and row["sync_at"] > asked + 1000:  # put off after a failure
            raise DependencyError(
                f"Meta did not give the subscribers of {row['name']}; the next try is at {when(row['sync_at'])}.",
                code="sync_failed",
                remedy=f"Try again later: guestlist pages sync {row['id']}. `guestlist doctor` tells what is wrong.",
            )
        return False

    return Watch(
        title="Reading subscribers",
        thing=f"The subscribers of {before['name']}",
        page_id=before["id"],
        read=lambda: app.services.get_page(app.workspace_id, before["id"]),
        is_settled=is_settled,
        go_on=f"guestlist pages sync {before['id']}",
    )


def print_page(row: Row) -> None:
    """One Page, for a person."""
    print_facts(
        {
            "Id": row["id"],
            "Page": row["name"],
            "Meta's id": row["page_id"],
            "Ad account": row["ad_account_id"],
            "State": row["state"],
            "Why": row["reason"],
            "Calls a second": row["rate"],
            "Terms seen accepted": when(row["terms_at"]),
            "Subscribers read": when(row["synced_at"]),
            "Connected": when(row["created_at"]),
        }
    )
