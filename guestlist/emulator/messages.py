"""Sending one marketing message under a campaign (fact page 5.4, 5.9)."""

from __future__ import annotations

import random
import uuid
from typing import Any

from .calls import Call
from .campaigns import MARKETING_SCOPES, check_ready, owned_campaign
from .content import check_message
from .errors import invalid, marketing
from .outcomes import Sent
from .params import as_integer
from .things import AdAccount, Campaign, Subscriber

GAP_SECONDS = 12 * 3600.0  # between two marketing messages to one token


def send_message(call: Call, account: AdAccount) -> dict[str, Any]:
    """`POST /act_<ID>/messages`: accepted, not delivered. Errors: 100, 200, the 23000xx of the fact page."""
    params, facts, emulator = call.params, call.facts, call.emulator
    campaign_id = facts["campaign_id"] = params.must("message_id")
    token = facts["subscription_token"] = _read_token(call)
    campaign = owned_campaign(call, account, campaign_id)
    _check_caller(call, campaign)
    emulator.limits.check_send(campaign.page.id)
    call.count_message(campaign.page)
    now = call.now
    check_ready(campaign, now, emulator.config.warm_up_seconds, int(emulator.switches["warm_up_refusal"]))
    check_message(params.mapping("message", required=True) or {})
    subscriber = emulator.world.subscribers.get(token)
    if subscriber is None:
        raise marketing(2300004)
    _check_recipient(call, campaign, subscriber, now)
    return _accept(call, campaign, subscriber, now)


def _read_token(call: Call) -> str:
    delivery = call.params.mapping("messenger_delivery_data", required=True) or {}
    token = delivery.get("subscription_token")
    if isinstance(token, int) and not isinstance(token, bool):
        token = str(token)
    if not isinstance(token, str) or not token:
        raise invalid("Param messenger_delivery_data must hold a subscription_token")
    return token


def _check_caller(call: Call, campaign: Campaign) -> None:
    """A business token with the marketing permission, or the campaign's own Page token. Errors: 200, 2300039."""
    call.require(*MARKETING_SCOPES)
    if call.known_token.kind == "PAGE":
        if call.known_token.page_id != campaign.page.id:
            raise marketing(2300039)
    else:
        call.require("ads_management")


def _check_recipient(call: Call, campaign: Campaign, subscriber: Subscriber, now: float) -> None:
    if subscriber.page is not campaign.page:
        raise marketing(2300005)
    if subscriber.opted_out:
        raise marketing(2300034)
    traits = call.emulator.crowd.traits(subscriber.person)
    if traits.refused_region:
        raise marketing(2300032)
    if now < subscriber.next_paid:
        raise marketing(2300035, remaining_seconds=subscriber.next_paid - now)
    if traits.unreachable:
        raise marketing(2300036)
    gap = as_integer(call.params.get("min_conversation_gap_seconds"), "min_conversation_gap_seconds", minimum=0)
    if gap and subscriber.thread is not None and now < subscriber.thread.last_inbound + gap:
        raise marketing(2300052, remaining_seconds=subscriber.thread.last_inbound + gap - now)


def _accept(call: Call, campaign: Campaign, subscriber: Subscriber, now: float) -> dict[str, Any]:
    tracking_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
    subscriber.next_paid = now + GAP_SECONDS
    subscriber.received = True
    campaign.totals.accepted += 1
    call.facts["tracking_id"] = tracking_id
    traits = call.emulator.crowd.traits(subscriber.person)
    Sent(call.emulator, subscriber, campaign, tracking_id, traits, f"m_{random.getrandbits(96):024x}").follow(now)
    return {"success": True, "marketing_message_tracking_id": tracking_id}
