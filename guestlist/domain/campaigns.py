"""What a marketing message may look like (fact page 5.5): checked before it costs money, not by 20,000 refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist.errors import UsageError

TEXT_LENGTH = 640
ELEMENTS = 10
BUTTONS = 3
QUICK_REPLIES = 13
TEMPLATES = frozenset({"button", "generic", "media", "product", "receipt", "coupon"})
BUTTON_TYPES = frozenset({"web_url", "postback"})


def text_message(text: str) -> dict[str, Any]:
    """Meta's message object for plain text."""
    return {"text": text}


def check_message(message: Mapping[str, Any]) -> None:
    """Refuses what Meta would refuse for every recipient. Errors: UsageError `bad_message` with the place and the limit."""
    if not isinstance(message, Mapping):
        raise _bad("message", "must be an object with `text` or `attachment`")
    if ("text" in message) == ("attachment" in message):
        raise _bad("message", "needs exactly one of `text` and `attachment`")
    if "text" in message:
        _check_text(message["text"], "message.text")
    else:
        _check_attachment(message["attachment"])
    replies = message.get("quick_replies", [])
    if not isinstance(replies, list) or len(replies) > QUICK_REPLIES:
        raise _bad("message.quick_replies", f"must be a list of at most {QUICK_REPLIES}")


def _bad(where: str, what: str) -> UsageError:
    return UsageError(
        f"{where} {what}.", code="bad_message", remedy="See the message forms in the campaign reference.", where=where
    )


def _check_text(text: Any, where: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise _bad(where, "must be a text that is not blank")
    if len(text) > TEXT_LENGTH:
        raise _bad(where, f"has {len(text)} characters; Meta takes {TEXT_LENGTH}")


def _check_attachment(attachment: Any) -> None:
    where = "message.attachment"
    if not isinstance(attachment, Mapping) or attachment.get("type") != "template":
        raise _bad(where, "must be a template")
    payload = attachment.get("payload")
    if not isinstance(payload, Mapping) or payload.get("template_type") not in TEMPLATES:
        raise _bad(f"{where}.payload.template_type", f"must be one of {', '.join(sorted(TEMPLATES))}")
    if payload["template_type"] == "button":
        _check_text(payload.get("text"), f"{where}.payload.text")
        _check_buttons(payload.get("buttons"), f"{where}.payload.buttons")
    if payload["template_type"] in ("generic", "media"):
        _check_elements(payload.get("elements"), f"{where}.payload.elements")


def _check_elements(elements: Any, where: str) -> None:
    if not isinstance(elements, list) or not 1 <= len(elements) <= ELEMENTS:
        raise _bad(where, f"must be a list of 1 to {ELEMENTS}")
    for number, element in enumerate(elements):
        if not isinstance(element, Mapping):
            raise _bad(f"{where}[{number}]", "must be an object")
        _check_buttons(element.get("buttons"), f"{where}[{number}].buttons")


def _check_buttons(buttons: Any, where: str) -> None:
    if buttons is None:  # buttons are optional since 2025-08-25
        return
    if not isinstance(buttons, list) or len(buttons) > BUTTONS:
        raise _bad(where, f"must be a list of at most {BUTTONS}")
    for number, button in enumerate(buttons):
        if not isinstance(button, Mapping) or button.get("type") not in BUTTON_TYPES:
            raise _bad(f"{where}[{number}].type", f"must be one of {', '.join(sorted(BUTTON_TYPES))}")
        if not button.get("title"):
            raise _bad(f"{where}[{number}].title", "is missing")
        if button["type"] == "web_url" and not str(button.get("url", "")).startswith("https://"):
            raise _bad(f"{where}[{number}].url", "must start with https://")
