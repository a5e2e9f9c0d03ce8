"""What Amio's doors share: a channel or a contact by its decimal id, and lists with `max`, `offset` and `x-total-count` (3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from guestlist.actions import threads
from guestlist.actions.threads import Person, Window
from guestlist.api.dialects.base import Call, answer_json
from guestlist.errors import NotFoundError
from guestlist.storage.instants import to_ms
from guestlist.storage.senders import Account

from .errors import wrong
from .words import ACCOUNT_PREFIXES, find_ids

USUAL, LARGEST = 10, 100
FARTHEST = 1_000_000


async def find_channel(call: Call, channel_id: str, *, in_body: bool = False) -> Account:
    """The Page or account behind a channel's id. Errors: NotFoundError; `unknown_channel` where a body names it."""
    for account_id in find_ids(channel_id, *ACCOUNT_PREFIXES):
        try:
            return await threads.get_account(call.services, call.workspace_id, account_id)
        except NotFoundError:
            continue
    sentence = "There is no such channel."
    if in_body:
        raise NotFoundError(sentence, code="unknown_channel", field="channel.id")
    raise NotFoundError(sentence)


async def find_contact(call: Call, account: Account, contact_id: str, *, in_body: bool = False) -> Person:
    """A contact of a channel. Errors: NotFoundError; `unknown_contact` where a body names it."""
    for ours in find_ids(contact_id, "con"):
        try:
            return await threads.get_person(call.services, call.workspace_id, account.id, ours)
        except NotFoundError:
            continue
    sentence = "This channel has no such contact."
    if in_body:
        raise NotFoundError(sentence, code="unknown_contact", field="contact.id")
    raise NotFoundError(sentence)


def read_window(call: Call) -> Window:
    """`max`, `offset`, and `from` and `to` as ISO 8601. Errors: InvalidRequestError."""
    return Window(
        offset=_read_number(call, "offset", 0, least=0, most=FARTHEST),
        limit=_read_number(call, "max", USUAL, least=1, most=LARGEST),
        since=_read_instant(call, "from"),
        until=_read_instant(call, "to"),
    )


def _read_number(call: Call, name: str, usual: int, *, least: int, most: int) -> int:
    text = call.asked.find_query(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise wrong(name, f"must be a whole number from {least} to {most}.")
    return int(text)


def _read_instant(call: Call, name: str) -> int | None:
    text = call.asked.find_query(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not encoded
        return to_ms(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise wrong(name, "must be an ISO 8601 instant, such as 2024-05-01T10:00:00Z.") from None


def answer_list(items: Sequence[Any], total: int) -> Response:
    """A list; how many there are in all stands in `x-total-count`."""
    return answer_json(list(items), headers={"x-total-count": str(total)})
