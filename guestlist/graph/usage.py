"""What Graph's usage headers say: how much of a rate allowance is spent, and how long until it is regained.

Fact page 0.4. The values are percentages, throttled past 100. Junk in a header is worth nothing and hurts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from .wire import WireError, as_number, as_object, parse_json

APP = "x-app-usage"
AD_ACCOUNT = "x-ad-account-usage"
BUSINESS = "x-business-use-case-usage"
HEADERS = frozenset({APP, AD_ACCOUNT, BUSINESS})
SPENT = 100.0
"""Percent. Past this Graph refuses calls; only then does an ad account's `reset_time_duration` (seconds) mean a wait."""

MOST_OBJECTS = 32
"""Graph sends up to so many business use cases in one header."""

FRESH_SECONDS = 300.0
"""A percentage older than this says nothing any more: the windows roll on, and a quiet scope has nothing to slow down."""

MOST_REPORTS = 4096

LONGEST_LOSS = 86_400.0
"""Seconds. Limits are counted by the hour or by the day: a longer estimate is junk."""


@dataclass(frozen=True, slots=True)
class Report:
    """One percentage. `scope` is a Page, ad account or business id, or "" for the scope of the call itself."""

    source: str  # "app", "account", or the use case: "messenger", "custom_audience", …
    scope: str
    percent: float
    regain_seconds: float = 0.0


def parse_usage(headers: Mapping[str, str]) -> list[Report]:
    """Every report in the three usage headers of one answer; empty when there is none."""
    return [
        report
        for header, value in headers.items()
        if (name := header.lower()) in HEADERS
        for report in _parse_header(name, value)
    ]


def regain_seconds(headers: Mapping[str, str]) -> float | None:
    """The longest time until access is regained that the headers name, in seconds; None when they name none."""
    return max((report.regain_seconds for report in parse_usage(headers)), default=0.0) or None


class UsageBook:
    """The latest percentages by scope and source, kept while fresh, and until when access is lost. Shared by all clients."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._latest: dict[str, dict[str, tuple[float, float]]] = {}
        self._lost: dict[str, float] = {}  # scope -> when access is regained

    def note(self, node: str, headers: Mapping[str, str]) -> None:
        """Takes in the headers of an answer to a call on `node`, the Page, ad account or object in its path."""
        reports = parse_usage(headers)
        if not reports:
            return
        now = self._monotonic()
        for report in reports:
            scopes = {""} if report.source == "app" else {_scope(report.scope), _scope(node)} - {""}
            for scope in scopes:
                self._latest.setdefault(scope, {})[report.source] = (report.percent, now)
                if report.regain_seconds:
                    self._lost[scope] = now + min(report.regain_seconds, LONGEST_LOSS)
        if len(self._latest) > MOST_REPORTS:
            self._forget_stale(now)

    def regain(self, scope: str) -> float:
        """Seconds until this Page or ad account, or the whole app, regains access; 0 while it has it."""
        until = max(self._lost.get(_scope(scope), 0.0), self._lost.get("", 0.0))
        return max(0.0, until - self._monotonic())

    def highest(self, scope: str) -> float:
        """The highest fresh percentage of this Page or ad account, or of the whole app; 0 when none was reported."""
        oldest = self._monotonic() - FRESH_SECONDS
        sources = [*self._latest.get(_scope(scope), {}).values(), *self._latest.get("", {}).values()]
        return max((percent for percent, at in sources if at >= oldest), default=0.0)

    def _forget_stale(self, now: float) -> None:
        oldest = now - FRESH_SECONDS
        self._latest = {
            scope: sources for scope, sources in self._latest.items() if any(at >= oldest for _, at in sources.values())
        }
        self._lost = {scope: until for scope, until in self._lost.items() if until > now}


@lru_cache(maxsize=1024)  # the percentages are whole numbers that change far less often than calls are made
def _parse_header(name: str, value: str) -> tuple[Report, ...]:
    try:
        header = as_object(parse_json(value.encode("utf-8", "replace")))
    except WireError:
        return ()
    if name == BUSINESS:
        return tuple(_parse_business(header))
    if name == APP:
        return (Report("app", "", _highest(header)),)
    percent = as_number(header.get("acc_id_util_pct"))
    if percent is None:
        return ()
    reset = as_number(header.get("reset_time_duration")) or 0.0
    return (Report("account", "", max(percent, 0.0), max(reset, 0.0) if percent >= SPENT else 0.0),)


def _parse_business(header: Mapping[str, Any]) -> Iterator[Report]:
    pairs = ((scope, item) for scope, items in header.items() if isinstance(items, list) for item in items)
    for scope, item in islice(pairs, MOST_OBJECTS):
        use_case = as_object(item)
        minutes = as_number(use_case.get("estimated_time_to_regain_access")) or 0.0
        yield Report(str(use_case.get("type", "business"))[:40], scope, _highest(use_case), max(minutes, 0.0) * 60)


def _highest(counts: Mapping[str, Any]) -> float:
    values = (as_number(counts.get(name)) for name in ("call_count", "total_time", "total_cputime"))
    return max((value for value in values if value is not None and value > 0), default=0.0)


def _scope(node: str) -> str:
    return node.removeprefix("act_")
