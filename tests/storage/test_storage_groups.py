"""Group commit: many units, few transactions, and nobody pays for another's failure."""

from __future__ import annotations

import asyncio

import pytest
from rows_of_workspaces import add, count, ids_in

from guestlist.errors import DependencyError, RefusedError
from guestlist.storage import writer
from guestlist.storage.base import Database, Transaction, Unit
from guestlist.storage.writer import Job, UnitTransaction, drive, run_jobs


async def refuse(transaction: Transaction) -> None:
    await add("never")(transaction)
    raise RefusedError("not this one")


@pytest.mark.parametrize("bad", [{0}, {57}, {99}, {0, 1, 50, 98, 99}, set(range(100)), set(range(0, 100, 2))])
async def test_failing_units_fail_alone(database: Database, bad: set[int]) -> None:
    units: list[Unit[None]] = [refuse if n in bad else add(f"{n:03}") for n in range(100)]
    outcomes = await asyncio.gather(*(database.write(unit) for unit in units), return_exceptions=True)
    assert {n for n, outcome in enumerate(outcomes) if isinstance(outcome, RefusedError)} == bad
    assert set(await ids_in(database)) == {f"{n:03}" for n in range(100) if n not in bad}


async def test_every_caller_gets_its_own_answer(database: Database) -> None:
    async def answer(number: int) -> int:
        async def unit(transaction: Transaction) -> int:
            await add(str(number))(transaction)
            return number

        return await database.write(unit)

    assert await asyncio.gather(*(answer(n) for n in range(200))) == list(range(200))


async def test_two_claims_of_one_key_give_one_winner(database: Database) -> None:
    outcomes = await asyncio.gather(*(database.write(add("one")) for _ in range(50)), return_exceptions=True)
    assert len([outcome for outcome in outcomes if outcome is None]) == 1
    assert await database.read(count) == 1


class Recorder:
    """A session on nothing: it keeps what was committed, and fails where told."""

    def __init__(self, *, commit_fails: Exception | None = None, begin_fails: Exception | None = None) -> None:
        self.durable: list[str] = []
        self.open: list[str] = []
        self.commits = 0
        self.pauses: list[float] = []
        self.commit_fails, self.begin_fails = commit_fails, begin_fails

    async def begin(self) -> None:
        if self.begin_fails:
            raise self.begin_fails
        self.open = []

    def transaction(self) -> UnitTransaction:
        return RecordedTransaction()  # type: ignore[return-value]

    async def commit(self) -> None:
        if self.commit_fails:
            raise self.commit_fails
        self.durable += self.open
        self.commits += 1

    async def rollback(self) -> None:
        self.open = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


class RecordedTransaction:
    """What a unit of the recorder sees: nothing."""

    waiting = False

    def end(self) -> Exception | None:
        return None


def jobs_of(*units: Unit[None]) -> list[Job]:
    """The units as jobs nobody waits for."""
    loop = asyncio.get_running_loop()
    return [Job(unit, loop.create_future(), loop) for unit in units]


def note(session: Recorder, name: str, *, failures: list[Exception] | None = None) -> Unit[None]:
    """A unit that leaves its name in the session, after raising each of the failures once."""

    async def unit(transaction: Transaction) -> None:
        session.open.append(name)
        if failures:
            raise failures.pop(0)

    return unit


async def test_units_that_do_not_fail_share_one_commit() -> None:
    session = Recorder()
    drive(run_jobs(session, jobs_of(*(note(session, str(n)) for n in range(50)))))
    assert (session.commits, session.durable) == (1, [str(n) for n in range(50)])


async def test_one_failure_costs_one_commit_more_and_keeps_the_order() -> None:
    session = Recorder()
    bad = note(session, "bad", failures=[RefusedError("1"), RefusedError("2")])
    drive(run_jobs(session, jobs_of(note(session, "a"), note(session, "b"), bad, note(session, "c"), note(session, "d"))))
    assert (session.commits, session.durable) == (2, ["a", "b", "c", "d"])


async def test_a_passing_failure_is_run_again_with_growing_pauses() -> None:
    session = Recorder()
    unlucky = note(session, "unlucky", failures=[DependencyError(code="deadlock") for _ in range(4)])
    jobs = jobs_of(note(session, "a"), unlucky)
    drive(run_jobs(session, jobs))
    assert session.durable == ["a", "unlucky"]
    assert [job.error for job in jobs] == [None, None]
    shares = [pause / (writer._FIRST_PAUSE * 2**number) for number, pause in enumerate(session.pauses)]
    assert len(shares) >= 3
    assert all(0.5 <= share < 1.5 for share in shares)  # doubling, each with its jitter


async def test_a_failure_that_does_not_pass_is_told_after_a_bounded_number_of_attempts() -> None:
    session = Recorder()
    failures: list[Exception] = [DependencyError(code="deadlock") for _ in range(1000)]
    [job] = jobs = jobs_of(note(session, "never", failures=failures))
    drive(run_jobs(session, jobs))
    assert isinstance(job.error, DependencyError)
    assert len(failures) > 980


async def test_a_lost_commit_is_in_doubt_for_the_whole_group_and_never_repeated() -> None:
    session = Recorder(commit_fails=DependencyError(code="commit_unknown"))
    jobs = jobs_of(*(note(session, str(n)) for n in range(3)))
    drive(run_jobs(session, jobs))
    assert [getattr(job.error, "code", "") for job in jobs] == ["commit_unknown"] * 3
    assert session.pauses == []


@pytest.mark.parametrize("where", ["begin_fails", "commit_fails"])
async def test_a_database_that_takes_nothing_fails_every_unit(where: str) -> None:
    session = Recorder(**{where: DependencyError(code="disk_full")})
    jobs = jobs_of(*(note(session, str(n)) for n in range(3)))
    drive(run_jobs(session, jobs))
    assert [getattr(job.error, "code", "") for job in jobs] == ["disk_full"] * 3


async def test_a_job_nobody_settled_is_never_delivered_as_written() -> None:
    [job] = jobs_of(note(Recorder(), "a"))
    job.deliver()
    with pytest.raises(DependencyError):
        await job.future
