"""The description of the API: OpenAPI 3.1, with every refusal declared."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from guestlist.api.problems import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]

SUMMARY = "Turns a customer list into consented Messenger subscribers, and messages them."
DESCRIPTION = """\
Everything under `/v1` needs an API key (`Authorization: Bearer gl_…`), which opens one workspace and no other.

Errors are RFC 9457 problems (`application/problem+json`): build on `code`, show `detail` and `remedy` to a person, give
`instance` (also in `X-Request-Id`) to the operator. Listings are read in slices: `limit`, and `after` with the `next` of the
slice before. Every POST takes an `Idempotency-Key`. Instants are ISO 8601, UTC. Ids are text.
"""
REASONS = {
    400: "The request is malformed, or its values cannot be meant.",
    401: "No API key, or an unknown or revoked one.",
    403: "Meta does not permit it with the tokens given.",
    404: "No such thing in this workspace.",
    409: "Policy or state forbids this now, or the Idempotency-Key is taken.",
    412: "It has changed since it was read: its ETag is another one now.",
    413: "The body is too large.",
    415: "The body is of a kind this address does not take.",
    422: "A field is missing or wrong, or the Idempotency-Key belongs to another request.",
    500: "Something unexpected happened here.",
    503: "Something this depends on is down. `Retry-After` says when to come back.",
}
ALWAYS = (401, 422, 500, 503)
"""How any request to `/v1` can end."""
WRITING = (400, 409, 413, 415)
"""How any POST can end, too."""


def refusals(*statuses: int) -> Responses:
    """The problems a route can answer with, for its `responses`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {status: {"description": REASONS[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}


def name_operation(route: APIRoute) -> str:
    """The operation's id: the name of the function."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app."""
    document = get_openapi(
        title="Guestlist",
        version=version("guestlist"),
        summary=SUMMARY,
        description=DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= {**problem.pop("$defs"), "Problem": problem}
    request_id = {"description": "The id of this request.", "schema": {"type": "string"}}
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-Id"] = request_id
    return document
