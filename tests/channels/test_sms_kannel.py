"""Kannel: the exact request, its replies and its probe. Facts: user guide 1.4, read 2026-11."""

import pytest
from channel_drafts import ACCOUNT, PART, call_of, draft, kannel, way
from support.providers import play_provider, to_this_machine

from guestlist.channels.base import Accepted, Remedy
from guestlist.channels.http import Http
from guestlist.channels.sms import SmsChannel
from guestlist.channels.sms.kannel import REFUSALS

PATH = "/cgi-bin/sendsms"


async def send(answer, given=None, *, public_url: str = "https://g.example.com"):
    async with play_provider(answer) as provider:
        http = Http(to_this_machine, total=2.0)
        channel = SmsChannel(http, public_url=public_url)
        [body] = channel.build(given or draft(), way())
        try:
            return await channel.send(kannel(provider.url + PATH), call_of(body)), provider.taken
        finally:
            await http.close()


def ours(taken) -> dict[str, str]:
    return {name: value for name, value in taken.headers.items() if name.startswith(("X-Kannel", "Content-Type"))}


async def test_the_request_is_kannels_and_its_url_holds_no_secret() -> None:
    outcome, [taken] = await send((202, {}, b"0: Accepted for delivery"))
    assert (taken.method, taken.path, taken.body) == ("POST", PATH, b"Your order is ready.")
    assert ours(taken) == {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-Kannel-Username": "tester",
        "X-Kannel-Password": "sesame",
        "X-Kannel-From": "447700900999",
        "X-Kannel-To": "447700900123",
        "X-Kannel-Coding": "0",
        "X-Kannel-DLR-Mask": "31",
        "X-Kannel-DLR-Url": (f"https://g.example.com/webhooks/kannel/{ACCOUNT}?token=tok%2Ben&part={PART}&status=%d&at=%T&id=%F"),
    }
    assert outcome == Accepted(None)


async def test_unicode_goes_as_ucs2_and_reports_only_where_they_can_come() -> None:
    _, [taken] = await send((202, {}, b"3: Queued for later delivery"), draft("Ваш заказ готов"), public_url="")
    assert taken.body.decode() == "Ваш заказ готов"
    assert taken.headers["X-Kannel-Coding"] == "2"
    assert "X-Kannel-DLR-Url" not in taken.headers


async def test_a_raw_body_adds_parameters_and_cannot_replace_ours() -> None:
    given = draft("", raw={"sms": {"text": "Hello", "mclass": 1, "Password": "x", "to": "1"}})
    _, [taken] = await send((202, {}, b"0: Accepted for delivery"), given, public_url="")
    assert (taken.body, taken.headers["X-Kannel-mclass"]) == (b"Hello", "1")
    assert (taken.headers["X-Kannel-Password"], taken.headers["X-Kannel-To"]) == ("sesame", "447700900123")


@pytest.mark.parametrize("number", range(len(REFUSALS)))
async def test_every_refusal_of_the_table_means_what_it_says(number: int) -> None:
    status, beginning, remedy, code, _ = REFUSALS[number]
    outcome, _ = await send((status, {}, beginning + b" for sendsms +447700900123"))
    assert (outcome.remedy, outcome.code, outcome.provider_code) == (remedy, code, str(status))
    assert "447700900123" not in repr(outcome)


@pytest.mark.parametrize(
    ("answer", "remedy", "code"),
    [
        ((202, {}, b"<html>Welcome</html>"), Remedy.LOST, "bad_answer"),
        ((500, {}, b"Sending failed."), Remedy.LOST, "provider_failed"),
        ((503, {}, b"Service Unavailable"), Remedy.LOST, "provider_failed"),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), Remedy.STOP, "refused"),
        (None, Remedy.LOST, "answer_lost"),
    ],
)
async def test_other_answers(answer, remedy, code) -> None:
    outcome, taken = await send(answer)
    assert (outcome.remedy, outcome.code, len(taken)) == (remedy, code, 1)


async def test_a_line_break_in_a_parameter_never_leaves() -> None:
    given = draft("", raw={"sms": {"text": "Hello", "mclass": "1\r\nX-Kannel-To: 1"}})
    outcome, taken = await send((202, {}, b"0: Accepted for delivery"), given)
    assert (outcome.remedy, outcome.code, taken) == (Remedy.STOP, "bad_request", [])


@pytest.mark.parametrize(("status", "expected"), [(403, (True, "reachable")), (404, (False, "bad_url"))])
async def test_an_account_is_tried_without_sending(status: int, expected: tuple[bool, str]) -> None:
    async with play_provider((status, {}, b"")) as provider:
        http = Http(to_this_machine)
        probe = await SmsChannel(http).probe(kannel(provider.url + PATH))
        await http.close()
    assert (probe.ok, probe.code) == expected
    assert [(each.method, each.body) for each in provider.taken] == [("GET", b"")]
