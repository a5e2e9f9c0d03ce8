"""Group commit: units that wait are run in one transaction and become durable together.

Grouping is optimistic. When a unit raises, the group is rolled back, the units before it are run together again, the failing one
runs alone in a transaction of its own, and the rest go on together: the failing one alone fails, and the order of calls is kept.

The algorithm is written once, as coroutines. PostgreSQL awaits them on the event loop; SQLite's writer thread drives them to the
end without ever suspending.
"""

from __future__ import annotations

import asyncio
import random
import types
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from .base import Transaction, Unit
from .failures import closed, reruns

T = TypeVar("T")

FOREIGN_WAIT = "A transaction may not wait for anything but its own statements."
LARGEST_GROUP = 512  # units; bounds how long the first of them waits
_ATTEMPTS = 6
_FIRST_PAUSE = 0.01  # seconds, doubled with each attempt


class UnitTransaction(Transaction, Protocol):
    """The transaction one unit sees. The writer needs two things more than the unit does."""

    waiting: bool
    """True while a statement of the unit is on its way."""

    def end(self) -> Exception | None:
        """Makes the object unusable. The failure of a statement, when there was one, even if the unit swallowed it."""
        ...


class Session(Protocol):
    """One connection that runs one transaction after another."""

    async def begin(self) -> None: ...

    def transaction(self) -> UnitTransaction: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None: ...

    async def pause(self, seconds: float) -> None: ...


@dataclass(slots=True, eq=False)
class Job:
    """A unit on its way through the writer, and its outcome. One that was never settled is delivered as not written."""

    unit: Unit[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    settled: bool = False
    value: Any = None
    error: BaseException | None = None

    def succeed(self, value: Any) -> None:
        """The unit is durable."""
        self.settled, self.value, self.error = True, value, None

    def fail(self, error: BaseException) -> None:
        """The unit left nothing behind, or the error says that this is in doubt."""
        self.settled, self.error = True, error

    def deliver(self) -> None:
        """Hands the outcome to the caller, unless the caller has stopped waiting."""
        if self.future.done():
            return
        if not self.settled:
            self.future.set_exception(closed())
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


def new_job(unit: Unit[Any]) -> Job:
    """A job for the running event loop."""
    loop = asyncio.get_running_loop()
    return Job(unit, loop.create_future(), loop)


async def run_jobs(session: Session, jobs: Sequence[Job]) -> None:
    """Runs the jobs in order, in as few transactions as they allow. Each has its outcome afterwards; nothing is raised."""
    waiting = list(jobs)
    while waiting:
        settled = await _run_together(session, waiting)
        if settled < len(waiting):
            await _run_alone(session, waiting[settled])
        waiting = waiting[settled + 1 :]


async def _run_together(session: Session, jobs: Sequence[Job]) -> int:
    """How many of the leading jobs are settled; the next one raised and must run alone."""
    if len(jobs) < 2:
        return 0
    try:
        await session.begin()
    except Exception as error:
        return _fail_all(jobs, error)
    values = []
    for position, job in enumerate(jobs):
        try:
            values.append(await run_unit(job.unit, session.transaction()))
        except Exception:
            await session.rollback()
            return await _settle_before(session, jobs[:position])
    try:
        await session.commit()
    except Exception as error:
        await session.rollback()
        if _in_doubt(error):
            return _fail_all(jobs, error)
        for job in jobs:
            await _run_alone(session, job)
        return len(jobs)
    for job, value in zip(jobs, values, strict=True):
        job.succeed(value)
    return len(jobs)


async def _settle_before(session: Session, jobs: Sequence[Job]) -> int:
    """Settles the jobs that ran well before one raised: together if there are several, else alone."""
    if len(jobs) == 1:
        await _run_alone(session, jobs[0])
        return 1
    return await _run_together(session, jobs)


async def _run_alone(session: Session, job: Job) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            await session.begin()
        except Exception as error:
            job.fail(error)
            return
        try:
            value = await run_unit(job.unit, session.transaction())
            await session.commit()
        except Exception as error:
            await session.rollback()
            job.fail(error)
            if not reruns(error):
                return
            await session.pause(_FIRST_PAUSE * 2**attempt * (0.5 + random.random()))
        else:
            job.succeed(value)
            return


def _fail_all(jobs: Sequence[Job], error: Exception) -> int:
    for job in jobs:
        job.fail(error)
    return len(jobs)


def _in_doubt(error: Exception) -> bool:
    return getattr(error, "code", "") == "commit_unknown"


async def run_unit(unit: Unit[T], transaction: UnitTransaction) -> T:
    """Runs one unit and refuses every wait but for its own statements.

    A statement's failure dooms the unit even when the unit swallows it: PostgreSQL would silently turn COMMIT into ROLLBACK.
    Errors: RuntimeError on a foreign wait; what the unit or its statements raise.
    """
    try:
        value = await _only_statements(cast(Coroutine[Any, Any, T], unit(transaction)), transaction)
    except RuntimeError as error:
        if str(error) == "no running event loop":  # asyncio's own words for the same mistake in a thread without a loop
            raise RuntimeError(FOREIGN_WAIT) from error
        raise
    finally:
        failure = transaction.end()
    if failure is not None:
        raise failure
    return value


@types.coroutine
def _only_statements(unit: Coroutine[Any, Any, T], transaction: UnitTransaction) -> Generator[Any, Any, T]:
    resume, argument = unit.send, None
    while True:
        try:
            awaited = resume(argument)
        except StopIteration as end:
            return cast(T, end.value)
        if not transaction.waiting:
            unit.close()
            raise RuntimeError(FOREIGN_WAIT)
        try:
            resume, argument = unit.send, (yield awaited)
        except BaseException as error:
            resume, argument = cast(Any, unit.throw), cast(Any, error)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that never suspends to its end. Errors: RuntimeError when it does suspend."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    coroutine.close()
    raise RuntimeError(FOREIGN_WAIT)
