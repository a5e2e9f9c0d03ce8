"""Gupshup's sends: to a bot's person or phone number (4.1), and by the current API (4.4). All answer at once: submitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from guestlist.actions import messages
from guestlist.api.dialects.base import Call, answer_json
from guestlist.domain.identifiers import to_uuid
from guestlist.domain.messages import Channel, Content, Rule, Target
from guestlist.storage.senders import Account

from .asking import find_app, get_document, get_field, read_form, read_phone
from .drafts import build_request
from .errors import BadCallError, invalid_app, invalid_destination
from .structured import Spoken, read_message
from .words import CHANNELS, DIALECT_NAME, PERSON, PHONE

LONGEST_NAME = 255
LONGEST_ID = 64
USUAL_LANGUAGE = "en_US"


async def send_from_bot(call: Call) -> Response:
    """`POST /bot/{botname}/msg`: `contexttype` phone is matched by Meta, p2p is somebody who wrote."""
    form = read_form(call.asked)
    page = await find_app(call, call.path["botname"], channel=Channel.MESSENGER)
    context = get_document(form, "context")
    if _word(context, "channeltype", "fb") not in ("fb", "facebook"):
        raise BadCallError("`channeltype` must be fb: a bot here is a Facebook Page.")
    target = read_target(context)
    return await _send(call, page, target, read_message(get_field(form, "message")), 200)


def read_target(context: Mapping[str, Any]) -> Target:
    """Whom a context means. The name, where one is given, is a text, or an object of `first_name` and `last_name`."""
    kind, given = _word(context, "contexttype", PERSON), context.get("contextid")
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise invalid_destination()
    first_name, last_name = read_name(context)
    if kind == PHONE:
        return Target(phone=read_phone(str(given)), first_name=first_name, last_name=last_name)
    if kind != PERSON:
        raise BadCallError(f"`contexttype` is one of {PHONE}, {PERSON}.")
    return Target(psid=_read_psid(str(given)), first_name=first_name, last_name=last_name)


def read_name(context: Mapping[str, Any]) -> tuple[str, str]:
    """First and last name: Gupshup speaks of a name and documents no field, so this is our choice."""
    given = context.get("name", context)
    if isinstance(given, str):
        first, _, last = given.strip().partition(" ")
        names: tuple[Any, Any] = (first, last.strip())
    elif isinstance(given, Mapping):
        names = (given.get("first_name", ""), given.get("last_name", ""))
    else:
        names = (None, None)
    for name in names:
        if not isinstance(name, str) or len(name) > LONGEST_NAME or "\x00" in name:
            raise BadCallError(f"A name is a text of at most {LONGEST_NAME} characters.")
    return names


def _word(context: Mapping[str, Any], name: str, usual: str) -> str:
    value = context.get(name, usual)
    return value.lower() if isinstance(value, str) else ""


def _read_psid(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise invalid_destination()
    return text


# -- the current API ------------------------------------------------------------------------------------------------


async def send_message(call: Call) -> Response:
    """`POST /v1/msg`: from the account that `source` and `src.name` name, over its own channel."""
    form = read_form(call.asked)
    account = await _find_sender(call, form)
    target = _read_destination(account, get_field(form, "destination"))
    return await _send(call, account, target, read_message(get_field(form, "message")), 202)


async def send_template(call: Call) -> Response:
    """`POST /v1/template/msg`: a utility template of a Page, by its name; `params` fill its body in order."""
    form = read_form(call.asked)
    account = await _find_sender(call, form)
    if account.channel is not Channel.MESSENGER:
        raise BadCallError("Only a Facebook Page sends templates here.")
    target = _read_destination(account, get_field(form, "destination"))
    utility = read_template(get_document(form, "template"))
    request = build_request(target, Rule(account.channel, account.id), Spoken(Content()), utility=utility)
    return await _accept(call, request, 202)


async def send_text(call: Call) -> Response:
    """`PUT /sms/msg`, the older way: a text from the one SMS account there is."""
    form = read_form(call.asked)
    target = Target(phone=read_phone(get_field(form, "destination")))
    spoken = Spoken(Content(text=get_field(form, "text")))
    return await _accept(call, build_request(target, Rule(Channel.SMS), spoken), 200)


async def _find_sender(call: Call, form: Mapping[str, str]) -> Account:
    """WhatsApp is not offered: a request for it goes over the channel of the account it names, as any other."""
    word = form.get("channel", "").strip().lower()
    channel = CHANNELS.get(word)
    if channel is None and word not in ("", "whatsapp"):
        raise invalid_app()
    name = form.get("src.name", "").strip() or get_field(form, "source")
    return await find_app(call, name.removeprefix("+"), channel=channel)


def _read_destination(account: Account, text: str) -> Target:
    """A Page's person by their id as it comes in, everybody else by phone."""
    if account.channel is Channel.MESSENGER:
        return Target(psid=_read_psid(text.strip()))
    if account.channel is Channel.SMS:
        return Target(phone=read_phone(text))
    raise invalid_app()


def read_template(given: Mapping[str, Any]) -> dict[str, Any]:
    """A template's `id` and `params` as Messenger's utility template. `languageCode` is ours: Gupshup's id implies it."""
    name, params, language = given.get("id"), given.get("params", []), given.get("languageCode", USUAL_LANGUAGE)
    if not (isinstance(name, str) and name and isinstance(language, str) and isinstance(params, list)):
        raise BadCallError("`template` holds an `id`, and `params` as a list.")
    if not all(isinstance(each, str) for each in params):
        raise BadCallError("`params` are texts.")
    body = {"type": "body", "parameters": [{"type": "text", "text": each} for each in params]}
    return {"name": name, "language": {"code": language}, "components": [body] if params else []}


# -- what they share ------------------------------------------------------------------------------------------------


async def _send(call: Call, account: Account, target: Target, spoken: Spoken, status: int) -> Response:
    return await _accept(call, build_request(target, Rule(account.channel, account.id), spoken), status)


async def _accept(call: Call, request: messages.Request, status: int) -> Response:
    origin = messages.Origin(by="api", dialect=DIALECT_NAME)
    row = await messages.send_message(call.services, call.workspace_id, request, origin)
    return answer_json({"status": "submitted", "messageId": to_uuid(row["id"])}, status)
