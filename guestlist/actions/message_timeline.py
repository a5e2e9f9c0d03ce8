"""A message's story in one line of time: rules opened and closed, attempts, receipts, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from guestlist.storage.base import Row

from .messages import Story

Entry = dict[str, Any]
"""One thing that happened. Shape: at (ms since 1970), kind, sentence; rule, channel, part, code where they apply."""

BECAUSE = {
    "refused": "as the rule before was refused",
    "no_receipt": "as no receipt came in time; what the rule before sent stays as it is",
}
OUTCOMES = {
    "accepted": "The provider took part {part}.",
    "refused": "The provider refused part {part}.",
    "lost": "The answer for part {part} was lost: it is unknown, and never sent again.",
}
RECEIPTS = {
    "sent": "The provider confirms part {part}.",
    "delivered": "Part {part} was delivered.",
    "read": "Part {part} was read.",
    "failed": "The provider reports that part {part} was not delivered.",
}
ENDS = {
    "failed": "Failed: no rule is left.",
    "expired": "Expired.",
    "cancelled": "Cancelled before it left.",
}


def tell_timeline(story: Story) -> list[Entry]:
    """Everything that happened to a message, oldest first. It holds no text of the message and no address."""
    entries = [*_begin(story.message), *_rules(story), *_attempts(story), *_receipts(story), *_end(story.message)]
    return sorted(entries, key=_order)


def _order(entry: Entry) -> tuple[int, float]:
    """By time; at one instant a rule's end comes before the next one's beginning. Sorting keeps the rest as it was told."""
    ended = entry["kind"] in ENDS
    return int(entry["at"]), float("inf") if ended else entry.get("rule", 0)


def _begin(message: Row) -> Iterator[Entry]:
    yield {"at": message["created_at"], "kind": "accepted", "sentence": "Guestlist accepted the message."}


def _rules(story: Story) -> Iterator[Entry]:
    for delivery in story.deliveries:
        route = orjson.loads(delivery["route"])
        entry = {"at": delivery["created_at"], "rule": delivery["rule"], "channel": delivery["channel"]}
        if not delivery["parts"]:
            opens = f" {route['opens']}" if route.get("opens") else ""
            yield {**entry, "kind": "rule_closed", "code": delivery["reason"], "sentence": f"{route['sentence']}{opens}"}
            continue
        why = BECAUSE.get(route.get("because", ""), "")
        how = " ".join(filter(None, (route.get("messaging_type"), route.get("tag"))))
        sentence = f"Rule {delivery['rule']} is tried{f' as {how}' if how else ''}{f', {why}' if why else ''}."
        note = route.get("note")
        yield {**entry, "kind": "rule_opened", "sentence": f"{sentence} {note}" if note else sentence}


def _attempts(story: Story) -> Iterator[Entry]:
    channels = _channels(story)
    for row in story.attempts:
        sentence = OUTCOMES[row["outcome"]].format(part=row["part"])
        yield {
            "at": row["answered_at"] or row["called_at"],
            "kind": "attempt",
            **channels[row["delivery_id"]],
            "part": row["part"],
            "attempt": row["number"],
            "outcome": row["outcome"],
            "code": row["code"],
            "sentence": f"{sentence} {row['sentence']}".strip(),
        }


def _receipts(story: Story) -> Iterator[Entry]:
    channels = _channels(story)
    for row in story.receipts:
        where = {**channels[row["delivery_id"]], "part": row["part"], "code": row["code"]}
        yield {
            "at": row["at"],
            "kind": "receipt",
            **where,
            "receipt": row["kind"],
            "sentence": RECEIPTS[row["kind"]].format(**where),
        }


def _channels(story: Story) -> Mapping[str, Mapping[str, Any]]:
    return {row["id"]: {"rule": row["rule"], "channel": row["channel"]} for row in story.deliveries}


def _end(message: Row) -> Iterator[Entry]:
    if message["ended_at"] is not None:
        yield {"at": message["ended_at"], "kind": message["state"], "code": message["reason"], "sentence": ENDS[message["state"]]}
