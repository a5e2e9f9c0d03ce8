"""A message as its sender describes it: to whom, over which channels in which order, what it says. No channel's wire shape.

A `Draft` is what every door (native, Comapi, Amio, Gupshup) translates to, and what the row keeps as JSON (`encode_draft`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import msgspec


class Channel(StrEnum):
    """A kind of transport."""

    MESSENGER = "messenger"
    SMS = "sms"
    EMAIL = "email"


class AddressKind(StrEnum):
    """What an address is. PSIDs and user_refs belong to one Page; phones and e-mails to no account."""

    PSID = "psid"
    USER_REF = "user_ref"
    PHONE = "phone"
    EMAIL = "email"
    COMMENT = "comment"
    POST = "post"


class Purpose(StrEnum):
    """Why it is sent. A phone-matched person who has not accepted yet takes `service` only."""

    SERVICE = "service"
    MARKETING = "marketing"


class MessagingType(StrEnum):
    """Messenger's own grounds for a message. Source: fact page 7.1."""

    RESPONSE = "RESPONSE"
    UPDATE = "UPDATE"
    MESSAGE_TAG = "MESSAGE_TAG"
    UTILITY = "UTILITY"


class RequestState(StrEnum):
    """How far a message request to a phone-matched person is. Declines are silent on the wire: they end by time."""

    QUEUED = "queued"
    NO_MATCH = "no_match"
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"  # inferred: the request ran out without an acceptance
    REFUSED = "refused"  # by a rule of ours or Meta's that no repetition lifts


@dataclass(frozen=True, slots=True)
class Target:
    """Whom it is for, as the sender knows them: one of the identifiers, or several of one person. Names help phone matching."""

    contact_id: str = ""
    external_id: str = ""  # the business's own id of the contact
    psid: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)  # digits, country code first
    email: str = field(default="", repr=False)
    user_ref: str = field(default="", repr=False)
    subscriber_id: str = ""
    comment_id: str = ""
    post_id: str = ""
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)  # kept with the contact, usable as merge fields


@dataclass(frozen=True, slots=True)
class Rule:
    """One channel to try, and the account to send from; "" = the channel's only one, else a refusal naming them."""

    channel: Channel
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Go on to the next rule when no such receipt has come in time. Without it only a refusal goes on."""

    unless: str  # "delivered" | "read"
    within_seconds: int


@dataclass(frozen=True, slots=True)
class Media:
    """A file that goes along. One of `url`, `attachment_id` (uploaded to Meta before) and `data` (base64)."""

    type: str  # image | audio | video | file, or a MIME type
    url: str = ""
    attachment_id: str = ""
    data: str = field(default="", repr=False)
    name: str = ""
    channels: tuple[Channel, ...] = ()  # only on these; empty = all


@dataclass(frozen=True, slots=True)
class QuickReply:
    """A tap answer under the text."""

    type: str = "text"  # text | user_phone_number | user_email
    title: str = ""
    payload: str = ""
    image_url: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under the text."""

    type: str  # web_url | postback | phone_number
    title: str
    url: str = ""
    payload: str = ""
    webview_height_ratio: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What it says. `raw` replaces everything for its channel and is passed through untouched, merge fields apart.

    Texts may hold merge fields: `{{ contact.first_name | default("there") }}`.
    """

    title: str = ""
    text: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)  # by channel: what replaces title and text there
    parts: tuple[Media, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    buttons: tuple[Button, ...] = ()
    template: Mapping[str, Any] | None = None  # Messenger's template payload, `template_type` and all
    raw: Mapping[str, Any] = field(default_factory=dict)  # by channel


@dataclass(frozen=True, slots=True)
class MessengerOptions:
    """How it goes over Messenger."""

    type: MessagingType | None = None
    tag: str = ""
    utility: Mapping[str, Any] | None = None  # {name, language, components}: the template where UTILITY is the way
    persona_id: str = ""
    notification: str = ""  # REGULAR | SILENT_PUSH | NO_PUSH
    by_person: bool = False  # a human agent writes this one
    metadata: str = ""  # goes to Meta as it is and comes back in the echo, in the place of the part's id


@dataclass(frozen=True, slots=True)
class SmsOptions:
    """How it goes by SMS."""

    sender: str = ""
    allow_unicode: bool = True  # false: what GSM 03.38 lacks is replaced


@dataclass(frozen=True, slots=True)
class EmailOptions:
    """How it goes by e-mail. Without a subject the title is it."""

    subject: str = ""
    html: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""  # the List-Unsubscribe header's; "" = the account's


@dataclass(frozen=True, slots=True)
class Options:
    """What only one channel understands."""

    messenger: MessengerOptions = field(default_factory=MessengerOptions)
    sms: SmsOptions = field(default_factory=SmsOptions)
    email: EmailOptions = field(default_factory=EmailOptions)


@dataclass(frozen=True, slots=True)
class Draft:
    """The whole message. Instants are milliseconds since 1970 UTC."""

    to: Target
    rules: tuple[Rule, ...]
    content: Content
    options: Options = field(default_factory=Options)
    purpose: Purpose = Purpose.SERVICE
    fallback: Fallback | None = None
    require_opt_in: bool = False  # only over channels that the contact has opted in to
    send_at: int | None = None
    expires_at: int | None = None


def message_of(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Meta's message object in a raw body for Messenger, which is either that object or a whole body of the Send API."""
    message = raw.get("message")
    return message if isinstance(message, Mapping) else raw


def said_on(draft: Draft, channel: Channel) -> Draft:
    """The draft as one channel says it: with the text that is for that channel alone, where there is one."""
    text = draft.content.texts.get(channel.value)
    return draft if text is None else replace(draft, content=replace(draft.content, title="", text=text))


def media_for(content: Content, channel: Channel) -> list[Media]:
    """The files that go along on a channel."""
    return [part for part in content.parts if not part.channels or channel in part.channels]


def says_something(content: Content) -> bool:
    """Whether there is anything to say over Messenger beside a utility template."""
    if raw := content.raw.get(Channel.MESSENGER.value):
        return "template" not in message_of(raw)
    return count_calls(content, Channel.MESSENGER) > 0


def count_calls(content: Content, channel: Channel) -> int:
    """How many provider calls the content makes: one for the text, one for Messenger's template, one for each file."""
    if content.raw.get(channel.value):
        return 1
    template = channel is Channel.MESSENGER and content.template is not None
    text = content.texts.get(channel.value, content.title or content.text)
    return bool(text) + template + len(media_for(content, channel))


def encode_draft(draft: Draft) -> str:
    """The draft as the row keeps it."""
    return msgspec.json.encode(draft).decode()


def decode_draft(text: str) -> Draft:
    """The draft of a row."""
    return msgspec.json.decode(text, type=Draft)


def redact(draft: Draft) -> Draft:
    """The draft without what it says and without what names the person."""
    kept = Target(contact_id=draft.to.contact_id, external_id=draft.to.external_id, subscriber_id=draft.to.subscriber_id)
    return replace(draft, to=kept, content=Content(), options=Options())
