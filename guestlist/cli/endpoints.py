"""`guestlist endpoints`: URLs that receive events, what each was told, and telling it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.deleting import Yes, confirm_deletion
from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, Json, Limit
from guestlist.cli.output import plural, print_facts, print_json, print_table, print_text, say, when
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.actions.endpoints import Created
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(name="endpoints", no_args_is_help=True, help="Send events to your URLs, and see what became of them.")

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's id, `end_…`.", show_default=False)]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="An event, or `message.*`; repeat it. Without any: all.", show_default=False),
]
DialectName = Annotated[
    str,
    typer.Option("--dialect", metavar="NAME", help="A vendor's shape: comapi, amio, gupshup or gupshup-v2.", show_default=False),
]
Account = Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Only events of this Page or account.", show_default=False)]


@app.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.", show_default=False)],
    name: Annotated[str, typer.Option(metavar="NAME", help="What listens there.")] = "endpoint",
    kind: Kinds = None,
    account: Account = None,
    dialect: DialectName = "",
    as_json: Json = False,
) -> None:
    """Make an endpoint and print its secret. The secret cannot be shown again.

    Example: `guestlist endpoints create https://example.com/hooks --kind 'message.*'`
    """
    from guestlist.actions import endpoints

    new = endpoints.NewEndpoint(name, url, kinds=tuple(kind or ()), dialect=dialect, scope=account or "")
    created = in_installation(context, lambda app: endpoints.create_endpoint(app.services, app.workspace_id, new))
    print_created(created, as_json=as_json)


def print_created(created: Created, *, as_json: bool) -> None:
    """An endpoint's secret, the one time it is shown."""
    from guestlist.api.endpoints import EndpointWithSecret

    if as_json:
        print_json(document(EndpointWithSecret, {**created.row, "secret": created.secret}))
        return
    endpoint_id = created.row["id"]
    if not created.secret:
        print_text(endpoint_id)
        say("Nothing is signed in this dialect: put what is secret into the URL.")
        return
    print_text(created.secret)
    say(f"Keep it: it is not shown again. See whether {endpoint_id} answers: guestlist endpoints test {endpoint_id}")


@app.command("list")
def list_endpoints(context: typer.Context, limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """Print endpoints, newest first."""
    from guestlist.actions import endpoints
    from guestlist.api.endpoints import Endpoint

    found = in_installation(
        context, lambda app: endpoints.list_endpoints(app.services, app.workspace_id, after=after, limit=limit + 1)
    )
    columns = Columns(
        ("Id", "Name", "URL", "Events", "State", "Why", "Failing since"),
        lambda row: (
            row["id"],
            row["name"],
            row["url"],
            row["kinds"].strip() or "all",
            row["state"],
            row["reason"],
            when(row["failing_since"]),
        ),
        nothing="There is no endpoint. Make one: guestlist endpoints create URL",
    )
    print_listing(found, limit, model=Endpoint, columns=columns, as_json=as_json)


@app.command()
def update(
    context: typer.Context,
    endpoint: EndpointId,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where events are posted.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What listens there.", show_default=False)] = None,
    kind: Kinds = None,
    all_kinds: Annotated[bool, typer.Option("--all-kinds", help="Every event, from now on.")] = False,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Let it hear events again, or no more.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Change an endpoint. What is not named stays."""
    from guestlist.actions import endpoints

    if kind and all_kinds:
        raise UsageError("Some events, or all of them?", code="two_ways", remedy="Give --kind or --all-kinds, not both.")
    kinds = () if all_kinds else tuple(kind) if kind else None
    row = in_installation(
        context,
        lambda app: endpoints.update_endpoint(
            app.services, app.workspace_id, endpoint, name=name, url=url, kinds=kinds, enabled=enabled
        ),
    )
    _print_endpoint(row, as_json=as_json)


@app.command()
def show(context: typer.Context, endpoint: EndpointId, as_json: Json = False) -> None:
    """Print one endpoint."""
    from guestlist.actions import endpoints

    _print_endpoint(
        in_installation(context, lambda app: endpoints.get_endpoint(app.services, app.workspace_id, endpoint)), as_json=as_json
    )


def _print_endpoint(row: Row, *, as_json: bool) -> None:
    from guestlist.api.endpoints import Endpoint

    if as_json:
        print_json(document(Endpoint, row))
        return
    print_facts(
        {
            "id": row["id"],
            "name": row["name"],
            "url": row["url"],
            "events": row["kinds"].strip() or "all",
            "state": " ".join(filter(None, (row["state"], row["reason"]))),
            "failing since": when(row["failing_since"]),
        }
    )


@app.command()
def delete(context: typer.Context, endpoint: EndpointId, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an endpoint with its log. Nothing more goes there."""
    from guestlist.actions import endpoints

    if not yes:
        confirm_deletion(f"Delete {endpoint} and its log?")
    in_installation(context, lambda app: endpoints.delete_endpoint(app.services, app.workspace_id, endpoint))
    if as_json:
        print_json({"id": endpoint, "deleted": True})
    else:
        print_text(f"Deleted {endpoint}.")


@app.command()
def rotate(
    context: typer.Context,
    endpoint: EndpointId,
    overlap_hours: Annotated[int, typer.Option(min=0, metavar="HOURS", help="So long the old secret signs, too.")] = 24,
    as_json: Json = False,
) -> None:
    """Give an endpoint a new secret and print it. The old one signs along for a while."""
    from guestlist.actions import endpoints

    overlap = timedelta(hours=overlap_hours)
    created = in_installation(
        context, lambda app: endpoints.rotate_secret(app.services, app.workspace_id, endpoint, overlap=overlap)
    )
    print_created(created, as_json=as_json)


@app.command("test")
def send_test(context: typer.Context, endpoint: EndpointId, as_json: Json = False) -> None:
    """Send an `endpoint.test` to one endpoint. The running server posts it."""
    from guestlist.actions import endpoints
    from guestlist.api.endpoints import Notice

    row = in_installation(context, lambda app: endpoints.send_test_event(app.services, app.workspace_id, endpoint))
    if as_json:
        print_json(document(Notice, row))
    else:
        print_text(row["id"])
        say(f"See what became of it: guestlist endpoints notice {endpoint} {row['id']}")


@app.command()
def notices(
    context: typer.Context,
    endpoint: EndpointId,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only these: pending, delivered or failed.", show_default=False)
    ] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print what an endpoint was told and is to be told, newest first."""
    from guestlist.actions import endpoints
    from guestlist.api.endpoints import Notice

    if state not in (None, "pending", "delivered", "failed"):
        raise UsageError("A notice is pending, delivered or failed.", code="bad_state", remedy="Give one of the three.")
    found = in_installation(
        context,
        lambda app: endpoints.list_notices(app.services, app.workspace_id, endpoint, state=state, after=after, limit=limit + 1),
    )
    columns = Columns(
        ("Id", "Event", "About", "State", "Tries", "Answer", "Problem", "Next try", "Since"),
        lambda row: (
            row["id"],
            row["kind"],
            row["subject"],
            row["state"],
            row["attempts"],
            row["status"] or "",
            row["problem"],
            when(row["due_at"]),
            when(row["created_at"]),
        ),
        nothing="This endpoint has been told nothing yet.",
        right=("Tries", "Answer"),
    )
    print_listing(found, limit, model=Notice, columns=columns, as_json=as_json)


@app.command()
def notice(
    context: typer.Context,
    endpoint: EndpointId,
    notice_id: Annotated[str, typer.Argument(metavar="NOTICE", help="The notice's id, `ntc_…`.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Print one notice: what it says, every try, and the beginning of each answer."""
    from guestlist.actions import endpoints
    from guestlist.api.endpoints import tell_notice

    story = in_installation(context, lambda app: endpoints.get_notice(app.services, app.workspace_id, endpoint, notice_id))
    if as_json:
        print_json(tell_notice(story).model_dump(mode="json"))
        return
    row = story.notice
    print_facts(
        {"id": row["id"], "event": row["kind"], "about": row["subject"], "state": row["state"], "problem": row["problem"]}
    )
    if story.request is not None:
        print_text(story.request.body.decode(errors="replace"))
    cells = [
        (each["number"], when(each["at"]), each["status"] or "", each["problem"], f"{each['milliseconds']} ms", each["answer"])
        for each in story.tries
    ]
    print_table(("Try", "At", "Status", "Problem", "Took", "Answer"), cells, right=("Try", "Took"))


@app.command()
def replay(
    context: typer.Context,
    endpoint: EndpointId,
    notice_id: Annotated[str | None, typer.Option("--notice", metavar="NOTICE", help="This one.", show_default=False)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Everything that was given up.")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Everything from 2026-11-20T12:00:00Z on.", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="And before this.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Tell an endpoint again: one event, all that failed, or all that happened in a range. Each keeps its id."""
    from guestlist.actions import endpoints

    if [bool(notice_id), failed, since is not None].count(True) != 1 or (until and since is None):
        raise UsageError("Say what is to be told again.", code="what_to_replay", remedy="Give --notice, --failed or --since.")
    begins, ends = _read_instant(since), _read_instant(until)

    async def task(app: App) -> int:
        place: tuple[Any, str, str] = (app.services, app.workspace_id, endpoint)
        if notice_id:
            await endpoints.replay_notice(*place, notice_id)
            return 1
        return await (endpoints.replay_failed(*place) if begins is None else endpoints.replay_range(*place, begins, ends))

    replayed = in_installation(context, task)
    if as_json:
        print_json({"replayed": replayed})
    else:
        print_text(f"{plural(replayed, 'event')} on the way again.")


def _read_instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UsageError("That is no instant with its zone.", code="bad_instant", remedy="Write it like 2026-11-20T12:00:00Z.")
    return instant
