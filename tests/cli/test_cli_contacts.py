"""`guestlist contacts`: people kept, found, changed and forgotten from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
NOBODY = "con_01hq3k5y8v7d2w9g4m6n0p1r2s"


@pytest.fixture
def ana(ask: Ask) -> str:
    """A contact's id."""
    facts = ("--first-name", "Ana", "--phone", "+55 11 98765-4321", "--field", "tier=gold", "--field", "visits=3")
    return str(ask("contacts", "create", "--external-id", "crm-1", *facts)["id"])


def test_a_contact_is_made_shown_and_found_by_another_spelling_of_its_phone(ana: str, ask: Ask, guestlist: Command) -> None:
    shown = ask("contacts", "show", ana)
    assert (shown["external_id"], shown["fields"]) == ("crm-1", {"tier": "gold", "visits": 3})
    assert "Ana" in guestlist("contacts", "show", ana).stdout
    for wanted in (("--phone", "+55 11 8765-4321"), ("--field", "visits=3"), ("--first-name", "Ana"), ()):
        assert [each["id"] for each in ask("contacts", "list", *wanted)["data"]] == [ana]
    assert ask("contacts", "list", "--field", "visits=4")["data"] == []


def test_a_change_is_made_to_one_version_only(ana: str, ask: Ask, refusal: Refusal) -> None:
    changed = ask("contacts", "change", ana, "--last-name", "Diaz", "--field", "tier=null", "--version", "1")
    assert (changed["last_name"], changed["fields"], changed["version"]) == ("Diaz", {"visits": 3}, 2)
    code, problem = refusal("contacts", "change", ana, "--last-name", "Dias", "--version", "1")
    assert (code, problem["code"]) == (6, "contact_changed")


def test_an_upsert_knows_the_person_again(ana: str, ask: Ask) -> None:
    assert ask("contacts", "upsert", "--phone", "+5511987654321", "--email", "a@example.com")["id"] == ana
    assert ask("contacts", "upsert", "--email", "b@example.com")["id"] != ana


def test_two_become_one(ana: str, ask: Ask, refusal: Refusal) -> None:
    other = ask("contacts", "create", "--email", "a@example.com")["id"]
    assert len(ask("contacts", "merge", ana, other, "--yes")["addresses"]) == 2
    code, problem = refusal("contacts", "show", other)
    assert (code, problem["code"]) == (5, "merged")


def test_forgetting_says_what_remains(ana: str, ask: Ask, guestlist: Command, refusal: Refusal) -> None:
    assert guestlist("contacts", "timeline", ana).exit_code == 0
    assert guestlist("contacts", "delete", ana, "--yes").stdout == f"{ana} is deleted.\n"
    assert refusal("contacts", "timeline", ana)[0] == 5
    forgotten = ask("contacts", "forget", ana, "--yes")
    assert forgotten["contact_id"] == ana
    assert "contact_id" in [each["what"] for each in forgotten["remains"]]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("create", "--phone", "12"), "bad_contact"),
        (("create", "--field", "tier"), "bad_contact"),
        (("create", "--field", "_tier=1"), "bad_contact"),
        (("upsert", "--first-name", "Ana"), "nobody_named"),
        (("create", "--psid", "7"), "page_not_named"),
        (("timeline", NOBODY, "--after", "x"), "bad_cursor"),
        (("forget", NOBODY), "not_confirmed"),
    ],
)
def test_what_cannot_be_meant_is_refused(refusal: Refusal, given: tuple[str, ...], code: str) -> None:
    assert refusal("contacts", *given)[1]["code"] == code
