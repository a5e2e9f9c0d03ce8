"""States only rise, and ids grow."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from guestlist.clocks import TimedIds
from guestlist.domain.states import Delivery, rises


def test_the_order_is_the_blueprints():
    order = ["queued", "sending", "unknown", "sent", "expired", "failed", "delivered", "read"]
    assert [state.value for state in Delivery] == order


@pytest.mark.parametrize("receipts", list(permutations([Delivery.SENT, Delivery.DELIVERED, Delivery.READ])))
def test_receipts_in_any_order_end_in_the_same_state(receipts):
    state = Delivery.SENDING
    for receipt in receipts:
        state = receipt if rises(state, receipt) else state
    assert state is Delivery.READ


class StoppedClock:
    def now(self):
        return datetime(2026, 11, 20, tzinfo=UTC)


def test_ids_rise_even_when_the_clock_stands_still():
    ids = TimedIds(StoppedClock())
    made = [ids.new("cmp") for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(each.startswith("cmp_") and len(each) == 30 for each in made)


def test_session_ids_are_positive_and_63_bits_at_most():
    ids = TimedIds(StoppedClock())
    assert all(0 < ids.integer63() < 2**63 for _ in range(100))
