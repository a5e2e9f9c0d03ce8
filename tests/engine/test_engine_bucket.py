"""The rate of a lane: never above, quickly back, empty at the start."""

from __future__ import annotations

import random

import pytest
from support.hand_overs import fullest_second

from guestlist.engine.backoff import decide_back_off
from guestlist.engine.bucket import TokenBucket


class Clock:
    """A clock that only its owner's sleep moves."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def bucket_of(rate: float, clock: Clock) -> TokenBucket:
    return TokenBucket(rate, clock=clock, sleep=clock.sleep)


async def test_after_a_takeover_nothing_is_saved_up(clock: Clock) -> None:
    bucket = bucket_of(10, clock)
    assert bucket.try_take(1) == pytest.approx(0.1)
    await bucket.take(1)
    assert clock.now == pytest.approx(50.1)


async def test_a_long_idle_bucket_saves_up_no_more_than_its_small_capacity(clock: Clock) -> None:
    bucket = bucket_of(300, clock)
    clock.now += 3600
    assert bucket.try_take(6) == 0.0
    assert bucket.try_take(1) > 0


@pytest.mark.parametrize("cap", [1, 2, 5, 10, 30, 80, 300, 1000])
async def test_no_second_holds_more_than_the_cap_whatever_the_stalls(cap: int, clock: Clock) -> None:
    bucket = TokenBucket(0.95 * cap, clock=clock, sleep=clock.sleep)
    chance = random.Random(cap)
    sent: list[float] = []
    while len(sent) < 5 * cap:
        n = chance.randint(1, max(1, cap // 100))
        await bucket.take(n)
        sent += [clock.now] * n
        if chance.random() < 0.05:
            clock.now += chance.random()
    assert fullest_second(sent) <= cap


async def test_the_full_rate_is_reached_in_a_steady_flow(clock: Clock) -> None:
    bucket = bucket_of(285, clock)
    for _ in range(2850):
        await bucket.take(1)
    assert clock.now - 50 == pytest.approx(10, rel=0.001)


async def test_more_permits_than_the_capacity_are_waited_for(clock: Clock) -> None:
    bucket = bucket_of(10, clock)
    await bucket.take(30)
    assert clock.now == pytest.approx(53.0)


async def test_a_throttle_halves_the_rate_and_it_recovers_a_twentieth_a_second(clock: Clock) -> None:
    bucket = bucket_of(200, clock)
    bucket.slow_down()
    assert bucket.rate == 100
    clock.now += 3
    assert bucket.rate == pytest.approx(130)
    clock.now += 60
    assert bucket.rate == 200


async def test_the_calls_in_flight_reporting_the_same_throttle_halve_once(clock: Clock) -> None:
    bucket = bucket_of(200, clock)
    for _ in range(28):
        bucket.slow_down()
        clock.now += 0.001
    assert bucket.rate == pytest.approx(100, rel=0.01)
    clock.now += 1
    bucket.slow_down()
    assert bucket.rate == pytest.approx(55, rel=0.03)


async def test_endless_throttling_never_stops_the_lane_for_good(clock: Clock) -> None:
    bucket = bucket_of(200, clock)
    for _ in range(50):
        bucket.slow_down()
        clock.now += 1
    assert 10 <= bucket.rate <= 40


@pytest.mark.parametrize("rate", [0, 100])
async def test_in_a_pause_nothing_goes_and_nothing_is_saved_up(rate: float, clock: Clock) -> None:
    bucket = bucket_of(rate, clock)
    clock.now += 5
    bucket.pause(60)
    bucket.pause(1)
    assert bucket.try_take(0) == pytest.approx(60)
    await bucket.take(1)
    assert clock.now == pytest.approx(55 + 60 + (1 / rate if rate else 0))


async def test_without_a_cap_permits_are_free_and_a_throttle_is_a_short_pause(clock: Clock) -> None:
    bucket = bucket_of(0, clock)
    assert bucket.try_take(100_000) == 0.0
    bucket.slow_down()
    assert bucket.try_take(1) == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [-1.0, float("nan")])
def test_a_rate_below_zero_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="a rate is"):
        TokenBucket(rate)


def test_a_cap_is_aimed_at_from_below() -> None:
    assert TokenBucket.under_cap(300).rate == pytest.approx(285)
    assert TokenBucket.under_cap(0).rate == 0


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.25, 0.5), (2, 0.5, 1.0), (5, 4.0, 8.0), (7, 15, 30), (10_000, 15, 30)]
)
def test_back_off_doubles_up_to_half_a_minute(failures: int, least: float, most: float) -> None:
    assert decide_back_off(failures, 0.0) == least
    assert decide_back_off(failures, 1.0) == most
