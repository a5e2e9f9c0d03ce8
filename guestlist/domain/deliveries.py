"""What a delivery is from its parts, and a message from its deliveries: pure sums, so that no order of receipts matters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .messages import Fallback
from .states import DELIVERY_ORDER, Delivery

CLOSED = frozenset({Delivery.EXPIRED, Delivery.FAILED})
TAKEN = frozenset({Delivery.SENT, Delivery.DELIVERED, Delivery.READ})
"""States in which the provider has taken it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One delivery as far as its message is concerned. Instants: milliseconds since 1970, UTC."""

    rule: int
    state: Delivery
    was_sent: bool  # the provider took it once, whatever came later
    awaiting: bool
    final: bool  # failed midway: what went out must not be said again over another channel
    opened_at: int


def delivery_state(parts: Sequence[Delivery]) -> Delivery:
    """The state of a delivery. It is delivered when all its parts are; without any part it was refused before the first call."""
    if not parts or Delivery.FAILED in parts:
        return Delivery.FAILED
    if Delivery.UNKNOWN in parts:
        return Delivery.UNKNOWN
    if Delivery.EXPIRED in parts:
        return Delivery.EXPIRED
    if all(part is Delivery.QUEUED for part in parts):
        return Delivery.QUEUED
    if all(part in TAKEN for part in parts):
        return lowest(parts)
    return Delivery.SENDING


def message_state(tried: Collection[Tried], *, more: bool) -> Delivery:
    """The state of a message: the highest of its deliveries that is not closed. `more` = another rule may still be tried."""
    open_ones = [each.state for each in tried if each.state not in CLOSED]
    if open_ones or more:
        floor = Delivery.SENT if any(each.was_sent for each in tried) else Delivery.QUEUED
        return highest([floor, *open_ones])
    return highest([each.state for each in tried]) if tried else Delivery.FAILED


def counting(tried: Sequence[Tried]) -> Tried | None:
    """The delivery that counts: the highest that is not closed, the later of equals; else the last one."""
    if not tried:
        return None
    alive = [each for each in tried if each.state not in CLOSED]
    return max(alive or tried, key=lambda each: (DELIVERY_ORDER[each.state] if alive else 0, each.rule))


def has_more(tried: Sequence[Tried], rules: int, fallback: Fallback | None) -> bool:
    """Whether another rule may still be tried: by the timer of the fallback. (A refusal goes on at once.)"""
    return fallback_due(tried, rules, fallback) is not None


def fallback_due(tried: Sequence[Tried], rules: int, fallback: Fallback | None) -> int | None:
    """When the next rule is to be tried for want of a receipt; None where that will not happen."""
    if fallback is None or not tried or any(each.final for each in tried):
        return None
    last = max(tried, key=lambda each: each.rule)
    wanted = DELIVERY_ORDER[Delivery(fallback.unless)]
    if last.rule >= rules or any(DELIVERY_ORDER[each.state] >= wanted for each in tried):
        return None
    return last.opened_at + fallback.within_seconds * 1000


def may_expire(tried: Sequence[Tried]) -> bool:
    """Whether the end of its time would still change the message: it is not under way to the person."""
    return not any((each.state in TAKEN and not each.awaiting) or each.state is Delivery.UNKNOWN for each in tried)


def highest(states: Collection[Delivery]) -> Delivery:
    """The highest of some states."""
    return max(states, key=DELIVERY_ORDER.__getitem__)


def lowest(states: Collection[Delivery]) -> Delivery:
    """The lowest of some states."""
    return min(states, key=DELIVERY_ORDER.__getitem__)
