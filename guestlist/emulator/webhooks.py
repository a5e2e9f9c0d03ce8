"""Webhook events: their envelopes and signatures (fact page 2, 4.1, 5.7, 8)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .switches import Switches

UPLOAD_STATUS = "marketing_messages_subscriber_upload_status"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about a Page. `at`: unix seconds, emulated. `messaging` events stand in `entry[].messaging`."""

    page_id: str
    field: str
    value: dict[str, Any]
    at: float
    messaging: bool = False
    account_id: str | None = None
    whole_seconds: bool = False  # `feed` counts the entry's time in seconds


def build_body(events: Sequence[Event], switches: Switches) -> bytes:
    """The POST body: ASCII only, as Meta sends and signs it. All events belong to one Page."""
    flat = switches["envelope"]
    if flat == "flat_body" and len(events) == 1 and not events[0].messaging:
        return _dump({"field": events[0].field, **events[0].value})
    entries: list[dict[str, Any]] = []
    for event in events:
        if event.messaging:
            _append(entries, event.page_id, _millis(event.at), "messaging", event.value)
        elif flat == "flat_entry":
            entries.append({"id": event.page_id, "time": _millis(event.at), "field": event.field, **event.value})
        else:
            holder = event.account_id if _is_account_event(event, switches) and event.account_id else event.page_id
            time = int(event.at) if event.whole_seconds else _millis(event.at)
            _append(entries, holder, time, "changes", {"field": event.field, "value": event.value})
    kind = "ad_account" if events and _is_account_event(events[0], switches) else "page"
    return _dump({"object": kind, "entry": entries})


def fits_together(first: Event, second: Event, switches: Switches) -> bool:
    """Whether two events may travel in one POST."""
    if switches["envelope"] == "flat_body" and not (first.messaging and second.messaging):
        return False
    same = _is_account_event(first, switches) == _is_account_event(second, switches)
    return same and first.whole_seconds == second.whole_seconds


def sign(body: bytes, secret: str) -> dict[str, str]:
    """Both signature headers over exactly these bytes."""
    key = secret.encode()
    return {
        "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
    }


def _append(entries: list[dict[str, Any]], holder: str, time: int, part: str, item: dict[str, Any]) -> None:
    """Adds to the last entry when it has the same holder and part, else opens a new one: order is kept."""
    if entries and entries[-1]["id"] == holder and part in entries[-1]:
        entries[-1][part].append(item)
    else:
        entries.append({"id": holder, "time": time, part: [item]})


def _is_account_event(event: Event, switches: Switches) -> bool:
    return event.field == UPLOAD_STATUS and switches["upload_status_object"] == "ad_account"


def _millis(at: float) -> int:
    return int(at * 1000)


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
