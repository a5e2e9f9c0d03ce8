"""Messenger's buttons and templates, checked before the call. Source: fact page 7.3; the opt-in template: 4."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from guestlist.channels.base import Problem

from .checks import Found, Payload, check_each, check_text, check_url, check_word

BUTTONS = 3
TITLE, PAYLOAD = 20, 1000
BUTTON_TEXT = 640

_PHONE = re.compile(r"\+[0-9]{5,15}")


# -- buttons --------------------------------------------------------------------------------------------------------


def check_buttons(payload: Payload, place: str, *, least: int = 0) -> Found:
    """The buttons of a template, or of a draft's content."""
    yield from check_each(payload, "buttons", place, _check_button, least=least, most=BUTTONS)


def _check_button(button: Payload, place: str) -> Found:
    check = BUTTON_CHECKS.get(str(button.get("type")))
    if check is None:
        yield Problem(f"{place}.type", "not_supported", f"A button is of one of the types {', '.join(BUTTON_CHECKS)}.")
    else:
        yield from check(button, place)


def _check_web_button(button: Payload, place: str) -> Found:
    yield from check_text(button, "title", place, most=TITLE, required=True)
    yield from _check_page(button, place)


def _check_page(button: Payload, place: str) -> Found:
    yield from check_url(button, "url", place, required=True, https=True)
    yield from check_url(button, "fallback_url", place, https=True)
    yield from check_word(button, "webview_height_ratio", place, ("compact", "tall", "full"))


def _check_postback(button: Payload, place: str) -> Found:
    yield from check_text(button, "title", place, most=TITLE, required=True)
    yield from check_text(button, "payload", place, most=PAYLOAD, required=True)


def _check_phone_button(button: Payload, place: str) -> Found:
    yield from check_text(button, "title", place, most=TITLE, required=True)
    if not _PHONE.fullmatch(str(button.get("payload") or "")):
        yield Problem(f"{place}.payload", "bad_value", "A button that calls has the number as its payload: + and digits.")


def _check_link_button(button: Payload, place: str) -> Found:
    yield from check_url(button, "url", place, required=True, https=True)


def _check_nothing(button: Payload, place: str) -> Found:
    yield from ()


BUTTON_CHECKS: Mapping[str, Callable[[Payload, str], Found]] = {
    "web_url": _check_web_button,
    "postback": _check_postback,
    "phone_number": _check_phone_button,
    "account_link": _check_link_button,
    "account_unlink": _check_nothing,
    "game_play": _check_nothing,
}


# -- templates ------------------------------------------------------------------------------------------------------


def check_template(template: Payload, place: str) -> Found:
    """What Meta would not take in a template's payload."""
    check = TEMPLATE_CHECKS.get(str(template.get("template_type")))
    if check is None:
        known = ", ".join(TEMPLATE_CHECKS)
        yield Problem(f"{place}.template_type", "not_supported", f"A template is one of {known}; anything else goes as `raw`.")
    else:
        yield from check(template, place)


def _check_generic(template: Payload, place: str) -> Found:
    yield from check_word(template, "image_aspect_ratio", place, ("horizontal", "square"))
    yield from check_each(template, "elements", place, _check_card, least=1, most=10)


def _check_card(card: Payload, place: str) -> Found:
    yield from check_text(card, "title", place, most=80, required=True)
    yield from check_text(card, "subtitle", place, most=80)
    yield from check_url(card, "image_url", place)
    action = card.get("default_action")
    if isinstance(action, Mapping):
        yield from _check_page(action, f"{place}.default_action")
    yield from check_buttons(card, place)


def _check_button_template(template: Payload, place: str) -> Found:
    yield from check_text(template, "text", place, most=BUTTON_TEXT, required=True)
    yield from check_buttons(template, place, least=1)


def _check_media_template(template: Payload, place: str) -> Found:
    yield from check_each(template, "elements", place, _check_medium, least=1, most=1)


def _check_medium(element: Payload, place: str) -> Found:
    yield from check_word(element, "media_type", place, ("image", "video"), required=True)
    if bool(element.get("url")) == bool(element.get("attachment_id")):
        yield Problem(place, "missing", "A media template holds either `url` or `attachment_id`.")
    yield from check_url(element, "url", place)
    yield from check_buttons(element, place)


def _check_receipt(template: Payload, place: str) -> Found:
    for name in ("recipient_name", "order_number", "currency", "payment_method"):
        yield from check_text(template, name, place, required=True)
    summary = template.get("summary")
    if not isinstance(summary, Mapping) or summary.get("total_cost") is None:
        yield Problem(f"{place}.summary.total_cost", "missing", "A receipt needs its total.")
    yield from check_url(template, "order_url", place)
    yield from check_each(template, "elements", place, _check_item, most=100)


def _check_item(item: Payload, place: str) -> Found:
    yield from check_text(item, "title", place, required=True)
    yield from check_url(item, "image_url", place)


def _check_coupon(template: Payload, place: str) -> Found:
    yield from check_text(template, "title", place, most=80)
    yield from check_text(template, "subtitle", place, most=80)
    code = template.get("coupon_code")
    if not code and not template.get("coupon_url"):
        yield Problem(f"{place}.coupon_code", "missing", "A coupon needs a `coupon_code`, a `coupon_url`, or both.")
    if code and re.search(r"\s", str(code)):
        yield Problem(f"{place}.coupon_code", "bad_value", "A coupon code holds no spaces.")
    yield from check_url(template, "coupon_url", place)
    yield from check_url(template, "image_url", place)


def _check_feedback(template: Payload, place: str) -> Found:
    yield from check_text(template, "title", place, most=65, required=True)
    yield from check_text(template, "subtitle", place, most=80)
    yield from check_text(template, "button_title", place, most=20)
    days = template.get("expires_in_days", 1)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 7:
        yield Problem(f"{place}.expires_in_days", "bad_value", "A survey ends after 1 to 7 days.")
    yield from check_each(template, "feedback_screens", place, _check_screen, least=1)


def _check_screen(screen: Payload, place: str) -> Found:
    yield from check_each(screen, "questions", place, _check_question, least=1)


def _check_question(question: Payload, place: str) -> Found:
    yield from check_text(question, "id", place, required=True)
    yield from check_word(question, "type", place, ("csat", "nps", "ces", "free_form"), required=True)


def _check_product(template: Payload, place: str) -> Found:
    yield from check_each(template, "elements", place, _check_product_id, least=1, most=10)


def _check_product_id(element: Payload, place: str) -> Found:
    yield from check_text(element, "id", place, required=True)


def _check_image_grid(template: Payload, place: str) -> Found:
    """No source records under which name the images stand, so both that Meta's templates use are known."""
    yield from check_text(template, "title", place, most=45)
    yield from check_text(template, "subtitle", place, most=80)
    name = "images" if "images" in template else "elements"
    yield from check_each(template, name, place, _check_image, least=2, most=6)


def _check_image(image: Payload, place: str) -> Found:
    yield from check_url(image, "image_url", place)
    yield from check_url(image, "url", place)


def _check_opt_in(template: Payload, place: str) -> Found:
    yield from check_text(template, "title", place, most=65)
    yield from check_text(template, "payload", place, most=PAYLOAD, required=True)
    yield from check_url(template, "image_url", place)


TEMPLATE_CHECKS: Mapping[str, Callable[[Payload, str], Found]] = {
    "generic": _check_generic,
    "button": _check_button_template,
    "media": _check_media_template,
    "receipt": _check_receipt,
    "coupon": _check_coupon,
    "customer_feedback": _check_feedback,
    "product": _check_product,
    "image_grid": _check_image_grid,
    "notification_messages": _check_opt_in,
}
