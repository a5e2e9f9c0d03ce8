"""Comapi's merge fields, `{{profile.firstName}}`, put as ours and back. An unknown field is an empty text (2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

_NAMES = {"firstName": "first_name", "lastName": "last_name", "id": "external_id"}
_OURS = {ours: theirs for theirs, ours in _NAMES.items()}
_FIELD = re.compile(r"\{\{\s*profile\.([A-Za-z0-9_.-]{1,100})\s*\}\}|\{\{\s*(body)\s*\}\}|\{\{")
_ADDRESSES = re.compile(rb"\{\{\s*profile\.(?:phoneNumber|mobileNumber|email|fbMessengerId|[A-Za-z0-9_-]{1,100}\.)")
_MADE = re.compile(
    r"\{\{ contact\.(first_name|last_name|external_id) \}\}"
    r"|\{\{ contact\.fields\[\"([A-Za-z0-9_-]{1,100})\"\] \| default\(\"\", true\) \}\}"
    r"|\{\{ (\"(?:[^\"\\]|\\.)*\") \}\}"
)


def translate_text(text: str, *, given: Mapping[str, str], body: str | None = None) -> str:
    """A text with our merge fields. `given` are values that are filled at once: what we keep as addresses, what Facebook told.

    `body` stands for `{{body}}`, translated already; None where that means nothing. Other braces stay what they are.
    """

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return body if found[2] and body is not None else found[0].replace("{{", '{{ "{{" }}', 1)
        if name in given or "." in name:
            return f"{{{{ {orjson.dumps(given.get(name, '')).decode()} }}}}"
        if name in _NAMES:
            return f"{{{{ contact.{_NAMES[name]} }}}}"
        return f'{{{{ contact.fields["{name}"] | default("", true) }}}}'

    return _FIELD.sub(put, text)


def translate_thing(value: Any, *, given: Mapping[str, str], body: str | None = None) -> Any:
    """The same for every text in a JSON value."""
    if isinstance(value, str):
        return translate_text(value, given=given, body=body)
    if isinstance(value, Mapping):
        return {name: translate_thing(each, given=given, body=body) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [translate_thing(each, given=given, body=body) for each in value]
    return value


def cut_text(text: str, length: int) -> str:
    """The beginning of a translated text, of at most so many characters; never half a merge field."""
    through = next((found.start() for found in _MADE.finditer(text) if found.start() < length < found.end()), length)
    return text[:through]


def needs_profile(asked: Mapping[str, Any]) -> bool:
    """Whether a request has merge fields that the engine cannot fill by itself later: addresses, inner ones, metadata's."""
    return bool(_ADDRESSES.search(orjson.dumps(asked))) or b"{{" in orjson.dumps(asked.get("metadata"))


def fill_thing(value: Any, values: Mapping[str, str]) -> Any:
    """Every text in a JSON value that is ours to keep, such as metadata, with its merge fields filled."""
    if isinstance(value, str):
        return _FIELD.sub(lambda found: values.get(found[1], "") if found[1] else found[0], value)
    if isinstance(value, Mapping):
        return {name: fill_thing(each, values) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [fill_thing(each, values) for each in value]
    return value


def tell_thing(value: Any) -> Any:
    """What was translated, in Comapi's words again."""
    if isinstance(value, str):
        return _MADE.sub(_tell, value)
    if isinstance(value, Mapping):
        return {name: tell_thing(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [tell_thing(each) for each in value]
    return value


def _tell(found: re.Match[str]) -> str:
    if found[3]:
        return str(orjson.loads(found[3]))
    return f"{{{{profile.{_OURS.get(found[1], found[2])}}}}}"
