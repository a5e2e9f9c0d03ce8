"""Ad accounts: reading, terms, minimum budgets, estimates (fact page 1.1, 5.3, 11)."""

from __future__ import annotations

from typing import Any

from .calls import Call
from .errors import GraphFault, invalid, no_permission
from .fields import parse_fields, select_fields
from .paging import build_page
from .things import AdAccount

MIN_DAILY_BUDGET = 100  # minor currency units; min_daily_budget_imp
PRICE = 1  # minor currency units for a delivered message


def account_record(call: Call, account: AdAccount) -> dict[str, Any]:
    """Every field of an ad account this emulator knows."""
    terms = {"custom_audience_tos": 1} if account.tos_accepted else None
    return {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "account_status": 1,
        "currency": account.currency,
        "timezone_name": "America/New_York",
        "tos_accepted": terms,
        "user_tos_accepted": terms,
        "spend_cap": "0",
        "amount_spent": str(account.spent),
        "balance": "0",
        "is_prepay_account": False,
        "funding_source": "600000000000001",
        "business": {"id": account.business_id, "name": call.emulator.world.business.name},
    }


def read_account(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>`."""
    call.require("ads_management")
    chosen = parse_fields(call.params.text("fields") or "id,account_id")
    return select_fields(account_record(call, account), chosen, "AdAccount")


def list_my_accounts(call: Call, _node: object) -> dict[str, Any]:
    """`GET /me/adaccounts`."""
    call.require("ads_management")
    chosen = parse_fields(call.params.text("fields") or "id,account_id")
    accounts = list(call.emulator.world.accounts.values())
    return build_page(call, accounts, lambda account: select_fields(account_record(call, account), chosen, "AdAccount"))


def read_terms(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>/customaudiencetos`."""
    call.require("ads_management")
    return {"data": [{"id": "custom_audience_tos", "content": "Custom Audience terms", "type": "CUSTOM_AUDIENCE"}]}


def accept_terms(call: Call, account: AdAccount) -> dict[str, Any]:
    """`POST /act_<ID>/customaudiencetos`. Errors: 200 for a system user: a person must accept."""
    call.params.must("tos_id")
    if call.known_token.kind != "USER":
        raise no_permission("Only a person can accept the Custom Audience terms")
    account.tos_accepted = True
    return {"success": True}


def check_terms(account: AdAccount) -> None:
    """Errors: 200/1870090 until a person accepts."""
    if not account.tos_accepted:
        link = f"https://business.facebook.com/ads/manage/customaudiences/tos/?act={account.id}"
        raise GraphFault(
            "Custom Audience Terms have not been accepted",
            code=200,
            subcode=1870090,
            status=403,
            error_user_title="Custom Audience terms not accepted",
            error_user_msg=f"A person who manages the ad account must accept the terms at {link}",
        )


def minimum_budgets(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>/minimum_budgets`."""
    call.require("ads_management")
    row = {
        "currency": account.currency,
        "min_daily_budget_imp": MIN_DAILY_BUDGET,
        "min_daily_budget_video_views": MIN_DAILY_BUDGET,
    }
    return {"data": [row]}


def delivery_estimate(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>/message_delivery_estimate`: how far a budget goes. Errors: 100."""
    call.require("ads_management")
    params, world = call.params, call.emulator.world
    promoted = params.mapping("promoted_object", required=True) or {}
    page = world.pages.get(str(promoted.get("page_id")))
    if page is None:
        raise invalid("promoted_object must hold the page_id of a Page you manage")
    daily, lifetime = params.integer("daily_budget", minimum=1), params.integer("lifetime_budget", minimum=1)
    days = params.integer("lifetime_in_days", minimum=1) or 30
    budget = lifetime if lifetime is not None else (daily or 0) * days
    reach = min(budget // PRICE, len(page.subscribers))
    row = {
        "estimate_delivery_lower_bound": reach * 8 // 10,
        "estimate_delivery_upper_bound": reach,
        "estimate_cost_lower_bound": reach * 8 // 10 * PRICE,
        "estimate_cost_upper_bound": reach * PRICE,
        "estimate_status": "READY",
    }
    return {"data": [row]}
