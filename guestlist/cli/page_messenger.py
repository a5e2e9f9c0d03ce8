"""`guestlist pages profile` and `guestlist pages personas`: what people see of a Page on Messenger. Both live at Meta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from guestlist.cli.campaign_messages import read_file
from guestlist.cli.installation import in_installation
from guestlist.cli.options import Json
from guestlist.cli.output import print_facts, print_json, print_records, say
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.graph.base import Persona

profile = typer.Typer(
    name="profile", no_args_is_help=True, help="The Page's Messenger profile: get-started button, greeting, ice breakers, menu."
)
personas = typer.Typer(name="personas", no_args_is_help=True, help="Names and faces that the Page writes under.")

OurId = Annotated[str, typer.Argument(metavar="PAGE", help="The Page's id here, `pag_…`.", show_default=False)]
Field = Annotated[list[str] | None, typer.Option("--field", metavar="NAME", help="Only this field. Repeat it for more.")]


@profile.command("show")
def show_profile(context: typer.Context, page: OurId, as_json: Json = False) -> None:
    """Print what is set, read from Meta."""

    async def task(app: App) -> Mapping[str, Any]:
        from guestlist.actions.messenger_profiles import read_profile

        return await read_profile(app.services, app.workspace_id, page)

    print_profile(in_installation(context, task), as_json=as_json)


@profile.command("set")
def set_profile(
    context: typer.Context,
    page: OurId,
    file: Annotated[
        Path,
        typer.Option(
            "--file", metavar="FILE.json", help="The fields, as for `PUT /v1/pages/{id}/profile`; - for standard input."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Set the fields given in a file; the others stay.

    Example: `guestlist pages profile set pag_… --file profile.json`
    """
    given = read_profile_file(file)

    async def task(app: App) -> Mapping[str, Any]:
        from guestlist.actions.messenger_profiles import set_profile as set_at_meta

        return await set_at_meta(app.services, app.workspace_id, page, given)

    print_profile(in_installation(context, task), as_json=as_json)


@profile.command("clear")
def clear_profile(context: typer.Context, page: OurId, field: Field = None, as_json: Json = False) -> None:
    """Empty the profile, or some fields of it."""

    async def task(app: App) -> Mapping[str, Any]:
        from guestlist.actions import messenger_profiles as profiles

        await profiles.clear_profile(app.services, app.workspace_id, page, field or ())
        return await profiles.read_profile(app.services, app.workspace_id, page)

    print_profile(in_installation(context, task), as_json=as_json)


@personas.command("list")
def list_personas(context: typer.Context, page: OurId, as_json: Json = False) -> None:
    """Print the Page's personas, read from Meta."""

    async def task(app: App) -> Sequence[Persona]:
        from guestlist.actions.personas import list_personas as read

        return await read(app.services, app.workspace_id, page)

    found = in_installation(context, task)
    if as_json:
        print_json({"data": [_document(each) for each in found]})
    elif found:
        print_records(("Id", "Name", "Picture"), [(each.id, each.name, each.picture_url) for each in found])
    else:
        say("The Page has no personas.")


@personas.command("create")
def create_persona(
    context: typer.Context,
    page: OurId,
    name: Annotated[str, typer.Option(metavar="NAME", help="What people read, at most 50 characters.")],
    picture: Annotated[str, typer.Option(metavar="URL", help="The face, for Meta to fetch.")],
    as_json: Json = False,
) -> None:
    """Make a persona; its id goes into the option `persona_id` of a message."""

    async def task(app: App) -> Persona:
        from guestlist.actions.personas import create_persona as create

        return await create(app.services, app.workspace_id, page, name=name, picture_url=picture)

    made = in_installation(context, task)
    if as_json:
        print_json(_document(made))
    else:
        print_facts({"Id": made.id, "Name": made.name, "Picture": made.picture_url})


@personas.command("delete")
def delete_persona(
    context: typer.Context,
    page: OurId,
    persona: Annotated[str, typer.Argument(metavar="PERSONA", help="Meta's id of the persona.", show_default=False)],
    as_json: Json = False,
) -> None:
    """End a persona. What was written under it stays."""

    async def task(app: App) -> None:
        from guestlist.actions.personas import delete_persona as delete

        await delete(app.services, app.workspace_id, page, persona)

    in_installation(context, task)
    if as_json:
        print_json({"deleted": persona})
    else:
        say(f"The persona {persona} has ended.")


def read_profile_file(file: Path) -> Mapping[str, Any]:
    """The fields in a file. Errors: UsageError `bad_json`."""
    try:
        given = orjson.loads(read_file(file))
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise UsageError(
            "The profile is not a JSON object.", code="bad_json", remedy='Write it as {"greeting": [{"locale": …, "text": …}]}.'
        )
    return given


def print_profile(found: Mapping[str, Any], *, as_json: bool) -> None:
    """A profile: each field that is set, as JSON."""
    if as_json:
        print_json(dict(found))
    elif found:
        print_facts({name: orjson.dumps(value).decode() for name, value in found.items()})
    else:
        say("Nothing of the profile is set.")


def _document(persona: Persona) -> dict[str, str]:
    return {"id": persona.id, "name": persona.name, "picture_url": persona.picture_url}
