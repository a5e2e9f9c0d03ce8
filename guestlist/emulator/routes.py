"""Which handler answers which node, edge and method."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from . import (
    adaccounts,
    apps,
    attachments,
    audiences,
    campaigns,
    messages,
    page_messages,
    page_profile,
    pages,
    tokens,
    uploads,
    utility,
)
from .calls import Call
from .errors import GraphFault, invalid, unknown_object, unknown_path
from .things import KINDS, Page
from .world import World

Handler = Callable[..., Any]
VERSION = re.compile(r"v(\d{1,2})\.(\d)")
OLDEST, NEWEST = (2, 8), (26, 0)
WORDS = frozenset({"me", "debug_token", "oauth"})  # nodes that are words, not ids
METHODS = frozenset({"GET", "POST", "DELETE"})

# (kind of node, edge, method) -> handler(call, node)
ROUTES: dict[tuple[str, str, str], Handler] = {
    ("oauth", "access_token", "GET"): apps.exchange_token,
    ("oauth", "access_token", "POST"): apps.exchange_token,
    ("debug_token", "", "GET"): apps.debug_token,
    ("me", "", "GET"): apps.read_me,
    ("me", "accounts", "GET"): pages.list_my_pages,
    ("me", "adaccounts", "GET"): adaccounts.list_my_accounts,
    ("me", "permissions", "GET"): apps.list_permissions,
    ("user", "", "GET"): apps.read_user,
    ("user", "accounts", "GET"): pages.list_my_pages,
    ("user", "adaccounts", "GET"): adaccounts.list_my_accounts,
    ("user", "permissions", "GET"): apps.list_permissions,
    ("app", "", "GET"): apps.read_app,
    ("app", "subscriptions", "GET"): apps.list_subscriptions,
    ("app", "subscriptions", "POST"): apps.subscribe,
    ("app", "subscriptions", "DELETE"): apps.unsubscribe,
    ("page", "", "GET"): pages.read_page,
    ("page", "subscribed_apps", "GET"): pages.list_subscribed_apps,
    ("page", "subscribed_apps", "POST"): pages.subscribe_app,
    ("page", "subscribed_apps", "DELETE"): pages.unsubscribe_app,
    ("page", "notification_message_tokens", "GET"): tokens.list_tokens,
    ("page", "messages", "POST"): page_messages.send_page_message,
    ("page", "message_attachments", "POST"): attachments.upload_attachment,
    ("page", "message_templates", "GET"): utility.list_templates,
    ("page", "message_templates", "POST"): utility.create_template,
    ("page", "personas", "GET"): page_profile.list_personas,
    ("page", "personas", "POST"): page_profile.create_persona,
    ("page", "messenger_profile", "GET"): page_profile.read_profile,
    ("page", "messenger_profile", "POST"): page_profile.set_profile,
    ("page", "messenger_profile", "DELETE"): page_profile.delete_profile,
    ("persona", "", "GET"): page_profile.read_persona,
    ("persona", "", "DELETE"): page_profile.delete_persona,
    ("thread", "", "GET"): page_profile.read_person,
    ("page", "messaging_customer_base/unsubscribe", "POST"): uploads.unsubscribe_people,
    ("token", "", "GET"): tokens.read_token,
    ("account", "", "GET"): adaccounts.read_account,
    ("account", "customaudiencetos", "GET"): adaccounts.read_terms,
    ("account", "customaudiencetos", "POST"): adaccounts.accept_terms,
    ("account", "minimum_budgets", "GET"): adaccounts.minimum_budgets,
    ("account", "message_delivery_estimate", "GET"): adaccounts.delivery_estimate,
    ("account", "customaudiences", "GET"): audiences.list_audiences,
    ("account", "customaudiences", "POST"): audiences.create_audience,
    ("account", "usersofanyaudience", "DELETE"): uploads.remove_from_all,
    ("account", "message_campaign", "POST"): campaigns.create_campaign,
    ("account", "ads", "GET"): campaigns.list_campaigns,
    ("account", "insights", "GET"): campaigns.read_insights,
    ("account", "messages", "POST"): messages.send_message,
    ("audience", "", "GET"): audiences.read_audience,
    ("audience", "", "POST"): audiences.update_audience,
    ("audience", "", "DELETE"): audiences.delete_audience,
    ("audience", "users", "POST"): uploads.add_users,
    ("audience", "users", "DELETE"): uploads.remove_users,
    ("audience", "usersreplace", "POST"): uploads.replace_users,
    ("audience", "sessions", "GET"): uploads.list_sessions,
    ("campaign", "", "GET"): campaigns.read_campaign,
    ("campaign", "", "POST"): campaigns.update_campaign,
    ("campaign", "", "DELETE"): campaigns.delete_campaign,
    ("campaign", "insights", "GET"): campaigns.read_insights,
}
EDGES = frozenset((kind, edge) for kind, edge, _ in ROUTES)


def strip_version(path: str) -> str:
    """`/v26.0/act_1/messages/` -> `/act_1/messages`. Errors: 2635 for a version that is gone, 2500 for one to come."""
    path = "/" + path.strip("/")
    head, _, rest = path[1:].partition("/")
    version = VERSION.fullmatch(head)
    if version is None:
        return path
    number = (int(version[1]), int(version[2]))
    if number < OLDEST:
        raise GraphFault("You are calling a deprecated version of the API.", code=2635)
    if number > NEWEST:
        raise unknown_path(head)
    return "/" + rest


def needs_token(path: str) -> bool:
    """Only the log-in is open."""
    return path != "/oauth/access_token"


async def answer(call: Call) -> dict[str, Any]:
    """Runs the handler of a call. Errors: GraphFault."""
    if call.method not in METHODS:
        raise invalid(f"Unsupported {call.method.lower()} request")
    node_id, _, edge = call.path[1:].partition("/")
    kind, node = find_node(call.emulator.world, call, node_id)
    if kind == "me" and edge and ("me", edge) not in EDGES:
        kind, node = _me_as_page(call)
    handler = ROUTES.get((kind, edge, call.method))
    if handler is None:
        if (kind, edge) in EDGES:
            raise unknown_object(call.method, node_id)
        raise unknown_path(edge)
    result = handler(call, node)
    return await result if inspect.isawaitable(result) else result  # type: ignore[no-any-return]


def find_node(world: World, call: Call, node_id: str) -> tuple[str, object]:
    """The kind of node and the node itself. Errors: 100/33."""
    node = world.objects.get(node_id)
    if node is not None:
        return KINDS[type(node)], node
    if node_id in WORDS:
        return node_id, None
    subscriber = world.subscribers.get(node_id.removeprefix(tokens.NODE_PREFIX))
    if subscriber is not None and node_id.startswith(tokens.NODE_PREFIX):
        return "token", subscriber
    raise unknown_object(call.method, node_id)


def _me_as_page(call: Call) -> tuple[str, Page]:
    """With a Page token, `me` is the Page."""
    page_id = call.known_token.page_id
    if page_id is None:
        raise unknown_path(call.path.partition("/")[2])
    return "page", call.emulator.world.pages[page_id]
