"""Our events in Comapi's envelope (2.9). Implements `outbound.base.Renderer`: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import phonenumbers

from guestlist.domain.messages import Channel, decode_draft
from guestlist.outbound.base import Endpoint, Rendered, Row, Told

from .message_shapes import tell_draft
from .profile_shapes import KINDS as ADDRESS_KINDS
from .profile_shapes import etag_of, profile_id_of, tell_profile
from .words import CHANNEL_IDS, tell_guid, tell_instant, tell_time

EVENTS: Mapping[str, str] = {
    "message.sentRequest": "A message was accepted from its sender.",
    "message.sent": "A channel has accepted the message.",
    "message.delivered": "The message has reached the person's device.",
    "message.read": "The person has opened the message.",
    "message.expired": "The message was not sent before its time was over.",
    "message.failed": "No channel is left for the message, or it was taken back.",
    "message.inbound": "A person wrote, tapped or sent something.",
    "facebook.optin": "A person opted in on Messenger, by a plugin, a link or a message request.",
    "profile.create": "A profile was created.",
    "profile.update": "A profile has changed.",
    "profile.delete": "A profile was deleted.",
}
"""Every event this server sends."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "message.accepted": ("message.sentRequest",),
    "message.sent": ("message.sent",),
    "message.delivered": ("message.delivered",),
    "message.read": ("message.read",),
    "message.expired": ("message.expired",),
    "message.failed": ("message.failed",),
    "message.cancelled": ("message.failed",),
    "message.received": ("message.inbound", "facebook.optin"),
    "opt_in.received": ("facebook.optin",),
    "contact.created": ("profile.create",),
    "contact.updated": ("profile.update",),
    "contact.deleted": ("profile.delete",),
}
"""What our kinds of events can become."""

LINKS = ("referral", "postback")
"""Kinds of replies that are an opt-in where they bring a ref: somebody followed a link into the thread."""

MEDIA_TYPES = {"image": "image/*", "video": "video/*", "audio": "audio/*"}


def wants(asked: str, event: str) -> bool:
    """Whether a subscription's type, such as `message.sent` or `message.*`, means an event."""
    return asked == event or (asked.endswith(".*") and event.startswith(asked[:-1]))


class ComapiRenderer:
    """Implements `outbound.base.Renderer`."""

    def render(self, told: Told, endpoint: Endpoint) -> Rendered | None:
        """The envelope with its payload; None for what Comapi has no event for, or this webhook did not ask for."""
        built = build_event(told)
        if built is None or not is_wanted(endpoint.config.get("subscriptions") or (), *built):
            return None
        name, payload = built
        space = tell_guid(endpoint.workspace_id)
        event_id = tell_guid(told.id)
        profile = told.contact if name.startswith("profile.") else None
        envelope = {
            "eventId": event_id,
            "accountId": int(space[:8], 16),
            "apiSpaceId": space,
            "name": name,
            "revision": profile["version"] if profile else 0,
            "etag": etag_of(profile) if profile else f'"{event_id}"',
            "timestamp": tell_time(told.at),
            "payload": payload,
        }
        return Rendered(orjson.dumps(envelope))


def is_wanted(subscriptions: Any, name: str, payload: Mapping[str, Any]) -> bool:
    """Whether one of the subscriptions asks for this event, with all its filters fitting; without any, all are wanted."""
    return not subscriptions or any(
        wants(each["type"], name) and all(_fits(payload, every) for every in each["filters"]) for each in subscriptions
    )


def _fits(payload: Mapping[str, Any], condition: Mapping[str, str]) -> bool:
    """Whether the value at a dotted name of the payload is, as text, the one wanted."""
    value: Any = payload
    for step in condition["name"].split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value is not None and str(value) == condition["value"]


def build_event(told: Told) -> tuple[str, dict[str, Any]] | None:
    """The event's name and payload."""
    if told.kind not in KINDS:
        return None
    name = KINDS[told.kind][0]
    if told.kind == "message.received" and _is_opt_in(told):
        name = "facebook.optin"
    payload = _BUILDERS[name](told)
    return None if payload is None else (name, payload)


# -- messages -------------------------------------------------------------------------------------------------------


def _build_request(told: Told) -> dict[str, Any] | None:
    message = told.message
    if message is None:
        return None
    return {
        "messageId": tell_guid(message["id"]),
        "sentOn": tell_instant(message["created_at"]),
        "status": "processing",  # what the request was then; its receipts are events of their own
        **tell_draft(decode_draft(message["draft"])),
        "metadata": orjson.loads(message["metadata"]),
    }


def _build_receipt(told: Told) -> dict[str, Any] | None:
    message = told.message
    if message is None:
        return None
    delivery = next((row for row in reversed(told.deliveries) if row["channel"] == message["channel"]), None)
    details: dict[str, Any] = {"channel": CHANNEL_IDS.get(message["channel"], ""), "additionalInfo": {}, "channelStatus": {}}
    data: dict[str, Any] = {}
    if delivery is not None:
        details["additionalInfo"] = _additional(told, delivery)
        if delivery["channel"] == Channel.SMS.value:
            details["channelStatus"] = {"sms": _sms_status(told, delivery)}
            data["sms"] = _sms_data(delivery)
    if told.kind in ("message.failed", "message.cancelled"):
        details["failureReason"] = message["reason"] or message["state"]
    return {
        "id": tell_guid(message["id"]),
        "details": details,
        "channelData": data,
        "metadata": orjson.loads(message["metadata"]),
        "updatedOn": tell_time(told.at),
    }


def _additional(told: Told, delivery: Row) -> dict[str, Any]:
    mid = next((part["provider_id"] for part in told.parts if part["delivery_id"] == delivery["id"]), None)
    redacted = told.message is not None and told.message["redacted_at"] is not None
    info: dict[str, Any] = {"messageId": mid} if mid else {}
    if delivery["channel"] == Channel.MESSENGER.value and delivery["address_kind"] == "psid" and not redacted:
        info["fbMessengerId"] = delivery["address"]
    return info


def _sms_status(told: Told, delivery: Row) -> dict[str, Any]:
    """What has happened, with the provider's code of the newest report or call."""
    codes = [row["code"] for row in (*told.attempts, *told.receipts) if row["delivery_id"] == delivery["id"] and row["code"]]
    return {
        "status": told.kind.partition(".")[2],
        "details": {"code": codes[-1]} if codes else {},
        "updatedOn": tell_time(told.at),
    }


def _sms_data(delivery: Row) -> dict[str, Any]:
    measure = orjson.loads(delivery["route"]).get("measure") or {}
    data: dict[str, Any] = {"segmentCount": measure["segments"]} if "segments" in measure else {}
    try:
        number = phonenumbers.parse(f"+{delivery['address']}")
    except phonenumbers.NumberParseException:
        return data
    known = phonenumbers.region_code_for_number(number)
    return {"phoneNumberCountryCode": known or phonenumbers.region_code_for_country_code(number.country_code or 0), **data}


# -- what people do -------------------------------------------------------------------------------------------------


def _is_opt_in(told: Told) -> bool:
    reply = told.reply
    return reply is not None and reply["kind"] in LINKS and bool(orjson.loads(reply["content"]).get("ref"))


def _build_inbound(told: Told) -> dict[str, Any] | None:
    reply = told.reply
    if reply is None:
        return None
    content = orjson.loads(reply["content"])
    channel = CHANNEL_IDS[reply["channel"]]
    said = {name: value for name, value in content.items() if name != "state"}
    payload: dict[str, Any] = {
        "messageId": tell_guid(reply["id"]),
        "receivedOn": tell_instant(reply["received_at"]),
        "status": "received",
        "channel": channel,
        "from": _from(told),
        "to": _to(told),
        "body": content.get("text", ""),
        "messageParts": [_part(each) for each in content.get("attachments", ())],
        "conversationId": tell_guid(reply["conversation_id"]),
        "channelData": {"body": said},
    }
    if told.answered is not None:
        answered = told.answered
        metadata = orjson.loads(answered["metadata"])
        payload["correlation"] = {"messageId": tell_guid(answered["id"]), "metadata": metadata}
    return payload


def _part(attachment: Mapping[str, Any]) -> dict[str, Any]:
    """An attachment as a part: Meta tells the kind of a file, not its exact type."""
    payload = attachment.get("payload")
    url = payload.get("url") if isinstance(payload, Mapping) else attachment.get("url")
    kind = MEDIA_TYPES.get(str(attachment.get("type")), str(attachment.get("content_type") or "application/octet-stream"))
    return {"type": kind, **({"url": url} if url else {})}


def _from(told: Told) -> dict[str, Any]:
    """Who it came from: the profile, and the address on the reply's channel."""
    contact, reply = told.contact, told.reply
    if contact is None or contact["deleted_at"] is not None:
        return {}
    channel = reply["channel"] if reply else Channel.MESSENGER.value
    account = told.data.get("account_id")
    wanted = {Channel.SMS.value: "phoneNumber", Channel.EMAIL.value: "email"}.get(channel, "fbMessengerId")
    kind = ADDRESS_KINDS[wanted].value
    own = [row for row in told.addresses if row["kind"] == kind and row["account_id"] in ("", account)]
    return {"profileId": profile_id_of(contact), **({wanted: own[0]["value"]} if own else {})}


def _to(told: Told) -> dict[str, Any]:
    account = told.account
    if account is None:
        return {}
    if "page_id" in account:
        return {"pageId": account["page_id"]}
    return {"email" if account["channel"] == Channel.EMAIL.value else "phoneNumber": account["sender"]}


def _build_opt_in(told: Told) -> dict[str, Any] | None:
    """An opt-in. `stateData` is what the state service sealed into the ref; empty where the ref is none of ours."""
    person = _from(told)
    content = orjson.loads(told.reply["content"]) if told.reply else {}
    page = told.account["page_id"] if told.account and "page_id" in told.account else ""
    psid = person.get("fbMessengerId", "")
    ref = content.get("ref", "")
    at = told.reply["at"] if told.reply else int(told.at.timestamp() * 1000)
    return {
        "fbMessengerId": psid,
        "profileId": person.get("profileId", ""),
        "stateData": tell_state(content.get("state") or {}),
        "ref": ref,
        "rawData": {"recipient": {"id": page}, "timestamp": at, "sender": {"id": psid}, "optin": {"ref": ref}},
        "pageId": page,
    }


def tell_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """What was sealed, as it was given to the state service."""
    profile_id = state.get("external_id") or state.get("profile_id")
    return {**({"profileId": profile_id} if profile_id else {}), **state.get("fields", {})}


# -- profiles -------------------------------------------------------------------------------------------------------


def _build_profile(told: Told) -> dict[str, Any] | None:
    return None if told.contact is None else tell_profile(told.contact, told.addresses)


def _build_deletion(told: Told) -> dict[str, Any] | None:
    if told.contact is None:
        return None
    return {"id": profile_id_of(told.contact), "date": tell_time(told.at), "by": "access:api"}


_BUILDERS: Mapping[str, Callable[[Told], dict[str, Any] | None]] = {
    "message.sentRequest": _build_request,
    "message.sent": _build_receipt,
    "message.delivered": _build_receipt,
    "message.read": _build_receipt,
    "message.expired": _build_receipt,
    "message.failed": _build_receipt,
    "message.inbound": _build_inbound,
    "facebook.optin": _build_opt_in,
    "profile.create": _build_profile,
    "profile.update": _build_profile,
    "profile.delete": _build_deletion,
}
