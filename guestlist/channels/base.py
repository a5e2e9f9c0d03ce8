"""The contract of a channel: how a draft becomes provider calls, and what their answers mean. Facts and wire shapes stay inside.

A channel knows nothing of our tables. `check` and `build` are pure; only `send` talks to a provider, and it never raises: a
failed send is data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from guestlist.domain.messages import Channel as ChannelName
from guestlist.domain.messages import Draft
from guestlist.domain.routes import Open


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a draft cannot go over this channel, whoever gets it."""

    field: str  # dotted, as in the native API: "content.quick_replies.13.title"
    code: str  # such as too_long, too_many, not_supported
    sentence: str  # says what, and the limit


@dataclass(frozen=True, slots=True)
class PartCall:
    """One provider call to be: part `number` of a delivery. `body` is JSON, as the channel built it."""

    part_id: str  # "dlv_….1": goes along where the provider echoes something back
    number: int
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """The account a call goes out from, its secrets opened."""

    account_id: str
    provider: str
    sender: str  # Meta's Page id, the number, the mailbox
    config: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)


class Remedy(StrEnum):
    """What a refusal asks for."""

    RETRY = "retry"  # passing fault, surely not applied: again with back-off
    WAIT = "wait"  # a limit: again after `retry_after`, slower
    NEXT = "next"  # this person cannot be reached this way: the next rule
    STOP = "stop"  # the message is wrong, or Meta stopped the account for it: never again unchanged; the next rule
    RECONNECT = "reconnect"  # a person must mend the account; the part waits
    LOST = "lost"  # the answer was lost: unknown, never repeated


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it."""

    provider_id: str | None  # mid, SID, Message-ID; None where the provider gives none
    awaiting: bool = False  # a message request that waits for the person
    person: str = field(default="", repr=False)  # the PSID, where the answer tells one we did not know


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not take it, or nobody knows (`LOST`)."""

    remedy: Remedy
    code: str  # stable word of ours for the row: window_closed, no_match, opted_out, throttled, answer_lost, …
    provider_code: str  # as it came: "10/2018278", "21610"
    sentence: str  # for a person; no personal data
    retry_after: float | None = None  # seconds
    ends_consent: bool = False  # the person said stop to the provider


class Channel(Protocol):
    """One channel. Implementations: `channels/messenger`, `channels/sms`, `channels/email`."""

    name: ChannelName

    def check(self, draft: Draft) -> Sequence[Problem]:
        """What of the draft this channel cannot carry, by field. Empty = it can. Limits are the fact page's."""
        ...

    def build(self, draft: Draft, route: Open) -> Sequence[Mapping[str, Any]]:
        """The bodies of the calls, in order. Merge fields are filled already; `check` found nothing."""
        ...

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """One call to the provider. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """What can be told of an account without sending."""

    ok: bool
    code: str  # ok, reachable, bad_credentials, no_connection, …
    sentence: str


@runtime_checkable
class Measuring(Protocol):
    """A channel whose content has a size that costs money."""

    def measure(self, draft: Draft) -> Mapping[str, Any]:
        """What a draft comes to on this channel, as explained and kept with the delivery. Merge fields are filled already."""
        ...


@runtime_checkable
class Probing(Protocol):
    """A channel that can try an account without sending."""

    async def probe(self, sender: Sender) -> Probe:
        """What the provider says of the account. Never raises for what the network does."""
        ...
