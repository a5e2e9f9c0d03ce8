"""docs/reference/messenger.md is what the tables say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from guestlist.channels.messenger.handbook import handbook
from guestlist.domain.routes import PRIVATE_REPLY, WINDOW

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "messenger.md"


def test_the_page_is_up_to_date():
    fresh = "\n".join(handbook()) + "\n"
    assert PAGE.read_text(encoding="utf-8") == fresh, (
        "python -m guestlist.channels.messenger.handbook > docs/reference/messenger.md"
    )


def test_the_spans_in_its_text_are_those_of_the_rules():
    text = PAGE.read_text(encoding="utf-8")
    assert (timedelta(hours=24), timedelta(days=7)) == (WINDOW, PRIVATE_REPLY)
    assert "open for 24 hours" in text
    assert "within 7 days" in text
