"""Control calls that show the world or change a thing in it by hand."""

from __future__ import annotations

from typing import Any

from .auth import ALL_SCOPES, PAGE_SCOPES, Token
from .emulator import Emulator
from .errors import invalid
from .params import Params
from .texts import ACCOUNT_SID, AUTH_TOKEN, NUMBER
from .things import Subscriber
from .world import VERIFY_TOKEN

TOKEN_KINDS = frozenset({"USER", "PAGE", "SYSTEM_USER"})


def show_world(emulator: Emulator, _params: Params) -> dict[str, str]:
    """Ids and credentials of the default world: all a client needs to begin."""
    world = emulator.world
    page, account = next(iter(world.pages.values())), next(iter(world.accounts.values()))
    return {
        "app_id": world.app.id,
        "app_secret": world.app.secret,
        "verify_token": VERIFY_TOKEN,
        "page_id": page.id,
        "page_name": page.name,
        "page_token": page.token,
        "ad_account_id": f"act_{account.id}",
        "business_id": world.business.id,
        "system_user_token": _token_of(emulator, "SYSTEM_USER"),
        "user_token": _token_of(emulator, "USER"),
        "text_account_sid": ACCOUNT_SID,
        "text_auth_token": AUTH_TOKEN,
        "text_number": NUMBER,
    }


def _token_of(emulator: Emulator, kind: str) -> str:
    return next(token.value for token in emulator.world.tokens.values() if token.kind == kind)


def add_page(emulator: Emulator, params: Params) -> dict[str, str]:
    page = emulator.world.add_page(params.must("name"), emulator.clock.now())
    return {"page_id": page.id, "page_name": page.name, "page_token": page.token}


def add_account(emulator: Emulator, params: Params) -> dict[str, str]:
    account = emulator.world.add_account(params.must("name"), emulator.clock.now())
    return {"ad_account_id": f"act_{account.id}"}


def add_token(emulator: Emulator, params: Params) -> dict[str, Any]:
    """A token of a `kind` with `scopes` (all by default), perhaps for `page_id`, perhaps ending after `expires_in` seconds."""
    world, now = emulator.world, emulator.clock.now()
    kind = params.choice("kind", TOKEN_KINDS) or "SYSTEM_USER"
    page_id = params.text("page_id")
    if kind == "PAGE" and page_id not in world.pages:
        raise invalid("Param page_id must be a Page of this world")
    scopes = params.sequence("scopes")
    default = PAGE_SCOPES if kind == "PAGE" else ALL_SCOPES
    life = params.integer("expires_in", minimum=1)
    owner = world.system_user if kind == "SYSTEM_USER" else world.user
    token = Token(
        value=world.new_id("EAAEmulator"),
        kind=kind,
        user_id=owner.id,
        scopes=frozenset(default if scopes is None else (str(scope) for scope in scopes)),
        page_id=page_id if kind == "PAGE" else None,
        issued=now,
        expires=None if life is None else now + life,
    )
    world.add_token(token)
    return {"token": token.value, "scopes": sorted(token.scopes)}


def kill_token(emulator: Emulator, params: Params) -> dict[str, bool]:
    """The token answers 190/460 from now on; `alive: true` brings it back."""
    token = emulator.world.tokens.get(params.must("token"))
    if token is None:
        raise invalid("No such token in this world")
    token.killed = params.boolean("alive") is not True
    return {"success": True}


def set_terms(emulator: Emulator, params: Params) -> dict[str, bool]:
    account = emulator.world.accounts.get(params.must("ad_account_id").removeprefix("act_"))
    accepted = params.boolean("accepted")
    if account is None or accepted is None:
        raise invalid("Give the ad_account_id of this world and accepted")
    account.tos_accepted = accepted
    return {"success": True}


def flag_audience(emulator: Emulator, params: Params) -> dict[str, bool]:
    """Uploads to the audience get 100/1713230 while it is flagged."""
    audience = emulator.world.audiences.get(params.must("audience_id"))
    if audience is None:
        raise invalid("No such audience")
    audience.flagged = params.boolean("flagged") is not False
    return {"success": True}


def set_matching(emulator: Emulator, params: Params) -> dict[str, Any]:
    """What matching by phone number needs, each settable: `published`, `fee_paid`, `phone_reviewed` of a Page, `app_approved`."""
    page_id = params.text("page_id")
    page = emulator.world.pages.get(page_id) if page_id else next(iter(emulator.world.pages.values()))
    if page is None:
        raise invalid("Param page_id must be a Page of this world")
    for name in ("published", "fee_paid", "phone_reviewed"):
        if (value := params.boolean(name)) is not None:
            setattr(page, name, value)
    app = emulator.world.app
    if (approved := params.boolean("app_approved")) is not None:
        app.approved = approved
    return {
        "page_id": page.id,
        "published": page.published,
        "fee_paid": page.fee_paid,
        "phone_reviewed": page.phone_reviewed,
        "app_approved": app.approved,
    }


def let_person_opt_out(emulator: Emulator, params: Params) -> dict[str, bool]:
    _subscriber(emulator, params).opted_out = params.boolean("opted_out") is not False
    return {"success": True}


def _subscriber(emulator: Emulator, params: Params) -> Subscriber:
    psid = params.text("psid")
    thread = emulator.world.threads.get(psid) if psid else None
    found = thread.subscriber if thread else emulator.world.subscribers.get(params.text("token") or "")
    if found is None:
        raise invalid("Give the token or the psid of a subscriber")
    return found
