"""The `appsecret_proof` that shows Graph a call comes from a server which knows the app's secret."""

from __future__ import annotations

import hashlib
import hmac


def appsecret_proof(secret: str, token: str) -> str:
    """Lowercase hex HMAC-SHA256 of the access token under the app secret. Fact page 0.1."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
