"""For machines that watch: alive, ready, and in numbers. None of it needs a key, none of it tells of a customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from guestlist.api.metrics import Metrics
from guestlist.api.openapi import refusals
from guestlist.api.problems import NotReadyError

Ready = Callable[[], Awaitable[dict[str, str]]]
"""What must work, each by name with "ok" or a sentence that says what is wrong."""

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """A server that answers."""

    status: str = Field(examples=["ok"])
    checks: dict[str, str] = Field(description="What was looked at.", examples=[{"database": "ok"}])


@router.get("/healthz", summary="Whether the process lives", responses=refusals(500))
async def is_alive() -> Health:
    """Looks at nothing else: restart the process when this does not answer."""
    return Health(status="ok", checks={})


@router.get("/readyz", summary="Whether requests can be served", responses=refusals(500, 503))
async def is_ready(request: Request) -> Health:
    """Looks at what requests need. Send them elsewhere while this answers 503."""
    ready: Ready = request.app.state.ready
    checks = await ready()
    wrong = [f"{name}: {state}" for name, state in sorted(checks.items()) if state != "ok"]
    if wrong:
        raise NotReadyError(" ".join(wrong), remedy="Run `guestlist doctor`.", checks=checks)
    return Health(status="ok", checks=checks)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals(500)},
)
async def read_metrics(request: Request) -> Response:
    """Requests by route and status, lanes due by kind, webhooks waiting."""
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.render(request.app.state.services), media_type=CONTENT_TYPE_LATEST)
