"""The three usage headers: percentages kept per scope while fresh, junk worth nothing."""

from __future__ import annotations

import orjson
import pytest
from graph_mock import MockTransport, answer, make_clients, refusal

from guestlist.graph.base import GraphError, Response
from guestlist.graph.usage import FRESH_SECONDS, LONGEST_LOSS, MOST_REPORTS, UsageBook, parse_usage, regain_seconds

APP = {"X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":31}'}
ACCOUNT = {"X-Ad-Account-Usage": '{"acc_id_util_pct":9.67,"reset_time_duration":100,"ads_api_access_tier":"standard_access"}'}


def business(scope: str = "11", **values: object) -> dict[str, str]:
    use_case = {"type": "messenger", "call_count": 12, "total_cputime": 3, "total_time": 5, **values}
    return {"x-business-use-case-usage": orjson.dumps({scope: [use_case]}).decode()}


class Time:
    """A clock that a test moves."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("headers", "source", "scope", "percent"),
    [(APP, "app", "", 31.0), (ACCOUNT, "account", "", 9.67), (business(call_count=120), "messenger", "11", 120.0)],
)
def test_each_header_gives_its_highest_percentage(headers: dict[str, str], source: str, scope: str, percent: float) -> None:
    (report,) = parse_usage(headers)

    assert (report.source, report.scope, report.percent) == (source, scope, percent)


def test_the_time_to_regain_access_is_minutes() -> None:
    assert regain_seconds(business(estimated_time_to_regain_access=3)) == 180.0
    assert regain_seconds(business(estimated_time_to_regain_access=0)) is None
    assert regain_seconds(APP) is None


@pytest.mark.parametrize(
    "value",
    ["", "junk", "{", "[]", "7", "null", "{}", '{"11":7}', '{"11":{}}', '{"call_count":"x"}', '{"call_count":-5}', '{"11":[7]}']
    + ['{"acc_id_util_pct":[]}', '{"11":[{"call_count":true,"estimated_time_to_regain_access":"soon"}]}', "é", '{"a":' * 5000],
)
@pytest.mark.parametrize("header", ["X-App-Usage", "X-Ad-Account-Usage", "X-Business-Use-Case-Usage"])
def test_junk_in_a_header_is_worth_nothing(header: str, value: str) -> None:
    book = UsageBook(Time())

    book.note("11", {header: value})

    assert book.highest("11") == 0.0


def test_at_most_32_objects_of_a_header_are_read() -> None:
    crowd = {str(n): [{"type": "pages", "call_count": 1}] * 10 for n in range(100)}

    assert len(parse_usage({"X-Business-Use-Case-Usage": orjson.dumps(crowd).decode()})) == 32


def test_use_cases_of_one_scope_do_not_hide_one_another() -> None:
    book = UsageBook(Time())

    book.note("11", business(call_count=90))
    book.note("11", business(call_count=4, type="pages"))

    assert book.highest("11") == 90.0


def test_the_latest_report_of_a_use_case_counts() -> None:
    book = UsageBook(Time())

    book.note("11", business(call_count=90))
    book.note("11", business(call_count=40))

    assert book.highest("11") == 40.0


def test_an_old_report_says_nothing_any_more() -> None:
    time = Time()
    book = UsageBook(time)
    book.note("11", business(call_count=90))

    time.seconds += FRESH_SECONDS + 1

    assert book.highest("11") == 0.0


def test_the_book_forgets_scopes_that_went_quiet() -> None:
    time = Time()
    book = UsageBook(time)
    for number in range(MOST_REPORTS):
        book.note(str(number), ACCOUNT)

    time.seconds += FRESH_SECONDS + 1
    book.note("last", ACCOUNT)

    assert len(book._latest) == 1


async def test_a_clients_answers_fill_the_factorys_book() -> None:
    body = answer({"success": True, "marketing_message_tracking_id": "t"}).body
    clients = make_clients(MockTransport([Response(200, {**ACCOUNT, **business("900", call_count=70)}, body)]))

    await clients.with_token("t").send_marketing_message("act_5", campaign_id="88", token="5", message={})

    assert clients.usage("act_5") == clients.usage("5") == 70.0
    assert clients.usage("900") == 70.0
    assert clients.usage("11") == 0.0


async def test_a_refused_call_reports_its_usage_too_and_the_app_counts_everywhere() -> None:
    clients = make_clients(MockTransport([Response(400, APP, refusal(4).body)]))

    with pytest.raises(GraphError):
        await clients.with_token("t").read_page("11")

    assert clients.usage("11") == clients.usage("any other") == 31.0


def test_access_that_is_lost_is_regained_when_meta_said_however_old_the_percentage_is() -> None:
    time = Time()
    book = UsageBook(time)
    book.note("77", business("5", type="custom_audience", call_count=100, estimated_time_to_regain_access=10))

    time.seconds += FRESH_SECONDS + 1

    assert (book.highest("act_5"), book.regain("act_5")) == (0.0, 600.0 - FRESH_SECONDS - 1)
    assert book.regain("6") == 0.0
    time.seconds += 600.0
    assert book.regain("act_5") == 0.0


def test_an_ad_accounts_reset_time_is_a_wait_only_when_all_is_spent() -> None:
    book = UsageBook(Time())
    book.note("5", ACCOUNT)
    assert book.regain("5") == 0.0
    book.note("5", {"X-Ad-Account-Usage": '{"acc_id_util_pct":100.0,"reset_time_duration":100}'})
    assert book.regain("act_5") == 100.0


def test_a_wait_of_years_is_junk() -> None:
    book = UsageBook(Time())
    book.note("5", business("5", estimated_time_to_regain_access=10**9))
    assert book.regain("5") == LONGEST_LOSS


async def test_the_factory_tells_when_access_is_regained() -> None:
    spent = business("5", call_count=101, estimated_time_to_regain_access=2)
    clients = make_clients(MockTransport([Response(400, spent, refusal(80003, 2446079).body)]))

    with pytest.raises(GraphError) as refused:
        await clients.with_token("t").read_audience("77")

    assert refused.value.retry_after == 120.0
    assert 119.0 < clients.regain("act_5") <= 120.0
