"""The dialect as data: its doors, its credentials, its errors. Source: `vendor-apis.md` 3.1, 3.2, read 2026-11."""

from __future__ import annotations

from guestlist.api.caller import Caller
from guestlist.api.dialects.base import Asked, Dialect, Door, admit, find_bearer

from . import channels, messages, people, settings
from .errors import tell_error
from .words import DIALECT_NAME


async def identify(asked: Asked) -> Caller:
    """The caller by `Authorization: Bearer`, else by `?access_token=`. Errors: UnauthenticatedError."""
    return await admit(asked.services, find_bearer(asked.headers) or asked.find_query("access_token") or "")


CHANNEL = "/channels/{channel_id}"
CONTACT = CHANNEL + "/contacts/{contact_id}"

DOORS = (
    Door("POST", "/messages", messages.send_message),
    Door("GET", CONTACT + "/messages", messages.list_messages),
    Door("POST", "/notifications", people.notify),
    Door("GET", "/channels", channels.list_channels),
    Door("POST", "/channels", channels.create_channel),
    Door("GET", CHANNEL, channels.get_channel),
    Door("PATCH", CHANNEL, channels.update_channel),
    Door("DELETE", CHANNEL, channels.delete_channel),
    Door("GET", CHANNEL + "/contacts", people.list_contacts),
    Door("GET", CONTACT, people.get_contact),
    Door("DELETE", CONTACT, people.delete_contact),
    Door("GET", CHANNEL + "/settings", settings.get_settings),
    Door("PATCH", CHANNEL + "/settings", settings.update_settings),
)

DIALECT = Dialect(DIALECT_NAME, ("/amio/v1",), DOORS, identify, tell_error)
