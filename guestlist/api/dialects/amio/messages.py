"""Amio's messages: sent with the outcome of the first attempt in the answer, and listed (3.3, 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field, model_validator
from starlette.responses import Response

from guestlist.actions import messages, threads
from guestlist.api.addresses import phone_digits
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.api.dialects.literal import keep_braces, tell_braces
from guestlist.api.message_models import Word
from guestlist.api.models import check_storable
from guestlist.domain.facts import ReplyKind
from guestlist.domain.identifiers import to_decimal
from guestlist.domain.messages import (
    Draft,
    MessagingType,
    MessengerOptions,
    Options,
    Rule,
    Target,
    decode_draft,
)
from guestlist.domain.states import MessageState
from guestlist.errors import RefusedError
from guestlist.storage.base import Row
from guestlist.storage.senders import Account

from .asking import answer_list, find_channel, find_contact, read_window
from .contents import Loose, read_content
from .errors import UpstreamError, wrong
from .shapes import tell_content, tell_said
from .words import DIALECT_NAME, tell_channel, tell_instant

LONGEST_METADATA = 1000
"""Characters of `platform_metadata`."""

MESSAGING_TYPES = {"response": MessagingType.RESPONSE, "update": MessagingType.UPDATE}

CONNECTED = "connected"
DISCONNECTED_WORDS = ("token_dead", "permission_missing", "bad_credentials")
"""Why a part waits for a person, known before its account is marked."""

UPSTREAM_SENTENCE = "The channel is disconnected from its platform."


class Named(Loose):
    """A thing by its id."""

    id: str


class ContactGiven(Loose):
    """Whom a message is for. An `id` goes before everything else, so that an event's contact can be given back."""

    id: str | None = None
    phone_number: Annotated[str, Field(max_length=60)] | None = None
    user_ref: Word | None = None
    first_name: Word | None = None
    last_name: Word | None = None


class MessageGiven(Loose):
    """The body of `POST /messages`."""

    channel: Named
    contact: ContactGiven
    content: dict[str, Any]
    metadata: Annotated[dict[str, Any], AfterValidator(check_storable)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_whatsapp(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "message_template" in given:
            raise ValueError("message_template is for WhatsApp, which is not offered here")
        return given


async def send_message(call: Call) -> Response:
    """Sends a message: 201 once the platform took it, 422 where it refuses, 502 where the channel is disconnected.

    Where there is no outcome within 10 seconds it is 201 too, and the webhook tells the rest.
    """
    given = check_model(MessageGiven, call.json())
    account = await find_channel(call, given.channel.id, in_body=True)
    target = await _find_target(call, account, given.contact)
    content = keep_braces(read_content(given.content))
    options = Options(messenger=keep_braces(read_metadata(given.metadata or {})))
    draft = Draft(target, (Rule(account.channel, account.id),), content, options)
    request = messages.Request(draft, metadata=given.metadata or {})
    origin = messages.Origin(by="api", dialect=DIALECT_NAME)
    row = await messages.send_message(call.services, call.workspace_id, request, origin)
    story = await messages.first_attempt(call.services, call.workspace_id, row["id"])
    await _check_outcome(call, account, story)
    message_id = to_decimal(row["id"])
    shown = {
        "id": message_id,
        "channel": tell_channel(account.id, account.channel),
        "contact": _tell_given(story.message, target),
        "content": given.content,
        **({} if given.metadata is None else {"metadata": given.metadata}),
    }
    return answer_json(shown, 201, {"Location": f"{call.asked.url}/{message_id}"})


async def _find_target(call: Call, account: Account, given: ContactGiven) -> Target:
    if given.id is not None:
        return Target(contact_id=(await find_contact(call, account, given.id, in_body=True)).row["id"])
    if (given.phone_number is None) == (given.user_ref is None):
        raise wrong("contact", "must have exactly one of id, phone_number and user_ref.")
    try:
        phone = phone_digits(given.phone_number) if given.phone_number is not None else ""
    except ValueError as error:
        raise wrong("contact.phone_number", f"{error}.") from None
    first_name, last_name = given.first_name or "", given.last_name or ""
    return Target(phone=phone, user_ref=given.user_ref or "", first_name=first_name, last_name=last_name)


def read_metadata(metadata: Mapping[str, Any]) -> MessengerOptions:
    """The reserved keys: `type`, or `tag` in either case, and `platform_metadata`. Errors: InvalidRequestError."""
    kind, tag, platform = (metadata.get(name) for name in ("type", "tag", "platform_metadata"))
    if kind is not None and tag is not None:
        raise wrong("metadata.tag", "cannot stand beside type: give one of them.")
    if tag is not None and not isinstance(tag, str):
        raise wrong("metadata.tag", "must be a string.")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in MESSAGING_TYPES):
        raise wrong("metadata.type", f"must be one of {', '.join(MESSAGING_TYPES)}.")
    if platform is not None and (not isinstance(platform, str) or len(platform) > LONGEST_METADATA):
        raise wrong("metadata.platform_metadata", f"must be a string of at most {LONGEST_METADATA} characters.")
    return MessengerOptions(
        type=MESSAGING_TYPES[kind.lower()] if kind else None, tag=(tag or "").upper(), metadata=platform or ""
    )


async def _check_outcome(call: Call, account: Account, story: messages.Story) -> None:
    """Errors: RefusedError where the platform refused, UpstreamError where the channel must be connected again."""
    message, attempt = story.message, story.attempts[-1] if story.attempts else None
    if message["state"] in (MessageState.FAILED.value, MessageState.EXPIRED.value):
        sentence = attempt["sentence"] if attempt else "The message was refused."
        raise RefusedError(sentence, code=message["reason"] or "refused")
    if attempt is None or attempt["outcome"] != "refused" or message["state"] != MessageState.QUEUED.value:
        return
    now = await threads.get_account(call.services, call.workspace_id, account.id)
    if now.state == CONNECTED and not any(part["reason"] in DISCONNECTED_WORDS for part in story.parts):
        return  # it is tried again by itself
    try:
        await messages.cancel_message(call.services, call.workspace_id, message["id"])
    except RefusedError:
        return  # connected again meanwhile, and on its way
    raise UpstreamError(UPSTREAM_SENTENCE, remedy="Connect it again; this message was taken back.")


def _tell_given(message: Row, target: Target) -> dict[str, str]:
    """The contact of the answer: its id, and the address it was given by."""
    shown = {"id": to_decimal(message["contact_id"])}
    if target.phone:
        shown["phone_number"] = target.phone
    if target.user_ref:
        shown["user_ref"] = target.user_ref
    return shown


# -- the list -------------------------------------------------------------------------------------------------------


async def list_messages(call: Call) -> Response:
    """The messages between a channel and a contact, newest first."""
    account = await find_channel(call, call.path["channel_id"])
    person = await find_contact(call, account, call.path["contact_id"])
    window = read_window(call)
    entries, total = await threads.read_thread(call.services, call.workspace_id, account.id, person.row["id"], window)
    among = {"channel": tell_channel(account.id, account.channel), "contact": {"id": call.path["contact_id"]}}
    return answer_list([{**_tell_entry(each, account.id), **among} for each in entries], total)


def _tell_entry(entry: threads.Entry, account_id: str) -> dict[str, Any]:
    if entry.message is not None:
        message = entry.message
        delivery = next(row for row in entry.deliveries if row["account_id"] == account_id)
        return {
            "id": to_decimal(message["id"]),
            "direction": "sent",
            "sent": tell_instant(delivery["sent_at"]),
            "delivered": tell_instant(delivery["delivered_at"]),
            "read": tell_instant(delivery["read_at"]),
            "content": tell_content(tell_braces(decode_draft(message["draft"]).content)),
        }
    assert entry.reply is not None
    reply = entry.reply
    ours = reply["kind"] == ReplyKind.ECHO.value
    return {
        "id": to_decimal(reply["id"]),
        "direction": "sent" if ours else "received",
        "sent": tell_instant(reply["at"]),
        "delivered": None if ours else tell_instant(reply["received_at"]),
        "read": None,
        "content": tell_said(orjson.loads(reply["content"])),
    }
