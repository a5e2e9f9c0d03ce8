"""Amio's words beside ours: channel types, ids, instants, people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from guestlist.domain.identifiers import from_decimal, to_decimal
from guestlist.domain.messages import AddressKind, Channel
from guestlist.storage.base import Row

DIALECT_NAME = "amio"

TYPES: Mapping[Channel, str] = {
    Channel.MESSENGER: "facebook_messenger",
    Channel.SMS: "mobile",
    Channel.EMAIL: "email",
}
"""Amio's type of channel for each of ours. Ours have no others."""

ACCOUNT_PREFIXES = ("pag", "acc")


def tell_instant(milliseconds: int | None) -> str | None:
    """A row's instant: ISO 8601, UTC, to the millisecond."""
    return None if milliseconds is None else tell_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def tell_time(at: datetime) -> str:
    """ISO 8601, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def find_ids(text: str, *prefixes: str) -> list[str]:
    """Our ids that a decimal number may stand for; none for what is no number of ours."""
    try:
        return [from_decimal(prefix, text) for prefix in prefixes]
    except ValueError:
        return []


def tell_channel(account_id: str, channel: Channel) -> dict[str, str]:
    """A channel as messages and events name it."""
    return {"id": to_decimal(account_id), "type": TYPES[channel]}


def find_value(addresses: Sequence[Row], kind: AddressKind, account_id: str = "") -> str | None:
    """A person's newest address of a kind, on one account where that is named."""
    fitting = (row for row in addresses if row["kind"] == kind.value and row["account_id"] in ("", account_id))
    return next((row["value"] for row in fitting), None)


def tell_contact(row: Row, addresses: Sequence[Row], account_id: str) -> dict[str, Any]:
    """A contact of a channel: `id` and `name` always, the rest as null where it is not known."""
    return {
        "id": to_decimal(row["id"]),
        "name": " ".join(filter(None, (row["first_name"], row["last_name"]))),
        "phone_number": find_value(addresses, AddressKind.PHONE),
        "user_ref": find_value(addresses, AddressKind.USER_REF, account_id),
        "gender": row["gender"] or None,
        "locale": row["locale"] or None,
        "time_zone": row["timezone"] or None,
        "photo_url": row["picture_url"] or None,
    }
