"""Meta's webhook signature: HMAC-SHA256 over the raw bytes of the body, under the app's secret.

Source: fact page 8.1 (Meta, "Webhooks: getting started"). The body is signed with non-ASCII escaped, so only the raw bytes
verify; a body parsed and written anew does not. The signature holds no time: replay safety is our own deduplication.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

from guestlist.errors import NotAllowedError

HEADER = b"x-hub-signature-256"
_PREFIX = b"sha256="
_HEX_DIGITS = 64


class UnsignedError(NotAllowedError):
    """The webhook carries no X-Hub-Signature-256 header."""

    code = "webhook_unsigned"


class ForgedError(NotAllowedError):
    """The webhook's signature does not fit its body."""

    code = "webhook_forged"


def check_signature(header: bytes | None, body: bytes, secret: str) -> bytes:
    """The MAC of the body, proven: `header` (the value of X-Hub-Signature-256) signs exactly these bytes.

    Compared in constant time.
    Hex digits may be of either case. The older SHA-1 header is no substitute and is never looked at.
    Errors: UnsignedError without a header, ForgedError for one that is malformed or does not fit.
    """
    if header is None:
        raise UnsignedError
    expected = _sign(body, secret)
    if not hmac.compare_digest(_read_digest(header), expected):
        raise ForgedError
    return expected


def build_signature(body: bytes, secret: str) -> bytes:
    """The header's value for a body: what Meta sends."""
    return _PREFIX + _sign(body, secret).hex().encode()


def _sign(body: bytes, secret: str) -> bytes:
    keyed = _keyed(secret).copy()
    keyed.update(body)
    return keyed.digest()


@lru_cache(maxsize=64)
def _keyed(secret: str) -> hmac.HMAC:
    """HMAC with the key already worked in: preparing it costs more than signing a small body does."""
    return hmac.new(secret.encode(), digestmod="sha256")


def _read_digest(header: bytes) -> bytes:
    digits = header.removeprefix(_PREFIX)
    if len(digits) != _HEX_DIGITS or not header.startswith(_PREFIX):
        raise ForgedError
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise ForgedError from None
