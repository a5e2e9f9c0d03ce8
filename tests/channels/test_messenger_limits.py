"""What Meta would not take is refused before the call, with the field and the limit: fact page 7.2, 7.3."""

from __future__ import annotations

import pytest
from meta_transport import ScriptedTransport, clients, draft, problems

from guestlist.channels.messenger import MessengerChannel
from guestlist.domain.messages import Button, Content, Media, QuickReply

OK = Content(text="x")
WEB = {"type": "web_url", "title": "See", "url": "https://a.com/"}
INWARD = "http://10.0.0.8/cat.png"


def text(length):
    return Content(text="x" * length)


def replies(count, **more):
    return Content(text="x", quick_replies=tuple(QuickReply(**{"title": "t", **more}) for _ in range(count)))


def buttons(*given, words="x"):
    return Content(text=words, buttons=given)


def parts(*given):
    return Content(text="x", parts=given)


def template(kind, **payload):
    return Content(template={"template_type": kind, **payload})


def cards(count=1, **card):
    return template("generic", elements=[{"title": "t", **card}] * count)


RECEIPT = {
    **{"recipient_name": "Ana", "order_number": "A-7", "currency": "EUR", "payment_method": "card"},
    "summary": {"total_cost": 9.5},
}
SURVEY = {"title": "How was it?", "feedback_screens": [{"questions": [{"id": "q1", "type": "csat"}]}]}

CASES = [
    ("the longest text", text(1999), []),
    ("a text too long", text(2000), [("content.text", "too_long")]),
    ("2,001 characters", text(2001), [("content.text", "too_long")]),
    ("with its title too long", Content(title="t", text="x" * 1998), [("content.text", "too_long")]),
    ("nothing at all", Content(), [("content.text", "missing")]),
    ("quick replies alone", Content(quick_replies=(QuickReply(title="t"),)), [("content.text", "missing")]),
    # quick replies
    ("13 quick replies", replies(13), []),
    ("14 quick replies", replies(14), [("content.quick_replies.13", "too_many")]),
    ("a title of 20", replies(1, title="x" * 20), []),
    ("a title of 21", replies(1, title="x" * 21), [("content.quick_replies.0.title", "too_long")]),
    ("no title", replies(1, title=""), [("content.quick_replies.0.title", "missing")]),
    ("no title needed", replies(1, type="user_email", title=""), []),
    ("a payload of 1,000", replies(1, payload="x" * 1000), []),
    ("a payload of 1,001", replies(1, payload="x" * 1001), [("content.quick_replies.0.payload", "too_long")]),
    ("a picture inward", replies(1, image_url=INWARD), [("content.quick_replies.0.image_url", "private_host")]),
    # buttons
    ("3 buttons", buttons(*[Button("postback", "t", payload="p")] * 3), []),
    ("4 buttons", buttons(*[Button("postback", "t", payload="p")] * 4), [("content.buttons.3", "too_many")]),
    ("640 characters above buttons", buttons(Button("postback", "t", payload="p"), words="x" * 640), []),
    ("641", buttons(Button("postback", "t", payload="p"), words="x" * 641), [("content.text", "too_long")]),
    ("http in a button", buttons(Button("web_url", "t", url="http://a.com")), [("content.buttons.0.url", "not_https")]),
    ("no URL", buttons(Button("web_url", "t")), [("content.buttons.0.url", "missing")]),
    ("a button inward", buttons(Button("web_url", "t", url="https://localhost/")), [("content.buttons.0.url", "private_host")]),
    ("a title of 21", buttons(Button("postback", "x" * 21, payload="p")), [("content.buttons.0.title", "too_long")]),
    ("no payload", buttons(Button("postback", "t")), [("content.buttons.0.payload", "missing")]),
    ("a number to call", buttons(Button("phone_number", "t", payload="+15555550100")), []),
    ("no number", buttons(Button("phone_number", "t", payload="0555")), [("content.buttons.0.payload", "bad_value")]),
    # files
    ("http media", parts(Media("image", url="http://a.com/1.png")), []),
    ("media inward", parts(Media("image", url=INWARD)), [("content.parts.0.url", "private_host")]),
    ("media as data", parts(Media("image", data="aGk=")), [("content.parts.0.data", "not_supported")]),
    ("no source", parts(Media("image")), [("content.parts.0.url", "missing")]),
    ("no URL at all", parts(Media("image", url="cat.png")), [("content.parts.0.url", "bad_url")]),
    # templates
    ("no such template", template("carousel"), [("content.template.template_type", "not_supported")]),
    ("10 cards", cards(10), []),
    ("11 cards", cards(11), [("content.template.elements.10", "too_many")]),
    ("no cards", cards(0), [("content.template.elements", "missing")]),
    ("a card without title", template("generic", elements=[{}]), [("content.template.elements.0.title", "missing")]),
    ("a card's title", cards(title="x" * 81), [("content.template.elements.0.title", "too_long")]),
    ("a card's subtitle", cards(subtitle="x" * 81), [("content.template.elements.0.subtitle", "too_long")]),
    ("a card's picture", cards(image_url=INWARD), [("content.template.elements.0.image_url", "private_host")]),
    ("4 buttons on a card", cards(buttons=[WEB] * 4), [("content.template.elements.0.buttons.3", "too_many")]),
    (
        "an unknown button",
        cards(buttons=[{"type": "payment", "title": "t"}]),
        [("content.template.elements.0.buttons.0.type", "not_supported")],
    ),
    (
        "an action by http",
        cards(default_action={"type": "web_url", "url": "http://a.com"}),
        [("content.template.elements.0.default_action.url", "not_https")],
    ),
    (
        "a shape nobody knows",
        template("generic", elements=[{"title": "t"}], image_aspect_ratio="round"),
        [("content.template.image_aspect_ratio", "bad_value")],
    ),
    ("cards that are no objects", template("generic", elements=["t"]), [("content.template.elements.0", "bad_value")]),
    ("a button template", template("button", text="x" * 640, buttons=[WEB]), []),
    ("its text", template("button", text="x" * 641, buttons=[WEB]), [("content.template.text", "too_long")]),
    ("no buttons", template("button", text="x"), [("content.template.buttons", "missing")]),
    ("account linking", template("button", text="x", buttons=[{"type": "account_link", "url": "https://a.com/in"}]), []),
    ("account unlinking", template("button", text="x", buttons=[{"type": "account_unlink"}, {"type": "game_play"}]), []),
    ("a media template", template("media", elements=[{"media_type": "image", "attachment_id": "9"}]), []),
    (
        "two media",
        template("media", elements=[{"media_type": "video", "url": "https://a.com/v"}] * 2),
        [("content.template.elements.1", "too_many")],
    ),
    (
        "two sources",
        template("media", elements=[{"media_type": "image", "url": "https://a.com/v", "attachment_id": "9"}]),
        [("content.template.elements.0", "missing")],
    ),
    (
        "audio in a media template",
        template("media", elements=[{"media_type": "audio", "attachment_id": "9"}]),
        [("content.template.elements.0.media_type", "bad_value")],
    ),
    ("a receipt", template("receipt", **RECEIPT, elements=[{"title": "Cup", "image_url": "http://a.com/c.png"}]), []),
    (
        "a receipt without its total",
        template("receipt", **{**RECEIPT, "summary": {}}),
        [("content.template.summary.total_cost", "missing")],
    ),
    ("no currency", template("receipt", **{**RECEIPT, "currency": ""}), [("content.template.currency", "missing")]),
    (
        "101 items",
        template("receipt", **RECEIPT, elements=[{"title": "Cup"}] * 101),
        [("content.template.elements.100", "too_many")],
    ),
    ("a coupon", template("coupon", title="t", coupon_code="TEN"), []),
    ("a coupon by link", template("coupon", title="t", coupon_url="https://a.com/ten"), []),
    ("a coupon of nothing", template("coupon", title="t"), [("content.template.coupon_code", "missing")]),
    ("a code in two words", template("coupon", coupon_code="TEN OFF"), [("content.template.coupon_code", "bad_value")]),
    ("a coupon's title", template("coupon", title="x" * 81, coupon_code="T"), [("content.template.title", "too_long")]),
    ("a survey", template("customer_feedback", **SURVEY, expires_in_days=7), []),
    ("8 days", template("customer_feedback", **SURVEY, expires_in_days=8), [("content.template.expires_in_days", "bad_value")]),
    (
        "a survey's title",
        template("customer_feedback", **{**SURVEY, "title": "x" * 66}),
        [("content.template.title", "too_long")],
    ),
    (
        "a survey's button",
        template("customer_feedback", **SURVEY, button_title="x" * 21),
        [("content.template.button_title", "too_long")],
    ),
    (
        "a question of no kind",
        template("customer_feedback", title="t", feedback_screens=[{"questions": [{"id": "q", "type": "x"}]}]),
        [("content.template.feedback_screens.0.questions.0.type", "bad_value")],
    ),
    ("10 products", template("product", elements=[{"id": "1"}] * 10), []),
    ("11 products", template("product", elements=[{"id": "1"}] * 11), [("content.template.elements.10", "too_many")]),
    ("6 images", template("image_grid", title="x" * 45, images=[{"url": "https://a.com/1"}] * 6), []),
    ("one image", template("image_grid", images=[{"url": "https://a.com/1"}]), [("content.template.images", "bad_value")]),
    (
        "7 images",
        template("image_grid", elements=[{"image_url": "https://a.com/1"}] * 7),
        [("content.template.elements.6", "too_many")],
    ),
    ("a grid's title", template("image_grid", title="x" * 46, images=[{}, {}]), [("content.template.title", "too_long")]),
    ("an opt-in request", template("notification_messages", title="x" * 65, payload="p"), []),
    ("its payload", template("notification_messages", title="x"), [("content.template.payload", "missing")]),
    # raw
    ("a raw body is Meta's to judge", Content(raw={"messenger": {"text": "x" * 5000, "quick_replies": [{}] * 99}}), []),
    (
        "another recipient",
        Content(raw={"messenger": {"message": {}, "recipient": {"id": "9"}}}),
        [("content.raw.messenger.recipient", "not_supported")],
    ),
    ("an empty raw body", Content(raw={"messenger": {}}), [("content.raw.messenger", "bad_raw")]),
    ("a raw text", Content(raw={"messenger": "hello"}), [("content.raw.messenger", "bad_raw")]),
    ("a raw message that is none", Content(raw={"messenger": {"message": "x"}}), [("content.raw.messenger.message", "bad_raw")]),
]


@pytest.mark.parametrize(("content", "found"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_limit_is_told_with_its_field(content, found):
    assert problems(content) == found


UTILITY = [
    ({"name": "order", "language": "en_US"}, []),
    ({"name": "order", "language": {"code": "en_US"}, "components": []}, []),
    ({"language": "en_US"}, [("options.messenger.utility.name", "missing")]),
    ({"name": "order"}, [("options.messenger.utility.language", "missing")]),
    ({"name": "order", "language": {}}, [("options.messenger.utility.language", "missing")]),
]


@pytest.mark.parametrize(("utility", "found"), UTILITY)
def test_a_utility_template_needs_its_name_and_language(utility, found):
    assert problems(OK, utility=utility) == found
    assert problems(Content(), utility=utility) == found


def test_metadata_has_a_limit():
    assert problems(OK, metadata="x" * 999) == []
    assert problems(OK, metadata="x" * 1000) == [("options.messenger.metadata", "too_long")]


def test_sentences_tell_the_limit_and_repeat_nothing():
    channel = MessengerChannel(clients(ScriptedTransport()))
    wrong = draft(Content(text="x", buttons=(Button("web_url", "secret words " * 3, url="http://sesame.com"),)))
    sentences = [problem.sentence for problem in channel.check(wrong)]
    assert sentences == ["`title` has at most 20 characters.", "Meta opens only https:// URLs here."]
