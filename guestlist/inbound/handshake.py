"""Meta's handshake: before it sends anything, Meta asks the callback address to show that it knows the verify token.

Source: fact page 8.1. `GET …?hub.mode=subscribe&hub.verify_token=<ours>&hub.challenge=<int>` is answered with the challenge.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from guestlist.errors import NotAllowedError

_MAX_QUERY = 2048
_MAX_CHALLENGE = 64


class HandshakeError(NotAllowedError):
    """The handshake's mode, verify token or challenge is not what it must be."""

    code = "webhook_handshake"


def check_handshake(query: bytes, verify_token: str) -> bytes:
    """The challenge to answer with, as raw bytes.

    Shape: digits only, at most 64, so that nobody can make this address say anything else.

    Errors: HandshakeError for another mode, a wrong or doubled token, or a challenge that is no number.
    """
    if len(query) > _MAX_QUERY:
        raise HandshakeError
    try:
        fields = parse_qs(query.decode("ascii"), strict_parsing=True, max_num_fields=16)
    except ValueError:
        raise HandshakeError from None
    mode, token, challenge = (_single(fields, f"hub.{name}") for name in ("mode", "verify_token", "challenge"))
    if not hmac.compare_digest(token.encode(), verify_token.encode()) or mode != "subscribe":
        raise HandshakeError
    if not (challenge.isascii() and challenge.isdigit() and len(challenge) <= _MAX_CHALLENGE):
        raise HandshakeError
    return challenge.encode()


def _single(fields: dict[str, list[str]], name: str) -> str:
    values = fields.get(name, [])
    if len(values) != 1:
        raise HandshakeError
    return values[0]
