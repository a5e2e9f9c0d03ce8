"""Whether an audience's people can be reached: one sentence, the same at every door."""

import pytest

from guestlist.domain.audiences import describe_reachability


@pytest.mark.parametrize(
    ("state", "operation", "bounds", "code", "part"),
    [
        ("queued", None, (None, None), "waiting", "being created"),
        ("creating", None, (None, None), "waiting", "being created"),
        ("unknown", None, (None, None), "waiting", "being created"),
        ("ready", None, (None, None), "waiting", "has not told"),
        ("ready", 441, (None, None), "matching", "still matching"),
        ("ready", 441, (1000, 1100), "matching", "still matching"),
        ("ready", 200, (0, 99), "below_threshold", "under 100"),
        ("ready", 200, (99, 1000), "below_threshold", "99 to 1,000"),
        ("ready", 200, (100, 110), "visible", "100 to 110"),
        ("paused", None, (None, None), "waiting", "accept the terms"),
        ("failed", None, (None, None), "closed", "failed"),
        ("deleted", 200, (100, 110), "closed", "deleted"),
    ],
)
def test_every_standing_has_its_word_and_sentence(state, operation, bounds, code, part):
    lower, upper = bounds
    audience = {"state": state, "reason": "accept the terms", "operation_code": operation, "lower": lower, "upper": upper}

    found, sentence = describe_reachability(audience)

    assert found == code
    assert part in sentence
