"""What a Page's own message may hold, templates apart (fact page 7.2). Sizes are characters and bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .errors import invalid
from .message_templates import check_template, check_title
from .params import File
from .things import Attachment, Page

TEXT_BELOW = 2000
METADATA_BELOW = 1000
MOST_QUICK_REPLIES = 13
MOST_TITLE = 20
MOST_PAYLOAD = 1000
MOST_BYTES = 25 * 1024 * 1024
QUICK_REPLY_TYPES = frozenset({"text", "user_phone_number", "user_email"})
MEDIA = frozenset({"image", "video", "audio", "file"})
UNREACHABLE = re.compile(r".*\.invalid")  # a host that no file comes from, by RFC 2606


def check_message(message: Mapping[str, Any]) -> None:
    """A message but for its attachment. Errors: 100, 100/2018034 an empty one."""
    text, metadata = message.get("text"), message.get("metadata")
    held = [name for name in ("attachment", "template", "sticker_id") if message.get(name) is not None]
    if text is None and not held:
        raise invalid("Empty message: the message must hold a text or an attachment", 2018034)
    if text is not None and (not isinstance(text, str) or not text):
        raise invalid("Empty message: the text is empty", 2018034)
    if text is not None and len(text) >= TEXT_BELOW:
        raise invalid(f"Length of param message[text] must be less than {TEXT_BELOW}")
    if text is not None and "attachment" in held:
        raise invalid("A message holds a text or an attachment, not both")
    if metadata is not None and (not isinstance(metadata, str) or len(metadata) >= METADATA_BELOW):
        raise invalid(f"Param message[metadata] must be a string of less than {METADATA_BELOW} characters")
    _check_quick_replies(message.get("quick_replies"))


def _check_quick_replies(replies: object) -> None:
    if replies is None:
        return
    if not isinstance(replies, list) or not 0 < len(replies) <= MOST_QUICK_REPLIES:
        raise invalid(f"Param message[quick_replies] must be an array of 1 to {MOST_QUICK_REPLIES}")
    for reply in replies:
        if not isinstance(reply, dict) or reply.get("content_type") not in QUICK_REPLY_TYPES:
            raise invalid(f"A quick reply needs a content_type of {{{', '.join(sorted(QUICK_REPLY_TYPES))}}}")
        payload = reply.get("payload", "")
        if not isinstance(payload, str) or len(payload) > MOST_PAYLOAD:
            raise invalid(f"The payload of a quick reply must be a string of at most {MOST_PAYLOAD} characters")
        if reply["content_type"] == "text":
            check_title(reply, "title", MOST_TITLE, what="quick reply")
            if not payload:
                raise invalid("A quick reply with a text needs a payload")


def check_attachment(
    attachment: object, page: Page, known: Mapping[str, Attachment], file: object, now: float
) -> tuple[str, str, bool]:
    """A file or a template: its type, the URL of a file, and whether it is to be kept.

    Errors: 100, 100/2018008 not to be fetched, 100/2018074 no such attachment of the Page, 100/2018109 too large.
    """
    if not isinstance(attachment, dict) or not isinstance(attachment.get("type"), str):
        raise invalid("Param message[attachment] must be an object with a type")
    kind, payload = attachment["type"], attachment.get("payload", {})
    if not isinstance(payload, dict):
        raise invalid("Param message[attachment][payload] must be an object")
    if kind == "template":
        check_template(payload, lambda number: find_attachment(str(number), page, known, now))
        return kind, "", False
    if kind not in MEDIA:
        raise invalid(f"Param message[attachment][type] must be one of {{{', '.join(sorted(MEDIA | {'template'}))}}}")
    if "attachment_id" in payload:
        found = find_attachment(str(payload["attachment_id"]), page, known, now)
        return kind, found.url, False
    keep = payload.get("is_reusable") in (True, "true")
    if isinstance(file, File):
        if file.size > MOST_BYTES:
            raise invalid("The attachment is too large", 2018109)
        return kind, f"attachment:{file.name}", keep
    return kind, check_media_url(payload.get("url")), keep


def check_media_url(url: object) -> str:
    """A URL that a file can be fetched from. Errors: 100, 100/2018008."""
    if not isinstance(url, str) or not url:
        raise invalid("Param message[attachment][payload] must hold a url or an attachment_id")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or UNREACHABLE.fullmatch(parts.hostname):
        raise invalid("Failed to fetch the file from the url", 2018008)
    return url


def find_attachment(attachment_id: str, page: Page, known: Mapping[str, Attachment], now: float) -> Attachment:
    """A file uploaded before. Errors: 100/2018074."""
    found = known.get(attachment_id)
    if found is None or found.page is not page or found.expires <= now:
        raise invalid("The attachment id is invalid, or belongs to another owner", 2018074)
    return found
