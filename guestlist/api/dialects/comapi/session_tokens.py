"""Requests that speak with the token of an app's session: as one profile, and for that one alone."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from guestlist.actions import sessions
from guestlist.actions.access import KEY_PREFIX
from guestlist.api.caller import Caller
from guestlist.api.dialects.base import Asked, Call, Handler
from guestlist.errors import NotAllowedError

from .words import same_guid, tell_guid


@dataclass(frozen=True, slots=True)
class SessionCaller(Caller):
    """A person's app."""

    profile_id: str
    session_id: str

    def owns(self, public_id: str) -> bool:
        """Whether an id in a path is its profile's or its session's."""
        return public_id == self.profile_id or same_guid(public_id, tell_guid(self.session_id))


def is_session_token(token: str) -> bool:
    """Whether a bearer token is a JWT and no API key."""
    return token.count(".") == 2 and not token.startswith(KEY_PREFIX)


async def admit_session(asked: Asked, token: str) -> SessionCaller:
    """The app behind a session token. Errors: UnauthenticatedError."""
    row = await sessions.authenticate_session(asked.services, token)
    return SessionCaller(asked.services, row["workspace_id"], row["profile_id"], row["id"])


def for_keys(handler: Handler) -> Handler:
    """A door for API keys alone. Errors: NotAllowedError for an app's session."""

    async def guarded(call: Call) -> Response:
        if isinstance(call.caller, SessionCaller):
            raise NotAllowedError("An app's session may not do this.", remedy="Call it from your server, with an API key.")
        return await handler(call)

    return guarded


def for_own(name: str, handler: Handler) -> Handler:
    """A door for API keys, and for sessions where the path names their own profile or session (`name` of the template)."""

    async def guarded(call: Call) -> Response:
        caller = call.caller
        if isinstance(caller, SessionCaller) and not caller.owns(call.path[name]):
            raise NotAllowedError("An app's session sees only what is its own.", remedy="Use the profile of the session.")
        return await handler(call)

    return guarded
