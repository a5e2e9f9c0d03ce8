"""Webhooks of Messenger as Meta sends them, stored as the receiver does and applied by the inbox's lane."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import orjson

from guestlist.storage.instants import to_ms
from guestlist.storage.webhooks import insert_webhook
from support.messaging import PSID
from support.scripted import PAGE_ID, House

Event = Mapping[str, Any]

_salt = random.Random(11)


def event(house: House, body: Event, *, psid: str = PSID, at: int | None = None, echo: bool = False) -> dict[str, Any]:
    """One event between a person and the Page."""
    sender, recipient = ({"id": PAGE_ID}, {"id": psid}) if echo else ({"id": psid}, {"id": PAGE_ID})
    return {"sender": sender, "recipient": recipient, "timestamp": at or to_ms(house.clock.at), **body}


def said(house: House, text: str, mid: str, **more: Any) -> dict[str, Any]:
    """A text from the person. `more`: members beside `message`, or `psid` and `at`."""
    where = {name: more.pop(name) for name in ("psid", "at") if name in more}
    message = {"mid": mid, "text": text, **more.pop("message", {})}
    return event(house, {"message": message, **more}, **where)


async def store(house: House, *events: Event) -> None:
    """Stores the events, one body each."""
    for each in events:
        entry = {"id": PAGE_ID, "time": to_ms(house.clock.at), "messaging": [each]}
        body = orjson.dumps({"object": "page", "entry": [entry], "salt": _salt.random()})
        at = to_ms(house.clock.at)
        await house.services.db.write(lambda tx, body=body, at=at: insert_webhook(tx, "meta", "", body, at))


async def tell(house: House, *events: Event) -> None:
    """Stores the events and applies them."""
    await store(house, *events)
    await house.run_inbox()


async def rows_of(house: House, table: Any, *order: Any) -> list[dict[str, Any]]:
    """All rows of a table."""
    from sqlalchemy import select

    found = await house.services.db.read(lambda tx: tx.fetch_all(select(table).order_by(*order)))
    return [dict(row) for row in found]
