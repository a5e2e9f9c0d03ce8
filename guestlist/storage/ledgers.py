"""The append-only records: consents (hash-chained) and events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from guestlist.domain.consent import GENESIS, chain_hash
from guestlist.domain.events import Event as Event

from . import rows
from .base import Row, Transaction
from .notices import fan_out
from .tables import consents, events, workspaces

BLOCK = 5_000
"""Entries of the ledger read at once: it may be longer than memory."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One entry of the ledger. `subject` is "audience:…", "subscriber:…" or "contact:…"; `proof` is JSON."""

    subject: str
    act: str
    source: str
    words: str = ""
    basis: str = ""
    by: str = ""
    proof: Mapping[str, Any] | None = None
    channel: str = "messenger"
    purpose: str = "marketing"


async def append_consents(tx: Transaction, workspace_id: str, at: int, entries: Sequence[Consent]) -> None:
    """Adds entries in the order given, each chained to the one before. The workspace's row is locked: the chain never forks."""
    if not entries:
        return
    await tx.fetch_one(select(workspaces.c.id).where(workspaces.c.id == workspace_id).with_for_update())
    last = select(consents.c.number, consents.c.hash).where(consents.c.workspace_id == workspace_id)
    row = await tx.fetch_one(last.order_by(consents.c.number.desc()).limit(1))
    number, previous = (row["number"], row["hash"]) if row else (0, GENESIS)
    chained = []
    for number, consent in enumerate(entries, number + 1):  # noqa: B020 (counts on from the last entry)
        content = _content(workspace_id, number, at, consent)
        link = chain_hash(previous, content)
        chained.append({**content, "previous_hash": previous, "hash": link})
        previous = link
    await tx.execute_many(consents.insert(), chained)


def _content(workspace_id: str, number: int, at: int, consent: Consent) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "number": number,
        "subject": consent.subject,
        "act": consent.act,
        "purpose": consent.purpose,
        "channel": consent.channel,
        "source": consent.source,
        "words": consent.words,
        "basis": consent.basis,
        "by": consent.by,
        "proof": json.dumps(consent.proof or {}, sort_keys=True),
        "at": at,
    }


async def find_consents(tx: Transaction, workspace_id: str, subject: str) -> list[Row]:
    """What the ledger says of a subject, oldest first."""
    query = select(consents).where(consents.c.workspace_id == workspace_id, consents.c.subject == subject)
    return await tx.fetch_all(query.order_by(consents.c.number))


async def broken_link(tx: Transaction, workspace_id: str) -> int | None:
    """The number of the first entry whose hash does not follow from the one before; None while the chain is whole.

    An end cut off shows nowhere: no entry follows it.
    """
    previous, number = GENESIS, 0
    query = select(consents).where(consents.c.workspace_id == workspace_id).order_by(consents.c.number).limit(BLOCK)
    while block := await tx.fetch_all(query.where(consents.c.number > number)):
        for row in block:
            content = {name: row[name] for name in row if name not in ("previous_hash", "hash")}
            if row["previous_hash"] != previous or row["hash"] != chain_hash(previous, content):
                return int(row["number"])
            previous, number = row["hash"], row["number"]
    return None


async def append_events(tx: Transaction, workspace_id: str, at: int, numbered: Sequence[tuple[str, Event]]) -> set[str]:
    """Records facts, each with its id, in the transaction that made them true, and puts them on their way to the endpoints.

    The lanes that may have something due.
    """
    new = [
        {
            "workspace_id": workspace_id,
            "id": event_id,
            "kind": each.kind,
            "subject": each.subject,
            "data": json.dumps(each.data),
            "at": at,
        }
        for event_id, each in numbered
    ]
    if not new:
        return set()
    await tx.execute_many(_add_event, new)
    return await fan_out(tx, workspace_id, at, numbered)


_add_event = events.insert()


async def list_events(tx: Transaction, workspace_id: str, *, after: str | None, limit: int) -> list[Row]:
    """Events, newest first."""
    return await tx.fetch_all(rows.page_of(events, workspace_id, after=after, limit=limit))
