"""Which way to a person is open now, and which rule closes each other one: one function, asked by send, explain and claim alike.

Pure: what is known of the person stands in `Standing`, the time is given. A `Closed` names its rule, so that a refusal can say
what would open the way. Issue-wide: there is no second opinion anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .messages import (
    AddressKind,
    Channel,
    Content,
    Draft,
    MessagingType,
    Purpose,
    RequestState,
    Rule,
    count_calls,
    message_of,
    says_something,
)
from .tags import Needs, Tag, find_tag, translate_tag

WINDOW = timedelta(hours=24)
"""How long a person's last act keeps Messenger's window open (fact page 7.5)."""

PRIVATE_REPLY = timedelta(days=7)
"""How long a comment or a visitor's post can be answered by one private message (fact page 7.6)."""

TEMPLATE = "a utility template (`options.messenger.utility`)"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known, for one rule, of the account and of the person's address on it. Instants are aware, UTC."""

    channel: Channel
    account_id: str  # "" where the rule names no account that exists
    account_state: str  # connected | reconnect | missing | several
    candidates: tuple[str, ...] = ()  # the ids to choose from, where `several`
    problem: str = ""  # why this channel cannot carry the content, whoever gets it; a sentence
    phone_matching: str = "suspended"  # suspended | enabled: the Page's capability
    address_kind: AddressKind | None = None  # None: the person has no address on this channel
    address: str = field(default="", repr=False)
    opened_at: datetime | None = None  # when the person last did something that opens the window
    opted_out_at: datetime | None = None
    opted_in: bool = False  # by the ledger, or as the holder of an open subscription token; read where a draft requires it
    request: RequestState | None = None  # of a phone on this Page
    commented_at: datetime | None = None  # for private replies
    spent: bool = False  # the one message that a comment, a post or a user_ref takes has been sent


@dataclass(frozen=True, slots=True)
class Open:
    """The way that would be taken. For Messenger: the messaging type and tag that make it lawful."""

    channel: Channel
    account_id: str
    address_kind: AddressKind
    address: str = field(repr=False)
    messaging_type: MessagingType | None = None
    tag: str = ""
    utility: bool = False  # goes as the utility template
    until: datetime | None = None  # when this way closes, where that is known
    note: str = ""  # why it goes otherwise than asked, for the timeline


@dataclass(frozen=True, slots=True)
class Closed:
    """A way that is not open. `rule` is a stable word, such as `no_address`, `window_closed`, `tag_withdrawn`."""

    channel: Channel
    rule: str
    sentence: str  # for a person; holds no personal data
    since: date | None = None  # of a rule that has a date
    opens: str = ""  # what would open it, a sentence
    invalid: bool = False  # no circumstance would ever open it: the request itself is wrong (a 400 at the door)


def decide_route(draft: Draft, rule: Rule, standing: Standing, now: datetime) -> Open | Closed:
    """The way that one rule opens now, or what closes it. General rules first, then those of the channel."""
    return _general(draft, rule, standing, now) or _ROUTES[rule.channel](draft, standing, now)


def decide_next(
    draft: Draft, standings: Sequence[Standing], after: int, now: datetime
) -> tuple[int, Open, list[Closed]] | list[Closed]:
    """The first open rule behind number `after` (rules count from 1; 0 = none was tried), and those passed over on the way to
    it; where none is open, why each is closed. `standings` are of the draft's rules, in order."""
    passed: list[Closed] = []
    for number in range(after + 1, len(draft.rules) + 1):
        route = decide_route(draft, draft.rules[number - 1], standings[number - 1], now)
        if isinstance(route, Open):
            return number, route, passed
        passed.append(route)
    return passed


# -- what holds on every channel ------------------------------------------------------------------------------------


def _general(draft: Draft, rule: Rule, standing: Standing, now: datetime) -> Closed | None:
    if closed := _account(rule, standing):
        return closed
    if standing.problem:
        return Closed(rule.channel, "content", standing.problem, invalid=True)
    if draft.expires_at is not None and now >= datetime.fromtimestamp(draft.expires_at / 1000, UTC):
        return Closed(rule.channel, "expired", "The message has expired.")
    if standing.address_kind is None:
        wanted = ADDRESSES[rule.channel]
        return Closed(rule.channel, "no_address", f"The person has no {wanted}.", opens=f"Give the {wanted} in `to`.")
    if standing.opted_out_at is not None:
        return Closed(
            rule.channel,
            "opted_out",
            "The person stopped messages on this channel.",
            since=standing.opted_out_at.date(),
            opens="Only the person can open it again.",
        )
    if draft.require_opt_in and not standing.opted_in:
        return Closed(
            rule.channel,
            "no_opt_in",
            "The message requires an opt-in, and none is recorded for this person on this channel.",
            opens="The person opts in; or leave out `require_opt_in` where the message is not marketing.",
        )
    return None


ADDRESSES: Mapping[Channel, str] = {
    Channel.MESSENGER: "Messenger address (PSID) on this Page",
    Channel.SMS: "phone number",
    Channel.EMAIL: "e-mail address",
}
"""What a person is reached by, in words."""


def _account(rule: Rule, standing: Standing) -> Closed | None:
    match standing.account_state:
        case "missing" if rule.account_id:
            return Closed(rule.channel, "unknown_account", f"There is no {rule.channel} account with the id given.", invalid=True)
        case "missing":
            return Closed(rule.channel, "no_account", f"There is no {rule.channel} account yet.", opens="Connect one.")
        case "several":
            named = ", ".join(standing.candidates)
            sentence = f"There are several {rule.channel} accounts."
            return Closed(rule.channel, "account_not_named", sentence, opens=f"Name one of {named} in the rule.", invalid=True)
        case "reconnect":
            sentence = "The account must be connected again by a person."
            return Closed(rule.channel, "reconnect_needed", sentence, opens="Connect it again.")
    return None


# -- Messenger ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What a draft gives as its grounds for going over Messenger: a raw body's own words go before the options'."""

    type: MessagingType | None
    tag: Tag | None
    utility: bool  # a utility template is mapped


def _messenger(draft: Draft, standing: Standing, now: datetime) -> Open | Closed:
    grounds = _grounds(draft)
    if isinstance(grounds, Closed):
        return grounds
    template_only = grounds.utility and not says_something(draft.content)
    if standing.address_kind is AddressKind.PSID:
        if template_only or grounds.type is MessagingType.UTILITY:
            return _way(standing, MessagingType.UTILITY)
        if grounds.tag is not None:
            return _tagged(draft, grounds, grounds.tag, standing, now)
        return _in_window(grounds, standing, now)
    if template_only:
        return _closed("psid_needed", "A utility template goes only to people whose PSID is known.", opens="Give the PSID.")
    if standing.address_kind is AddressKind.PHONE:
        return _by_phone(draft, grounds, standing, now)
    return _once(draft, grounds, standing, now)


def _grounds(draft: Draft) -> _Grounds | Closed:
    """A `Closed` where type and tag make no sense together, whoever gets the message."""
    options = draft.options.messenger
    raw: Mapping[str, Any] = draft.content.raw.get(Channel.MESSENGER.value) or {}
    word, tag_given = raw.get("messaging_type") or options.type, raw.get("tag") or options.tag
    if word is not None and str(word) not in set(MessagingType):
        return _invalid("unknown_messaging_type", "There is no such messaging type.", f"Use one of {', '.join(MessagingType)}.")
    kind = None if word is None else MessagingType(word)
    tag = find_tag(str(tag_given)) if tag_given else None
    if tag_given and tag is None:
        return _invalid("unknown_tag", "There is no such message tag.", "Use HUMAN_AGENT, CUSTOMER_FEEDBACK, or none.")
    if kind is MessagingType.MESSAGE_TAG and tag is None:
        return _invalid("tag_missing", "The messaging type MESSAGE_TAG needs a tag.", "Give a tag, or another type.")
    if tag is not None and kind not in (None, MessagingType.MESSAGE_TAG):
        return _invalid("tag_with_type", f"A message of the type {kind} takes no tag.", "Leave out the type or the tag.")
    utility = options.utility is not None or bool(message_of(raw).get("template"))
    if kind is MessagingType.UTILITY and not utility:
        return _invalid("template_missing", "The messaging type UTILITY needs a utility template.", f"Give {TEMPLATE}.")
    return _Grounds(kind, tag, utility)


def _in_window(grounds: _Grounds, standing: Standing, now: datetime) -> Open | Closed:
    closes = _closes(standing, WINDOW)
    if closes is not None and now < closes:
        return _way(standing, grounds.type or MessagingType.RESPONSE, until=closes)
    if grounds.utility and grounds.type is None:
        return _way(standing, MessagingType.UTILITY, note="The 24-hour window is closed: it goes as the utility template.")
    return _closed(
        "window_closed",
        "The 24-hour window is closed." if closes else "The person has not written to this Page, so no 24-hour window is open.",
        since=closes.date() if closes else None,
        opens=f"Add {TEMPLATE}, or the tag HUMAN_AGENT where a person answers within 7 days; or wait until the person writes.",
    )


def _tagged(draft: Draft, grounds: _Grounds, given: Tag, standing: Standing, now: datetime) -> Open | Closed:
    tag = translate_tag(given, now.date())
    if not tag.is_live(now.date()):
        return _withdrawn(grounds, tag, standing, now)
    if tag.needs is Needs.PERSON and not draft.options.messenger.by_person:
        return _closed(
            "not_by_person",
            f"The tag {tag.name} is for what a person writes.",
            opens="Set `options.messenger.by_person` where a person wrote it; else leave the tag out.",
        )
    if tag.needs is Needs.FEEDBACK and not _asks_feedback(draft.content):
        return _invalid(
            "tag_needs_template", f"The tag {tag.name} is for the customer feedback template.", "Send that template, or no tag."
        )
    closes = _closes(standing, tag.within) if tag.within else None
    if tag.within is not None and (closes is None or now >= closes):
        return _closed(
            "window_closed",
            f"The tag {tag.name} reaches people for {tag.within.days} days after they last wrote; that is over, or never began.",
            since=closes.date() if closes else None,
            opens=f"Add {TEMPLATE} and leave out the tag; or wait until the person writes.",
        )
    note = "" if tag is given else f"The tag {given.name} was withdrawn; it goes under {tag.name}."
    return _way(standing, MessagingType.MESSAGE_TAG, tag=tag.name, until=closes, note=note)


def _withdrawn(grounds: _Grounds, tag: Tag, standing: Standing, now: datetime) -> Open | Closed:
    gone = f"Meta withdrew the tag {tag.name} on {tag.until}"
    closes = _closes(standing, WINDOW)
    if closes is not None and now < closes:
        return _way(standing, MessagingType.UPDATE, until=closes, note=f"{gone}: it goes as UPDATE inside the window.")
    if grounds.utility:
        return _way(standing, MessagingType.UTILITY, note=f"{gone}: it goes as the utility template.")
    return _closed("tag_withdrawn", f"{gone}.", since=tag.until, opens=f"Add {TEMPLATE}; or wait until the person writes.")


def _once(draft: Draft, grounds: _Grounds, standing: Standing, now: datetime) -> Open | Closed:
    """Addresses that take a single message: a comment or a post one private reply, a user_ref the first message."""
    private = standing.address_kind is not AddressKind.USER_REF
    if standing.spent:
        sentence = "This comment or post has had its one private reply." if private else "This user_ref has had its one message."
        return _closed("already_replied" if private else "user_ref_spent", sentence, opens="The person writes to the Page.")
    if count_calls(draft.content, Channel.MESSENGER) > 1:
        sentence = "A private reply is one message." if private else "A user_ref takes one message."
        return _closed("one_message_only", sentence, opens="Send the text or one file, not both.")
    closes = standing.commented_at + PRIVATE_REPLY if private and standing.commented_at else None
    if closes is not None and now >= closes:
        return _closed(
            "too_old_to_reply",
            "A comment or post can be answered privately for 7 days.",
            since=closes.date(),
            opens="The person writes to the Page.",
        )
    kind = MessagingType.UPDATE if grounds.type is MessagingType.UPDATE else MessagingType.RESPONSE
    return _way(standing, kind, until=closes)


def _by_phone(draft: Draft, grounds: _Grounds, standing: Standing, now: datetime) -> Open | Closed:
    """A message request: there is no window yet, so a tag that hangs on one, or is withdrawn, says nothing."""
    if standing.phone_matching != "enabled":
        return _closed(
            "phone_matching_suspended",
            "Meta has suspended matching by phone number for this Page.",
            opens="Reach the person by an audience, or by a channel that takes phone numbers.",
        )
    if draft.purpose is Purpose.MARKETING and standing.request is not RequestState.ACCEPTED:
        return _closed(
            "not_accepted_yet",
            "Until the person accepts the message request, only service messages may go to their phone number.",
            opens="Send it with the purpose service, or after the person accepted.",
        )
    tag = translate_tag(grounds.tag, now.date()) if grounds.tag else None
    if tag is None:
        return _way(standing, MessagingType.RESPONSE if grounds.type is MessagingType.RESPONSE else MessagingType.UPDATE)
    if tag.is_live(now.date()) and tag.within is None:
        return _way(standing, MessagingType.MESSAGE_TAG, tag=tag.name)
    note = f"The tag {tag.name} does not apply to a phone number today: it goes as UPDATE."
    return _way(standing, MessagingType.UPDATE, note=note)


def _closes(standing: Standing, within: timedelta) -> datetime | None:
    return standing.opened_at + within if standing.opened_at else None


def _asks_feedback(content: Content) -> bool:
    attachment = message_of(content.raw.get(Channel.MESSENGER.value) or {}).get("attachment")
    own = attachment.get("payload") if isinstance(attachment, Mapping) else None
    payload = content.template or (own if isinstance(own, Mapping) else {})
    return payload.get("template_type") == "customer_feedback"


def _invalid(rule: str, sentence: str, opens: str) -> Closed:
    return Closed(Channel.MESSENGER, rule, sentence, opens=opens, invalid=True)


def _closed(rule: str, sentence: str, *, opens: str, since: date | None = None) -> Closed:
    return Closed(Channel.MESSENGER, rule, sentence, since=since, opens=opens)


def _way(
    standing: Standing,
    messaging_type: MessagingType | None = None,
    *,
    tag: str = "",
    until: datetime | None = None,
    note: str = "",
) -> Open:
    assert standing.address_kind is not None  # _general has seen to it
    return Open(
        standing.channel,
        standing.account_id,
        standing.address_kind,
        standing.address,
        messaging_type=messaging_type,
        tag=tag,
        utility=messaging_type is MessagingType.UTILITY,
        until=until,
        note=note,
    )


# -- SMS and e-mail -------------------------------------------------------------------------------------------------


def _direct(draft: Draft, standing: Standing, now: datetime) -> Open | Closed:
    """SMS and e-mail have no window: an address that is not opted out is enough."""
    return _way(standing)


_ROUTES: Mapping[Channel, Callable[[Draft, Standing, datetime], Open | Closed]] = {
    Channel.MESSENGER: _messenger,
    Channel.SMS: _direct,
    Channel.EMAIL: _direct,
}
