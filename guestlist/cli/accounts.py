"""`guestlist accounts`: what messages go out from: numbers, mailboxes, and Pages."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.deleting import Yes, confirm_deletion
from guestlist.cli.installation import in_installation
from guestlist.cli.listings import Columns, print_listing
from guestlist.cli.options import After, Json, Limit
from guestlist.cli.output import print_facts, print_json, print_text, say, when
from guestlist.cli.tokens import read_token_file
from guestlist.domain.messages import Channel
from guestlist.domain.providers import PROVIDERS
from guestlist.errors import RefusedError, UsageError
from guestlist.storage.instants import to_ms

if TYPE_CHECKING:
    from guestlist.actions.accounts import Connected
    from guestlist.api.accounts import Account
    from guestlist.app import App
    from guestlist.storage.base import Row

app = typer.Typer(name="accounts", no_args_is_help=True, help="Connect numbers and mailboxes, and see what messages go out from.")

OurId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, `acc_…`.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of the provider. Repeat it.", show_default=False),
]
SecretFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--secret-file",
        metavar="NAME=FILE",
        help="A file with a secret; - for a line of standard input. Repeat it.",
        show_default=False,
    ),
]
SecretVariables = Annotated[
    list[str] | None,
    typer.Option(
        "--secret-env", metavar="NAME=VARIABLE", help="The environment variable with a secret. Repeat it.", show_default=False
    ),
]
Sender = Annotated[str | None, typer.Option(metavar="SENDER", help="The number, name or mailbox people see.", show_default=False)]
Rate = Annotated[int | None, typer.Option(metavar="N", min=0, help="Calls a second at most; 0 = no limit.", show_default=False)]


@app.command()
def connect(
    context: typer.Context,
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="sms or email.", show_default=False)],
    provider: Annotated[
        str, typer.Option(metavar="PROVIDER", help="twilio, kannel or sandbox; smtp or sandbox.", show_default=False)
    ],
    sender: Sender = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What you call it.")] = "Main",
    setting: Settings = None,
    secret_file: SecretFiles = None,
    secret_env: SecretVariables = None,
    rate: Rate = None,
    as_json: Json = False,
) -> None:
    """Connect a number or a mailbox. Secrets come from files, the environment, or are asked for on a terminal.

    Nothing is sent; `guestlist accounts check` tries it.

    Example: `guestlist accounts connect --channel sms --provider twilio --sender +447700900999 --set account_sid=AC…`
    """
    from guestlist.actions import accounts

    if channel not in ("sms", "email"):
        raise UsageError("The channel is sms or email.", code="bad_channel", remedy="Pages: guestlist pages connect")
    known = PROVIDERS.get((Channel(channel), provider))
    given = read_secrets(secret_file, secret_env)
    config = read_pairs("--set", setting)
    for wanted in known.secrets if known else ():
        given[wanted] = given.get(wanted) or ask_secret(wanted)
    if known and config.get("username") and (password := given.get("password") or ask_secret("password")):
        given["password"] = password
    new = accounts.NewAccount(
        Channel(channel),
        provider,
        name,
        sender=sender or "",
        config=config,
        secrets=given,
        rate=rate or 0,
    )
    _print_connected(context, lambda app: accounts.create_account(app.services, app.workspace_id, new), as_json=as_json)


@app.command("list")
def list_accounts(
    context: typer.Context,
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Only messenger, sms or email.", show_default=False)
    ] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """Print accounts and Pages."""
    from guestlist.actions import accounts
    from guestlist.api.accounts import Account, tell_account

    async def task(app: App) -> list[Row]:
        found = await accounts.list_accounts(app.services, app.workspace_id, channel=channel, after=after, limit=limit + 1)
        return [tell_account(app.services, row).model_dump() for row in found]

    columns = Columns(
        ("Id", "Channel", "Provider", "Name", "Sender", "State", "Why"),
        lambda row: tuple(row[name] for name in ("id", "channel", "provider", "name", "sender", "state", "reason")),
        nothing="There is no account. Connect one: guestlist accounts connect, or guestlist pages connect",
    )
    print_listing(in_installation(context, task), limit, model=Account, columns=columns, as_json=as_json)


@app.command()
def show(context: typer.Context, account: OurId, as_json: Json = False) -> None:
    """Print what is known of an account. Secrets are never shown."""
    from guestlist.actions import accounts
    from guestlist.api.accounts import tell_account

    async def task(app: App) -> Account:
        return tell_account(app.services, await accounts.get_account(app.services, app.workspace_id, account))

    _print_account(in_installation(context, task), as_json=as_json)


@app.command()
def update(
    context: typer.Context,
    account: OurId,
    sender: Sender = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What you call it.", show_default=False)] = None,
    setting: Settings = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A setting to take away. Repeat it.", show_default=False)
    ] = None,
    secret_file: SecretFiles = None,
    secret_env: SecretVariables = None,
    rate: Rate = None,
    new_webhook_token: Annotated[
        bool, typer.Option("--new-webhook-token", help="Make a new token for its webhooks; the old one ends.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Change an account. What is not named stays; an account that waited for a person goes on."""
    from guestlist.actions import accounts

    change = accounts.Change(
        name=name,
        sender=sender,
        config={**read_pairs("--set", setting), **dict.fromkeys(unset or ())},
        secrets=read_secrets(secret_file, secret_env),
        rate=rate,
        new_webhook_token=new_webhook_token,
    )
    _print_connected(
        context, lambda app: accounts.update_account(app.services, app.workspace_id, account, change), as_json=as_json
    )


@app.command()
def check(context: typer.Context, account: OurId, as_json: Json = False) -> None:
    """Try an account without sending anything. Exit code 6 where it does not work."""
    from guestlist.actions import accounts

    probe = in_installation(context, lambda app: accounts.check_account(app.services, app.workspace_id, account))
    if as_json:
        print_json({"ok": probe.ok, "code": probe.code, "sentence": probe.sentence})
    elif probe.ok:
        say(probe.sentence)
    if not probe.ok:
        raise RefusedError(probe.sentence, code=probe.code, remedy=f"Mend it: guestlist accounts update {account}")


@app.command()
def delete(context: typer.Context, account: OurId, yes: Yes = False, as_json: Json = False) -> None:
    """Forget an account and its secrets. What it sent stays."""
    from guestlist.actions import accounts

    if not yes:
        confirm_deletion(f"Delete the account {account}?")
    in_installation(context, lambda app: accounts.delete_account(app.services, app.workspace_id, account))
    if as_json:
        print_json({"id": account, "deleted": True})
    else:
        print_text(f"Deleted {account}.")


# -- what is given --------------------------------------------------------------------------------------------------


def read_pairs(flag: str, given: list[str] | None) -> dict[str, Any]:
    """`NAME=VALUE` as a mapping. Errors: UsageError, which does not repeat the value."""
    pairs: dict[str, Any] = {}
    for each in given or ():
        name, found, value = each.partition("=")
        if not found or not name:
            raise UsageError(f"{flag} takes NAME=VALUE.", code="bad_pair", remedy="Write for example: --set account_sid=AC…")
        pairs[name] = value
    return pairs


def read_secrets(files: list[str] | None, variables: list[str] | None) -> dict[str, str]:
    """Secrets from files and the environment: never from the command line, which other processes and histories see."""
    given: dict[str, str] = {}
    for name, path in read_pairs("--secret-file", files).items():
        given[name] = read_token_file(name, Path(path)).strip()
    for name, variable in read_pairs("--secret-env", variables).items():
        value = os.environ.get(variable, "").strip()
        if not value:
            raise UsageError(f"The environment has no {variable}.", code="no_secret", remedy="Set it, or give a file.")
        given[name] = value
    return given


def ask_secret(name: str) -> str:
    """Asks on a terminal, without echo. Elsewhere nothing is asked: the account is refused for want of it."""
    if not sys.stdin.isatty():
        return ""
    answer: str = typer.prompt(name.replace("_", " ").capitalize(), default="", hide_input=True, show_default=False, err=True)
    return answer.strip()


# -- what is shown --------------------------------------------------------------------------------------------------


def _print_connected(context: typer.Context, action: Any, *, as_json: bool) -> None:
    from guestlist.api.accounts import tell_account

    async def task(app: App) -> Account:
        made: Connected = await action(app)
        return tell_account(app.services, made.row, made.webhook_url)

    account = in_installation(context, task)
    _print_account(account, as_json=as_json)
    if not as_json:
        if "token=" in account.webhook_url:
            say("Keep the webhook address: its token is not shown again.")
        say(f"Try it without sending: guestlist accounts check {account.id}")


def _print_account(account: Account, *, as_json: bool) -> None:
    if as_json:
        print_json(account.model_dump(mode="json"))
        return
    print_facts(
        {
            "Id": account.id,
            "Channel": account.channel,
            "Provider": account.provider,
            "Name": account.name,
            "Sender": account.sender,
            **{f"  {name}": value for name, value in account.config.items()},
            "Calls a second": account.rate or "no limit",
            "State": account.state,
            "Why": account.reason,
            "Can": ", ".join(name for name, able in account.capabilities.items() if able) or "",
            "Webhooks": account.webhook_url,
            "Connected": when(to_ms(account.created_at)),
        }
    )
