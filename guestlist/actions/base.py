"""What actions are given: the contracts of the other rooms, wired by app.py. Time, ids, HTTP and SQL are passed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from guestlist.domain.facts import Fact
from guestlist.domain.identifiers import Clock, Ids
from guestlist.engine.base import Bucket, HandOver, Ownership
from guestlist.graph.base import Graph, GraphFactory
from guestlist.lists.base import ListEngine
from guestlist.storage import ledgers, rows
from guestlist.storage.base import Database, Row, Transaction
from guestlist.storage.instants import to_ms
from guestlist.storage.tables import pages


class Vault(Protocol):
    """Seals secrets at rest. The place (table, id, column) is authenticated with it, so a sealed value cannot be moved."""

    def seal(self, secret: str, place: str) -> bytes: ...

    def open(self, sealed: bytes, place: str) -> str:
        """Errors: ConfigurationError when the key is not the one it was sealed with."""
        ...


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """A webhook body, tamed: what it says, and the kinds of the events in it that could not be read."""

    facts: Sequence[Fact]
    refused: Sequence[str]


@dataclass(frozen=True, slots=True)
class MetaApp:
    """The installation's Meta app, as far as actions need it. `callback_url` is empty where Meta cannot reach us yet."""

    app_id: str
    app_token: str = field(repr=False)  # speaks as the app itself
    verify_token: str = field(repr=False)
    callback_url: str
    page_rate: int  # calls a second, a Page


@dataclass(frozen=True, slots=True)
class Pace:
    """How often Meta is asked unprompted, and how long things are kept, in business time."""

    upload_poll: timedelta  # how far a silent upload is; its webhook brings the look forward
    sync: timedelta  # a Page's whole token list
    webhooks_kept: timedelta  # raw bodies, after they were applied


@dataclass(frozen=True, slots=True)
class Services:
    """Everything an action may use."""

    db: Database
    clock: Clock
    ids: Ids
    graph: GraphFactory
    vault: Vault
    lists: ListEngine
    app: MetaApp
    pace: Pace
    wake: Callable[[str], Awaitable[None]]
    parse: Callable[[str, bytes, datetime], ParsedBody]
    bucket: Callable[[str, int], Bucket]  # a Page's token bucket, for so many calls a second
    pump: Callable[[HandOver[Any, Any], Bucket, Ownership], Awaitable[None]]

    def now_ms(self) -> int:
        """The business time, as rows hold it."""
        return to_ms(self.clock.now())

    def page_graph(self, page: Row) -> Graph:
        """A Graph client that speaks as the Page."""
        return self.graph.with_token(self.vault.open(page["page_token"], f"pages:{page['id']}:page_token"))

    def ads_graph(self, page: Row) -> Graph:
        """A Graph client that speaks as the ad account's system user."""
        return self.graph.with_token(self.vault.open(page["ads_token"], f"pages:{page['id']}:ads_token"))

    async def emit(self, tx: Transaction, workspace_id: str, kind: str, subject: str, **data: Any) -> None:
        """Records an event in the transaction that makes it true."""
        await ledgers.append_event(tx, workspace_id, self.ids.new("evt"), self.now_ms(), kind, subject, **data)

    async def find_row(self, table: Any, workspace_id: str, row_id: str) -> Row:
        """One row of a noun. Errors: NotFoundError."""

        async def unit(tx: Transaction) -> Row:
            return await rows.get(tx, table, workspace_id, row_id)

        return await self.db.read(unit)

    async def get_page(self, workspace_id: str, page_id: str) -> Row:
        """A connected Page by our id. Errors: NotFoundError."""
        return await self.find_row(pages, workspace_id, page_id)


async def next_or_none(iterator: Any) -> Any:
    """The next item of a blocking iterator, taken in a thread; None at its end."""
    return await asyncio.to_thread(next, iterator, None)
