"""Comapi's words beside ours: channels, states, instants, ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from guestlist.domain.identifiers import from_uuid, to_uuid
from guestlist.domain.messages import Channel
from guestlist.domain.states import MessageState

DIALECT_NAME = "comapi"

CHANNELS: Mapping[str, Channel] = {"fbMessenger": Channel.MESSENGER, "sms": Channel.SMS, "email": Channel.EMAIL}
NOT_CARRIED = ("appMessaging", "mms", "nativePush", "rcs", "twitter", "whatsApp")
"""Comapi's other channels: known, skipped as one without an address for the person, as this server has no account on them."""
CHANNEL_IDS: Mapping[str, str] = {channel.value: name for name, channel in CHANNELS.items()}

STATUSES: Mapping[str, str] = {
    MessageState.QUEUED: "processing",
    MessageState.SENDING: "processing",
    MessageState.UNKNOWN: "processing",
    MessageState.SENT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.READ: "read",
    MessageState.EXPIRED: "expired",
    MessageState.FAILED: "failed",
    MessageState.CANCELLED: "failed",  # with the reason: Comapi has no word for a message that was taken back
}

_GUID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def tell_instant(milliseconds: int | None) -> str | None:
    """A row's instant: ISO 8601, UTC, to the millisecond."""
    return None if milliseconds is None else tell_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def tell_time(at: datetime) -> str:
    """ISO 8601, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tell_guid(row_id: str) -> str:
    """An id as a GUID. A workspace named by hand (`wsp_default`) has no bits of its own: its GUID is made from the name."""
    try:
        return to_uuid(row_id)
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"urn:guestlist:{row_id}"))


def find_id(prefix: str, guid: str) -> str | None:
    """Our id behind a GUID, with or without dashes; None for what is no GUID."""
    return from_uuid(prefix, guid) if _GUID.fullmatch(guid) else None


def same_guid(one: str, other: str) -> bool:
    """Whether two spellings are one GUID."""
    return one.replace("-", "").lower() == other.replace("-", "").lower()
