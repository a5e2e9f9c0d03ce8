"""`/v1/conversations`: the thread with one contact on one account, both sides."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from guestlist.actions import conversations
from guestlist.api.caller import Acting, Calling
from guestlist.api.contact_models import Conversation, Said
from guestlist.api.models import Flag, RowId
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, ByPlace, Listing
from guestlist.domain.messages import Channel
from guestlist.storage.timelines import parse_place

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])

Order = Annotated[Literal["newest", "oldest"], Query(description="What comes first.")]


@router.get("", summary="List conversations", responses=refusals(400, 404))
async def list_conversations(
    caller: Calling,
    window: ById,
    contact_id: Annotated[RowId | None, Query(description="Only this contact's.")] = None,
    account_id: Annotated[RowId | None, Query(description="Only those with this Page or account.")] = None,
    channel: Annotated[Channel | None, Query(description="Only those over this channel.")] = None,
    unread: Annotated[Flag | None, Query(description="Only those with, or without, something unread.")] = None,
) -> Listing[Conversation]:
    """Conversations, newest first."""
    found = await conversations.list_conversations(
        caller.services,
        caller.workspace_id,
        filters={"contact_id": contact_id, "account_id": account_id, "channel": channel},
        unread=unread,
        after=window.after,
        limit=window.wanted,
    )
    return window.cut(found, Conversation.of)


@router.get("/{conversation_id}", summary="Read a conversation", responses=refusals(404))
async def get_conversation(caller: Calling, conversation_id: RowId) -> Conversation:
    """One conversation."""
    return Conversation.of(await conversations.get_conversation(caller.services, caller.workspace_id, conversation_id))


@router.get("/{conversation_id}/messages", summary="Read what was said", responses=refusals(400, 404))
async def list_said(caller: Calling, conversation_id: RowId, window: ByPlace, order: Order = "newest") -> Listing[Said]:
    """Both sides: what we sent, here or elsewhere, and what the contact said."""
    found = await conversations.list_said(
        caller.services,
        caller.workspace_id,
        conversation_id,
        oldest_first=order == "oldest",
        after=parse_place(window.after),
        limit=window.wanted,
    )
    return window.cut(found, Said.of, "place")


@router.post("/{conversation_id}/read", summary="Mark a conversation as read", responses=refusals(404, *WRITING))
async def read_conversation(caller: Acting, conversation_id: RowId) -> Conversation:
    """Nothing is unread any more. Doing it twice changes nothing."""
    return Conversation.of(await conversations.mark_read(caller.services, caller.workspace_id, conversation_id))
