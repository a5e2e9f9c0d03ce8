"""The door for the webhooks of SMS and e-mail accounts, as bare ASGI: prove, make durable, answer. Thinking comes later.

Each address names the account (`/webhooks/twilio/acc_…`) and is proven by that account's own secret: Twilio signs, Kannel and
mail relays show a token. What cannot be proven changes nothing, and learns no more than that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Protocol
from urllib.parse import parse_qs, parse_qsl, urlsplit

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from guestlist.inbound import answers
from guestlist.inbound.answers import Answer
from guestlist.inbound.base import Inbox
from guestlist.inbound.bodies import BodyTooLargeError, ClientGoneError, read_body
from guestlist.inbound.deadlines import Deadlines

MAX_BYTES = 1024 * 1024
_PATH = re.compile(r"/webhooks/(twilio|kannel|mail)/(acc_[0-9a-z]{1,40})", re.ASCII)
_METHODS = {"twilio": "POST", "kannel": "GET", "mail": "POST"}
_MOST_FIELDS = 500
_log = structlog.get_logger("guestlist.inbound")

TWIML = Answer(200, b"<Response/>", ((b"content-type", b"text/xml"), (b"content-length", b"11")))
"""Twilio takes the answer to an incoming message for a reply: this one says nothing."""

REFUSED = answers.build_problem(
    403, "webhook_forged", "The webhook is not proven to be the provider's.", "Check the address, the token and the public URL."
)
WRONG_METHOD = answers.build_problem(
    405, "wrong_method", "This address takes another method.", "Twilio and mail relays use POST here, Kannel GET."
)


class AccountSecrets(Protocol):
    """What the webhooks of an account are proven with."""

    async def find_secret(self, provider: str, account_id: str) -> str | None:
        """Twilio's auth token, else the account's webhook token; None where there is no such account of this provider."""
        ...


class AccountReceiver:
    """ASGI app for `/webhooks/{twilio,kannel,mail}/{account}`; anything else goes to `otherwise`.

    `public_url` is where providers reach us, which is what Twilio signs; "" = the address as it came.
    """

    def __init__(
        self,
        inbox: Inbox,
        secrets: AccountSecrets,
        *,
        otherwise: ASGIApp,
        public_url: str = "",
        max_bytes: int = MAX_BYTES,
        seconds: float = 20.0,
    ) -> None:
        self._inbox = inbox
        self._secrets = secrets
        self._otherwise = otherwise
        self._public_url = public_url
        self._max_bytes = max_bytes
        self._deadlines = Deadlines(seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            await self._otherwise(scope, receive, send)
            return
        provider, account_id = path[1], path[2]
        if scope["method"] != _METHODS[provider]:
            answer = WRONG_METHOD
        else:
            try:
                body = await self._deadlines.hold(read_body(receive, self._max_bytes))
                answer = await self._take(scope, provider, account_id, body)
            except ClientGoneError:
                _log.info("webhook_abandoned", provider=provider)
                return
            except BodyTooLargeError:
                answer = answers.TOO_LARGE
            except TimeoutError:
                answer = answers.TOO_SLOW
        await answer.send(send)

    async def _take(self, scope: Scope, provider: str, account_id: str, body: bytes) -> Answer:
        try:
            secret = await self._secrets.find_secret(provider, account_id)
            if not secret or (mac := self._prove(scope, provider, body, secret)) is None:
                _log.warning("webhook_refused", provider=provider, code="webhook_forged")
                return REFUSED
            await self._inbox.store(provider, account_id, _kept(scope, provider, body), mac)
        except Exception as error:
            # The boundary: whatever failed, the body is not known to be durable. Only the error's kind is logged.
            _log.error("webhook_not_stored", provider=provider, error=type(error).__name__)
            return answers.UNAVAILABLE
        return TWIML if provider == "twilio" else answers.ACCEPTED

    def _prove(self, scope: Scope, provider: str, body: bytes, secret: str) -> bytes | None:
        """What tells doubles of a proven webhook; None for one that is not proven."""
        query = scope["query_string"]
        if provider == "twilio":
            signature = _header(scope, b"x-twilio-signature")
            return check_twilio_signature(signature, self._url(scope), body, secret)
        shown = _header(scope, b"authorization").removeprefix(b"Bearer ") or _token(query)
        if not hmac.compare_digest(shown, secret.encode()):
            return None
        return hashlib.sha256(query + b"\n" + body).digest()

    def _url(self, scope: Scope) -> str:
        base = self._public_url or f"{scope.get('scheme', 'http')}://{_header(scope, b'host').decode('latin-1')}"
        query = scope["query_string"].decode("latin-1")
        return f"{base}{scope['path']}{f'?{query}' if query else ''}"


def check_twilio_signature(signature: bytes, url: str, body: bytes, auth_token: str) -> bytes | None:
    """The MAC of a form that Twilio signed; None where the signature does not fit.

    Shape: base64 of HMAC-SHA1, under the auth token, over the URL and each name and value of the form, sorted by name. Twilio
    signs the URL with or without a standard port, so both are tried. Source: twilio.com/docs/usage/security, read 2026-11.
    """
    try:
        shown = base64.b64decode(signature, validate=True)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        addresses = _spellings(url)
    except (binascii.Error, ValueError):
        return None
    signed = "".join(name + value for name, value in sorted(set(pairs)))
    fits = False
    mac = b""
    for address in addresses:
        mac = hmac.new(auth_token.encode(), (address + signed).encode("utf-8", "surrogateescape"), "sha1").digest()
        if hmac.compare_digest(mac, shown):
            fits = True
            break
    return mac if fits else None


def _spellings(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    if parts.port is not None:
        return url, url.replace(f":{parts.port}", "", 1)
    port = 443 if parts.scheme == "https" else 80
    return url, url.replace(parts.netloc, f"{parts.netloc}:{port}", 1)


def _kept(scope: Scope, provider: str, body: bytes) -> bytes:
    """What is stored: the body as it came; with the query, which was proven along, where that says something."""
    query: bytes = scope["query_string"]
    if provider == "kannel":
        return b"&".join(each for each in query.split(b"&") if not each.startswith(b"token="))
    return body + b"&" + query if provider == "twilio" and query else body


def _token(query: bytes) -> bytes:
    try:
        found = parse_qs(query.decode("ascii"), max_num_fields=_MOST_FIELDS).get("token", [])
    except ValueError:
        return b""
    return found[0].encode() if len(found) == 1 else b""


def _header(scope: Scope, name: bytes) -> bytes:
    found = [value for each, value in scope["headers"] if each == name]
    return found[0] if len(found) == 1 else b""
