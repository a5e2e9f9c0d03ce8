"""The dialect as data: its doors, its credentials, its errors. Source: `vendor-apis.md` 4.1, 4.4, read 2026-11."""

from __future__ import annotations

from guestlist.api.caller import Caller
from guestlist.api.dialects.base import Asked, Dialect, Door, admit

from . import consents, messages
from .asking import read_form
from .errors import BadCallError, tell_error
from .words import DIALECT_NAME


async def identify(asked: Asked) -> Caller:
    """The caller by the header `apikey`, else by a form field of that name. Errors: UnauthenticatedError."""
    return await admit(asked.services, asked.headers.get("apikey", "") or _find_in_form(asked))


def _find_in_form(asked: Asked) -> str:
    try:
        return read_form(asked).get("apikey", "")
    except BadCallError:
        return ""  # nobody's: what is wrong with the body is told to callers only


DOORS = (
    Door("POST", "/bot/{botname}/msg", messages.send_from_bot),
    Door("POST", "/v1/msg", messages.send_message),
    Door("POST", "/v1/template/msg", messages.send_template),
    Door("PUT", "/sms/msg", messages.send_text),
    Door("POST", "/v1/app/opt/in/{app}", consents.opt_in),
    Door("POST", "/v1/app/opt/out/{app}", consents.opt_out),
    Door("GET", "/v1/users/{app}", consents.list_users),
)

DIALECT = Dialect(DIALECT_NAME, ("/sm/api", "/wa/api"), DOORS, identify, tell_error, key_in_body=True)
