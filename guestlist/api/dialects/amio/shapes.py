"""What messages say, in Amio's words: ours as they were sent, and people's (3.3, 3.4, 3.7). Pure; imports no web framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.domain.messages import Content, Media, QuickReply

MEDIA = ("image", "audio", "video", "file")
OUR_BUTTONS = {"url": "web_url", "postback": "postback", "phone": "phone_number"}
OUR_QUICK_REPLIES = {"text": "text", "phone_number": "user_phone_number", "email": "user_email"}
ADDRESS = {
    "address_line_1": "street_1",
    "address_line_2": "street_2",
    "city": "city",
    "postal_code": "postal_code",
    "state": "state",
    "country_code": "country",
}
ITEM = {"title": "title", "text": "subtitle", "quantity": "quantity", "price": "price", "image_url": "image_url"}
SUMMARY = {"shipping": "shipping_cost", "tax": "total_tax", "total": "total_cost"}
"""Amio's names beside Messenger's."""


def tell_content(content: Content) -> dict[str, Any]:
    """What a message of ours says, in Amio's words. One that another door sent with several parts is told by its first."""
    told: dict[str, Any]
    if content.template is not None:
        told = _tell_template(content.template)
    elif content.buttons:
        buttons = [_tell_button(each.type, each.title, each.url or each.payload) for each in content.buttons]
        told = {"type": "structure", "payload": {"text": content.text, "buttons": buttons}}
    elif content.parts and not content.text:
        told = _tell_media(content.parts[0])
    else:
        told = {"type": "text", "payload": "\n".join(filter(None, (content.title, content.text)))}
    if content.quick_replies:
        told["quick_replies"] = [_tell_quick_reply(each) for each in content.quick_replies]
    return told


def _tell_media(part: Media) -> dict[str, Any]:
    kind = part.type.partition("/")[0]
    return {"type": kind if kind in MEDIA else "file", "payload": {"url": part.url}}


def _tell_button(kind: str, title: str, payload: str) -> dict[str, str]:
    names = {ours: theirs for theirs, ours in OUR_BUTTONS.items()}
    return {"type": names.get(kind, kind), "title": title, "payload": payload}


def _tell_quick_reply(reply: QuickReply) -> dict[str, str]:
    if reply.type != "text":
        return {"type": reply.type.removeprefix("user_")}
    shown = {"title": reply.title, "payload": reply.payload, "image_url": reply.image_url}
    return {"type": "text", **{name: value for name, value in shown.items() if value}}


def _tell_template(template: Mapping[str, Any]) -> dict[str, Any]:
    kind = template.get("template_type")
    if kind == "generic":
        cards = [_tell_card(each) for each in template.get("elements", ())]
        return {"type": "structure", "payload": cards[0] if len(cards) == 1 else cards}
    if kind == "receipt":
        return {"type": "receipt", "payload": _tell_receipt(template)}
    return {"type": str(kind), "payload": dict(template)}


def _tell_card(element: Mapping[str, Any]) -> dict[str, Any]:
    action, buttons = element.get("default_action") or {}, element.get("buttons") or ()
    card = {
        "title": element.get("title"),
        "text": element.get("subtitle"),
        "image_url": element.get("image_url"),
        "item_url": action.get("url"),
        "buttons": [
            _tell_button(each.get("type", ""), each.get("title", ""), each.get("url") or each.get("payload") or "")
            for each in buttons
        ],
    }
    return {name: value for name, value in card.items() if value}


def _tell_receipt(template: Mapping[str, Any]) -> dict[str, Any]:
    address = _rename_back(template.get("address") or {}, ADDRESS)
    told = {
        "order_id": template.get("order_number"),
        "timestamp": template.get("timestamp"),
        "currency": template.get("currency"),
        "payment_method": template.get("payment_method"),
        "url_order": template.get("order_url"),
        "shipping_address": {"name": template.get("recipient_name"), **address},
        "items": [_rename_back(each, ITEM) for each in template.get("elements", ())],
        "summary": _rename_back(template.get("summary") or {}, SUMMARY),
    }
    return {name: value for name, value in told.items() if value}


def _rename_back(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: given[ours] for theirs, ours in names.items() if given.get(ours) is not None}


def tell_said(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said. Several pictures in one message: `payload` is the first's, `attachments` holds all."""
    attachments: Sequence[Mapping[str, Any]] = said.get("attachments") or ()
    if not attachments:
        told = {"type": "text", "payload": said.get("text", "")}
        return {**told, "quick_reply": {"payload": said["payload"]}} if said.get("payload") else told
    each = [_tell_attachment(attachment) for attachment in attachments]
    return each[0] if len(each) == 1 else {**each[0], "attachments": each}


def _tell_attachment(attachment: Mapping[str, Any]) -> dict[str, Any]:
    payload = attachment.get("payload") or {}
    kind = str(attachment.get("type", "file"))
    if kind == "location":
        return {"type": kind, "payload": payload.get("coordinates") or payload}
    return {"type": kind, "payload": {"url": attachment["url"]} if "url" in attachment else dict(payload)}
