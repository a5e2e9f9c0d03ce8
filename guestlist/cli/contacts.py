"""`guestlist contacts`: the people we know, how they are reached, and all that was said to and by them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
import typer

from guestlist.cli import invitations
from guestlist.cli.consent import Basis, By, Words, collect_attestation
from guestlist.cli.deleting import Yes, confirm_deletion
from guestlist.cli.installation import in_installation
from guestlist.cli.list_files import STANDARD, open_list
from guestlist.cli.listings import Columns, print_listing
from guestlist.cli.lists import Delimiter, Encoding, File, Header, Map, Sheet, list_options
from guestlist.cli.options import After, Json, Limit, Region
from guestlist.cli.output import count, print_facts, print_json, print_table, print_text, say, when
from guestlist.cli.state import state_of
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.actions.contacts import Person
    from guestlist.actions.conversations import Entry
    from guestlist.actions.erasures import Forgotten
    from guestlist.api.contact_models import ContactGiven, ContactSearch
    from guestlist.app import App

Model = TypeVar("Model", "ContactGiven", "ContactSearch")

app = typer.Typer(name="contacts", no_args_is_help=True, help="Keep the people you know, and see what was said.")
app.command()(invitations.invite)
app.command()(invitations.invitation)

OurId = Annotated[str, typer.Argument(metavar="CONTACT", help="The contact's id, `con_…`.", show_default=False)]
ExternalId = Annotated[str | None, typer.Option(metavar="ID", help="Your own id of the person.")]
First = Annotated[str | None, typer.Option("--first-name", metavar="NAME", help="First name.")]
Last = Annotated[str | None, typer.Option("--last-name", metavar="NAME", help="Last name.")]
Phone = Annotated[str | None, typer.Option(metavar="NUMBER", help="A phone number, with its country code.")]
Email = Annotated[str | None, typer.Option(metavar="ADDRESS", help="An e-mail address.")]
Psid = Annotated[str | None, typer.Option(metavar="PSID", help="The person's id on a Page.")]
Page = Annotated[str | None, typer.Option("--page", metavar="PAGE", help="The Page of the PSID, where there are several.")]
Locale = Annotated[str | None, typer.Option(metavar="TAG", help="Language, such as en_GB.")]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Such as Europe/Berlin or +02:00.")]
Field = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="A fact of your own; VALUE is JSON, or a text. Repeat it for more."),
]


@app.command()
def create(
    context: typer.Context,
    external_id: ExternalId = None,
    first_name: First = None,
    last_name: Last = None,
    phone: Phone = None,
    email: Email = None,
    psid: Psid = None,
    page: Page = None,
    locale: Locale = None,
    timezone: Zone = None,
    field: Field = None,
    as_json: Json = False,
) -> None:
    """Make a contact. One whose id or address somebody has already is refused, naming that contact."""
    given = read_contact(
        field, psid, page, external_id=external_id, first_name=first_name, last_name=last_name, phone=phone, email=email,
        locale=locale, timezone=timezone,
    )  # fmt: skip

    async def task(app: App) -> Person:
        from guestlist.actions.contacts import create_contact

        return await create_contact(app.services, app.workspace_id, given.as_facts())

    print_contact(in_installation(context, task), as_json=as_json)


@app.command()
def upsert(
    context: typer.Context,
    external_id: ExternalId = None,
    first_name: First = None,
    last_name: Last = None,
    phone: Phone = None,
    email: Email = None,
    psid: Psid = None,
    page: Page = None,
    locale: Locale = None,
    timezone: Zone = None,
    field: Field = None,
    as_json: Json = False,
) -> None:
    """Change the contact of this id or address; make it where there is none."""
    given = read_contact(
        field, psid, page, external_id=external_id, first_name=first_name, last_name=last_name, phone=phone, email=email,
        locale=locale, timezone=timezone,
    )  # fmt: skip

    async def task(app: App) -> Person:
        from guestlist.actions.contacts import upsert_contact

        return (await upsert_contact(app.services, app.workspace_id, given.as_facts()))[0]

    print_contact(in_installation(context, task), as_json=as_json)


@app.command()
def change(
    context: typer.Context,
    contact: OurId,
    external_id: ExternalId = None,
    first_name: First = None,
    last_name: Last = None,
    phone: Phone = None,
    email: Email = None,
    psid: Psid = None,
    page: Page = None,
    locale: Locale = None,
    timezone: Zone = None,
    field: Field = None,
    version: Annotated[int | None, typer.Option(min=1, help="Only if the contact still has this version.")] = None,
    as_json: Json = False,
) -> None:
    """Change what is given. An empty text empties; `--field name=null` takes a fact away."""
    given = read_contact(
        field, psid, page, external_id=external_id, first_name=first_name, last_name=last_name, phone=phone, email=email,
        locale=locale, timezone=timezone,
    )  # fmt: skip

    async def task(app: App) -> Person:
        from guestlist.actions.contacts import change_contact

        return await change_contact(app.services, app.workspace_id, contact, given.as_facts(), version=version)

    print_contact(in_installation(context, task), as_json=as_json)


@app.command("list")
def list_contacts(
    context: typer.Context,
    external_id: ExternalId = None,
    first_name: First = None,
    last_name: Last = None,
    phone: Phone = None,
    email: Email = None,
    psid: Psid = None,
    field: Field = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print contacts that fit all that is given, newest first. A phone finds its other spellings too."""
    from guestlist.actions.contacts import list_contacts as find
    from guestlist.api.contact_models import Contact, ContactSearch

    given = {"external_id": external_id, "first_name": first_name, "last_name": last_name, "phone": phone, "email": email}
    wanted = validate(ContactSearch, {**given, "psid": psid, "fields": read_fields(field)}).as_wanted()

    async def task(app: App) -> list[Person]:
        return await find(app.services, app.workspace_id, wanted=wanted, after=after, limit=limit + 1)

    rows = [{**each.row, "addresses": [dict(row) for row in each.addresses]} for each in in_installation(context, task)]
    columns = Columns(
        ("Id", "Your id", "First name", "Last name", "Reached by", "Came by", "Since"),
        lambda row: (
            row["id"],
            row["external_id"] or "",
            row["first_name"],
            row["last_name"],
            ", ".join(dict.fromkeys(each["kind"] for each in row["addresses"])),
            row["source"],
            when(row["created_at"]),
        ),
        nothing="There is no such contact. Make one: guestlist contacts create --help",
    )
    print_listing(rows, limit, model=Contact, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, contact: OurId, as_json: Json = False) -> None:
    """Print a contact with its addresses."""
    from guestlist.actions.contacts import get_contact

    print_contact(in_installation(context, lambda app: get_contact(app.services, app.workspace_id, contact)), as_json=as_json)


@app.command()
def timeline(
    context: typer.Context,
    contact: OurId,
    oldest: Annotated[bool, typer.Option("--oldest", help="Begin with the oldest instead of the newest.")] = False,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print all that was said to and by a contact, and what providers reported, over all channels."""
    from guestlist.actions.conversations import read_timeline
    from guestlist.api.contact_models import Said
    from guestlist.storage.timelines import parse_place

    async def task(app: App) -> list[Entry]:
        place = read_place(after)
        return await read_timeline(
            app.services, app.workspace_id, contact, oldest_first=oldest, after=parse_place(place), limit=limit + 1
        )

    columns = Columns(
        ("When", "Way", "Channel", "What", "State", "Text"),
        lambda row: (when(row["at"]), row["direction"], row["channel"], row["kind"], row["state"] or "", row["text"]),
        nothing="Nothing was said yet.",
    )
    print_listing(in_installation(context, task), limit, model=Said, columns=columns, as_json=as_json, place="place")


@app.command()
def merge(
    context: typer.Context,
    contact: OurId,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The contact that becomes part of it.", show_default=False)],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make two contacts one, without loss. The other's id leads to the first from then on."""
    from guestlist.actions.contacts import merge_two

    if not yes:
        confirm_deletion(f"Make {other} part of {contact}? This cannot be undone.")
    person = in_installation(context, lambda app: merge_two(app.services, app.workspace_id, contact, other))
    print_contact(person, as_json=as_json)


@app.command()
def delete(context: typer.Context, contact: OurId, yes: Yes = False, as_json: Json = False) -> None:
    """End a contact: facts and addresses go, messages that have not left are cancelled. What was said stays; see forget."""
    from guestlist.actions.erasures import delete_contact

    if not yes:
        confirm_deletion(f"Delete {contact}?")
    in_installation(context, lambda app: delete_contact(app.services, app.workspace_id, contact))
    if as_json:
        print_json({"id": contact, "deleted": True})
    else:
        print_text(f"{contact} is deleted.")


@app.command()
def forget(context: typer.Context, contact: OurId, yes: Yes = False, as_json: Json = False) -> None:
    """Erase a contact with all that was said both ways, and say what remains and why. Works once it is deleted, too."""
    from guestlist.actions.erasures import forget_contact
    from guestlist.api.contact_models import ForgottenContact

    if not yes:
        confirm_deletion(f"Forget {contact}, and empty all that was said?")
    found: Forgotten = in_installation(context, lambda app: forget_contact(app.services, app.workspace_id, contact))
    if as_json:
        print_json(ForgottenContact.model_validate(found, from_attributes=True).model_dump(mode="json"))
        return
    print_text(
        f"{contact} is forgotten: {found.addresses} addresses removed, {found.messages} messages and {found.replies} replies "
        f"emptied, {found.cancelled} cancelled."
    )
    print_table(("Remains", "Why"), [(each.what, each.why) for each in found.remains])


@app.command("import")
def import_contacts(
    context: typer.Context,
    file: File,
    region: Region,
    consent_by: By = "",
    consent_words: Words = "",
    consent_basis: Basis = "",
    as_json: Json = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    mapping: Map = None,
    sheet: Sheet = None,
) -> None:
    """Keep the people of a customer file as contacts, in clear: every phone and e-mail, and names where there were none.

    A column with your own ids is used where you say so: --map "customer id=EXTERN_ID".

    Example: `guestlist contacts import customers.csv --region GB --consent-by "Ana, CRM" --consent-words "Yes, keep in touch."
    --consent-basis "checkbox at checkout"`
    """
    from guestlist.actions.contact_imports import Imported
    from guestlist.actions.contact_imports import import_contacts as keep

    options = list_options(region, encoding, delimiter, header, mapping, sheet, None)
    attestation = collect_attestation(consent_by, consent_words, consent_basis)
    called = "standard input" if file == STANDARD else file.name
    max_bytes = state_of(context).settings.list_max_bytes
    with ExitStack() as files:
        source = files.enter_context(open_list(file, max_bytes, twice=True))

        async def task(app: App) -> Imported:
            return await keep(app.services, app.workspace_id, source, options, attestation, filename=called)

        imported = in_installation(context, task)
    report = imported.report
    sums = {name: getattr(imported, name) for name in ("created", "updated", "unchanged", "conflicts")}
    if as_json:
        lost = {"rejected": dict(report.rejected), "dropped_cells": dict(report.dropped_cells)}
        rows = {"conflicting_rows": imported.conflicting_rows}
        print_json({"id": imported.id, "rows": report.rows, **sums, **lost, **rows, "sha256": report.sha256})
        return
    print_text(
        f"{called}: {count(report.rows)} rows, {count(imported.created)} contacts created, {count(imported.updated)} updated, "
        f"{count(imported.unchanged)} unchanged, {count(imported.conflicts)} in conflict, "
        f"{count(sum(report.rejected.values()))} rejected."
    )
    if imported.conflicts:
        say(
            f"Addresses of one row belong to different contacts, such as in row {imported.conflicting_rows[0]}: merge them first."
        )
    if report.rejected:
        say(f"What was lost, and why: guestlist lists check {called} --region {region}")
    say(f"These contacts: guestlist contacts list --field import={imported.id}")


# -- what is given --------------------------------------------------------------------------------------------------


def read_contact(fields: list[str] | None, psid: str | None, page: str | None, **given: str | None) -> ContactGiven:
    """The facts of a command. Errors: UsageError naming each wrong one."""
    from guestlist.api.contact_models import ContactGiven

    told: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if psid is not None:
        told["addresses"] = [{"kind": "psid", "value": psid, **({"account": page} if page else {})}]
    return validate(ContactGiven, {**told, "fields": read_fields(fields)})


def read_fields(given: list[str] | None) -> dict[str, Any]:
    """`tier=gold`, `visits=3` and `vip=true` as facts. Errors: UsageError."""
    fields: dict[str, Any] = {}
    for each in given or ():
        name, found, value = each.partition("=")
        if not found or not name:
            raise UsageError("A --field is NAME=VALUE.", code="bad_contact", remedy="Such as --field tier=gold.")
        try:
            fields[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            fields[name] = value
    return fields


def read_place(after: str | None) -> str | None:
    """The place that `--after` names. Errors: UsageError."""
    from guestlist.api.paging import PLACE

    if after is not None and not PLACE.fullmatch(after):
        raise UsageError("--after is no place of this timeline.", code="bad_cursor", remedy="Give the one that was printed.")
    return after


def validate(model: type[Model], given: dict[str, Any]) -> Model:
    """What is given as the API would read it. Errors: UsageError."""
    from pydantic import ValidationError

    from guestlist.api.problems import describe_fields

    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        errors = describe_fields(error.errors())
        listed = "; ".join(f"{each['field']}: {each['message']}" for each in errors)
        raise UsageError(f"This is not in order: {listed}.", code="bad_contact", remedy="See --help.", errors=errors) from None


# -- what is said ---------------------------------------------------------------------------------------------------


def print_contact(person: Person, *, as_json: bool) -> None:
    """A contact with its addresses."""
    from guestlist.api.contact_models import Contact

    if as_json:
        print_json(Contact.tell(person).model_dump(mode="json"))
        return
    row = person.row
    print_facts(
        {
            "Contact": row["id"],
            "Your id": row["external_id"],
            "Name": " ".join(filter(None, (row["first_name"], row["last_name"]))),
            "Locale": row["locale"],
            "Time zone": row["timezone"],
            "Came by": row["source"],
            "Version": row["version"],
            "Since": when(row["created_at"]),
            **{f"Field {name}": value for name, value in orjson.loads(row["fields"]).items()},
        }
    )
    if person.addresses:
        print_text()
        lines = [
            (each["kind"], each["value"], each["account_id"], when(each["opened_at"]), when(each["opted_out_at"]))
            for each in person.addresses
        ]
        print_table(("Reached by", "Value", "Page", "Wrote last", "Opted out"), lines)
