"""Opt-in requests to a person, and the older send to a subscription token (fact page 4, 5.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .calls import Call
from .emulator import Emulator
from .errors import GraphFault, invalid
from .message_content import check_message
from .things import Page, Subscriber, Thread
from .threads import emit, new_mid

HOUR = 3600.0
ASK_AGAIN = 7 * 24 * HOUR
FREE_GAP = 48 * HOUR
MOST_TITLE = 65
CTA_TEXTS = frozenset({"ALLOW", "GET", "GET_UPDATES", "OPT_IN", "SIGN_UP"})


def find_request(message: dict[str, Any]) -> dict[str, Any] | None:
    """The payload of an opt-in request; None for any other message."""
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    if isinstance(payload, dict) and payload.get("template_type") == "notification_messages":
        return payload
    return None


def ask_opt_in(call: Call, thread: Thread, payload: dict[str, Any]) -> dict[str, Any]:
    """Asks a person for marketing messages. Errors: 100, 613/1893016."""
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
    mid = new_mid()
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
        emit(self.emulator, thread, "messaging_optins", {"optin": optin}, at)


def send_to_token(call: Call, page: Page, token: str) -> dict[str, Any]:
    """The older send: free, one in 48 hours, for regions where it still lives."""
    subscriber = call.emulator.world.subscribers.get(token)
    if subscriber is None or subscriber.page is not page:
        raise invalid("The notification messages token is invalid or expired")
    if subscriber.opted_out:
        raise GraphFault("The person has stopped this topic", code=10, subcode=1893015, status=403)
    if call.now < subscriber.next_free:
        raise GraphFault("The minimum delay between two messages is not over", code=4, subcode=2018354)
    check_message(call.params.mapping("message", required=True) or {})
    subscriber.next_free = call.now + FREE_GAP
    return _token_answer(call, subscriber)


def _token_answer(call: Call, subscriber: Subscriber) -> dict[str, Any]:
    thread = subscriber.thread
    if thread is None:
        return {"message_id": new_mid()}
    form = call.emulator.switches["token_send_answer"]
    if form == "recipient_id":
        return {"recipient_id": thread.psid, "message_id": new_mid()}
    return {"recipient": {"id": thread.psid} if form == "object" else thread.psid, "message_id": new_mid()}
