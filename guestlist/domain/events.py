"""The catalogue of events: every kind we emit, what it means, and an example of its ids and facts.

A kind is `noun.verb`. An endpoint asks for kinds by name, by noun (`message.*`), or for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

TEST = "endpoint.test"
"""Goes to the one endpoint it is about, whatever kinds that asks for."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact for endpoints and people: ids and facts only, never texts, phones or e-mails."""

    kind: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. `rows` names what goes along at delivery time: message, delivery, contact, reply."""

    name: str
    sentence: str
    subject: str  # an example id of what it is about
    data: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()


_TAIL = "01jd4kz0m8e5r7t9v2x4y6a8c0"
_CONTACT, _MESSAGE, _REPLY = f"con_{_TAIL}", f"msg_{_TAIL}", f"rep_{_TAIL}"
_PAGE, _ACCOUNT, _CAMPAIGN = f"pag_{_TAIL}", f"acc_{_TAIL}", f"cmp_{_TAIL}"
_AUDIENCE, _UPLOAD, _SUBSCRIBER = f"aud_{_TAIL}", f"upl_{_TAIL}", f"sub_{_TAIL}"
_LIST, _ENDPOINT, _CONVERSATION = f"lst_{_TAIL}", f"end_{_TAIL}", f"cnv_{_TAIL}"


def _message(verb: str, sentence: str, state: str, *, reason: str = "", channel: str = "sms") -> Kind:
    facts = {
        "state": state,
        "channel": channel,
        "account_id": _ACCOUNT if channel else "",
        "reason": reason,
        "contact_id": _CONTACT,
        "batch_id": None,
        "metadata": {"order": 7},
    }
    return Kind(f"message.{verb}", sentence, _MESSAGE, facts, ("message", "delivery", "contact"))


_REFUSED = {
    "state": "failed",
    "channel": "messenger",
    "account_id": _PAGE,
    "reason": "window_closed",
    "contact_id": _CONTACT,
    "batch_id": None,
    "metadata": {"order": 7},
    "delivery_id": f"dlv_{_TAIL}",
    "rule": 1,
}
_SAID = {
    "contact_id": _CONTACT,
    "conversation_id": _CONVERSATION,
    "reply_id": _REPLY,
    "message_id": _MESSAGE,
    "channel": "messenger",
    "account_id": _PAGE,
    "kind": "text",
}
_THREAD = {"contact_id": _CONTACT, "channel": "messenger", "account_id": _PAGE}

_STOPPED = {"channel": "sms", "account_id": _ACCOUNT, "reason": "stop"}

ALL = (
    _message("accepted", "A message was accepted from its sender; its first call follows.", "queued", channel=""),
    _message("sent", "A provider has accepted a message.", "sent"),
    _message("delivered", "A message has reached the person's device.", "delivered"),
    _message("read", "The person has opened a message.", "read"),
    _message(
        "failed", "No rule of a message is left; `reason` says why the last one was refused.", "failed", reason="no_address"
    ),
    _message("expired", "A message had not left when its time was over.", "expired", reason="expired"),
    _message("cancelled", "A message was taken back before it left.", "cancelled", channel=""),
    Kind(
        "delivery.refused",
        "One rule of a message was refused; the next one is tried.",
        _MESSAGE,
        _REFUSED,
        ("message", "delivery", "contact"),
    ),
    Kind("message.received", "A person wrote, tapped or sent something.", _REPLY, _SAID, ("reply", "contact")),
    Kind(
        "message.reacted",
        "A person reacted to a message, or took that back.",
        _REPLY,
        {**_SAID, "kind": "reaction"},
        ("reply", "contact"),
    ),
    Kind(
        "message.echoed",
        "Our side wrote from elsewhere, such as the Page's inbox.",
        _REPLY,
        {**_SAID, "kind": "echo"},
        ("reply", "contact"),
    ),
    Kind("conversation.opened", "The first word between a person and an account.", _CONVERSATION, _THREAD, ("contact",)),
    Kind("contact.created", "A person became known; `source` says how.", _CONTACT, {"source": "send"}, ("contact",)),
    Kind("contact.updated", "What is known of a person has changed.", _CONTACT, {"source": "profile"}, ("contact",)),
    Kind(
        "contact.opted_out",
        "A person stopped messages on a channel; `reason` says how.",
        _CONTACT,
        _STOPPED,
        ("contact",),
    ),
    Kind(
        "contact.opted_in",
        "A person who had stopped messages wants them again.",
        _CONTACT,
        {**_STOPPED, "reason": "start"},
        ("contact",),
    ),
    Kind("contact.deleted", "A person was deleted or forgotten.", _CONTACT, {}, ("contact",)),
    Kind(
        "opt_in.received",
        "A person opted in to a thread: by a plugin (then `reply` has its ref), or by accepting a message request.",
        _CONTACT,
        {**_THREAD, "source": "request"},
        ("contact",),
    ),
    Kind(
        "request.accepted",
        "A phone-matched person accepted the message request.",
        _CONTACT,
        {**_THREAD, "invitation_id": None},
        ("contact",),
    ),
    Kind(
        "account.reconnect_needed",
        "An account's credentials no longer work.",
        _ACCOUNT,
        {"reason": "The token is no longer valid."},
    ),
    Kind("page.connected", "A Page was connected, or connected anew.", _PAGE),
    Kind("page.reconnect_needed", "A Page's token no longer works.", _PAGE, {"reason": "The token is no longer valid."}),
    Kind("page.synced", "A Page's subscription tokens were read whole.", _PAGE),
    Kind("list.imported", "A customer file was read and kept.", _LIST, {"rows": 500, "usable": 497}),
    Kind("list.deleted", "A list was deleted.", _LIST),
    Kind("audience.created", "An audience exists at Meta.", _AUDIENCE),
    Kind("audience.adopted", "An audience made elsewhere was taken over.", _AUDIENCE),
    Kind("audience.deleted", "An audience was deleted.", _AUDIENCE),
    Kind("upload.started", "A list is on its way into an audience.", _UPLOAD, {"rows": 497, "mode": "add"}),
    Kind("upload.planned", "Which rows an upload must send is known.", _UPLOAD, {"added": 480, "removed": 0, "unchanged": 17}),
    Kind("upload.restarted", "An upload began a new session at Meta.", _UPLOAD, {"reason": "session_lost", "restarts": 1}),
    Kind("upload.paused", "An upload waits for a person.", _UPLOAD, {"reason": "terms"}),
    Kind("upload.cancelled", "An upload was ended before it was through.", _UPLOAD, {"rows_sent": 0}),
    Kind(
        "upload.matched",
        "Meta has matched an upload; the bounds are the audience's.",
        _UPLOAD,
        {"lower": 200, "upper": 300, "reason": ""},
    ),
    Kind("subscriber.opted_in", "A person granted marketing messages in the thread.", _SUBSCRIBER),
    Kind("subscriber.opted_out", "A subscriber wants no more marketing messages.", _SUBSCRIBER, {"reason": "stopped"}),
    Kind("campaign.created", "A campaign exists at Meta.", _CAMPAIGN),
    Kind("campaign.launched", "A campaign began to send.", _CAMPAIGN, {"recipients": 120}),
    Kind("campaign.paused", "A campaign stands still.", _CAMPAIGN),
    Kind("campaign.resumed", "A campaign goes on.", _CAMPAIGN),
    Kind("campaign.stopped", "A campaign was ended by a person.", _CAMPAIGN),
    Kind("campaign.finished", "A campaign has nobody left to reach.", _CAMPAIGN),
    Kind(
        "endpoint.disabled",
        "An endpoint is told nothing more: it failed for five days, or answered 410.",
        _ENDPOINT,
        {"reason": "gone"},
    ),
    Kind(TEST, "A test, asked for by a person.", _ENDPOINT, {"name": "web shop"}),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in ALL}
NOUNS = tuple(dict.fromkeys(name.partition(".")[0] for name in KINDS))


def check_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds asked for, each once. Errors: ValueError naming the first that does not exist, and what it may mean."""
    wanted = tuple(dict.fromkeys(kinds))
    known = [*KINDS, *(f"{noun}.*" for noun in NOUNS)]
    for kind in wanted:
        if kind not in known:
            close = get_close_matches(kind, known, n=1)
            raise ValueError(f"there is no event {kind[:60]!r}{f'; did you mean {close[0]!r}?' if close else ''}")
    return wanted


def encode_kinds(kinds: Iterable[str]) -> str:
    """The kinds as the row keeps them: each between spaces, "" for all."""
    wanted = " ".join(kinds)
    return f" {wanted} " if wanted else ""


def parse_kinds(text: str) -> list[str]:
    """The kinds of a row."""
    return text.split()


def family_of(kind: str) -> str:
    """`message.*` for `message.sent`."""
    return f"{kind.partition('.')[0]}.*"
