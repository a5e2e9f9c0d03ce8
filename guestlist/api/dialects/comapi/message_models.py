"""A message as Comapi's clients send it (2.3), and the draft it becomes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from guestlist.actions.messages import Request
from guestlist.api.addresses import Email, Phone
from guestlist.api.dialects.base import check_model
from guestlist.api.models import check_storable
from guestlist.channels.base import Channel as Channels
from guestlist.domain.messages import (
    Channel,
    Content,
    Draft,
    Media,
    MessagingType,
    MessengerOptions,
    Options,
    Rule,
    SmsOptions,
    Target,
    said_on,
)
from guestlist.errors import GuestlistError
from guestlist.storage.instants import maybe_ms

from .errors import Failure, ValidationError, fail, list_failures
from .merge_fields import cut_text, fill_thing, translate_text, translate_thing
from .words import CHANNELS, NOT_CARRIED

CARRIES_FILES = (Channel.MESSENGER, Channel.EMAIL)
"""Where a file goes that is meant for all channels: SMS carries the text alone."""

ADDRESSES = ("phoneNumber", "mobileNumber", "email", "fbMessengerId")
"""Fields of a profile that are no facts of a contact, so that merge fields naming them are filled at the door."""

SHORT_ENOUGH = 600
"""Characters of title and text that fit into every channel, whatever their alphabet."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _check_text(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise ValueError("must not hold NUL or half a character")
    return value


Word = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_check_text)]
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_check_text)]
Thing = Annotated[dict[str, Any], AfterValidator(check_storable)]


class Wire(BaseModel):
    """A body of Comapi's. What we do not know is left alone, as Comapi does."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class To(BaseModel):
    """Whom it is for. Any other text is a field of the profile."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Text]

    profileId: Word | None = None
    phoneNumber: Phone | None = None
    mobileNumber: Phone | None = None  # one of the source documents calls it so
    email: Email | None = None
    fbMessengerId: Word | None = None
    firstName: Text = ""
    lastName: Text = ""

    @property
    def phone(self) -> str:
        """The phone's digits, under either name."""
        return self.phoneNumber or self.mobileNumber or ""


class Part(Wire):
    """A text or an attachment: by `url`, or inline as `data`."""

    type: Word
    name: Text = ""
    url: Text = ""
    data: Any = None
    channels: list[Word] = Field([], max_length=20)


class MessengerGiven(Wire):
    """`channelOptions.fbMessenger`."""

    messagingType: Word | None = None
    messageTag: Word | None = None


class Unicode(Wire):
    """`unicodeConversion` of SMS."""

    convertUnicodeToGsm: bool = False


class SmsGiven(Wire):
    """`channelOptions.sms`."""

    sender: Annotated[str, StringConstraints(min_length=3, max_length=20), AfterValidator(_check_text)] | None = Field(
        None, alias="from"
    )
    allowUnicode: bool = True
    unicodeConversion: Unicode | None = None


class OptionsGiven(Wire):
    """`channelOptions`: those of channels we have not are left alone."""

    fbMessenger: MessengerGiven | None = None
    sms: SmsGiven | None = None


class CustomBody(Wire):
    """`customBody`: what replaces the text on one channel."""

    fbMessenger: Thing | None = None
    sms: Text | None = None


class MessageGiven(Wire):
    """The whole request."""

    to: To
    rules: list[Word] | None = Field(None, max_length=20)
    ruleSet: Word | None = None
    title: Text = ""
    body: Text | None = None
    messageParts: list[Part] = Field([], max_length=30)
    templateId: Word | None = None
    customBody: CustomBody | None = None
    channelOptions: OptionsGiven | None = None
    conversationId: Word | None = None
    expiresOn: datetime | None = None
    metadata: Thing = Field({})
    requireOptIn: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A request, understood. `asked` is what came, for the answer."""

    given: MessageGiven
    asked: Mapping[str, Any]

    @property
    def profile_id(self) -> str:
        """The profile it names, if any."""
        return self.given.to.profileId or ""


def read_message(asked: Any) -> Read:
    """One request of a client. Errors: ValidationError with everything that is wrong with it."""
    if not isinstance(asked, dict):
        raise ValidationError([fail("body", "must be an object")])
    try:
        given = check_model(MessageGiven, asked)
    except GuestlistError as error:
        missing = [] if "rules" in asked or "ruleSet" in asked else [_NO_RULES]
        raise ValidationError([*list_failures(error), *missing]) from None
    if failures := list(_find_failures(given)):
        raise ValidationError(failures)
    return Read(given, asked)


_NO_RULES = fail("rules", "Name at least one channel, such as fbMessenger.")


def _find_failures(given: MessageGiven) -> Iterator[Failure]:
    to = given.to
    if not any((to.profileId, to.phone, to.email, to.fbMessengerId)):
        yield fail("to", "Name somebody: profileId, phoneNumber, email or fbMessengerId.")
    if to.phoneNumber and to.mobileNumber and to.phoneNumber != to.mobileNumber:
        yield fail("to.mobileNumber", "Differs from to.phoneNumber: give one of them.")
    yield from _check_rules(given)
    if given.templateId is not None:
        yield fail("templateId", "No templates are stored here: give body, messageParts or customBody.")
    if given.body and given.messageParts:
        yield fail("messageParts", "Give body or messageParts, not both.")
    for number, part in enumerate(given.messageParts):
        yield from _check_part(f"messageParts.{number}", part)
    yield from _check_options(given.channelOptions)


def _check_rules(given: MessageGiven) -> Iterator[Failure]:
    if given.ruleSet is not None:
        both = "Give rules or ruleSet, not both." if given.rules is not None else ""
        yield fail("ruleSet", both or "No rule sets are stored here: name the channels in rules.")
        return
    if not given.rules:
        yield _NO_RULES
        return
    carried = ", ".join(CHANNELS)
    for number, name in enumerate(given.rules):
        if name not in CHANNELS and name not in NOT_CARRIED:
            yield fail(f"rules.{number}", f"There is no such channel here. Use {carried}.")
    if not any(name in CHANNELS for name in given.rules) and all(name in NOT_CARRIED for name in given.rules):
        yield fail("rules", f"None of these channels is carried here. Add one of {carried}.")


def _check_part(place: str, part: Part) -> Iterator[Failure]:
    if bool(part.url) == (part.data is not None):
        yield fail(place, "Give either url or data.")
    elif part.data is not None and not isinstance(part.data, str):
        yield fail(f"{place}.data", "Must be a text: an object for one channel belongs into customBody.")
    for name in part.channels:
        if name not in CHANNELS and name not in NOT_CARRIED:
            yield fail(f"{place}.channels", f"There is no such channel here. Use {', '.join(CHANNELS)}.")


def _check_options(options: OptionsGiven | None) -> Iterator[Failure]:
    kind = options.fbMessenger.messagingType if options and options.fbMessenger else None
    if kind is not None and kind not in set(MessagingType):
        place = "channelOptions.fbMessenger.messagingType"
        yield fail(place, f"There is no such messaging type. Use {', '.join(MessagingType)}.")


# -- the draft ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of whom a request is for. `contact_id` is set where the profile is named by a GUID of ours.

    `values` are the fields of the profile by their dotted names, for merge fields.
    """

    contact_id: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


def build_request(read: Read, recipient: Recipient, channels: Mapping[Channel, Channels]) -> Request:
    """What the action takes. Merge fields that name an address, or what Facebook told, are filled at once."""
    given = read.given
    values = {**recipient.values, **_values(given.to)}
    known = {name: value for name, value in values.items() if name in ADDRESSES or "." in name}
    if recipient.contact_id:
        known["id"] = read.profile_id
    draft = Draft(
        to=_build_target(given.to, recipient.contact_id),
        rules=tuple(Rule(CHANNELS[name]) for name in dict.fromkeys(given.rules or ()) if name in CHANNELS),
        content=_build_content(given, known),
        options=_build_options(given, known),
        require_opt_in=given.requireOptIn,
        expires_at=maybe_ms(_utc(given.expiresOn)),
    )
    return Request(_cut_texts(draft, channels), metadata=fill_thing(given.metadata, values), keep_refused=not given.requireOptIn)


def _cut_texts(draft: Draft, channels: Mapping[Channel, Channels]) -> Draft:
    """Comapi cuts what is too long for a channel: there the longest beginning is sent that the channel takes (2.3)."""
    content = draft.content
    if len(content.title) + len(content.text) <= SHORT_ENOUGH:
        return draft
    cut = {
        channel: found
        for channel in (rule.channel for rule in draft.rules)
        if channel.value not in {**content.texts, **content.raw}
        and (found := _cut(draft, channel, channels[channel])) is not None
    }
    texts = {**content.texts, **{channel.value: text for channel, text in cut.items()}}
    return replace(draft, content=replace(content, texts=texts))


def _cut(draft: Draft, channel: Channel, known: Channels) -> str | None:
    """The text for a channel; None where it fits as it is."""

    def fits(text: str | None) -> bool:
        texts = {} if text is None else {channel.value: text}
        found = known.check(said_on(replace(draft, content=replace(draft.content, texts=texts)), channel))
        return all(problem.code != "too_long" for problem in found)

    if fits(None):
        return None
    whole = "\n".join(filter(None, (draft.content.title, draft.content.text)))
    length = bisect_left(range(1, len(whole)), True, key=lambda size: not fits(whole[:size]))
    return cut_text(whole, length)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _build_target(to: To, contact_id: str) -> Target:
    return Target(
        contact_id=contact_id,
        external_id="" if contact_id else to.profileId or "",
        psid=to.fbMessengerId or "",
        phone=to.phone,
        email=to.email or "",
        first_name=to.firstName,
        last_name=to.lastName,
        fields=dict(to.__pydantic_extra__),
    )


def _values(to: To) -> dict[str, str]:
    """What the request itself says of the profile, for merge fields."""
    own = {name: getattr(to, name) for name in To.model_fields}
    own |= {"id": to.profileId, "phoneNumber": to.phone, "mobileNumber": to.phone}
    return {name: value for name, value in (*own.items(), *to.__pydantic_extra__.items()) if value}


def _build_content(given: MessageGiven, known: Mapping[str, str]) -> Content:
    text, files = _split(given)
    text = translate_text(text, given=known)
    raw: dict[str, Any] = {}
    texts: dict[str, str] = {}
    if given.customBody is not None and given.customBody.fbMessenger is not None:
        raw[Channel.MESSENGER.value] = translate_thing(given.customBody.fbMessenger, given=known, body=text)
    if given.customBody is not None and given.customBody.sms is not None:
        texts[Channel.SMS.value] = translate_text(given.customBody.sms, given=known, body=text)
    return Content(title=translate_text(given.title, given=known), text=text, texts=texts, parts=files, raw=raw)


def _split(given: MessageGiven) -> tuple[str, tuple[Media, ...]]:
    """The text, and the files. Parts that are texts without a URL are the text, in order."""
    if not given.messageParts:
        return given.body or "", ()
    texts = [part for part in given.messageParts if part.type.startswith("text/") and not part.url]
    files = [part for part in given.messageParts if part not in texts]
    return "\n".join(str(part.data) for part in texts), tuple(map(_build_file, files))


def _build_file(part: Part) -> Media:
    channels = tuple(CHANNELS[name] for name in part.channels if name in CHANNELS) or CARRIES_FILES
    return Media(part.type, url=part.url, data=part.data or "", name=part.name, channels=channels)


def _build_options(given: MessageGiven, known: Mapping[str, str]) -> Options:
    options = given.channelOptions or OptionsGiven.model_validate({})
    messenger, sms = options.fbMessenger, options.sms
    return Options(
        messenger=MessengerOptions(
            type=MessagingType(messenger.messagingType) if messenger and messenger.messagingType else None,
            tag=messenger.messageTag or "" if messenger else "",
        ),
        sms=SmsOptions(
            sender=translate_text(sms.sender or "", given=known) if sms else "",
            allow_unicode=sms is None
            or (sms.allowUnicode and not (sms.unicodeConversion and sms.unicodeConversion.convertUnicodeToGsm)),
        ),
    )
