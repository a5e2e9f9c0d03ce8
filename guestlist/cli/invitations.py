"""`guestlist contacts invite` and `guestlist contacts invitation`: people known by phone, asked over Messenger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.options import Json
from guestlist.cli.output import print_facts, print_json
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.actions.invitations import Invited
    from guestlist.app import App


def invite(
    context: typer.Context,
    page: Annotated[str, typer.Option(metavar="PAGE", help="The Page that asks, `pag_…`.", show_default=False)],
    text: Annotated[
        str, typer.Option(metavar="TEXT", help="What people are asked with. May hold merge fields.", show_default=False)
    ],
    contact: Annotated[list[str] | None, typer.Option(metavar="CONTACT", help="Somebody, by our id. Repeat it for more.")] = None,
    from_list: Annotated[
        str | None,
        typer.Option("--list", metavar="IMPORT", help="Everybody of a kept list, by the id that `contacts import` printed."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Everybody who came this way: list, api, inbound, opt_in, send.")
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the invitation is called.")] = "Invitation",
    as_json: Json = False,
) -> None:
    """Send message requests to contacts with a phone: one a person, ever. Needs a Page that may match phone numbers.

    Example: `guestlist contacts invite --page pag_… --list imp_… --text "May we write to you here?"`
    """
    if sum((bool(contact), from_list is not None, source is not None)) != 1:
        raise UsageError("Say whom to invite.", code="nobody_named", remedy="Give --list, --contact (repeatedly) or --source.")

    async def task(app: App) -> Invited:
        from guestlist.actions import invitations
        from guestlist.domain.messages import Content

        await invitations.check_page(app.services, app.workspace_id, page)
        asking = invitations.Asking(page, name, Content(text=text), by="cli")
        people = contact or await invitations.find_people(
            app.services, app.workspace_id, list_id=from_list or "", source=source or ""
        )
        return await invitations.create_invitation(app.services, app.workspace_id, asking, people)

    print_invited(in_installation(context, task, lanes=("send", "due")), as_json=as_json)


def invitation(
    context: typer.Context,
    invitation: Annotated[str, typer.Argument(metavar="INVITATION", help="Its id, `inv_…`.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Print how far an invitation is: matched, no match, pending, accepted, declined, refused."""
    from guestlist.actions.invitations import get_invitation

    found = in_installation(context, lambda app: get_invitation(app.services, app.workspace_id, invitation))
    print_invited(found, as_json=as_json)


def print_invited(invited: Invited, *, as_json: bool) -> None:
    """An invitation, its counts, and whom it left out."""
    if as_json:
        from guestlist.api.invitations import Created

        print_json(Created.of_invited(invited).model_dump(mode="json"))
        return
    counts = {name.replace("_", " ").capitalize(): f"{n:,}" for name, n in invited.counts.items()}
    skipped = {f"Not asked: {name.replace('_', ' ')}": f"{n:,}" for name, n in invited.skipped.items()}
    print_facts({"Id": invited.row["id"], "People": f"{invited.row['people']:,}", **counts, **skipped})
