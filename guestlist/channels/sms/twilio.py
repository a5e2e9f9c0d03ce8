"""Twilio's REST API, and everything that speaks its shape: one POST a text, Basic authentication, a SID in the answer.

Source: twilio.com/docs/messaging/api/message-resource, read 2026-11. The part's id goes along in the query of the callback
address, which Twilio signs: a status callback settles a text whose answer was lost.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from guestlist.channels.base import Accepted, PartCall, Probe, Refused, Remedy, Sender
from guestlist.channels.http import Http, HttpAnswer, HttpFailure, HttpRequest

from .gateway import dial, lose, probe_failure, refuse_failure, retry_after
from .twilio_errors import TwilioError, judge

BASE_URL = "https://api.twilio.com"
_ENDED = ("failed", "undelivered", "canceled")
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Twilio:
    """Implements `Gateway`.

    Account: config `account_sid`, `messaging_service_sid` (instead of a sender), `base_url`; secret `auth_token`.
    """

    def __init__(self, http: Http, public_url: str = "") -> None:
        self._http = http
        self._public_url = public_url

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """`POST /2010-04-01/Accounts/{Sid}/Messages.json`."""
        body = urlencode(self.build_form(sender, call), doseq=True).encode()
        url = f"{_account_url(sender)}/Messages.json"
        answer = await self._http.send(HttpRequest("POST", url, {**_FORM, **_authorization(sender)}, body))
        return refuse_failure(answer) if isinstance(answer, HttpFailure) else translate(answer)

    def build_form(self, sender: Sender, call: PartCall) -> dict[str, Any]:
        """The form's fields. A raw body's own go before ours, but for the receiver."""
        body, config = call.body, sender.config
        form: dict[str, Any] = {"To": dial(body["to"])}
        if service := config.get("messaging_service_sid"):
            form["MessagingServiceSid"] = service
        if body.get("sender") or not service:
            form["From"] = dial(body.get("sender", "").removeprefix("+") or sender.sender)
        if self._public_url:
            form["StatusCallback"] = f"{self._public_url}/webhooks/twilio/{sender.account_id}?{urlencode({'part': call.part_id})}"
        own = dict(body["raw"]) if "raw" in body else {"Body": body["text"]}
        return {**form, **own, "To": form["To"]}  # whom it goes to was decided, and may not be changed

    async def probe(self, sender: Sender) -> Probe:
        """Reads the account: are the credentials right, is it active?"""
        answer = await self._http.send(HttpRequest("GET", f"{_account_url(sender)}.json", _authorization(sender)))
        if isinstance(answer, HttpFailure):
            return probe_failure(answer)
        told = _parse(answer)
        if answer.status != 200:
            error = judge(answer.status, _code(told.get("code")))
            return Probe(False, error.code, error.sentence)
        if told.get("status") not in (None, "active"):
            return Probe(False, "account_inactive", "The Twilio account is not active.")
        return Probe(True, "ok", "Twilio knows the account and its token.")


def translate(answer: HttpAnswer) -> Accepted | Refused:
    """Twilio's answer. Its own sentences are left out: they quote the number."""
    told = _parse(answer)
    if 200 <= answer.status < 300:
        code = _code(told.get("error_code"))
        if code is not None and told.get("status") in _ENDED:
            return _refuse(judge(400, code), str(code), answer)
        return Accepted(sid if isinstance(sid := told.get("sid"), str) and sid else None)
    if answer.status >= 500:
        return lose(answer)
    code = _code(told.get("code"))
    return _refuse(judge(answer.status, code), str(code or answer.status), answer)


def _refuse(error: TwilioError, provider_code: str, answer: HttpAnswer) -> Refused:
    pause = retry_after(answer) if error.remedy is Remedy.WAIT else None
    return Refused(error.remedy, error.code, provider_code, error.sentence, retry_after=pause, ends_consent=error.ends_consent)


def _account_url(sender: Sender) -> str:
    return f"{sender.config.get('base_url') or BASE_URL}/2010-04-01/Accounts/{sender.config['account_sid']}"


def _authorization(sender: Sender) -> Mapping[str, str]:
    pair = f"{sender.config['account_sid']}:{sender.secret['auth_token']}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _parse(answer: HttpAnswer) -> Mapping[str, Any]:
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
