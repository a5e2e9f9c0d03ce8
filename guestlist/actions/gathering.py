"""Calls that belong in one transaction: those that come while one is being written are written together, in the next.

Group commit makes transactions cheap; this makes their statements cheap, too. A statement costs its thread the interpreter's
lock, so that under load many small ones wait for each other, while one for many rows waits once. Who comes alone never waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST = 100
"""Items handled at once; bounds how long they hold up other writers."""


class Gathering:
    """Hands items on in blocks, one block at a time for each key."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, key: Hashable, item: Item, handle: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> Result:
        """What `handle` gives for the item. It gets a block of items of the same key and gives a result for each, in order.

        When it raises for a block, each item is handled alone: then it fails only those that make it raise.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if (waiting := self._waiting.get(key)) is not None:
            waiting.append((item, future))
        else:
            self._waiting[key] = [(item, future)]
            task = asyncio.create_task(self._drain(key, handle))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self, key: Hashable, handle: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> None:
        while waiting := self._waiting[key]:
            block, self._waiting[key] = waiting[:LARGEST], waiting[LARGEST:]
            await _settle(block, handle)
        del self._waiting[key]


async def _settle(
    block: Sequence[tuple[Any, asyncio.Future[Any]]], handle: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
) -> None:
    try:
        results = await handle([item for item, _ in block])
    except Exception as error:
        if len(block) > 1:
            for each in block:
                await _settle([each], handle)
        elif not block[0][1].done():
            block[0][1].set_exception(error)
        return
    for (_, future), result in zip(block, results, strict=True):
        if not future.done():  # whoever asked may have gone away
            future.set_result(result)
