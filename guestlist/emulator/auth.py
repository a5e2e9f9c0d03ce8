"""Access tokens: where a call carries one, whether it is good, what it may do (fact page 0.1, 11)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import GraphFault, bad_token, invalid

if TYPE_CHECKING:
    from .world import World

PAGE_SCOPES = (
    "pages_show_list",
    "pages_manage_metadata",
    "pages_messaging",
    "pages_read_engagement",
    "pages_read_user_content",
    "paid_marketing_messages",
    "pages_messaging_phone_number",
    "pages_utility_messaging",
    "pages_user_locale",
    "pages_user_timezone",
    "pages_user_gender",
)
ALL_SCOPES = (*PAGE_SCOPES, "ads_management", "business_management")


@dataclass(slots=True)
class Token:
    """One access token. `kind` is USER, PAGE, SYSTEM_USER or APP; `expires` is None for never (unix seconds, emulated)."""

    value: str
    kind: str
    user_id: str
    scopes: frozenset[str]
    page_id: str | None = None
    issued: float = 0.0
    expires: float | None = None
    killed: bool = False


def bearer(authorization: str) -> str | None:
    """The token in an Authorization header; `OAuth` is the older word for `Bearer`."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() or None if scheme.lower() in ("bearer", "oauth") else None


def check_token(world: World, value: str | None, now: float) -> Token:
    """The good token behind `value`. Errors: 104 none given, 190 unknown, revoked or expired."""
    if not value:
        raise GraphFault("An access token is required to request this resource.", code=104)
    token = world.tokens.get(value)
    if token is None:
        raise bad_token("Invalid OAuth access token - Cannot parse access token")
    if token.killed:
        raise bad_token("Error validating access token: the session has been invalidated.", 460)
    if token.expires is not None and token.expires <= now:
        raise bad_token("Error validating access token: Session has expired.", 463)
    return token


def check_proof(world: World, token: Token, proof: str | None, *, required: bool) -> None:
    """`appsecret_proof` is right when given, and given when the app asks for it. Errors: 100."""
    if proof is None:
        if required and token.kind != "APP":
            raise invalid("API calls from the server require an appsecret_proof argument")
        return
    expected = hmac.new(world.app.secret.encode(), token.value.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), proof.encode("utf-8", "replace")):
        raise invalid("Invalid appsecret_proof provided in the API argument")
