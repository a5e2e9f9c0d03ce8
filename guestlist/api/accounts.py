"""`/v1/accounts`: what messages go out from. Pages are listed too; they are connected at `/v1/pages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, SecretStr, StringConstraints

from guestlist.actions import accounts
from guestlist.actions.base import Services
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Document, Given, Instant, Name, RowId, Shown
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain.messages import Channel
from guestlist.storage.base import Row

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

_ACTING = refusals(404, *WRITING)

Word = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z_]+$")]
Value = Annotated[str, StringConstraints(max_length=2048)] | int | None
Config = Annotated[dict[Word, Value], Field(max_length=30, examples=[{"account_sid": "AC0123456789abcdef0123456789abcdef"}])]
Secrets = Annotated[dict[Word, Annotated[SecretStr, Field(max_length=4096)]], Field(max_length=10)]
Rate = Annotated[int, Field(strict=True, ge=0, le=100_000)]


class NewAccount(Given):
    """An account of SMS or e-mail to connect. What each provider wants: see the pages on SMS and e-mail."""

    channel: Literal["sms", "email"]
    provider: Word = Field(examples=["twilio"])
    name: Name = Field(examples=["Main number"])
    sender: Annotated[str, StringConstraints(max_length=320)] = Field(
        "", description="The number, name or mailbox that people see.", examples=["+44 7700 900999"]
    )
    config: Config = Field({}, description="The provider's settings.")
    secrets: Secrets = Field({}, description="The provider's secrets. Kept sealed, never shown.")
    rate: Rate = Field(0, description="Calls a second at most; 0 = no limit of ours.")


class AccountChange(Given):
    """What to change of an account; what is left out stays."""

    name: Name | None = None
    sender: Annotated[str, StringConstraints(max_length=320)] | None = None
    config: Config = Field({}, description="By name; null takes a setting away.")
    secrets: Secrets = Field({}, description="By name.")
    rate: Rate | None = None
    new_webhook_token: bool = Field(False, strict=True, description="Makes the old address of its webhooks void.")


class Account(Shown):
    """What messages go out from, without its secrets."""

    id: str
    channel: Annotated[str, Field(description="messenger, sms or email.")]
    provider: str
    name: str
    sender: str = Field(description="The number, name or mailbox people see; Meta's id of a Page.")
    config: Document
    rate: int = Field(description="Calls a second at most; 0 = no limit of ours.")
    state: Literal["connected", "reconnect"]
    reason: str = Field(description="Why a person must mend it; empty while none must.")
    capabilities: dict[str, Any] = Field(description="What it can do.")
    webhook_url: str = Field(
        description="Where its webhooks go; empty without `GUESTLIST_PUBLIC_URL`. Its token is shown once, when made."
    )
    created_at: Instant


class Probed(Shown):
    """What could be told without sending."""

    ok: bool
    code: str = Field(description="ok, reachable, bad_credentials, no_connection and the like.")
    sentence: str


def tell_account(services: Services, row: Row, webhook_url: str | None = None) -> Account:
    """An account as it is shown."""
    url = accounts.webhook_url(services, row) if webhook_url is None else webhook_url
    return Account.of({**row, "capabilities": dict(accounts.capabilities(row)), "webhook_url": url})


@router.get("", summary="List accounts", responses=refusals(400))
async def list_accounts(
    caller: Calling, window: ById, channel: Annotated[Channel | None, Query(description="Only of this channel.")] = None
) -> Listing[Account]:
    """Pages and accounts, the newest of each kind first."""
    found = await accounts.list_accounts(
        caller.services,
        caller.workspace_id,
        channel=channel.value if channel else None,
        after=window.after,
        limit=window.wanted,
    )
    return window.cut(found, lambda row: tell_account(caller.services, row))


@router.post("", summary="Connect an account", status_code=201, responses=_ACTING)
async def create_account(caller: Acting, given: NewAccount) -> Account:
    """Keeps its secrets sealed. Nothing is sent; `/check` tries it. `webhook_url` holds its token here, if it has one."""
    new = accounts.NewAccount(
        Channel(given.channel),
        given.provider,
        given.name,
        sender=given.sender,
        config=given.config,
        secrets=_clear(given.secrets),
        rate=given.rate,
    )
    made = await accounts.create_account(caller.services, caller.workspace_id, new)
    return tell_account(caller.services, made.row, made.webhook_url)


@router.get("/{account_id}", summary="Read an account", responses=refusals(404))
async def get_account(caller: Calling, account_id: RowId) -> Account:
    """One account or Page."""
    return tell_account(caller.services, await accounts.get_account(caller.services, caller.workspace_id, account_id))


@router.patch("/{account_id}", summary="Change an account", responses=_ACTING)
async def update_account(caller: Calling, account_id: RowId, given: AccountChange) -> Account:
    """What is left out stays. An account that waited for a person is connected again."""
    change = accounts.Change(
        name=given.name,
        sender=given.sender,
        config=given.config,
        secrets=_clear(given.secrets),
        rate=given.rate,
        new_webhook_token=given.new_webhook_token,
    )
    made = await accounts.update_account(caller.services, caller.workspace_id, account_id, change)
    return tell_account(caller.services, made.row, made.webhook_url)


@router.delete("/{account_id}", summary="Delete an account", status_code=204, responses=refusals(404, 409))
async def delete_account(caller: Calling, account_id: RowId) -> Response:
    """Forgets it and its secrets; what it sent stays. 409 while it has something to send."""
    await accounts.delete_account(caller.services, caller.workspace_id, account_id)
    return Response(status_code=204)


@router.post("/{account_id}/check", summary="Try an account", responses=_ACTING)
async def check_account(caller: Acting, account_id: RowId) -> Probed:
    """What the provider says of it, without sending anything."""
    probe = await accounts.check_account(caller.services, caller.workspace_id, account_id)
    return Probed(ok=probe.ok, code=probe.code, sentence=probe.sentence)


def _clear(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value().strip() for name, value in secrets.items()}
