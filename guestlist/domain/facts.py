"""What a provider's webhook told us, tamed: one frozen type per kind of fact. Parsers make them, actions apply them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ReceiptKind(StrEnum):
    """What happened to a marketing message."""

    ECHO = "echo"  # Meta confirms it was accepted
    DELIVERED = "delivered"
    READ = "read"
    CLICKED = "clicked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MarketingReceipt:
    """A receipt for one marketing message. Correlate by `tracking_id`, else by `token` + `campaign_id` (Meta's)."""

    kind: ReceiptKind
    page_id: str
    at: datetime | None  # None when the timestamp is implausible: never rejects or reorders
    token: str | None = None
    campaign_id: str | None = None
    tracking_id: str | None = None
    psid: str | None = None
    mid: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """Meta finished matching one uploaded batch. Bounds are the whole audience's; None when absent or negative."""

    page_id: str | None
    audience_id: str
    ad_account_id: str | None
    at: datetime | None
    rows: int
    lower: int | None
    upper: int | None
    succeeded: bool
    raw_status: str


class OptInChange(StrEnum):
    """What the person did."""

    OPTED_IN = "opted_in"
    STOPPED = "stopped"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class OptIn:
    """A person granted, stopped or resumed marketing messages in the thread (`messaging_optins`)."""

    change: OptInChange
    page_id: str
    psid: str
    token: str
    at: datetime | None
    title: str | None = None
    timezone: str | None = None
    expires_at: datetime | None = None
    payload: str | None = None
    from_link: bool = False


class ReplyKind(StrEnum):
    """What a person said or did in a conversation; `echo` is what our side sent from elsewhere."""

    TEXT = "text"
    QUICK_REPLY = "quick_reply"
    ATTACHMENT = "attachment"
    POSTBACK = "postback"
    REFERRAL = "referral"
    REACTION = "reaction"
    PLUGIN = "plugin"  # Send-to-Messenger or checkbox, with its ref
    ACCEPTANCE = "acceptance"  # of a message request
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class Reply:
    """Something a person said or did. `account` is Meta's Page id, or on SMS and e-mail our id of the account it came to.

    `person` is a PSID, digits or an e-mail address; empty for a checkbox opt-in, which has only its `user_ref`.
    """

    kind: ReplyKind
    channel: str
    account: str
    provider_id: str  # the mid or SID; made from the event where it has none
    at: datetime | None
    person: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    payload: str = field(default="", repr=False)
    ref: str = field(default="", repr=False)
    user_ref: str = field(default="", repr=False)
    attachments: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    referral: Mapping[str, Any] | None = field(default=None, repr=False)
    answers: str = ""  # the provider id of the message it answers or reacts to
    prior: Mapping[str, Any] | None = field(default=None, repr=False)  # prior_message: what a user_ref or phone led to
    part_id: str = ""  # the part of ours an echo confirms, by its metadata
    app_id: str = ""  # of an echo: whose app sent it
    opens_window: bool = False


@dataclass(frozen=True, slots=True)
class MessageReceipt:
    """What happened to a message of ours. By provider ids, else by watermark: everything to this person up to then."""

    kind: ReceiptKind
    channel: str
    account: str
    at: datetime | None
    provider_ids: tuple[str, ...] = ()
    watermark: datetime | None = None
    person: str = field(default="", repr=False)
    part_id: str = ""  # where the provider echoes it
    code: str = ""  # why it failed, as it came


@dataclass(frozen=True, slots=True)
class Objection:
    """A provider says that a person stopped messages: blocked there, or complained. By person, part or provider id."""

    channel: str
    account: str
    at: datetime | None
    code: str  # why, as it came: "21610", "complained", "unsubscribed"
    person: str = field(default="", repr=False)
    provider_ids: tuple[str, ...] = ()
    part_id: str = ""


@dataclass(frozen=True, slots=True)
class RequestAccepted:
    """A phone-matched person accepted the message request. Meta tells the PSID, not the phone."""

    page_id: str
    psid: str = field(repr=False)
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is authentic and known or unknown, but moves nothing yet. Stored and accepted."""

    kind: str
    page_id: str | None


Fact = MarketingReceipt | UploadStatus | OptIn | Reply | MessageReceipt | Objection | RequestAccepted | Ignored
