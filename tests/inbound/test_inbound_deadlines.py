"""Deadlines: one timer for many waits, each with its own time."""

from __future__ import annotations

import asyncio

import pytest

from guestlist.inbound.deadlines import Deadlines


async def never() -> None:
    await asyncio.Event().wait()


async def soon() -> str:
    await asyncio.sleep(0)
    return "here"


async def test_what_comes_in_time_is_returned() -> None:
    assert await Deadlines(60).hold(soon()) == "here"


async def test_what_takes_too_long_is_cancelled_and_the_task_lives_on() -> None:
    deadlines, cancelled = Deadlines(0.01), []

    async def wait() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError):
        await deadlines.hold(wait())
    assert cancelled == [True]
    assert await deadlines.hold(soon()) == "here"


async def test_every_overdue_wait_ends_also_those_that_began_later() -> None:
    deadlines = Deadlines(0.02)
    first = asyncio.create_task(deadlines.hold(never()))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(deadlines.hold(never()))
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError] * 2


async def test_a_cancelled_wait_stays_cancelled_and_is_no_time_out() -> None:
    task = asyncio.create_task(Deadlines(60).hold(never()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_wait_cancelled_and_overdue_at_once_is_cancelled() -> None:
    task: asyncio.Task[None] | None = None

    async def wait() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            assert task is not None
            task.cancel()  # somebody cancels it just as its time is over
            raise

    task = asyncio.create_task(Deadlines(0.01).hold(wait()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_of_the_wait_itself_comes_through() -> None:
    async def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await Deadlines(60).hold(fail())
