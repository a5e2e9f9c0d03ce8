"""`guestlist endpoints`: made, shown, tested, told again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
URL = "https://example.com/hooks"


@pytest.fixture
def endpoint(ask: Ask) -> dict[str, Any]:
    """An endpoint of everything."""
    made: dict[str, Any] = ask("endpoints", "create", URL, "--name", "shop")
    return made


def test_the_secret_stands_alone_on_stdout_and_is_not_shown_again(guestlist: Command, ask: Ask) -> None:
    made = guestlist("endpoints", "create", URL, "--kind", "message.*")
    secret = made.stdout.strip()
    assert secret.startswith("whsec_")
    assert "not shown again" in made.stderr
    [row] = ask("endpoints", "list")["data"]
    assert (row["url"], row["kinds"]) == (URL, ["message.*"])
    assert secret not in guestlist("endpoints", "show", row["id"]).stdout


def test_an_endpoint_of_a_dialect_without_signature_has_no_secret_to_show(guestlist: Command, ask: Ask) -> None:
    made = guestlist("endpoints", "create", URL, "--dialect", "gupshup")
    [row] = ask("endpoints", "list")["data"]
    assert (made.stdout.strip(), row["dialect"]) == (row["id"], "gupshup")
    assert "put what is secret into the URL" in made.stderr


def test_it_is_changed_and_ends(guestlist: Command, ask: Ask, endpoint: dict[str, Any]) -> None:
    changed = ask("endpoints", "update", endpoint["id"], "--kind", "list.*", "--disable")
    assert (changed["kinds"], changed["state"], changed["reason"]) == (["list.*"], "disabled", "by_hand")
    assert ask("endpoints", "update", endpoint["id"], "--all-kinds", "--enable")["kinds"] == []
    assert ask("endpoints", "delete", endpoint["id"], "--yes") == {"id": endpoint["id"], "deleted": True}
    assert "There is no endpoint." in guestlist("endpoints", "list").stderr


def test_a_test_event_waits_for_the_server_and_can_be_read(guestlist: Command, ask: Ask, endpoint: dict[str, Any]) -> None:
    notice = ask("endpoints", "test", endpoint["id"])
    assert (notice["kind"], notice["state"]) == ("endpoint.test", "pending")
    told = guestlist("endpoints", "notice", endpoint["id"], notice["id"]).stdout
    assert '"type":"endpoint.test"' in told
    assert [each["id"] for each in ask("endpoints", "notices", endpoint["id"])["data"]] == [notice["id"]]
    assert ask("endpoints", "replay", endpoint["id"], "--notice", notice["id"]) == {"replayed": 1}
    assert ask("endpoints", "replay", endpoint["id"], "--since", "2026-01-01T00:00:00Z") == {"replayed": 1}
    assert ask("endpoints", "replay", endpoint["id"], "--failed") == {"replayed": 0}


def test_a_rotation_prints_the_new_secret(guestlist: Command, endpoint: dict[str, Any]) -> None:
    fresh = guestlist("endpoints", "rotate", endpoint["id"]).stdout.strip()
    assert fresh.startswith("whsec_")
    assert fresh != endpoint["secret"]


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("create", "http://10.0.0.1/"), 2, "private_address"),
        (("create", URL, "--kind", "message.snet"), 2, "unknown_kind"),
        (("show", "end_01m7w7anwyac6ndf6dfhcp9t9k"), 5, "not_found"),
        (("replay", "end_01m7w7anwyac6ndf6dfhcp9t9k"), 2, "what_to_replay"),
        (("replay", "end_01m7w7anwyac6ndf6dfhcp9t9k", "--since", "yesterday"), 2, "bad_instant"),
        (("notices", "end_01m7w7anwyac6ndf6dfhcp9t9k", "--state", "lost"), 2, "bad_state"),
    ],
)
def test_a_refusal_says_which_code(refusal: Refusal, words: tuple[str, ...], exit_code: int, code: str) -> None:
    status, problem = refusal("endpoints", *words)
    assert (status, problem["code"]) == (exit_code, code)
