"""The crowd: pure functions of seed and digest."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from guestlist.emulator.crowd import Crowd


def digests(count: int) -> list[bytes]:
    return [hashlib.sha256(f"{number}".encode()).digest() for number in range(count)]


def test_about_the_set_share_of_digests_has_a_person_behind() -> None:
    for rate in (0.0, 0.2, 0.55, 1.0):
        crowd = Crowd(seed=1, match_rate=rate)
        for digest in digests(5000):
            crowd.meet([digest])
        assert abs(crowd.existing - 5000 * rate) < 150


def test_another_seed_is_another_crowd() -> None:
    def existing(seed: int) -> list[bool]:
        crowd = Crowd(seed=seed, match_rate=0.5)
        return [person.exists for digest in digests(200) if (person := crowd.meet([digest]))]

    assert existing(1) == existing(1) != existing(2)


def test_traits_do_not_depend_on_when_or_with_whom_a_person_is_met() -> None:
    early, late = Crowd(seed=1, match_rate=0.5), Crowd(seed=1, match_rate=0.5)
    for digest in digests(50):
        early.meet([digest])
    for digest in reversed(digests(50)):
        late.meet([digest])
    for digest in digests(50):
        one, other = early.find(digest), late.find(digest)
        assert one is not None
        assert other is not None
        assert early.traits(one) == late.traits(other)


@given(st.lists(st.lists(st.sampled_from(digests(12)), min_size=1, max_size=3), max_size=20))
def test_rows_that_share_a_digest_are_one_person(rows: list[list[bytes]]) -> None:
    crowd = Crowd(seed=1, match_rate=0.5)
    for row in rows:
        crowd.meet(row)
    for row in rows:
        assert len({id(crowd.find(digest)) for digest in row}) == 1
    people = {id(crowd.find(digest)) for row in rows for digest in row}
    assert crowd.met == len(people)


def test_a_row_without_digests_is_nobody() -> None:
    assert Crowd(seed=1, match_rate=1.0).meet([]) is None
