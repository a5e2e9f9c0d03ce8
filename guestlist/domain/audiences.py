"""Whether an audience's people can be reached, in one sentence that every door shows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from guestlist.domain.policy import VISIBLE_MATCHES, is_hidden
from guestlist.domain.states import Audience

AT_WORK = frozenset({0, 410, 414, 441, 442})
"""Meta's operation codes of an audience whose last upload it has not worked through yet (fact page 1.5)."""

BROKEN = frozenset({415, 471, 500})
"""Codes of an audience that a person must look at: replace failed, flagged for integrity, error."""


class Reach(StrEnum):
    """Whether Meta lets the people of an audience be messaged yet."""

    WAITING = "waiting"
    MATCHING = "matching"
    BELOW_THRESHOLD = "below_threshold"
    VISIBLE = "visible"
    CLOSED = "closed"


def describe_reachability(audience: Mapping[str, Any]) -> tuple[Reach, str]:
    """Why an audience's people can or cannot be messaged yet."""
    state, lower, upper = Audience(audience["state"]), audience["lower"], audience["upper"]
    if state in (Audience.DELETED, Audience.FAILED):
        return Reach.CLOSED, f"The audience is {state.value}."
    if state is Audience.PAUSED:
        return Reach.WAITING, f"A person must act first: {audience['reason']}"
    if state is not Audience.READY:
        return Reach.WAITING, "The audience is being created at Meta."
    if audience["operation_code"] in BROKEN:
        return Reach.WAITING, f"A person must act first: Meta says {audience['operation_text'] or audience['operation_code']}."
    if audience["operation_code"] in AT_WORK:
        return Reach.MATCHING, "Meta is still matching the people of the last upload."
    if lower is None or upper is None:
        return Reach.WAITING, "Meta has not told yet how many people it matched."
    if is_hidden(lower, upper):
        sentence = f"Meta matched {lower:,} to {upper:,} people; under {VISIBLE_MATCHES} matched, Meta shows nothing."
        return Reach.BELOW_THRESHOLD, sentence
    return Reach.VISIBLE, f"Meta matched {lower:,} to {upper:,} people and shows their tokens."
