"""`guestlist campaigns`: what is asked for is checked first, and what is shown adds up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import Meta
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
NOBODY = "01m7w7anwyac6ndf6dfhcp9t9k"
GOOD = ("--name", "Autumn", "--text", "Two cups for one.")


def test_a_message_comes_from_a_file_or_a_pipe(page: str, ask: Ask, guestlist: Command, empty_folder: Path) -> None:
    message = {"text": "Two cups for one.", "quick_replies": []}
    (empty_folder / "message.json").write_text(json.dumps(message))
    words = ("campaigns", "create", "--page", page, "--name", "Autumn", "--no-wait", "--json")

    made = ask(*words[:-1], "--message", "message.json")
    piped = guestlist(*words, "--message", "-", stdin=json.dumps(message).encode())

    assert made["message"] == message == json.loads(piped.stdout)["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--name", "X"), "bad_message"),
        ((*GOOD, "--message", "-"), "bad_message"),
        (("--name", "X", "--message", "gone.json"), "bad_message"),
        (("--name", "X", "--message", "broken.json"), "bad_message"),
        (("--name", "X", "--message", "list.json"), "bad_message"),
        (("--name", "X", "--text", "x" * 641), "bad_message"),
        (("--name", "X", "--text", " "), "bad_message"),
        (("--name", " ", "--text", "x"), "bad_name"),
        ((*GOOD, "--expires-at", "tomorrow"), "bad_expiry"),
        ((*GOOD, "--expires-at", "2099-01-01T00:00:00"), "bad_expiry"),
        ((*GOOD, "--expires-at", "2001-01-01T00:00:00Z"), "bad_expiry"),
        ((*GOOD, "--daily-budget", "5", "--lifetime-budget", "5"), "bad_budget"),
        ((*GOOD, "--daily-budget", "0"), "usage"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_draft_that_cannot_be_meant_is_a_usage_error(
    words: tuple[str, ...], code: str, flags: tuple[str, ...], refusal: Refusal, meta: Meta, empty_folder: Path
) -> None:
    (empty_folder / "broken.json").write_text('{"text": ')
    (empty_folder / "list.json").write_text("[]")

    exit_code, problem = refusal("campaigns", "create", "--page", f"pag_{NOBODY}", *words, *flags)

    assert (exit_code, problem["code"]) == (2, code)
    assert meta.writes() == []


@pytest.mark.parametrize("verb", ["show", "launch", "pause", "resume", "stop", "recipients"])
def test_an_unknown_campaign_is_not_found(verb: str, refusal: Refusal) -> None:
    assert refusal("campaigns", verb, f"cmp_{NOBODY}")[0] == 5


def test_an_unknown_page_or_audience_is_not_found(page: str, refusal: Refusal) -> None:
    assert refusal("campaigns", "create", "--page", f"pag_{NOBODY}", *GOOD)[0] == 5
    assert refusal("campaigns", "create", "--page", page, "--audience", f"aud_{NOBODY}", *GOOD)[0] == 5


def test_without_subscribers_there_is_nobody_to_launch_to(page: str, ask: Ask, refusal: Refusal) -> None:
    campaign = ask("campaigns", "create", "--page", page, *GOOD)["id"]

    for flags in ((), ("--dry-run",)):
        code, problem = refusal("campaigns", "launch", campaign, *flags)
        assert (code, problem["code"]) == (6, "no_recipients")


def test_dry_runs_count_the_recipients_and_change_nothing(
    page: str, campaign: str, ask: Ask, guestlist: Command, meta: Meta
) -> None:
    before = ask("campaigns", "list"), meta.writes()

    created = ask("campaigns", "create", "--page", page, *GOOD, "--dry-run")
    launched = ask("campaigns", "launch", campaign, "--dry-run")

    assert created["dry_run"]
    assert (launched["subscribers"], launched["recipients"], launched["excluded"]) == (40, 40, {})
    assert "Would launch “Autumn” to 40 recipients." in guestlist("campaigns", "launch", campaign, "--dry-run").stdout
    assert (ask("campaigns", "list"), meta.writes()) == before


def test_launching_says_that_a_server_sends(campaign: str, guestlist: Command, refusal: Refusal) -> None:
    launched = guestlist("campaigns", "launch", campaign)

    assert launched.exit_code == 0
    assert "`guestlist serve` will carry it out." in launched.stderr
    assert refusal("campaigns", "launch", campaign)[1]["code"] == "already_launched"


def test_the_shown_funnel_adds_up(campaign: str, ask: Ask, guestlist: Command) -> None:
    ask("subscribers", "opt-out", ask("subscribers", "list")["data"][0]["id"])
    ask("campaigns", "launch", campaign)

    shown = guestlist("campaigns", "show", campaign).stdout

    assert "39 recipients = 0 accepted + 0 failed + 0 unknown + 39 pending" in shown
    assert "40 subscribers = 39 recipients + 1 left out" in shown
    assert "1 opted_out" in shown


def test_recipients_are_listed_by_state_and_in_slices(campaign: str, ask: Ask, guestlist: Command) -> None:
    ask("campaigns", "launch", campaign)

    first = ask("campaigns", "recipients", campaign, "--state", "queued", "--limit", "15")
    second = ask("campaigns", "recipients", campaign, "--limit", "100", "--after", first["next"])

    assert [row["position"] for row in first["data"] + second["data"]] == list(range(1, 41))
    assert ask("campaigns", "recipients", campaign, "--state", "read")["data"] == []
    assert "--after 15" in guestlist("campaigns", "recipients", campaign, "--limit", "15").stderr
    assert guestlist("campaigns", "recipients", campaign, "--state", "lost").exit_code == 2


def test_pausing_and_resuming_leaves_the_warm_up_as_it_was(campaign: str, ask: Ask, refusal: Refusal) -> None:
    before = ask("campaigns", "launch", campaign)
    ask("campaigns", "pause", campaign)
    code, problem = refusal("campaigns", "pause", campaign)

    rehearsed = ask("campaigns", "resume", campaign, "--dry-run")
    still = ask("campaigns", "show", campaign)["state"]
    after = ask("campaigns", "resume", campaign)

    assert (code, problem["code"]) == (6, "cannot_pause")
    assert (rehearsed["dry_run"], still) == (True, "paused")
    assert (after["state"], after["ready_at"]) == ("warming", before["ready_at"])
    assert refusal("campaigns", "resume", campaign)[1]["code"] == "not_paused"


def test_stopping_closes_whoever_was_not_sent_to(campaign: str, ask: Ask, refusal: Refusal) -> None:
    ask("campaigns", "launch", campaign)

    assert ask("campaigns", "stop", campaign)["state"] == ask("campaigns", "stop", campaign)["state"] == "stopped"
    assert ask("campaigns", "show", campaign)["funnel"]["failed"] == {"stopped": 40}
    assert refusal("campaigns", "launch", campaign)[0] == 6


def test_a_campaign_that_meta_refuses_is_paused_with_the_act_it_waits_for(
    page: str, meta: Meta, refusal: Refusal, ask: Ask
) -> None:
    meta.fail(method="POST", path="*/message_campaign*", times=1, error={"code": 10, "subcode": 1404170, "message": "no"})

    code, problem = refusal("campaigns", "create", "--page", page, *GOOD)

    assert (code, problem["code"]) == (7, "campaign_paused")
    assert problem["campaign"] in problem["detail"]
    assert ask("campaigns", "show", problem["campaign"])["state"] == "paused"


def test_with_wait_and_no_server_the_command_sends_to_the_last_recipient(
    campaign: str, ask: Ask, meta: Meta, empty_folder: Path
) -> None:
    # Given a campaign that is warm, at Meta and here
    meta.control("/clock", {"advance_seconds": 7200})
    database = sqlite3.connect(empty_folder / "guestlist-data" / "guestlist.db")
    with database:
        database.execute("UPDATE campaigns SET ready_at = 1, due_at = 1")
    database.close()

    # When it is launched and waited for
    launched = ask("campaigns", "launch", campaign, "--wait")

    # Then nobody is pending
    funnel = ask("campaigns", "show", campaign)["funnel"]
    assert launched["state"] == "finished"
    assert (funnel["recipients"], funnel["pending"]) == (40, 0)
    assert funnel["accepted"] + sum(funnel["failed"].values()) == 40
    assert len([path for path in meta.writes() if path.endswith("/messages")]) == 40
