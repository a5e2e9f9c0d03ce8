"""Signatures: Standard Webhooks for our own endpoints, HMAC-SHA1 as Comapi and Amio put it (fact pages 2.9, 3.7), or none."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32
FEWEST_BYTES, MOST_BYTES = 24, 64
"""Standard Webhooks: a symmetric secret has 24 to 64 bytes."""


class StandardSigner:
    """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`; one signature for each secret in force."""

    def sign(self, webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
        """The three headers."""
        text = body.decode()
        signatures = [Webhook(secret).sign(webhook_id, at, text) for secret in secrets]
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def new_secret(self) -> str:
        """`whsec_` and 32 random bytes in base64."""
        return PREFIX + base64.b64encode(random_secrets.token_bytes(SECRET_BYTES)).decode()

    def check_secret(self, secret: str) -> None:
        """Errors: ValueError unless it is `whsec_` and 24 to 64 bytes in base64."""
        try:
            size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if not secret.startswith(PREFIX) or not FEWEST_BYTES <= size <= MOST_BYTES:
            raise ValueError(f"must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64")


class HmacSigner:
    """A vendor's one header: HMAC-SHA1 of the body in lower-case hex, after a prefix. Signed with the newest secret alone."""

    def __init__(self, header: str, *, prefix: str = "", shortest: int = 1) -> None:
        self._header = header
        self._prefix = prefix
        self._shortest = shortest

    def sign(self, webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
        """The header; none where the endpoint has no secret."""
        if not secrets:
            return {}
        return {self._header: self._prefix + hmac.new(secrets[0].encode(), body, hashlib.sha1).hexdigest()}

    def new_secret(self) -> str:
        """Forty random hex digits."""
        return random_secrets.token_hex(20)

    def check_secret(self, secret: str) -> None:
        """Errors: ValueError where it is too short."""
        if secret and len(secret) < self._shortest:
            raise ValueError(f"must have at least {self._shortest} characters")


class Unsigned:
    """No signature: the vendor documents none."""

    def sign(self, webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def new_secret(self) -> str:
        """There is none."""
        return ""

    def check_secret(self, secret: str) -> None:
        """Errors: ValueError for any secret: it would do nothing."""
        if secret:
            raise ValueError("must be empty: this dialect signs nothing, so put what is secret into the URL")
