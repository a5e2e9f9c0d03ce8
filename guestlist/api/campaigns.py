"""`/v1/campaigns`: one marketing message to many subscribers, from draft to funnel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from guestlist.actions import campaigns
from guestlist.api.caller import Acting, Calling
from guestlist.api.campaign_models import Campaign, Funnel, NewCampaign, Recipient
from guestlist.api.models import RowId
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, ByPosition, Listing
from guestlist.domain.states import Delivery

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

_ACTING = refusals(404, *WRITING)


@router.get("", summary="List campaigns", responses=refusals(400))
async def list_campaigns(caller: Calling, window: ById) -> Listing[Campaign]:
    """Campaigns, newest first."""
    found = await campaigns.list_campaigns(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, Campaign.of)


@router.post("", summary="Create a campaign", status_code=201, responses=_ACTING)
async def create_campaign(caller: Acting, given: NewCampaign) -> Campaign:
    """It is created at Meta soon after and warms up for an hour. Nothing is sent before it is launched."""
    return Campaign.of(await campaigns.create_campaign(caller.services, caller.workspace_id, given.as_draft()))


@router.get("/{campaign_id}", summary="Read a campaign", responses=refusals(404))
async def get_campaign(caller: Calling, campaign_id: RowId) -> Campaign:
    """One campaign."""
    return Campaign.of(await campaigns.get_campaign(caller.services, caller.workspace_id, campaign_id))


@router.get("/{campaign_id}/funnel", summary="Read a campaign's funnel", responses=refusals(404))
async def read_funnel(caller: Calling, campaign_id: RowId) -> Funnel:
    """How far the message got. `recipients = accepted + sum(failed) + unknown + pending`, at every moment."""
    return Funnel.model_validate(await campaigns.read_funnel(caller.services, caller.workspace_id, campaign_id))


@router.get("/{campaign_id}/recipients", summary="List a campaign's recipients", responses=refusals(400, 404))
async def list_recipients(
    caller: Calling,
    campaign_id: RowId,
    window: ByPosition,
    state: Annotated[Delivery | None, Query(description="Only those in this state.")] = None,
) -> Listing[Recipient]:
    """Recipients in the order of sending, each with its state and the reason for it."""
    found = await campaigns.list_recipients(
        caller.services,
        caller.workspace_id,
        campaign_id,
        state=state.value if state else None,
        after=window.after,
        limit=window.wanted,
    )
    return window.cut(found, Recipient.of, place="position")


@router.post("/{campaign_id}/launch", summary="Launch a campaign", responses=_ACTING)
async def launch_campaign(caller: Acting, campaign_id: RowId) -> Campaign:
    """Fixes the recipients from the subscribers as they stand; sending starts as soon as the campaign is warm."""
    return Campaign.of(await campaigns.launch_campaign(caller.services, caller.workspace_id, campaign_id))


@router.post("/{campaign_id}/pause", summary="Pause a campaign", responses=_ACTING)
async def pause_campaign(caller: Acting, campaign_id: RowId) -> Campaign:
    """Holds the campaign: nobody is claimed until it is resumed."""
    return Campaign.of(await campaigns.pause_campaign(caller.services, caller.workspace_id, campaign_id))


@router.post("/{campaign_id}/resume", summary="Resume a campaign", responses=_ACTING)
async def resume_campaign(caller: Acting, campaign_id: RowId) -> Campaign:
    """Goes on where it stood."""
    return Campaign.of(await campaigns.resume_campaign(caller.services, caller.workspace_id, campaign_id))


@router.post("/{campaign_id}/stop", summary="Stop a campaign", responses=_ACTING)
async def stop_campaign(caller: Acting, campaign_id: RowId) -> Campaign:
    """Ends the campaign for good; whoever was not handed over is closed as `stopped`. Stopping twice changes nothing."""
    return Campaign.of(await campaigns.stop_campaign(caller.services, caller.workspace_id, campaign_id))
