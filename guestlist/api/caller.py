"""Who calls: what a route is given, once its request was let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer

from guestlist.actions.base import Services
from guestlist.api.layers import KEY_LENGTH
from guestlist.errors import UnauthenticatedError

ApiKey = HTTPBearer(
    scheme_name="apiKey",
    description="An API key, `gl_…`, made by `guestlist keys create NAME` or `POST /v1/keys`. It opens one workspace.",
    auto_error=False,  # the key itself was checked before routing
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The workspace a request may see, and what serves it."""

    services: Services
    workspace_id: str


async def find_caller(request: Request, _: Annotated[object, Security(ApiKey)]) -> Caller:
    """The caller of a request that the layer `Admitted` let in. Errors: UnauthenticatedError when none did."""
    workspace_id = getattr(request.state, "workspace_id", None)
    if workspace_id is None:
        raise UnauthenticatedError
    return Caller(request.app.state.services, workspace_id)


Calling = Annotated[Caller, Depends(find_caller)]
"""For routes that read or delete."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_LENGTH,
        description="Makes the request safe to repeat for 24 hours: the same key with the same request has one effect and is "
        "given the same answer again, with `Idempotency-Replayed: true`.",
        examples=["5f0c7e0e-3a53-4bd6-9f0e-6f9d6ce0c7c1"],
    ),
]


async def find_actor(caller: Calling, idempotency_key: IdempotencyKey = None) -> Caller:
    """The caller of a POST. The key is honoured by the layer `Repeatable`; here it is only declared."""
    return caller


Acting = Annotated[Caller, Depends(find_actor)]
"""For routes that do something."""
