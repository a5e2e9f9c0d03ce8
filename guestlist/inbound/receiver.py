"""The door for Meta's webhooks, as bare ASGI: verify the raw bytes, make them durable, answer. Thinking comes later.

The body is not parsed here: what is authentic is kept and answered 200 even if no parser of ours understands it, so Meta
never sees our bugs as failures and no event is lost to them. Anything but a durable store is answered 503, and Meta retries.
"""

from __future__ import annotations

import re

import structlog
from starlette.types import Receive, Scope, Send

from guestlist.inbound import answers
from guestlist.inbound.answers import Answer
from guestlist.inbound.base import Inbox, Secrets
from guestlist.inbound.bodies import BodyTooLargeError, ClientGoneError, read_body
from guestlist.inbound.deadlines import Deadlines
from guestlist.inbound.handshake import HandshakeError, check_handshake
from guestlist.inbound.signature import HEADER, ForgedError, UnsignedError, check_signature

PROVIDER = "meta"
MAX_BYTES = 4 * 1024 * 1024
"""Room for 1,000 changes, the most Meta batches, with long escaped texts."""

_PATH = re.compile(r"/webhooks/meta(?:/([0-9]{1,32}))?", re.ASCII)
_log = structlog.get_logger("guestlist.inbound")


class MetaReceiver:
    """ASGI app for `/webhooks/meta` and `/webhooks/meta/{app_id}`: the handshake by GET, events by POST.

    `max_bytes` caps a body, `seconds` the time it may take to arrive. Webhooks of the installation's own app are stored
    under the app id "".
    """

    def __init__(self, inbox: Inbox, secrets: Secrets, *, max_bytes: int = MAX_BYTES, seconds: float = 20.0) -> None:
        self._inbox = inbox
        self._secrets = secrets
        self._max_bytes = max_bytes
        self._deadlines = Deadlines(seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            answer = answers.UNKNOWN_PATH
        elif scope["method"] == "POST":
            try:
                answer = await self._take_events(scope, receive, path[1])
            except ClientGoneError:
                _log.info("webhook_abandoned", provider=PROVIDER)
                return
        elif scope["method"] == "GET":
            answer = self._shake_hands(scope, path[1])
        else:
            answer = answers.WRONG_METHOD
        await answer.send(send)

    def _shake_hands(self, scope: Scope, app_id: str | None) -> Answer:
        verify_token = self._secrets.verify_token(PROVIDER, app_id)
        if not verify_token:  # an empty token must not be one that anybody can show
            return answers.UNKNOWN_APP
        try:
            return answers.build_text(check_handshake(scope["query_string"], verify_token))
        except HandshakeError as error:
            _log.warning("webhook_refused", provider=PROVIDER, code=error.code)
            return answers.BAD_HANDSHAKE

    async def _take_events(self, scope: Scope, receive: Receive, app_id: str | None) -> Answer:
        secret = self._secrets.signing_secret(PROVIDER, app_id)
        if not secret:
            return answers.UNKNOWN_APP
        signature, declared = _read_headers(scope)
        try:
            if declared > self._max_bytes:
                raise BodyTooLargeError
            body = await self._deadlines.hold(read_body(receive, self._max_bytes))
            mac = check_signature(signature, body, secret)
        except (UnsignedError, ForgedError) as error:
            _log.warning("webhook_refused", provider=PROVIDER, code=error.code)
            return answers.UNSIGNED if isinstance(error, UnsignedError) else answers.FORGED
        except BodyTooLargeError:
            _log.warning("webhook_refused", provider=PROVIDER, code="body_too_large")
            return answers.TOO_LARGE
        except TimeoutError:
            return answers.TOO_SLOW
        return await self._store(app_id or "", body, mac)

    async def _store(self, app_id: str, body: bytes, mac: bytes) -> Answer:
        try:
            await self._inbox.store(PROVIDER, app_id, body, mac)
        except Exception as error:
            # The boundary: whatever failed, the body is not known to be durable. Only the error's kind is logged, for a
            # database error's own text may quote the body.
            _log.error("webhook_not_stored", provider=PROVIDER, error=type(error).__name__)
            return answers.UNAVAILABLE
        return answers.ACCEPTED


def _read_headers(scope: Scope) -> tuple[bytes | None, int]:
    """The signature and the declared length (0 when absent or no number: the body is counted as it comes, too)."""
    signature: bytes | None = None
    declared = 0
    for name, value in scope["headers"]:
        if name == HEADER:
            signature = value if signature is None else b""  # two of them are no signature
        elif name == b"content-length" and value.isdigit():
            declared = int(value[:20])
    return signature, declared
