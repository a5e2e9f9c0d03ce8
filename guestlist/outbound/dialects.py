"""How each dialect's endpoints are told, as data. The vendors' shapes come from their own folders (`app.py` joins them).

Source: `vendor-apis.md` 2.9 (Comapi), 3.7 (Amio), 4.2 (Gupshup), read 2026-11; Standard Webhooks' recommended schedule.
"""

from __future__ import annotations

from .base import REPLY_READ, Batching, Dialect, Endpoint, OnAnswer, Renderer, Schedule
from .native import NativeRenderer
from .signing import HmacSigner, StandardSigner, Unsigned

MINUTE, HOUR = 60.0, 3600.0

NATIVE_SCHEDULE = Schedule(
    pauses=(5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
    jitter=0.1,
)
"""Ten tries over 75 hours and a half, and up to a tenth more, so that what failed together does not come back together."""

COMAPI_SCHEDULE = Schedule(
    pauses=(
        *(5, 5, 30, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR),
        *([4 * HOUR] * 5),
    ),
    never_again=frozenset({400}),
)
AMIO_SCHEDULE = Schedule(pauses=(MINUTE, 5 * MINUTE, 20 * MINUTE, 60 * MINUTE, 180 * MINUTE, 480 * MINUTE))
GUPSHUP_SCHEDULE = Schedule(pauses=(5, 30, 2 * MINUTE), never_again=frozenset(range(400, 500)) - {408, 429})
"""Gupshup documents none: a bot that was away for a moment gets the message, one that refuses it does not get it again."""

COMAPI_LARGEST_BATCH, COMAPI_LONGEST_WAIT = 500, 60


def native_dialect() -> Dialect:
    """Ours: Standard Webhooks."""
    return Dialect("", NativeRenderer(), StandardSigner(), NATIVE_SCHEDULE, timeout=15)


def comapi_dialect(renderer: Renderer) -> Dialect:
    """Comapi / Dotdigital: 10 s, `X-Comapi-Signature`, batches where the endpoint's config asks for them."""
    signer = HmacSigner("X-Comapi-Signature", shortest=16)
    return Dialect("comapi", renderer, signer, COMAPI_SCHEDULE, timeout=10, batching=comapi_batching)


def comapi_batching(endpoint: Endpoint) -> Batching | None:
    """From `batch`, `maxBatchSize` (1 to 500) and `batchTimeout` (1 to 60 s) of the endpoint's config."""
    config = endpoint.config
    if not config.get("batch"):
        return None
    most = min(max(int(config.get("maxBatchSize") or 1), 1), COMAPI_LARGEST_BATCH)
    return Batching(most, min(max(int(config.get("batchTimeout") or 1), 1), COMAPI_LONGEST_WAIT))


def amio_dialect(renderer: Renderer) -> Dialect:
    """Amio: 60 s, `X-Hub-Signature`."""
    return Dialect("amio", renderer, HmacSigner("X-Hub-Signature", prefix="sha1="), AMIO_SCHEDULE, timeout=60)


def gupshup_reports_dialect(renderer: Renderer) -> Dialect:
    """Gupshup's POST callbacks, version 2: unsigned; an answer is no reply."""
    return Dialect("gupshup-v2", renderer, Unsigned(), GUPSHUP_SCHEDULE, timeout=20)


def gupshup_dialect(renderer: Renderer, on_answer: OnAnswer | None = None) -> Dialect:
    """Gupshup: unsigned; the answer's body, where there is one, is a reply to the person."""
    return Dialect("gupshup", renderer, Unsigned(), GUPSHUP_SCHEDULE, timeout=20, answer_limit=REPLY_READ, on_answer=on_answer)
