"""What Gupshup's doors share: form fields, JSON inside them, and the Page or account that an app's or bot's name means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson

from guestlist.actions import threads
from guestlist.api.addresses import phone_digits
from guestlist.api.dialects.base import Asked, Call
from guestlist.domain.messages import Channel
from guestlist.storage.senders import Account

from .errors import BadCallError, invalid_app, invalid_destination

MOST_FIELDS = 100


def read_form(asked: Asked) -> Mapping[str, str]:
    """The fields of a form; the last one of a name counts. Errors: BadCallError for a body that is no form."""
    try:
        found = parse_qsl(asked.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # UnicodeDecodeError, and too many fields
        raise BadCallError("The body must be a form in UTF-8: application/x-www-form-urlencoded.") from None
    return dict(found)


def get_field(form: Mapping[str, str], name: str) -> str:
    """A field that must be there. Errors: BadCallError."""
    value = form.get(name, "")
    if not value.strip():
        raise BadCallError(f"The field `{name}` is missing.")
    if "\x00" in value:
        raise BadCallError(f"The field `{name}` holds a NUL character.")
    return value


def get_document(form: Mapping[str, str], name: str) -> Mapping[str, Any]:
    """A field that holds a JSON object. Errors: BadCallError."""
    try:
        document = orjson.loads(get_field(form, name))
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadCallError(f"The field `{name}` must hold a JSON object.")
    return document


def read_phone(text: str) -> str:
    """The digits of a phone number. Errors: BadCallError `Invalid Destination`."""
    try:
        return phone_digits(text)
    except ValueError:
        raise invalid_destination() from None


async def find_app(call: Call, name: str, *, channel: Channel | None = None) -> Account:
    """The one Page or account that a bot's or app's name means: its name, its id here or at Meta, or its number.

    Errors: BadCallError `Invalid App Details` where there is none, or several of that name.
    """
    accounts = await threads.list_accounts(call.services, call.workspace_id)
    of_channel = [each for each in accounts if channel in (None, each.channel)]
    return choose_app(of_channel, name)


def choose_app(accounts: Sequence[Account], name: str) -> Account:
    """The account meant; pure."""
    wanted = name.strip()
    named = [each for each in accounts if wanted and wanted in _ids(each)]
    named = named or [each for each in accounts if each.row is not None and each.row["name"].casefold() == wanted.casefold()]
    if len(named) != 1:
        raise invalid_app()
    return named[0]


def _ids(account: Account) -> tuple[str, ...]:
    if account.row is None:
        return (account.id,)
    return account.id, account.row["page_id" if account.channel is Channel.MESSENGER else "sender"]
