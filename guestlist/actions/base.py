"""What actions are given: the contracts of the other rooms, wired by app.py. Time, ids, HTTP and SQL are passed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import orjson

from guestlist.channels.base import Channel, Sender
from guestlist.domain.facts import Fact
from guestlist.domain.identifiers import Clock, Ids
from guestlist.domain.messages import Channel as ChannelName
from guestlist.engine.base import Bucket, Pump
from guestlist.graph.base import Graph, GraphFactory
from guestlist.lists.base import ListEngine
from guestlist.outbound.base import Outbound
from guestlist.storage import ledgers, rows
from guestlist.storage.base import Database, Row, Transaction
from guestlist.storage.instants import to_ms
from guestlist.storage.ledgers import Event
from guestlist.storage.senders import Account
from guestlist.storage.tables import pages

from .gathering import Gathering
from .outcomes import Outcomes

Item = TypeVar("Item")


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
    notices_kept: timedelta  # what endpoints were told, and their answers


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
    parse: Callable[[str, str, bytes, datetime], ParsedBody]  # provider, app or account, body, when it came
    bucket: Callable[[str, int], Bucket]  # a Page's token bucket, for so many calls a second
    pump: Pump
    channels: Mapping[ChannelName, Channel]
    outbound: Outbound
    public_url: str = ""  # where providers reach us; "" = nowhere yet
    outcomes: Outcomes = field(default_factory=Outcomes)
    gathering: Gathering = field(default_factory=Gathering)

    def now_ms(self) -> int:
        """The business time, as rows hold it."""
        return to_ms(self.clock.now())

    def page_graph(self, page: Row) -> Graph:
        """A Graph client that speaks as the Page."""
        return self.graph.with_token(self.vault.open(page["page_token"], f"pages:{page['id']}:page_token"))

    def ads_graph(self, page: Row) -> Graph:
        """A Graph client that speaks as the ad account's system user."""
        return self.graph.with_token(self.vault.open(page["ads_token"], f"pages:{page['id']}:ads_token"))

    def sender(self, account: Account) -> Sender:
        """An account as its channel sees it, with its secrets opened. `account` was read whole."""
        row = account.row
        assert row is not None
        if account.channel is ChannelName.MESSENGER:
            secret = {"page_token": self.vault.open(row["page_token"], f"pages:{row['id']}:page_token")}
            return Sender(account.id, account.provider, row["page_id"], orjson.loads(row["capabilities"]), secret)
        secret = orjson.loads(self.vault.open(row["secret"], f"accounts:{row['id']}:secret"))
        return Sender(account.id, account.provider, row["sender"], orjson.loads(row["config"]), secret)

    async def emit(self, tx: Transaction, workspace_id: str, kind: str, subject: str, **data: Any) -> set[str]:
        """Records an event in the transaction that makes it true, on its way to the endpoints that want it.

        The lanes to wake after the commit; the sweep finds them within a second where nobody does.
        """
        return await self.emit_all(tx, workspace_id, [Event(kind, subject, data)])

    async def emit_all(self, tx: Transaction, workspace_id: str, events: Sequence[Event]) -> set[str]:
        """The same for many."""
        return await ledgers.append_events(tx, workspace_id, self.now_ms(), [(self.ids.new("evt"), each) for each in events])

    async def find_row(self, table: Any, workspace_id: str, row_id: str) -> Row:
        """One row of a noun. Errors: NotFoundError."""

        async def unit(tx: Transaction) -> Row:
            return await rows.get(tx, table, workspace_id, row_id)

        return await self.db.read(unit)

    async def get_page(self, workspace_id: str, page_id: str) -> Row:
        """A connected Page by our id. Errors: NotFoundError."""
        return await self.find_row(pages, workspace_id, page_id)


async def in_thread(items: Generator[Item]) -> AsyncGenerator[Item]:
    """The items of a blocking generator, each taken in a thread. The generator is closed at the end, whatever ends it.

    Use it under `contextlib.aclosing`, so that it ends when its user does.
    """
    taken: asyncio.Future[Item | None] | None = None
    try:
        while True:
            taken = asyncio.ensure_future(asyncio.to_thread(next, items, None))
            item = await asyncio.shield(taken)  # a thread cannot be cancelled, and a running generator not be closed
            if item is None:
                return
            yield item
    finally:
        if taken is not None:
            await asyncio.gather(taken, return_exceptions=True)
        await asyncio.to_thread(items.close)
