"""A time limit for very many short waits: one timer for all of them.

`asyncio.timeout` sets and clears a timer for each request, which costs a webhook as much as its signature. Here a request only
leaves a note of when it began, and one timer, set for the oldest of them, ends those that are overdue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlines:
    """Waits that may take `seconds` each. One instance belongs to one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun: dict[asyncio.Task[Any], float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    async def hold(self, wait: Coroutine[Any, Any, T]) -> T:
        """What `wait` returns. Errors: TimeoutError when it takes too long; it is cancelled then."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs belongs to a task"
        self._begun[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._end_overdue, loop)
        try:
            return await wait
        except asyncio.CancelledError:
            if task in self._begun or task.uncancel():  # somebody else cancelled it, alone or besides
                raise
            raise TimeoutError from None
        finally:
            self._begun.pop(task, None)

    def _end_overdue(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for task, begun in list(self._begun.items()):
            if begun + self._seconds > loop.time():
                self._timer = loop.call_at(begun + self._seconds, self._end_overdue, loop)
                return
            del self._begun[task]
            task.cancel()
