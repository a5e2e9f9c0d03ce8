"""How long to wait after the n-th failure in a row. Pure: chance is passed in."""

from __future__ import annotations


def decide_back_off(failures: int, chance: float, *, first: float = 0.5, longest: float = 30.0) -> float:
    """Seconds to wait: doubling from `first` up to `longest`, the upper half of it left to `chance` (0.0 to 1.0).

    The jitter keeps workers that failed together from coming back together; the fixed half keeps a lane from hammering.
    """
    doublings = min(max(failures, 1) - 1, 30)
    ceiling = min(longest, first * 2.0**doublings)
    return ceiling * (0.5 + 0.5 * chance)
