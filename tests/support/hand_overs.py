"""A `HandOver` over rows in memory, with a provider that keeps a log: the double of what actions implement."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from guestlist.engine.base import Lease
from guestlist.errors import DependencyError


class Row(StrEnum):
    """Where a row stands."""

    QUEUED = "queued"
    SENDING = "sending"
    CLOSED = "closed"
    SENT = "sent"


class Owned:
    """An `Ownership` that a test can end."""

    def __init__(self, lane: str = "page:1") -> None:
        self.lease = Lease(lane, "me", 1)
        self.gone = False

    def lost(self) -> bool:
        return self.gone


class Rows:
    """Rows 0 to n-1 of one lane. Latencies are functions giving seconds, so that a test can make them jitter."""

    def __init__(self, n: int, *, latency: float = 0.0) -> None:
        self.states = dict.fromkeys(range(n), Row.QUEUED)
        self.latency: Callable[[], float] = lambda: latency
        self.recheck_takes: Callable[[], float] = lambda: 0.0
        self.claim_takes = 0.0
        self.refused: set[int] = set()  # closed by the recheck
        self.away = False
        self.calls: list[tuple[float, int]] = []  # (when it left, row)
        self.claimed: list[int] = []  # rows a claim gave, claim by claim
        self.recorded: list[list[int]] = []
        self.in_flight = self.most_in_flight = self.most_in_doubt = 0

    async def claim(self, limit: int) -> Sequence[int]:
        await asyncio.sleep(self.claim_takes)
        self._check_reachable()
        rows = [row for row, state in self.states.items() if state is Row.QUEUED][:limit]
        self._set(rows, Row.SENDING)
        self.claimed.append(len(rows))
        self.most_in_doubt = max(self.most_in_doubt, self.counts()[Row.SENDING])
        return rows

    async def recheck(self, rows: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(self.recheck_takes())
        self._check_reachable()
        self._set([row for row in rows if row in self.refused], Row.CLOSED)
        return [row for row in rows if row not in self.refused]

    async def call(self, row: int) -> int:
        self.calls.append((asyncio.get_running_loop().time(), row))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.latency())
        self.in_flight -= 1
        return row

    async def record(self, outcomes: Sequence[int]) -> None:
        self._check_reachable()
        self._set(outcomes, Row.SENT)
        self.recorded.append(list(outcomes))

    async def release(self, rows: Sequence[int]) -> None:
        self._check_reachable()
        self._set([row for row in rows if self.states[row] is Row.SENDING], Row.QUEUED)

    def counts(self) -> Counter[Row]:
        return Counter(self.states.values())

    def called(self) -> list[int]:
        return [row for _, row in self.calls]

    def _set(self, rows: Sequence[int], state: Row) -> None:
        self.states.update(dict.fromkeys(rows, state))

    def _check_reachable(self) -> None:
        if self.away:
            raise DependencyError("The database is away.")


def fullest_second(times: Sequence[float]) -> int:
    """The most events in any rolling window of one second, counted as the receiver counts them."""
    ordered = sorted(times)
    start = most = 0
    for end, moment in enumerate(ordered):
        while moment - ordered[start] >= 1.0:
            start += 1
        most = max(most, end - start + 1)
    return most
