"""An event loop whose time is simulated: a sleep of an hour takes none, and two events a microsecond apart stay apart."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer instead of waiting for it. For code that does no real I/O."""

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now

    def stall(self, seconds: float) -> None:
        """The process is stopped for so long: time passes, nothing runs."""
        self.now += seconds


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set: the test would hang")
        self._loop.now += max(0.0, timeout)
        return super().select(0)


def virtual(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a `VirtualLoop`."""

    @functools.wraps(story)
    def run(*args: object, **named: object) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(story(*args, **named))

    return run


def now() -> float:
    """The running loop's time; the clock to inject."""
    return asyncio.get_running_loop().time()


async def until(true: Callable[[], object], within: float = 60.0) -> None:
    """Waits until `true()` holds; the test fails when it does not within so many seconds."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.005)
