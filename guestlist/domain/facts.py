"""What a provider's webhook told us, tamed: one frozen type per kind of fact. Parsers make them, actions apply them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is authentic and known or unknown, but moves nothing yet. Stored and accepted."""

    kind: str
    page_id: str | None


Fact = MarketingReceipt | UploadStatus | OptIn | Ignored
