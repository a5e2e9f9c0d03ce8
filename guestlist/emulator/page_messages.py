"""The Page's own sending: `POST /<PAGE_ID>/messages`, to whom and on what grounds (fact page 6, 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from . import threads, utility
from .attachments import keep_attachment
from .calls import Call
from .errors import GraphFault, invalid, no_permission
from .message_content import check_attachment, check_message
from .optin_requests import ask_opt_in, find_request, send_to_token
from .people import phone_digits
from .things import Comment, Page, Thread

DAY = 24 * 3600.0
WINDOW = DAY
WEEK = 7 * DAY  # for the live tags, and for private replies
TYPES = frozenset({"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"})
NOTIFICATIONS = frozenset({"REGULAR", "SILENT_PUSH", "NO_PUSH"})
LIVE_TAGS = frozenset({"HUMAN_AGENT", "CUSTOMER_FEEDBACK"})
WITHDRAWN_TAGS: dict[str, date] = {  # the day from which Meta refuses them; before it they reach anybody at any time
    "ACCOUNT_UPDATE": date(2026, 4, 27),
    "CONFIRMED_EVENT_UPDATE": date(2026, 4, 27),
    "POST_PURCHASE_UPDATE": date(2026, 4, 27),
    "NON_PROMOTIONAL_SUBSCRIPTION": date(2020, 3, 4),
    "SHIPPING_UPDATE": date(2020, 3, 4),
}
ACTIONS = frozenset({"mark_seen", "typing_on", "typing_off", "react", "unreact"})
PHONE_SCOPE = "pages_messaging_phone_number"

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """How a message reaches a person. `bounded`: by the 24-hour window; `named`: the answer tells the PSID; `asks`: it becomes
    a message request to this number."""

    thread: Thread
    bounded: bool = True
    named: bool = True
    comment: Comment | None = None
    asks: str = ""


def send_page_message(call: Call, page: Page) -> Answer:
    """`POST /<PAGE_ID>/messages`. Errors: 100, 100/2018001, 10/2018278, 551/1545041, 613/2534040; for phone numbers
    4/2018022, 200/2018021, 200/2018027, 200/2018028; those of templates, attachments, opt-in requests and tokens."""
    call.require_page(page)
    call.require("pages_messaging")
    call.count_message(page)
    recipient = call.params.mapping("recipient", required=True) or {}
    token = recipient.get("notification_messages_token")
    if token is not None:
        return send_to_token(call, page, str(token))
    kind = next((name for name in WAYS if recipient.get(name) is not None), None)
    if kind is None:
        raise invalid(f"Param recipient must hold one of {', '.join(WAYS)}, notification_messages_token")
    if call.params.text("sender_action") is not None:
        return _act(call, WAYS["id"](call, page, recipient).thread)
    message = call.params.mapping("message", required=True) or {}
    call.facts["metadata"] = str(message.get("metadata", ""))
    optin = find_request(message)
    reusable = None if optin is not None else _check_content(call, page, message)
    way = WAYS[kind](call, page, recipient)
    thread = way.thread
    if thread.blocked:
        raise GraphFault("This person isn't available right now.", code=551, subcode=1545041)
    _check_grounds(call, page, way, message)
    if optin is not None:
        return ask_opt_in(call, thread, optin)
    notification = call.params.choice("notification_type", NOTIFICATIONS) or "REGULAR"
    sender = _sender_name(call, page)
    if way.comment is not None:
        way.comment.replied = True
    if way.asks:
        _request(call, thread, way.asks)
    mid = threads.put_line(call.emulator, thread, message, call.now, notification=notification, sender=sender)
    named = {"recipient_id": thread.psid} if way.named else {}
    return {**named, "message_id": mid, **(reusable or {})}


def _check_content(call: Call, page: Page, message: dict[str, Any]) -> Answer | None:
    """Checks what a message says; where it holds a file to be used again, the file's id for the answer."""
    check_message(message)
    emulator = call.emulator
    template = message.get("template")
    if template is not None:
        utility.check_use(call, page, template)
    attachment = message.get("attachment")
    if attachment is None:
        emulator.limits.check_page_send(page.id, media=False)
        return None
    kind, url, keep = check_attachment(attachment, page, emulator.world.attachments, call.params.get("filedata"), call.now)
    emulator.limits.check_page_send(page.id, media=kind in ("audio", "video"))
    return {"attachment_id": keep_attachment(call, page, kind, url)} if keep else None


def _sender_name(call: Call, page: Page) -> str:
    persona_id = call.params.text("persona_id")
    if persona_id is None:
        return page.name
    persona = next((one for one in page.personas if one.id == persona_id), None)
    if persona is None:
        raise invalid("Param persona_id is not a persona of this Page")
    return persona.name


# -- to whom --------------------------------------------------------------------------------------------------------


def _by_id(call: Call, page: Page, recipient: Answer) -> Way:
    thread = call.emulator.world.threads.get(str(recipient.get("id")))
    if thread is None or thread.page is not page or thread.silent:  # nobody was told the PSID of a silent conversation
        raise invalid("No matching user found", 2018001)
    return Way(thread)


def _by_user_ref(call: Call, page: Page, recipient: Answer) -> Way:
    thread = call.emulator.world.user_refs.get((page.id, str(recipient["user_ref"])))
    if thread is None:
        raise invalid("No matching user found", 2018001)
    return Way(thread, bounded=False, named=False)


def _by_comment(call: Call, page: Page, recipient: Answer) -> Way:
    name = "comment_id" if "comment_id" in recipient else "post_id"
    call.require("pages_read_engagement", "pages_read_user_content")
    comment = call.emulator.world.comments.get(str(recipient[name]))
    if comment is None or comment.page is not page:
        raise invalid(f"Param recipient[{name}] is not a comment or post on this Page")
    if comment.replied:
        raise invalid("This comment or post has been answered privately already")
    if call.now - comment.at > WEEK:
        raise invalid("This comment or post is older than 7 days")
    return Way(call.emulator.world.open_thread(page, comment.person), bounded=False, comment=comment)


def _by_phone(call: Call, page: Page, recipient: Answer) -> Way:
    """Matching by phone number: the person gets a message request, unless they talk to the Page already."""
    emulator, name = call.emulator, recipient.get("name")
    if emulator.switches["phone_matching"] == "suspended":
        raise invalid("Param recipient[phone_number]: matching by phone number is suspended")
    if name is not None and not isinstance(name, dict):
        raise invalid("Param recipient[name] must be an object with first_name and last_name")
    digits = phone_digits(str(recipient["phone_number"]))
    if digits is None:
        raise invalid("Param recipient[phone_number] must be a phone number with its country code")
    if not page.phone_reviewed or PHONE_SCOPE not in call.known_token.scopes:
        raise no_permission(f"{PHONE_SCOPE} has not been reviewed for this app", 2018027)
    if not page.fee_paid:
        raise no_permission("The one-time fee for matching by phone number has not been paid", 2018021)
    emulator.limits.check_pace("phone_sends", page.id, call.now)
    person = emulator.world.people.find_by_phone(digits)
    role = person is not None and emulator.world.people.profile(person).role
    if not emulator.world.app.approved and not role:
        raise no_permission("The person has no role in the app, and pages_messaging is not approved", 2018028)
    if person is None or (not page.published and not role):
        raise invalid("No matching user found", 2018001)
    thread = emulator.world.open_thread(page, person)
    new = not thread.request and thread.last_inbound < 0
    return Way(thread, bounded=False, named=False, asks=digits if new else "")


def _request(call: Call, thread: Thread, digits: str) -> None:
    """The first message by phone number waits for the person, who accepts or declines; the crowd does so by itself."""
    emulator = call.emulator
    thread.request, thread.silent = "pending", True
    if emulator.switches["matching_prior"] == "present":
        thread.prior = {"source": "customer_matching", "identifier": digits}
    if emulator.world.people.profile(thread.person).by_hand:
        return
    traits = emulator.crowd.traits(thread.person)

    def answer(at: float) -> None:
        if thread.request != "pending":
            return
        if traits.accepts_opt_in:
            threads.accept(emulator, thread, at)
        else:
            threads.decline(thread)

    emulator.later(call.now + traits.accept_after, answer)


WAYS: dict[str, Callable[[Call, Page, Answer], Way]] = {
    "id": _by_id,
    "user_ref": _by_user_ref,
    "comment_id": _by_comment,
    "post_id": _by_comment,
    "phone_number": _by_phone,
}


# -- on what grounds ------------------------------------------------------------------------------------------------


def _check_grounds(call: Call, page: Page, way: Way, message: dict[str, Any]) -> None:
    """Messaging type, tag and window. Errors: 100, 10/2018278, 200."""
    kind, tag = call.params.choice("messaging_type", TYPES), call.params.text("tag")
    if (kind == "UTILITY") != ("template" in message):
        raise invalid("The messaging_type UTILITY and message[template] go together")
    if kind == "UTILITY":
        call.require("pages_utility_messaging", "page_utility_messaging")
        return
    if kind == "MESSAGE_TAG" and tag is None:
        raise invalid("The parameter tag is required with messaging_type MESSAGE_TAG")
    if tag is not None and kind not in (None, "MESSAGE_TAG"):
        raise invalid("The parameter tag goes with messaging_type MESSAGE_TAG")
    window: float | None = WINDOW if tag is None else _tag_window(call, tag, message)
    if way.bounded and window is not None and call.now - way.thread.last_inbound > window:
        raise GraphFault("This message is sent outside of allowed window.", code=10, subcode=2018278, status=403)


def _tag_window(call: Call, tag: str, message: dict[str, Any]) -> float | None:
    """How long after the person's last act a tag reaches them; None: always. Errors: 100."""
    if tag in LIVE_TAGS:
        payload = (message.get("attachment") or {}).get("payload") or {}
        if tag == "CUSTOMER_FEEDBACK" and payload.get("template_type") != "customer_feedback":
            raise invalid("The tag CUSTOMER_FEEDBACK is for the customer feedback template")
        return WEEK
    until = WITHDRAWN_TAGS.get(tag)
    if until is None or datetime.fromtimestamp(call.now, UTC).date() >= until:
        raise invalid(f"Param tag: {tag[:60]!r} is not, or no longer, a message tag")
    return None


# -- sender actions -------------------------------------------------------------------------------------------------


def _act(call: Call, thread: Thread) -> Answer:
    """Typing, seen, a reaction: without a message, in either case. Errors: 100."""
    action = call.params.must("sender_action").lower()
    if action not in ACTIONS:
        raise invalid(f"Param sender_action must be one of {{{', '.join(sorted(ACTIONS))}}}")
    if "message" in call.params:
        raise invalid("A sender_action goes without a message")
    if action in ("typing_on", "typing_off"):
        thread.typing = action == "typing_on"
    elif action == "mark_seen":
        thread.seen_at = call.now
    else:
        payload = call.params.mapping("payload", required=True) or {}
        line = next((one for one in thread.lines if one.mid == payload.get("message_id")), None)
        if line is None or (action == "react" and not isinstance(payload.get("reaction"), str)):
            raise invalid("Param payload must hold the message_id of this conversation, and to react a reaction")
        line.reaction = str(payload["reaction"]) if action == "react" else ""
    return {"recipient_id": thread.psid}
