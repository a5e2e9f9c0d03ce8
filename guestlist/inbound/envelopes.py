"""The envelopes Meta wraps events in, walked into one plain sequence of events.

Source: fact page 2, 5.7, 8.1 and 13. Sources disagree about the marketing events, so every printed form is read:
`entry[].changes[].{field, value}`, a flat `entry[]` item with a `field`, a flat body with a `field`; and the messaging forms
`entry[].messaging[]` and `entry[].standby[]`. The walk never recurses; what a parser sees is one event, whatever its wrapping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestlist.inbound.payloads import PayloadError, read_identifier, read_kind

MESSAGING_KINDS = (  # the key of an item of `messaging` that says what happened -> the kind, named as the Page field
    ("message", "messages"),
    ("message_edit", "message_edits"),
    ("delivery", "message_deliveries"),
    ("read", "message_reads"),
    ("reaction", "message_reactions"),
    ("postback", "messaging_postbacks"),
    ("optin", "messaging_optins"),
    ("optout", "messaging_optouts"),
    ("referral", "messaging_referrals"),
    ("policy_enforcement", "messaging_policy_enforcement"),
    ("account_linking", "messaging_account_linking"),
    ("pass_thread_control", "messaging_handovers"),
    ("take_thread_control", "messaging_handovers"),
    ("request_thread_control", "messaging_handovers"),
    ("app_roles", "messaging_handovers"),
    ("messaging_feedback", "messaging_feedback"),
    ("response_feedback", "response_feedback"),
    ("order", "order"),
)
_ADDRESSING = frozenset({"sender", "recipient", "timestamp"})
_OBJECTS = ("page", "ad_account")


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event out of its envelope. `value` is as it came; `sent_at` is the entry's own time, raw."""

    kind: str
    value: object
    page_id: str | None
    ad_account_id: str | None = None
    sent_at: object = None


@dataclass(frozen=True, slots=True)
class _Entry:
    page_id: str | None
    ad_account_id: str | None
    sent_at: object

    def event(self, kind: str, value: object) -> WireEvent:
        return WireEvent(kind, value, self.page_id, self.ad_account_id, self.sent_at)


Walked = WireEvent | PayloadError
"""An event, or why something in an event's place is none: what is wrong with one never hides the next."""


def walk_events(document: object) -> Iterator[Walked]:
    """Every event of a parsed body, in the order of the wire, in whatever envelope."""
    if not isinstance(document, dict):
        yield PayloadError("body", "body", "is not an object")
        return
    about = document.get("object")
    if about is not None and about not in _OBJECTS:
        yield WireEvent(read_kind(about), document, None)
    elif "entry" in document:
        for raw in _items(document["entry"]):
            if isinstance(raw, dict):
                yield from _walk_entry(raw, _read_entry(raw, about))
            else:
                yield PayloadError("entry", "entry", "is not a list of objects")
    else:
        yield _flat_event(document, _Entry(None, None, None))


def _read_entry(raw: dict[str, object], about: object) -> _Entry:
    identifier = read_identifier(raw.get("id"))
    if about == "ad_account":
        return _Entry(None, identifier, raw.get("time"))
    return _Entry(identifier, None, raw.get("time"))


def _walk_entry(raw: dict[str, object], entry: _Entry) -> Iterator[Walked]:
    changes, messaging, standby = raw.get("changes"), raw.get("messaging"), raw.get("standby")
    if changes is None and messaging is None and standby is None:
        yield _flat_event(raw, entry)
        return
    for change in _items(changes):
        if isinstance(change, dict) and isinstance(change.get("field"), str):
            yield entry.event(read_kind(change["field"]), change.get("value"))
        else:
            yield PayloadError("changes", "field", "is missing or not text")
    for item in _items(messaging):
        yield _messaging_event(item, entry)
    for item in _items(standby):  # heard while another app holds the conversation
        yield entry.event("standby", item) if isinstance(item, dict) else PayloadError("standby", "standby", "is not an object")


def _flat_event(raw: dict[str, object], entry: _Entry) -> Walked:
    """An event printed without an inner list: its properties stand beside `field`, or under a `value` beside it."""
    field = raw.get("field")
    if field is None:
        return entry.event("unknown", raw)
    if not isinstance(field, str):
        return PayloadError("entry", "field", "is not text")
    value = raw.get("value")
    return entry.event(read_kind(field), raw if value is None else value)


def _messaging_event(item: object, entry: _Entry) -> Walked:
    if not isinstance(item, dict):
        return PayloadError("messaging", "messaging", "is not a list of objects")
    for key, kind in MESSAGING_KINDS:
        if key in item:
            message = item[key]
            echo = key == "message" and isinstance(message, dict) and message.get("is_echo") is True
            return entry.event("message_echoes" if echo else kind, item)
    return entry.event(read_kind(next((key for key in item if key not in _ADDRESSING), None)), item)


def _items(value: object) -> list[object]:
    """The items of a list; a lone value counts as one item, so that a wrong type is refused in its place."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
