"""The states things can be in, and the one rule by which they move: forward only."""

from __future__ import annotations

from enum import StrEnum


class Delivery(StrEnum):
    """State of one recipient's delivery, in rising order. `sent` means accepted by the provider."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    EXPIRED = "expired"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


DELIVERY_ORDER = {state: rank for rank, state in enumerate(Delivery)}


def rises(current: Delivery, new: Delivery) -> bool:
    """Whether `new` lies above `current`. Receipts apply only when it does, in whatever order they come."""
    return DELIVERY_ORDER[new] > DELIVERY_ORDER[current]


class MessageState(StrEnum):
    """State of a message: that of its delivery that counts, or cancelled."""

    QUEUED = "queued"  # to be sent, now or at `send_at`
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    EXPIRED = "expired"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    CANCELLED = "cancelled"


class Upload(StrEnum):
    """State of an upload: one session of batches into one audience."""

    QUEUED = "queued"  # attested, batches durable, nothing sent yet
    UPLOADING = "uploading"
    MATCHING = "matching"  # every batch received by Meta; Meta is matching (up to 24 h)
    MATCHED = "matched"
    PAUSED = "paused"  # needs a person: token, terms, permission
    FAILED = "failed"


class Batch(StrEnum):
    """State of one batch of an upload."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"  # the answer was lost: looked up in the session before anything is repeated
    SENT = "sent"
    FAILED = "failed"


class Audience(StrEnum):
    """State of an audience."""

    QUEUED = "queued"  # to be created at Meta
    CREATING = "creating"
    UNKNOWN = "unknown"  # the answer was lost: looked up by its mark before anything is repeated
    READY = "ready"
    PAUSED = "paused"  # needs a person
    FAILED = "failed"
    DELETED = "deleted"


class Campaign(StrEnum):
    """State of a campaign."""

    QUEUED = "queued"  # to be created at Meta
    CREATING = "creating"
    UNKNOWN = "unknown"
    WARMING = "warming"  # created; Meta lets it send one hour later
    READY = "ready"  # warm, not launched
    RUNNING = "running"  # launched; sends as soon as warm
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"


class Source(StrEnum):
    """How a subscriber came."""

    LIST = "list"
    AD = "ad"
    OPT_IN_REQUEST = "opt_in_request"
    COMMENT = "comment"
    STALE_THREAD = "stale_thread"
    PLUGIN = "plugin"
    LINK = "link"
    UNKNOWN = "unknown"
