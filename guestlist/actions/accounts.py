"""Accounts: what SMS and e-mail go out from. Made, changed, tried and deleted; secrets go in and never come out."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from guestlist.channels.base import Probe, Probing
from guestlist.domain.messages import Channel
from guestlist.domain.providers import PROVIDERS, Provider, check_sender
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.storage import messaging_tables as tables
from guestlist.storage import rows, senders
from guestlist.storage import texts as text_rows
from guestlist.storage.base import Row, Transaction

from .base import Services
from .message_book import send_lane

TOKEN = "webhook_token"  # noqa: S105 (the secret's name)
LONGEST_NAME = 200
LONGEST_SECRET = 4096
FASTEST = 100_000


class BadAccountError(UsageError):
    """An account cannot be like this."""

    code = "bad_account"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person gives to connect an account. `rate` is calls a second, 0 = no cap."""

    channel: Channel
    provider: str
    name: str
    sender: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of an account; None = as it is. Settings and secrets are changed by name; a setting of None goes."""

    name: str | None = None
    sender: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate: int | None = None
    new_webhook_token: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """An account, and the address of its webhooks, which holds its token the one time that is shown."""

    row: Row
    webhook_url: str = field(repr=False)


async def create_account(services: Services, workspace_id: str, new: NewAccount) -> Connected:
    """Keeps an account, its secrets sealed. Nothing is sent: `check_account` tries it.

    Errors: BadAccountError (with every wrong field in `errors`).
    """
    provider = _find_provider(new.channel, new.provider)
    account_id = services.ids.new("acc")
    token = randomness.token_urlsafe(24) if provider.shows_token else ""
    config = _check(services, provider, new.name, new.sender, dict(new.config), new.secrets, new.rate)
    given = dict(new.secrets) | ({TOKEN: token} if token else {})
    row: dict[str, Any] = {
        "workspace_id": workspace_id,
        "id": account_id,
        "channel": provider.channel.value,
        "provider": provider.name,
        "name": new.name.strip(),
        "sender": check_sender(provider.channel, new.sender) if new.sender else "",
        "config": orjson.dumps(config).decode(),
        "secret": _seal(services, account_id, given),
        "rate": new.rate,
        "state": "connected",
        "reason": "",
        "created_at": services.now_ms(),
    }
    await services.db.write(lambda tx: rows.insert(tx, tables.accounts, row))
    return Connected(_shown(row), webhook_url(services, row, token))


async def update_account(services: Services, workspace_id: str, account_id: str, change: Change) -> Connected:
    """Changes what is given; an account that waited for a person goes on.

    Errors: NotFoundError, RefusedError `is_a_page`, BadAccountError.
    """

    async def unit(tx: Transaction) -> tuple[Row, str]:
        await _refuse_page(tx, workspace_id, account_id)
        old = await rows.get(tx, tables.accounts, workspace_id, account_id, lock=True)
        provider = _find_provider(Channel(old["channel"]), old["provider"])
        config = {**orjson.loads(old["config"]), **change.config}
        config = {name: value for name, value in config.items() if value is not None}
        given = _open(services, old) | dict(change.secrets)
        name = old["name"] if change.name is None else change.name
        sender = old["sender"] if change.sender is None else change.sender
        rate = old["rate"] if change.rate is None else change.rate
        own = {key: value for key, value in given.items() if key != TOKEN}
        config = _check(services, provider, name, sender, config, own, rate)
        if change.new_webhook_token and provider.shows_token:
            given[TOKEN] = randomness.token_urlsafe(24)
        values: dict[str, Any] = {
            "name": name.strip(),
            "sender": check_sender(provider.channel, sender) if sender else "",
            "config": orjson.dumps(config).decode(),
            "secret": _seal(services, account_id, given),
            "rate": rate,
            "state": "connected",
            "reason": "",
        }
        await rows.change(tx, tables.accounts, workspace_id, account_id, **values)
        return {**old, **values}, given.get(TOKEN, "") if change.new_webhook_token else ""

    row, token = await services.db.write(unit)
    await services.wake(send_lane(workspace_id, account_id))
    return Connected(_shown(row), webhook_url(services, row, token))


async def delete_account(services: Services, workspace_id: str, account_id: str) -> None:
    """Forgets an account and its secrets; what it sent stays. Errors: NotFoundError, RefusedError `account_in_use`."""

    async def unit(tx: Transaction) -> None:
        await _refuse_page(tx, workspace_id, account_id)
        await rows.get(tx, tables.accounts, workspace_id, account_id, lock=True)
        if await text_rows.has_parts_under_way(tx, workspace_id, account_id):
            raise RefusedError(
                "The account still has messages to send.",
                code="account_in_use",
                remedy="Cancel them, or wait until they are out.",
            )
        await rows.delete(tx, tables.accounts, workspace_id, account_id)

    await services.db.write(unit)


async def get_account(services: Services, workspace_id: str, account_id: str) -> Row:
    """A Page or an account by our id, without secrets. Errors: NotFoundError."""
    row = await services.db.read(lambda tx: senders.find_sender(tx, workspace_id, account_id))
    if row is None:
        raise NotFoundError("There is no account with this id in this workspace.", remedy="List them: guestlist accounts list")
    return row


async def list_accounts(
    services: Services, workspace_id: str, *, channel: str | None = None, after: str | None = None, limit: int = 50
) -> list[Row]:
    """Pages and accounts, the newest of each kind first."""
    return await services.db.read(lambda tx: senders.list_senders(tx, workspace_id, channel=channel, after=after, limit=limit))


async def check_account(services: Services, workspace_id: str, account_id: str) -> Probe:
    """Tries an account without sending anything. Errors: NotFoundError, RefusedError for a Page."""

    async def unit(tx: Transaction) -> senders.Account | None:
        await _refuse_page(tx, workspace_id, account_id)
        return await senders.find_account(tx, workspace_id, account_id)

    account = await services.db.read(unit)
    if account is None:
        raise NotFoundError("There is no account with this id in this workspace.", remedy="List them: guestlist accounts list")
    channel = services.channels[account.channel]
    if not isinstance(channel, Probing):
        raise RefusedError("This kind of account cannot be tried without sending.", code="not_supported")
    return await channel.probe(services.sender(account))


async def find_webhook_secret(services: Services, provider: str, account_id: str) -> str | None:
    """What the webhooks of an account are proven with: Twilio's auth token, else ours; None where there is none such."""
    row = await services.db.read(lambda tx: senders.find_anywhere(tx, account_id))
    if row is None:
        return None
    known = PROVIDERS.get((Channel(row["channel"]), row["provider"]))
    if known is None or known.webhook != provider:
        return None
    return _open(services, row).get(TOKEN if known.shows_token else "auth_token")


def webhook_url(services: Services, row: Row, token: str = "") -> str:
    """Where the provider's webhooks go; "" where none come or nobody reaches us. `token` only where it may be shown."""
    provider = PROVIDERS.get((Channel(row["channel"]), row["provider"]))
    if provider is None or not provider.webhook or not services.public_url:
        return ""
    url = f"{services.public_url}/webhooks/{provider.webhook}/{row['id']}"
    return f"{url}?token={token}" if token else url


def capabilities(row: Row) -> Mapping[str, Any]:
    """What an account can do: a Page's as Meta grants them, else the provider's."""
    provider = PROVIDERS.get((Channel(row["channel"]), row["provider"]))
    return provider.capabilities if provider else dict(orjson.loads(row["capabilities"]))


# -- checks ---------------------------------------------------------------------------------------------------------


def _find_provider(channel: Channel, name: str) -> Provider:
    if channel is Channel.MESSENGER:
        remedy = "Connect it: guestlist pages connect, or POST /v1/pages."
        raise RefusedError("On Messenger the account is a Page.", code="is_a_page", remedy=remedy)
    provider = PROVIDERS.get((channel, name))
    if provider is None:
        known = ", ".join(each for of, each in PROVIDERS if of is channel)
        raise _refusal([_error("provider", f"must be one of {known}", "unknown")])
    return provider


def _check(
    services: Services,
    provider: Provider,
    name: str,
    sender: str,
    config: dict[str, Any],
    secrets: Mapping[str, str],
    rate: int,
) -> dict[str, Any]:
    """The settings as they are kept. Errors: BadAccountError with every wrong field."""
    errors = []
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        errors.append(_error("name", f"must be a text of one line, of at most {LONGEST_NAME} characters"))
    if not 0 <= rate <= FASTEST:
        errors.append(_error("rate", f"must be from 0 to {FASTEST:,} calls a second"))
    kept, wrong = _check_config(services, provider, config)
    errors += wrong + _check_sender(provider, sender, kept) + _check_secrets(provider, secrets, kept)
    if errors:
        raise _refusal(errors)
    return kept


def _check_config(
    services: Services, provider: Provider, config: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    kept: dict[str, Any] = {}
    errors = []
    for name, value in config.items():
        setting = provider.setting(name)
        if setting is None:
            known = ", ".join(each.name for each in provider.settings) or "none"
            errors.append(_error(f"config.{name[:60]}", f"is no setting of {provider.name}; it has: {known}", "unknown"))
            continue
        try:
            kept[name] = setting.check(value, services.outbound.allowed)
        except ValueError as error:
            errors.append(_error(f"config.{name}", str(error)))
    errors += [
        _error(f"config.{each.name}", f"is missing: {each.sentence}", "missing")
        for each in provider.settings
        if each.needed and each.name not in config
    ]
    return kept, errors


def _check_sender(provider: Provider, sender: str, config: Mapping[str, Any]) -> list[dict[str, str]]:
    if not sender:
        spared = not provider.sender_needed and "messaging_service_sid" in config
        return [] if spared else [_error("sender", "is missing: the number, name or mailbox that people see", "missing")]
    try:
        check_sender(provider.channel, sender)
    except ValueError as error:
        return [_error("sender", str(error))]
    return []


def _check_secrets(provider: Provider, secrets: Mapping[str, str], config: Mapping[str, Any]) -> list[dict[str, str]]:
    known = (*provider.secrets, *provider.optional_secrets)
    errors = [
        _error(f"secrets.{name[:60]}", f"is no secret of {provider.name}", "unknown") for name in secrets if name not in known
    ]
    errors += [_error(f"secrets.{name}", "is missing", "missing") for name in provider.secrets if not secrets.get(name)]
    for name, value in secrets.items():
        if len(value) > LONGEST_SECRET or not value.isprintable():
            errors.append(_error(f"secrets.{name[:60]}", f"must be one line of at most {LONGEST_SECRET:,} characters"))
    if provider.name == "smtp":
        if bool(config.get("username")) != bool(secrets.get("password")):
            errors.append(_error("secrets.password", "goes with `config.username`: give both or none"))
        if config.get("tls") == "none" and secrets.get("password"):
            errors.append(_error("config.tls", "must not be none where there is a password: it would be sent in clear"))
    return errors


def _error(where: str, sentence: str, code: str = "invalid") -> dict[str, str]:
    return {"field": where, "code": code, "message": sentence}


def _refusal(errors: list[dict[str, str]]) -> BadAccountError:
    sentence = "; ".join(f"{each['field']} {each['message']}" for each in errors)
    return BadAccountError(f"{sentence}.", remedy="See docs/reference/sms.md and email.md for what each takes.", errors=errors)


async def _refuse_page(tx: Transaction, workspace_id: str, account_id: str) -> None:
    account = await senders.find_account(tx, workspace_id, account_id)
    if account is not None and account.channel is Channel.MESSENGER:
        raise RefusedError("This account is a Page.", code="is_a_page", remedy="See `guestlist pages`, or /v1/pages.")


# -- secrets --------------------------------------------------------------------------------------------------------


def _seal(services: Services, account_id: str, given: Mapping[str, str]) -> bytes:
    return services.vault.seal(orjson.dumps(dict(given)).decode(), f"accounts:{account_id}:secret")


def _open(services: Services, row: Row) -> dict[str, str]:
    opened: dict[str, str] = orjson.loads(services.vault.open(row["secret"], f"accounts:{row['id']}:secret"))
    return opened


def _shown(row: Row) -> Row:
    return {**{name: row[name] for name in senders.SHOWN}, "capabilities": "{}"}
