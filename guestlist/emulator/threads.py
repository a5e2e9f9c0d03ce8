"""Conversations: what becomes of a Page's message, and what a person does (fact page 6, 7.5, 8.3, 9)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from .errors import invalid
from .things import Line, Page, Thread
from .webhooks import Event

if TYPE_CHECKING:
    from .emulator import Emulator

BY_HAND_DELIVERY = 1.0  # seconds until a person played by hand has the message
QUIET = frozenset({"NO_PUSH"})


def new_mid() -> str:
    return f"m_{random.getrandbits(96):024x}"


def emit(emulator: Emulator, thread: Thread, field: str, body: dict[str, Any], at: float, *, from_page: bool = False) -> None:
    """A webhook event of this conversation; `from_page` for echoes, in which sender and recipient change places."""
    person, page = {"id": thread.psid}, {"id": thread.page.id}
    sender, recipient = (page, person) if from_page else (person, page)
    value = {"sender": sender, "recipient": recipient, "timestamp": int(at * 1000), **body}
    emulator.emit(Event(thread.page.id, field, value, at, messaging=True))


# -- the Page -------------------------------------------------------------------------------------------------------


def put_line(emulator: Emulator, thread: Thread, message: dict[str, Any], now: float, *, notification: str, sender: str) -> str:
    """Puts a Page's message into the conversation and lets it be delivered and read. Gives its mid.

    While the conversation is silent the Page is told nothing of it, then or later.
    """
    mid, silent = new_mid(), thread.silent
    shown = {name: message[name] for name in ("attachment", "quick_replies", "template") if message.get(name)}
    line = Line(mid, "page", now, str(message.get("text") or ""), shown)
    thread.lines.append(line)
    thread.typing = False
    if notification not in QUIET and thread.request != "declined":
        text = line.text or "sent something"
        thread.pushes.append({"at": now, "title": sender, "text": text, "silent": notification == "SILENT_PUSH"})
    if not silent:
        emit(emulator, thread, "message_echoes", {"message": _echo(emulator, mid, message)}, now, from_page=True)
    traits = emulator.crowd.traits(thread.person)
    by_hand = emulator.world.people.profile(thread.person).by_hand

    def deliver(at: float) -> None:
        line.delivered_at = at
        if not silent:
            watermark = int(at * 1000)
            emit(emulator, thread, "message_deliveries", {"delivery": {"mids": [mid], "watermark": watermark}}, at)
        if traits.reads and not by_hand and thread.request not in ("pending", "declined"):
            emulator.later(at + traits.read_after, lambda at: read(emulator, thread, at))

    emulator.later(now + (BY_HAND_DELIVERY if by_hand else traits.deliver_after), deliver)
    return mid


def _echo(emulator: Emulator, mid: str, message: dict[str, Any]) -> dict[str, Any]:
    echo: dict[str, Any] = {"is_echo": True, "app_id": int(emulator.world.app.id), "mid": mid}
    echo |= {name: message[name] for name in ("text", "metadata") if name in message}
    if "attachment" in message:
        echo["attachments"] = [message["attachment"]]
    return echo


# -- the person -----------------------------------------------------------------------------------------------------


def say(emulator: Emulator, thread: Thread, message: dict[str, Any], at: float) -> str:
    """The person writes, which opens the 24-hour window and accepts a message request that waits. Gives the mid."""
    if thread.request == "pending":
        accept(emulator, thread, at)
    mid = f"m_{emulator.crowd.number(thread.person, f'inbound:{at}:{len(thread.lines)}'):x}"
    thread.lines.append(
        Line(mid, "person", at, str(message.get("text") or ""), {k: v for k, v in message.items() if k != "text"})
    )
    thread.last_inbound, thread.silent = at, False
    _reveal(emulator, thread)
    body: dict[str, Any] = {"message": {"mid": mid, **message}}
    if thread.referral is not None:
        body["message"]["referral"], thread.referral = thread.referral, None
    if thread.prior is not None:
        body["prior_message"], thread.prior = thread.prior, None
    emit(emulator, thread, "messages", body, at)
    return mid


def _reveal(emulator: Emulator, thread: Thread) -> None:
    """Whoever writes and holds a list-born token shows by it whose it is."""
    subscriber = thread.subscriber or emulator.world.find_subscriber(thread.page, thread.person)
    if subscriber is not None:
        subscriber.thread, thread.subscriber = thread, subscriber


def tap(emulator: Emulator, thread: Thread, title: str, payload: str, at: float) -> str:
    """A tap on a button: a postback. Gives its mid."""
    if thread.request == "pending":
        accept(emulator, thread, at)
    mid = new_mid()
    thread.lines.append(Line(mid, "person", at, title, {"postback": payload}))
    thread.last_inbound, thread.silent = at, False
    postback: dict[str, Any] = {"mid": mid, "title": title, "payload": payload}
    if thread.referral is not None:
        postback["referral"], thread.referral = thread.referral, None
    emit(emulator, thread, "messaging_postbacks", {"postback": postback}, at)
    return mid


def find_tap(thread: Thread, label: str) -> tuple[str, str, bool]:
    """What the person sees under this title or payload, newest first: title, payload, and whether it is a quick reply.

    Errors: 100.
    """
    for line in reversed(thread.lines):
        if line.by == "page":
            for kind, button in _offers(line):
                title, payload = str(button.get("title", "")), str(button.get("payload", ""))
                if label in (title, payload):
                    return title, payload, kind == "quick_reply"
    for title, payload in profile_offers(thread.page):
        if label in (title, payload):
            return title, payload, False
    raise invalid(f"The person sees no quick reply or button {label[:60]!r}")


def _offers(line: Line) -> list[tuple[str, dict[str, Any]]]:
    offers = [("quick_reply", each) for each in line.shown.get("quick_replies", ())]
    payload = (line.shown.get("attachment") or {}).get("payload") or {}
    elements = payload.get("elements") or []
    groups = [payload.get("buttons") or [], *(each.get("buttons") or [] for each in elements if isinstance(each, dict))]
    return [*offers, *(("button", each) for group in groups for each in group if each.get("type") == "postback")]


def profile_offers(page: Page) -> list[tuple[str, str]]:
    """Get Started, ice breakers and the persistent menu."""
    offers = []
    if start := page.profile.get("get_started"):
        offers.append(("Get Started", str(start.get("payload", ""))))
    for group in page.profile.get("ice_breakers") or []:
        for each in group.get("call_to_actions") or [group]:
            offers.append((str(each.get("question", "")), str(each.get("payload", ""))))
    for menu in page.profile.get("persistent_menu") or []:
        entries = menu.get("call_to_actions") or []
        offers += [(str(each.get("title", "")), str(each.get("payload", ""))) for each in entries if each.get("payload")]
    return offers


def react(emulator: Emulator, thread: Thread, line: Line, reaction: dict[str, str], at: float) -> None:
    """The person puts a reaction on a line, or takes it away. A reaction opens the window."""
    line.reaction = reaction["emoji"] if reaction["action"] == "react" else ""
    if reaction["action"] == "react":
        thread.last_inbound = at
    emit(emulator, thread, "message_reactions", {"reaction": {**reaction, "mid": line.mid}}, at)


def read(emulator: Emulator, thread: Thread, at: float) -> None:
    """The person has seen everything so far. The Page is told once, unless the conversation is silent."""
    unread = [line for line in thread.lines if line.by == "page" and line.read_at is None and line.at <= at]
    for line in unread:
        line.read_at = at
        line.delivered_at = line.delivered_at or at
    if unread and not thread.silent:
        emit(emulator, thread, "message_reads", {"read": {"watermark": int(at * 1000)}}, at)


def accept(emulator: Emulator, thread: Thread, at: float) -> None:
    """The person accepts the message request: told once, and from now on sends are echoed, delivered and read. Errors: 100."""
    _check_pending(thread)
    thread.request, thread.silent, thread.last_inbound = "accepted", False, at
    emit(emulator, thread, "messaging_optins", {"optin": {"message_request": "accept"}}, at)


def decline(thread: Thread) -> None:
    """The person declines: nobody is told. Errors: 100."""
    _check_pending(thread)
    thread.request = "declined"


def _check_pending(thread: Thread) -> None:
    if thread.request != "pending":
        raise invalid("No message request of the Page waits for this person")


def opt_in(emulator: Emulator, thread: Thread, ref: str, at: float) -> None:
    """The person uses the Send-to-Messenger plugin, which opens the window."""
    thread.last_inbound, thread.silent = at, False
    emit(emulator, thread, "messaging_optins", {"optin": {"ref": ref}}, at)


def check_box(emulator: Emulator, thread: Thread, ref: str, user_ref: str, at: float) -> None:
    """The person ticks the checkbox: the event names nobody, only the `user_ref` by which one message reaches them."""
    emulator.world.user_refs[thread.page.id, user_ref] = thread
    if thread.last_inbound < 0:
        thread.silent, thread.prior = True, {"source": "checkbox_plugin", "identifier": user_ref}
    value = {"recipient": {"id": thread.page.id}, "timestamp": int(at * 1000), "optin": {"ref": ref, "user_ref": user_ref}}
    emulator.emit(Event(thread.page.id, "messaging_optins", value, at, messaging=True))


def follow_link(emulator: Emulator, thread: Thread, ref: str, at: float) -> None:
    """The person opens an m.me link: told at once where they have written before, else with their first message."""
    referral = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
    if thread.last_inbound < 0:
        thread.referral = referral
        return
    thread.last_inbound = at
    emit(emulator, thread, "messaging_referrals", {"referral": referral}, at)
