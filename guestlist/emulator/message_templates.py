"""Templates and buttons of a Page's own message, with every limit (fact page 7.3). All refusals are 100."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import invalid

Payload = Mapping[str, Any]
FindAttachment = Callable[[object], object]

TITLE, BUTTON_TITLE, BUTTON_TEXT, BUTTON_PAYLOAD = 80, 20, 640, 1000
MOST_BUTTONS, MOST_ELEMENTS, MOST_RECEIPT_ELEMENTS = 3, 10, 100
FEWEST_IMAGES, MOST_IMAGES, GRID_TITLE = 2, 6, 45
FEEDBACK_TITLE, MOST_FEEDBACK_DAYS = 65, 7
BUTTONS = frozenset({"web_url", "postback", "phone_number", "account_link", "account_unlink", "game_play"})
RATIOS = frozenset({"compact", "tall", "full"})
ASPECTS = frozenset({"horizontal", "square", "HORIZONTAL", "SQUARE"})
QUESTIONS = frozenset({"csat", "nps", "ces", "free_form"})
PHONE = re.compile(r"\+[0-9]{7,15}")
RECEIPT_FIELDS = ("recipient_name", "order_number", "currency", "payment_method")


def check_template(payload: Payload, find_attachment: FindAttachment) -> None:
    """Errors: 100; 100/2018074 where a media template names no attachment of the Page."""
    kind = payload.get("template_type")
    if kind == "media":
        _check_media(payload, find_attachment)
        return
    check = TEMPLATES.get(str(kind))
    if check is None:
        raise invalid(f"Param template_type must be one of {{{', '.join(sorted((*TEMPLATES, 'media')))}}}")
    check(payload)


def check_title(holder: Payload, name: str, most: int, *, what: str, required: bool = True) -> None:
    """A short text. Errors: 100."""
    text = holder.get(name)
    if text is None and not required:
        return
    if not isinstance(text, str) or not text.strip():
        raise invalid(f"A {what} needs a {name}")
    if len(text) > most:
        raise invalid(f"The {name} of a {what} must have at most {most} characters")


def check_buttons(buttons: object, *, fewest: int = 0) -> None:
    """Buttons under a text or an element. Errors: 100."""
    if buttons is None and not fewest:
        return
    if not isinstance(buttons, list) or not fewest <= len(buttons) <= MOST_BUTTONS:
        raise invalid(f"There must be {fewest} to {MOST_BUTTONS} buttons")
    for button in buttons:
        if not isinstance(button, dict) or button.get("type") not in BUTTONS:
            raise invalid(f"The type of a button must be one of {{{', '.join(sorted(BUTTONS))}}}")
        _check_button(button)


def _check_button(button: Payload) -> None:
    kind = button["type"]
    if kind in ("web_url", "postback", "phone_number", "game_play"):
        check_title(button, "title", BUTTON_TITLE, what="button")
    if kind == "web_url":
        _check_https(button.get("url"), "url of a button")
        if button.get("webview_height_ratio", "full") not in RATIOS:
            raise invalid(f"The webview_height_ratio must be one of {{{', '.join(sorted(RATIOS))}}}")
    elif kind == "postback":
        check_title(button, "payload", BUTTON_PAYLOAD, what="postback button")
    elif kind == "phone_number" and PHONE.fullmatch(str(button.get("payload", ""))) is None:
        raise invalid("The payload of a phone button must be a number such as +15555550100")
    elif kind == "account_link":
        _check_https(button.get("url"), "url of a button")


def _check_https(url: object, what: str) -> None:
    if not isinstance(url, str) or re.fullmatch(r"https://[^\s/]+.*", url) is None:
        raise invalid(f"The {what} must begin with https://")


def _elements(payload: Payload, most: int, *, fewest: int = 1) -> list[dict[str, Any]]:
    elements = payload.get("elements")
    if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
        raise invalid("Param elements must be an array of objects")
    if not fewest <= len(elements) <= most:
        raise invalid(f"Param elements must hold {fewest} to {most}")
    return elements


def _check_generic(payload: Payload) -> None:
    if payload.get("image_aspect_ratio", "horizontal") not in ASPECTS:
        raise invalid("The image_aspect_ratio must be horizontal or square")
    for element in _elements(payload, MOST_ELEMENTS):
        check_title(element, "title", TITLE, what="element")
        check_title(element, "subtitle", TITLE, what="element", required=False)
        check_buttons(element.get("buttons"))
        action = element.get("default_action")
        if action is not None:
            if not isinstance(action, dict) or action.get("type") != "web_url" or "title" in action:
                raise invalid("A default_action is a web_url button without a title")
            _check_https(action.get("url"), "url of a default_action")


def _check_button_template(payload: Payload) -> None:
    check_title(payload, "text", BUTTON_TEXT, what="button template")
    check_buttons(payload.get("buttons"), fewest=1)


def _check_media(payload: Payload, find_attachment: FindAttachment) -> None:
    [element] = _elements(payload, 1)
    if element.get("media_type") not in ("image", "video"):
        raise invalid("The media_type must be image or video")
    if ("attachment_id" in element) == ("url" in element):
        raise invalid("A media template needs an attachment_id or a url, not both")
    if "attachment_id" in element:
        find_attachment(element["attachment_id"])
    check_buttons(element.get("buttons"))


def _check_receipt(payload: Payload) -> None:
    for name in RECEIPT_FIELDS:
        check_title(payload, name, 1000, what="receipt")
    summary = payload.get("summary")
    if not isinstance(summary, dict) or not _is_amount(summary.get("total_cost")):
        raise invalid("A receipt needs a summary with a total_cost")
    if "elements" in payload:
        for element in _elements(payload, MOST_RECEIPT_ELEMENTS, fewest=0):
            check_title(element, "title", 1000, what="receipt element")
            if not _is_amount(element.get("price")):
                raise invalid("An element of a receipt needs a price")


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_coupon(payload: Payload) -> None:
    check_title(payload, "title", TITLE, what="coupon")
    check_title(payload, "subtitle", TITLE, what="coupon", required=False)
    code, url = payload.get("coupon_code"), payload.get("coupon_url")
    if not (code or url):
        raise invalid("A coupon needs a coupon_code or a coupon_url")
    if code is not None and (not isinstance(code, str) or " " in code):
        raise invalid("A coupon_code is a text without spaces")


def _check_feedback(payload: Payload) -> None:
    check_title(payload, "title", FEEDBACK_TITLE, what="feedback template")
    check_title(payload, "subtitle", TITLE, what="feedback template")
    check_title(payload, "button_title", BUTTON_TITLE, what="feedback template")
    days = payload.get("expires_in_days", 1)
    if not _is_amount(days) or not 1 <= days <= MOST_FEEDBACK_DAYS:
        raise invalid(f"The expires_in_days must be 1 to {MOST_FEEDBACK_DAYS}")
    screens = payload.get("feedback_screens")
    if not isinstance(screens, list) or not screens or not all(isinstance(each, dict) for each in screens):
        raise invalid("A feedback template needs feedback_screens")
    for screen in screens:
        questions = screen.get("questions")
        if not isinstance(questions, list) or not questions:
            raise invalid("A feedback screen needs questions")
        for question in questions:
            if not isinstance(question, dict) or question.get("type") not in QUESTIONS or not question.get("id"):
                raise invalid(f"A feedback question needs an id and a type of {{{', '.join(sorted(QUESTIONS))}}}")


def _check_product(payload: Payload) -> None:
    for element in _elements(payload, MOST_ELEMENTS):
        check_title(element, "id", 100, what="product")


def _check_image_grid(payload: Payload) -> None:
    check_title(payload, "title", GRID_TITLE, what="image grid", required=False)
    check_title(payload, "subtitle", TITLE, what="image grid", required=False)
    images = payload.get("elements", payload.get("images"))
    if not isinstance(images, list) or not FEWEST_IMAGES <= len(images) <= MOST_IMAGES:
        raise invalid(f"An image grid holds {FEWEST_IMAGES} to {MOST_IMAGES} images")


TEMPLATES: Mapping[str, Callable[[Payload], None]] = {
    "generic": _check_generic,
    "button": _check_button_template,
    "receipt": _check_receipt,
    "coupon": _check_coupon,
    "customer_feedback": _check_feedback,
    "product": _check_product,
    "image_grid": _check_image_grid,
}
