"""The Page's own sending: texts inside the window, opt-in requests, the older token send (fact page 4, 5.10, 7)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from .calls import Call
from .emulator import Emulator
from .errors import GraphFault, invalid
from .things import Page, Subscriber, Thread
from .webhooks import Event

HOUR = 3600.0
WINDOW = 24 * HOUR
HUMAN_AGENT_WINDOW = 7 * 24 * HOUR
ASK_AGAIN = 7 * 24 * HOUR
FREE_GAP = 48 * HOUR
MOST_TEXT, MOST_TITLE, MOST_METADATA = 2000, 65, 1000
TYPES = frozenset({"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"})
LIVE_TAGS = frozenset({"HUMAN_AGENT", "CUSTOMER_FEEDBACK"})
CTA_TEXTS = frozenset({"ALLOW", "GET", "GET_UPDATES", "OPT_IN", "SIGN_UP"})
ACTIONS = frozenset({"mark_seen", "typing_on", "typing_off"})


def send_page_message(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/messages`. Errors: 100, 100/2018001, 10/2018278, 10/1893015, 4/2018354, 613/1893016."""
    call.require_page(page)
    call.require("pages_messaging")
    call.count_message(page)
    recipient = call.params.mapping("recipient", required=True) or {}
    token = recipient.get("notification_messages_token")
    if token is not None:
        return _send_to_token(call, page, str(token))
    if "id" not in recipient:
        raise invalid("Param recipient must hold the id of a person, or a notification_messages_token")
    thread = call.emulator.world.threads.get(str(recipient["id"]))
    if thread is None or thread.page is not page:
        raise invalid("No matching user found", 2018001)
    action = call.params.text("sender_action")
    if action is not None:
        if action.lower() not in ACTIONS:
            raise invalid("Param sender_action is not a known action")
        return {"recipient_id": thread.psid}
    message = call.params.mapping("message", required=True) or {}
    _check_window(call, thread)
    optin = _optin_payload(message)
    if optin is not None:
        return _ask_opt_in(call, thread, optin)
    return _send_text(call, thread, message)


def _check_window(call: Call, thread: Thread) -> None:
    kind, tag = call.params.choice("messaging_type", TYPES), call.params.text("tag")
    if tag is not None and tag not in LIVE_TAGS:
        raise invalid(f"Param tag: {tag[:60]!r} is not, or no longer, a message tag")
    if kind == "MESSAGE_TAG" and tag is None:
        raise invalid("The parameter tag is required with messaging_type MESSAGE_TAG")
    window = HUMAN_AGENT_WINDOW if tag is not None else WINDOW
    if call.now - thread.last_inbound > window:
        raise GraphFault("This message is sent outside of allowed window.", code=10, subcode=2018278, status=403)


def _optin_payload(message: dict[str, Any]) -> dict[str, Any] | None:
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    if isinstance(payload, dict) and payload.get("template_type") == "notification_messages":
        return payload
    return None


def _ask_opt_in(call: Call, thread: Thread, payload: dict[str, Any]) -> dict[str, Any]:
    title = payload.get("title", "Updates and promotions")
    if not isinstance(title, str) or not 0 < len(title) <= MOST_TITLE:
        raise invalid(f"Param message[attachment][payload][title] must have 1 to {MOST_TITLE} characters")
    if not isinstance(payload.get("payload"), str):
        raise invalid("The parameter message[attachment][payload][payload] is required")
    if payload.get("notification_messages_cta_text", "GET_UPDATES") not in CTA_TEXTS:
        raise invalid("Param notification_messages_cta_text is not a known text")
    if call.now - thread.asked.get(title, float("-inf")) < ASK_AGAIN:
        raise GraphFault("The person was asked with the same title within a week", code=613, subcode=1893016)
    thread.asked[title] = call.now
    traits = call.emulator.crowd.traits(thread.person)
    if traits.accepts_opt_in:
        request = OptInRequest(call.emulator, thread, title, payload)
        call.emulator.later(call.now + traits.accept_after, request.accept)
    mid = _mid()
    if call.emulator.switches["optin_answer"] == "flat":
        return {"recipient_id": thread.psid, "message_id": mid}
    return {"recipient": {"id": thread.psid, "message_id": mid}}


@dataclass(frozen=True, slots=True)
class OptInRequest:
    """A request the person is going to accept."""

    emulator: Emulator
    thread: Thread
    title: str
    payload: dict[str, Any]

    def accept(self, at: float) -> None:
        """The person gets a token, or the one they have is refreshed; `messaging_optins` tells."""
        thread, again = self.thread, self.thread.subscriber is not None
        subscriber = self.emulator.world.subscribe(thread.page, thread.person, at, source=None, thread=thread)
        timezone = self.payload.get("notification_messages_timezone")
        subscriber.thread, thread.subscriber = thread, subscriber
        subscriber.opted_out, subscriber.title = False, self.title
        subscriber.timezone = str(timezone) if timezone else None
        optin = {
            "type": "notification_messages",
            "payload": self.payload["payload"],
            "notification_messages_token": subscriber.token,
            "notification_messages_timezone": subscriber.timezone or "UTC",
            "token_expiry_timestamp": int(at + 270 * 24 * HOUR),
            "user_token_status": "REFRESHED" if again else "NOT_REFRESHED",
            "title": self.title,
        }
        _emit(self.emulator, thread, "messaging_optins", {"optin": optin}, at)


def _send_text(call: Call, thread: Thread, message: dict[str, Any]) -> dict[str, Any]:
    _check_message(message)
    mid, now, emulator = _mid(), call.now, call.emulator
    echo: dict[str, Any] = {key: message[key] for key in ("text", "metadata", "attachment") if key in message}
    body: dict[str, Any] = {"is_echo": True, "app_id": int(emulator.world.app.id), "mid": mid, **echo}
    _emit(emulator, thread, "message_echoes", {"message": body}, now, from_page=True)
    traits = emulator.crowd.traits(thread.person)

    def deliver(at: float) -> None:
        watermark = int(at * 1000)
        _emit(emulator, thread, "message_deliveries", {"delivery": {"mids": [mid], "watermark": watermark}}, at)
        if traits.reads:
            emulator.later(at + traits.read_after, read)

    def read(at: float) -> None:
        _emit(emulator, thread, "message_reads", {"read": {"watermark": int(at * 1000)}}, at)

    emulator.later(now + traits.deliver_after, deliver)
    return {"recipient_id": thread.psid, "message_id": mid}


def _check_message(message: dict[str, Any]) -> None:
    text, metadata = message.get("text"), message.get("metadata")
    if text is None and not isinstance(message.get("attachment"), dict):
        raise invalid("Empty message: the message must hold a text or an attachment", 2018034)
    if text is not None and (not isinstance(text, str) or not text):
        raise invalid("Empty message: the text is empty", 2018034)
    if text is not None and len(text) >= MOST_TEXT:
        raise invalid(f"Length of param message[text] must be less than {MOST_TEXT}")
    if metadata is not None and (not isinstance(metadata, str) or len(metadata) >= MOST_METADATA):
        raise invalid(f"Param message[metadata] must be a string of less than {MOST_METADATA} characters")


def _send_to_token(call: Call, page: Page, token: str) -> dict[str, Any]:
    """The older send: free, one in 48 hours, for regions where it still lives."""
    subscriber = call.emulator.world.subscribers.get(token)
    if subscriber is None or subscriber.page is not page:
        raise invalid("The notification messages token is invalid or expired")
    if subscriber.opted_out:
        raise GraphFault("The person has stopped this topic", code=10, subcode=1893015, status=403)
    if call.now < subscriber.next_free:
        raise GraphFault("The minimum delay between two messages is not over", code=4, subcode=2018354)
    _check_message(call.params.mapping("message", required=True) or {})
    subscriber.next_free = call.now + FREE_GAP
    return _token_answer(call, subscriber)


def _token_answer(call: Call, subscriber: Subscriber) -> dict[str, Any]:
    thread = subscriber.thread
    if thread is None:
        return {"message_id": _mid()}
    form = call.emulator.switches["token_send_answer"]
    if form == "recipient_id":
        return {"recipient_id": thread.psid, "message_id": _mid()}
    return {"recipient": {"id": thread.psid} if form == "object" else thread.psid, "message_id": _mid()}


def _mid() -> str:
    return f"m_{random.getrandbits(96):024x}"


def _emit(emulator: Emulator, thread: Thread, field: str, body: dict[str, Any], at: float, *, from_page: bool = False) -> None:
    person, page = {"id": thread.psid}, {"id": thread.page.id}
    sender, recipient = (page, person) if from_page else (person, page)
    value = {"sender": sender, "recipient": recipient, "timestamp": int(at * 1000), **body}
    emulator.emit(Event(thread.page.id, field, value, at, messaging=True))
