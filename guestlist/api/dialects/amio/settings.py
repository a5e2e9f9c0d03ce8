"""Amio's settings of a Messenger channel, on Meta's Messenger profile (3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from guestlist.actions import messenger_profiles
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.domain.messages import Channel
from guestlist.errors import UsageError
from guestlist.storage.senders import Account

from .asking import find_channel
from .contents import Loose, Text
from .errors import wrong

MENU_ITEMS = 3


class Button(Loose):
    """The get-started button."""

    payload: Text


class MenuItem(Loose):
    """A line of the menu."""

    type: Literal["url", "postback"]
    title: Text
    payload: Text


class Menu(Loose):
    """The menu in one language."""

    locale: Text
    items: list[MenuItem] = Field(max_length=MENU_ITEMS)


class Inputs(Loose):
    """Whether people may type, in one language."""

    locale: Text
    enabled: bool


class Settings(Loose):
    """The body of `PATCH …/settings`. What is left out stays; null removes."""

    get_started_button: Button | None = None
    menu: list[Menu] | None = None
    user_inputs: list[Inputs] | None = None
    domains_whitelist: list[Text] | None = None


async def get_settings(call: Call) -> Response:
    """The settings, read from Meta; null where nothing is set."""
    page = await _find_page(call)
    profile = await messenger_profiles.read_profile(call.services, call.workspace_id, page.id)
    return answer_json(tell_settings(profile))


async def update_settings(call: Call) -> Response:
    """Sets what is given, at Meta; null removes. The settings as they are then."""
    page = await _find_page(call)
    given = check_model(Settings, call.json())
    profile = await messenger_profiles.read_profile(call.services, call.workspace_id, page.id)
    wanted = build_profile(given, profile)
    if fields := {name: value for name, value in wanted.items() if value}:
        try:
            profile = await messenger_profiles.set_profile(call.services, call.workspace_id, page.id, fields)
        except UsageError as error:
            raise _in_amios_words(error) from None
    if gone := [name for name, value in wanted.items() if not value and name in profile]:
        await messenger_profiles.clear_profile(call.services, call.workspace_id, page.id, gone)
        profile = {name: value for name, value in profile.items() if name not in gone}
    return answer_json(tell_settings(profile))


async def _find_page(call: Call) -> Account:
    account = await find_channel(call, call.path["channel_id"])
    if account.channel is not Channel.MESSENGER:
        raise wrong("", "Only channels of type facebook_messenger have settings.")
    return account


def _in_amios_words(error: UsageError) -> UsageError:
    """A refusal of the profile's rules, told of the setting."""
    names = {"get_started": "get_started_button", "persistent_menu": "menu", "whitelisted_domains": "domains_whitelist"}
    found = []
    for each in error.data.get("errors", ()):
        name, _, rest = each["field"].partition(".")
        found.append({**each, "code": "invalid", "field": ".".join(filter(None, (names.get(name, name), rest)))})
    return UsageError(error.sentence, code=error.code, remedy=error.remedy, **({"errors": found} if found else {}))


def build_profile(given: Settings, profile: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Meta's profile that a change touches; None or empty = to be removed. Pure."""
    wanted: dict[str, Any] = {}
    named = given.model_fields_set
    if "get_started_button" in named:
        button = given.get_started_button
        wanted["get_started"] = {"payload": button.payload} if button else None
    if "domains_whitelist" in named:
        wanted["whitelisted_domains"] = given.domains_whitelist
    if named & {"menu", "user_inputs"}:
        wanted["persistent_menu"] = _build_menus(given, profile)
    return wanted


def _build_menus(given: Settings, profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Menus by language; a removed one takes along whether people may type."""
    kept: dict[str, dict[str, Any]] = {menu["locale"]: dict(menu) for menu in profile.get("persistent_menu") or ()}
    if "menu" in given.model_fields_set:
        for menu in kept.values():
            menu.pop("call_to_actions", None)
        for each in given.menu or ():
            items = [_build_item(item) for item in each.items]
            kept.setdefault(each.locale, {"locale": each.locale})["call_to_actions"] = items
    if "user_inputs" in given.model_fields_set:
        for menu in kept.values():
            menu.pop("composer_input_disabled", None)
        for inputs in given.user_inputs or ():
            kept.setdefault(inputs.locale, {"locale": inputs.locale})["composer_input_disabled"] = not inputs.enabled
            if not (inputs.enabled or kept[inputs.locale].get("call_to_actions")):
                raise wrong("user_inputs", "can be switched off only in a language that has a menu: Meta keeps it there.")
    return [menu for menu in kept.values() if menu.get("call_to_actions")]


def _build_item(item: MenuItem) -> dict[str, str]:
    if item.type == "url":
        return {"type": "web_url", "title": item.title, "url": item.payload}
    return {"type": "postback", "title": item.title, "payload": item.payload}


def tell_settings(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Meta's profile in Amio's words. Pure."""
    menus = profile.get("persistent_menu") or ()
    told = [
        {"locale": menu["locale"], "items": [_tell_item(item) for item in menu["call_to_actions"]]}
        for menu in menus
        if menu.get("call_to_actions")
    ]
    inputs = [
        {"locale": menu["locale"], "enabled": not menu["composer_input_disabled"]}
        for menu in menus
        if "composer_input_disabled" in menu
    ]
    button = profile.get("get_started")
    return {
        "get_started_button": {"payload": button["payload"]} if button else None,
        "menu": told or None,
        "user_inputs": inputs or None,
        "domains_whitelist": profile.get("whitelisted_domains") or None,
    }


def _tell_item(item: Mapping[str, Any]) -> dict[str, str]:
    if item.get("type") == "web_url":
        return {"type": "url", "title": item["title"], "payload": item["url"]}
    return {"type": item["type"], "title": item["title"], "payload": item.get("payload", "")}
