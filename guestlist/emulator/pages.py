"""Pages: reading them, and subscribing an app to their webhooks (fact page 8.2, 11)."""

from __future__ import annotations

from typing import Any

from .calls import Call
from .errors import invalid
from .fields import parse_fields, select_fields
from .paging import build_page
from .things import App, Page

TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"]
CATEGORY = {"id": "197871390225897", "name": "Cafe"}
WEBHOOK_FIELDS = frozenset(
    {
        "messages",
        "messaging_postbacks",
        "messaging_optins",
        "messaging_optouts",
        "messaging_referrals",
        "message_deliveries",
        "message_reads",
        "message_echoes",
        "message_reactions",
        "message_edits",
        "messaging_policy_enforcement",
        "messaging_handovers",
        "standby",
        "messaging_account_linking",
        "messaging_feedback",
        "messaging_integrity",
        "feed",
        "marketing_message_echoes",
        "marketing_message_deliveries",
        "marketing_message_delivery_failed",
        "marketing_message_reads",
        "marketing_message_clicks",
        "marketing_messages_subscriber_upload_status",
        "message_template_status_update",
        "business_integrity",
    }
)


def page_record(page: Page, *, with_token: bool) -> dict[str, Any]:
    """Every field of a Page this emulator knows."""
    return {
        "id": page.id,
        "name": page.name,
        "category": CATEGORY["name"],
        "category_list": [CATEGORY],
        "tasks": TASKS,
        "link": f"https://www.facebook.com/{page.id}",
        "access_token": page.token if with_token else None,
        "username": None,
        "picture": None,
        "business": None,
        "is_published": page.published,
    }


def read_page(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>`: id and name, or the chosen fields."""
    own = call.known_token.kind in ("USER", "SYSTEM_USER") or call.known_token.page_id == page.id
    chosen = parse_fields(call.params.text("fields") or "id,name")
    return select_fields(page_record(page, with_token=own), chosen, "Page")


def list_my_pages(call: Call, _node: object) -> dict[str, Any]:
    """`GET /me/accounts`."""
    call.require("pages_show_list")
    chosen = parse_fields(call.params.text("fields") or "access_token,category,category_list,name,id,tasks")
    pages = list(call.emulator.world.pages.values())
    return build_page(call, pages, lambda page: select_fields(page_record(page, with_token=True), chosen, "Page"))


def subscribe_app(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/subscribed_apps`: the app's fields on this Page, replacing earlier ones. Errors: 100, 200, 210."""
    call.require_page(page)
    call.require("pages_manage_metadata")
    fields = read_webhook_fields(call, "subscribed_fields")
    if not fields:
        raise invalid("The parameter subscribed_fields is required")
    page.subscriptions[call.emulator.world.app.id] = fields
    return {"success": True}


def list_subscribed_apps(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>/subscribed_apps`."""
    call.require_page(page)
    call.require("pages_manage_metadata")
    app = call.emulator.world.app
    rows = [_subscription(app, fields) for app_id, fields in page.subscriptions.items() if app_id == app.id]
    return {"data": rows}


def unsubscribe_app(call: Call, page: Page) -> dict[str, Any]:
    """`DELETE /<PAGE_ID>/subscribed_apps`."""
    call.require_page(page)
    call.require("pages_manage_metadata")
    page.subscriptions.pop(call.emulator.world.app.id, None)
    return {"success": True}


def read_webhook_fields(call: Call, name: str) -> tuple[str, ...]:
    """Webhook field names. Errors: 100 for one that does not exist."""
    fields = tuple(dict.fromkeys(str(field) for field in call.params.sequence(name) or ()))
    for field in fields:
        if field not in WEBHOOK_FIELDS:
            raise invalid(f"Param {name} must be one of {{{', '.join(sorted(WEBHOOK_FIELDS))}}} - got {field[:60]!r}")
    return fields


def _subscription(app: App, fields: tuple[str, ...]) -> dict[str, Any]:
    link = f"https://www.facebook.com/games/?app_id={app.id}"
    return {"id": app.id, "name": app.name, "link": link, "category": "Business", "subscribed_fields": list(fields)}
