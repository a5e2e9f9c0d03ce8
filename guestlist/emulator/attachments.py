"""Files that a Page uploads once and uses again (fact page 7.2)."""

from __future__ import annotations

from typing import Any

from .calls import Call
from .errors import GraphFault, invalid
from .message_content import MEDIA, check_attachment
from .things import Attachment, Page

LIFE = 90 * 24 * 3600.0


def keep_attachment(call: Call, page: Page, kind: str, url: str) -> str:
    """Keeps a file for 90 days. Gives its id."""
    world = call.emulator.world
    kept = Attachment(world.new_id("61"), page, kind, url, call.now + LIFE)
    world.attachments[kept.id] = kept
    return kept.id


def upload_attachment(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/message_attachments`: a file by URL or in a multipart body. Errors: 100, its 2018008, 2018047, 2018109."""
    call.require_page(page)
    call.require("pages_messaging")
    message = call.params.mapping("message", required=True) or {}
    attachment = message.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") not in MEDIA:
        raise invalid(f"Param message[attachment] must have a type of {{{', '.join(sorted(MEDIA))}}}")
    payload = attachment.get("payload")
    if isinstance(payload, dict) and "attachment_id" in payload:
        raise GraphFault("Upload attachment failure: there is no file", code=100, subcode=2018047)
    known = call.emulator.world.attachments
    kind, url, _ = check_attachment(attachment, page, known, call.params.get("filedata"), call.now)
    return {"attachment_id": keep_attachment(call, page, kind, url)}
