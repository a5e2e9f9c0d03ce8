"""A sandbox for SMS in Twilio's shape: takes texts, shows them, reports them sent and delivered, and lets phones answer.

Source: twilio.com/docs/messaging/api/message-resource and /docs/usage/webhooks/webhooks-security, read 2026-11.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import aiohttp
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .people import phone_digits

if TYPE_CHECKING:
    from .emulator import Emulator

ACCOUNT_SID = "AC00000000000000000000000000000061"
AUTH_TOKEN = "emulator-text-token"  # noqa: S105 - documented, made up
NUMBER = "15550100061"
MOST_BODY = 1600
MOST_BYTES = 100_000
KEPT = 1000
DELIVERY_SECONDS = 3.0  # emulated
ANSWER_SECONDS = 15.0
TRIES = 3  # of a callback; Twilio itself repeats only what could not connect
ROOT = "/2010-04-01/Accounts"


@dataclass(slots=True)
class Text:
    """One text, to a phone or from it. Numbers are digits; a sender may be a name. `at`: unix seconds, emulated."""

    sid: str
    by: Literal["business", "person"]
    phone: str
    sender: str
    body: str
    at: float
    status: str
    callback: str = ""
    media: tuple[str, ...] = ()
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # its callbacks go one after the other


class Texts:
    """All texts of one emulator. Needs a running event loop."""

    def __init__(self, emulator: Emulator) -> None:
        self.all: deque[Text] = deque(maxlen=KEPT)
        self.inbound_url = ""
        self._emulator = emulator
        self._calls: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def unfinished(self) -> int:
        """Callbacks on the wire or waiting for another try."""
        return len(self._calls)

    def take(self, text: Text) -> None:
        """A text of the business: sent at once, delivered soon."""
        self.all.append(text)
        now = self._emulator.clock.now()
        self._emulator.later(now, lambda at: self._report(text, "sent"))
        self._emulator.later(now + DELIVERY_SECONDS, lambda at: self._report(text, "delivered"))

    def say(self, phone: str, sender: str, body: str) -> Text:
        """A person texts the business: posted to the inbound URL, where one is set."""
        text = Text(new_sid(), "person", phone, sender, body, self._emulator.clock.now(), "received")
        self.all.append(text)
        if self.inbound_url:
            form = {"SmsMessageSid": text.sid, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "Body": body}
            self._post(text, self.inbound_url, {**_names(text, sender=f"+{phone}", to=_dial(sender)), **form})
        return text

    async def close(self) -> None:
        for task in list(self._calls):
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _report(self, text: Text, status: str) -> None:
        text.status = status
        if text.callback:
            form = {"MessageStatus": status, "SmsStatus": status}
            self._post(text, text.callback, {**_names(text, sender=_dial(text.sender), to=f"+{text.phone}"), **form})

    def _post(self, text: Text, url: str, form: Mapping[str, str]) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(text, url, form))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _deliver(self, text: Text, url: str, form: Mapping[str, str]) -> None:
        async with text.turn:
            await self._try(url, form)

    async def _try(self, url: str, form: Mapping[str, str]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        headers = {"X-Twilio-Signature": sign(url, form)}
        for number in range(TRIES):
            await asyncio.sleep(0.5 * number)
            try:
                async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
                    await answer.content.read(65536)
                    if answer.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError, ValueError):
                continue


def sign(url: str, form: Mapping[str, str]) -> str:
    """`X-Twilio-Signature`: HMAC-SHA1 over the URL and the fields in the order of their names, base64."""
    content = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(AUTH_TOKEN.encode(), content.encode(), hashlib.sha1).digest()).decode()


def new_sid() -> str:
    return f"SM{random.getrandbits(128):032x}"


def _names(text: Text, *, sender: str, to: str) -> dict[str, str]:
    return {
        "AccountSid": ACCOUNT_SID,
        "MessageSid": text.sid,
        "SmsSid": text.sid,
        "From": sender,
        "To": to,
        "ApiVersion": "2010-04-01",
    }


def _dial(sender: str) -> str:
    return f"+{sender}" if sender.isdigit() else sender


# -- the REST API ---------------------------------------------------------------------------------------------------


class _Refusal(Exception):
    """An answer in Twilio's error shape."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def build_texts(emulator: Emulator) -> Starlette:
    """The ASGI app of `/2010-04-01/Accounts`."""

    async def create(request: Request) -> Response:
        try:
            _check_caller(request)
            text = _read_text(emulator, await _read_form(request))
        except _Refusal as refusal:
            return _refuse(refusal)
        emulator.texts.take(text)
        return _json(_show(text), 201)

    async def read_account(request: Request) -> Response:
        try:
            _check_caller(request)
        except _Refusal as refusal:
            return _refuse(refusal)
        return _json({"sid": ACCOUNT_SID, "friendly_name": "Emulator", "status": "active", "type": "Full"}, 200)

    routes = [
        Route(f"{ROOT}/{{sid}}/Messages.json", create, methods=["POST"]),
        Route(f"{ROOT}/{{sid}}.json", read_account),
    ]
    return Starlette(routes=routes)


def _check_caller(request: Request) -> None:
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    expected = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    known = request.path_params["sid"] == ACCOUNT_SID
    if not (known and scheme.lower() == "basic" and hmac.compare_digest(pair.strip().encode(), expected.encode())):
        raise _Refusal(401, 20003, "Authenticate")


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _Refusal(413, 20001, "The request is too large")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise _Refusal(400, 20001, "The body is not a form") from None


def _read_text(emulator: Emulator, form: Mapping[str, str]) -> Text:
    to, sender, body, callback = (form.get(name, "") for name in ("To", "From", "Body", "StatusCallback"))
    if not to:
        raise _Refusal(400, 21604, "A 'To' phone number is required.")
    phone = phone_digits(to) if to.startswith("+") else None
    if phone is None:
        raise _Refusal(400, 21211, "The 'To' number is not a valid phone number.")
    if not sender and not form.get("MessagingServiceSid"):
        raise _Refusal(400, 21603, "A 'From' phone number is required.")
    media = (form["MediaUrl"],) if form.get("MediaUrl") else ()
    if not body and not media:
        raise _Refusal(400, 21602, "Message body is required.")
    if len(body) > MOST_BODY:
        raise _Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if callback and not callback.startswith(("http://", "https://")):
        raise _Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
    bare = sender.removeprefix("+") if sender[1:].isdigit() else sender
    return Text(new_sid(), "business", phone, bare or NUMBER, body, emulator.clock.now(), "queued", callback, media)


def _show(text: Text) -> dict[str, Any]:
    moment = format_datetime(datetime.fromtimestamp(text.at, UTC))
    return {
        "sid": text.sid,
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "to": f"+{text.phone}",
        "from": _dial(text.sender),
        "body": text.body,
        "status": text.status,
        "direction": "outbound-api",
        "num_segments": "1",
        "num_media": str(len(text.media)),
        "messaging_service_sid": None,
        "error_code": None,
        "error_message": None,
        "price": None,
        "price_unit": "USD",
        "date_created": moment,
        "date_updated": moment,
        "date_sent": None,
        "uri": f"{ROOT}/{ACCOUNT_SID}/Messages/{text.sid}.json",
    }


def _refuse(refusal: _Refusal) -> Response:
    more = f"https://www.twilio.com/docs/errors/{refusal.code}"
    told = {"code": refusal.code, "message": refusal.message, "more_info": more, "status": refusal.status}
    return _json(told, refusal.status)


def _json(value: object, status: int) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
