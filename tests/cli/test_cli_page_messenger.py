"""`guestlist pages profile` and `pages personas`: what people see of a Page on Messenger, kept at Meta."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
GREETING = [{"locale": "default", "text": "Hello!"}]


def test_a_profile_is_set_from_a_file_shown_and_cleared(page: str, ask: Ask, guestlist: Command, empty_folder: Path) -> None:
    given = {"greeting": GREETING, "get_started": {"payload": "START"}}
    (empty_folder / "profile.json").write_text(json.dumps(given))
    assert ask("pages", "profile", "set", page, "--file", "profile.json") == given
    assert "Hello!" in guestlist("pages", "profile", "show", page).stdout
    assert ask("pages", "profile", "clear", page, "--field", "greeting") == {"get_started": {"payload": "START"}}
    assert ask("pages", "profile", "clear", page) == {}
    assert "Nothing of the profile is set." in guestlist("pages", "profile", "show", page).stderr


@pytest.mark.parametrize(("text", "code"), [("[]", "bad_json"), ("{", "bad_json"), ('{"theme": 1}', "bad_profile")])
def test_a_profile_that_is_none_is_refused(page: str, refusal: Refusal, empty_folder: Path, text: str, code: str) -> None:
    (empty_folder / "profile.json").write_text(text)
    exit_code, problem = refusal("pages", "profile", "set", page, "--file", "profile.json")
    assert (exit_code, problem["code"]) == (2, code)


def test_personas_are_made_listed_and_ended(page: str, ask: Ask, guestlist: Command) -> None:
    made = ask("pages", "personas", "create", page, "--name", "Ana", "--picture", "https://cdn.acme.com/ana.png")
    assert ask("pages", "personas", "list", page) == {"data": [made]}
    assert made["id"] in guestlist("pages", "personas", "list", page).stdout
    assert ask("pages", "personas", "delete", page, made["id"]) == {"deleted": made["id"]}
    assert "no personas" in guestlist("pages", "personas", "list", page).stderr
