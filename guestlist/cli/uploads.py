"""`guestlist audiences upload`, `uploads` and `resume`: customer lists on their way into audiences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.audiences import OurId, app
from guestlist.cli.consent import Basis, By, Words, collect_attestation
from guestlist.cli.installation import in_installation, print_rehearsal
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, DryRun, Json, Limit, Patience, Wait
from guestlist.cli.output import count, plural, print_facts, print_json, say, when
from guestlist.cli.waiting import PATIENCE, Waiting, Watch, settle
from guestlist.domain.uploads import Mode
from guestlist.errors import PartlyDoneError

if TYPE_CHECKING:
    from guestlist.actions.upload_plans import Forecast
    from guestlist.app import App
    from guestlist.storage.base import Row


HELD = ("throttled", "slowing_down", "audience_busy", "replace_too_slow")
"""Reasons of a wait that Meta or its clock imposes, with a known end."""


@app.command()
def upload(
    context: typer.Context,
    audience: OurId,
    list_id: Annotated[
        str, typer.Option("--list", metavar="LIST", help="The customer list, from `guestlist lists list`.", show_default=False)
    ],
    mode: Annotated[
        Mode,
        typer.Option(
            metavar="MODE",
            help="add: send what is new. sync: also remove from the audience what earlier uploads sent and the list has no "
            "longer. replace: the list takes the place of everybody in it.",
        ),
    ] = Mode.ADD,
    full: Annotated[bool, typer.Option("--full", help="Send rows that the audience has, too.")] = False,
    consent_by: By = "",
    consent_words: Words = "",
    consent_basis: Basis = "",
    wait: Wait = None,
    patience: Patience = PATIENCE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Upload a customer list's digests into an audience, with the attestation that everybody on it agreed.

    Only rows that the audience does not have are sent. Removing people from an audience is no opt-out: they stay subscribers.

    Asks for missing parts of the attestation on a terminal; elsewhere nothing goes to Meta without them (exit 6).
    Waits until Meta has every batch; matching may take Meta up to 24 hours more.

    Example: `guestlist audiences upload aud_… --list lst_… --consent-by "Ana, CRM" --consent-words "Yes, send me offers on
    Messenger." --consent-basis "checkbox at checkout"`
    """
    from guestlist.actions.rehearsal import rehearse
    from guestlist.actions.upload_plans import forecast_upload
    from guestlist.actions.uploads import start_upload
    from guestlist.api.uploads import Upload

    attestation = collect_attestation(consent_by, consent_words, consent_basis)
    given = {"audience_id": audience, "list_id": list_id, "attestation": attestation, "mode": mode, "full": full}

    async def rehearsed(app: App) -> Forecast:
        begun = await start_upload(rehearse(app.services), app.workspace_id, **given)  # type: ignore[arg-type]
        return await forecast_upload(app.services, begun)

    async def task(app: App) -> Row:
        begun = await start_upload(app.services, app.workspace_id, **given)  # type: ignore[arg-type]
        return await settle(app, await watch_upload(app, begun), Waiting(wait, patience, as_json))

    if dry_run:
        print_forecast(in_installation(context, rehearsed), audience, as_json=as_json)
        return
    row = in_installation(context, task, lanes=("ads",))
    if as_json:
        print_json(document(Upload, row))
    else:
        print_upload(row)


def print_forecast(forecast: Forecast, audience_id: str, *, as_json: bool) -> None:
    """What an upload would send."""
    size = f"{plural(forecast.added, 'row')} in {plural(forecast.batches, 'batch', 'batches')}"
    also = f"; remove {plural(forecast.removed, 'row')} from it" if forecast.removed else ""
    known = f"; {plural(forecast.unchanged, 'row')} it has already" if forecast.unchanged else ""
    counts = {"added": forecast.added, "removed": forecast.removed, "unchanged": forecast.unchanged, "batches": forecast.batches}
    print_rehearsal(f"upload {size} into {audience_id}{also}{known}.", as_json=as_json, rows=forecast.added, **counts)


@app.command()
def resume(
    context: typer.Context,
    upload: Annotated[str, typer.Argument(metavar="UPLOAD", help="The upload's id, `upl_…`.", show_default=False)],
    wait: Wait = None,
    patience: Patience = PATIENCE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go on with a paused upload at the first batch that Meta has not acknowledged, in the same session."""
    from guestlist.actions.rehearsal import rehearse
    from guestlist.actions.uploads import resume_upload
    from guestlist.api.uploads import Upload

    async def task(app: App) -> Row:
        row = await resume_upload(rehearse(app.services) if dry_run else app.services, app.workspace_id, upload)
        return row if dry_run else await settle(app, await watch_upload(app, row), Waiting(wait, patience, as_json))

    row = in_installation(context, task, lanes=("ads",))
    left = row["batches"] - row["batches_sent"]
    if dry_run:
        print_rehearsal(f"send the {plural(left, 'batch', 'batches')} that are left.", as_json=as_json, batches=left)
    elif as_json:
        print_json(document(Upload, row))
    else:
        print_upload(row)


@app.command()
def cancel(
    context: typer.Context,
    upload: Annotated[str, typer.Argument(metavar="UPLOAD", help="The upload's id, `upl_…`.", show_default=False)],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give up an upload that waits or is paused. What Meta has acknowledged stays in the audience; the rest is dropped."""
    from guestlist.actions.rehearsal import rehearse
    from guestlist.actions.uploads import cancel_upload
    from guestlist.api.uploads import Upload

    row = in_installation(
        context, lambda app: cancel_upload(rehearse(app.services) if dry_run else app.services, app.workspace_id, upload)
    )
    if dry_run:
        left = row["rows"] - row["rows_sent"]
        print_rehearsal(f"give up {upload} with {plural(left, 'row')} left.", as_json=as_json, rows=left)
    elif as_json:
        print_json(document(Upload, row))
    else:
        print_upload(row)


@app.command("uploads")
def list_uploads(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print the uploads, newest first."""
    from guestlist.actions import uploads
    from guestlist.api.uploads import Upload

    found = in_installation(
        context, lambda app: uploads.list_uploads(app.services, app.workspace_id, after=after, limit=limit + 1)
    )
    columns = Columns(
        ("Id", "Audience", "List", "Mode", "State", "Sent", "Of", "Why"),
        lambda row: (
            row["id"],
            row["audience_id"],
            row["list_id"],
            row["mode"],
            row["state"],
            count(row["rows_sent"]),
            count(row["rows"]),
            row["reason"],
        ),
        nothing="There is no upload. Start one: guestlist audiences upload AUDIENCE --list LIST",
        right=("Sent", "Of"),
    )
    print_listing(found, limit, model=Upload, columns=columns, as_json=as_json)


async def watch_upload(app: App, upload: Row) -> Watch:
    """Watches an upload until Meta has its last batch."""
    from guestlist.actions.audiences import get_audience
    from guestlist.actions.uploads import get_upload

    upload_id = upload["id"]
    audience = await get_audience(app.services, app.workspace_id, upload["audience_id"])

    def is_settled(row: Row) -> bool:
        if row["state"] in ("paused", "failed"):
            raise PartlyDoneError(
                f"Upload {upload_id} stopped after {count(row['rows_sent'])} of {plural(row['rows'], 'row')}: {row['reason']}",
                code="upload_paused",
                remedy=f"Put that right, then: guestlist audiences resume {upload_id}",
                upload=upload_id,
                rows=row["rows"],
                rows_sent=row["rows_sent"],
            )
        return row["state"] in ("matching", "matched")

    return Watch(
        title="Uploading",
        thing=f"Upload {upload_id}",
        page_id=audience["page_id"],
        read=lambda: get_upload(app.services, app.workspace_id, upload_id),
        is_settled=is_settled,
        go_on="guestlist serve",
        done=lambda row: int(row["rows_sent"]),
        waits_until=lambda row: row["due_at"] if row["reason"] in HELD else None,
        total=upload["rows"],
        noun="rows",
    )


def print_upload(row: Row) -> None:
    """One upload, for a person, and what comes next."""
    print_facts(
        {
            "Id": row["id"],
            "Audience": row["audience_id"],
            "List": row["list_id"],
            "State": row["state"],
            "Why": row["reason"],
            "Mode": row["mode"],
            "To add": count(row["added"]) if row["planned_at"] else "",
            "To remove": count(row["removed"]) if row["planned_at"] else "",
            "Unchanged": count(row["unchanged"]) if row["planned_at"] else "",
            "Sessions begun anew": row["restarts"] or "",
            "Rows sent": f"{count(row['rows_sent'])} of {count(row['rows'])}",
            "Batches sent": f"{row['batches_sent']} of {row['batches']}",
            "Meta could not read": plural(row["rows_invalid"], "row") if row["rows_invalid"] else "",
            "All sent": when(row["sent_at"]),
            "Matched": when(row["matched_at"]),
        }
    )
    if row["state"] == "matching":
        say("Meta is matching, for up to 24 hours; a running server follows it.")
        say(f"How far it is: guestlist audiences show {row['audience_id']}")
