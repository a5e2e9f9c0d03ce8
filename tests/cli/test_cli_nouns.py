"""`guestlist subscribers`, `keys` and `events`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
NOBODY = "01m7w7anwyac6ndf6dfhcp9t9k"


def test_subscribers_are_counted_by_how_they_came(page: str, ask: Ask, guestlist: Command) -> None:
    assert "No subscriber is known." in guestlist("subscribers", "count", "--page", page).stderr
    ask("pages", "sync", page)

    counts = ask("subscribers", "count", "--page", page)

    assert counts["open"] == sum(each["open"] for each in counts["sources"].values()) == 40
    assert "all             40          0" in guestlist("subscribers", "count", "--page", page).stdout


def test_an_opt_out_holds_and_is_idempotent(page: str, ask: Ask, guestlist: Command) -> None:
    ask("pages", "sync", page)
    chosen = ask("subscribers", "list", "--limit", "1")["data"][0]["id"]

    first = ask("subscribers", "opt-out", chosen)

    assert first["opt_out_reason"] == "asked"
    assert ask("subscribers", "opt-out", chosen) == first
    assert [row["id"] for row in ask("subscribers", "list", "--opted-out")["data"]] == [chosen]
    assert len(ask("subscribers", "list", "--open", "--page", page)["data"]) == 39
    assert chosen in guestlist("subscribers", "opt-out", chosen).stdout


def test_a_listing_goes_on_behind_its_last_id(page: str, ask: Ask, guestlist: Command) -> None:
    ask("pages", "sync", page)

    first = ask("subscribers", "list", "--limit", "30")
    second = ask("subscribers", "list", "--limit", "30", "--after", first["next"])

    assert len({row["id"] for row in first["data"] + second["data"]}) == 40
    assert second["next"] is None
    assert f"--after {first['next']}" in guestlist("subscribers", "list", "--limit", "30").stderr


def test_neither_tokens_nor_ids_of_people_are_shown(page: str, ask: Ask) -> None:
    ask("pages", "sync", page)

    assert not {"token", "psid"} & ask("subscribers", "list")["data"][0].keys()


@pytest.mark.parametrize(
    "words",
    [
        ("subscribers", "list", "--page", f"pag_{NOBODY}"),
        ("subscribers", "count", "--page", f"pag_{NOBODY}"),
        ("subscribers", "opt-out", f"sub_{NOBODY}"),
        ("keys", "revoke", f"key_{NOBODY}"),
    ],
)
def test_what_is_not_there_is_not_found(words: tuple[str, ...], refusal: Refusal) -> None:
    assert refusal(*words)[0] == 5


NOUNS = ("pages", "accounts", "lists", "audiences", "subscribers", "campaigns", "contacts", "messages", "endpoints", "events")


@pytest.mark.parametrize("words", [*((noun, "list") for noun in NOUNS), ("audiences", "uploads"), ("lists", "mappings")])
@pytest.mark.parametrize("after", ["foo", f"rep_{NOBODY}"])
def test_a_listing_goes_on_only_behind_an_id_of_its_own(words: tuple[str, ...], after: str, refusal: Refusal) -> None:
    code, problem = refusal(*words, "--after", after)

    assert (code, problem["code"]) == (2, "bad_cursor")
    assert "`after`" in problem["title"]


def test_a_key_is_shown_once(ask: Ask, guestlist: Command, refusal: Refusal) -> None:
    made = ask("keys", "create", "shop")
    bare = guestlist("keys", "create", "till")

    assert made["key"].startswith("gl_")
    assert (bare.stdout[:3], bare.stdout.count("\n")) == ("gl_", 1)
    listed = guestlist("keys", "list", "--json").stdout
    assert [key["name"] for key in json.loads(listed)["data"]] == ["shop", "till"]
    assert not [key for key in (made["key"], bare.stdout.strip()) if key in listed]
    assert ask("keys", "revoke", made["id"]) == {"id": made["id"], "revoked": True}
    assert refusal("keys", "revoke", made["id"])[0] == 5
    assert "shop" in guestlist("keys", "list").stdout


def test_a_key_given_instead_of_its_id_is_not_repeated(guestlist: Command) -> None:
    result = guestlist("keys", "revoke", "gl_secret")

    assert result.exit_code == 2
    assert "gl_secret" not in result.output


def test_a_key_needs_a_name(refusal: Refusal) -> None:
    assert refusal("keys", "create", " ")[0] == 2


def test_events_tell_what_happened(page: str, ask: Ask, guestlist: Command) -> None:
    (event,) = ask("events", "list")["data"]

    assert (event["kind"], event["subject"]) == ("page.connected", page)
    assert "page.connected" in guestlist("events", "list").stdout


def test_an_empty_installation_says_how_to_begin(guestlist: Command) -> None:
    for noun in ("pages", "lists", "audiences", "campaigns", "keys"):
        result = guestlist(noun, "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"guestlist {noun}" in result.stderr
