"""What the handbook shows was played for real, and still plays like that."""

from pathlib import Path

from support.captures import capture_fallback, mask

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "messaging.md"


async def test_the_message_that_goes_on_to_sms_plays_as_shown(stage):
    fresh = await capture_fallback(stage)
    assert mask(fresh) in mask(PAGE.read_text(encoding="utf-8")), (
        "PYTHONPATH=tests python -m support.captures prints a fresh one for docs/explanation/messaging.md"
    )
    assert "10/2018278" in fresh
