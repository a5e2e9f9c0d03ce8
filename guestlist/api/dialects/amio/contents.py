"""What an Amio message says: `{type, payload, quick_replies}` as a draft's content (3.3). Pure. Told back in `shapes.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from guestlist.api.dialects.base import check_model
from guestlist.api.problems import InvalidRequestError
from guestlist.domain.messages import Button, Content, Media, QuickReply

from .errors import missing, wrong
from .shapes import ADDRESS, ITEM, MEDIA, OUR_BUTTONS, OUR_QUICK_REPLIES, SUMMARY

LARGEST_CAROUSEL = 10

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2083)]
Number = Annotated[float | int | str, Field()]


class Loose(BaseModel):
    """A part of a request. Properties we do not know are passed over, as Amio does not say that it refuses them."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class MediaPayload(Loose):
    """A file by its URL."""

    url: Url


class ButtonGiven(Loose):
    """A button of a structure."""

    type: Literal["url", "postback", "phone"]
    title: Text
    payload: Text


class Structure(Loose):
    """A card: on its own, or one of a carousel."""

    title: str | None = None
    text: str | None = None
    image_url: Url | None = None
    item_url: Url | None = None
    buttons: list[ButtonGiven] | None = None


class Address(Loose):
    """Where an order goes."""

    name: Text
    address_line_1: str | None = None
    address_line_2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    country_code: str | None = None


class Item(Loose):
    """A line of a receipt."""

    title: Text
    text: str | None = None
    quantity: Number | None = None
    price: Number | None = None
    image_url: Url | None = None


class Summary(Loose):
    """The sums of a receipt."""

    total: Number
    shipping: Number | None = None
    tax: Number | None = None


class Receipt(Loose):
    """A receipt."""

    order_id: Text
    currency: Text
    payment_method: Text
    summary: Summary
    shipping_address: Address
    timestamp: str | int | None = None
    url_order: Url | None = None
    items: list[Item] | None = None


class QuickReplyGiven(Loose):
    """A tap answer."""

    type: Literal["text", "location", "phone_number", "email"] = "text"
    title: str = ""
    payload: str = ""
    image_url: str = ""


# -- as it is given -------------------------------------------------------------------------------------------------


def read_content(given: Mapping[str, Any]) -> Content:
    """The content of a message. Errors: InvalidRequestError naming the field below `content`."""
    for name in ("type", "payload"):
        if given.get(name) is None:
            raise missing(f"content.{name}")
    read = READERS.get(str(given["type"]))
    if read is None:
        raise wrong("content.type", f"must be one of {', '.join(READERS)}.")
    content = read(given["type"], given["payload"])
    replies = given.get("quick_replies") or []
    if not isinstance(replies, list):
        raise wrong("content.quick_replies", "must be an array.")
    shown = tuple(_read_quick_reply(each, f"content.quick_replies.{number}") for number, each in enumerate(replies))
    return Content(
        text=content.text, parts=content.parts, buttons=content.buttons, template=content.template, quick_replies=shown
    )


def _check(model: type[Loose], given: Any, place: str) -> Any:
    """A part of the body, tamed; its errors name the whole way to the field."""
    try:
        return check_model(model, given)
    except InvalidRequestError as error:
        found = [{**each, "field": ".".join(filter(None, (place, each["field"])))} for each in error.data["errors"]]
        raise InvalidRequestError(errors=found) from None


def _read_text(kind: str, payload: Any) -> Content:
    if not isinstance(payload, str) or not payload:
        raise wrong("content.payload", "must be a string with at least one character.")
    return Content(text=payload)


def _read_media(kind: str, payload: Any) -> Content:
    return Content(parts=(Media(kind, url=_check(MediaPayload, payload, "content.payload").url),))


def _read_location(kind: str, payload: Any) -> Content:
    raise wrong("content.type", "is received only: no channel here sends a location.")


def _read_structure(kind: str, payload: Any) -> Content:
    if not isinstance(payload, list):
        card = _check(Structure, payload, "content.payload")
        plain = not (card.title or card.image_url or card.item_url)
        if plain and card.text and card.buttons:
            return Content(text=card.text, buttons=tuple(map(_button_under_text, card.buttons)))
        cards, places = [card], ["content.payload"]
    else:
        places = [f"content.payload.{number}" for number in range(len(payload))]
        cards = [_check(Structure, each, place) for each, place in zip(payload, places, strict=True)]
    if not 0 < len(cards) <= LARGEST_CAROUSEL:
        raise wrong("content.payload", f"must hold 1 to {LARGEST_CAROUSEL} structures.")
    elements = [_build_card(card, place) for card, place in zip(cards, places, strict=True)]
    return Content(template={"template_type": "generic", "elements": elements})


def _build_card(card: Structure, place: str) -> dict[str, Any]:
    """An element of Messenger's generic template, which needs a title: the text is it where there is none."""
    title = card.title or card.text
    if not title:
        raise missing(f"{place}.title")
    element: dict[str, Any] = {"title": title}
    if card.title and card.text:
        element["subtitle"] = card.text
    if card.image_url:
        element["image_url"] = card.image_url
    if card.item_url:
        element["default_action"] = {"type": "web_url", "url": card.item_url}
    if card.buttons:
        element["buttons"] = [_build_button(each) for each in card.buttons]
    return element


def _build_button(given: ButtonGiven) -> dict[str, str]:
    name = "url" if given.type == "url" else "payload"
    return {"type": OUR_BUTTONS[given.type], "title": given.title, name: given.payload}


def _button_under_text(given: ButtonGiven) -> Button:
    if given.type == "url":
        return Button("web_url", given.title, url=given.payload)
    return Button(OUR_BUTTONS[given.type], given.title, payload=given.payload)


def _read_receipt(kind: str, payload: Any) -> Content:
    given = _check(Receipt, payload, "content.payload")
    address, summary = given.shipping_address, given.summary
    template = {
        "template_type": "receipt",
        "recipient_name": address.name,
        "order_number": given.order_id,
        "currency": given.currency,
        "payment_method": given.payment_method,
        "order_url": given.url_order,
        "timestamp": _read_timestamp(given.timestamp),
        "address": _rename(address.model_dump(), ADDRESS),
        "elements": [_rename(item.model_dump(), ITEM) for item in given.items or ()],
        "summary": _rename(summary.model_dump(), SUMMARY),
    }
    return Content(template={name: value for name, value in template.items() if value})


def _read_timestamp(given: str | int | None) -> str | None:
    """Messenger wants seconds since 1970, as text."""
    if given is None or isinstance(given, int) or given.isdigit():
        return None if given is None else str(given)
    try:
        return str(int(datetime.fromisoformat(given).timestamp()))
    except ValueError:
        raise wrong("content.payload.timestamp", "must be an ISO 8601 instant, or seconds since 1970.") from None


def _rename(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names[name]: value for name, value in given.items() if name in names and value is not None}


def _read_quick_reply(given: Any, place: str) -> QuickReply:
    reply = _check(QuickReplyGiven, given, place)
    if reply.type == "location":
        raise wrong(f"{place}.type", "cannot be location: Messenger has no such quick reply any more.")
    if reply.type == "text" and not reply.title:
        raise missing(f"{place}.title")
    return QuickReply(OUR_QUICK_REPLIES[reply.type], reply.title, reply.payload, reply.image_url)


READERS: Mapping[str, Callable[[str, Any], Content]] = {
    "text": _read_text,
    **dict.fromkeys(MEDIA, _read_media),
    "location": _read_location,
    "structure": _read_structure,
    "receipt": _read_receipt,
}
"""What reads each type of content."""
