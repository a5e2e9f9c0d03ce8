"""Comapi's client sessions, as the app SDKs open them (2.1), and how a business's tokens are signed (our own addition)."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import StringConstraints
from starlette.responses import Response

from guestlist.actions import sessions
from guestlist.api.dialects.base import Asked, Call, answer_json, check_model
from guestlist.errors import NotFoundError
from guestlist.storage.base import Row

from .errors import ValidationError, fail
from .message_models import Text, Wire, Word
from .words import find_id, tell_guid, tell_instant, tell_time

DEVICE = ("deviceId", "platform", "platformVersion", "sdkType", "sdkVersion")
PROVIDER = "jsonWebToken"


class SessionGiven(Wire):
    """What an app sends to open a session."""

    authenticationId: Text
    authenticationToken: Text
    deviceId: Text = ""
    platform: Text = ""
    platformVersion: Text = ""
    sdkType: Text = ""
    sdkVersion: Text = ""


class SchemeGiven(Wire):
    """How a business signs its tokens."""

    issuer: Word
    audience: Word
    sharedSecret: Annotated[str, StringConstraints(min_length=sessions.SHORTEST_SECRET, max_length=1000)]
    idClaim: Word = "sub"


async def start_session(call: Call) -> Response:
    """`GET /sessions/start`: without credentials; a nonce costs nothing and is kept nowhere."""
    start = await sessions.start_session(call.services, _space(call.asked))
    content = {
        "authenticationId": start.authentication_id,
        "nonce": start.nonce,
        "provider": PROVIDER,
        "expiresOn": tell_time(start.expires_at),
    }
    return answer_json(content)


async def open_session(call: Call) -> Response:
    """`POST /sessions`: the token of the business, for one of ours."""
    given = check_model(SessionGiven, call.json())
    opened = await sessions.open_session(
        call.services,
        _space(call.asked),
        authentication_id=given.authenticationId,
        token=given.authenticationToken,
        device={name: getattr(given, name) for name in DEVICE},
        shown_space=call.path["space"],
    )
    return answer_json({"token": opened.token, "session": _tell(call, opened.session)})


async def get_session(call: Call) -> Response:
    """`GET /sessions/{id}`."""
    return answer_json(_tell(call, await sessions.get_session(call.services, call.workspace_id, _session_id(call))))


async def end_session(call: Call) -> Response:
    """`DELETE /sessions/{id}`: 204."""
    await sessions.end_session(call.services, call.workspace_id, _session_id(call))
    return Response(status_code=204)


async def set_push(call: Call) -> Response:
    """`PUT /sessions/{id}/push`: taken and not kept, as this server pushes nothing to apps."""
    await sessions.get_session(call.services, call.workspace_id, _session_id(call))
    return answer_json({})


async def set_scheme(call: Call) -> Response:
    """`PUT /sessions/scheme`: how the business signs. Running sessions end with a new one."""
    given = check_model(SchemeGiven, call.json())
    scheme = sessions.Scheme(given.issuer, given.audience, given.sharedSecret, given.idClaim)
    await sessions.set_scheme(call.services, call.workspace_id, _plain(tell_guid(call.workspace_id)), scheme)
    return await get_scheme(call)


async def get_scheme(call: Call) -> Response:
    """`GET /sessions/scheme`, but for the secret."""
    row = await sessions.get_scheme(call.services, call.workspace_id)
    return answer_json({"issuer": row["issuer"], "audience": row["audience"], "idClaim": row["id_claim"], "provider": PROVIDER})


def _space(asked: Asked) -> str:
    """The API space in the path, as 32 hex digits. Errors: ValidationError under `/cpaas`, where none is named."""
    if "space" not in asked.path:
        raise ValidationError([fail("apiSpaceId", "Apps name their API space: use /apispaces/{apiSpaceId}/sessions.")])
    return _plain(asked.path["space"])


def _plain(guid: str) -> str:
    return guid.replace("-", "").lower()


def _session_id(call: Call) -> str:
    found = find_id("ses", call.path["session_id"])
    if found is None:
        raise NotFoundError("There is no such session.", remedy="Start a new one.")
    return found


def _tell(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": tell_guid(row["id"]),
        "profileId": row["profile_id"],
        **orjson.loads(row["device"]),
        "sourceIp": "",  # not kept
        "isActive": sessions.is_active(row, call.services.clock.now()),
        "startedOn": tell_instant(row["started_at"]),
        "expiresOn": tell_instant(row["expires_at"]),
    }
