"""Twilio's error codes, and what each asks for. One table, for answers and for status callbacks.

Source: Twilio's error and warning dictionary (twilio.com/docs/api/errors), and its changelog of 10 July 2024, which split the
number errors into finer ones. Codes that are not here are judged by the HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestlist.channels.base import Remedy


@dataclass(frozen=True, slots=True)
class TwilioError:
    """What a code means to us."""

    remedy: Remedy
    code: str  # our word
    sentence: str
    ends_consent: bool = False


def _next(code: str, sentence: str) -> TwilioError:
    return TwilioError(Remedy.NEXT, code, sentence)


def _stop(code: str, sentence: str) -> TwilioError:
    return TwilioError(Remedy.STOP, code, sentence)


def _mend(code: str, sentence: str) -> TwilioError:
    return TwilioError(Remedy.RECONNECT, code, sentence)


def _wait(code: str, sentence: str) -> TwilioError:
    return TwilioError(Remedy.WAIT, code, sentence)


ERRORS: Mapping[int, TwilioError] = {
    14107: _wait("throttled", "Twilio limits how fast this number may send."),
    20003: _mend("bad_credentials", "Twilio does not know these credentials."),
    20005: _mend("account_inactive", "The Twilio account is not active."),
    20404: _mend("unknown_account", "Twilio does not know this account SID."),
    20429: _wait("throttled", "Twilio takes no more requests just now."),
    21211: _next("invalid_number", "Twilio says this is no phone number."),
    21212: _mend("bad_sender", "Twilio says the sender is no phone number."),
    21217: _next("invalid_number", "Twilio says this phone number does not look valid."),
    21265: _next("invalid_number", "A short code cannot be sent to."),
    21266: _next("invalid_number", "Sender and receiver are the same number."),
    21267: _mend("bad_sender", "A trial account cannot send under a name."),
    21408: _next("region_not_enabled", "The Twilio account may not send to this country."),
    21602: _stop("missing_text", "Twilio wants a text."),
    21603: _mend("bad_sender", "The account has neither a sender nor a messaging service."),
    21606: _mend("bad_sender", "The sender is not a number of this Twilio account that can send SMS."),
    21608: _next("unverified_number", "A Twilio trial account sends only to numbers it has verified."),
    21609: _mend("bad_callback", "Twilio does not take our callback address: check GUESTLIST_PUBLIC_URL."),
    21610: TwilioError(Remedy.NEXT, "opted_out", "The person stopped messages from this sender at Twilio.", ends_consent=True),
    21611: _wait("queue_full", "The sender's queue at Twilio is full."),
    21612: _next("unreachable", "Twilio has no way from this sender to this number."),
    21614: _next("not_mobile", "This is not a mobile number."),
    21617: _stop("too_long", "The text has more than Twilio's 1,600 characters."),
    21619: _stop("missing_text", "Twilio wants a text or a file."),
    21620: _stop("bad_media", "Twilio does not take the file's URL."),
    21635: _next("landline", "This is a landline."),
    21654: _stop("bad_template", "Twilio does not know this content template."),
    21659: _mend("bad_sender", "The sender is not a Twilio number."),
    21660: _mend("bad_sender", "The sender belongs to another Twilio account."),
    21661: _mend("bad_sender", "The sender cannot send SMS."),
    21703: _mend("bad_sender", "The messaging service has no sender."),
    21704: _mend("bad_sender", "The messaging service has no sender for this country."),
    21705: _mend("bad_sender", "Twilio does not know this messaging service."),
    30001: _wait("queue_full", "The sender's queue at Twilio overflowed."),
    30002: _mend("account_suspended", "The Twilio account is suspended."),
    30003: _next("unreachable", "The phone is off or out of reach."),
    30004: _next("blocked", "The number or its carrier blocks this sender."),
    30005: _next("unknown_number", "The number is not in use."),
    30006: _next("landline", "The number is a landline, or its carrier takes no SMS."),
    30007: _stop("filtered", "The carrier filtered the text as spam or as not allowed."),
    30008: _next("undelivered", "The carrier did not say why the text was not delivered."),
    30010: _stop("too_dear", "The text costs more than the price limit set for it."),
    30017: _wait("throttled", "The carrier is congested."),
    30022: _wait("throttled", "The carrier's limit for this sender is reached."),
    30023: _wait("throttled", "The carrier's daily limit for this sender is reached."),
    30034: _mend("unregistered_sender", "The number is not registered for business messages in the United States."),
    30410: _next("undelivered", "The carrier did not answer Twilio in time."),
    30453: _next("undelivered", "The carrier could not deliver the text."),
}
"""By Twilio's number."""

BY_STATUS: Mapping[int, TwilioError] = {
    401: ERRORS[20003],
    403: _mend("not_allowed", "The Twilio credentials may not send messages."),
    404: ERRORS[20404],
    429: ERRORS[20429],
}
"""By the HTTP status, where the code says nothing to us."""

OTHER = _stop("refused", "Twilio refused the text.")


def judge(status: int, code: int | None) -> TwilioError:
    """What a refusal asks for."""
    return ERRORS.get(code or 0) or BY_STATUS.get(status) or OTHER
