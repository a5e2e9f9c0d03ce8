"""Field selection: `id,campaign{name}` picks from an object what the caller asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import GraphFault

MAX_DEPTH = 10
NAME = re.compile(r"[A-Za-z0-9_]+")
MODIFIER = re.compile(r"\.[a-z_]+\([^()]*\)")


def parse_fields(text: str) -> dict[str, Any]:
    """`"id,campaign{name}"` -> `{"id": None, "campaign": {"name": None}}`. Errors: 2500 on a syntax error."""
    selection, end = _parse_level(text, 0, 0)
    if end != len(text):
        raise _syntax(text, end)
    return selection


def _parse_level(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    if depth > MAX_DEPTH:
        raise _syntax(text, position)
    chosen: dict[str, Any] = {}
    while position < len(text) and text[position] != "}":
        if text[position] in ", \t\n":
            position += 1
            continue
        name = NAME.match(text, position)
        if name is None:
            raise _syntax(text, position)
        position = name.end()
        while modifier := MODIFIER.match(text, position):  # `.limit(5)`: accepted, of no effect here
            position = modifier.end()
        inner = None
        if text[position : position + 1] == "{":
            inner, position = _parse_level(text, position + 1, depth + 1)
            if text[position : position + 1] != "}":
                raise _syntax(text, position)
            position += 1
        chosen[name.group()] = inner
    return chosen, position


def _syntax(text: str, position: int) -> GraphFault:
    return GraphFault(f"Syntax error in field list at character {position}: {text[position : position + 20]!r}", code=2500)


def select_fields(record: Mapping[str, Any], selection: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The chosen fields that have a value, and always the id. Errors: 100 for a field this kind of object never has."""
    chosen: dict[str, Any] = {}
    for name, inner in selection.items():
        if name not in record:
            raise GraphFault(f"Tried accessing nonexisting field ({name}) on node type ({kind})", code=100)
        value = record[name]
        if value is None:
            continue
        if inner is not None and isinstance(value, dict):
            value = select_fields(value, inner, name)
        chosen[name] = value
    if record.get("id") is not None:
        chosen.setdefault("id", record["id"])
    return chosen
