"""`guestlist keys`: keys of the HTTP API, each shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.listings import document
from guestlist.cli.options import Json
from guestlist.cli.output import print_json, print_table, print_text, say, when
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.app import App

app = typer.Typer(name="keys", no_args_is_help=True, help="Make and revoke keys of the HTTP API.")


@app.command()
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What will use it, so that it can be told apart.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Make a key and print it. It is not kept and cannot be shown again.

    Example: `guestlist keys create shop > shop.key`
    """
    from guestlist.actions import access
    from guestlist.api.keys import NewKey

    row, key = in_installation(context, lambda app: access.create_key(app.services, app.workspace_id, name))
    if as_json:
        print_json(document(NewKey, {**row, "key": key}))
    else:
        print_text(key)
        say(f"Keep it: it is not shown again. To end it: guestlist keys revoke {row['id']}")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """Print the keys, oldest first, revoked ones too. A key itself is never shown again."""
    from guestlist.actions import access
    from guestlist.api.keys import Key

    found = in_installation(context, lambda app: access.list_keys(app.services, app.workspace_id))
    if as_json:
        print_json({"data": [document(Key, row) for row in found], "next": None})
    elif not found:
        say("There is no key. Make one: guestlist keys create NAME")
    else:
        print_table(
            ("Id", "Name", "Begins with", "Last used", "Revoked", "Made"),
            [
                (row["id"], row["name"], row["prefix"], *(when(row[at]) for at in ("last_used_at", "revoked_at", "created_at")))
                for row in found
            ],
        )


@app.command()
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, `key_…`; not the key.", show_default=False)],
    as_json: Json = False,
) -> None:
    """End a key: from now on it opens nothing."""
    from guestlist.actions import access

    if key.startswith(access.KEY_PREFIX):  # an answer that names it would print a secret
        raise UsageError("This is a key, not its id.", remedy="Find the id that belongs to it: guestlist keys list")

    async def task(app: App) -> None:
        await access.revoke_key(app.services, app.workspace_id, key)

    in_installation(context, task)
    if as_json:
        print_json({"id": key, "revoked": True})
    else:
        print_text(f"Revoked {key}.")
