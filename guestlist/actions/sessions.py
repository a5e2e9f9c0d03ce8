"""Sessions of a business's own apps: an app proves who its user is by a token that the business signs, and gets one of ours.

    start (a nonce) -> the business signs it with the secret it shares with us -> a session, with a token for later requests

A nonce is sealed and self-contained, so nothing is kept before somebody has proved anything; it opens one session, as the
session's id is made from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import orjson
from jwt.types import Options

from guestlist.domain.identifiers import from_uuid
from guestlist.domain.messages import Target
from guestlist.errors import NotFoundError, UnauthenticatedError, UsageError
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import rows
from guestlist.storage import sessions as session_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms, to_ms

from .base import Services
from .refs import BadRefError, open_ref, seal_ref

START_LASTS = timedelta(minutes=10)
SESSION_LASTS = timedelta(days=7)
SHORTEST_SECRET = 16
LONGEST_DEVICE = 4000
ALGORITHM = "HS256"
OUR_CLOCK: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
"""Times are judged by the business time, not by the system's."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the business signs: the claims it sets, and the secret it shares with us."""

    issuer: str
    audience: str
    secret: str = field(repr=False)
    id_claim: str = "sub"


@dataclass(frozen=True, slots=True)
class Start:
    """What an app needs to begin: the nonce goes into the token that the business signs."""

    authentication_id: str = field(repr=False)
    nonce: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A session with the token that speaks for it."""

    session: Row
    token: str = field(repr=False)


def _no_session(sentence: str) -> UnauthenticatedError:
    return UnauthenticatedError(sentence, code="bad_session", remedy="Start a new session.")


# -- the scheme -----------------------------------------------------------------------------------------------------


async def set_scheme(services: Services, workspace_id: str, space: str, scheme: Scheme) -> None:
    """Sets how the workspace's apps sign; what was set before counts no more. Running sessions end with it.

    `space` is the workspace's GUID as 32 hex digits. Errors: UsageError `bad_secret`.
    """
    if len(scheme.secret) < SHORTEST_SECRET:
        sentence = f"The shared secret has fewer than {SHORTEST_SECRET} characters."
        raise UsageError(sentence, code="bad_secret", remedy="Give a longer one, made at random.")
    both = orjson.dumps({"shared": scheme.secret, "own": secrets.token_urlsafe(32)}).decode()
    row = {
        "workspace_id": workspace_id,
        "space": space,
        "issuer": scheme.issuer,
        "audience": scheme.audience,
        "id_claim": scheme.id_claim,
        "secret": services.vault.seal(both, f"session_schemes:{workspace_id}:secret"),
        "updated_at": services.now_ms(),
    }
    await services.db.write(lambda tx: session_rows.write_scheme(tx, row))


async def get_scheme(services: Services, workspace_id: str) -> Row:
    """The workspace's scheme, its secret sealed. Errors: NotFoundError."""
    row = await services.db.read(lambda tx: session_rows.scheme_of(tx, workspace_id))
    if row is None:
        raise NotFoundError("This workspace has no session scheme yet.", remedy="Set one first.")
    return row


async def _find_scheme(services: Services, space: str) -> tuple[Row, Mapping[str, str]]:
    row = await services.db.read(lambda tx: session_rows.find_scheme(tx, space))
    if row is None:
        raise _no_session("No sessions can be started here.")
    opened: dict[str, str] = orjson.loads(services.vault.open(row["secret"], f"session_schemes:{row['workspace_id']}:secret"))
    return row, opened


# -- begin ----------------------------------------------------------------------------------------------------------


async def start_session(services: Services, space: str) -> Start:
    """A nonce for an app of the workspace with this GUID. Errors: UnauthenticatedError where it has no scheme."""
    scheme, _ = await _find_scheme(services, space)
    nonce = secrets.token_hex(16)
    until = services.clock.now() + START_LASTS
    return Start(seal_ref(services, scheme["workspace_id"], {"nonce": nonce}, until=until), nonce, until)


async def open_session(
    services: Services, space: str, *, authentication_id: str, token: str, device: Mapping[str, Any], shown_space: str
) -> Opened:
    """The session of the person that a token of the business names; its contact is made where it is new.

    `shown_space` is the GUID as the app writes it: apps compare it with what they are set up with.
    Errors: UnauthenticatedError for a start that is none of ours, too old or used, and for a token that does not fit;
    UsageError `device_too_long`.
    """
    if len(orjson.dumps(dict(device))) > LONGEST_DEVICE:
        raise UsageError("The app says too much of itself.", code="device_too_long", remedy="Shorten its details.")
    scheme, opened = await _find_scheme(services, space)
    workspace_id, now = scheme["workspace_id"], services.clock.now()
    try:
        nonce = str(open_ref(services, workspace_id, authentication_id)["nonce"])
    except (BadRefError, KeyError):
        raise _no_session("This start of a session is none of ours, or too old.") from None
    profile_id = _check_claims(scheme, opened["shared"], token, nonce, now)
    row = {
        "workspace_id": workspace_id,
        "id": from_uuid("ses", nonce),
        "profile_id": profile_id,
        "device": orjson.dumps(dict(device)).decode(),
        "started_at": to_ms(now),
        "expires_at": to_ms(now + SESSION_LASTS),
        "ended_at": None,
    }

    async def unit(tx: Transaction) -> tuple[bool, set[str]]:
        if not await session_rows.add_session(tx, row):
            return False, set()
        return True, await _keep_person(tx, services, workspace_id, profile_id)

    added, lanes = await services.db.write(unit)
    if not added:
        raise _no_session("This start of a session was used before.")
    for lane in sorted(lanes):
        await services.wake(lane)
    return Opened(row, _sign(opened["own"], row, shown_space))


async def _keep_person(tx: Transaction, services: Services, workspace_id: str, profile_id: str) -> set[str]:
    target = Target(external_id=profile_id)
    if await contact_rows.find_named(tx, workspace_id, [target]):
        return set()
    contact_id = services.ids.new("con")
    new = contact_rows.new_contact(workspace_id, contact_id, target, source="api", at=services.now_ms())
    await contact_rows.add_contacts(tx, [new])
    return await services.emit(tx, workspace_id, "contact.created", contact_id, source="api")


def _check_claims(scheme: Row, secret: str, token: str, nonce: str, now: datetime) -> str:
    """The profile that a token of the business names. Its times are judged by our clock."""
    options: Options = {**OUR_CLOCK, "require": ["iss", "aud"]}
    try:
        claims = jwt.decode(
            token, secret, algorithms=[ALGORITHM], issuer=scheme["issuer"], audience=scheme["audience"], options=options
        )
    except jwt.PyJWTError:
        raise _no_session("The token is not signed as the session scheme has it, or its issuer or audience differs.") from None
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _no_session("The token does not hold the nonce of this start.")
    ends = claims.get("exp")
    if ends is not None and (not isinstance(ends, int | float) or ends <= now.timestamp()):
        raise _no_session("The token has run out.")
    profile_id = claims.get(scheme["id_claim"])
    if not isinstance(profile_id, str) or not 0 < len(profile_id) <= 255 or "\x00" in profile_id:
        raise _no_session(f"The token names no profile in `{scheme['id_claim']}`.")
    return profile_id


def _sign(secret: str, row: Row, space: str) -> str:
    claims = {
        "apiSpaceId": space,
        "sub": row["profile_id"],
        "sessionId": row["id"],
        "iat": row["started_at"] // 1000,
        "exp": row["expires_at"] // 1000,
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


# -- later requests -------------------------------------------------------------------------------------------------


async def authenticate_session(services: Services, token: str) -> Row:
    """The running session that a token speaks for. Errors: UnauthenticatedError."""
    wrong = _no_session("This session token is not valid, or its session has ended.")
    try:
        named = jwt.decode(token, options={"verify_signature": False})
        space = str(named["apiSpaceId"]).replace("-", "").lower()
        scheme, opened = await _find_scheme(services, space)
        claims = jwt.decode(token, opened["own"], algorithms=[ALGORITHM], options=OUR_CLOCK)
    except (jwt.PyJWTError, KeyError):
        raise wrong from None
    session_id = str(claims["sessionId"])
    row = await services.db.read(lambda tx: rows.find(tx, tables.sessions, scheme["workspace_id"], session_id))
    if row is None or not is_active(row, services.clock.now()):
        raise wrong
    return row


def is_active(row: Row, now: datetime) -> bool:
    """Whether a session still runs."""
    return row["ended_at"] is None and now < from_ms(row["expires_at"])


async def get_session(services: Services, workspace_id: str, session_id: str) -> Row:
    """A session. Errors: NotFoundError."""
    return await services.find_row(tables.sessions, workspace_id, session_id)


async def end_session(services: Services, workspace_id: str, session_id: str) -> None:
    """Ends a session: its token opens nothing more. Errors: NotFoundError where none runs."""
    now = services.now_ms()
    if not await services.db.write(lambda tx: session_rows.end_session(tx, workspace_id, session_id, now)):
        raise NotFoundError("There is no such session, or it has ended.", remedy="Start a new one.")
