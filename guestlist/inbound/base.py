"""The contract of the inbox: a verified raw body is made durable, then answered; it is parsed later."""

from __future__ import annotations

from typing import Protocol


class Inbox(Protocol):
    """Where verified raw bodies go. Implemented over storage, wired by app.py."""

    async def store(self, provider: str, app_id: str, body: bytes, mac: bytes) -> None:
        """Returns once the body is durable. A body seen before is accepted and changes nothing. Errors: DependencyError.

        `mac` is the verified HMAC-SHA256 of the body: equal for equal bodies under the same secret, so it tells doubles. A body
        that comes again after the secret was changed is kept again, which is harmless: what it says is already applied.
        """
        ...


class Secrets(Protocol):
    """What a provider's signature is checked with."""

    def signing_secret(self, provider: str, app_id: str | None) -> str | None:
        """The app's secret, or None where no such app is configured. `app_id` None means the installation's own app."""
        ...

    def verify_token(self, provider: str, app_id: str | None) -> str | None:
        """The token Meta's handshake must show."""
        ...
