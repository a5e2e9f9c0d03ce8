"""Which rows fit into a call, when to pause, and whether a replace session can still end."""

import hashlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.domain.uploads import (
    MOST_BYTES,
    REPLACE_LASTS,
    ReplaceClock,
    count_fitting,
    decide_pause,
    decide_replace,
    member_key,
    row_bytes,
)

digests = st.sampled_from(["", *(hashlib.sha256(bytes([n])).hexdigest() for n in range(5))])


@given(st.lists(st.lists(digests, min_size=3, max_size=3), min_size=1, max_size=20))
def test_the_bytes_of_rows_are_those_of_their_json(rows):
    assert sum(map(row_bytes, rows)) == len(json.dumps(rows, separators=(",", ":"))) - 1  # two brackets, one comma too many


def test_fifteen_keys_and_ten_thousand_rows_do_not_fit_into_one_call():
    row = ("a" * 64,) * 15
    fits = count_fitting([row_bytes(row)] * 10_000)
    assert 4_900_000 < fits * row_bytes(row) <= MOST_BYTES
    assert fits < 5_000


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(0, 120))
def test_what_fits_stays_below_the_limit_and_one_more_would_not(sizes, taken):
    fits = count_fitting(sizes, taken=taken, most=100)
    assert fits <= len(sizes)
    if fits < len(sizes):
        assert taken + sum(sizes[: fits + 1]) > 100
    assert taken + sum(sizes[:fits]) <= 100 or fits == 0


def test_a_row_alone_always_fits():
    assert count_fitting([500], most=100) == 1
    assert count_fitting([500], taken=1, most=100) == 0


@given(digests, digests, digests, digests)
def test_a_key_stands_for_its_identifiers_and_their_places(email, phone, other_email, other_phone):
    same = (email, phone) == (other_email, other_phone)
    assert (member_key(email, phone) == member_key(other_email, other_phone)) is same
    assert len(member_key(email, phone)) == 16


@pytest.mark.parametrize(
    ("percent", "regain", "pause"),
    [
        (0, 0, (0.0, "")),
        (74.9, 0, (0.0, "")),
        (87.5, 0, (30.0, "slowing_down")),
        (100, 0, (60.0, "slowing_down")),
        (250, 0, (60.0, "slowing_down")),
        (20, 900, (900, "throttled")),
    ],
)
def test_calls_slow_down_before_the_limit_and_wait_behind_it(percent, regain, pause):
    assert decide_pause(percent, regain) == pause


@pytest.mark.parametrize(
    ("minutes", "sent", "left", "clock"),
    [
        (0, 0, 1000, ReplaceClock.RUNNING),
        (30, 1, 1, ReplaceClock.RUNNING),
        (45, 5, 5, ReplaceClock.RUNNING),
        (46, 5, 5, ReplaceClock.LATE),
        (89.9, 999, 1, ReplaceClock.RUNNING),
        (90, 999, 1, ReplaceClock.OVER),
        (1, 0, 1, ReplaceClock.RUNNING),
    ],
)
def test_whether_a_replace_session_can_end_in_time(minutes, sent, left, clock):
    assert decide_replace(timedelta(minutes=minutes), sent, left) is clock
    assert timedelta(minutes=90) == REPLACE_LASTS
