"""Which way is open: the general rules, and the order in which the rules of a draft are tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from guestlist.domain.messages import AddressKind, Channel, Content, Draft, MessagingType, Rule, Target
from guestlist.domain.routes import Closed, Open, Standing, decide_next, decide_route

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMS = Standing(Channel.SMS, "acc_1", "connected", address_kind=AddressKind.PHONE, address="447911123456")
ON_PAGE = Standing(
    Channel.MESSENGER, "pag_1", "connected", address_kind=AddressKind.PSID, address="7", opened_at=NOW - timedelta(hours=1)
)


def draft(*channels, **more):
    return Draft(Target(phone="447911123456"), tuple(Rule(channel) for channel in channels or (Channel.SMS,)), Content(), **more)


def decide(standing, *, rule=None, at=NOW, **more):
    return decide_route(draft(standing.channel, **more), rule or Rule(standing.channel), standing, at)


def test_an_address_on_a_connected_account_is_enough_for_sms():
    assert decide(SMS) == Open(Channel.SMS, "acc_1", AddressKind.PHONE, "447911123456")


@pytest.mark.parametrize(
    ("changed", "code", "invalid"),
    [
        ({"account_id": "", "account_state": "missing"}, "no_account", False),
        ({"account_state": "several", "candidates": ("acc_1", "acc_2")}, "account_not_named", True),
        ({"account_state": "reconnect"}, "reconnect_needed", False),
        ({"address_kind": None, "address": ""}, "no_address", False),
        ({"opted_out_at": NOW - timedelta(days=1)}, "opted_out", False),
        ({"problem": "Too long."}, "content", True),
    ],
)
def test_what_closes_every_channel_says_so(changed, code, invalid):
    closed = decide(replace(SMS, **changed))
    assert (closed.rule, closed.invalid) == (code, invalid)
    assert closed.sentence.endswith(".")


def test_an_account_that_is_named_but_not_there_is_the_senders_mistake():
    closed = decide(replace(SMS, account_id="", account_state="missing"), rule=Rule(Channel.SMS, "acc_9"))
    assert (closed.rule, closed.invalid) == ("unknown_account", True)


def test_several_accounts_are_named_in_the_way_out():
    closed = decide(replace(SMS, account_state="several", candidates=("acc_1", "acc_2")))
    assert "acc_1, acc_2" in closed.opens


def test_no_address_in_the_refusal_shows_the_address():
    closed = decide(replace(SMS, opted_out_at=NOW))
    assert "4479" not in f"{closed}"
    assert "4479" not in f"{SMS}"


def test_a_message_ends_at_the_instant_it_expires():
    end = int(NOW.timestamp() * 1000)
    assert isinstance(decide(SMS, expires_at=end + 1), Open)
    assert decide(SMS, expires_at=end).rule == "expired"


def test_the_window_is_open_for_24_hours_and_not_a_moment_longer():
    way = decide(ON_PAGE)
    closes = ON_PAGE.opened_at + timedelta(hours=24)
    assert (way.messaging_type, way.until) == (MessagingType.RESPONSE, closes)
    assert isinstance(decide(ON_PAGE, at=closes - timedelta(milliseconds=1)), Open)
    assert decide(ON_PAGE, at=closes).rule == "window_closed"
    assert decide(replace(ON_PAGE, opened_at=None)).rule == "window_closed"


def test_a_phone_is_matched_only_where_the_page_may():
    phone = replace(ON_PAGE, address_kind=AddressKind.PHONE, address="447911123456", opened_at=None)
    assert decide(phone).rule == "phone_matching_suspended"


def test_the_first_open_rule_behind_the_last_is_next_and_those_between_are_told():
    rules = draft(Channel.MESSENGER, Channel.EMAIL, Channel.SMS)
    no_mail = Standing(Channel.EMAIL, "acc_2", "connected")
    standings = [ON_PAGE, no_mail, SMS]
    number, way, passed = decide_next(rules, standings, 0, NOW)
    assert (number, way.channel, passed) == (1, Channel.MESSENGER, [])
    number, way, passed = decide_next(rules, standings, 1, NOW)
    assert (number, way.channel, [closed.rule for closed in passed]) == (3, Channel.SMS, ["no_address"])
    assert decide_next(rules, standings, 3, NOW) == []
    closed = decide_next(rules, [replace(ON_PAGE, opened_at=None), no_mail, no_mail], 0, NOW)
    assert [each.rule for each in closed if isinstance(each, Closed)] == ["window_closed", "no_address", "no_address"]


@pytest.mark.parametrize(("required", "opted_in", "rule"), [(True, False, "no_opt_in"), (True, True, ""), (False, False, "")])
def test_a_draft_that_requires_an_opt_in_goes_only_where_there_is_one(required, opted_in, rule):
    route = decide(replace(SMS, opted_in=opted_in), require_opt_in=required)
    assert getattr(route, "rule", "") == rule


def test_an_opt_out_is_told_before_a_missing_opt_in():
    assert decide(replace(SMS, opted_out_at=NOW), require_opt_in=True).rule == "opted_out"
