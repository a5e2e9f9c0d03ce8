"""Signatures, against the standard's own library and the fact page's test vectors (7)."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from guestlist.outbound.base import Schedule
from guestlist.outbound.dialects import AMIO_SCHEDULE, COMAPI_SCHEDULE, GUPSHUP_SCHEDULE, NATIVE_SCHEDULE
from guestlist.outbound.signing import HmacSigner, StandardSigner, Unsigned

BODY = '{"body":"Příliš ✓"}'.encode()
VECTORS = [
    (b'{"eventId":"e-1","name":"message.delivered"}', "72df085957e98ac431868c7f1e1c5076662da964"),
    (b'{"event":"opt_in","timestamp":"2024-01-02T03:04:05Z","data":{}}', "0a4f6be0d2a3652facc2c18a96e0508a1eb48c65"),
    (BODY, "d0de5b2089dc016b3af5e6844bfbd16cccbacd80"),
]


def test_the_standards_own_library_agrees():
    signer = StandardSigner()
    secret = signer.new_secret()
    headers = signer.sign("evt_1", datetime.now(UTC), BODY, [secret])
    assert Webhook(secret).verify(BODY, dict(headers)) == {"body": "Příliš ✓"}
    with pytest.raises(WebhookVerificationError):
        Webhook(signer.new_secret()).verify(BODY, dict(headers))


def test_an_old_request_cannot_be_replayed():
    signer = StandardSigner()
    secret = signer.new_secret()
    headers = signer.sign("evt_1", datetime.now(UTC) - timedelta(minutes=6), BODY, [secret])
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, dict(headers))


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "0123456789abcdef0123456789abcdef", "whsec_" + "A" * 200, "whsec_!!!!"]
)
def test_a_weak_secret_is_refused(secret):
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        StandardSigner().check_secret(secret)


@pytest.mark.parametrize(("body", "expected"), VECTORS)
@pytest.mark.parametrize(("header", "prefix"), [("X-Comapi-Signature", ""), ("X-Hub-Signature", "sha1=")])
def test_the_vendors_signatures_are_as_the_fact_page_has_them(body, expected, header, prefix):
    signer = HmacSigner(header, prefix=prefix)
    assert signer.sign("evt_1", datetime.now(UTC), body, ["0123456789abcdef"]) == {header: prefix + expected}


def test_no_secret_no_signature():
    assert HmacSigner("X-Hub-Signature").sign("evt_1", datetime.now(UTC), BODY, []) == {}
    assert Unsigned().sign("evt_1", datetime.now(UTC), BODY, []) == {}
    with pytest.raises(ValueError, match="signs nothing"):
        Unsigned().check_secret("anything")


def test_our_schedule_has_ten_tries_over_seventy_five_hours():
    assert len(NATIVE_SCHEDULE.pauses) + 1 >= 10
    assert sum(NATIVE_SCHEDULE.pauses) >= 75 * 3600


def test_the_vendors_pauses_are_as_the_fact_page_has_them():
    assert COMAPI_SCHEDULE.pauses == (5, 5, 30, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 14400, 14400, 14400, 14400)
    assert AMIO_SCHEDULE.pauses == (60, 300, 1200, 3600, 10800, 28800)
    assert COMAPI_SCHEDULE.decide_pause(1, 400, 0.5) is None
    assert AMIO_SCHEDULE.decide_pause(1, 400, 0.5) == 60
    assert GUPSHUP_SCHEDULE.decide_pause(1, 404, 0.5) is None
    assert GUPSHUP_SCHEDULE.decide_pause(1, 0, 0.5) == 5


def test_a_schedule_ends_after_its_last_pause():
    schedule = Schedule((1, 2), jitter=0.5)
    assert [schedule.decide_pause(failures, 500, 1.0) for failures in (1, 2, 3)] == [1.5, 3.0, None]
