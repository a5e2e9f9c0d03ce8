"""The pump, in simulated time: the cap holds, latency costs nothing, no outcome is lost, what never left goes back."""

from __future__ import annotations

import asyncio
import random

import pytest
from support.hand_overs import Owned, Row, Rows, fullest_second
from support.virtual_time import now, until, virtual

from guestlist.engine.bucket import TokenBucket
from guestlist.engine.pump import pump
from guestlist.errors import DependencyError


def bucket_of(rate: float) -> TokenBucket:
    return TokenBucket(rate, clock=now)


@virtual
async def test_every_row_is_handed_over_once_and_recorded() -> None:
    rows = Rows(5_000, latency=0.01)
    await pump(rows, bucket_of(0), Owned())
    assert rows.counts() == {Row.SENT: 5_000}
    assert sorted(rows.called()) == list(range(5_000))


@virtual
async def test_an_empty_lane_ends_after_one_claim() -> None:
    rows = Rows(0)
    await pump(rows, bucket_of(285), Owned())
    assert rows.claimed == [0]


@virtual
async def test_twenty_thousand_calls_at_a_cap_of_300_and_100_ms_latency() -> None:
    # Given jittering latency, a database that takes its time, and the bar: within 15 % of the cap's own time, never over it
    rows = Rows(20_000)
    chance = random.Random(7)
    rows.latency = lambda: chance.uniform(0.1, 0.13)
    rows.recheck_takes = lambda: chance.uniform(0.0005, 0.004)
    rows.claim_takes = 0.03
    started = now()
    # When all is handed over
    await pump(rows, TokenBucket.under_cap(300, clock=now), Owned())
    # Then
    assert now() - started < 1.15 * 20_000 / 300
    assert fullest_second([at + chance.uniform(0.0, 0.02) for at, _ in rows.calls]) <= 300


@pytest.mark.parametrize("latency", [0.0, 0.1, 0.5])
@virtual
async def test_latency_does_not_lower_the_rate(latency: float) -> None:
    rows = Rows(2_850, latency=latency)
    started = now()
    await pump(rows, bucket_of(285), Owned())
    assert now() - started == pytest.approx(10 + latency, abs=0.4)


@virtual
async def test_a_process_that_stalls_again_and_again_stays_under_the_cap() -> None:
    rows = Rows(3_000, latency=0.1)
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(pump(rows, TokenBucket.under_cap(300, clock=now), Owned()))
    chance = random.Random(3)
    while not running.done():
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        loop.stall(chance.uniform(0.0, 0.9))  # type: ignore[attr-defined]
    assert fullest_second([at for at, _ in rows.calls]) <= 300


@virtual
async def test_little_is_in_doubt_at_any_moment() -> None:
    rows = Rows(3_000, latency=0.1)
    await pump(rows, bucket_of(285), Owned())
    assert max(rows.claimed) <= 285
    assert rows.most_in_doubt <= 285 + 60


@pytest.mark.parametrize("bound", [1, 7, 256])
@virtual
async def test_no_more_calls_are_in_flight_than_allowed(bound: int) -> None:
    rows = Rows(600, latency=0.05)
    await pump(rows, bucket_of(0), Owned(), in_flight=bound)
    assert rows.most_in_flight == bound
    assert rows.counts() == {Row.SENT: 600}


@virtual
async def test_a_row_refused_just_before_its_call_never_leaves() -> None:
    rows = Rows(1_000, latency=0.1)
    running = asyncio.create_task(pump(rows, bucket_of(100), Owned()))
    # Given a person opts out while their row is claimed and waits for its permit
    await asyncio.sleep(2)
    claimed = next(row for row, state in rows.states.items() if state is Row.SENDING and row not in rows.called())
    rows.refused.add(claimed + 30)
    await running
    assert claimed + 30 not in rows.called()
    assert rows.counts() == {Row.SENT: 999, Row.CLOSED: 1}


@virtual
async def test_a_pause_gives_claimed_rows_back_and_the_pump_goes_on_after_it() -> None:
    rows, bucket = Rows(600, latency=0.01), bucket_of(100)
    running = asyncio.create_task(pump(rows, bucket, Owned()))
    await asyncio.sleep(2)
    bucket.pause(300)
    await asyncio.sleep(5)
    assert rows.counts()[Row.SENDING] == 0
    before = len(rows.calls)
    await asyncio.sleep(290)
    assert len(rows.calls) == before
    await running
    assert rows.counts() == {Row.SENT: 600}


@virtual
async def test_outcomes_are_kept_and_written_when_the_database_comes_back() -> None:
    rows = Rows(400, latency=0.2)
    running = asyncio.create_task(pump(rows, bucket_of(200), Owned()))
    await asyncio.sleep(1)
    # When the database is away for a minute with calls on the wire
    rows.away = True
    await asyncio.sleep(60)
    on_the_wire = set(rows.called())
    assert not running.done()
    rows.away = False
    # Then the run ends with the database's error, every outcome written, every other row given back
    with pytest.raises(DependencyError):
        await running
    assert {row for row, state in rows.states.items() if state is Row.SENT} == on_the_wire
    assert rows.counts()[Row.SENDING] == 0


@virtual
async def test_after_the_lane_is_lost_nothing_is_claimed_or_called_but_outcomes_are_written() -> None:
    rows, mine = Rows(2_000, latency=0.3), Owned()
    running = asyncio.create_task(pump(rows, bucket_of(100), mine))
    await asyncio.sleep(2)
    mine.gone = True
    claims, calls = len(rows.claimed), len(rows.calls)
    await running
    assert (len(rows.claimed), len(rows.calls)) == (claims, calls)
    assert rows.counts() == {Row.SENT: calls, Row.QUEUED: 2_000 - calls}


@virtual
async def test_a_lane_lost_in_the_middle_of_a_recheck_starts_no_call() -> None:
    rows, mine = Rows(50), Owned()
    rows.recheck_takes = lambda: 5.0
    running = asyncio.create_task(pump(rows, bucket_of(0), mine))
    await asyncio.sleep(1)
    mine.gone = True
    await running
    assert rows.calls == []


@pytest.mark.parametrize("moment", [0.001, 0.02, 0.5, 1.003, 2.7])
@virtual
async def test_shutdown_finishes_what_is_on_the_wire_and_gives_back_the_rest(moment: float) -> None:
    rows = Rows(1_000, latency=0.4)
    rows.claim_takes, rows.recheck_takes = 0.015, lambda: 0.004
    running = asyncio.create_task(pump(rows, bucket_of(100), Owned()))
    await asyncio.sleep(moment)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rows.counts()[Row.SENDING] == 0
    assert rows.counts()[Row.SENT] == len(rows.calls)


@virtual
async def test_shutdown_does_not_wait_for_ever_for_a_provider_that_hangs() -> None:
    rows = Rows(10, latency=3600)
    running = asyncio.create_task(pump(rows, bucket_of(0), Owned(), grace_seconds=10))
    await asyncio.sleep(1)
    started = now()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert now() - started == pytest.approx(10)
    assert rows.counts() == {Row.SENDING: 10}  # in doubt, as it must be


class Broken(Rows):
    """Calls and writes that break their contract on one row."""

    async def call(self, row: int) -> int:
        if row == 13:
            raise KeyError("a bug")
        return await super().call(row)


@virtual
async def test_a_call_that_raises_leaves_only_its_own_row_in_doubt() -> None:
    rows = Broken(100, latency=0.1)
    with pytest.raises(KeyError):
        await pump(rows, bucket_of(50), Owned())
    assert rows.states[13] is Row.SENDING
    assert rows.counts()[Row.SENDING] == 1
    assert rows.counts()[Row.SENT] == len(rows.calls)


class Poisoned(Rows):
    """One outcome that no database takes."""

    async def record(self, outcomes: list[int]) -> None:  # type: ignore[override]
        if 13 in outcomes:
            raise ValueError("a bug")
        await super().record(outcomes)


@virtual
async def test_an_outcome_that_cannot_be_written_does_not_take_the_others_with_it() -> None:
    rows = Poisoned(100, latency=0.02)
    with pytest.raises(ValueError, match="a bug"):
        await pump(rows, bucket_of(0), Owned())
    assert rows.counts() == {Row.SENT: 99, Row.SENDING: 1}


@virtual
async def test_outcomes_are_written_in_bulk_and_soon() -> None:
    rows = Rows(1_000, latency=0.01)
    running = asyncio.create_task(pump(rows, bucket_of(500), Owned()))
    await until(lambda: rows.calls)
    await asyncio.sleep(1)
    assert rows.in_flight + 500 * 0.05 + 10 >= len(rows.calls) - rows.counts()[Row.SENT]
    await running
    assert 20 <= len(rows.recorded) <= 60


def out_of_the_stall(moment: float) -> float:
    """Seconds until a process that stalls for 80 ms at every odd second gets to what happens at `moment`."""
    into = (moment - 1.0) % 2.0
    return 0.08 - into if into < 0.08 else 0.0


class Stalling(Rows):
    """A provider whose process stalls: what reaches it meanwhile arrives, and is answered, all at once after it."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.arrivals: list[float] = []

    async def call(self, row: int) -> int:
        await asyncio.sleep(out_of_the_stall(now()))
        self.arrivals.append(now())
        await asyncio.sleep(0.1 + out_of_the_stall(now() + 0.1))
        return row


@virtual
async def test_a_provider_that_stalls_is_not_sent_a_pile_that_breaks_its_cap() -> None:
    rows = Stalling(6_000)
    started = now()
    await pump(rows, TokenBucket.under_cap(300, clock=now), Owned())
    assert fullest_second(rows.arrivals) <= 300
    assert now() - started < 1.15 * 6_000 / 300


class Bursting(Rows):
    """A provider that answers everything at the full half second."""

    async def call(self, row: int) -> int:
        self.calls.append((now(), row))
        await asyncio.sleep(0.5 - now() % 0.5)
        return row


@virtual
async def test_a_provider_that_answers_in_bursts_is_not_starved() -> None:
    rows = Bursting(2_850)
    started = now()
    await pump(rows, bucket_of(285), Owned())
    assert now() - started < 1.1 * 10 + 1


@virtual
async def test_a_slow_recheck_does_not_lower_the_rate() -> None:
    rows = Rows(2_850, latency=0.1)
    rows.recheck_takes = lambda: 0.018
    started = now()
    await pump(rows, bucket_of(285), Owned())
    assert now() - started < 10.6
