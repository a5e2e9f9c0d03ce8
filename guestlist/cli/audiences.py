"""`guestlist audiences`: Meta's custom audiences, made here or taken over. Uploads into them are in `uploads`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.consent import Basis, By, Words, collect_attestation
from guestlist.cli.deleting import Yes, confirm_deletion
from guestlist.cli.installation import in_installation, print_rehearsal
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, DryRun, Json, Limit, PageId, Patience, Wait
from guestlist.cli.output import count, print_facts, print_json, print_table, print_text, say, when
from guestlist.cli.waiting import PATIENCE, Waiting, Watch, settle
from guestlist.domain.audiences import describe_reachability
from guestlist.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.graph.base import AudienceInfo
    from guestlist.storage.base import Row

app = typer.Typer(name="audiences", no_args_is_help=True, help="Create, adopt, fill and delete Meta's custom audiences.")

OurId = Annotated[str, typer.Argument(metavar="AUDIENCE", help="The audience's id here, `aud_…`.", show_default=False)]


@app.command()
def create(
    context: typer.Context,
    page: PageId,
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call it, here and at Meta.", show_default=False)],
    description: Annotated[str, typer.Option(metavar="TEXT", help="A note that Meta shows beside it.")] = "",
    wait: Wait = None,
    patience: Patience = PATIENCE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Create an audience for a Page's Messenger subscribers.

    Example: `guestlist audiences create --page pag_… --name "Customers 2026"`
    """
    from guestlist.actions.audiences import create_audience
    from guestlist.actions.rehearsal import rehearse
    from guestlist.api.audience_models import Audience

    async def task(app: App) -> Row:
        services = rehearse(app.services) if dry_run else app.services
        made = await create_audience(services, app.workspace_id, page_id=page, name=name, description=description)
        return made if dry_run else await settle(app, watch_creation(app, made), Waiting(wait, patience, as_json))

    audience = in_installation(context, task, lanes=("ads",))
    if dry_run:
        print_rehearsal(f"create the audience “{audience['name']}” at Meta.", as_json=as_json)
    elif as_json:
        print_json(document(Audience, audience))
    else:
        print_audience(audience)
        say(f"Next: guestlist audiences upload {audience['id']} --list LIST")


def watch_creation(app: App, audience: Row) -> Watch:
    """Watches an audience until Meta has it."""
    from guestlist.actions.audiences import get_audience

    audience_id = audience["id"]

    def is_settled(row: Row) -> bool:
        if row["state"] in ("paused", "failed"):
            raise RefusedError(
                f"Meta did not create the audience {audience_id}: {row['reason']}",
                code="audience_refused",
                remedy=f"Put that right; then guestlist audiences delete {audience_id} and create it again.",
                audience=audience_id,
            )
        return bool(row["state"] == "ready")

    return Watch(
        title="Creating the audience",
        thing=f"Audience {audience_id}",
        page_id=audience["page_id"],
        read=lambda: get_audience(app.services, app.workspace_id, audience_id),
        is_settled=is_settled,
        go_on="guestlist serve",
    )


@app.command("list")
def list_audiences(
    context: typer.Context,
    remote: Annotated[
        bool, typer.Option("--remote", help="Those in the Page's ad account at Meta, made elsewhere too. Needs --page.")
    ] = False,
    page: Annotated[str | None, typer.Option(metavar="PAGE", help="With --remote: the Page whose ad account is read.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print the audiences, newest first; with --remote, those that Meta has."""
    from guestlist.actions import audiences
    from guestlist.api.audience_models import Audience

    if remote != (page is not None):
        raise UsageError("--remote and --page go together.", remedy="guestlist audiences list --remote --page pag_…")
    if page is not None:
        chosen = page
        told = in_installation(context, lambda app: audiences.remote_audiences(app.services, app.workspace_id, chosen))
        print_remote(told, as_json=as_json)
        return
    found = in_installation(
        context, lambda app: audiences.list_audiences(app.services, app.workspace_id, after=after, limit=limit + 1)
    )
    columns = Columns(
        ("Id", "Audience", "Page", "State", "Matched", "Reachability"),
        lambda row: (row["id"], row["name"], row["page_id"], row["state"], bounds(row), describe_reachability(row)[1]),
        nothing="There is no audience. Create one: guestlist audiences create --page PAGE --name NAME",
    )
    print_listing(found, limit, model=Audience, columns=columns, as_json=as_json)


def print_remote(told: Sequence[AudienceInfo], *, as_json: bool) -> None:
    """Audiences as Meta has them."""
    from guestlist.api.audience_models import RemoteAudience

    if as_json:
        print_json({"data": [RemoteAudience.of_info(info).model_dump(mode="json") for info in told], "next": None})
        return
    if not told:
        say("The ad account has no Messenger list.")
        return
    print_table(
        ("Meta's id", "Audience", "Page", "Matched", "What Meta says"),
        [(info.id, info.name, info.page_name or info.page_id or "", bounds(asdict(info)), info.delivery_text) for info in told],
    )
    say("Take one over: guestlist audiences adopt META_ID --page PAGE")


def bounds(audience: Row) -> str:
    """Meta's range of matched people; nothing while it tells none."""
    lower, upper = audience["lower"], audience["upper"]
    return "" if lower is None or upper is None else f"{count(lower)} to {count(upper)}"


@app.command()
def show(context: typer.Context, audience: OurId, as_json: Json = False) -> None:
    """Print an audience, whether its people can be reached yet, and the consent behind it."""
    from guestlist.actions.audiences import get_audience, read_consents
    from guestlist.api.audience_models import Audience, Consent

    async def task(app: App) -> tuple[Row, Sequence[Row]]:
        row = await get_audience(app.services, app.workspace_id, audience)
        return row, await read_consents(app.services, app.workspace_id, audience)

    row, consents = in_installation(context, task)
    if as_json:
        print_json(document(Audience, row) | {"consents": [document(Consent, each) for each in consents]})
        return
    print_audience(row)
    for each in consents:
        print_text()
        print_facts(
            {
                f"Consent {each['number']}": each["act"],
                "Attested by": each["by"],
                "Words": each["words"],
                "Basis": each["basis"],
                "On": when(each["at"]),
                "File (SHA-256)": each["proof"].get("file_sha256"),
            }
        )


@app.command()
def adopt(
    context: typer.Context,
    meta_id: Annotated[str, typer.Argument(metavar="META_ID", help="Meta's id of the audience.", show_default=False)],
    page: PageId,
    consent_by: By = "",
    consent_words: Words = "",
    consent_basis: Basis = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take over an audience that was made elsewhere, with the attestation that its people agreed.

    Example: `guestlist audiences adopt 238… --page pag_… --consent-by "Ana, CRM" --consent-words "…" --consent-basis "…"`
    """
    from guestlist.actions.audiences import adopt_audience
    from guestlist.actions.rehearsal import rehearse
    from guestlist.api.audience_models import Audience

    attestation = collect_attestation(consent_by, consent_words, consent_basis)

    async def task(app: App) -> Row:
        services = rehearse(app.services) if dry_run else app.services
        return await adopt_audience(services, app.workspace_id, page_id=page, meta_id=meta_id, attestation=attestation)

    audience = in_installation(context, task)
    if dry_run:
        print_rehearsal(f"take over the audience “{audience['name']}” ({meta_id}).", as_json=as_json)
    elif as_json:
        print_json(document(Audience, audience))
    else:
        print_audience(audience)
        say(f"Next: guestlist pages sync {page} reads its subscribers; a running server does it by itself.")


@app.command()
def delete(
    context: typer.Context,
    audience: OurId,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete an audience at Meta and here. Its people stay subscribers: removal is no opt-out."""
    from guestlist.actions.audiences import delete_audience, get_audience
    from guestlist.actions.rehearsal import rehearse
    from guestlist.api.audience_models import Audience

    if not (yes or dry_run):
        confirm_deletion(f"Delete {audience} at Meta for good?")

    async def task(app: App) -> Row:
        services = rehearse(app.services) if dry_run else app.services
        await delete_audience(services, app.workspace_id, audience)
        return await get_audience(app.services, app.workspace_id, audience)

    row = in_installation(context, task)
    if dry_run:
        print_rehearsal(f"delete the audience “{row['name']}” at Meta and here.", as_json=as_json)
    elif as_json:
        print_json(document(Audience, row))
    else:
        print_text(f"Deleted the audience “{row['name']}”.")


def print_audience(row: Row) -> None:
    """One audience, for a person."""
    print_facts(
        {
            "Id": row["id"],
            "Audience": row["name"],
            "Description": row["description"],
            "Page": row["page_id"],
            "Meta's id": row["meta_id"],
            "Origin": row["origin"],
            "State": row["state"],
            "Why": row["reason"],
            "Matched": bounds(row),
            "Reachability": describe_reachability(row)[1],
            "Meta asked": when(row["read_at"]),
            "Created": when(row["created_at"]),
        }
    )
