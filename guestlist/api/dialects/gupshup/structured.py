"""Gupshup's structured messages (4.3): the value of `message`, or the body of a bot's answer, as a draft's content. Pure.

Buttons that are to be told again carry their text and the message's `msgid` in the payload (`words.Tap`). Texts are literal:
Gupshup has no merge fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from guestlist.domain.messages import Button, Content, Media, QuickReply
from guestlist.errors import UsageError

from .words import Tap, build_payload

SURVEY_OPTIONS, QUICK_REPLIES, CARDS, CARD_BUTTONS = 3, 11, 10, 3
CARD_TEXT, REPLY_TITLE = 80, 20
LIST_ITEMS = (2, 4)
HEIGHTS = ("compact", "tall", "full")
MEDIA = {"image": "image", "audio": "audio", "video": "video", "file": "file", "sticker": "image"}

Given = Mapping[str, Any]


class BadStructureError(UsageError):
    """The structured message cannot be read."""

    code = "bad_structure"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message as it was given: what it says, its tag on Messenger, and its own id."""

    content: Content
    tag: str = ""
    msgid: str = ""


def read_message(text: str) -> Spoken:
    """Plain text, or the JSON of a structured message. Errors: BadStructureError naming the field and the limit."""
    given = _find_structure(text)
    if given is None:
        return Spoken(Content(text=text))
    kind = given.get("type")
    read = READERS.get(str(kind))
    if read is None:
        raise BadStructureError(f"A structured message is of a type among {', '.join(READERS)}.")
    return Spoken(read(given), tag=_find(given, "tag"), msgid=_find(given, "msgid"))


def _find_structure(text: str) -> Given | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return given if isinstance(given, dict) and "type" in given else None


# -- fields ---------------------------------------------------------------------------------------------------------


def _find(given: Given, *names: str) -> str:
    """The first of these that is given, as text; "" where none is."""
    for name in names:
        if (value := given.get(name)) not in (None, ""):
            if not isinstance(value, str):
                raise BadStructureError(f"`{name}` must be a text.")
            return value
    return ""


def _get(given: Given, *names: str, most: int | None = None) -> str:
    value = _find(given, *names)
    if not value:
        raise BadStructureError(f"`{names[0]}` is needed.")
    return _short(value, names[0], most)


def _short(value: str, name: str, most: int | None) -> str:
    if most is not None and len(value) > most:
        raise BadStructureError(f"`{name}` has at most {most} characters.")
    return value


def _list(given: Given, name: str, *, least: int = 0, most: int) -> list[Any]:
    value = given.get(name) or []
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise BadStructureError(f"`{name}` is a list of {least} to {most}.")
    return value


def _object(value: Any, name: str) -> Given:
    if not isinstance(value, Mapping):
        raise BadStructureError(f"`{name}` holds objects.")
    return value


def _height(given: Given) -> str:
    ratio = _find(given, "webview_height_ratio").lower()
    if ratio and ratio not in HEIGHTS:
        raise BadStructureError(f"`webview_height_ratio` is one of {', '.join(HEIGHTS)}.")
    return ratio


# -- types ----------------------------------------------------------------------------------------------------------


def _read_text(given: Given) -> Content:
    return Content(text=_get(given, "text"))


def _read_poll(given: Given) -> Content:
    msgid = _find(given, "msgid")
    return Content(text=_get(given, "question"), buttons=tuple(_read_button(each, msgid) for each in ("Yes", "No")))


def _read_survey(given: Given) -> Content:
    msgid = _find(given, "msgid")
    options = _list(given, "options", least=1, most=SURVEY_OPTIONS)
    return Content(text=_get(given, "question"), buttons=tuple(_read_button(each, msgid) for each in options))


def _read_button(option: Any, msgid: str, *, position: int | None = None) -> Button:
    """A button. One on a card tells its title and the card's position, such as "Buy 2"."""
    given = {"type": "text", "title": option} if isinstance(option, str) else _object(option, "options")
    title, kind = _get(given, "title"), _find(given, "type") or "text"
    if kind == "url":
        return Button("web_url", title, url=_get(given, "url"), webview_height_ratio=_height(given))
    if kind == "phone_number":
        return Button("phone_number", title, payload=_get(given, "phone_number", "title"))
    if kind != "text":
        raise BadStructureError("An option is of the type text, url or phone_number; Messenger has no other any more.")
    told = title if position is None else f"{title} {position}"
    return Button("postback", title, payload=build_payload(Tap(told, msgid, _find(given, "postbackText"))))


def _read_quick_reply(given: Given) -> Content:
    msgid = _find(given, "msgid")
    options = _list(given, "options", least=1, most=QUICK_REPLIES)
    replies = tuple(_read_reply(each, msgid) for each in options)
    return replace(_read_inner(_object(given.get("content"), "content")), quick_replies=replies)


def _read_inner(content: Given) -> Content:
    """What quick replies stand under."""
    kind = _find(content, "type") or "text"
    if kind == "catalogue":
        return _read_catalogue(content)
    title, caption = _find(content, "header"), _find(content, "caption")
    if kind == "text":
        lines = filter(None, (_get(content, "text"), caption))
        return Content(title=title, text="\n".join(lines))
    if kind not in MEDIA:
        raise BadStructureError(f"`content.type` is one of text, catalogue, {', '.join(MEDIA)}.")
    text = "\n".join(filter(None, (_find(content, "text"), caption)))
    return Content(title=title, text=text, parts=(_read_file(content, kind),))


def _read_reply(option: Any, msgid: str) -> QuickReply:
    given = {"title": option} if isinstance(option, str) else _object(option, "options")
    if _find(given, "type") == "location":
        raise BadStructureError("Messenger has no quick reply for a location any more: ask in words.")
    title = _get(given, "title", most=REPLY_TITLE)
    payload = build_payload(Tap(title, msgid, _find(given, "postbackText")))
    return QuickReply("text", title, payload, _find(given, "iconurl"))


def _read_catalogue(given: Given) -> Content:
    msgid = _find(given, "msgid")
    items = _list(given, "items", least=1, most=CARDS)
    cards = [_read_card(each, msgid, position=number) for number, each in enumerate(items, 1)]
    ratio = _find(given, "imageaspectratio")
    shape = {"image_aspect_ratio": ratio} if ratio else {}
    return Content(template={"template_type": "generic", **shape, "elements": cards})


def _read_card(item: Any, msgid: str, *, position: int, extra: Sequence[Any] = ()) -> dict[str, Any]:
    given = _object(item, "items")
    card: dict[str, Any] = {"title": _get(given, "title", most=CARD_TEXT)}
    if subtitle := _short(_find(given, "subtitle"), "subtitle", CARD_TEXT):
        card["subtitle"] = subtitle
    if image := _find(given, "imgurl"):
        card["image_url"] = image
    if action := given.get("defaultaction") or given.get("defaultAction"):
        page = _object(action, "defaultaction")
        ratio = _height(page)
        height = {"webview_height_ratio": ratio} if ratio else {}
        card["default_action"] = {"type": "web_url", "url": _get(page, "url"), **height}
    options = [*_list(given, "options", most=CARD_BUTTONS), *extra]
    if options:
        card["buttons"] = [_build_button(_read_button(each, msgid, position=position)) for each in options]
    return card


def _build_button(button: Button) -> dict[str, str]:
    """A button of a template, as Messenger writes it."""
    ratio = {"webview_height_ratio": button.webview_height_ratio} if button.webview_height_ratio else {}
    goes_to = {"url": button.url} if button.type == "web_url" else {"payload": button.payload}
    return {"type": button.type, "title": button.title, **goes_to, **ratio}


def _read_list(given: Given) -> Content:
    """Meta withdrew the list template: a bot's list goes as a carousel, the current API's as a text with quick replies."""
    msgid = _find(given, "msgid")
    if _find(given, "body"):
        return _read_menu(given, msgid)
    least, most = LIST_ITEMS
    items = _list(given, "items", least=least, most=most)
    under = _list(given, "globalButtons", most=1)
    cards = [
        _read_card(each, msgid, position=number, extra=under if number == len(items) else ())
        for number, each in enumerate(items, 1)
    ]
    return Content(template={"template_type": "generic", "elements": cards})


def _read_menu(given: Given, msgid: str) -> Content:
    items = [_object(each, "items") for each in _list(given, "items", least=1, most=CARDS)]
    options = [option for item in items for option in _list(item, "options", least=1, most=CARDS)]
    if len(options) > QUICK_REPLIES:
        raise BadStructureError(f"A list has at most {QUICK_REPLIES} options in all: they go as quick replies.")
    replies = tuple(_read_reply({**_object(each, "options"), "type": "text"}, msgid) for each in options)
    return Content(title=_find(given, "title"), text=_get(given, "body"), quick_replies=replies)


def _read_receipt(given: Given) -> Content:
    kept = {name: value for name, value in given.items() if name not in ("type", "msgid", "tag")}
    return Content(template={"template_type": "receipt", **kept})


def _read_media(given: Given) -> Content:
    return Content(text=_find(given, "caption"), parts=(_read_file(given, str(given["type"])),))


def _read_file(given: Given, kind: str) -> Media:
    return Media(MEDIA[kind], url=_get(given, "url", "originalUrl"), name=_find(given, "filename"))


def _refuse(given: Given) -> Content:
    raise BadStructureError(f"No channel here carries a message of the type {given['type']}.")


READERS: Mapping[str, Callable[[Given], Content]] = {
    "text": _read_text,
    "poll": _read_poll,
    "survey": _read_survey,
    "quick_reply": _read_quick_reply,
    "catalogue": _read_catalogue,
    "list": _read_list,
    "receipt": _read_receipt,
    **dict.fromkeys(MEDIA, _read_media),
    "location": _refuse,
    "contact": _refuse,
}
"""What reads each type of structured message."""
