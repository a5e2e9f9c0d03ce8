"""`/v1/messages`: one send over Messenger, SMS and e-mail, with everything that becomes of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import ValidationError

from guestlist.actions import messages
from guestlist.api.caller import Acting, Calling
from guestlist.api.message_models import (
    Batch,
    BatchAnswer,
    BatchItem,
    Explained,
    Message,
    MessageStory,
    NewMessage,
    SentMessage,
    tell_explanation,
    tell_sent,
    tell_story,
)
from guestlist.api.models import ID_PATTERN, RowId
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.api.problems import InvalidRequestError, describe_fields, show_problem
from guestlist.domain import states
from guestlist.domain.messages import Channel
from guestlist.errors import GuestlistError

router = APIRouter(prefix="/v1/messages", tags=["messages"])

_ACTING = refusals(404, *WRITING)
_WAIT = re.compile(r"\s*wait(?:\s*=\s*\"?([0-9]{1,4})\"?)?\s*", re.IGNORECASE)

Prefer = Annotated[
    str | None,
    Header(
        max_length=200,
        description="`wait`, or `wait=` and seconds up to 10: answer once the first attempt has its outcome, or when that time "
        "is over. The message is kept either way.",
        examples=["wait=5"],
    ),
]


@router.post("", summary="Send a message", status_code=201, responses=_ACTING)
async def send_message(caller: Acting, given: NewMessage, response: Response, prefer: Prefer = None) -> SentMessage:
    """Accepts a message durably; the calls to providers follow. The first open rule is tried, the next one after a refusal."""
    row = await messages.send_message(caller.services, caller.workspace_id, given.as_request(), messages.Origin(by="api"))
    seconds = read_wait(prefer)
    if seconds is None:
        return tell_sent(row, ())
    response.headers["Preference-Applied"] = f"wait={seconds}"
    story = await messages.first_attempt(caller.services, caller.workspace_id, row["id"], seconds)
    return tell_sent(story.message, story.attempts)


def read_wait(prefer: str | None) -> int | None:
    """The seconds a client is willing to wait, at most 10; None where it did not ask to."""
    for preference in (prefer or "").split(","):
        if found := _WAIT.fullmatch(preference):
            return min(int(found[1]) if found[1] else int(messages.LONGEST_WAIT), int(messages.LONGEST_WAIT))
    return None


@router.post("/batch", summary="Send many messages", responses=refusals(*WRITING))
async def send_batch(caller: Acting, given: Batch) -> BatchAnswer:
    """Up to 5,000 messages, each accepted or refused by itself; the answer tells of each, in order."""
    read = [_read_item(item) for item in given.messages]
    sound = [each for each in read if isinstance(each, NewMessage)]
    origin = messages.Origin(by="api", batch_id=caller.services.ids.new("bat"))
    sent: list[messages.Sent] = []
    if sound:
        requests = [each.as_request() for each in sound]
        sent = await messages.send_batch(caller.services, caller.workspace_id, requests, origin)
    outcomes = iter(sent)
    items = [_tell_item(index, next(outcomes) if isinstance(each, NewMessage) else each) for index, each in enumerate(read)]
    accepted = sum(item.message is not None for item in items)
    return BatchAnswer(batch_id=origin.batch_id or "", accepted=accepted, refused=len(items) - accepted, data=items)


def _read_item(item: Any) -> NewMessage | GuestlistError:
    try:
        return NewMessage.model_validate(item)
    except ValidationError as error:
        return InvalidRequestError(remedy="See `errors` for each field.", errors=describe_fields(error.errors()))


def _tell_item(index: int, outcome: messages.Sent) -> BatchItem:
    if isinstance(outcome, GuestlistError):
        return BatchItem(index=index, status=outcome.status, problem=show_problem(outcome))
    return BatchItem(index=index, status=201, message=Message.of(outcome))


@router.post("/explain", summary="Explain a message", responses=_ACTING)
async def explain_message(caller: Acting, given: NewMessage) -> Explained:
    """Which way the message would go now, and why each other is closed. Nothing is kept or sent."""
    request = given.as_request()
    return tell_explanation(await messages.explain_message(caller.services, caller.workspace_id, request.draft))


@router.get("", summary="List messages", responses=refusals(400, 404))
async def list_messages(
    caller: Calling,
    window: ById,
    contact_id: Annotated[RowId | None, Query(description="Only this contact's.")] = None,
    state: Annotated[states.MessageState | None, Query(description="Only those in this state.")] = None,
    channel: Annotated[Channel | None, Query(description="Only those over this channel.")] = None,
    batch_id: Annotated[str | None, Query(pattern=ID_PATTERN, description="Only this batch's.")] = None,
) -> Listing[Message]:
    """Messages, newest first."""
    filters = {"contact_id": contact_id, "state": state, "channel": channel, "batch_id": batch_id}
    found = await messages.list_messages(
        caller.services, caller.workspace_id, filters=filters, after=window.after, limit=window.wanted
    )
    return window.cut(found, Message.of)


@router.get("/{message_id}", summary="Read a message", responses=refusals(404))
async def get_message(caller: Calling, message_id: RowId) -> MessageStory:
    """A message with its deliveries, every attempt with the provider's code, every receipt, and all of it as one timeline."""
    return tell_story(await messages.get_message(caller.services, caller.workspace_id, message_id))


@router.post("/{message_id}/cancel", summary="Cancel a message", responses=_ACTING)
async def cancel_message(caller: Acting, message_id: RowId) -> Message:
    """Ends a message that has not left. Cancelling twice changes nothing."""
    return Message.of(await messages.cancel_message(caller.services, caller.workspace_id, message_id))


@router.post("/{message_id}/redact", summary="Redact a message", responses=_ACTING)
async def redact_message(caller: Acting, message_id: RowId) -> Message:
    """Empties what a message says and whom it names. States, times and codes stay. Redacting twice changes nothing."""
    return Message.of(await messages.redact_message(caller.services, caller.workspace_id, message_id))
