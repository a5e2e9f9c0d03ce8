"""For machines that watch: alive, ready, and in numbers. None of it needs a key, none of it tells of a customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from guestlist.actions.base import Services
from guestlist.api.metrics import Metrics
from guestlist.api.openapi import refusals
from guestlist.api.problems import NotReadyError

Ready = Callable[[], Awaitable[dict[str, str]]]
"""What must work, each by name with "ok" or a sentence that says what is wrong."""


class Health(BaseModel):
    """What was looked at, each with "ok"."""

    status: str
    checks: dict[str, str]


def build_router(services: Services, ready: Ready, metrics: Metrics) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether the process lives", responses=refusals(500))
    async def is_alive() -> Health:
        """Looks at nothing else: restart the process when this does not answer."""
        return Health(status="ok", checks={})

    @router.get("/readyz", summary="Whether requests can be served", responses=refusals(500, 503))
    async def is_ready() -> Health:
        """Looks at what requests need. Send them elsewhere while this answers 503."""
        checks = await ready()
        wrong = {name: state for name, state in checks.items() if state != "ok"}
        if wrong:
            detail = " ".join(f"{name}: {state}" for name, state in sorted(wrong.items()))
            raise NotReadyError(detail, remedy="Run `guestlist doctor`.", checks=checks)
        return Health(status="ok", checks=checks)

    @router.get(
        "/metrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals(500)},
    )
    async def read_metrics() -> Response:
        """Requests by route and status, lanes due by kind, webhooks waiting."""
        return Response(await metrics.render(services), media_type=CONTENT_TYPE_LATEST)

    return router
