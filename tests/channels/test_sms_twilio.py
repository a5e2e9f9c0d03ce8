"""Twilio: the exact request, and what each answer means. Facts: twilio.com/docs, read 2026-11."""

import json

import pytest
from channel_drafts import ACCOUNT, ACCOUNT_SID, PART, PHONE, call_of, draft, twilio, way
from structlog.testing import capture_logs
from support.providers import play_provider, to_this_machine

from guestlist.channels.base import Accepted, Remedy
from guestlist.channels.http import Http
from guestlist.channels.sms import SmsChannel
from guestlist.channels.sms.twilio_errors import BY_STATUS, ERRORS
from guestlist.domain.messages import SmsOptions

SAID_YES = (201, {}, json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "segments": "1"}).encode())


def said_no(status: int, code: int | None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    told = {"code": code, "message": f"The 'To' number +{PHONE} is wrong.", "status": status}
    return status, headers, json.dumps(told).encode()


async def send(answer, given=None, *, public_url: str = "https://g.example.com", **config):
    """Sends one text to a provider that answers so; the outcome and the requests it saw."""
    async with play_provider(answer) as provider:
        http = Http(to_this_machine, total=2.0)
        channel = SmsChannel(http, public_url=public_url)
        [body] = channel.build(given or draft(), way())
        try:
            return await channel.send(twilio(provider.url, **config), call_of(body)), provider.taken
        finally:
            await http.close()


async def test_the_request_is_twilios() -> None:
    outcome, [taken] = await send(SAID_YES)
    assert (taken.method, taken.path) == ("POST", "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json")
    assert taken.headers["Authorization"] == "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpzZXNhbWU="
    assert taken.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert taken.form == {
        "To": "+447700900123",
        "From": "+447700900999",
        "Body": "Your order is ready.",
        "StatusCallback": f"https://g.example.com/webhooks/twilio/{ACCOUNT}?part={PART}",
    }
    assert outcome == Accepted("SM" + "0" * 32)


async def test_a_messaging_service_stands_for_the_sender() -> None:
    _, [taken] = await send(SAID_YES, public_url="", messaging_service_sid="MG" + "1" * 32)
    assert taken.form == {"To": "+447700900123", "MessagingServiceSid": "MG" + "1" * 32, "Body": "Your order is ready."}


async def test_a_message_may_name_its_sender() -> None:
    _, [taken] = await send(SAID_YES, draft(sms=SmsOptions(sender="Northwind")))
    assert taken.form["From"] == "Northwind"
    _, [taken] = await send(SAID_YES, draft(sms=SmsOptions(sender="60123")))
    assert taken.form["From"] == "60123"


async def test_a_raw_body_is_twilios_own_parameters() -> None:
    given = draft(
        "", raw={"sms": {"To": "+15005550006", "ContentSid": "HX1", "MediaUrl": ["https://a.example/1", "https://a.example/2"]}}
    )
    _, [taken] = await send(SAID_YES, given, public_url="")
    assert taken.body == (
        b"To=%2B447700900123&From=%2B447700900999&ContentSid=HX1"
        b"&MediaUrl=https%3A%2F%2Fa.example%2F1&MediaUrl=https%3A%2F%2Fa.example%2F2"
    )


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_every_code_of_the_table_means_what_it_says(code: int) -> None:
    outcome, _ = await send(said_no(400, code))
    expected = ERRORS[code]
    assert (outcome.remedy, outcome.code, outcome.provider_code) == (expected.remedy, expected.code, str(code))
    assert outcome.ends_consent == (code == 21610)
    assert PHONE not in repr(outcome)


WHAT_THE_TABLE_MUST_SAY = {
    20003: Remedy.RECONNECT,
    20429: Remedy.WAIT,
    21211: Remedy.NEXT,
    21606: Remedy.RECONNECT,
    21610: Remedy.NEXT,
    21611: Remedy.WAIT,
    21614: Remedy.NEXT,
    21617: Remedy.STOP,
    30002: Remedy.RECONNECT,
    30003: Remedy.NEXT,
    30007: Remedy.STOP,
}


def test_the_table_says_what_the_issue_asks() -> None:
    assert {code: ERRORS[code].remedy for code in WHAT_THE_TABLE_MUST_SAY} == WHAT_THE_TABLE_MUST_SAY


@pytest.mark.parametrize(
    ("status", "code", "remedy", "word", "provider_code"),
    [
        (401, None, Remedy.RECONNECT, "bad_credentials", "401"),
        (403, None, Remedy.RECONNECT, "not_allowed", "403"),
        (404, None, Remedy.RECONNECT, "unknown_account", "404"),
        (429, None, Remedy.WAIT, "throttled", "429"),
        (400, 99999, Remedy.STOP, "refused", "99999"),
        (500, 20500, Remedy.LOST, "provider_failed", "500"),
        (503, None, Remedy.LOST, "provider_failed", "503"),
    ],
)
async def test_unknown_codes_go_by_the_status(status, code, remedy, word, provider_code) -> None:
    outcome, _ = await send(said_no(status, code))
    assert (outcome.remedy, outcome.code, outcome.provider_code) == (remedy, word, provider_code)
    assert status in BY_STATUS or status in (400, 500, 503)


async def test_a_limit_says_how_long_to_wait() -> None:
    outcome, _ = await send(said_no(429, 20429, **{"Retry-After": "7"}))
    assert outcome.retry_after == 7
    outcome, _ = await send(said_no(429, 20429, **{"Retry-After": "999999999"}))
    assert outcome.retry_after == 3600
    outcome, _ = await send(said_no(429, 20429, **{"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}))
    assert outcome.retry_after is None


async def test_a_text_that_failed_at_once_is_refused() -> None:
    told = {"sid": "SM1", "status": "failed", "error_code": 30005}
    outcome, _ = await send((201, {}, json.dumps(told).encode()))
    assert (outcome.remedy, outcome.code) == (Remedy.NEXT, "unknown_number")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sid": 7}'])
async def test_a_yes_that_cannot_be_read_is_a_yes_without_id(body: bytes) -> None:
    outcome, _ = await send((201, {}, body))
    assert outcome == Accepted(None)


async def test_a_broken_connection_leaves_it_unknown() -> None:
    outcome, taken = await send(None)
    assert (outcome.remedy, outcome.code, len(taken)) == (Remedy.LOST, "answer_lost", 1)


async def test_what_never_left_is_tried_again() -> None:
    http = Http(to_this_machine)
    channel = SmsChannel(http)
    [body] = channel.build(draft(), way())
    nobody = await channel.send(twilio("http://127.0.0.1:9"), call_of(body))
    private = await channel.send(twilio("http://10.0.0.1"), call_of(body))
    await http.close()
    assert (nobody.remedy, nobody.code) == (Remedy.RETRY, "no_connection")
    assert (private.remedy, private.code) == (Remedy.RECONNECT, "private_address")


async def test_a_slow_provider_leaves_it_unknown() -> None:
    async with play_provider(1.0) as provider:
        http = Http(to_this_machine, total=0.2)
        channel = SmsChannel(http)
        [body] = channel.build(draft(), way())
        outcome = await channel.send(twilio(provider.url), call_of(body))
        await http.close()
    assert (outcome.remedy, outcome.code, len(provider.taken)) == (Remedy.LOST, "timed_out", 1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {}, b'{"status": "active"}'), (True, "ok")),
        ((200, {}, b'{"status": "suspended"}'), (False, "account_inactive")),
        (said_no(401, 20003), (False, "bad_credentials")),
        (said_no(404, 20404), (False, "unknown_account")),
        (None, (False, "answer_lost")),
    ],
)
async def test_an_account_is_tried_without_sending(answer, expected) -> None:
    async with play_provider(answer) as provider:
        http = Http(to_this_machine)
        probe = await SmsChannel(http).probe(twilio(provider.url))
        await http.close()
    assert (probe.ok, probe.code) == expected
    assert [(each.method, each.path) for each in provider.taken] == [("GET", f"/2010-04-01/Accounts/{ACCOUNT_SID}.json")]


async def test_nothing_is_logged_of_numbers_texts_and_secrets() -> None:
    with capture_logs() as logged:
        outcome, _ = await send(said_no(400, 21211))
    assert logged == []
    assert not any(secret in repr(outcome) + repr(twilio()) for secret in (PHONE, "sesame", "order is ready"))
