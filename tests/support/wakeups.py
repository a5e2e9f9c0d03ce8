"""A double of `engine.base.Wakeups` for simulated time: rings at once, unless told to lose or double wake-ups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class DirectWakeups:
    """`copies` = how often a wake-up rings: 0 loses it, 2 doubles it."""

    def __init__(self, copies: int = 1) -> None:
        self.copies = copies
        self._rings: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._stopped = asyncio.Event()

    async def wake(self, lane: str, delay: float = 0.0) -> None:
        if delay:
            await asyncio.sleep(delay)
        for _ in range(self.copies):
            await self._rings[lane.partition(":")[0]](lane)

    def handler(self, kind: str, function: Callable[[str], Awaitable[None]]) -> None:
        self._rings[kind] = function

    async def run(self) -> None:
        await self._stopped.wait()

    async def stop(self) -> None:
        self._stopped.set()
