"""Scripted faults: calls that fail, hang or lose their answer, and webhooks that come twice, late, shuffled or never."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .errors import GraphFault, invalid
from .params import Params, as_integer

HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
ERROR_EXTRAS = frozenset({"error_data", "error_user_title", "error_user_msg", "is_transient"})
SHARES = ("duplicate", "reorder", "drop", "delay")


@dataclass(slots=True)
class Fault:
    """One rule for calls. `times` counts down (None = no end); `share` is the part of fitting calls it strikes."""

    method: str
    path: str
    times: int | None = None
    share: float = 1.0
    status: int | None = None
    error: dict[str, Any] | None = None
    html: bool = False
    truncate: bool = False
    delay_seconds: float = 0.0
    swallow: bool = False  # the effect happens, the answer never comes
    refuse: bool = False  # the connection closes before any effect
    struck: int = 0

    @property
    def answers_itself(self) -> bool:
        """Whether the call gets this fault's answer and has no effect."""
        return self.error is not None or self.html or (self.status is not None and not self.truncate)

    def as_error(self) -> GraphFault:
        """The scripted error envelope; without one, what Graph says when it is in trouble."""
        status = self.status or 400
        if self.error is None:
            return GraphFault("An unexpected error has occurred. Please retry later.", code=2, status=status, is_transient=True)
        details = dict(self.error)
        code = as_integer(details.pop("code", 1), "error.code") or 1
        subcode = as_integer(details.pop("subcode", details.pop("error_subcode", None)), "error.subcode")
        message = str(details.pop("message", "Scripted fault"))
        kind = str(details.pop("type", "OAuthException"))
        if not details.keys() <= ERROR_EXTRAS:
            raise invalid(f"A scripted error may hold code, subcode, message, type, {', '.join(sorted(ERROR_EXTRAS))}")
        return GraphFault(message, code=code, subcode=subcode, kind=kind, status=status, **details)

    def show(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class WebhookFaults:
    """Shares (0 to 1) of webhook events that are struck. Delayed ones wait `delay_seconds` (real)."""

    duplicate: float = 0.0
    reorder: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 2.0

    @property
    def active(self) -> bool:
        return bool(self.duplicate or self.reorder or self.drop or self.delay)

    def show(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__slots__}


class Faults:
    """All rules in force; the first that fits strikes."""

    def __init__(self, seed: int) -> None:
        self.rules: list[Fault] = []
        self.webhooks = WebhookFaults()
        self.random = random.Random(seed)

    def find(self, method: str, path: str) -> Fault | None:
        """The rule that strikes this call, counted down."""
        for rule in self.rules:
            if rule.method not in ("*", method) or not fnmatchcase(path, rule.path):
                continue
            if rule.times == 0 or self.random.random() >= rule.share:
                continue
            if rule.times is not None:
                rule.times -= 1
            rule.struck += 1
            return rule
        return None

    def clear(self) -> None:
        self.rules.clear()
        self.webhooks = WebhookFaults()


def parse_fault(raw: object) -> Fault:
    """A rule from its JSON. Errors: 100."""
    if not isinstance(raw, dict):
        raise invalid("A fault must be a JSON object")
    unknown = set(raw) - set(Fault.__slots__) | (set(raw) & {"struck"})
    if unknown:
        raise invalid(f"Unknown fault property {sorted(unknown)[0]!r}; there are {', '.join(Fault.__slots__[:-1])}")
    params = Params(raw)
    status = params.integer("status", minimum=200)
    if status is not None and status > 599:
        raise invalid("Param status must be at most 599.")
    fault = Fault(
        method=(params.text("method") or "*").upper(),
        path=params.text("path") or "*",
        times=params.integer("times", minimum=1),
        share=read_share(params, "share", default=1.0),
        status=status,
        error=params.mapping("error"),
        html=params.boolean("html") or False,
        truncate=params.boolean("truncate") or False,
        delay_seconds=read_number(params, "delay_seconds", default=0.0),
        swallow=params.boolean("swallow") or False,
        refuse=params.boolean("refuse") or False,
    )
    if fault.error is not None:
        fault.as_error()
    return fault


def parse_webhook_faults(raw: object) -> WebhookFaults:
    """Webhook shares from their JSON. Errors: 100."""
    if not isinstance(raw, dict):
        raise invalid("Webhook faults must be a JSON object")
    unknown = set(raw) - set(WebhookFaults.__slots__)
    if unknown:
        raise invalid(f"Unknown webhook fault {sorted(unknown)[0]!r}; there are {', '.join(WebhookFaults.__slots__)}")
    params = Params(raw)
    shares = {name: read_share(params, name, default=0.0) for name in SHARES}
    return WebhookFaults(**shares, delay_seconds=read_number(params, "delay_seconds", default=2.0))


def read_number(params: Params, name: str, *, default: float) -> float:
    """A number of at least 0. Errors: 100."""
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise invalid(f"Param {name} must be a number of at least 0.")
    return float(value)


def read_share(params: Params, name: str, *, default: float) -> float:
    """A number between 0 and 1. Errors: 100."""
    share = read_number(params, name, default=default)
    if share > 1:
        raise invalid(f"Param {name} must be between 0 and 1.")
    return share
