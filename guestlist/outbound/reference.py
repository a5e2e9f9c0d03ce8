"""The reference page of events: every kind with an example, rendered by the code that renders real ones.

`python -m guestlist.outbound.reference` prints docs/reference/events.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from guestlist.domain.events import KINDS, Kind
from guestlist.domain.messages import Channel, Content, Draft, Rule, Target, encode_draft

from .base import Endpoint, Row, Told
from .native import NativeRenderer

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MS = int(AT.timestamp() * 1000)
ENDPOINT = Endpoint("end_01jd4kz0m8e5r7t9v2x4y6a8c0", "wsp_default", "https://example.com/hooks", "", "", {})


def example(kind: Kind) -> Any:
    """The body of an example of this kind."""
    told = Told(
        id="evt_01jd4kz0m8e5r7t9v2x4y6a8c0",
        kind=kind.name,
        subject=kind.subject,
        data=kind.data,
        at=AT,
        message=_message(kind) if "message" in kind.rows else None,
        deliveries=[_delivery(kind)] if "delivery" in kind.rows and kind.data["channel"] else [],
        contact=_contact(kind) if "contact" in kind.rows else None,
        addresses=[_address(kind)] if "contact" in kind.rows else [],
        reply=_reply(kind) if "reply" in kind.rows else None,
        answered={"id": kind.data["message_id"], "metadata": '{"order": 7}'} if "reply" in kind.rows else None,
    )
    return json.loads(NativeRenderer().render(told, ENDPOINT).body)


def _message(kind: Kind) -> Row:
    to = Target(contact_id=kind.data["contact_id"])
    draft = Draft(to, (Rule(Channel.MESSENGER), Rule(Channel.SMS)), Content(text="Hello Ann, your order is ready."))
    reached = {"sent": 1, "delivered": 2, "read": 3}.get(kind.data["state"], 0)
    times = {name: MS if place < reached else None for place, name in enumerate(("sent_at", "delivered_at", "read_at"))}
    return {
        "id": kind.subject,
        **{name: kind.data[name] for name in ("contact_id", "state", "reason", "channel", "batch_id")},
        "purpose": "service",
        "draft": encode_draft(draft),
        "metadata": json.dumps(kind.data["metadata"]),
        "created_at": MS,
        **times,
        "ended_at": MS if kind.data["state"] in ("failed", "expired", "cancelled") else None,
        "redacted_at": None,
    }


def _delivery(kind: Kind) -> Row:
    data = kind.data
    over_messenger = data["channel"] == "messenger"
    return {
        "id": data.get("delivery_id", "dlv_01jd4kz0m8e5r7t9v2x4y6a8c0"),
        "rule": 1 if over_messenger else 2,
        "channel": data["channel"],
        "account_id": data["account_id"],
        "address_kind": "psid" if over_messenger else "phone",
        "address": "7800000000000001" if over_messenger else "447700900123",
        "state": data["state"],
        "reason": data["reason"],
    }


def _contact(kind: Kind) -> Row:
    gone = kind.name == "contact.deleted"
    return {
        "id": kind.data.get("contact_id", kind.subject),
        "external_id": "customer-17",
        "first_name": "Ann",
        "last_name": "Lee",
        **dict.fromkeys(("locale", "timezone", "gender", "picture_url"), ""),
        "fields": '{"city": "Leeds"}',
        "deleted_at": MS if gone else None,
    }


def _address(kind: Kind) -> Row:
    return {"channel": "sms", "account_id": "", "kind": "phone", "value": "447700900123", "opted_out_at": None}


def _reply(kind: Kind) -> Row:
    says = {"message.reacted": {"reaction": "love", "emoji": "❤"}}.get(kind.name, {"text": "Thanks!"})
    names = ("conversation_id", "contact_id", "channel", "account_id", "kind")
    shared = {name: kind.data[name] for name in names}
    return {
        "id": kind.subject,
        **shared,
        "answers": kind.data["message_id"],
        "content": json.dumps(says),
        "at": MS,
        "redacted_at": None,
    }


HEAD = """\
# Events

Made from the code by `python -m guestlist.outbound.reference`; do not edit.

An event is a fact that was recorded in the transaction that made it true. `GET /v1/events` and `guestlist events list` show its
ids and facts. [Endpoints](../how-to/receive-events.md) are posted the same with the rows it is about: the message with its text
and your `metadata`, the delivery with its address, the contact, the reply and the message it `answered`. These rows are read
when the event is told, not when it happened: a message redacted since is told without its text (`redacted`), a contact deleted
since by its id alone (`deleted`), and `data.message.state` may be ahead of `data.state`. Files given as data are named, not
repeated.

| Field | Meaning |
|---|---|
| `type` | the kind of event |
| `timestamp` | when it happened, UTC |
| `data.event_id` | the event's id; also the header `webhook-id`, the same over all tries and replays |
| `data.subject` | the id of what it is about |
| everything else in `data` | the event's facts, then `message`, `delivery`, `contact`, `reply`, `answered` where it has them |

New kinds and fields are added without notice; ignore what you do not know.
"""


def reference_page() -> Iterator[str]:
    """The lines of docs/reference/events.md."""
    yield from HEAD.splitlines()
    yield ""
    yield "| Kind | When |"
    yield "|---|---|"
    for kind in KINDS.values():
        yield f"| [`{kind.name}`](#{kind.name.replace('.', '')}) | {kind.sentence} |"
    for kind in KINDS.values():
        yield ""
        yield f"## {kind.name}"
        yield ""
        yield kind.sentence
        yield ""
        yield "```json"
        yield from json.dumps(example(kind), indent=2, ensure_ascii=False).splitlines()
        yield "```"


if __name__ == "__main__":
    print("\n".join(reference_page()))
