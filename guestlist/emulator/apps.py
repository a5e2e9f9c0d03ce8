"""The app and its callers: log-in, tokens, `me`, and the app's webhook subscription (fact page 8.1, 8.2, 11)."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from .auth import Token
from .calls import Call
from .errors import GraphFault, bad_token, invalid, no_permission
from .fields import parse_fields, select_fields
from .pages import read_page, read_webhook_fields
from .things import App, User

LOGIN_SECONDS = 5183944  # what Graph answers for a long-lived user token


def read_me(call: Call, _node: object) -> dict[str, Any]:
    """`GET /me`: the user, system user or Page behind the token."""
    token, world = call.known_token, call.emulator.world
    if token.page_id is not None:
        return read_page(call, world.pages[token.page_id])
    node = world.objects[token.user_id]
    if isinstance(node, App):
        return read_app(call, node)
    if not isinstance(node, User):
        raise bad_token("The token belongs to nobody")
    return read_user(call, node)


def read_user(call: Call, user: User) -> dict[str, Any]:
    """`GET /<USER_ID>`."""
    chosen = parse_fields(call.params.text("fields") or "id,name")
    return select_fields({"id": user.id, "name": user.name, "email": None}, chosen, "User")


def read_app(call: Call, app: App) -> dict[str, Any]:
    """`GET /<APP_ID>`."""
    chosen = parse_fields(call.params.text("fields") or "id,name")
    return select_fields({"id": app.id, "name": app.name, "namespace": None}, chosen, "Application")


def list_permissions(call: Call, _node: object) -> dict[str, Any]:
    """`GET /me/permissions`."""
    return {"data": [{"permission": scope, "status": "granted"} for scope in sorted(call.known_token.scopes)]}


def debug_token(call: Call, _node: object) -> dict[str, Any]:
    """`GET /debug_token`: what a token is worth. The caller shows an app token, or a token of the app's own users."""
    world, value = call.emulator.world, call.params.must("input_token")
    token = world.tokens.get(value)
    if token is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    expired = token.expires is not None and token.expires <= call.now
    record: dict[str, Any] = {
        "app_id": world.app.id,
        "type": token.kind,
        "application": world.app.name,
        "expires_at": int(token.expires or 0),
        "data_access_expires_at": 0,
        "is_valid": not token.killed and not expired,
        "issued_at": int(token.issued),
        "scopes": sorted(token.scopes),
        "granular_scopes": [{"scope": scope} for scope in sorted(token.scopes)],
    }
    if token.kind != "APP":
        record["user_id"] = token.user_id
    if token.page_id is not None:
        record["profile_id"] = token.page_id
    if token.killed or expired:
        subcode = 460 if token.killed else 463
        record["error"] = {"code": 190, "message": "The session is no longer valid", "subcode": subcode}
    return {"data": record}


def exchange_token(call: Call, _node: object) -> dict[str, Any]:
    """`/oauth/access_token`: an app token, a longer-lived user token, or a token for a log-in code (any code is good)."""
    world, params = call.emulator.world, call.params
    secret = params.must("client_secret").encode("utf-8", "replace")
    if params.must("client_id") != world.app.id or not hmac.compare_digest(secret, world.app.secret.encode()):
        raise GraphFault("Error validating client secret.", code=1)
    grant = params.text("grant_type")
    if grant == "client_credentials":
        return {"access_token": f"{world.app.id}|{world.app.secret}", "token_type": "bearer"}
    if grant == "fb_exchange_token":
        old = world.tokens.get(params.must("fb_exchange_token"))
        if old is None or old.killed:
            raise bad_token("Error validating access token")
        scopes = old.scopes
    else:
        params.must("code")
        scopes = world.tokens[next(value for value, token in world.tokens.items() if token.kind == "USER")].scopes
    fresh = Token(
        world.new_id("EAAEmulatorUser"), "USER", world.user.id, scopes, issued=call.now, expires=call.now + LOGIN_SECONDS
    )
    world.add_token(fresh)
    return {"access_token": fresh.value, "token_type": "bearer", "expires_in": LOGIN_SECONDS}


def _require_app_token(call: Call, app: App) -> None:
    token = call.known_token
    if token.kind != "APP" or token.user_id != app.id:
        raise no_permission("This method must be called with an app access_token.")


async def subscribe(call: Call, app: App) -> dict[str, Any]:
    """`POST /<APP_ID>/subscriptions`: sets the callback after Meta's handshake. Errors: 100, 200, 2200."""
    _require_app_token(call, app)
    if call.params.must("object") != "page":
        raise invalid("Param object must be one of {page}")
    url, verify_token = call.params.must("callback_url"), call.params.must("verify_token")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid("Param callback_url must be an http or https URL")
    fields = read_webhook_fields(call, "fields")
    await call.emulator.courier.verify(url, verify_token)
    app.callback_url, app.verify_token, app.fields = url, verify_token, fields
    return {"success": True}


def list_subscriptions(call: Call, app: App) -> dict[str, Any]:
    """`GET /<APP_ID>/subscriptions`."""
    _require_app_token(call, app)
    if app.callback_url is None:
        return {"data": []}
    fields = [{"name": name, "version": "v26.0"} for name in app.fields]
    return {"data": [{"object": "page", "callback_url": app.callback_url, "active": True, "fields": fields}]}


def unsubscribe(call: Call, app: App) -> dict[str, Any]:
    """`DELETE /<APP_ID>/subscriptions`."""
    _require_app_token(call, app)
    app.callback_url, app.fields = None, ()
    return {"success": True}
