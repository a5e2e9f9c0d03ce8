"""Making something at Meta exactly once: claim it, call, and settle a lost answer by its mark before anything is repeated.

    queued ──► creating ──► born              refused for now: queued again; refused until a person acts: paused
                  │
                  └─ no answer ──► unknown ──► found by its mark: born; looked up twice in vain: queued

Audiences and campaigns share these states and the columns `fence`, `attempts`, `reason` and `due_at`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Table

from guestlist.domain.policy import backoff
from guestlist.domain.states import Audience
from guestlist.graph.base import Applied, ErrorClass, GraphError
from guestlist.storage import rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from .base import Services
from .pages import mark_dead

LOOK_UP_AFTER = timedelta(seconds=30)
"""How long Meta gets to show a new audience or campaign in its lists before a lost answer is looked up."""

QUEUED, CREATING, UNKNOWN = Audience.QUEUED.value, Audience.CREATING.value, Audience.UNKNOWN.value
"""The states of the way there, spelt alike for every noun."""


@dataclass(frozen=True, slots=True)
class Noun:
    """What is made at Meta, as far as nouns differ."""

    table: Table
    create: Callable[[Services, Row, Row], Awaitable[str]]  # with the Page and the row: Meta's id
    find: Callable[[Services, Row, Row], Awaitable[str | None]]  # the same by the row's mark, where Meta has it
    born: Callable[[Services], Mapping[str, Any]]  # columns of one that exists, beside its id
    halted: Callable[[GraphError], Mapping[str, Any]]  # columns of one that waits for a person
    event: str | None = None  # emitted at birth


async def advance_creation(services: Services, noun: Noun, page: Row, row: Row, fence: int) -> bool:
    """One step of a row that is due and not born yet; whether it was one.

    The lane takes one step at a time, so a row met in `creating` is one whose call never came back.
    """
    if row["state"] == CREATING:
        await change_unmoved(services, noun.table, row, state=UNKNOWN, reason="answer_lost", due_at=services.now_ms())
    elif row["state"] == QUEUED:
        await _create(services, noun, page, row, fence)
    elif row["state"] == UNKNOWN:
        await _look_up(services, noun, page, row)
    else:
        return False
    return True


async def change_unmoved(services: Services, table: Table, row: Row, **values: Any) -> bool:
    """Changes the row only while nobody else moved it on; whether it did."""

    async def unit(tx: Transaction) -> bool:
        return await rows.change_if(tx, table, row, {"state": row["state"], "fence": row["fence"]}, **values)

    return await services.db.write(unit)


async def _create(services: Services, noun: Noun, page: Row, row: Row, fence: int) -> None:
    claim = {"state": CREATING, "fence": fence, "attempts": row["attempts"] + 1}
    if not await change_unmoved(services, noun.table, row, **claim):
        return
    claimed = {**row, **claim}
    try:
        meta_id = await noun.create(services, page, row)
    except GraphError as error:
        await _note_failure(services, noun, page, claimed, error)
        return
    await _note_birth(services, noun, claimed, meta_id)


async def _note_birth(services: Services, noun: Noun, row: Row, meta_id: str) -> None:
    async def unit(tx: Transaction) -> None:
        known = {"state": row["state"], "fence": row["fence"]}
        values = {"meta_id": meta_id, "reason": "", "attempts": 0, **noun.born(services)}
        if await rows.change_if(tx, noun.table, row, known, **values) and noun.event:
            await services.emit(tx, row["workspace_id"], noun.event, row["id"])

    await services.db.write(unit)


async def _note_failure(services: Services, noun: Noun, page: Row, row: Row, error: GraphError) -> None:
    """What a failed creation means: in doubt, again later, the Page to reconnect, or a person to act."""
    now = services.clock.now()
    again = now + (timedelta(seconds=error.retry_after) if error.retry_after else backoff(row["attempts"]))
    if error.applied is Applied.UNKNOWN:
        values = {"state": UNKNOWN, "reason": "answer_lost", "due_at": to_ms(now + LOOK_UP_AFTER)}
    elif error.kind in (ErrorClass.RETRY, ErrorClass.WAIT):
        values = {"state": QUEUED, "reason": error.reason, "due_at": to_ms(again)}
    elif error.kind is ErrorClass.RECONNECT:
        values = {"state": QUEUED, "reason": error.reason, "due_at": to_ms(now)}
    else:
        values = {"due_at": None, "reason": error.sentence, **noun.halted(error)}
    await change_unmoved(services, noun.table, row, **values)
    if error.kind is ErrorClass.RECONNECT:
        await mark_dead(services, page, error.sentence)


async def _look_up(services: Services, noun: Noun, page: Row, row: Row) -> None:
    """Settles a lost answer: the thing is found by its mark, or, looked up twice in vain, provably was not created."""
    later = to_ms(services.clock.now() + LOOK_UP_AFTER)
    try:
        meta_id = await noun.find(services, page, row)
    except GraphError as error:
        if error.kind is ErrorClass.RECONNECT:
            await mark_dead(services, page, error.sentence)
        await change_unmoved(services, noun.table, row, due_at=later)
        return
    if meta_id is not None:
        await _note_birth(services, noun, row, meta_id)
    elif row["reason"] == "answer_lost":
        await change_unmoved(services, noun.table, row, reason="not_found_once", due_at=later)
    else:
        await change_unmoved(services, noun.table, row, state=QUEUED, reason="", due_at=services.now_ms())
