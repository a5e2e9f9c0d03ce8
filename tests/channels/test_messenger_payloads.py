"""What goes to Meta for a draft: the exact requests, in order."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from meta_transport import PAGE, PART, PSID, ROUTE, TOKEN, answer, build, send, to_phone

from guestlist.channels.base import Accepted
from guestlist.domain.messages import AddressKind, Button, Channel, Content, Media, MessagingType, QuickReply, Target

TO = {"recipient": {"id": PSID}, "messaging_type": "RESPONSE"}
CARD = {"template_type": "generic", "elements": [{"title": "Two cups for one"}]}


async def test_a_text_is_one_post_to_the_pages_edge_with_the_token_in_the_header_alone():
    [body] = build(Content(text="Your order is ready."))
    sent, transport = await send(body)
    [request] = transport.requests
    assert (request.method, request.url, request.params) == ("POST", f"https://graph.test/v26.0/{PAGE}/messages", {})
    assert request.headers == {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert request.body == (
        b'{"recipient":{"id":"7800000000000001"},"messaging_type":"RESPONSE",'
        b'"message":{"text":"Your order is ready.","metadata":"dlv_01hq3k5y8v7d2w9g4m6n0p1r2s.1"}}'
    )
    assert sent == Accepted("m_1", person=PSID)


BODIES = [
    ("the title is the first line", Content(title="Good news", text="It is here."), [{"text": "Good news\nIt is here."}]),
    ("a title alone is the text", Content(title="Good news"), [{"text": "Good news"}]),
    (
        "text, then each file",
        Content(
            text="Look",
            parts=(
                Media("image", url="http://a.com/1.png"),
                Media("application/pdf", url="https://a.com/2.pdf"),
                Media("video/mp4", attachment_id="66001"),
            ),
        ),
        [
            {"text": "Look"},
            {"attachment": {"type": "image", "payload": {"url": "http://a.com/1.png"}}},
            {"attachment": {"type": "file", "payload": {"url": "https://a.com/2.pdf"}}},
            {"attachment": {"type": "video", "payload": {"attachment_id": "66001"}}},
        ],
    ),
    (
        "a file for other channels stays out",
        Content(text="Look", parts=(Media("image", url="https://a.com/1.png", channels=(Channel.EMAIL,)),)),
        [{"text": "Look"}],
    ),
    (
        "quick replies",
        Content(
            text="Which?",
            quick_replies=(
                QuickReply(title="Red", payload="RED", image_url="https://a.com/red.png"),
                QuickReply(title="Blue"),
                QuickReply("user_phone_number"),
                QuickReply("user_email"),
            ),
        ),
        [
            {
                "text": "Which?",
                "quick_replies": [
                    {"content_type": "text", "title": "Red", "payload": "RED", "image_url": "https://a.com/red.png"},
                    {"content_type": "text", "title": "Blue", "payload": "Blue"},
                    {"content_type": "user_phone_number"},
                    {"content_type": "user_email"},
                ],
            }
        ],
    ),
    (
        "quick replies stand under the last call",
        Content(text="Which?", parts=(Media("image", url="https://a.com/1.png"),), quick_replies=(QuickReply(title="Red"),)),
        [
            {"text": "Which?"},
            {
                "attachment": {"type": "image", "payload": {"url": "https://a.com/1.png"}},
                "quick_replies": [{"content_type": "text", "title": "Red", "payload": "Red"}],
            },
        ],
    ),
    (
        "buttons",
        Content(
            title="Shop",
            text="Open now",
            buttons=(
                Button("web_url", "See", url="https://a.com/", webview_height_ratio="tall"),
                Button("postback", "Ask", payload="ASK"),
                Button("phone_number", "Call", payload="+15555550100"),
            ),
        ),
        [
            {
                "attachment": {
                    "type": "template",
                    "payload": {
                        "template_type": "button",
                        "text": "Shop\nOpen now",
                        "buttons": [
                            {"type": "web_url", "title": "See", "url": "https://a.com/", "webview_height_ratio": "tall"},
                            {"type": "postback", "title": "Ask", "payload": "ASK"},
                            {"type": "phone_number", "title": "Call", "payload": "+15555550100"},
                        ],
                    },
                }
            }
        ],
    ),
    ("a template", Content(template=CARD), [{"attachment": {"type": "template", "payload": CARD}}]),
    (
        "a template after the text",
        Content(text="Today", template=CARD),
        [{"text": "Today"}, {"attachment": {"type": "template", "payload": CARD}}],
    ),
]


@pytest.mark.parametrize(("content", "messages"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_what_a_draft_says_becomes_ordered_calls(content, messages):
    assert build(content) == [{**TO, "message": message} for message in messages]


def test_type_tag_persona_and_notification_stand_beside_the_message():
    way = replace(ROUTE, messaging_type=MessagingType.MESSAGE_TAG, tag="HUMAN_AGENT")
    assert build(route=way, persona_id="55001", notification="NO_PUSH") == [
        {
            "recipient": {"id": PSID},
            "messaging_type": "MESSAGE_TAG",
            "tag": "HUMAN_AGENT",
            "notification_type": "NO_PUSH",
            "persona_id": "55001",
            "message": {"text": "Hello"},
        }
    ]


@pytest.mark.parametrize("language", ["en_US", {"code": "en_US"}])
def test_the_utility_template_takes_the_place_of_all_that_is_said(language):
    way = replace(ROUTE, messaging_type=MessagingType.UTILITY, utility=True)
    components = [{"type": "body", "parameters": [{"type": "text", "text": "A-7"}]}]
    content = Content(text="Shipped", parts=(Media("image", url="https://a.com/1.png"),))
    template = {"name": "order_shipped", "language": language, "components": components}
    assert build(content, route=way, utility=template) == [
        {
            "recipient": {"id": PSID},
            "messaging_type": "UTILITY",
            "message": {"template": {"name": "order_shipped", "language": {"code": "en_US"}, "components": components}},
        }
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AddressKind.PSID, "id"),
        (AddressKind.USER_REF, "user_ref"),
        (AddressKind.COMMENT, "comment_id"),
        (AddressKind.POST, "post_id"),
    ],
)
def test_every_kind_of_address_has_its_place_in_the_recipient(kind, name):
    [body] = build(route=replace(ROUTE, address_kind=kind, address="105_9"))
    assert body["recipient"] == {name: "105_9"}


def test_a_phone_number_goes_with_the_names_that_are_known():
    whole, half, none = (
        build(route=to_phone(), to=Target(phone="12125552368", **names))[0]["recipient"]
        for names in ({"first_name": "Ana", "last_name": "Diaz"}, {"last_name": "Diaz"}, {})
    )
    assert whole == {"phone_number": "+12125552368", "name": {"first_name": "Ana", "last_name": "Diaz"}}
    assert half == {"phone_number": "+12125552368", "name": {"last_name": "Diaz"}}
    assert none == {"phone_number": "+12125552368"}


def test_the_mapped_template_takes_the_place_of_a_raw_body_too():
    way = replace(ROUTE, messaging_type=MessagingType.UTILITY, utility=True)
    mapped = {"name": "order", "language": {"code": "en"}}
    own = {"template": {"name": "own", "language": {"code": "de"}}}
    assert [build(Content(raw={"messenger": raw}), route=way, utility=mapped)[0]["message"] for raw in ({"text": "Hi"}, own)] == [
        {"template": mapped},
        own,
    ]


async def test_metadata_given_as_an_option_goes_in_the_place_of_the_parts_id():
    [body] = build(metadata="order A-7")
    _, transport = await send(body)
    assert transport.bodies[0]["message"] == {"text": "Hello", "metadata": "order A-7"}


# -- raw bodies -----------------------------------------------------------------------------------------------------

ODD = {"text": "Hi", "quick_replies": [{"content_type": "text", "title": "A" * 40}], "brand_new": {"x": [1, None]}}


def raw(body):
    return Content(text="not this", raw={"messenger": body})


def test_a_raw_message_object_is_passed_through_untouched():
    assert build(raw(ODD)) == [{**TO, "message": ODD}]


def test_a_raw_whole_body_keeps_its_own_words_and_gets_the_recipient():
    body = {"message": ODD, "messaging_type": "RESPONSE", "persona_id": "56", "suggestion_action": "x"}
    assert build(raw(body), persona_id="55") == [{"recipient": {"id": PSID}, **body}]


async def test_metadata_of_the_callers_own_stays():
    [body] = build(raw({"text": "Hi", "metadata": "mine"}))
    _, transport = await send(body)
    assert transport.bodies == [{**TO, "message": {"text": "Hi", "metadata": "mine"}}]


async def test_a_raw_body_without_metadata_is_told_by_the_parts_id():
    [body] = build(raw({"text": "Hi"}))
    _, transport = await send(body)
    assert transport.bodies[0]["message"] == {"text": "Hi", "metadata": PART}
    assert "metadata" not in body["message"]


# -- answers --------------------------------------------------------------------------------------------------------

ANSWERS = [
    ({"recipient_id": PSID, "message_id": "m_1"}, Accepted("m_1", person=PSID)),
    ({"recipient_id": int(PSID), "message_id": "m_1", "attachment_id": "9"}, Accepted("m_1", person=PSID)),
    ({"recipient": {"id": PSID, "message_id": "m_1"}}, Accepted("m_1", person=PSID)),
    ({"recipient": PSID, "message_id": "m_1"}, Accepted("m_1", person=PSID)),
    ({"message_id": 17}, Accepted("17")),
    ({"recipient_id": PSID}, Accepted(None, person=PSID)),
]


@pytest.mark.parametrize(
    ("document", "accepted"), ANSWERS, ids=lambda each: orjson.dumps(each).decode() if isinstance(each, dict) else ""
)
async def test_every_form_of_a_yes_is_understood(document, accepted):
    [body] = build()
    assert (await send(body, answer(document)))[0] == accepted


async def test_a_matched_phone_number_waits_for_the_person():
    [body] = build(route=to_phone(), to=Target(phone="12125552368"))
    sent, transport = await send(body, answer({"message_id": "m_1"}))
    assert sent == Accepted("m_1", awaiting=True)
    assert transport.bodies[0]["message"]["metadata"] == PART


async def test_a_phone_number_whose_person_is_known_waits_for_nobody():
    [body] = build(route=to_phone(), to=Target(phone="12125552368"))
    sent, _ = await send(body, answer({"recipient_id": PSID, "message_id": "m_1"}))
    assert sent == Accepted("m_1", person=PSID)


async def test_a_private_reply_tells_whose_comment_it_was():
    [body] = build(route=replace(ROUTE, address_kind=AddressKind.COMMENT, address="105_9"))
    sent, _ = await send(body)
    assert (sent.person, sent.awaiting) == (PSID, False)
