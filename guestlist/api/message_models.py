"""What messages look like from outside: as they are given, and as they are told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, model_validator

from guestlist.actions.message_timeline import tell_timeline
from guestlist.actions.messages import Explanation, Request, Story
from guestlist.api.addresses import Email, Phone
from guestlist.api.campaign_models import Expiry
from guestlist.api.models import Document, Given, GivenId, Instant, Shown, check_storable, spell_out
from guestlist.domain import states
from guestlist.domain.messages import (
    Button,
    Channel,
    Content,
    Draft,
    EmailOptions,
    Fallback,
    Media,
    MessagingType,
    MessengerOptions,
    Options,
    Purpose,
    QuickReply,
    Rule,
    SmsOptions,
    Target,
)
from guestlist.storage.base import Row
from guestlist.storage.instants import maybe_ms

LONGEST_WITHIN = timedelta(days=30)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _check_text(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise ValueError("must not hold NUL or half a character")
    return value


def _check_duration(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("P"):
        raise ValueError("must be an ISO 8601 duration, such as PT10M")
    return value


def _check_within(value: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= value <= LONGEST_WITHIN:
        raise ValueError("must be between one second and 30 days")
    return value


Word = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_check_text)]
"""An id or a name of the client's own, or of a provider's."""
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_check_text)]
Thing = Annotated[dict[str, Any], AfterValidator(check_storable)]
Within = Annotated[timedelta, BeforeValidator(_check_duration), AfterValidator(_check_within)]


class To(Given):
    """Whom it is for: one identifier, or several of one person. Names and fields are kept with the contact."""

    contact: GivenId | None = Field(None, description="A contact, by our id.")
    external_id: Word | None = Field(None, description="A contact, by your own id. Made where there is none yet.")
    psid: Word | None = Field(None, description="The person's id on the Page.")
    phone: Phone | None = Field(None, description="With its country code.")
    email: Email | None = None
    user_ref: Word | None = Field(None, description="From Meta's checkbox plugin.")
    subscriber: GivenId | None = Field(None, description="A subscriber whose person is known.")
    comment: Word | None = Field(None, description="A comment on a post of the Page: one private reply.")
    post: Word | None = Field(None, description="A visitor's post: one private reply.")
    first_name: Word | None = None
    last_name: Word | None = None
    fields: Thing = Field({}, description="Facts for merge fields.")

    @model_validator(mode="after")
    def _check_somebody(self) -> Self:
        named = (self.contact, self.external_id, self.psid, self.phone, self.email, self.user_ref, self.subscriber)
        if not any((*named, self.comment, self.post)):
            raise ValueError("name somebody: contact, external_id, psid, phone, email, user_ref, subscriber, comment or post")
        return self

    def as_target(self) -> Target:
        """What the action takes."""
        return Target(
            contact_id=self.contact or "",
            external_id=self.external_id or "",
            psid=self.psid or "",
            phone=self.phone or "",
            email=self.email or "",
            user_ref=self.user_ref or "",
            subscriber_id=self.subscriber or "",
            comment_id=self.comment or "",
            post_id=self.post or "",
            first_name=self.first_name or "",
            last_name=self.last_name or "",
            fields=self.fields,
        )


class RuleGiven(Given):
    """A channel to try, from a certain account."""

    channel: Channel
    account: GivenId | None = Field(None, description="A Page's id or an account's. Needed where the channel has several.")


class MediaGiven(Given):
    """A file that goes along: by `url`, by `attachment_id` (uploaded before), or as `data`."""

    type: Word = Field(description="image, audio, video, file, or a MIME type.", examples=["image"])
    url: Text | None = Field(None, examples=["https://example.com/cup.png"])
    attachment_id: Word | None = None
    data: str | None = Field(None, max_length=700_000, description="Base64.")
    name: Word | None = None
    channels: list[Channel] = Field([], max_length=3, description="Only on these; empty means all.")

    @model_validator(mode="after")
    def _check_one_source(self) -> Self:
        if sum(each is not None for each in (self.url, self.attachment_id, self.data)) != 1:
            raise ValueError("give exactly one of `url`, `attachment_id` and `data`")
        return self


class QuickReplyGiven(Given):
    """A tap answer under the text."""

    type: Literal["text", "user_phone_number", "user_email"] = "text"
    title: Text = ""
    payload: Text = ""
    image_url: Text = ""


class ButtonGiven(Given):
    """A button under the text."""

    type: Literal["web_url", "postback", "phone_number"]
    title: Text
    url: Text = ""
    payload: Text = ""
    webview_height_ratio: Literal["", "compact", "tall", "full"] = ""


class MessengerOptionsGiven(Given):
    """How it goes over Messenger."""

    type: MessagingType | None = Field(None, description="Without it: RESPONSE, or MESSAGE_TAG where there is a tag.")
    tag: Word | None = None
    utility: Thing | None = Field(None, description="The utility template: name, language, components.")
    persona_id: Word | None = None
    notification: Literal["", "REGULAR", "SILENT_PUSH", "NO_PUSH"] = ""
    by_person: bool = Field(False, strict=True, description="A human agent writes this one.")


class SmsOptionsGiven(Given):
    """How it goes by SMS."""

    sender: Word | None = None
    allow_unicode: bool = Field(True, strict=True)


class EmailOptionsGiven(Given):
    """How it goes by e-mail."""

    subject: Text = Field("", description="Without one the title is it.")
    html: Text = ""
    reply_to: Email | None = None
    unsubscribe_url: Text = Field("", description="For the List-Unsubscribe header. Without one the account's is used.")


class OptionsGiven(Given):
    """What only one channel understands."""

    messenger: MessengerOptionsGiven = Field(default_factory=lambda: MessengerOptionsGiven.model_validate({}))
    sms: SmsOptionsGiven = Field(default_factory=lambda: SmsOptionsGiven.model_validate({}))
    email: EmailOptionsGiven = Field(default_factory=lambda: EmailOptionsGiven.model_validate({}))

    def as_options(self) -> Options:
        """What the action takes."""
        given = self.messenger
        return Options(
            messenger=MessengerOptions(
                type=given.type,
                tag=given.tag or "",
                utility=given.utility,
                persona_id=given.persona_id or "",
                notification=given.notification,
                by_person=given.by_person,
            ),
            sms=SmsOptions(sender=self.sms.sender or "", allow_unicode=self.sms.allow_unicode),
            email=EmailOptions(
                subject=self.email.subject,
                html=self.email.html,
                reply_to=self.email.reply_to or "",
                unsubscribe_url=self.email.unsubscribe_url,
            ),
        )


class FallbackGiven(Given):
    """Go on to the next rule when no such receipt has come in time. Without it only a refusal goes on."""

    unless: Literal["delivered", "read"]
    within: Within = Field(description="An ISO 8601 duration.", examples=["PT10M"])


class NewMessage(Given):
    """A message: to whom, over which channels in which order, what it says. Texts may hold merge fields."""

    to: To
    rules: Annotated[list[Channel | RuleGiven], Field(min_length=1, max_length=10, examples=[["messenger", "sms"]])]
    title: Text = ""
    text: Text = Field("", examples=['Hello {{ contact.first_name | default("there", true) }}, your order is ready.'])
    parts: list[MediaGiven] = Field([], max_length=30)
    quick_replies: list[QuickReplyGiven] = Field([], max_length=100)
    buttons: list[ButtonGiven] = Field([], max_length=100)
    template: Thing | None = Field(None, description="Messenger's template payload, with its `template_type`.")
    raw: dict[Channel, Thing] = Field({}, description="By channel: the provider's own body, passed through untouched.")
    options: OptionsGiven = Field(default_factory=OptionsGiven)
    purpose: Purpose = Purpose.SERVICE
    fallback: FallbackGiven | None = None
    require_opt_in: bool = Field(
        False,
        description="Only over channels that the person has opted in to, by the consent ledger or as an open subscriber of the "
        "Page; a rule without is closed as `no_opt_in`.",
    )
    metadata: Thing = Field({}, description="Yours: it comes back with every event.")
    send_at: Expiry | None = Field(None, description="Not before this.")
    expires_at: Expiry | None = Field(None, description="Not after this.")

    def as_request(self) -> Request:
        """What the action takes."""
        rules = tuple(Rule(each) if isinstance(each, Channel) else Rule(each.channel, each.account or "") for each in self.rules)
        fallback = self.fallback
        draft = Draft(
            to=self.to.as_target(),
            rules=rules,
            content=self._content(),
            options=self.options.as_options(),
            purpose=self.purpose,
            fallback=Fallback(fallback.unless, int(fallback.within.total_seconds())) if fallback else None,
            require_opt_in=self.require_opt_in,
            send_at=maybe_ms(self.send_at),
            expires_at=maybe_ms(self.expires_at),
        )
        return Request(draft, metadata=self.metadata)

    def _content(self) -> Content:
        return Content(
            title=self.title,
            text=self.text,
            parts=tuple(
                Media(
                    each.type,
                    url=each.url or "",
                    attachment_id=each.attachment_id or "",
                    data=each.data or "",
                    name=each.name or "",
                    channels=tuple(each.channels),
                )
                for each in self.parts
            ),
            quick_replies=tuple(QuickReply(each.type, each.title, each.payload, each.image_url) for each in self.quick_replies),
            buttons=tuple(
                Button(each.type, each.title, each.url, each.payload, each.webview_height_ratio) for each in self.buttons
            ),
            template=self.template,
            raw={channel.value: body for channel, body in self.raw.items()},
        )


class Batch(Given):
    """Up to 5,000 messages. Each is answered by itself, so each is any object here."""

    messages: Annotated[list[JsonValue], Field(min_length=1, max_length=5000, description="Each as for `POST /v1/messages`.")]


# -- as they are told -----------------------------------------------------------------------------------------------


class Message(Shown):
    """A message. Its state is that of the delivery that counts."""

    id: str
    contact_id: str | None
    state: Annotated[str, spell_out(states.MessageState)]
    reason: str = Field(description="Why it failed, waits or is unknown; empty otherwise.")
    channel: str = Field(description="Of the delivery that counts; empty before the first.")
    purpose: Annotated[str, spell_out(Purpose)]
    metadata: Document
    batch_id: str | None
    send_at: Instant | None
    expires_at: Instant | None
    created_at: Instant
    sent_at: Instant | None
    delivered_at: Instant | None
    read_at: Instant | None
    ended_at: Instant | None = Field(description="When it failed, expired or was cancelled.")
    redacted_at: Instant | None


class Attempt(Shown):
    """One call to a provider."""

    part: int
    number: int
    outcome: Literal["accepted", "refused", "lost"]
    code: str = Field(description="The provider's, as it came.")
    sentence: str
    called_at: Instant
    answered_at: Instant | None


class SentMessage(Message):
    """A message that was just accepted."""

    attempt: Attempt | None = Field(description="Its first attempt, where `Prefer: wait` asked for it and it came in time.")


class Receipt(Shown):
    """What a provider reported later."""

    part: int
    kind: Literal["sent", "delivered", "read", "failed"]
    code: str
    at: Instant
    received_at: Instant


class MessagePart(Shown):
    """One provider call of a delivery."""

    number: int
    state: Annotated[str, spell_out(states.Delivery)]
    reason: str
    provider_id: str | None
    attempts: int
    due_at: Instant | None
    sent_at: Instant | None
    delivered_at: Instant | None
    read_at: Instant | None


class MessageDelivery(Shown):
    """The message over one channel: one for each rule tried or passed over."""

    id: str
    rule: int = Field(description="Its place in the message's rules, from 1.")
    channel: str
    account_id: str
    address_kind: str = Field(description="What the person was reached by; empty where the rule was closed.")
    state: Annotated[str, spell_out(states.Delivery)]
    reason: str
    route: Document = Field(description="How the way was opened, or what closed it.")
    awaiting: bool = Field(description="A message request waits for the person.")
    created_at: Instant
    sent_at: Instant | None
    delivered_at: Instant | None
    read_at: Instant | None
    parts: list[MessagePart]
    attempts: list[Attempt]
    receipts: list[Receipt]


class TimelineEntry(Shown):
    """One thing that happened."""

    at: Instant
    kind: str
    sentence: str
    rule: int | None = None
    channel: str | None = None
    part: int | None = None
    attempt: int | None = None
    outcome: str | None = None
    receipt: str | None = None
    code: str | None = None


class MessageStory(Message):
    """A message with all that became of it."""

    content: dict[str, Any] = Field(description="What it says; emptied once it is redacted.")
    deliveries: list[MessageDelivery]
    timeline: list[TimelineEntry]


class Route(Shown):
    """What a rule comes to just now."""

    rule: int
    channel: str
    open: bool
    code: str | None = Field(None, description="What closes it: a stable word.")
    sentence: str | None = None
    since: str | None = Field(None, description="Since when it is closed, where that is known.")
    opens: str | None = Field(None, description="What would open it.")
    account_id: str | None = None
    address_kind: str | None = None
    messaging_type: str | None = None
    tag: str | None = None
    utility: bool | None = None
    until: str | None = Field(None, description="When this way closes.")
    note: str | None = None
    measure: dict[str, Any] | None = Field(None, description="By SMS: encoding, units and segments.")


class Explained(Shown):
    """Which way a message would go now, and why each other is closed."""

    contact_id: str | None
    taken: int | None = Field(description="The rule that would be tried first, from 1; null where all are closed.")
    routes: list[Route]


class BatchItem(Shown):
    """What became of one item of a batch: a message, or a problem."""

    index: int
    status: int
    message: Message | None = None
    problem: dict[str, Any] | None = None


class BatchAnswer(Shown):
    """Every item of a batch, in order."""

    batch_id: str
    accepted: int
    refused: int
    data: list[BatchItem]


def tell_sent(message: Row, attempts: Sequence[Row]) -> SentMessage:
    """A message just accepted, with its first attempt where there is one."""
    return SentMessage.model_validate({**message, "attempt": attempts[0] if attempts else None})


def tell_story(story: Story) -> MessageStory:
    """A message with its deliveries and its timeline."""
    draft: Mapping[str, Any] = orjson.loads(story.message["draft"])
    deliveries = [
        {
            **delivery,
            "awaiting": bool(delivery["awaiting"]),
            "parts": [dict(row) for row in story.parts if row["delivery_id"] == delivery["id"]],
            "attempts": [dict(row) for row in story.attempts if row["delivery_id"] == delivery["id"]],
            "receipts": [dict(row) for row in story.receipts if row["delivery_id"] == delivery["id"]],
        }
        for delivery in story.deliveries
    ]
    told = {**story.message, "content": draft["content"], "deliveries": deliveries, "timeline": tell_timeline(story)}
    return MessageStory.model_validate(told)


def tell_explanation(explained: Explanation) -> Explained:
    """An explanation as it is shown."""
    return Explained.model_validate({"contact_id": explained.contact_id, "taken": explained.taken, "routes": explained.routes})
