"""Texts of dialects that have no merge fields: braces are kept from being read as ours, and told again as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

Thing = TypeVar("Thing")
_OPEN, _KEPT = "{{", '{{ "{{" }}'


def keep_braces(thing: Thing) -> Thing:
    """The content or options of a draft, in which `{{` says just that."""
    return _change(thing, _OPEN, _KEPT)


def tell_braces(thing: Thing) -> Thing:
    """The content or options of a stored draft as they were given."""
    return _change(thing, _KEPT, _OPEN)


def _change(thing: Thing, old: str, new: str) -> Thing:
    changed: Thing = msgspec.convert(_walk(msgspec.to_builtins(thing), old, new), type(thing))
    return changed


def _walk(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {name: _walk(each, old, new) for name, each in value.items()}
    if isinstance(value, list):
        return [_walk(each, old, new) for each in value]
    return value
