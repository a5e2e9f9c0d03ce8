"""What a Page shows of itself in Messenger, its personas, and what it may know of a person (fact page 7.7, 9)."""

from __future__ import annotations

from typing import Any

from .calls import Call
from .errors import GraphFault, invalid
from .fields import parse_fields, select_fields
from .message_templates import check_title
from .paging import build_page
from .things import Page, Persona, Thread

MOST_NAME, MOST_ICE_BREAKERS, MOST_MENU, MENU_TITLE = 50, 4, 20, 30
PROPERTIES = frozenset({"get_started", "greeting", "ice_breakers", "persistent_menu", "whitelisted_domains"})
LISTS = PROPERTIES - {"get_started"}
BASIC = "id,name,first_name,last_name,profile_pic"
GUARDED = {"locale": "pages_user_locale", "timezone": "pages_user_timezone", "gender": "pages_user_gender"}


# -- personas -------------------------------------------------------------------------------------------------------


def create_persona(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/personas`. Errors: 100."""
    _check_caller(call, page)
    check_title(call.params, "name", MOST_NAME, what="persona")
    persona = Persona(call.emulator.world.new_id("63"), page, call.params.must("name"), call.params.must("profile_picture_url"))
    page.personas.append(persona)
    call.emulator.world.objects[persona.id] = persona
    return {"id": persona.id}


def list_personas(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>/personas`."""
    _check_caller(call, page)
    return build_page(call, page.personas, _show_persona)


def read_persona(call: Call, persona: Persona) -> dict[str, Any]:
    """`GET /<PERSONA_ID>`."""
    _check_caller(call, persona.page)
    return _show_persona(persona)


def delete_persona(call: Call, persona: Persona) -> dict[str, Any]:
    """`DELETE /<PERSONA_ID>`."""
    _check_caller(call, persona.page)
    persona.page.personas.remove(persona)
    del call.emulator.world.objects[persona.id]
    return {"success": True}


def _show_persona(persona: Persona) -> dict[str, Any]:
    return {"id": persona.id, "name": persona.name, "profile_picture_url": persona.picture_url}


def _check_caller(call: Call, page: Page) -> None:
    call.require_page(page)
    call.require("pages_messaging")


# -- Messenger profile ----------------------------------------------------------------------------------------------


def set_profile(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/messenger_profile`: replaces the properties given. Errors: 100, 613 more than 10 calls in 10 minutes."""
    _count_profile(call, page)
    given = [name for name in call.params if name in PROPERTIES]
    if not given:
        raise invalid(f"Give one of {', '.join(sorted(PROPERTIES))}")
    values: dict[str, Any] = {}
    for name in given:
        values[name] = call.params.sequence(name) if name in LISTS else call.params.mapping(name)
    _check_properties(values, page)
    page.profile.update(values)
    return {"result": "success"}


def _check_properties(values: dict[str, Any], page: Page) -> None:
    if "get_started" in values and not (values["get_started"] or {}).get("payload"):
        raise invalid("Param get_started must hold a payload")
    for greeting in values.get("greeting") or []:
        if not isinstance(greeting, dict) or not greeting.get("locale") or not isinstance(greeting.get("text"), str):
            raise invalid("A greeting needs a locale and a text")
    breakers = values.get("ice_breakers") or []
    for group in _groups(breakers, "ice_breakers"):
        if len(group) > MOST_ICE_BREAKERS or not all(each.get("question") and each.get("payload") for each in group):
            raise invalid(f"There are at most {MOST_ICE_BREAKERS} ice_breakers, each with question and payload")
    menus = values.get("persistent_menu") or []
    if menus and not (values.get("get_started") or page.profile.get("get_started")):
        raise invalid("A persistent_menu needs get_started")
    for group in _groups(menus, "persistent_menu"):
        if len(group) > MOST_MENU:
            raise invalid(f"A persistent_menu has at most {MOST_MENU} items")
        for item in group:
            check_title(item, "title", MENU_TITLE, what="menu item")


def _groups(entries: list[Any], name: str) -> list[list[dict[str, Any]]]:
    """The entries of each locale; ice breakers without a locale are one group."""
    if not all(isinstance(entry, dict) for entry in entries):
        raise invalid(f"Param {name} must be an array of objects")
    if entries and not any("call_to_actions" in entry for entry in entries):
        return [entries] if name == "ice_breakers" else [[]]
    groups = [entry.get("call_to_actions") for entry in entries]
    if not all(isinstance(group, list) and all(isinstance(each, dict) for each in group) for group in groups):
        raise invalid(f"The call_to_actions of {name} must be arrays of objects")
    return groups


def read_profile(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>/messenger_profile?fields=…`."""
    _count_profile(call, page)
    names = _names(call)
    found = {name: page.profile[name] for name in names if name in page.profile}
    return {"data": [found] if found else []}


def delete_profile(call: Call, page: Page) -> dict[str, Any]:
    """`DELETE /<PAGE_ID>/messenger_profile` with `fields`. Errors: 100, also for get_started while a menu needs it."""
    _count_profile(call, page)
    names = _names(call)
    if "get_started" in names and "persistent_menu" in page.profile and "persistent_menu" not in names:
        raise invalid("The persistent_menu needs get_started: delete both")
    for name in names:
        page.profile.pop(name, None)
    return {"result": "success"}


def _names(call: Call) -> list[str]:
    names = [str(name) for name in call.params.sequence("fields", required=True) or []]
    if not names or not PROPERTIES.issuperset(names):
        raise invalid(f"Param fields must name some of {', '.join(sorted(PROPERTIES))}")
    return names


def _count_profile(call: Call, page: Page) -> None:
    _check_caller(call, page)
    call.emulator.limits.check_pace("profile", page.id, call.now)


# -- the person -----------------------------------------------------------------------------------------------------


def read_person(call: Call, thread: Thread) -> dict[str, Any]:
    """`GET /<PSID>`: who somebody is that has written to the Page. Errors: 100/33, 100/2018218, 200/2018247.

    Locale, timezone and gender are left out where the token lacks their permission.
    """
    call.require_page(thread.page)
    call.require("pages_messaging")
    if thread.last_inbound < 0:
        raise GraphFault("The profile is not available: the person has not written to the Page", code=100, subcode=2018218)
    profile = call.emulator.world.people.profile(thread.person)
    record: dict[str, Any] = {
        "id": thread.psid,
        "name": f"{profile.first_name} {profile.last_name}".strip(),
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "profile_pic": f"https://platform-lookaside.example/{thread.psid}.jpg",
        "locale": profile.locale,
        "timezone": profile.timezone,
        "gender": profile.gender,
    }
    for name, scope in GUARDED.items():
        if scope not in call.known_token.scopes:
            record[name] = None
    return select_fields(record, parse_fields(call.params.text("fields") or BASIC), "User")
