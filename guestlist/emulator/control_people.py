"""Control calls that make a person act, or show what they see: the hand in `/_emulator/people`."""

from __future__ import annotations

from typing import Any

from . import threads
from .emulator import Emulator
from .errors import invalid
from .params import Params
from .people import phone_digits
from .things import Comment, Line, Page, Thread
from .webhooks import Event

REACTIONS = {"like": "\N{THUMBS UP SIGN}", "love": "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"}
MOST_PEOPLE = 200
MEDIA = frozenset({"image", "video", "audio", "file"})


# -- who ------------------------------------------------------------------------------------------------------------


def list_people(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Conversations, those with the latest line first: `page_id`, `limit`."""
    page_id = params.text("page_id")
    limit = min(params.integer("limit", minimum=1) or 50, MOST_PEOPLE)
    found = [one for one in emulator.world.threads.values() if page_id in (None, one.page.id)]
    found.sort(key=lambda one: one.lines[-1].at if one.lines else 0.0, reverse=True)
    return {"data": [_summary(emulator, one) for one in found[:limit]], "total": len(found)}


def add_person(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Somebody played by hand, with a conversation that is still empty.

    `first_name`, `last_name`, `phone` (by which matching finds them), `role` (works on app and Page), `page_id`.
    """
    phone = params.text("phone") or ""
    digits = phone_digits(phone) if phone else ""
    if digits is None:
        raise invalid("Param phone must be a phone number with its country code")
    world = emulator.world
    person = world.people.add(
        name=world.new_id("person"),
        first_name=params.text("first_name"),
        last_name=params.text("last_name"),
        phone=digits,
        role=params.boolean("role") is True,
    )
    return _summary(emulator, world.open_thread(_page(emulator, params), person))


def show_person(emulator: Emulator, params: Params) -> dict[str, Any]:
    """One conversation as the person sees it."""
    thread = _thread(emulator, params)
    lines = [_show_line(emulator, line) for line in thread.lines]
    pushes = [{**push, "at": emulator.clock.iso(push["at"])} for push in thread.pushes]
    seen = None if thread.seen_at is None else emulator.clock.iso(thread.seen_at)
    return {**_summary(emulator, thread), "lines": lines, "pushes": pushes, "typing": thread.typing, "seen_at": seen}


def _summary(emulator: Emulator, thread: Thread) -> dict[str, Any]:
    profile = emulator.world.people.profile(thread.person)
    return {
        "psid": thread.psid,
        "page_id": thread.page.id,
        "page_name": thread.page.name,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "phone": profile.phone,
        "by_hand": profile.by_hand,
        "request": thread.request,
        "blocked": thread.blocked,
        "unread": sum(1 for line in thread.lines if line.by == "page" and line.read_at is None),
        "latest": thread.lines[-1].text if thread.lines else "",
        "menu": [title for title, _ in threads.profile_offers(thread.page)],
    }


def _show_line(emulator: Emulator, line: Line) -> dict[str, Any]:
    def moment(at: float | None) -> str | None:
        return None if at is None else emulator.clock.iso(at)

    return {
        "mid": line.mid,
        "by": line.by,
        "at": moment(line.at),
        "text": line.text,
        "shown": line.shown,
        "delivered_at": moment(line.delivered_at),
        "read_at": moment(line.read_at),
        "reaction": line.reaction,
    }


def _page(emulator: Emulator, params: Params) -> Page:
    page_id = params.text("page_id")
    page = emulator.world.pages.get(page_id) if page_id else next(iter(emulator.world.pages.values()))
    if page is None:
        raise invalid("Param page_id must be a Page of this world")
    return page


def _thread(emulator: Emulator, params: Params) -> Thread:
    """By `psid`, by the `phone` of a person, or by the `token` of a subscriber. Errors: 100."""
    world, psid, token = emulator.world, params.text("psid"), params.text("token")
    if psid is not None:
        thread = world.threads.get(psid)
        if thread is not None:
            return thread
    elif token is not None:
        subscriber = world.subscribers.get(token)
        if subscriber is not None:
            return subscriber.thread or world.open_thread(subscriber.page, subscriber.person)
    else:
        digits = phone_digits(params.text("phone") or "")
        person = world.people.find_by_phone(digits) if digits else None
        if person is not None:
            return world.open_thread(_page(emulator, params), person)
    raise invalid("Give the psid or the phone of a person, or the token of a subscriber")


# -- what they do ---------------------------------------------------------------------------------------------------


def let_person_say(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They write `text`, send a file (`attachment`: type and url), or both: opens the window, accepts a waiting request."""
    thread = _thread(emulator, params)
    message: dict[str, Any] = {}
    attachment = params.mapping("attachment")
    if attachment is not None:
        if attachment.get("type") not in MEDIA or not isinstance(attachment.get("url"), str):
            raise invalid(f"Param attachment must hold a url and a type of {{{', '.join(sorted(MEDIA))}}}")
        message["attachments"] = [{"type": attachment["type"], "payload": {"url": attachment["url"]}}]
    text = params.text("text") or (None if attachment else "Hello")
    if text is not None:
        message["text"] = text
    if reply_to := params.text("reply_to"):
        message["reply_to"] = {"mid": _line(thread, reply_to).mid}
    return _done(thread, mid=threads.say(emulator, thread, message, emulator.clock.now()))


def let_person_tap(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They tap what they see under this `title` (or payload): a quick reply, a button, an ice breaker, the menu, Get Started."""
    thread, now = _thread(emulator, params), emulator.clock.now()
    title, payload, quick = threads.find_tap(thread, params.must("title"))
    if quick:
        message = {"text": title, "quick_reply": {"payload": payload}}
        return _done(thread, mid=threads.say(emulator, thread, message, now))
    return _done(thread, mid=threads.tap(emulator, thread, title, payload, now))


def let_person_react(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They put a `reaction` (like, love) on a line (`mid`; else the Page's latest), or take it away (`remove`)."""
    thread = _thread(emulator, params)
    mid, reaction = params.text("mid"), params.text("reaction") or "like"
    line = _line(thread, mid) if mid else next((one for one in reversed(thread.lines) if one.by == "page"), None)
    if line is None or reaction not in REACTIONS:
        raise invalid(f"There is no such line, or the reaction is none of {', '.join(REACTIONS)}")
    action = "unreact" if params.boolean("remove") else "react"
    given = {"reaction": reaction, "emoji": REACTIONS[reaction], "action": action}
    threads.react(emulator, thread, line, given, emulator.clock.now())
    return _done(thread, mid=line.mid)


def let_person_read(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They open the conversation: everything in it is read."""
    thread = _thread(emulator, params)
    threads.read(emulator, thread, emulator.clock.now())
    return _done(thread)


def let_person_accept(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They accept the Page's message request. Errors: 100 where none waits."""
    thread = _thread(emulator, params)
    threads.accept(emulator, thread, emulator.clock.now())
    return _done(thread)


def let_person_decline(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They decline the Page's message request; nobody is told. Errors: 100 where none waits."""
    thread = _thread(emulator, params)
    threads.decline(thread)
    return _done(thread)


def let_person_block(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They block the Page (`blocked`: false takes it back): sends are refused with 551/1545041."""
    thread = _thread(emulator, params)
    thread.blocked = params.boolean("blocked") is not False
    return _done(thread)


def let_person_comment(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They write `message` under a post of the Page (`post_id`, else a post is made up). Gives the comment's id."""
    thread, now, world = _thread(emulator, params), emulator.clock.now(), emulator.world
    post_id = params.text("post_id") or f"{thread.page.id}_{world.new_id('71')}"
    comment_id = f"{post_id.rpartition('_')[2]}_{world.new_id('72')}"
    world.comments[comment_id] = Comment(comment_id, thread.page, thread.person, now, post_id)
    post = {
        "status_type": "added_photos",
        "is_published": True,
        "updated_time": emulator.clock.iso(now),
        "permalink_url": f"https://www.facebook.com/{post_id}",
        "id": post_id,
    }
    details = {"comment_id": comment_id, "parent_id": post_id, "post": post}
    _emit_feed(emulator, thread, "comment", post_id, params.text("message") or "How much is it?", now, details)
    return {**_done(thread), "comment_id": comment_id, "post_id": post_id}


def let_person_post(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They write `message` on the Page itself. Gives the post's id."""
    thread, now, world = _thread(emulator, params), emulator.clock.now(), emulator.world
    post_id = f"{thread.page.id}_{world.new_id('73')}"
    world.comments[post_id] = Comment(post_id, thread.page, thread.person, now)
    _emit_feed(emulator, thread, "post", post_id, params.text("message") or "Are you open on Sunday?", now, {})
    return {**_done(thread), "post_id": post_id}


def let_person_opt_in(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They use the Send-to-Messenger plugin with this `ref`; with a `user_ref` they tick the checkbox, which names nobody."""
    thread, now = _thread(emulator, params), emulator.clock.now()
    ref, user_ref = params.text("ref") or "", params.text("user_ref")
    if user_ref is None:
        threads.opt_in(emulator, thread, ref, now)
    else:
        threads.check_box(emulator, thread, ref, user_ref, now)
    return _done(thread)


def let_person_refer(emulator: Emulator, params: Params) -> dict[str, Any]:
    """They open an m.me link with this `ref`: told at once to who has written before, else with the first message."""
    thread = _thread(emulator, params)
    threads.follow_link(emulator, thread, params.must("ref"), emulator.clock.now())
    return _done(thread)


def _emit_feed(
    emulator: Emulator, thread: Thread, item: str, post_id: str, message: str, now: float, details: dict[str, Any]
) -> None:
    """`feed` names the person by an id that is no PSID."""
    profile = emulator.world.people.profile(thread.person)
    person_id = str(emulator.crowd.number(thread.person, "facebook"))
    value = {
        "item": item,
        "verb": "add",
        "post_id": post_id,
        "from": {"id": person_id, "name": f"{profile.first_name} {profile.last_name}"},
        "message": message,
        "created_time": int(now),
        **details,
    }
    emulator.emit(Event(thread.page.id, "feed", value, now, whole_seconds=True))


def _line(thread: Thread, mid: str) -> Line:
    line = next((one for one in thread.lines if one.mid == mid), None)
    if line is None:
        raise invalid("Param mid is no line of this conversation")
    return line


def _done(thread: Thread, **more: str) -> dict[str, Any]:
    token = thread.subscriber.token if thread.subscriber else ""
    return {"psid": thread.psid, "token": token, "request": thread.request, **more}
