"""What a marketing message may hold (fact page 5.5)."""

from __future__ import annotations

import re
from typing import Any

from .errors import GraphFault, invalid, marketing

MOST_TEXT = 640
MOST_ELEMENTS = 10
MOST_BUTTONS = 3
MOST_QUICK_REPLIES = 13
MOST_IMAGES = 6
MOST_COUPON_TEXT = 80
BUTTONS = frozenset({"web_url", "postback", "app_link"})
MACROS = frozenset({"first_name", "last_name", "full_name"})
MACRO = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s]+", re.IGNORECASE)


def check_message(message: dict[str, Any]) -> None:
    """Errors: 2300010 empty or no known template, 100 too long, 2300021-26, 2300038, 2300046, 2300077."""
    quick_replies = message.get("quick_replies")
    if quick_replies is not None and (not isinstance(quick_replies, list) or len(quick_replies) > MOST_QUICK_REPLIES):
        raise invalid(f"Param message[quick_replies] must be an array of at most {MOST_QUICK_REPLIES}")
    attachment, text = message.get("attachment"), message.get("text")
    if attachment is None:
        if not isinstance(text, str) or not text.strip():
            raise marketing(2300010)
        check_text(text)
        return
    if (
        not isinstance(attachment, dict)
        or attachment.get("type") != "template"
        or not isinstance(attachment.get("payload"), dict)
    ):
        raise marketing(2300010)
    payload = attachment["payload"]
    check = TEMPLATES.get(str(payload.get("template_type")))
    if check is None:
        raise marketing(2300010)
    check(payload)


def check_text(text: object, *, most: int = MOST_TEXT) -> None:
    """A text and its placeholders. Errors: 100, 2300038."""
    if text is None:
        return
    if not isinstance(text, str):
        raise invalid("Text in a message must be a string")
    if len(text) > most:
        raise invalid(f"Length of text in a message must be at most {most} characters")
    if "{{" in text and any(name not in MACROS for name in MACRO.findall(text)):
        raise marketing(2300038)


def _check_generic(payload: dict[str, Any]) -> None:
    check_text(payload.get("text"))
    for element in _elements(payload, MOST_ELEMENTS):
        if not isinstance(element.get("title"), str) or not element["title"].strip():
            raise invalid("Every element needs a title")
        check_text(element["title"])
        check_text(element.get("subtitle"))
        _check_media(element)
        _check_buttons(element.get("buttons"))


def _check_media(element: dict[str, Any]) -> None:
    kind = element.get("media_type")
    if kind == "video" and not element.get("video_id"):
        raise marketing(2300021)
    if kind == "image" and not (element.get("image_url") or element.get("image_urls")):
        raise marketing(2300022)
    images = element.get("image_urls")
    if images is not None and (not isinstance(images, list) or len(images) > MOST_IMAGES):
        raise marketing(2300046)
    if element.get("image_url") is not None:
        _check_url(element["image_url"])


def _check_button_template(payload: dict[str, Any]) -> None:
    if not payload.get("text"):
        raise marketing(2300010)
    check_text(payload["text"])
    _check_buttons(payload.get("buttons"))


def _check_media_template(payload: dict[str, Any]) -> None:
    for element in _elements(payload, 1):
        if not (element.get("attachment_id") or element.get("url")):
            raise marketing(2300010)
        _check_buttons(element.get("buttons"))


def _check_product(payload: dict[str, Any]) -> None:
    _elements(payload, MOST_ELEMENTS)


def _check_receipt(payload: dict[str, Any]) -> None:
    for name in ("recipient_name", "order_number", "currency", "payment_method", "summary"):
        if not payload.get(name):
            raise invalid(f"The parameter message[attachment][payload][{name}] is required")


def _check_coupon(payload: dict[str, Any]) -> None:
    check_text(payload.get("title"), most=MOST_COUPON_TEXT)
    check_text(payload.get("subtitle"), most=MOST_COUPON_TEXT)
    if not (payload.get("coupon_code") or payload.get("coupon_url")):
        raise invalid("A coupon needs a coupon_code or a coupon_url")


TEMPLATES = {
    "generic": _check_generic,
    "button": _check_button_template,
    "media": _check_media_template,
    "product": _check_product,
    "receipt": _check_receipt,
    "coupon": _check_coupon,
}


def _elements(payload: dict[str, Any], most: int) -> list[dict[str, Any]]:
    elements = payload.get("elements")
    if not isinstance(elements, list) or not elements or not all(isinstance(element, dict) for element in elements):
        raise marketing(2300010)
    if len(elements) > most:
        raise _too_many_elements(most)
    return elements


def _too_many_elements(most: int) -> GraphFault:
    return invalid(f"Param message[attachment][payload][elements] must have at most {most} elements")


def _check_buttons(buttons: object) -> None:
    if buttons is None:
        return
    if not isinstance(buttons, list) or not all(isinstance(button, dict) for button in buttons):
        raise marketing(2300023)
    if len(buttons) > MOST_BUTTONS:
        raise marketing(2300026)
    for button in buttons:
        if button.get("type") not in BUTTONS:
            raise marketing(2300023)
        if not button.get("title"):
            raise marketing(2300025)
        if button["type"] == "web_url":
            if not button.get("url"):
                raise marketing(2300024)
            _check_url(button["url"])


def _check_url(url: object) -> None:
    if not isinstance(url, str) or URL.fullmatch(url) is None:
        raise marketing(2300077)
