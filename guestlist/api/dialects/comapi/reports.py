"""What Comapi's clients report themselves: what became of a message, and what a person said on a channel of theirs (2.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from guestlist.actions.conversations import mark_read
from guestlist.actions.message_receipts import Reported, apply_receipts
from guestlist.actions.messages import get_message
from guestlist.actions.replies import Heard, apply_replies
from guestlist.api.addresses import Email, Phone
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.domain.facts import MessageReceipt, ReceiptKind, Reply, ReplyKind
from guestlist.domain.messages import Channel, Rule
from guestlist.errors import NotFoundError
from guestlist.storage.base import Row, Transaction
from guestlist.storage.messaging_tables import replies
from guestlist.storage.senders import choose_account, read_accounts

from .errors import ValidationError, fail
from .message_models import Text, Wire, Word
from .messages import message_id_of
from .words import CHANNELS, find_id, tell_guid

REPORTS: Mapping[str, ReceiptKind] = {
    "sent": ReceiptKind.ECHO,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "failed": ReceiptKind.FAILED,
    "expired": ReceiptKind.FAILED,
    "filtered": ReceiptKind.FAILED,
}
"""What a status that a client reports means for the delivery. What did not arrive is `failed`."""


_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,64}", re.ASCII)
"""A reason that is kept as the code of a failure: a word, for a sentence may name somebody."""


class StatusGiven(Wire):
    """A status that a client reports."""

    channel: Word
    timestamp: datetime | None = None
    failureReason: Text = ""


class InboundFrom(Wire):
    """Who said it."""

    phoneNumber: Phone | None = None
    email: Email | None = None


class InboundGiven(Wire):
    """What a person said on a channel."""

    channel: Word
    sender: InboundFrom
    title: Text = ""
    body: Text = ""
    messageId: Word | None = None
    receivedOn: datetime | None = None


async def report_status(call: Call) -> Response:
    """`POST /messages/{messageId}/statuses/{status}`: raises the delivery over that channel, forward only."""
    status = call.path["status"]
    if status not in REPORTS:
        raise ValidationError([fail("status", f"must be one of {', '.join(sorted(REPORTS))}")])
    given = check_model(StatusGiven, call.json())
    story = await get_message(call.services, call.workspace_id, message_id_of(call))
    delivery = _find_delivery(given, story.deliveries)
    now = call.services.clock.now()
    at = min(_utc(given.timestamp) or now, now)
    reason = given.failureReason if _WORD.fullmatch(given.failureReason) else status
    code = reason if REPORTS[status] is ReceiptKind.FAILED else ""
    reported = [
        Reported(_receipt(REPORTS[status], delivery, part, at, code), now)
        for part in story.parts
        if part["delivery_id"] == delivery["id"]
    ]

    async def unit(tx: Transaction) -> set[str]:
        return await apply_receipts(tx, call.services, call.workspace_id, delivery["account_id"], reported)

    await _wake(call, await call.services.db.write(unit))
    return answer_json({})


def _find_delivery(given: StatusGiven, deliveries: Sequence[Row]) -> Row:
    channel = CHANNELS.get(given.channel)
    found = [row for row in deliveries if channel is not None and row["channel"] == channel.value and row["parts"]]
    if not found:
        raise ValidationError([fail("channel", "The message was not sent over this channel.")])
    return found[-1]


def _receipt(kind: ReceiptKind, delivery: Row, part: Row, at: datetime, code: str) -> MessageReceipt:
    return MessageReceipt(
        kind, delivery["channel"], delivery["account_id"], at, part_id=f"{delivery['id']}.{part['number']}", code=code
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


async def push_inbound(call: Call) -> Response:
    """`POST /messages/inbounds`: 201. For SMS and e-mail; what is said on Messenger is told by Meta alone."""
    asked = call.json()
    given = check_model(InboundGiven, {**asked, "sender": asked.get("from")} if isinstance(asked, dict) else asked)
    channel = CHANNELS.get(given.channel)
    if channel not in (Channel.SMS, Channel.EMAIL):
        raise ValidationError([fail("channel", "must be sms or email")])
    person = given.sender.phoneNumber if channel is Channel.SMS else given.sender.email
    if not person:
        name = "phoneNumber" if channel is Channel.SMS else "email"
        raise ValidationError([fail(f"from.{name}", "is needed on this channel")])
    now = call.services.clock.now()
    at = min(_utc(given.receivedOn) or now, now)
    text = "\n".join(filter(None, (given.title, given.body)))

    async def unit(tx: Transaction) -> tuple[str, set[str]]:
        account_id = await _account_of(tx, call.workspace_id, channel)
        provider_id = given.messageId or call.services.ids.new("in")
        reply = Reply(ReplyKind.TEXT, channel.value, account_id, provider_id, at, person=person, text=text)
        kept = await apply_replies(tx, call.services, call.workspace_id, account_id, [Heard(reply, now)])
        return (kept.new[0][1]["id"] if kept.new else ""), kept.lanes

    reply_id, lanes = await call.services.db.write(unit)
    await _wake(call, lanes)
    told: dict[str, Any] = {"messageId": tell_guid(reply_id)} if reply_id else {}
    return answer_json(told, 201)


class InboundStatus(Wire):
    """How far an inbound message is, as a client's own channel reports it."""

    timestamp: datetime


async def report_inbound(call: Call) -> Response:
    """`POST /messages/inbounds/{id}/statuses/{delivered|read}`: `read` marks its conversation as read."""
    if call.path["status"] not in ("delivered", "read"):
        raise ValidationError([fail("status", "must be delivered or read")])
    check_model(InboundStatus, call.json())
    reply_id = find_id("rep", call.path["message_id"])
    if reply_id is None:
        raise NotFoundError("There is no such inbound message.", remedy="Give the messageId of `message.inbound`.")
    reply = await call.services.find_row(replies, call.workspace_id, reply_id)
    if call.path["status"] == "read":
        await mark_read(call.services, call.workspace_id, reply["conversation_id"])
    return answer_json({})


async def _account_of(tx: Transaction, workspace_id: str, channel: Channel) -> str:
    choice = choose_account(Rule(channel), await read_accounts(tx, workspace_id))
    if choice.account is None:
        raise ValidationError([fail("channel", "There is no account on this channel, or there are several.")])
    return choice.account.id


async def _wake(call: Call, lanes: set[str]) -> None:
    for lane in sorted(lanes):
        await call.services.wake(lane)
