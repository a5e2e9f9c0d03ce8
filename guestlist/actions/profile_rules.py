"""What Meta takes in a Page's Messenger profile, checked before the call. Pure. Source: fact page 7.7."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from guestlist.channels.base import Problem
from guestlist.domain.urls import refuse_url

ICE_BREAKERS, MENU_ITEMS, MENU_TITLE, PAYLOAD = 4, 20, 30, 1000

Found = Iterator[Problem]


def check_profile(profile: Mapping[str, Any]) -> Sequence[Problem]:
    """All that Meta would not take, by field."""
    known = ", ".join(PROFILE_CHECKS)
    found: list[Problem] = []
    for name, value in profile.items():
        check = PROFILE_CHECKS.get(name)
        if check is None:
            found.append(Problem(name, "not_supported", f"A Messenger profile has {known}."))
        else:
            found += check(value, name)
    if not profile:
        found.append(Problem("profile", "missing", f"Give one of {known}."))
    return found


def _check_get_started(value: Any, place: str) -> Found:
    yield from _text(value, "payload", place, PAYLOAD)


def _check_greeting(value: Any, place: str) -> Found:
    for greeting, at in _objects(value):
        yield from _text(greeting, "locale", f"{place}{at}", None)
        yield from _text(greeting, "text", f"{place}{at}", None)
    yield from _list(value, place)


def _check_ice_breakers(value: Any, place: str) -> Found:
    """Four of them, in one list or in one for each locale."""
    yield from _list(value, place)
    groups = [(group, f"{place}{at}") for group, at in _objects(value) if "call_to_actions" in group]
    plain = [(each, f"{place}{at}") for each, at in _objects(value) if "call_to_actions" not in each]
    for group, at in groups:
        questions = group["call_to_actions"]
        yield from _list(questions, f"{at}.call_to_actions", ICE_BREAKERS, "ice breakers")
        for question, there in _objects(questions):
            yield from _check_question(question, f"{at}.call_to_actions{there}")
    if len(plain) > ICE_BREAKERS:
        yield Problem(f"{place}.{ICE_BREAKERS}", "too_many", f"There are at most {ICE_BREAKERS} ice breakers.")
    for question, at in plain:
        yield from _check_question(question, at)


def _check_question(question: Mapping[str, Any], place: str) -> Found:
    yield from _text(question, "question", place, None)
    yield from _text(question, "payload", place, PAYLOAD)


def _check_menu(value: Any, place: str) -> Found:
    yield from _list(value, place)
    for menu, at in _objects(value):
        items = menu.get("call_to_actions", [])
        yield from _list(items, f"{place}{at}.call_to_actions", MENU_ITEMS, "menu items")
        yield from _text(menu, "locale", f"{place}{at}", None)
        for item, there in _objects(items):
            yield from _check_item(item, f"{place}{at}.call_to_actions{there}")


def _check_item(item: Mapping[str, Any], place: str) -> Found:
    yield from _text(item, "title", place, MENU_TITLE)
    kind = item.get("type")
    if kind == "postback":
        yield from _text(item, "payload", place, PAYLOAD)
    elif kind == "web_url":
        if bad := refuse_url(str(item.get("url") or ""), https=True):
            yield Problem(f"{place}.url", bad.code, bad.sentence)
    else:
        yield Problem(f"{place}.type", "not_supported", "A menu item is a postback or a web_url.")


def _check_domains(value: Any, place: str) -> Found:
    yield from _list(value, place)
    for number, domain in enumerate(value if isinstance(value, list) else ()):
        if bad := refuse_url(str(domain)):
            yield Problem(f"{place}.{number}", bad.code, bad.sentence)


PROFILE_CHECKS: Mapping[str, Callable[[Any, str], Found]] = {
    "get_started": _check_get_started,
    "greeting": _check_greeting,
    "ice_breakers": _check_ice_breakers,
    "persistent_menu": _check_menu,
    "whitelisted_domains": _check_domains,
}
"""The fields of a profile."""


def _objects(value: Any) -> list[tuple[Mapping[str, Any], str]]:
    given = value if isinstance(value, list) else []
    return [(each, f".{number}") for number, each in enumerate(given) if isinstance(each, Mapping)]


def _list(value: Any, place: str, most: int | None = None, what: str = "") -> Found:
    if not isinstance(value, list) or not value:
        yield Problem(place, "bad_value", "This is a list, and not an empty one.")
    elif most is not None and len(value) > most:
        yield Problem(f"{place}.{most}", "too_many", f"There are at most {most} {what}.")


def _text(thing: Any, name: str, place: str, most: int | None) -> Found:
    value = thing.get(name) if isinstance(thing, Mapping) else None
    if not isinstance(value, str) or not value:
        yield Problem(f"{place}.{name}", "missing", f"`{name}` is needed: a text.")
    elif most is not None and len(value) > most:
        yield Problem(f"{place}.{name}", "too_long", f"`{name}` has at most {most:,} characters.")
