"""Secrets at rest: AES-256-GCM under the installation's key, bound to the place they belong to."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestlist.errors import ConfigurationError

VERSION = b"\x01"
NONCE_BYTES = 12


class SealedVault:
    """Implements actions.base.Vault. A sealed value is: version, nonce, ciphertext with its tag."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, place: str) -> bytes:
        """The sealed form; `place` (table, id, column) is authenticated, so that it opens nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The secret. Errors: ConfigurationError `wrong_key`."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != VERSION or len(sealed) <= 1 + NONCE_BYTES:
                raise InvalidTag
            return self._cipher.decrypt(nonce, bytes(body), place.encode()).decode()
        except InvalidTag:
            raise ConfigurationError(
                "A stored secret does not open: the key is not the one it was sealed with.",
                code="wrong_key",
                remedy="Put back the secret.key of this data folder (or GUESTLIST_SECRET_KEY), or connect the Page again.",
            ) from None
