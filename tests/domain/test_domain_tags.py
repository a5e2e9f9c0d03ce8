"""Tags as dated data: what is live on which day, and what an old one is sent as."""

from datetime import date, timedelta

import pytest

from guestlist.domain.tags import OLD_TAGS_OFF, TABLE, UPDATE_TAGS_OFF, find_tag, translate_tag

DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)
UPDATES = ("ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE")

# The legacy table of the vendor page, 3.3, word for word.
LEGACY = {
    "APPLICATION_UPDATE": "ACCOUNT_UPDATE",
    "APPOINTMENT_UPDATE": "CONFIRMED_EVENT_UPDATE",
    "CONFIRMED_EVENT_REMINDER": "CONFIRMED_EVENT_UPDATE",
    "ISSUE_RESOLUTION": "ACCOUNT_UPDATE",
    "PAYMENT_UPDATE": "POST_PURCHASE_UPDATE",
    "PERSONAL_FINANCE_UPDATE": "ACCOUNT_UPDATE",
    "RESERVATION_UPDATE": "POST_PURCHASE_UPDATE",
    "SHIPPING_UPDATE": "POST_PURCHASE_UPDATE",
    "TICKET_UPDATE": "CONFIRMED_EVENT_UPDATE",
    "TRANSPORTATION_UPDATE": "CONFIRMED_EVENT_UPDATE",
}


@pytest.mark.parametrize("name", UPDATES)
def test_the_update_tags_were_live_until_the_day_meta_withdrew_them(name):
    tag = find_tag(name)
    assert tag.is_live(date(2026, 4, 26))
    assert not tag.is_live(date(2026, 4, 27))
    assert tag.became == "UTILITY"


def test_two_tags_are_live_today():
    assert {tag.name for tag in TABLE if tag.is_live(TODAY)} == {"HUMAN_AGENT", "CUSTOMER_FEEDBACK"}


@pytest.mark.parametrize(("old", "new"), LEGACY.items())
def test_an_old_tag_is_translated_while_its_successor_lives(old, new):
    tag = find_tag(old)
    assert translate_tag(tag, OLD_TAGS_OFF - DAY) is tag
    assert translate_tag(tag, OLD_TAGS_OFF).name == new
    assert translate_tag(tag, UPDATE_TAGS_OFF - DAY).name == new


@pytest.mark.parametrize("tag", TABLE, ids=lambda tag: tag.name)
@pytest.mark.parametrize("day", [date(2019, 1, 1), OLD_TAGS_OFF, UPDATE_TAGS_OFF - DAY, UPDATE_TAGS_OFF, TODAY])
def test_a_translation_never_yields_a_withdrawn_tag(tag, day):
    translated = translate_tag(tag, day)
    assert translated is tag or translated.is_live(day)


def test_tags_are_found_in_either_case_and_unknown_ones_are_not():
    assert find_tag(" shipping_update ").name == "SHIPPING_UPDATE"
    assert find_tag("SHIPPING_UPDATES") is None
