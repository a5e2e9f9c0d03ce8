"""Comapi's messages: sent alone and in batches, read, redacted, taken back, reported on; what was said with a profile (2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from guestlist.actions import messages
from guestlist.api.dialects.base import Call, answer_json
from guestlist.errors import GuestlistError, NotFoundError

from .errors import Failure, ValidationError, fail, list_failures
from .message_models import Read, build_request, read_message
from .message_shapes import tell_accepted, tell_message
from .people import find_recipients
from .words import DIALECT_NAME, find_id, tell_guid

BATCH_MAX_BYTES = 10 * 1024 * 1024

REDACT_SOURCES = ("message", "chat")

NO_OPT_IN = fail("requireOptIn", "No channel in rules is open to the profile and opted in to.")
"""A message that requires an opt-in is the only one that is refused where no rule is open: all others are kept, and fail."""


def _origin() -> messages.Origin:
    return messages.Origin(by="api", dialect=DIALECT_NAME)


async def send_message(call: Call) -> Response:
    """`POST /messages`: accepted durably; it may still fail where no channel takes it, which a webhook tells."""
    read = read_message(call.json())
    [recipient] = await find_recipients(call.services, call.workspace_id, [read])
    request = build_request(read, recipient, call.services.channels)
    try:
        row = await messages.send_message(call.services, call.workspace_id, request, _origin())
    except messages.NoRouteError:
        raise ValidationError([NO_OPT_IN]) from None
    return answer_json(tell_accepted(row, read.asked), 201)


@dataclass(slots=True)
class _Item:
    """One of a batch: what it came to."""

    read: Read | None = None
    failures: Sequence[Failure] = ()
    message_id: str = ""


async def send_batch(call: Call) -> Response:
    """`POST /messages/batch`: each item answered by itself. 400 where none of them can be sent."""
    given = call.json()
    if not isinstance(given, list) or not 0 < len(given) <= messages.LARGEST_BATCH:
        raise ValidationError([fail("body", f"must be an array of 1 to {messages.LARGEST_BATCH:,} messages")])
    items = [_read_item(each) for each in given]
    await _send_items(call, [each for each in items if each.read is not None])
    answered = [_tell_item(index, item) for index, item in enumerate(items)]
    if not any(item.message_id for item in items):
        raise ValidationError(
            {**failure, "paramName": f"[{index}].{failure['paramName']}"}
            for index, item in enumerate(items)
            for failure in item.failures
        )
    return answer_json(answered, 202)


def _read_item(given: Any) -> _Item:
    try:
        return _Item(read=read_message(given))
    except ValidationError as error:
        return _Item(failures=list_failures(error))


async def _send_items(call: Call, items: Sequence[_Item]) -> None:
    reads = [item.read for item in items if item.read is not None]
    recipients = await find_recipients(call.services, call.workspace_id, reads)
    requests = [build_request(*each, call.services.channels) for each in zip(reads, recipients, strict=True)]
    if not requests:
        return
    sent = await messages.send_batch(call.services, call.workspace_id, requests, _origin())
    for item, outcome in zip(items, sent, strict=True):
        if isinstance(outcome, GuestlistError):
            item.failures = [NO_OPT_IN] if isinstance(outcome, messages.NoRouteError) else list_failures(outcome)
        else:
            item.message_id = tell_guid(outcome["id"])


def _tell_item(index: int, item: _Item) -> dict[str, Any]:
    if item.message_id:
        return {"index": index, "messageId": item.message_id}
    return {"index": index, "validationFailures": list(item.failures)}


def message_id_of(call: Call) -> str:
    """Our id of the message in the path. Errors: NotFoundError."""
    found = find_id("msg", call.path["message_id"])
    if found is None:
        raise NotFoundError("There is no such message.", remedy="Give the messageId of the answer to a send.")
    return found


async def get_message(call: Call) -> Response:
    """`GET /messages/{messageId}`."""
    return answer_json(tell_message(await messages.get_message(call.services, call.workspace_id, message_id_of(call))))


async def redact_message(call: Call) -> Response:
    """`PATCH /messages/{messageId}` with `{"redact": true}`: 202; 409 while it may still have to be sent."""
    given = call.json()
    failures = []
    if not isinstance(given, dict) or given.get("redact") is not True:
        failures.append(fail("redact", "must be true: nothing else of a message can be changed"))
    elif given.get("redactSource", "message") not in REDACT_SOURCES:
        failures.append(fail("redactSource", f"must be one of {', '.join(REDACT_SOURCES)}"))
    if failures:
        raise ValidationError(failures)
    await messages.redact_message(call.services, call.workspace_id, message_id_of(call))
    return Response(status_code=202)


async def delete_message(call: Call) -> Response:
    """`DELETE /messages/{messageId}`: takes back what has not left; 409 for what has."""
    await messages.cancel_message(call.services, call.workspace_id, message_id_of(call))
    return Response(status_code=204)
