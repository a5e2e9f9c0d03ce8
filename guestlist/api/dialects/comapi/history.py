"""`GET /profiles/{profileId}/messages`: what was said to a profile and by it, newest first (2.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.responses import Response

from guestlist.api.dialects.base import Asked, Call, answer_json
from guestlist.domain.facts import ReplyKind
from guestlist.domain.messages import Channel, decode_draft
from guestlist.storage import histories
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from .errors import Failure, ValidationError, fail
from .merge_fields import tell_thing
from .message_shapes import tell_status
from .people import get_profile
from .words import CHANNEL_IDS, CHANNELS, tell_guid, tell_instant

MOST, USUAL = 200, 50
DIRECTIONS = ("inbound", "outbound")


async def list_history(call: Call) -> Response:
    """Query: `channelId`, `direction`, `from` (an instant: not before it), `limit` (50, at most 200)."""
    channel, direction, since, limit = _read_query(call.asked)
    profile_id = call.path["profile_id"]

    async def unit(tx: Transaction) -> tuple[list[Row], list[Row]]:
        contact = await get_profile(tx, call.workspace_id, profile_id)
        out = await histories.sent_to(tx, call.workspace_id, contact["id"], channel=channel, since=since, limit=limit)
        said = await histories.said_by(tx, call.workspace_id, contact["id"], channel=channel, since=since, limit=limit)
        return out, said

    out, said = await call.services.db.read(unit)
    told = [
        *(_tell_message(row, profile_id) for row in out if direction != "inbound"),
        *(_tell_reply(row, profile_id) for row in said if _direction(row) == (direction or _direction(row))),
    ]
    told.sort(key=lambda each: each["submittedOn"], reverse=True)
    return answer_json(told[:limit])


def _read_query(asked: Asked) -> tuple[str | None, str | None, int, int]:
    failures: list[Failure] = []
    channel_id, direction = asked.find_query("channelId"), asked.find_query("direction")
    if channel_id is not None and channel_id not in CHANNELS:
        failures.append(fail("channelId", f"must be one of {', '.join(CHANNELS)}"))
    if direction not in (None, *DIRECTIONS):
        failures.append(fail("direction", "must be inbound or outbound"))
    since = _read_instant(asked.find_query("from"), failures)
    limit = asked.find_query("limit") or str(USUAL)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:6]) <= MOST):
        failures.append(fail("limit", f"must be 1 to {MOST}"))
    if failures:
        raise ValidationError(failures)
    channel: Channel | None = CHANNELS[channel_id] if channel_id else None
    return channel.value if channel else None, direction, since, int(limit)


def _read_instant(text: str | None, failures: list[Failure]) -> int:
    if text is None:
        return 0
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        failures.append(fail("from", "must be an ISO 8601 instant"))
        return 0
    return to_ms(at if at.tzinfo else at.replace(tzinfo=UTC))


def _tell_message(row: Row, profile_id: str) -> dict[str, Any]:
    content = decode_draft(row["draft"]).content
    raw = {CHANNEL_IDS[channel]: tell_thing(body) for channel, body in content.raw.items()}
    return {
        "messageId": tell_guid(row["id"]),
        "submittedOn": tell_instant(row["created_at"]),
        "profileId": profile_id,
        "channelId": CHANNEL_IDS.get(row["channel"], ""),
        "direction": "outbound",
        "status": tell_status(row),
        "message": {"title": tell_thing(content.title), "body": tell_thing(content.text), "channelData": raw},
    }


def _direction(row: Row) -> str:
    """What was sent from elsewhere in our name, such as the Page's inbox, is outbound too."""
    return "outbound" if row["kind"] == ReplyKind.ECHO.value else "inbound"


def _tell_reply(row: Row, profile_id: str) -> dict[str, Any]:
    content = orjson.loads(row["content"])
    said = {name: value for name, value in content.items() if name != "state"}
    return {
        "messageId": tell_guid(row["id"]),
        "submittedOn": tell_instant(row["at"]),
        "profileId": profile_id,
        "channelId": CHANNEL_IDS[row["channel"]],
        "direction": _direction(row),
        "status": "sent" if row["kind"] == ReplyKind.ECHO.value else "received",
        "message": {"title": "", "body": content.get("text", ""), "channelData": {"body": said}},
    }
