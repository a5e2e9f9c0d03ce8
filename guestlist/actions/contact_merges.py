"""Two contacts that are one person become one, without loss: addresses, messages, replies, conversations, requests, fields."""

from __future__ import annotations

from typing import Any

import orjson

from guestlist.storage import contact_merges as merge_rows
from guestlist.storage import contacts as contact_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.ledgers import Event

from .base import Services

PLAIN = ("first_name", "last_name", "locale", "timezone", "gender", "picture_url")
OTHER_IDS = "other_external_ids"
"""The field that keeps the external ids of contacts merged into one that has its own."""


async def merge_contacts(tx: Transaction, services: Services, kept: Row, gone: Row) -> set[str]:
    """Moves all that belongs to `gone` to `kept`; both rows are locked. What both know, `kept` knows better. The lanes to wake.

    `gone` stays as a deleted contact that names where it went, so that ids which others keep lead somewhere.
    """
    workspace_id, now = kept["workspace_id"], services.now_ms()
    await merge_rows.move_belongings(tx, workspace_id, gone["id"], kept["id"])
    values = _joined(kept, gone)
    empty: dict[str, Any] = dict.fromkeys(PLAIN, "")
    await contact_rows.update_contact(
        tx, gone, now, **empty, external_id=None, fields="{}", messenger="{}", deleted_at=now, merged_into=kept["id"]
    )
    await contact_rows.update_contact(tx, kept, now, **values)
    data = {"merged_into": kept["id"]}
    told = [Event("contact.deleted", gone["id"], data), Event("contact.updated", kept["id"], {"merged": gone["id"]})]
    return await services.emit_all(tx, workspace_id, told)


def _joined(kept: Row, gone: Row) -> dict[str, Any]:
    """What the contact that stays knows afterwards."""
    values: dict[str, Any] = {name: kept[name] or gone[name] for name in PLAIN}
    values["external_id"] = kept["external_id"] or gone["external_id"]
    fields = {**orjson.loads(gone["fields"]), **orjson.loads(kept["fields"])}
    if kept["external_id"] and gone["external_id"]:
        known = [*_other_ids(kept), gone["external_id"], *_other_ids(gone)]
        fields[OTHER_IDS] = list(dict.fromkeys(known))
    values["fields"] = orjson.dumps(fields).decode()
    values["messenger"] = orjson.dumps({**orjson.loads(gone["messenger"]), **orjson.loads(kept["messenger"])}).decode()
    asked = [at for at in (kept["profiled_at"], gone["profiled_at"]) if at is not None]
    values["profiled_at"] = max(asked, default=None)
    values["created_at"] = min(kept["created_at"], gone["created_at"])
    return values


def _other_ids(row: Row) -> list[str]:
    kept = orjson.loads(row["fields"]).get(OTHER_IDS)
    return [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []
