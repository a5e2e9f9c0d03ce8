"""What an SMS can carry, and what a draft becomes."""

import pytest
from channel_drafts import PHONE, draft, way

from guestlist.channels.http import Http
from guestlist.channels.sms import SmsChannel
from guestlist.domain.messages import Channel, Media, QuickReply, SmsOptions

CHANNEL = SmsChannel(Http())


def problems(given) -> list[tuple[str, str]]:
    return [(each.field, each.code) for each in CHANNEL.check(given)]


def test_title_and_text_are_one_text() -> None:
    given = draft("Two cups for one.", title="Autumn")
    [body] = CHANNEL.build(given, way())
    assert body == {"to": PHONE, "sender": "", "text": "Autumn\nTwo cups for one.", "encoding": "gsm", "segments": 1}
    assert CHANNEL.measure(given) == {"encoding": "gsm", "units": 24, "segments": 1}


def test_without_unicode_what_gsm_lacks_is_replaced() -> None:
    given = draft("It’s ready – “now” 🎉", sms=SmsOptions(sender="Shop", allow_unicode=False))
    [body] = CHANNEL.build(given, way())
    assert (body["text"], body["encoding"], body["sender"]) == ('It\'s ready - "now" ?', "gsm", "Shop")


def test_ten_segments_are_the_most() -> None:
    assert problems(draft("a" * 1530)) == []
    assert problems(draft("a" * 1531)) == [("content.text", "too_long")]
    assert problems(draft("ж" * 670)) == []
    [problem] = CHANNEL.check(draft("ж" * 671))
    assert problem.sentence == (
        "The text takes 11 SMS segments; at most 10 are sent, which is 670 characters, as some of them are not in GSM 03.38."
    )
    assert problems(draft("“" + "a" * 700, sms=SmsOptions(allow_unicode=False))) == []


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_text_is_needed(text: str) -> None:
    assert problems(draft(text)) == [("content.text", "missing")]


def test_files_are_refused_by_name_unless_the_text_links_to_them() -> None:
    cup = Media("image", url="https://example.com/cup.png")
    assert problems(draft("Look!", parts=(cup,))) == [("content.parts.0", "not_supported")]
    assert problems(draft("Look: https://example.com/cup.png", parts=(cup,))) == []
    elsewhere = Media("image", url="https://example.com/cup.png", channels=(Channel.MESSENGER,))
    assert problems(draft("Look!", parts=(elsewhere,))) == []
    assert problems(draft("Look!", parts=(elsewhere, cup))) == [("content.parts.1", "not_supported")]


def test_what_only_messenger_shows_is_left_out() -> None:
    assert problems(draft("Yes or no?", quick_replies=(QuickReply(title="Yes"),))) == []


@pytest.mark.parametrize(
    ("sender", "fine"),
    [("Shop", True), ("+447700900999", True), ("60123", True), ("My very long shop", False), ("a\r\nb", False), ("12", False)],
)
def test_senders_are_numbers_or_short_names(sender: str, fine: bool) -> None:
    assert problems(draft(sms=SmsOptions(sender=sender))) == ([] if fine else [("options.sms.sender", "bad_sender")])


def test_a_raw_body_is_passed_on_and_not_counted() -> None:
    given = draft("", raw={"sms": {"ContentSid": "HX1"}})
    assert (problems(given), CHANNEL.measure(given)) == ([], {})
    assert list(CHANNEL.build(given, way())) == [{"to": PHONE, "sender": "", "raw": {"ContentSid": "HX1"}}]
