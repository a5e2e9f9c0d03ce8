"""Comapi's Message object (2.4), from a request just accepted or from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from guestlist.actions.messages import Story
from guestlist.domain.messages import Channel, Content, Draft, Target, decode_draft
from guestlist.domain.states import Delivery
from guestlist.storage.base import Row

from .merge_fields import tell_thing
from .message_models import CARRIES_FILES
from .words import CHANNEL_IDS, STATUSES, tell_guid, tell_instant

_OWN = frozenset({"messageId", "sentOn", "status", "statusDetails", "senderProfileId"})


def tell_accepted(message: Row, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a send: the request's own fields with what is known of it already."""
    own = {name: value for name, value in asked.items() if name not in _OWN and not name.startswith("_")}
    return {**_head(message, ()), **own, **_tail(message)}


def tell_message(story: Story) -> dict[str, Any]:
    """A message as it stands now. Of a redacted one, only what became of it."""
    message = story.message
    metadata = orjson.loads(message["metadata"])
    own = tell_draft(decode_draft(message["draft"]))
    if message["redacted_at"] is not None:
        own["redacted"] = True
    return {**_head(message, story.parts), **own, "metadata": metadata, **_tail(message)}


def tell_status(message: Row, parts: Sequence[Row] = ()) -> str:
    """Its state in Comapi's words; `retrying` where a call was made and another is due."""
    again = any(part["attempts"] and part["state"] == Delivery.QUEUED.value for part in parts)
    return "retrying" if again else STATUSES[message["state"]]


def _head(message: Row, parts: Sequence[Row]) -> dict[str, Any]:
    details: dict[str, str] = {}
    if message["channel"]:
        details["channelId"] = CHANNEL_IDS[message["channel"]]
    if STATUSES[message["state"]] == "failed":
        details["failureReason"] = message["reason"] or message["state"]
    return {
        "messageId": tell_guid(message["id"]),
        "sentOn": tell_instant(message["created_at"]),
        "status": tell_status(message, parts),
        "statusDetails": details,
    }


def _tail(message: Row) -> dict[str, Any]:
    by = f"access:{message['by']}"
    times = [message[name] for name in ("created_at", "sent_at", "delivered_at", "read_at", "ended_at", "redacted_at")]
    changed = max(at for at in times if at is not None)
    return {
        "_createdOn": tell_instant(message["created_at"]),
        "_createdBy": by,
        "_updatedOn": tell_instant(changed),
        "_updatedBy": by,
    }


def tell_draft(draft: Draft) -> dict[str, Any]:
    """A draft as Comapi's request has it."""
    return dict(_tell_draft(draft))


def _tell_draft(draft: Draft) -> Iterator[tuple[str, Any]]:
    yield "to", tell_target(draft.to)
    yield from _tell_content(draft.content)
    yield "rules", [CHANNEL_IDS[rule.channel.value] for rule in draft.rules]
    if options := _tell_options(draft):
        yield "channelOptions", options
    if draft.expires_at is not None:
        yield "expiresOn", tell_instant(draft.expires_at)
    if draft.require_opt_in:
        yield "requireOptIn", True


def tell_target(to: Target) -> dict[str, Any]:
    """`to`, as it was given."""
    profile_id = to.external_id or (tell_guid(to.contact_id) if to.contact_id else "")
    told = {
        "profileId": profile_id,
        "phoneNumber": to.phone,
        "email": to.email,
        "fbMessengerId": to.psid,
        "firstName": to.first_name,
        "lastName": to.last_name,
        **to.fields,
    }
    return {name: value for name, value in told.items() if value}


def _tell_content(content: Content) -> Iterator[tuple[str, Any]]:
    if content.title:
        yield "title", tell_thing(content.title)
    if content.text:
        yield "body", tell_thing(content.text)
    if content.parts:
        yield "messageParts", [_tell_part(part) for part in content.parts]
    sms = {name: text for name, text in content.texts.items() if name == Channel.SMS}  # others were only cut
    if content.raw or sms:
        own = {CHANNEL_IDS[channel]: body for channel, body in {**content.raw, **sms}.items()}
        yield "customBody", tell_thing(own)


def _tell_part(part: Any) -> dict[str, Any]:
    told = {"name": part.name, "type": part.type, "url": part.url}
    shown = {name: value for name, value in told.items() if value}
    if part.channels == CARRIES_FILES:
        return shown
    return {**shown, "channels": [CHANNEL_IDS[channel.value] for channel in part.channels]}


def _tell_options(draft: Draft) -> dict[str, Any]:
    messenger, sms = draft.options.messenger, draft.options.sms
    options: dict[str, Any] = {}
    if messenger.type or messenger.tag:
        given = {"messagingType": messenger.type.value if messenger.type else "", "messageTag": messenger.tag}
        options["fbMessenger"] = {name: value for name, value in given.items() if value}
    if sms.sender or not sms.allow_unicode:
        own = {"from": sms.sender} if sms.sender else {}
        options["sms"] = own if sms.allow_unicode else {**own, "allowUnicode": False}
    return options
