"""`/v1/events`: what happened in the workspace."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from guestlist.actions import events
from guestlist.api.caller import Calling
from guestlist.api.models import Document, Instant, Shown
from guestlist.api.openapi import refusals
from guestlist.api.paging import ById, Listing

router = APIRouter(prefix="/v1/events", tags=["events"])


class Event(Shown):
    """A normalised fact."""

    id: str
    kind: str = Field(examples=["campaign.finished"])
    subject: str = Field(description="The id of what it is about.")
    data: Document
    at: Instant


@router.get("", summary="List events", responses=refusals(400))
async def list_events(caller: Calling, window: ById) -> Listing[Event]:
    """Events, newest first."""
    found = await events.list_events(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, Event.of)
