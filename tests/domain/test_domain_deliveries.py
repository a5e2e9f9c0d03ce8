"""What a delivery is from its parts, and a message from its deliveries."""

import pytest

from guestlist.domain.deliveries import Tried, counting, delivery_state, fallback_due, message_state
from guestlist.domain.messages import Fallback
from guestlist.domain.states import Delivery

QUEUED, SENDING, UNKNOWN, SENT = Delivery.QUEUED, Delivery.SENDING, Delivery.UNKNOWN, Delivery.SENT
EXPIRED, FAILED, DELIVERED, READ = Delivery.EXPIRED, Delivery.FAILED, Delivery.DELIVERED, Delivery.READ


def tried(rule, state, *, was_sent=False, final=False, opened_at=0):
    return Tried(rule, state, was_sent or state in (SENT, DELIVERED, READ), False, final, opened_at)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ([], FAILED),
        ([QUEUED, QUEUED], QUEUED),
        ([SENDING, QUEUED], SENDING),
        ([SENT, QUEUED], SENDING),
        ([SENT, SENT], SENT),
        ([READ, DELIVERED], DELIVERED),
        ([READ, SENT], SENT),
        ([READ, READ], READ),
        ([SENT, FAILED], FAILED),
        ([UNKNOWN, QUEUED], UNKNOWN),
        ([SENT, UNKNOWN], UNKNOWN),
        ([EXPIRED, EXPIRED], EXPIRED),
    ],
)
def test_a_delivery_is_what_its_parts_are(parts, state):
    assert delivery_state(parts) is state


@pytest.mark.parametrize(
    ("deliveries", "more", "state"),
    [
        ([tried(1, FAILED), tried(2, QUEUED)], False, QUEUED),
        ([tried(1, FAILED), tried(2, SENT)], False, SENT),
        ([tried(1, FAILED), tried(2, FAILED)], False, FAILED),
        ([tried(1, UNKNOWN), tried(2, FAILED)], False, UNKNOWN),
        ([tried(1, SENT), tried(2, QUEUED)], False, SENT),
        ([tried(1, DELIVERED), tried(2, FAILED)], False, DELIVERED),
        ([tried(1, FAILED, was_sent=True)], True, SENT),
        ([tried(1, FAILED, was_sent=True)], False, FAILED),
        ([tried(1, EXPIRED), tried(2, FAILED)], False, FAILED),
        ([], False, FAILED),
    ],
)
def test_a_message_is_its_highest_open_delivery_and_failed_only_when_no_rule_is_left(deliveries, more, state):
    assert message_state(deliveries, more=more) is state


def test_the_delivery_that_counts_is_the_highest_open_one_else_the_last():
    assert counting([tried(1, SENT), tried(2, QUEUED)]).rule == 1
    assert counting([tried(1, FAILED), tried(2, QUEUED)]).rule == 2
    assert counting([tried(1, FAILED), tried(2, EXPIRED)]).rule == 2
    assert counting([]) is None


WITHIN = Fallback("delivered", 600)


@pytest.mark.parametrize(
    ("deliveries", "fallback", "due"),
    [
        ([tried(1, SENT, opened_at=1000)], WITHIN, 601_000),
        ([tried(1, UNKNOWN, opened_at=1000)], WITHIN, 601_000),
        ([tried(1, SENT)], None, None),
        ([tried(1, DELIVERED)], WITHIN, None),
        ([tried(1, DELIVERED, opened_at=1000)], Fallback("read", 600), 601_000),
        ([tried(1, SENT), tried(2, SENT)], WITHIN, None),
        ([tried(1, FAILED, final=True)], WITHIN, None),
        ([], WITHIN, None),
    ],
)
def test_the_next_rule_falls_due_for_want_of_a_receipt(deliveries, fallback, due):
    assert fallback_due(deliveries, 2, fallback) == due
