"""A contact as Comapi's profile (2.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from guestlist.domain.messages import AddressKind
from guestlist.storage.base import Row

from .words import tell_guid, tell_instant

FACEBOOK = {
    "first_name": "first_name",
    "last_name": "last_name",
    "profile_pic": "picture_url",
    "locale": "locale",
    "timezone": "timezone",
    "gender": "gender",
}
"""Facebook's fields, and how we keep them."""
KINDS = {"phoneNumber": AddressKind.PHONE, "email": AddressKind.EMAIL, "fbMessengerId": AddressKind.PSID}
"""The fields of a profile that are addresses."""


def profile_id_of(contact: Row) -> str:
    """A profile's id: the business's own, else ours as a GUID."""
    return contact["external_id"] or tell_guid(contact["id"])


def etag_of(contact: Row) -> str:
    """The version of a profile, as `ETag` shows it and `If-Match` takes it."""
    return f'"{contact["version"]}"'


def tell_profile(contact: Row, addresses: Iterable[Row], *, system: bool = True) -> dict[str, Any]:
    """A profile: names, addresses (the newest of each kind), Facebook's profile, the business's own fields, system fields."""
    if contact["deleted_at"] is not None:
        return {"id": profile_id_of(contact), "_deletedOn": tell_instant(contact["deleted_at"])}
    kept = list(addresses)
    found = {name: _newest(kept, kind) for name, kind in KINDS.items()}
    named = {"firstName": contact["first_name"], "lastName": contact["last_name"], **found}
    fields = {name: value for name, value in orjson.loads(contact["fields"]).items() if not name.startswith("_")}
    told: dict[str, Any] = {
        "id": profile_id_of(contact),
        **fields,
        **{name: value for name, value in named.items() if value},
    }
    if facebook := _facebook(contact):
        told["facebook"] = facebook
    return {**told, **(_system(contact, kept) if system else {})}


def _newest(addresses: Iterable[Row], kind: AddressKind) -> str:
    """The newest address of a kind; they come newest first."""
    return next((row["value"] for row in addresses if row["kind"] == kind.value), "")


def _facebook(contact: Row) -> dict[str, Any]:
    told = orjson.loads(contact["messenger"])
    shown: dict[str, Any] = {name: told[kept] for name, kept in FACEBOOK.items() if told.get(kept)}
    if "timezone" in shown:
        shown["timezone"] = _hours(shown["timezone"])
    if contact["profiled_at"] is not None and shown:
        shown["lastRefreshedOn"] = tell_instant(contact["profiled_at"])
    return shown


def _hours(offset: str) -> float:
    """An offset such as +05:30 as Facebook tells it: hours."""
    hours, _, minutes = offset[1:].partition(":")
    whole = int(hours) + int(minutes) / 60
    signed = -whole if offset.startswith("-") else whole
    return int(signed) if signed.is_integer() else signed


def _system(contact: Row, addresses: Iterable[Row]) -> dict[str, Any]:
    acts = [row["opened_at"] for row in addresses if row["opened_at"] is not None]
    return {
        "_createdOn": tell_instant(contact["created_at"]),
        "_createdBy": f"access:{contact['source']}",
        "_updatedOn": tell_instant(contact["updated_at"]),
        "_updatedBy": f"access:{contact['source']}",
        **({"_lastActivityOn": tell_instant(max(acts))} if acts else {}),
        "_systemProfile": False,
    }
