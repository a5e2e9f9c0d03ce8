"""Merge fields: what a draft says, filled with what is known of its contact.

    Hello {{ contact.first_name | default("there", true) }}, your code is {{ contact.fields.code }}.

Jinja2's sandbox, with expressions and a few filters only: a text may read, not loop, call or multiply itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
from jinja2 import ChainableUndefined, Template, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from guestlist.domain.messages import Content, Draft, Options, Target
from guestlist.errors import UsageError
from guestlist.storage.base import Row

_LONGEST = 20_000
"""Characters a filled text may have at most: more than any channel takes."""

FILTERS = (
    "capitalize",
    "d",
    "default",
    "first",
    "float",
    "int",
    "last",
    "length",
    "lower",
    "round",
    "title",
    "trim",
    "truncate",
    "upper",
)
"""What a merge field may do to a value."""


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"{operator} is not allowed")

    def is_safe_callable(self, obj: Any) -> bool:
        return False


_environment = _Sandbox(
    undefined=ChainableUndefined,
    autoescape=False,
    keep_trailing_newline=True,
    block_start_string="\ue000%",  # nobody writes these: there are no statements and no comments
    block_end_string="%\ue000",
    comment_start_string="\ue000#",
    comment_end_string="#\ue000",
)
_environment.globals.clear()
_environment.filters = {name: _environment.filters[name] for name in FILTERS}
_escaping = _environment.overlay(autoescape=True)

HTML = frozenset({"options.email.html", "content.raw.email.html"})
"""Texts that are HTML: what is filled in there is text of people, and must bring no markup."""


class BadMergeFieldError(UsageError):
    """A merge field cannot be filled."""

    code = "bad_merge_field"


def facts_of(contact: Row | None, target: Target) -> dict[str, Any]:
    """What merge fields may read: `contact.first_name`, `.last_name`, `.locale`, `.timezone`, `.external_id` and `.fields`.

    What the sender gave along goes before what we keep.
    """
    kept: Mapping[str, Any] = {} if contact is None else orjson.loads(contact["fields"])
    known = {name: "" if contact is None else contact[name] or "" for name in ("locale", "timezone")}
    return {
        "first_name": target.first_name or (contact["first_name"] if contact else ""),
        "last_name": target.last_name or (contact["last_name"] if contact else ""),
        "external_id": target.external_id or (contact["external_id"] or "" if contact else ""),
        "fields": {**kept, **target.fields},
        **known,
    }


def has_merge_fields(draft: Draft) -> bool:
    """Whether anything of the draft depends on its contact."""
    return _any_field(_texts(draft.content)) or _any_field(_texts(draft.options))


def fill(draft: Draft, facts: Mapping[str, Any]) -> Draft:
    """The draft with its merge fields filled. Errors: BadMergeFieldError naming the text, never its content."""
    if not has_merge_fields(draft):
        return draft
    content = _fill_thing(draft.content, facts, "content")
    return replace(draft, content=content, options=_fill_thing(draft.options, facts, "options"))


def _texts(thing: Content | Options) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


def _any_field(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(map(_any_field, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_any_field, value))
    if hasattr(value, "__dataclass_fields__"):
        return any(_any_field(getattr(value, name)) for name in value.__dataclass_fields__)
    return False


def _fill_thing(value: Any, facts: Mapping[str, Any], place: str) -> Any:
    if not _any_field(value):
        return value
    if isinstance(value, str):
        return _fill_text(value, facts, place)
    if isinstance(value, Mapping):
        return {name: _fill_thing(each, facts, f"{place}.{name}") for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fill_thing(each, facts, f"{place}.{number}") for number, each in enumerate(value))
    changed = {
        name: _fill_thing(getattr(value, name), facts, f"{place}.{name}")
        for name in value.__dataclass_fields__
        if _any_field(getattr(value, name))
    }
    return replace(value, **changed)


def _fill_text(text: str, facts: Mapping[str, Any], place: str) -> str:
    try:
        filled = _compile(text, place in HTML).render(contact=facts)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise _refusal(place, type(error).__name__) from None
    if len(filled) > _LONGEST:
        raise _refusal(place, "TooLong")
    return filled


@lru_cache(maxsize=512)
def _compile(text: str, escape: bool) -> Template:
    return (_escaping if escape else _environment).from_string(text)


def _refusal(place: str, kind: str) -> BadMergeFieldError:
    return BadMergeFieldError(
        f"A merge field in `{place}` cannot be filled ({kind}).",
        remedy='Write it as {{ contact.first_name | default("there", true) }}; only `contact` and its fields can be read.',
        field=place,
    )
