"""Comapi's webhook administration (2.8), over endpoints of the dialect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import orjson
from pydantic import Field, StringConstraints
from starlette.responses import Response

from guestlist.actions import endpoints
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.api.models import Name
from guestlist.errors import NotFoundError
from guestlist.storage.base import Row

from .errors import ValidationError, fail
from .event_shapes import EVENTS, KINDS, wants
from .message_models import Text, Wire, Word
from .words import DIALECT_NAME, find_id, tell_guid, tell_instant

SHORTEST_SECRET = 16
LARGEST_BATCH = 500
LONGEST_WAIT = 60
"""Seconds that an event waits for others of its batch."""
MOST_LISTED = 200


class Filter(Wire):
    """One condition on an event."""

    name: Word
    value: Text


class Subscription(Wire):
    """One kind of event that is wanted."""

    type: Word
    filters: list[Filter] = Field([], max_length=20)


class WebhookGiven(Wire):
    """A webhook as it is made or replaced."""

    name: Name
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    secret: Text = ""
    subscriptions: list[Subscription] = Field([], max_length=100)
    batch: bool = False
    maxBatchSize: Annotated[int, Field(ge=1, le=LARGEST_BATCH)] | None = None
    batchTimeout: Annotated[int, Field(ge=1, le=LONGEST_WAIT)] | None = None


def read_webhook(asked: Any) -> WebhookGiven:
    """A webhook of a client. Errors: InvalidRequestError, ValidationError."""
    given = check_model(WebhookGiven, asked)
    failures = []
    if given.secret and len(given.secret) < SHORTEST_SECRET:
        failures.append(fail("secret", f"must have at least {SHORTEST_SECRET} characters; 36 or more are better"))
    for number, each in enumerate(given.subscriptions):
        if each.type not in EVENTS and not _is_group(each.type):
            failures.append(fail(f"subscriptions.{number}.type", "There is no such event: see /webhooks/availableevents."))
    if failures:
        raise ValidationError(failures)
    return given


def _is_group(name: str) -> bool:
    noun, _, rest = name.partition(".")
    return rest == "*" and any(event.startswith(noun + ".") for event in EVENTS)


def list_kinds(subscriptions: Iterable[Subscription]) -> tuple[str, ...]:
    """Our kinds of events behind subscriptions; without any, all that this dialect can tell."""
    wanted = [each.type for each in subscriptions] or list(EVENTS)
    names = {kind for kind, events in KINDS.items() if any(wants(name, event) for name in wanted for event in events)}
    return tuple(sorted(names))


def build_config(given: WebhookGiven) -> Mapping[str, Any]:
    """What of a webhook only this dialect understands."""
    return {
        "subscriptions": [each.model_dump() for each in given.subscriptions],
        "batch": given.batch,
        "maxBatchSize": given.maxBatchSize,
        "batchTimeout": given.batchTimeout,
    }


def tell_webhook(row: Row) -> dict[str, Any]:
    """A webhook as it is shown. Its secret is not: nobody needs to read it here again."""
    config = orjson.loads(row["config"])
    sizes = {name: config[name] for name in ("maxBatchSize", "batchTimeout") if config.get(name)}
    return {
        "id": tell_guid(row["id"]),
        "name": row["name"],
        "url": row["url"],
        "subscriptions": config.get("subscriptions", []),
        "batch": bool(config.get("batch")),
        **sizes,
        "_createdOn": tell_instant(row["created_at"]),
    }


# -- doors ----------------------------------------------------------------------------------------------------------


async def list_webhooks(call: Call) -> Response:
    """`GET /webhooks`. Deleted ones are gone, so `includeDeleted` adds none."""
    found = await endpoints.list_endpoints(call.services, call.workspace_id, dialect=DIALECT_NAME, limit=MOST_LISTED)
    return answer_json([tell_webhook(row) for row in found])


async def create_webhook(call: Call) -> Response:
    """`POST /webhooks`: 201."""
    given = read_webhook(call.json())
    new = endpoints.NewEndpoint(
        name=given.name,
        url=given.url,
        kinds=list_kinds(given.subscriptions),
        dialect=DIALECT_NAME,
        config=build_config(given),
        secret=given.secret,
    )
    created = await endpoints.create_endpoint(call.services, call.workspace_id, new)
    return answer_json(tell_webhook(created.row), 201)


async def get_webhook(call: Call) -> Response:
    """`GET /webhooks/{webhookId}`."""
    return answer_json(tell_webhook(await _find(call)))


async def replace_webhook(call: Call) -> Response:
    """`PUT /webhooks/{webhookId}`: replaces all but the secret, which stays where none is given."""
    row = await _find(call)
    given = read_webhook(call.json())
    changed = await endpoints.update_endpoint(
        call.services,
        call.workspace_id,
        row["id"],
        name=given.name,
        url=given.url,
        kinds=list_kinds(given.subscriptions),
        config=build_config(given),
        enabled=True,
        secret=given.secret or None,
    )
    return answer_json(tell_webhook(changed))


async def delete_webhook(call: Call) -> Response:
    """`DELETE /webhooks/{webhookId}`: 204."""
    row = await _find(call)
    await endpoints.delete_endpoint(call.services, call.workspace_id, row["id"])
    return Response(status_code=204)


async def list_events(call: Call) -> Response:
    """`GET /webhooks/availableevents`."""
    return answer_json([{"type": name, "description": sentence} for name, sentence in EVENTS.items()])


async def list_templates(call: Call) -> Response:
    """`GET /webhooks/availabletemplates`: there are none."""
    return answer_json([])


async def _find(call: Call) -> Row:
    endpoint_id = find_id("end", call.path["webhook_id"])
    missing = NotFoundError("There is no such webhook.", remedy="List them with GET /webhooks.")
    if endpoint_id is None:
        raise missing
    row = await endpoints.get_endpoint(call.services, call.workspace_id, endpoint_id)
    if row["dialect"] != DIALECT_NAME:
        raise missing
    return row
