"""`guestlist pages`: connecting is checked to the end before anything is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import Meta
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
Words = tuple[str, ...]
ALL = ["pages_messaging", "pages_manage_metadata", "ads_management", "paid_marketing_messages"]
UNKNOWN = "pag_01m7w7anwyac6ndf6dfhcp9t9k"


def test_a_connected_page_is_kept_with_its_id_for_the_next_command(connect_words: Words, guestlist: Command, ask: Ask) -> None:
    result = guestlist(*connect_words)

    (page,) = ask("pages", "list")["data"]
    assert f"Next: guestlist pages sync {page['id']}" in result.stderr
    assert page["name"] == "Northwind Coffee" in guestlist("pages", "show", page["id"]).stdout
    assert page["id"] in guestlist("pages", "list").stdout


def test_connecting_again_replaces_the_tokens_of_the_same_page(connect_words: Words, page: str, ask: Ask) -> None:
    assert ask(*connect_words)["id"] == page


@pytest.mark.parametrize("flags", [("--page-token-file", "page.token"), ("--page-token-file", "-")])
def test_tokens_come_from_a_file_or_a_pipe(
    flags: Words, connect_words: Words, meta: Meta, guestlist: Command, empty_folder: Path
) -> None:
    (empty_folder / "page.token").write_text(f"{meta.world['page_token']}\n")
    words = [word for word in connect_words if word not in ("--page-token-env", "PAGE_TOKEN")]

    result = guestlist(*words, *flags, stdin=f"{meta.world['page_token']}\n".encode())

    assert result.exit_code == 0
    assert meta.world["page_token"] not in result.output


def test_without_the_ads_token_the_page_token_is_used(connect_words: Words, meta: Meta, monkeypatch: Any, ask: Ask) -> None:
    strong = meta.control("/tokens", {"kind": "PAGE", "page_id": meta.world["page_id"], "scopes": ALL})
    monkeypatch.setenv("PAGE_TOKEN", strong["token"])

    assert ask(*connect_words[:-2])["state"] == "connected"


def test_a_dry_run_checks_everything_and_changes_nothing(connect_words: Words, ask: Ask, meta: Meta) -> None:
    told = ask(*connect_words, "--dry-run")

    assert told["dry_run"] is True
    assert "Northwind Coffee" in told["would"]
    assert meta.writes() == []
    assert ask("pages", "list")["data"] == []


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_dead_token_is_refused_and_nothing_is_kept(
    flags: Words, connect_words: Words, meta: Meta, refusal: Refusal, ask: Ask
) -> None:
    meta.control("/tokens/kill", {"token": meta.world["page_token"]})

    code, problem = refusal(*connect_words, *flags)

    assert (code, problem["code"]) == (4, "token_invalid")
    assert ask("pages", "list")["data"] == []


def test_a_missing_permission_is_named(connect_words: Words, meta: Meta, refusal: Refusal, monkeypatch: Any) -> None:
    weak = meta.control("/tokens", {"kind": "SYSTEM_USER", "scopes": ["paid_marketing_messages"]})
    monkeypatch.setenv("ADS_TOKEN", weak["token"])

    code, problem = refusal(*connect_words)

    assert (code, problem["code"]) == (4, "scope_missing")
    assert "ads_management" in problem["title"]


def test_terms_not_accepted_give_the_link_for_a_person(connect_words: Words, meta: Meta, refusal: Refusal) -> None:
    meta.control("/terms", {"ad_account_id": meta.world["ad_account_id"], "accepted": False})

    code, problem = refusal(*connect_words)

    assert (code, problem["code"]) == (6, "terms_not_accepted")
    assert problem["accept_url"].startswith("https://")
    assert problem["accept_url"] in problem["detail"]


def test_without_the_meta_app_it_is_a_matter_of_configuration(connect_words: Words, refusal: Refusal, monkeypatch: Any) -> None:
    monkeypatch.delenv("GUESTLIST_META_APP_SECRET")

    assert refusal(*connect_words)[0] == 3


def test_when_graph_is_down_it_is_a_dependency(connect_words: Words, refusal: Refusal, monkeypatch: Any) -> None:
    monkeypatch.setenv("GUESTLIST_GRAPH_URL", "http://127.0.0.1:1")

    code, problem = refusal(*connect_words)

    assert (code, problem["code"]) == (8, "graph_retry")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ((), "no_token"),
        (("--page-token-env", "NOWHERE"), "no_token"),
        (("--page-token-file", "gone"), "no_token"),
        (("--page-token-file", "two-lines"), "bad_token"),
        (("--page-token-file", "two-lines", "--page-token-env", "PAGE_TOKEN"), "bad_request"),
    ],
)
def test_a_token_that_is_not_there_is_a_usage_error(
    flags: Words, code: str, refusal: Refusal, empty_folder: Path, meta: Meta
) -> None:
    (empty_folder / "two-lines").write_text("EAAsecret one\ntwo\n")

    exit_code, problem = refusal("pages", "connect", "--page-id", "1", "--ad-account", "2", *flags)

    assert (exit_code, problem["code"]) == (2, code)
    assert "EAAsecret" not in str(problem)


def test_a_token_on_the_command_line_is_no_option(guestlist: Command, meta: Meta) -> None:
    result = guestlist("pages", "connect", "--page-id", "1", "--ad-account", "2", "--page-token", "EAAx")

    assert result.exit_code == 2


@pytest.mark.parametrize("verb", ["show", "sync"])
def test_an_unknown_page_is_not_found(verb: str, refusal: Refusal, meta: Meta) -> None:
    assert refusal("pages", verb, UNKNOWN)[0] == 5


def test_a_sync_that_fails_says_when_it_is_tried_again(page: str, meta: Meta, refusal: Refusal) -> None:
    meta.fail(path="*notification_message_tokens", error={"code": 100, "message": "no"})

    code, problem = refusal("pages", "sync", page)

    assert (code, problem["code"]) == (8, "sync_failed")


def test_a_token_that_dies_makes_the_page_rest_until_it_is_connected_again(
    page: str, connect_words: Words, meta: Meta, refusal: Refusal, ask: Ask
) -> None:
    meta.control("/tokens/kill", {"token": meta.world["page_token"]})

    code, problem = refusal("pages", "sync", page)

    assert (code, problem["code"], problem["page"]) == (7, "reconnect_needed", page)
    assert ask("pages", "show", page)["state"] == "reconnect"
    meta.control("/tokens/kill", {"token": meta.world["page_token"], "alive": True})
    ask(*connect_words)
    assert ask("pages", "sync", page)["reachable"] == 40


def test_an_address_that_meta_cannot_shake_hands_with_is_named(
    connect_words: Words, refusal: Refusal, monkeypatch: Any, ask: Ask
) -> None:
    monkeypatch.setenv("GUESTLIST_PUBLIC_URL", "http://127.0.0.1:1")

    code, problem = refusal(*connect_words)

    assert (code, problem["code"]) == (6, "callback_not_confirmed")
    assert "http://127.0.0.1:1/webhooks/meta" in problem["title"]
    assert "guestlist serve" in problem["detail"]
    assert ask(*connect_words, "--dry-run")["dry_run"] is True
