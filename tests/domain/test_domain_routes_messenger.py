"""Messenger's policy, rule by rule: window, types, tags by date, templates, private replies, first messages, phone numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from guestlist.domain.messages import (
    AddressKind,
    Channel,
    Content,
    Draft,
    Media,
    MessagingType,
    MessengerOptions,
    Options,
    Purpose,
    RequestState,
    Rule,
    Target,
)
from guestlist.domain.routes import Closed, Open, Standing, decide_route

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE = datetime(2026, 4, 26, 23, 59, tzinfo=UTC)
AFTER = datetime(2026, 4, 27, 0, 0, tzinfo=UTC)
IN_2021 = datetime(2021, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

UTILITY = {"name": "order_shipped", "language": "en_US"}
FEEDBACK = Content(template={"template_type": "customer_feedback"})
TEXT = Content(text="Hello")


def on_page(kind=AddressKind.PSID, **more):
    return Standing(Channel.MESSENGER, "pag_1", "connected", address_kind=kind, address="7", **more)


def decide(standing, *, at=NOW, content=TEXT, purpose=Purpose.SERVICE, **options):
    kind = options.pop("type", None)
    messenger = MessengerOptions(type=MessagingType(kind) if kind else None, **options)
    draft = Draft(Target(psid="7"), (Rule(Channel.MESSENGER),), content, Options(messenger=messenger), purpose=purpose)
    return decide_route(draft, draft.rules[0], standing, at)


def told(way):
    """What a decision comes to, in a line."""
    if isinstance(way, Closed):
        return f"closed {way.rule}"
    return " ".join(filter(None, (way.messaging_type.value, way.tag)))


INSIDE, OUTSIDE = on_page(opened_at=NOW - HOUR), on_page(opened_at=NOW - 3 * DAY)

# (what is asked for, inside the window, outside it)
GROUNDS = [
    ({}, "RESPONSE", "closed window_closed"),
    ({"type": "RESPONSE"}, "RESPONSE", "closed window_closed"),
    ({"type": "UPDATE"}, "UPDATE", "closed window_closed"),
    ({"type": "UPDATE", "utility": UTILITY}, "UPDATE", "closed window_closed"),
    ({"utility": UTILITY}, "RESPONSE", "UTILITY"),
    ({"type": "UTILITY", "utility": UTILITY}, "UTILITY", "UTILITY"),
    ({"type": "UTILITY"}, "closed template_missing", "closed template_missing"),
    ({"type": "MESSAGE_TAG"}, "closed tag_missing", "closed tag_missing"),
    ({"tag": "NO_SUCH_TAG"}, "closed unknown_tag", "closed unknown_tag"),
    ({"type": "UPDATE", "tag": "HUMAN_AGENT"}, "closed tag_with_type", "closed tag_with_type"),
    ({"tag": "HUMAN_AGENT", "by_person": True}, "MESSAGE_TAG HUMAN_AGENT", "MESSAGE_TAG HUMAN_AGENT"),
    ({"type": "MESSAGE_TAG", "tag": "human_agent", "by_person": True}, "MESSAGE_TAG HUMAN_AGENT", "MESSAGE_TAG HUMAN_AGENT"),
    ({"tag": "HUMAN_AGENT"}, "closed not_by_person", "closed not_by_person"),
    ({"tag": "CUSTOMER_FEEDBACK"}, "closed tag_needs_template", "closed tag_needs_template"),
    ({"tag": "CUSTOMER_FEEDBACK", "content": FEEDBACK}, "MESSAGE_TAG CUSTOMER_FEEDBACK", "MESSAGE_TAG CUSTOMER_FEEDBACK"),
    ({"tag": "POST_PURCHASE_UPDATE"}, "UPDATE", "closed tag_withdrawn"),
    ({"type": "MESSAGE_TAG", "tag": "POST_PURCHASE_UPDATE"}, "UPDATE", "closed tag_withdrawn"),
    ({"tag": "POST_PURCHASE_UPDATE", "utility": UTILITY}, "UPDATE", "UTILITY"),
    ({"tag": "SHIPPING_UPDATE"}, "UPDATE", "closed tag_withdrawn"),
    ({"tag": "NON_PROMOTIONAL_SUBSCRIPTION"}, "UPDATE", "closed tag_withdrawn"),
    ({"utility": UTILITY, "content": Content()}, "UTILITY", "UTILITY"),
]


@pytest.mark.parametrize(("asked", "inside", "outside"), GROUNDS, ids=lambda each: str(each)[:60])
def test_what_is_asked_for_comes_to_this_inside_and_outside_the_window(asked, inside, outside):
    assert (told(decide(INSIDE, **asked)), told(decide(OUTSIDE, **asked))) == (inside, outside)


# (tag, the day before the update tags went, the day they went), outside the window
BY_DATE = [
    ("ACCOUNT_UPDATE", "MESSAGE_TAG ACCOUNT_UPDATE", "closed tag_withdrawn"),
    ("CONFIRMED_EVENT_UPDATE", "MESSAGE_TAG CONFIRMED_EVENT_UPDATE", "closed tag_withdrawn"),
    ("POST_PURCHASE_UPDATE", "MESSAGE_TAG POST_PURCHASE_UPDATE", "closed tag_withdrawn"),
    ("SHIPPING_UPDATE", "MESSAGE_TAG POST_PURCHASE_UPDATE", "closed tag_withdrawn"),
    ("ISSUE_RESOLUTION", "MESSAGE_TAG ACCOUNT_UPDATE", "closed tag_withdrawn"),
    ("NON_PROMOTIONAL_SUBSCRIPTION", "closed tag_withdrawn", "closed tag_withdrawn"),
]


@pytest.mark.parametrize(("tag", "before", "after"), BY_DATE)
def test_a_tag_is_judged_by_the_day(tag, before, after):
    closed = on_page(opened_at=BEFORE - 40 * DAY)
    assert (told(decide(closed, at=BEFORE, tag=tag)), told(decide(closed, at=AFTER, tag=tag))) == (before, after)


def test_an_old_tag_was_its_own_while_it_lived():
    closed = on_page(opened_at=None)
    assert told(decide(closed, at=datetime(2020, 3, 3, tzinfo=UTC), tag="SHIPPING_UPDATE")) == "MESSAGE_TAG SHIPPING_UPDATE"
    assert told(decide(closed, at=IN_2021, tag="SHIPPING_UPDATE")) == "MESSAGE_TAG POST_PURCHASE_UPDATE"


def test_a_withdrawn_tag_is_no_mistake_of_the_request_and_its_refusal_has_the_date():
    refused = decide(OUTSIDE, tag="ACCOUNT_UPDATE")
    assert (refused.since, refused.invalid) == (date(2026, 4, 27), False)
    assert "2026-04-27" in refused.sentence
    assert "utility" in refused.opens
    assert "2026-04-27" in decide(INSIDE, tag="ACCOUNT_UPDATE").note
    assert "utility template" in decide(OUTSIDE, tag="ACCOUNT_UPDATE", utility=UTILITY).note


@pytest.mark.parametrize(
    "asked",
    [{"type": "MESSAGE_TAG"}, {"tag": "X"}, {"type": "UTILITY"}, {"type": "RESPONSE", "tag": "HUMAN_AGENT"}],
)
def test_what_no_circumstance_would_open_is_the_requests_mistake(asked):
    assert decide(INSIDE, **asked).invalid


def test_outside_the_window_the_refusal_names_what_to_add():
    refused = decide(OUTSIDE)
    assert "HUMAN_AGENT" in refused.opens
    assert "options.messenger.utility" in refused.opens
    assert refused.since == (NOW - 2 * DAY).date()
    assert decide(on_page()).since is None


@pytest.mark.parametrize("asked", [{"tag": "HUMAN_AGENT", "by_person": True}, {"tag": "CUSTOMER_FEEDBACK", "content": FEEDBACK}])
def test_a_live_tag_reaches_people_for_seven_days_and_not_a_moment_longer(asked):
    wrote = on_page(opened_at=NOW)
    ends = NOW + timedelta(days=7)
    way = decide(wrote, at=ends - timedelta(milliseconds=1), **asked)
    assert (way.messaging_type, way.until) == (MessagingType.MESSAGE_TAG, ends)
    assert decide(wrote, at=ends, **asked).rule == "window_closed"
    assert decide(on_page(), **asked).rule == "window_closed"


# -- a raw body's own words -----------------------------------------------------------------------------------------


def raw(**body):
    return Content(raw={"messenger": body})


def test_a_raw_body_is_judged_by_its_own_type_and_tag():
    body = {"message": {"text": "Hi"}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    assert told(decide(OUTSIDE, content=raw(**body), by_person=True)) == "MESSAGE_TAG HUMAN_AGENT"
    assert told(decide(OUTSIDE, content=raw(**body))) == "closed not_by_person"
    assert told(decide(INSIDE, content=raw(message={"text": "Hi"}, messaging_type="NEWS"))) == "closed unknown_messaging_type"
    assert told(decide(INSIDE, content=raw(text="Hi"))) == "RESPONSE"


def test_a_raw_utility_template_is_one():
    template = {"template": {"name": "order", "language": {"code": "en"}}}
    assert told(decide(OUTSIDE, content=raw(**template))) == "UTILITY"
    assert told(decide(OUTSIDE, content=raw(message=template, messaging_type="UTILITY"))) == "UTILITY"


def test_a_raw_feedback_template_goes_under_its_tag():
    attachment = {"type": "template", "payload": {"template_type": "customer_feedback"}}
    assert told(decide(OUTSIDE, content=raw(attachment=attachment), tag="CUSTOMER_FEEDBACK")) == "MESSAGE_TAG CUSTOMER_FEEDBACK"


# -- one message only: private replies, user_ref --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AddressKind.COMMENT, AddressKind.POST])
def test_a_comment_or_post_takes_one_private_reply_within_seven_days(kind):
    written = on_page(kind, commented_at=NOW)
    ends = NOW + timedelta(days=7)
    way = decide(written, at=ends - timedelta(milliseconds=1))
    assert (way.messaging_type, way.until) == (MessagingType.RESPONSE, ends)
    assert decide(written, at=ends).rule == "too_old_to_reply"
    assert decide(replace(written, spent=True)).rule == "already_replied"


def test_a_private_reply_is_one_message():
    photo = Media("image", url="https://a.com/1.png")
    written = on_page(AddressKind.COMMENT, commented_at=NOW)
    assert decide(written, content=Content(text="Hi", parts=(photo,))).rule == "one_message_only"
    assert isinstance(decide(written, content=Content(parts=(photo,))), Open)
    elsewhere = replace(photo, channels=(Channel.EMAIL,))
    assert isinstance(decide(written, content=Content(text="Hi", parts=(elsewhere,))), Open)


def test_a_comment_of_unknown_age_is_left_to_meta():
    assert decide(on_page(AddressKind.COMMENT)).until is None


def test_a_user_ref_takes_the_first_message_only():
    new = on_page(AddressKind.USER_REF)
    assert told(decide(new)) == "RESPONSE"
    assert told(decide(new, type="UPDATE")) == "UPDATE"
    assert told(decide(replace(new, spent=True))) == "closed user_ref_spent"


@pytest.mark.parametrize("kind", [AddressKind.COMMENT, AddressKind.USER_REF, AddressKind.PHONE])
def test_a_utility_template_alone_needs_a_psid(kind):
    assert decide(on_page(kind), content=Content(), utility=UTILITY).rule == "psid_needed"


# -- phone numbers --------------------------------------------------------------------------------------------------

MATCHED = on_page(AddressKind.PHONE, phone_matching="enabled")


@pytest.mark.parametrize(
    ("standing", "purpose", "asked", "way"),
    [
        (MATCHED, "service", {}, "UPDATE"),
        (MATCHED, "service", {"type": "RESPONSE"}, "RESPONSE"),
        (MATCHED, "service", {"tag": "SHIPPING_UPDATE"}, "UPDATE"),
        (MATCHED, "service", {"tag": "HUMAN_AGENT", "by_person": True}, "UPDATE"),
        (MATCHED, "marketing", {}, "closed not_accepted_yet"),
        (replace(MATCHED, request=RequestState.PENDING), "marketing", {}, "closed not_accepted_yet"),
        (replace(MATCHED, request=RequestState.ACCEPTED), "marketing", {}, "UPDATE"),
        (replace(MATCHED, phone_matching="suspended"), "service", {}, "closed phone_matching_suspended"),
    ],
)
def test_a_phone_number_gets_a_message_request_that_promotes_nothing(standing, purpose, asked, way):
    assert told(decide(standing, purpose=Purpose(purpose), **asked)) == way


def test_a_tag_went_with_a_phone_number_while_it_lived():
    assert told(decide(MATCHED, at=BEFORE, tag="ACCOUNT_UPDATE")) == "MESSAGE_TAG ACCOUNT_UPDATE"
    assert told(decide(MATCHED, at=AFTER, tag="ACCOUNT_UPDATE")) == "UPDATE"
