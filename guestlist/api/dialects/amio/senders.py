"""Numbers and mailboxes as Amio's channels of the types `mobile` and `email`: what their `provider` becomes here (3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ConfigDict, Field

from guestlist.actions.accounts import NewAccount
from guestlist.domain.messages import Channel
from guestlist.domain.providers import PROVIDERS, Provider
from guestlist.storage.base import Row
from guestlist.storage.senders import Account

from .contents import Loose
from .errors import missing, wrong

HIDDEN = "***"

CHANNELS: Mapping[str, Channel] = {"mobile": Channel.SMS, "email": Channel.EMAIL}


class From(Loose):
    """The mailbox that people see."""

    email: str
    name: str | None = None


class Attributes(Loose):
    """What every letter has."""

    sender: From = Field(alias="from")


class ProviderGiven(Loose):
    """The provider of a number or a mailbox: Amio's properties, and our provider's settings and secrets by their names."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    type: str
    sender_id: str = ""
    access_token: str | None = None
    default_attributes: Attributes | None = None


def build_account(kind: str, name: str, given: ProviderGiven) -> NewAccount:
    """The account to connect. Errors: InvalidRequestError."""
    channel = CHANNELS[kind]
    provider = PROVIDERS.get((channel, given.type))
    if provider is None:
        known = ", ".join(each for of, each in PROVIDERS if of is channel)
        raise wrong("provider.type", f"must be one of {known}: others are not connected here.")
    config, secrets = _split(provider, given)
    if channel is Channel.SMS:
        return NewAccount(channel, provider.name, name, given.sender_id, config, secrets)
    if given.default_attributes is None:
        raise missing("provider.default_attributes")
    sender = given.default_attributes.sender
    own = {"from_name": sender.name} if sender.name and provider.setting("from_name") else {}
    return NewAccount(channel, provider.name, name, sender.email, {**own, **config}, secrets)


def _split(provider: Provider, given: ProviderGiven) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and secrets. Amio's `access_token` is the provider's first secret, whatever that is called."""
    names = (*provider.secrets, *provider.optional_secrets)
    more = given.model_extra or {}
    secrets = {name: value for name, value in more.items() if name in names}
    if given.access_token is not None and names:
        secrets.setdefault(names[0], given.access_token)
    for name, value in secrets.items():
        if not isinstance(value, str):
            raise wrong(f"provider.{name}", "must be a string.")
    return {name: value for name, value in more.items() if name not in names}, secrets


def tell_sender(account: Account, row: Row) -> dict[str, Any]:
    """The part of a channel that depends on its type. Tokens are never told."""
    match account.channel:
        case Channel.MESSENGER:
            page = {"id": row["page_id"], "name": row["name"], "category": None, "access_token": HIDDEN}
            return {"facebook_page": page}
        case Channel.SMS:
            return {"provider": {"type": account.provider, "sender_id": row["sender"], "access_token": HIDDEN}}
    sender = {"email": row["sender"], "name": orjson.loads(row["config"]).get("from_name") or row["name"]}
    return {"provider": {"type": account.provider, "access_token": HIDDEN, "default_attributes": {"from": sender}}}
