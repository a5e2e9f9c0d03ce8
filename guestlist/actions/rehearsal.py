"""Rehearsals: an action with its real checks on the real rows, and no trace of it here or at Meta afterwards.

Transactions run and are rolled back. Meta is read; what the action itself would write there is left out, and what a lane
would do later is never begun, because no row says that it is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from guestlist.graph.base import Graph, GraphFactory
from guestlist.storage.base import Database, Transaction, Unit

from .base import Services

T = TypeVar("T")

READS = frozenset(
    {"debug_token", "read_page", "read_terms", "list_audiences", "read_audience"}
    | {"read_sessions", "list_tokens", "list_campaigns", "list_personas", "read_messenger_profile", "read_profile"}
)


def rehearse(services: Services) -> Services:
    """The services for a dry run. For actions whose later transactions do not build on earlier ones."""
    return replace(services, db=RolledBack(services.db), graph=ReadingGraphs(services.graph), wake=_wake_nobody)


async def _wake_nobody(_lane: str) -> None:
    pass


class _RolledBackError(Exception):
    """Ends a unit that ran well, carrying its value past the rollback."""

    def __init__(self, value: Any) -> None:
        super().__init__("rehearsed")
        self.value = value


class RolledBack:
    """A database that runs every write and keeps none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect

    async def write(self, unit: Unit[T]) -> T:
        """What the unit would give. Errors: those of the unit."""

        async def undone(tx: Transaction) -> T:
            raise _RolledBackError(await unit(tx))

        try:
            return await self._database.write(undone)
        except _RolledBackError as rehearsed:
            return cast(T, rehearsed.value)

    async def read(self, unit: Unit[T]) -> T:
        """Reads as always."""
        return await self._database.read(unit)

    async def close(self) -> None:
        """Closes the database."""
        await self._database.close()


class ReadingGraphs:
    """Makes Graph clients that only read."""

    def __init__(self, graphs: GraphFactory) -> None:
        self._graphs = graphs

    def with_token(self, token: str) -> Graph:
        """A client for this token."""
        return cast(Graph, ReadingGraph(self._graphs.with_token(token)))

    def usage(self, scope: str) -> float:
        """As the true factory says."""
        return self._graphs.usage(scope)

    def regain(self, scope: str) -> float:
        """As the true factory says."""
        return self._graphs.regain(scope)

    async def close(self) -> None:
        """Closes the true factory."""
        await self._graphs.close()


class ReadingGraph:
    """Reads for real; the writes that actions make themselves are left out. It lacks the writes of the lanes: none may happen."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._fields: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        if name not in READS:
            raise AttributeError(f"a rehearsal may not call {name}")
        return getattr(self._graph, name)

    async def subscribe_app(self, *, callback_url: str, verify_token: str, fields: Sequence[str]) -> None:
        """Left out."""

    async def subscribe_page(self, page_id: str, fields: Sequence[str]) -> None:
        """Left out, as if Meta had agreed."""
        self._fields = frozenset(fields)

    async def subscribed_fields(self, page_id: str) -> frozenset[str]:
        """What is subscribed, and what would have been."""
        return await self._graph.subscribed_fields(page_id) | self._fields

    async def delete_audience(self, audience_id: str) -> None:
        """Left out."""
