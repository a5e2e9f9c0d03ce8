"""Message campaigns: create, read, list, change, delete, insights (fact page 5.3, 5.8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from .adaccounts import MIN_DAILY_BUDGET
from .calls import Call
from .errors import invalid, marketing
from .fields import parse_fields, select_fields
from .paging import build_page
from .things import AdAccount, Campaign, Totals

DAY = 86400.0
LIFETIME_DAYS = 30
FURTHEST_START = 30 * DAY
LAST_MOMENT = 4_102_444_800  # 2100-01-01, as far as a campaign may run
STATES = frozenset({"ACTIVE", "PAUSED"})
MARKETING_SCOPES = ("paid_marketing_messages", "marketing_messages_messenger")


def create_campaign(call: Call, account: AdAccount) -> dict[str, Any]:
    """`POST /act_<ID>/message_campaign`. It can send after its warm-up. Errors: 100, 200, 2300069 terms."""
    call.require("ads_management")
    call.require(*MARKETING_SCOPES)
    call.count("ads_management", account.id)
    if not account.tos_accepted:
        raise marketing(2300069)
    params, now, world = call.params, call.now, call.emulator.world
    name, page = params.must("name"), world.pages.get(params.must("page_id"))
    if page is None:
        raise invalid("Param page_id must be the id of a Page you manage")
    daily, lifetime = _read_budgets(call)
    start = float(_read_time(call, "start_time") or now)
    if start > now + FURTHEST_START:
        raise invalid("Param start_time must be at most 30 days ahead")
    end: float | None = _read_time(call, "end_time")
    if end is not None and (end <= start or daily is not None):
        raise invalid("Param end_time must be after start_time, and is only for a lifetime budget")
    if end is None and lifetime is not None:
        end = start + LIFETIME_DAYS * DAY
    campaign = Campaign(
        id=world.new_id("61"),
        account=account,
        page=page,
        name=name,
        created=now,
        daily_budget=daily,
        lifetime_budget=lifetime,
        start=start,
        end=end,
        bid_amount=params.integer("bid_amount", minimum=1),
        pixel_id=params.text("pixel_id"),
    )
    world.add_campaign(campaign)
    call.facts["campaign_id"] = campaign.id
    answer: dict[str, Any] = {"id": campaign.id}
    if daily is None and lifetime is None:
        answer["info"] = "No budget was given; an estimated daily cap applies"
    return answer


def _read_budgets(call: Call) -> tuple[int | None, int | None]:
    daily = call.params.integer("daily_budget", minimum=1)
    lifetime = call.params.integer("lifetime_budget", minimum=1)
    if daily is not None and lifetime is not None:
        raise invalid("Only one of daily_budget and lifetime_budget is allowed")
    if daily is not None and daily < MIN_DAILY_BUDGET:
        raise invalid(f"Param daily_budget must be at least {MIN_DAILY_BUDGET}")
    if lifetime is not None and lifetime < MIN_DAILY_BUDGET * LIFETIME_DAYS:
        raise invalid(f"Param lifetime_budget must be at least {MIN_DAILY_BUDGET * LIFETIME_DAYS}")
    return daily, lifetime


def _read_time(call: Call, name: str) -> float | None:
    """Unix seconds, as a number or an ISO date."""
    value = call.params.get(name)
    if isinstance(value, str) and "-" in value:
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            raise invalid(f"Param {name} must be a unix time") from None
    moment = call.params.integer(name, minimum=0)
    if moment is not None and moment > LAST_MOMENT:
        raise invalid(f"Param {name} must be a unix time in seconds")
    return moment


def campaign_record(campaign: Campaign) -> dict[str, Any]:
    """Every field of a message campaign; on the wire it looks like an ad."""
    adset = {
        "id": f"{campaign.id}2",
        "name": campaign.name,
        "daily_budget": str(campaign.daily_budget) if campaign.daily_budget is not None else None,
        "lifetime_budget": str(campaign.lifetime_budget) if campaign.lifetime_budget is not None else None,
        "start_time": _iso(campaign.start),
        "end_time": _iso(campaign.end) if campaign.end is not None else None,
        "promoted_object": {"page_id": campaign.page.id, "pixel_id": campaign.pixel_id},
    }
    return {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "effective_status": campaign.status,
        "configured_status": campaign.status,
        "account_id": campaign.account.id,
        "created_time": _iso(campaign.created),
        "bid_amount": campaign.bid_amount,
        "campaign": {
            "id": f"{campaign.id}1",
            "name": campaign.name,
            "is_direct_send_campaign": True,
            "is_message_campaign": True,
        },
        "creative": {"id": f"{campaign.id}3", "actor_id": campaign.page.id},
        "adset": {name: value for name, value in adset.items() if value is not None},
        "adset_id": adset["id"],
        "campaign_id": f"{campaign.id}1",
    }


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S%z")


def _show(campaign: Campaign, chosen: dict[str, Any]) -> dict[str, Any]:
    """The chosen fields. Nested objects show their id only when no inner fields were asked for."""
    record = campaign_record(campaign)
    for name in ("campaign", "creative", "adset"):
        inner = chosen.get(name)
        if name not in chosen:
            continue
        known = {"daily_budget": None, "lifetime_budget": None, "end_time": None} if name == "adset" else {}
        record[name] = select_fields({**known, **record[name]}, inner or {"id": None}, name.capitalize())
    return select_fields(record, dict.fromkeys(chosen), "Ad")


def read_campaign(call: Call, campaign: Campaign) -> dict[str, Any]:
    """`GET /<MESSAGE_CAMPAIGN_ID>`."""
    call.require("ads_management")
    call.count("ads_management", campaign.account.id)
    return _show(campaign, parse_fields(call.params.text("fields") or "id"))


def list_campaigns(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>/ads`."""
    call.require("ads_management")
    call.count("ads_management", account.id)
    chosen = parse_fields(call.params.text("fields") or "id")
    return build_page(call, account.campaigns, lambda campaign: _show(campaign, chosen))


def update_campaign(call: Call, campaign: Campaign) -> dict[str, Any]:
    """`POST /<MESSAGE_CAMPAIGN_ID>`: name, status, budgets."""
    call.require("ads_management")
    call.count("ads_management", campaign.account.id)
    campaign.status = call.params.choice("status", STATES) or campaign.status
    campaign.name = call.params.text("name") or campaign.name
    daily, lifetime = _read_budgets(call)
    if (daily is not None and campaign.daily_budget is None) or (lifetime is not None and campaign.lifetime_budget is None):
        raise invalid("The kind of budget cannot change")
    campaign.daily_budget = daily if daily is not None else campaign.daily_budget
    campaign.lifetime_budget = lifetime if lifetime is not None else campaign.lifetime_budget
    return {"success": True}


def delete_campaign(call: Call, campaign: Campaign) -> dict[str, Any]:
    """`DELETE /<MESSAGE_CAMPAIGN_ID>`. Later sends get 2300001."""
    call.require("ads_management")
    call.count("ads_management", campaign.account.id)
    world = call.emulator.world
    campaign.status = "DELETED"
    campaign.account.campaigns.remove(campaign)
    del world.objects[campaign.id]
    return {"success": True}


def read_insights(call: Call, node: AdAccount | Campaign) -> dict[str, Any]:
    """`GET /<MESSAGE_CAMPAIGN_ID>/insights` or `/act_<ID>/insights`: values are strings."""
    call.require("ads_management")
    account = node if isinstance(node, AdAccount) else node.account
    call.count("ads_insights", account.id)
    campaigns = account.campaigns if isinstance(node, AdAccount) else [node]
    chosen = parse_fields(call.params.text("fields") or "marketing_messages_sent,marketing_messages_delivered")
    record = _insights(campaigns, account.currency)
    today = datetime.fromtimestamp(call.now, UTC).date()
    window = call.params.mapping("time_range") or {}
    first = datetime.fromtimestamp(call.now - LIFETIME_DAYS * DAY, UTC).date()
    shown = select_fields(record, chosen, "AdsInsights")
    dates = {"date_start": str(window.get("since") or first), "date_stop": str(window.get("until") or today)}
    return {"data": [{**shown, **dates}] if campaigns else []}


def _insights(campaigns: Sequence[Campaign], currency: str) -> dict[str, Any]:
    total = Totals()
    for campaign in campaigns:
        total.accepted += campaign.totals.accepted
        total.delivered += campaign.totals.delivered
        total.read += campaign.totals.read
        total.clicked += campaign.totals.clicked
    spent = sum(campaign.spent for campaign in campaigns)
    prefix = "marketing_messages_"
    values: dict[str, Any] = {
        f"{prefix}sent": str(total.accepted),
        f"{prefix}delivered": str(total.delivered),
        f"{prefix}delivery_rate": _ratio(total.delivered, total.accepted),
        f"{prefix}read": str(total.read),
        f"{prefix}read_rate": _ratio(total.read, total.delivered),
        f"{prefix}link_btn_click": str(total.clicked),
        f"{prefix}link_btn_click_rate": _ratio(total.clicked, total.delivered),
        f"{prefix}spend": f"{spent / 100:.2f}",
        f"{prefix}spend_currency": currency,
        f"{prefix}cost_per_delivered": _ratio(spent, total.delivered * 100),
        f"{prefix}cost_per_link_btn_click": _ratio(spent, total.clicked * 100),
        "spend": f"{spent / 100:.2f}",
    }
    unmeasured = """read_rate_benchmark click_rate_benchmark quick_reply_btn_click quick_reply_btn_click_rate
        phone_call_btn_click_rate media_view_rate btn_name website_add_to_cart website_initiate_checkout
        website_purchase website_purchase_values"""
    values.update(dict.fromkeys((prefix + name for name in unmeasured.split()), None))
    values.update(dict.fromkeys(("actions", "action_values", "website_purchase_roas", "date_start", "date_stop"), None))
    return values


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "0"


def check_ready(campaign: Campaign, now: float, warm_up: float, refusal: int) -> None:
    """Whether the campaign may send now. Errors: 2300000, 2300033, 2300041 or 2300012, 2300053, 2300054."""
    if campaign.status != "ACTIVE" or (campaign.end is not None and now >= campaign.end):
        raise marketing(2300000)
    if now < campaign.created + warm_up:
        raise marketing(refusal, remaining_seconds=campaign.created + warm_up - now)
    if now < campaign.start:
        raise marketing(2300033, remaining_seconds=campaign.start - now)
    if campaign.lifetime_budget is not None and campaign.spent >= campaign.lifetime_budget:
        raise marketing(2300053)
    # A single day may overshoot the daily budget by up to 75 %.
    if (
        campaign.daily_budget is not None
        and campaign.today == int(now // DAY)
        and campaign.spent_today >= campaign.daily_budget * 1.75
    ):
        raise marketing(2300054)


def bill(campaign: Campaign, price: int, at: float) -> None:
    """Books a delivered message."""
    day = int(at // DAY)
    if campaign.today != day:
        campaign.today, campaign.spent_today = day, 0
    campaign.spent += price
    campaign.spent_today += price
    campaign.account.spent += price


def owned_campaign(call: Call, account: AdAccount, campaign_id: str) -> Campaign:
    """Errors: 2300001 unknown or deleted, 2300014 another ad account's."""
    campaign = call.emulator.world.campaigns.get(campaign_id)
    if campaign is None or campaign.status == "DELETED":
        raise marketing(2300001)
    if campaign.account is not account:
        raise marketing(2300014)
    return campaign
