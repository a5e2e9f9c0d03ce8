"""`/v1/subscribers`: who can be messaged on a Page. Neither tokens nor Meta's ids of people are shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from guestlist.actions import subscribers
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Flag, Instant, RowId, Shown, spell_out
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain import states

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])


class Subscriber(Shown):
    """The holder of a subscription token. List-born ones have no name and no row: Meta tells neither."""

    id: str
    page_id: str
    source: Annotated[str, spell_out(states.Source)] = Field(description="How they came first.")
    audience_id: str | None = Field(description="The first audience that held them, for list-born ones.")
    timezone: str | None
    opted_out_at: Instant | None
    opt_out_reason: str | None
    next_eligible_at: Instant | None = Field(description="No marketing message before this.")
    expires_at: Instant | None = Field(description="When the token ends.")
    created_at: Instant


class SourceCount(BaseModel):
    """Subscribers of one source."""

    open: int
    opted_out: int


class SubscriberCounts(BaseModel):
    """A Page's subscribers, each once under its first source."""

    page_id: str
    open: int
    opted_out: int
    sources: dict[str, SourceCount]


@router.get("", summary="List subscribers", responses=refusals(400, 404))
async def list_subscribers(
    caller: Calling,
    window: ById,
    page_id: Annotated[RowId | None, Query(description="Only this Page's.")] = None,
    opted_out: Annotated[Flag | None, Query(description="Only those who are, or are not, opted out.")] = None,
) -> Listing[Subscriber]:
    """Subscribers, newest first."""
    if page_id is not None:
        await caller.services.get_page(caller.workspace_id, page_id)
    found = await subscribers.list_subscribers(
        caller.services,
        caller.workspace_id,
        page_id=page_id,
        opted_out=opted_out,
        after=window.after,
        limit=window.wanted,
    )
    return window.cut(found, Subscriber.of)


@router.get("/counts", summary="Count subscribers", responses=refusals(404))
async def count_subscribers(caller: Calling, page_id: Annotated[RowId, Query(description="Our id.")]) -> SubscriberCounts:
    """A Page's subscribers by source."""
    found = await subscribers.count_subscribers(caller.services, caller.workspace_id, page_id)
    sources = {source: SourceCount.model_validate(counts) for source, counts in found.items()}
    return SubscriberCounts(
        page_id=page_id,
        open=sum(each.open for each in sources.values()),
        opted_out=sum(each.opted_out for each in sources.values()),
        sources=sources,
    )


@router.post("/{subscriber_id}/opt-out", summary="Opt a subscriber out", responses=refusals(404, *WRITING))
async def opt_out_subscriber(caller: Acting, subscriber_id: RowId) -> Subscriber:
    """No claim for this subscriber follows, from any campaign. Opting out twice changes nothing."""
    row = await subscribers.opt_out_subscriber(caller.services, caller.workspace_id, subscriber_id, by="api")
    return Subscriber.of(row)
