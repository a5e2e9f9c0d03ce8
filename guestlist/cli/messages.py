"""`guestlist messages`: one message to one person, over the first open channel, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from guestlist.cli.campaign_messages import read_file
from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, document, print_listing
from guestlist.cli.options import After, Json, Limit, Wait
from guestlist.cli.output import print_facts, print_json, print_table, print_text, say, when
from guestlist.domain.states import MessageState
from guestlist.errors import UsageError

if TYPE_CHECKING:
    from guestlist.actions.messages import Explanation, Request, Story
    from guestlist.api.message_models import NewMessage
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(
    name="messages", no_args_is_help=True, help="Send messages over the first open channel, and see what became of them."
)

OurId = Annotated[str, typer.Argument(metavar="MESSAGE", help="The message's id, `msg_…`.", show_default=False)]
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE.json", help="The whole message as for `POST /v1/messages`; - for standard input."),
]
Contact = Annotated[str | None, typer.Option(metavar="CONTACT", help="To a contact, by our id.")]
ExternalId = Annotated[str | None, typer.Option(metavar="ID", help="To a contact, by your own id.")]
Psid = Annotated[str | None, typer.Option(metavar="PSID", help="To a person on the Page.")]
Phone = Annotated[str | None, typer.Option(metavar="NUMBER", help="To a phone number, with its country code.")]
Email = Annotated[str | None, typer.Option(metavar="ADDRESS", help="To an e-mail address.")]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule", metavar="CHANNEL[:ACCOUNT]", help="A channel to try: messenger, sms, email. Repeat it in the order to try."
    ),
]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="A title: the first line, or the subject.")]
Words = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="What it says. May hold merge fields.")]


@app.command()
def send(
    context: typer.Context,
    file: File = None,
    contact: Contact = None,
    external_id: ExternalId = None,
    psid: Psid = None,
    phone: Phone = None,
    email: Email = None,
    rule: Rules = None,
    title: Title = None,
    text: Words = None,
    wait: Wait = None,
    as_json: Json = False,
) -> None:
    """Send one message. It is kept first; then the first open rule is tried, and the next one after a refusal.

    Example: `guestlist messages send --phone +447911123456 --rule messenger --rule sms --text "Your order is ready."`
    """
    to = {"contact": contact, "external_id": external_id, "psid": psid, "phone": phone, "email": email}
    request = read_request(file, to, rule or [], title=title, text=text)

    async def task(app: App) -> Story:
        from guestlist.actions.messages import Origin, send_message

        row = await send_message(app.services, app.workspace_id, request, Origin(by="cli"))
        return await see_off(app, row, wait, quiet=as_json)

    story = in_installation(context, task, lanes=("send", "due"))
    print_story(story, as_json=as_json)


@app.command()
def explain(
    context: typer.Context,
    file: File = None,
    contact: Contact = None,
    external_id: ExternalId = None,
    psid: Psid = None,
    phone: Phone = None,
    email: Email = None,
    rule: Rules = None,
    title: Title = None,
    text: Words = None,
    as_json: Json = False,
) -> None:
    """Say which way a message would go now and why each other is closed. Nothing is kept or sent."""
    to = {"contact": contact, "external_id": external_id, "psid": psid, "phone": phone, "email": email}
    request = read_request(file, to, rule or [], title=title, text=text)

    async def task(app: App) -> Explanation:
        from guestlist.actions.messages import explain_message

        return await explain_message(app.services, app.workspace_id, request.draft)

    explained = in_installation(context, task)
    if as_json:
        from guestlist.api.message_models import tell_explanation

        print_json(tell_explanation(explained).model_dump(mode="json"))
        return
    for route in explained.routes:
        way = "would be taken" if route["rule"] == explained.taken else "open"
        print_text(f"{route['rule']}. {route['channel']}: {way if route['open'] else describe_closed(route)}")
    if explained.taken is None:
        print_text("No rule is open now.")


def describe_closed(route: Any) -> str:
    """What closes a rule and what would open it."""
    return " ".join(filter(None, (f"{route['code']}.", route["sentence"], route["opens"])))


@app.command("list")
def list_messages(
    context: typer.Context,
    contact: Annotated[str | None, typer.Option(metavar="CONTACT", help="Only this contact's.")] = None,
    state: Annotated[MessageState | None, typer.Option(help="Only those in this state.")] = None,
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Only those over this channel.")] = None,
    batch: Annotated[str | None, typer.Option(metavar="BATCH", help="Only this batch's.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print messages, newest first."""
    from guestlist.actions import messages
    from guestlist.api.message_models import Message

    filters = {"contact_id": contact, "state": state, "channel": channel, "batch_id": batch}

    async def task(app: App) -> list[Row]:
        return await messages.list_messages(app.services, app.workspace_id, filters=filters, after=after, limit=limit + 1)

    columns = Columns(
        ("Id", "State", "Why", "Channel", "Contact", "Sent", "Since"),
        lambda row: (
            row["id"],
            row["state"],
            row["reason"],
            row["channel"],
            row["contact_id"] or "",
            when(row["sent_at"]),
            when(row["created_at"]),
        ),
        nothing="There is no such message. Send one: guestlist messages send --help",
    )
    print_listing(in_installation(context, task), limit, model=Message, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, message: OurId, as_json: Json = False) -> None:
    """Print a message's timeline: rules, attempts with the provider's codes, receipts."""
    from guestlist.actions.messages import get_message

    print_story(in_installation(context, lambda app: get_message(app.services, app.workspace_id, message)), as_json=as_json)


@app.command()
def cancel(context: typer.Context, message: OurId, as_json: Json = False) -> None:
    """End a message that has not left. Doing it twice changes nothing."""
    from guestlist.actions.messages import cancel_message

    row = in_installation(context, lambda app: cancel_message(app.services, app.workspace_id, message))
    print_state(row, as_json=as_json)


@app.command()
def redact(context: typer.Context, message: OurId, as_json: Json = False) -> None:
    """Empty what a message says and whom it names; states, times and codes stay. Doing it twice changes nothing."""
    from guestlist.actions.messages import redact_message

    row = in_installation(context, lambda app: redact_message(app.services, app.workspace_id, message))
    print_state(row, as_json=as_json)


# -- what is given --------------------------------------------------------------------------------------------------


def read_request(
    file: Path | None, to: dict[str, str | None], rules: list[str], *, title: str | None, text: str | None
) -> Request:
    """The message of a command. Errors: UsageError naming each wrong field."""
    flags = {"to": {name: value for name, value in to.items() if value}, "rules": [parse_rule(each) for each in rules]}
    flags |= {name: value for name, value in (("title", title), ("text", text)) if value is not None}
    if file is None:
        return validate(flags).as_request()
    if any(flags.values()):
        raise UsageError("--file holds the whole message.", code="bad_message", remedy="Leave the other options out.")
    try:
        given = orjson.loads(read_file(file))
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{file} is not JSON ({place}).", code="bad_message", remedy="Correct it there.") from None
    return validate(given).as_request()


def parse_rule(text: str) -> Any:
    """`sms`, or `sms:acc_…`, as the API has it."""
    channel, _, account = text.partition(":")
    return {"channel": channel, "account": account} if account else channel


def validate(given: Any) -> NewMessage:
    """The message as the API would read it. Errors: UsageError."""
    from pydantic import ValidationError

    from guestlist.api.message_models import NewMessage
    from guestlist.api.problems import describe_fields

    try:
        return NewMessage.model_validate(given)
    except ValidationError as error:
        errors = describe_fields(error.errors())
        listed = "; ".join(f"{each['field']}: {each['message']}" for each in errors)
        raise UsageError(
            f"The message is not in order: {listed}.",
            code="bad_message",
            remedy="See guestlist messages send --help.",
            errors=errors,
        ) from None


# -- what is said ---------------------------------------------------------------------------------------------------


async def see_off(app: App, message: Row, wait: bool | None, *, quiet: bool) -> Story:
    """The message once its first attempt has an outcome, where that is waited for; else as it is now."""
    from guestlist.actions.messages import first_attempt, get_message
    from guestlist.app import find_server, run_engine
    from guestlist.cli.waiting import tell_who
    from guestlist.storage.database import is_sqlite

    embedded = is_sqlite(app.settings.database_url)
    server = find_server(app.settings) if embedded else None
    elsewhere = not embedded or server is not None
    if wait is False or (wait is None and elsewhere):
        if not quiet:
            say(tell_who(server, elsewhere))
        return await get_message(app.services, app.workspace_id, message["id"])
    if server is not None:
        return await first_attempt(app.services, app.workspace_id, message["id"])
    async with run_engine(app):
        return await first_attempt(app.services, app.workspace_id, message["id"])


def print_story(story: Story, *, as_json: bool) -> None:
    """A message with its timeline."""
    from guestlist.actions.message_timeline import tell_timeline
    from guestlist.api.message_models import tell_story

    if as_json:
        print_json(tell_story(story).model_dump(mode="json"))
        return
    message = story.message
    print_facts(
        {
            "Message": message["id"],
            "Contact": message["contact_id"],
            "State": " ".join(filter(None, (message["state"], f"({message['reason']})" if message["reason"] else ""))),
            "Channel": message["channel"],
            "To be sent": when(message["send_at"]),
            "Ends": when(message["expires_at"]),
        }
    )
    print_text()
    lines = [
        (when(entry["at"]), entry.get("channel", ""), entry["kind"], entry.get("code") or "", entry["sentence"])
        for entry in tell_timeline(story)
    ]
    print_table(("When", "Channel", "What", "Code", ""), lines)


def print_state(message: Row, *, as_json: bool) -> None:
    """A message in one line."""
    from guestlist.api.message_models import Message

    if as_json:
        print_json(document(Message, message))
    else:
        redacted = f", redacted since {when(message['redacted_at'])}" if message["redacted_at"] else ""
        print_text(f"{message['id']} is {message['state']}{redacted}.")
