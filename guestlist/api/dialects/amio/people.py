"""Amio's contacts of a channel, and what one of them is shown: typing, seen (3.2, 3.5)."""

from __future__ import annotations

from typing import Literal

from starlette.responses import Response

from guestlist.actions import erasures, threads
from guestlist.actions.sender_actions import SenderAction, send_action
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.domain.messages import AddressKind, Channel

from .asking import answer_list, find_channel, find_contact, read_window
from .contents import Loose
from .errors import wrong
from .messages import Named
from .words import find_value, tell_contact

ACTIONS = {
    "typing_on": SenderAction.TYPING_ON,
    "typing_off": SenderAction.TYPING_OFF,
    "messages_read": SenderAction.MARK_SEEN,
}


class Notification(Loose):
    """The body of `POST /notifications`."""

    channel: Named
    contact: Named
    type: Literal["typing_on", "typing_off", "messages_read", "custom"]


async def list_contacts(call: Call) -> Response:
    """The contacts of a channel, newest first."""
    account = await find_channel(call, call.path["channel_id"])
    people, total = await threads.list_people(call.services, call.workspace_id, account.id, read_window(call))
    return answer_list([tell_contact(each.row, each.addresses, account.id) for each in people], total)


async def get_contact(call: Call) -> Response:
    """One contact of a channel."""
    account = await find_channel(call, call.path["channel_id"])
    person = await find_contact(call, account, call.path["contact_id"])
    return answer_json(tell_contact(person.row, person.addresses, account.id))


async def delete_contact(call: Call) -> Response:
    """Deletes a contact. They are one person on all our channels, so they go from every one; what was said stays."""
    account = await find_channel(call, call.path["channel_id"])
    person = await find_contact(call, account, call.path["contact_id"])
    await erasures.delete_contact(call.services, call.workspace_id, person.row["id"])
    return Response(status_code=204)


async def notify(call: Call) -> Response:
    """Shows a person on Messenger that we type or have read; the notification comes back. `custom` is of Amio's own chat."""
    given = check_model(Notification, call.json())
    account = await find_channel(call, given.channel.id, in_body=True)
    person = await find_contact(call, account, given.contact.id, in_body=True)
    action = ACTIONS.get(given.type)
    if action is None:
        raise wrong("type", "cannot be custom: only Amio's own chat shows such notifications, and it is not offered here.")
    psid = find_value(person.addresses, AddressKind.PSID, account.id)
    if account.channel is not Channel.MESSENGER or account.row is None or psid is None:
        raise wrong("contact.id", "must be somebody whom this channel reaches on Messenger.")
    await send_action(call.services, account.row, psid, action)
    return answer_json(call.json())
