"""Gupshup's opt-ins, opt-outs and the list of users of an app (4.4)."""

from __future__ import annotations

from starlette.responses import Response

from guestlist.actions import phone_consents
from guestlist.actions.phone_consents import OptedIn, Source
from guestlist.api.dialects.base import Call, answer_json

from .asking import find_app, get_field, read_form, read_phone
from .words import DIALECT_NAME, split_phone


async def opt_in(call: Call) -> Response:
    """Keeps a number that may be written to. One that was stopped by its person stays stopped."""
    phone = read_phone(get_field(read_form(call.asked), "user"))
    await phone_consents.opt_in_phone(call.services, call.workspace_id, phone, await _find_source(call))
    return Response(status_code=202)


async def opt_out(call: Call) -> Response:
    """Nothing more goes to a number."""
    phone = read_phone(get_field(read_form(call.asked), "user"))
    await phone_consents.opt_out_phone(call.services, call.workspace_id, phone, await _find_source(call))
    return Response(status_code=202)


async def list_users(call: Call) -> Response:
    """The numbers that may be written to."""
    source = await _find_source(call)
    found = await phone_consents.list_opted_in(call.services, call.workspace_id, source.account)
    return answer_json({"status": "success", "users": [tell_user(each) for each in found]})


async def _find_source(call: Call) -> Source:
    return Source(await find_app(call, call.path["app"]), DIALECT_NAME)


def tell_user(user: OptedIn) -> dict[str, object]:
    """A user as Gupshup tells one: the number in its two parts, instants in milliseconds."""
    country, national = split_phone(user.phone)
    return {
        "countryCode": country,
        "phoneCode": national,
        "optinSource": user.source.upper(),
        "optinStatus": "OPT_IN",
        "optinTimeStamp": user.at,
        "lastMessageTimeStamp": user.last_said_at,
    }
