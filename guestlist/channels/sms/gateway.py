"""The contract of an SMS provider, and what all of them share."""

from __future__ import annotations

from typing import Protocol

from guestlist.channels.base import Accepted, PartCall, Probe, Refused, Remedy, Sender
from guestlist.channels.http import HttpAnswer, HttpFailure

LONGEST_WAIT = 3600.0
"""Seconds: a provider that asks for more is asked again after this."""


class Gateway(Protocol):
    """One provider. `send` never raises; the call's body is `SmsChannel.build`'s."""

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """One text to one number."""
        ...

    async def probe(self, sender: Sender) -> Probe:
        """Whether the account works, as far as can be told without sending."""
        ...


MENDED_BY_A_PERSON = frozenset({"private_address", "bad_url", "bad_certificate"})


def refuse_failure(failure: HttpFailure) -> Refused:
    """No answer: nobody knows where the request may have arrived, else it is repeated, or waits for who can mend the account."""
    if failure.left:
        return Refused(Remedy.LOST, failure.code, "", failure.sentence)
    if failure.code == "bad_request":
        return Refused(Remedy.STOP, failure.code, "", failure.sentence)
    remedy = Remedy.RECONNECT if failure.code in MENDED_BY_A_PERSON else Remedy.RETRY
    return Refused(remedy, failure.code, "", failure.sentence)


def probe_failure(failure: HttpFailure) -> Probe:
    """The same where nothing was to be sent."""
    return Probe(False, failure.code, failure.sentence)


def lose(answer: HttpAnswer) -> Refused:
    """An answer that leaves open whether the text went out."""
    return Refused(
        Remedy.LOST, "provider_failed", str(answer.status), "The provider failed; whether it took the text is not known."
    )


def retry_after(answer: HttpAnswer) -> float | None:
    """Seconds that the provider asks us to wait; None where it does not say it in seconds."""
    value = answer.headers.get("retry-after", "").strip()
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdigit() else None


def dial(number: str) -> str:
    """A sender or receiver as E.164: digits of seven and more get their plus, short codes and names stay as they are."""
    return f"+{number}" if number.isascii() and number.isdigit() and len(number) > 6 else number
