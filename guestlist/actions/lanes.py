"""The ad account's lane: everything due that is created or uploaded there, one call at a time."""

from __future__ import annotations

from guestlist.engine.base import Ownership
from guestlist.storage import pages as page_rows
from guestlist.storage import work

from .audiences import advance_audience
from .base import Services
from .campaigns import advance_campaign
from .uploads import advance_upload


async def run_ads_lane(services: Services, ownership: Ownership) -> float | None:
    """Takes the due steps of an ad account, round by round, until none is due. Each round makes one call per due thing."""
    _, workspace_id, ad_account_id = ownership.lease.lane.split(":")
    fence = ownership.lease.fence
    while not ownership.lost():
        due = await services.db.read(lambda tx: work.due_steps(tx, workspace_id, ad_account_id, services.now_ms()))
        pages = await services.db.read(lambda tx: page_rows.of_ad_account(tx, workspace_id, ad_account_id))
        by_id = {page["id"]: page for page in pages}
        if not any(due.values()):
            return None
        for audience in due["audiences"]:
            await advance_audience(services, by_id[audience["page_id"]], audience, fence)
        for upload in due["uploads"]:
            await advance_upload(services, by_id[upload["page_id"]], upload, fence)
        for campaign in due["campaigns"]:
            await advance_campaign(services, by_id[campaign["page_id"]], campaign, fence)
    return None
