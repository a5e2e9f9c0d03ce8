"""What contacts and conversations look like from outside."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from guestlist.actions.contacts import Address, Facts, Person
from guestlist.api.addresses import Email, Phone, check_email, phone_digits
from guestlist.api.campaign_models import Expiry
from guestlist.api.message_models import Thing, Word
from guestlist.api.models import Document, Given, GivenId, Instant, Shown, spell_out
from guestlist.domain import facts
from guestlist.domain.contacts import PLAIN, check_fields, check_locale, check_timezone
from guestlist.domain.messages import AddressKind, Channel
from guestlist.domain.urls import refuse_url
from guestlist.storage.contact_queries import Wanted
from guestlist.storage.instants import maybe_ms

KINDS = (AddressKind.PHONE, AddressKind.EMAIL, AddressKind.PSID, AddressKind.USER_REF)


def _check_url(text: str) -> str:
    if text and (bad := refuse_url(text)):
        raise ValueError(bad.sentence)
    return text


Plain = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Locale = Annotated[str, StringConstraints(max_length=35), AfterValidator(check_locale), Field(examples=["en_GB"])]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(check_timezone), Field(examples=["Europe/Berlin"])]
Url = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_check_url)]
Fields = Annotated[Thing, AfterValidator(check_fields)]


class AddressGiven(Given):
    """Where somebody is reached."""

    kind: Literal["phone", "email", "psid", "user_ref"]
    value: Word = Field(description="A phone has its country code.")
    account: GivenId | None = Field(None, description="The Page of a psid or user_ref; needed where there are several.")

    @model_validator(mode="after")
    def _normalise(self) -> Self:
        if self.kind == "phone":
            self.value = phone_digits(self.value)
        elif self.kind == "email":
            self.value = check_email(self.value)
        return self

    def as_address(self) -> Address:
        """What the action takes."""
        return Address(AddressKind(self.kind), self.value, self.account or "")


class ContactGiven(Given):
    """What is given of a contact. What is left out stays; an empty text empties; in `fields` a null takes one away."""

    external_id: Word | None = Field(None, description="Your own id of the person, unique in the workspace.")
    first_name: Plain | None = None
    last_name: Plain | None = None
    locale: Locale | None = None
    timezone: Zone | None = None
    gender: Plain | None = None
    picture_url: Url | None = None
    fields: Fields = Field({}, description="Everything else you keep; merged into what is there.")
    phone: Phone | None = Field(None, description="Short for an address of this kind.")
    email: Email | None = Field(None, description="Short for an address of this kind.")
    addresses: list[AddressGiven] = Field([], max_length=50, description="Added to those that are there.")

    def as_facts(self) -> Facts:
        """What the action takes."""
        addresses = [each.as_address() for each in self.addresses]
        short = ((AddressKind.PHONE, self.phone), (AddressKind.EMAIL, self.email))
        addresses += [Address(kind, value) for kind, value in short if value]
        plain = {name: value for name in PLAIN if (value := getattr(self, name)) is not None}
        return Facts(self.external_id, plain, self.fields, addresses)


class ContactSearch(Given):
    """What contacts must be: all that is given. Asked in a body, as addresses and names do not belong into URLs."""

    external_id: Word | None = None
    first_name: Plain | None = None
    last_name: Plain | None = None
    phone: Phone | None = Field(None, description="Finds the other spellings of the number, too.")
    email: Email | None = None
    psid: Word | None = None
    account: GivenId | None = Field(None, description="With an address on this Page.")
    fields: Fields = Field({}, description="These fields with exactly these values; null = no such field.")
    created_after: Expiry | None = None
    created_before: Expiry | None = None
    updated_after: Expiry | None = None
    limit: int = Field(50, ge=1, le=200)
    after: str | None = Field(None, max_length=100, description="The `next` of the slice before.")

    def as_wanted(self) -> Wanted:
        """What the action takes."""
        plain = {name: value for name in ("external_id", "first_name", "last_name") if (value := getattr(self, name))}
        return Wanted(
            plain=plain,
            phone=self.phone or "",
            email=self.email or "",
            psid=self.psid or "",
            account_id=self.account or "",
            created_after=maybe_ms(self.created_after),
            created_before=maybe_ms(self.created_before),
            updated_after=maybe_ms(self.updated_after),
            fields=self.fields,
        )


class Merging(Given):
    """Which contact becomes part of this one."""

    contact: GivenId


class AddressShown(Shown):
    """Where somebody is reached."""

    kind: str
    value: str
    channel: str
    account_id: str = Field(description="The Page of a psid or user_ref; empty otherwise.")
    opened_at: Instant | None = Field(description="When the person last did something that opens Messenger's 24-hour window.")
    opted_out_at: Instant | None
    opt_out_reason: str
    created_at: Instant


class Contact(Shown):
    """A person we know. `version` is its ETag: send it as `If-Match` to change just this state."""

    id: str
    external_id: str | None
    first_name: str
    last_name: str
    locale: str
    timezone: str
    gender: str
    picture_url: str
    fields: Document
    messenger: Document = Field(description="The profile as Meta last told it.")
    source: str = Field(description="How the person became known: api, list, inbound, opt_in, send.")
    version: int
    created_at: Instant
    updated_at: Instant
    profiled_at: Instant | None = Field(description="When Meta was last asked for the profile.")
    addresses: list[AddressShown]

    @classmethod
    def tell(cls, person: Person) -> Self:
        """A contact with its addresses."""
        return cls.model_validate({**person.row, "addresses": [dict(row) for row in person.addresses]})


class RemnantShown(Shown):
    """Something still kept of a forgotten contact."""

    what: str
    count: int | None
    why: str


class ForgottenContact(Shown):
    """What was erased, and what remains."""

    contact_id: str
    addresses: int
    messages: int
    replies: int
    cancelled: int = Field(description="Messages that had not left.")
    remains: list[RemnantShown]


class Conversation(Shown):
    """The thread with one contact on one account, from the contact's first word on."""

    id: str
    contact_id: str
    channel: Annotated[str, spell_out(Channel)]
    account_id: str
    unread: int = Field(description="Messages, files and taps since it was last marked as read.")
    last_in_at: Instant | None
    last_out_at: Instant | None
    created_at: Instant


class Said(Shown):
    """Something said, done or reported."""

    at: Instant
    what: Literal["message", "receipt", "reply"]
    direction: Literal["in", "out"] = Field(description="`out` is ours, sent here or elsewhere.")
    id: str = Field(description="The message's, or the reply's.")
    channel: str
    account_id: str | None
    kind: str = Field(description=f"Of a reply: {', '.join(facts.ReplyKind)}. Of a receipt: sent, delivered, read, failed.")
    state: str | None = Field(description="Of a message, as it is now.")
    text: str
    content: dict[str, Any] = Field(description="All it says; empty once it was redacted.")
    message_id: str | None = Field(description="The message itself, whose receipt it is, or which a reply answers.")
    part: int | None
    code: str | None
