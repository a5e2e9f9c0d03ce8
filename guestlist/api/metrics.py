"""Numbers for Prometheus: requests by route and status, what waits. No workspace, no id, no personal data."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import Scope

from guestlist.actions.base import Services
from guestlist.actions.gauges import read_gauges
from guestlist.api.problems import METHODS
from guestlist.errors import DependencyError


class Metrics:
    """The metrics of one API."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "guestlist_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._up = Gauge("guestlist_database_up", "1 while the database answers.", registry=self._registry)
        self._lanes = Gauge("guestlist_lanes_due", "Lanes with due rows, by kind.", ["kind"], registry=self._registry)
        self._webhooks = Gauge("guestlist_webhooks_waiting", "Webhooks stored and not yet applied.", registry=self._registry)

    def count(self, scope: Scope, status: int) -> None:
        """Counts one request under its route's template, never its path. Status 0: the client left before the answer."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unknown")
        self._requests.labels(method, route, str(status)).inc()

    async def render(self, services: Services) -> bytes:
        """The text Prometheus reads. A database that is away shows as a number, not as an error."""
        try:
            gauges = await read_gauges(services)
        except DependencyError:
            self._up.set(0)
        else:
            self._up.set(1)
            self._webhooks.set(gauges.webhooks_waiting)
            for kind, n in gauges.lanes_due.items():
                self._lanes.labels(kind).set(n)
        return generate_latest(self._registry)
