"""Calls on message campaigns, and the one that sends. Fact page 5.3, 5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .base import CampaignInfo
from .caller import Caller, ad_account_node, build_path
from .paging import Page, next_cursor, read_all
from .wire import Document, WireError, as_id, as_object, as_text, parse_new_id, parse_rows

FIELDS = "id,campaign{name,is_direct_send_campaign,is_message_campaign}"
PAGE_ROWS = 100
"""Rows a page."""


class CampaignCalls:
    """The calls of the campaign path."""

    _caller: Caller

    async def create_campaign(
        self,
        ad_account_id: str,
        *,
        name: str,
        page_id: str,
        daily_budget: int | None,
        lifetime_budget: int | None,
        end_time: datetime | None,
    ) -> str:
        """The id of a new campaign, which may send an hour later. Units: budgets in minor currency units; one of them at most."""
        body: dict[str, Any] = {"name": name, "page_id": page_id}
        if daily_budget is not None:
            body["daily_budget"] = daily_budget
        if lifetime_budget is not None:
            body["lifetime_budget"] = lifetime_budget
        if end_time is not None:
            body["end_time"] = int(end_time.timestamp())
        return await self._caller.write(build_path(ad_account_node(ad_account_id), "message_campaign"), body, parse_new_id)

    async def list_campaigns(self, ad_account_id: str) -> Sequence[CampaignInfo]:
        """Every message campaign of the ad account, whoever made it."""
        path = build_path(ad_account_node(ad_account_id), "ads")
        return await read_all(lambda page: self._caller.read(path, {"fields": FIELDS, **page}, parse_campaigns), PAGE_ROWS)

    async def send_marketing_message(
        self, ad_account_id: str, *, campaign_id: str, token: str, message: Mapping[str, Any]
    ) -> str:
        """Sends one message to one subscriber; the tracking id. It means accepted, not delivered.

        Shape: `message` is Meta's message object. Its field `message_id` is the campaign's id, despite the name.
        """
        body = {"message_id": campaign_id, "messenger_delivery_data": {"subscription_token": token}, "message": message}
        return await self._caller.write(build_path(ad_account_node(ad_account_id), "messages"), body, parse_tracking_id)


def parse_campaigns(document: Document) -> Page[CampaignInfo]:
    """The message campaigns on one page of an ad account's ads; ordinary ads are left out."""
    rows = [row for row in parse_rows(document) if _is_message_campaign(as_object(row.get("campaign")))]
    return Page([_parse_campaign(row) for row in rows], next_cursor(document))


def parse_tracking_id(document: Document) -> str:
    """The tracking id of an accepted message. Errors: WireError without one, or where success is denied."""
    tracking_id = as_id(document.get("marketing_message_tracking_id"))
    if tracking_id is None or document.get("success") is False:
        raise WireError("The answer does not confirm the message.")
    return tracking_id


def _is_message_campaign(campaign: Document) -> bool:
    """True where either flag says so; also where neither is given, since a flag may be missing but a campaign must not be."""
    flags = [campaign.get(name) for name in ("is_message_campaign", "is_direct_send_campaign")]
    return any(flag is True for flag in flags) or all(flag is None for flag in flags)


def _parse_campaign(row: Document) -> CampaignInfo:
    campaign_id = as_id(row.get("id"))
    if campaign_id is None:
        raise WireError("A campaign has no id.")
    return CampaignInfo(campaign_id, as_text(as_object(row.get("campaign")).get("name")))
