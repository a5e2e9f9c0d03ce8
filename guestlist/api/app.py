"""The HTTP API, put together: layers, routes, problems, description."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from guestlist.actions.base import Services
from guestlist.api import (
    accounts,
    attachments,
    audiences,
    campaigns,
    contacts,
    conversations,
    endpoints,
    events,
    health,
    invitations,
    keys,
    list_mappings,
    lists,
    messages,
    page_matching,
    page_messenger,
    pages,
    reference,
    subscribers,
    uploads,
)
from guestlist.api.dialects.amio.dialect import DIALECT as AMIO
from guestlist.api.dialects.base import Dialects
from guestlist.api.dialects.comapi.dialect import DIALECT as COMAPI
from guestlist.api.dialects.gupshup.dialect import DIALECT as GUPSHUP
from guestlist.api.health import Ready
from guestlist.api.layers import Admitted, Bounded, Observed, Repeatable
from guestlist.api.metrics import Metrics
from guestlist.api.openapi import ALWAYS, describe, name_operation, refusals
from guestlist.api.problems import answer_http, answer_invalid, answer_known
from guestlist.api.queries import check_query
from guestlist.api.straight import Straight
from guestlist.errors import GuestlistError

NOUNS = (
    messages,  # first, for routes are tried in this order, and this one is asked most
    pages,
    page_messenger,
    page_matching,
    accounts,
    list_mappings,
    lists,
    audiences,
    uploads,
    subscribers,
    campaigns,
    contacts,
    conversations,
    invitations,
    attachments,
    keys,
    endpoints,
    events,
)
DIALECTS = (COMAPI, AMIO, GUPSHUP)
TAGS = [
    {"name": "pages", "description": "Facebook Pages, connected with their tokens and their ad account."},
    {"name": "accounts", "description": "Numbers and mailboxes that messages go out from; Pages are listed too."},
    {"name": "lists", "description": "Customer files: read, normalised, hashed. Clear values are never stored."},
    {"name": "audiences", "description": "Meta's custom audiences, fed from lists."},
    {"name": "uploads", "description": "A list on its way into an audience."},
    {"name": "subscribers", "description": "Holders of a subscription token on a Page."},
    {"name": "campaigns", "description": "One marketing message to many subscribers."},
    {"name": "contacts", "description": "The people we know, and how they are reached."},
    {"name": "conversations", "description": "The thread with one contact on one account, both sides."},
    {"name": "messages", "description": "One message to one person, over the first open channel."},
    {"name": "invitations", "description": "Message requests to people known by phone, one a person."},
    {"name": "keys", "description": "API keys. Each is shown once."},
    {"name": "endpoints", "description": "Your URLs that receive events."},
    {"name": "events", "description": "What happened, newest first."},
    {"name": "health", "description": "For machines that watch."},
]


def build_api(services: Services, *, ready: Ready, list_max_bytes: int) -> FastAPI:
    """The API over these services. `ready` says what works ("ok") and what does not; `list_max_bytes` caps a list's body."""
    metrics = Metrics()
    app = FastAPI(
        openapi_url="/openapi.json",
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=name_operation,
        middleware=[
            Middleware(Observed, new_id=services.ids.new, metrics=metrics),
            Middleware(Dialects, services=services, dialects=DIALECTS),
            Middleware(Admitted, services=services),
            Middleware(Bounded, list_max_bytes=list_max_bytes),
            Middleware(Repeatable, services=services),
            Middleware(Straight, services=services),
        ],
        exception_handlers={
            GuestlistError: answer_known,
            HTTPException: answer_http,
            RequestValidationError: answer_invalid,
        },
    )
    app.state.services, app.state.ready, app.state.metrics = services, ready, metrics
    add_routes(app)
    _describe_once(app)
    return app


def add_routes(app: FastAPI) -> None:
    """Every route; what serves them is found in `app.state` when they are called."""
    for noun in NOUNS:
        app.include_router(noun.router, dependencies=[Depends(check_query)], responses=refusals(*ALWAYS))
    app.include_router(health.router)
    app.include_router(reference.router)


def _describe_once(app: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        app.openapi_schema = app.openapi_schema or describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to describe an app oneself
