"""Amio's channels: our Pages and accounts, each with its one webhook (3.5, 3.7)."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator
from starlette.responses import Response

from guestlist.actions import accounts, endpoints, pages, threads
from guestlist.actions.endpoints import NewEndpoint
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.api.models import MetaId
from guestlist.domain.identifiers import to_decimal
from guestlist.domain.messages import Channel
from guestlist.errors import RefusedError
from guestlist.storage.base import Row
from guestlist.storage.senders import Account

from .asking import answer_list, find_channel, read_window
from .contents import Loose, Text
from .errors import missing, wrong
from .senders import ProviderGiven, build_account, tell_sender
from .words import DIALECT_NAME, tell_channel

KINDS = ("message.*", "opt_in.received")
"""The events that a channel's webhook is told of, in Amio's words."""

SANDBOX = "sandbox"

CREATED = ("facebook_messenger", "mobile", "email")
NOT_OFFERED = {
    "amio_chat": "is not offered: this server has no chat window of its own for websites.",
    "viber": "is not offered here.",
    "viber_bot": "is not offered here.",
    "viber_business_messages": "is not offered here.",
    "telegram": "is not offered here.",
    "rbm": "is not offered here.",
    "whatsapp": "is not offered here.",
}
"""Amio's types that are not there, and why."""


class WebhookGiven(Loose):
    """Where a channel's events go."""

    url: Text
    secret: Text | None = None


class PageGiven(Loose):
    """A Page with its token, and the ad account that our own connection needs beside Amio's properties."""

    id: MetaId
    access_token: Text
    ad_account_id: Text


class NewChannel(Loose):
    """The body of `POST /channels`."""

    type: str
    name: Text | None = None
    facebook_page: PageGiven | None = None
    provider: ProviderGiven | None = None
    webhook: WebhookGiven | None = None

    @field_validator("type")
    @classmethod
    def _check_type(cls, given: str) -> str:
        if given not in CREATED:
            raise ValueError(NOT_OFFERED.get(given, "is not a type of channel"))
        return given


# -- doors ----------------------------------------------------------------------------------------------------------


async def list_channels(call: Call) -> Response:
    """Our Pages and accounts, oldest first."""
    window = read_window(call)
    found = await threads.list_accounts(call.services, call.workspace_id)
    shown = found[window.offset : window.offset + window.limit]
    return answer_list([await _tell(call, account) for account in shown], len(found))


async def get_channel(call: Call) -> Response:
    """One channel."""
    return answer_json(await _tell(call, await find_channel(call, call.path["channel_id"])))


async def create_channel(call: Call) -> Response:
    """Connects a Page, a number or a mailbox. All other types are refused, each with the reason."""
    given = check_model(NewChannel, call.json())
    account_id, hooks = await (_connect_page if given.type == "facebook_messenger" else _connect_sender)(call, given)
    account = await threads.get_account(call.services, call.workspace_id, account_id)
    if given.webhook is not None:
        await _set_webhook(call, account, given.webhook)
    told = await _tell(call, account)
    if hooks:
        told["provider"] |= hooks
    return answer_json(told, 201, {"Location": f"{call.asked.url}/{to_decimal(account.id)}"})


async def _connect_page(call: Call, given: NewChannel) -> tuple[str, dict[str, str]]:
    page = given.facebook_page
    if page is None:
        raise missing("facebook_page")
    connection = pages.Connection(page.id, page.ad_account_id, page.access_token, "")
    row = await pages.connect_page(call.services, call.workspace_id, connection)
    return row["id"], {}


async def _connect_sender(call: Call, given: NewChannel) -> tuple[str, dict[str, str]]:
    """The account's id, and where its provider must call us: told this once where the address holds a token."""
    for name in ("name", "provider"):
        if getattr(given, name) is None:
            raise missing(name)
    assert given.provider is not None
    new = build_account(given.type, given.name or "", given.provider)
    connected = await accounts.create_account(call.services, call.workspace_id, new)
    url = connected.webhook_url
    return connected.row["id"], {"status_webhook_url": url, "receive_webhook_url": url} if url else {}


async def update_channel(call: Call) -> Response:
    """Sets or, by null, removes the webhook; renames a number or a mailbox. `{}` gives the channel as it is."""
    account = await find_channel(call, call.path["channel_id"])
    given = call.json()
    if not isinstance(given, dict):
        raise wrong("", "must be an object.")
    if fixed := [name for name in ("type", "mode", "facebook_page", "provider") if name in given]:
        raise wrong(fixed[0], "cannot be changed here.")
    if "name" in given:
        account = await _rename(call, account, check_model(_Renamed, given).name)
    if given.get("webhook") is not None:
        await _set_webhook(call, account, check_model(_Wrapped, given).webhook)
    elif "webhook" in given:
        await _remove_webhook(call, account)
    return answer_json(await _tell(call, account))


async def _rename(call: Call, account: Account, name: str) -> Account:
    if account.channel is Channel.MESSENGER:
        raise wrong("name", "cannot be changed here: a Page has its name at Facebook.")
    await accounts.update_account(call.services, call.workspace_id, account.id, accounts.Change(name=name))
    return await threads.get_account(call.services, call.workspace_id, account.id)


async def delete_channel(call: Call) -> Response:
    """Forgets a number or a mailbox with its webhook. A Page is kept: its subscribers would lose their sender."""
    account = await find_channel(call, call.path["channel_id"])
    if account.channel is Channel.MESSENGER:
        sentence = "A Page is not deleted by this API: its subscribers would lose their sender."
        raise RefusedError(sentence, remedy="Remove its webhook with PATCH, or take the app from the Page at Facebook.")
    await accounts.delete_account(call.services, call.workspace_id, account.id)
    await _remove_webhook(call, account)
    return Response(status_code=204)


class _Renamed(Loose):
    name: Text


class _Wrapped(Loose):
    webhook: WebhookGiven


# -- webhooks -------------------------------------------------------------------------------------------------------


async def _find_webhook(call: Call, account: Account) -> Row | None:
    found = await endpoints.list_endpoints(call.services, call.workspace_id, dialect=DIALECT_NAME, scope=account.id, limit=1)
    return found[0] if found else None


async def _set_webhook(call: Call, account: Account, given: WebhookGiven) -> None:
    """A channel has one webhook. One without a secret gets a fresh one; a new URL alone keeps it. A disabled one starts again."""
    known = await _find_webhook(call, account)
    if known is None:
        new = NewEndpoint("Amio webhook", given.url, kinds=KINDS, dialect=DIALECT_NAME, scope=account.id, secret=given.secret)
        await endpoints.create_endpoint(call.services, call.workspace_id, new)
        return
    await endpoints.update_endpoint(
        call.services, call.workspace_id, known["id"], url=given.url, secret=given.secret, enabled=True
    )


async def _remove_webhook(call: Call, account: Account) -> None:
    if (known := await _find_webhook(call, account)) is not None:
        await endpoints.delete_endpoint(call.services, call.workspace_id, known["id"])


# -- as they are told -----------------------------------------------------------------------------------------------


async def _tell(call: Call, account: Account) -> dict[str, Any]:
    webhook = await _find_webhook(call, account)
    shown = None
    if webhook is not None:
        secrets = endpoints.open_endpoint(call.services, webhook).secrets
        shown = {
            "id": to_decimal(webhook["id"]),
            "url": webhook["url"],
            "secret": secrets[0] if secrets else None,
            "ssl_verification": True,
        }
    assert account.row is not None
    mode = SANDBOX if account.provider == SANDBOX else "production"
    told = {**tell_channel(account.id, account.channel), "name": account.row["name"], "mode": mode, "webhook": shown}
    return {**told, **tell_sender(account, account.row)}
