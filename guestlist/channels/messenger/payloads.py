"""A draft as bodies of the Send API, one for each call. Pure; `limits` has seen to it that Meta can take them.

    text and buttons, or text  ->  template  ->  each file, in order

Quick replies stand under the last of them, for they vanish with the next message. Source: fact page 7.1 to 7.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist.domain.messages import (
    AddressKind,
    Button,
    Channel,
    Content,
    Draft,
    Media,
    MessengerOptions,
    QuickReply,
    Target,
    media_for,
    message_of,
)
from guestlist.domain.routes import Open

Body = dict[str, Any]

RECIPIENT = {
    AddressKind.PSID: "id",
    AddressKind.USER_REF: "user_ref",
    AddressKind.PHONE: "phone_number",
    AddressKind.COMMENT: "comment_id",
    AddressKind.POST: "post_id",
}

ATTACHMENTS = ("image", "audio", "video")
"""Kinds of media Meta shows as such; everything else is a file."""


def build_bodies(draft: Draft, route: Open) -> list[Body]:
    """The bodies of the calls, in order, but for the metadata that a part's id goes into."""
    envelope = build_envelope(draft, route)
    content, options = draft.content, draft.options.messenger
    raw = content.raw.get(Channel.MESSENGER.value)
    if route.utility and options.utility is not None and not (raw and "template" in message_of(raw)):
        return [{**envelope, "message": {"template": build_utility(options)}}]
    if raw:
        own: Mapping[str, Any] = raw if "message" in raw else {"message": raw}
        kept = {name: value for name, value in own.items() if name not in ("messaging_type", "tag")}
        return [{**envelope, **kept}]
    messages = build_messages(content)
    if content.quick_replies:
        messages[-1]["quick_replies"] = [build_quick_reply(each) for each in content.quick_replies]
    if options.metadata:
        messages = [{**message, "metadata": options.metadata} for message in messages]
    return [{**envelope, "message": message} for message in messages]


def build_envelope(draft: Draft, route: Open) -> Body:
    """To whom and on what grounds: everything but the message."""
    options = draft.options.messenger
    envelope: Body = {"recipient": build_recipient(draft.to, route)}
    if route.messaging_type is not None:
        envelope["messaging_type"] = route.messaging_type.value
    if route.tag:
        envelope["tag"] = route.tag
    if options.notification:
        envelope["notification_type"] = options.notification
    if options.persona_id:
        envelope["persona_id"] = options.persona_id
    return envelope


def build_recipient(to: Target, route: Open) -> Body:
    """The person. A phone number goes with the names that are known: they make a match surer (fact page 6)."""
    if route.address_kind is not AddressKind.PHONE:
        return {RECIPIENT[route.address_kind]: route.address}
    names = {"first_name": to.first_name, "last_name": to.last_name}
    name = {key: value for key, value in names.items() if value}
    return {"phone_number": f"+{route.address}", **({"name": name} if name else {})}


def build_messages(content: Content) -> list[Body]:
    """Meta's message objects for what a draft says."""
    messages: list[Body] = []
    text = full_text(content)
    if content.buttons:
        buttons = [build_button(each) for each in content.buttons]
        messages.append(build_template({"template_type": "button", "text": text, "buttons": buttons}))
    elif text:
        messages.append({"text": text})
    if content.template is not None:
        messages.append(build_template(content.template))
    return messages + [build_media(part) for part in media_for(content, Channel.MESSENGER)]


def full_text(content: Content) -> str:
    """The text, with the title as its first line."""
    return "\n".join(filter(None, (content.title, content.text)))


def build_template(payload: Mapping[str, Any]) -> Body:
    """A message that is a template."""
    return {"attachment": {"type": "template", "payload": dict(payload)}}


def build_media(part: Media) -> Body:
    """A message that is a file: one uploaded before, or one that Meta fetches."""
    payload: Body = {"attachment_id": part.attachment_id} if part.attachment_id else {"url": part.url}
    return {"attachment": {"type": attachment_type(part.type), "payload": payload}}


def attachment_type(given: str) -> str:
    """Meta's word for a kind of media or a MIME type."""
    kind = given.partition("/")[0].lower()
    return kind if kind in ATTACHMENTS else "file"


def build_quick_reply(reply: QuickReply) -> Body:
    """A quick reply. Those that ask for the person's phone or e-mail bring their own title."""
    if reply.type != "text":
        return {"content_type": reply.type}
    shown: Body = {"content_type": "text", "title": reply.title, "payload": reply.payload or reply.title}
    return {**shown, "image_url": reply.image_url} if reply.image_url else shown


def build_button(button: Button) -> Body:
    """A button."""
    shown: Body = {"type": button.type, "title": button.title}
    if button.type == "web_url":
        ratio = {"webview_height_ratio": button.webview_height_ratio} if button.webview_height_ratio else {}
        return {**shown, "url": button.url, **ratio}
    return {**shown, "payload": button.payload}


def build_utility(options: MessengerOptions) -> Body:
    """The utility template as it is sent: name, language, components."""
    template = dict(options.utility or {})
    if isinstance(language := template.get("language"), str):
        template["language"] = {"code": language}
    return template


def add_metadata(body: Mapping[str, Any], part_id: str) -> Mapping[str, Any]:
    """The body with the part's id as metadata, which comes back in the echo and settles a lost answer.

    A caller's own metadata stays: then the echo is told by its mid alone.
    """
    message = body.get("message")
    if not isinstance(message, Mapping) or "metadata" in message:
        return body
    return {**body, "message": {**message, "metadata": part_id}}
