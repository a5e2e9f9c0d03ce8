"""The list of subscription tokens of a Page, and one token by itself (fact page 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .calls import Call
from .errors import invalid, unknown_object
from .fields import parse_fields, select_fields
from .paging import build_page
from .things import Page, Subscriber

SOURCES = frozenset({"COMMENT_AUTOMATION", "CTM", "REPLY_AUTOMATION", "SUBSCRIBER_LIST"})
LIST_BORN_FIELDS = ("notification_messages_token", "topic_title", "notification_messages_reoptin", "custom_audience_ids")
NODE_PREFIX = "notification_messages_"
DEFAULT_LIMIT, MOST = 100, 1000


def list_tokens(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>/notification_message_tokens`. Tokens of small audiences are left out silently. Errors: 100, 2300080."""
    call.require_page(page)
    call.require("pages_messaging")
    call.count("tokens", page.id)
    chosen = parse_fields(call.params.text("fields") or "")
    fits = _read_filters(call)
    threshold = call.emulator.config.threshold

    def show(subscriber: Subscriber) -> dict[str, Any] | None:
        if not subscriber.visible(threshold) or not fits(subscriber):
            return None
        return _show(subscriber, chosen, threshold)

    return build_page(call, page.subscribers, show, default=DEFAULT_LIMIT, most=MOST)


def _read_filters(call: Call) -> Callable[[Subscriber], bool]:
    params, threshold = call.params, call.emulator.config.threshold
    unique = params.boolean("do_not_return_duplicates")
    received = params.boolean("has_received_marketing_message")
    received = params.boolean("is_previously_messaged") if received is None else received
    audiences = {str(one) for one in params.sequence("custom_audience_ids") or ()}
    tags = params.sequence("subscriber_tag_ids")
    sources = {str(one) for one in params.sequence("opt_in_source") or ()}
    if not sources <= SOURCES:
        raise invalid(f"Param opt_in_source must be among {{{', '.join(sorted(SOURCES))}}}")
    since, until = _read_moment(call, "since"), _read_moment(call, "until")

    def fits(one: Subscriber) -> bool:
        return (
            (not sources or one.source in sources)
            and (not audiences or not audiences.isdisjoint(one.audience_ids(threshold)))
            and (received is None or one.received == received)
            and (since is None or one.created >= since)
            and (until is None or one.created < until)
            and not tags  # nobody here has tags
            and not (unique and call.emulator.world.find_subscriber(one.page, call.emulator.crowd.root(one.person)) is not one)
        )

    return fits


def _read_moment(call: Call, name: str) -> float | None:
    value = call.params.text(name)
    if value is None:
        return None
    try:
        return float(value) if value.lstrip("-").isdigit() else datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        raise invalid(f"Param {name} must be a unix time or an ISO 8601 date") from None


def read_token(call: Call, subscriber: Subscriber) -> dict[str, Any]:
    """`GET /notification_messages_<TOKEN>`."""
    call.require_page(subscriber.page)
    call.require("pages_messaging")
    threshold = call.emulator.config.threshold
    if not subscriber.visible(threshold):
        raise unknown_object("get", call.path)
    return _show(subscriber, parse_fields(call.params.text("fields") or ""), threshold)


def _show(subscriber: Subscriber, chosen: dict[str, Any], threshold: int) -> dict[str, Any]:
    record = _record(subscriber, threshold)
    if not chosen:
        return {name: value for name, value in record.items() if value is not None and name != "id"}
    shown = select_fields(record, chosen, "UserPageOneTimeOptInTokenSettings")
    if "id" not in chosen:
        shown.pop("id", None)
    return shown


def _record(subscriber: Subscriber, threshold: int) -> dict[str, Any]:
    """Every field; a person who came only from a list keeps all but four to themselves."""
    thread = subscriber.thread
    record: dict[str, Any] = {
        "notification_messages_token": subscriber.token,
        "recipient_id": thread.psid if thread else None,
        "creation_timestamp": int(subscriber.created),
        "token_expiry_timestamp": None,
        "user_token_status": "NOT_REFRESHED",
        "next_eligible_time": int(subscriber.next_free or subscriber.created),
        "next_eligible_time_for_paid_messaging": int(subscriber.next_paid or subscriber.created),
        "notification_messages_timezone": subscriber.timezone or "UTC",
        "notification_messages_reoptin": "ENABLED",
        "notification_messages_frequency": None,
        "topic_title": subscriber.title,
        "custom_audience_ids": subscriber.audience_ids(threshold),
        "id": NODE_PREFIX + subscriber.token,
    }
    if thread is None:
        return {name: value if name in LIST_BORN_FIELDS else None for name, value in record.items()}
    return record
