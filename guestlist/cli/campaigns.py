"""`guestlist campaigns`: one marketing message to many subscribers, from draft to funnel. How one is shown is in `funnels`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.campaign_messages import parse_expiry, read_message
from guestlist.cli.funnels import print_campaign, print_funnel
from guestlist.cli.installation import in_installation, print_rehearsal
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, DryRun, Json, Limit, PageId, Patience, Wait
from guestlist.cli.output import count, plural, print_json, say, when
from guestlist.cli.waiting import PATIENCE, Waiting, Watch, settle
from guestlist.domain.states import Delivery
from guestlist.errors import PartlyDoneError, RefusedError

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(name="campaigns", no_args_is_help=True, help="Send one marketing message to many subscribers.")

OurId = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id, `cmp_…`.", show_default=False)]
DailyBudget = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="The most to spend a day, in minor units of the currency: 500 is 5.00.")
]
LifetimeBudget = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="The most to spend in all, in minor units of the currency: 500 is 5.00.")
]


@app.command()
def create(
    context: typer.Context,
    page: PageId,
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call it, here and at Meta.", show_default=False)],
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The message: plain text, up to 640 characters.", show_default=False)
    ] = None,
    message: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="The message: Meta's message object; - for standard input.")
    ] = None,
    audience: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AUDIENCE", help="Only this audience's people; may be repeated. Default: all the Page's subscribers."
        ),
    ] = None,
    daily_budget: DailyBudget = None,
    lifetime_budget: LifetimeBudget = None,
    expires_at: Annotated[
        str | None, typer.Option(metavar="ISO", help="Send to nobody after this: 2026-12-24T17:00:00Z.")
    ] = None,
    wait: Wait = None,
    patience: Patience = PATIENCE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Create a campaign at Meta. It warms up for an hour; nothing is sent before it is launched.

    Example: `guestlist campaigns create --page pag_… --name "Autumn" --text "Two cups for one, this week."`
    """
    from guestlist.actions.campaigns import Draft, create_campaign
    from guestlist.actions.rehearsal import rehearse
    from guestlist.api.campaign_models import Campaign

    draft = Draft(
        page_id=page,
        name=name,
        message=read_message(text, message),
        audience_ids=tuple(dict.fromkeys(audience or ())),
        daily_budget=daily_budget,
        lifetime_budget=lifetime_budget,
        expires_at=parse_expiry(expires_at) if expires_at is not None else None,
    )

    async def task(app: App) -> Row:
        made = await create_campaign(rehearse(app.services) if dry_run else app.services, app.workspace_id, draft)
        return made if dry_run else await settle(app, watch_creation(app, made), Waiting(wait, patience, as_json))

    campaign = in_installation(context, task, lanes=("ads",))
    if dry_run:
        print_rehearsal(f"create the campaign “{campaign['name']}” at Meta. Its message is in order.", as_json=as_json)
    elif as_json:
        print_json(document(Campaign, campaign))
    else:
        print_campaign(campaign)
        say(f"Next: guestlist campaigns launch {campaign['id']}")


def watch_creation(app: App, campaign: Row) -> Watch:
    """Watches a campaign until Meta has it and it warms up."""

    def is_settled(row: Row) -> bool:
        check_going(row)
        return row["meta_id"] is not None

    return watch(app, campaign, "Creating the campaign", is_settled)


def check_going(row: Row) -> None:
    """Errors: PartlyDoneError for a paused campaign, RefusedError for a failed or stopped one."""
    if row["state"] == "paused":
        raise PartlyDoneError(
            f"Campaign {row['id']} is paused: {row['reason'] or 'by a person'}",
            code="campaign_paused",
            remedy=f"Put that right, then: guestlist campaigns resume {row['id']}",
            campaign=row["id"],
            action=row["action"],
        )
    if row["state"] in ("failed", "stopped"):
        sentence = f"Campaign {row['id']} is {row['state']}: {row['reason'] or 'by a person'}"
        raise RefusedError(sentence, code="campaign_ended", remedy="Create another one.", campaign=row["id"])


def watch(app: App, campaign: Row, title: str, is_settled: Callable[[Row], bool]) -> Watch:
    """Watches a campaign and how many of its recipients are done."""
    from guestlist.actions.campaigns import get_campaign, read_funnel

    campaign_id = campaign["id"]

    async def read() -> Row:
        row = await get_campaign(app.services, app.workspace_id, campaign_id)
        pending = (await read_funnel(app.services, app.workspace_id, campaign_id))["pending"] if row["launched_at"] else 0
        return {**row, "done": row["recipients"] - pending}

    return Watch(
        title=title,
        thing=f"Campaign {campaign_id}",
        page_id=campaign["page_id"],
        read=read,
        is_settled=is_settled,
        go_on="guestlist serve",
        done=lambda row: int(row["done"]),
        waits_until=lambda row: max(row["ready_at"] or 0, row["not_before"] or 0),
        total=campaign["recipients"] or None,
        noun="recipients",
    )


@app.command("list")
def list_campaigns(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print the campaigns, newest first."""
    from guestlist.actions import campaigns
    from guestlist.api.campaign_models import Campaign

    found = in_installation(
        context, lambda app: campaigns.list_campaigns(app.services, app.workspace_id, after=after, limit=limit + 1)
    )
    columns = Columns(
        ("Id", "Campaign", "Page", "State", "Recipients", "Launched"),
        lambda row: (
            row["id"],
            row["name"],
            row["page_id"],
            row["state"],
            count(row["recipients"]) if row["launched_at"] else "",
            when(row["launched_at"]),
        ),
        nothing="There is no campaign. Create one: guestlist campaigns create --page PAGE --name NAME --text TEXT",
        right=("Recipients",),
    )
    print_listing(found, limit, model=Campaign, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, campaign: OurId, as_json: Json = False) -> None:
    """Print a campaign and its funnel, in which every total adds up."""
    from guestlist.actions.campaigns import get_campaign, read_funnel
    from guestlist.api.campaign_models import Campaign, Funnel

    async def task(app: App) -> tuple[Row, Row]:
        row = await get_campaign(app.services, app.workspace_id, campaign)
        return row, await read_funnel(app.services, app.workspace_id, campaign)

    row, funnel = in_installation(context, task)
    if as_json:
        print_json(document(Campaign, row) | {"funnel": Funnel.model_validate(funnel).model_dump(mode="json")})
        return
    print_campaign(row)
    if row["launched_at"] is not None:
        print_funnel(funnel)


@app.command()
def launch(
    context: typer.Context,
    campaign: OurId,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until nobody is pending; where no server runs, send from here.")
    ] = False,
    patience: Patience = PATIENCE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Decide who gets the campaign, from the subscribers as they stand now; sending starts as soon as it is warm.

    A running server sends, and receives the receipts. --dry-run only counts the recipients.
    """
    from guestlist.actions.campaigns import launch_campaign
    from guestlist.actions.rehearsal import rehearse

    async def task(app: App) -> Row:
        row = await launch_campaign(rehearse(app.services) if dry_run else app.services, app.workspace_id, campaign)
        return row if dry_run else await settle(app, watch_sending(app, row), Waiting(wait, patience, as_json))

    row = in_installation(context, task, lanes=("page", "ads", "inbox"))
    if not dry_run:
        tell(row, as_json=as_json)
        return
    from guestlist.api.campaign_models import Campaign

    shown = document(Campaign, row)
    numbers = {"subscribers": shown["subscribers"], "recipients": shown["recipients"], "excluded": shown["excluded"]}
    print_rehearsal(
        f"launch “{row['name']}” to {plural(row['recipients'], 'recipient')}.",
        as_json=as_json,
        **numbers if as_json else {"Subscribers": count(row["subscribers"])},
    )


def watch_sending(app: App, campaign: Row) -> Watch:
    """Watches a launched campaign until nobody is pending."""

    def is_settled(row: Row) -> bool:
        check_going(row)
        return bool(row["state"] == "finished")

    return watch(app, campaign, "Sending", is_settled)


@app.command()
def pause(context: typer.Context, campaign: OurId, as_json: Json = False) -> None:
    """Hold a campaign: nobody else is sent to until it is resumed."""
    from guestlist.actions.campaigns import pause_campaign

    change(context, lambda app: pause_campaign(app.services, app.workspace_id, campaign), as_json=as_json)


@app.command()
def resume(context: typer.Context, campaign: OurId, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Go on with a paused campaign where it stood. A running server sends."""
    from guestlist.actions.campaigns import resume_campaign
    from guestlist.actions.rehearsal import rehearse

    async def task(app: App) -> Row:
        return await resume_campaign(rehearse(app.services) if dry_run else app.services, app.workspace_id, campaign)

    if dry_run:
        row = in_installation(context, task)
        print_rehearsal(f"go on with “{row['name']}”, which would be {row['state']}.", as_json=as_json)
    else:
        change(context, task, as_json=as_json)


@app.command()
def stop(context: typer.Context, campaign: OurId, as_json: Json = False) -> None:
    """End a campaign for good. Whoever was not sent to is closed as `stopped`."""
    from guestlist.actions.campaigns import stop_campaign

    change(context, lambda app: stop_campaign(app.services, app.workspace_id, campaign), as_json=as_json)


def change(context: typer.Context, task: Callable[[App], Awaitable[Row]], *, as_json: bool) -> None:
    """Does something to a campaign and prints it as it is then."""
    tell(in_installation(context, task), as_json=as_json)


def tell(row: Row, *, as_json: bool) -> None:
    """Prints a campaign."""
    from guestlist.api.campaign_models import Campaign

    if as_json:
        print_json(document(Campaign, row))
    else:
        print_campaign(row)


@app.command()
def recipients(
    context: typer.Context,
    campaign: OurId,
    state: Annotated[
        Delivery | None,
        typer.Option(metavar="STATE", help="Only those in this state, such as failed, unknown or read.", show_default=False),
    ] = None,
    limit: Limit = 50,
    after: Annotated[int | None, typer.Option(min=0, metavar="N", help="Print what follows this position.")] = None,
    as_json: Json = False,
) -> None:
    """Print a campaign's recipients in the order of sending, each with its state and the reason for it."""
    from guestlist.actions import campaigns
    from guestlist.api.campaign_models import Recipient

    chosen = state.value if state else None
    found = in_installation(
        context,
        lambda app: campaigns.list_recipients(
            app.services, app.workspace_id, campaign, state=chosen, after=after, limit=limit + 1
        ),
    )
    columns = Columns(
        ("#", "Subscriber", "State", "Why", "Accepted", "Delivered", "Read", "Clicked"),
        lambda row: (
            row["position"],
            row["subscriber_id"],
            row["state"],
            row["reason"],
            *(when(row[step]) for step in ("sent_at", "delivered_at", "read_at", "clicked_at")),
        ),
        nothing=f"Nobody is {chosen}." if chosen else "Nobody: recipients are fixed when the campaign is launched.",
        right=("#",),
    )
    print_listing(found, limit, model=Recipient, columns=columns, as_json=as_json, place="position")
