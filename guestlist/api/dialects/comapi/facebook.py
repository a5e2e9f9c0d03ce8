"""Comapi's state service for Messenger (2.7): who a link or a plugin is for, sealed into its ref."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from guestlist.actions.refs import seal_ref
from guestlist.api.dialects.base import Call, answer_json
from guestlist.errors import GuestlistError, NotAllowedError

from .errors import ValidationError, fail
from .people import find_contact_ids
from .profile_models import check_fields
from .session_tokens import SessionCaller
from .words import find_id


async def make_state(call: Call) -> Response:
    """`POST /channels/facebook/state`: 200 with a JSON string; 400 with `{}`, as Comapi answers.

    Body: `profileId`, and what is to be kept with the profile at the opt-in, beside it or in `data`.
    """
    try:
        state = await read_state(call)
        return answer_json(seal_ref(call.services, call.workspace_id, state))
    except GuestlistError as error:
        if error.status >= 500 or isinstance(error, NotAllowedError):
            raise
        return answer_json({}, 400)


async def read_state(call: Call) -> dict[str, Any]:
    """What to seal. Shape: external_id or contact_id (both may be missing), fields. Errors: UsageError."""
    given = call.json()
    fields = check_fields(given)
    data = fields.pop("data", {})
    fields |= check_fields(data) if data else {}
    profile_id = fields.pop("profileId", "")
    if isinstance(call.caller, SessionCaller):
        profile_id = _check_own(call.caller, profile_id)
    fields.pop("id", None)
    state: dict[str, Any] = {"fields": fields} if fields else {}
    if not isinstance(profile_id, str):
        raise ValidationError([fail("profileId", "must be a text")])
    if not profile_id:
        return state
    contact_ids = await find_contact_ids(call.services, call.workspace_id, [profile_id]) if find_id("con", profile_id) else {}
    named = {"contact_id": contact_ids[profile_id]} if profile_id in contact_ids else {"external_id": profile_id}
    return {**state, **named, "profile_id": profile_id}


def _check_own(caller: SessionCaller, profile_id: Any) -> str:
    """An app makes state for its own profile. Errors: NotAllowedError for another's."""
    if profile_id not in ("", caller.profile_id):
        raise NotAllowedError("An app's session makes state for its own profile.", remedy="Leave out profileId.")
    return caller.profile_id
