"""Whose a request is: an API key as a bearer token or by HTTP Basic, or the token of an app's session (2.1)."""

from __future__ import annotations

from starlette.responses import Response

from guestlist.api.caller import Caller
from guestlist.api.dialects.base import Asked, Call, admit, answer_json, find_basic, find_bearer
from guestlist.errors import NotAllowedError

from .session_tokens import admit_session, is_session_token
from .words import same_guid, tell_guid


async def identify(asked: Asked) -> Caller:
    """The caller. By Basic the key is the password under any user name, or the user name itself.

    Errors: UnauthenticatedError; NotAllowedError for an API space that is not the key's own, or does not exist.
    """
    token = find_bearer(asked.headers)
    if is_session_token(token):
        caller: Caller = await admit_session(asked, token)
    else:
        user, password = find_basic(asked.headers)
        caller = await admit(asked.services, token or password or user)
    check_space(asked, caller.workspace_id)
    return caller


def check_space(asked: Asked, workspace_id: str) -> None:
    """Errors: NotAllowedError where the path names another API space."""
    space = asked.path.get("space")
    if space is not None and not same_guid(space, tell_guid(workspace_id)):
        raise NotAllowedError(
            "These credentials do not open this API space.",
            code="wrong_api_space",
            remedy="Use the id of your own API space; `GET /cpaas/apispace` tells it.",
        )


async def tell_space(call: Call) -> Response:
    """`GET /apispace`: the id of the key's own API space, for those who set up their client. Our own addition."""
    return answer_json({"id": tell_guid(call.workspace_id)})
