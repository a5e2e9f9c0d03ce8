"""`guestlist messages`: sent from the command line, without and with a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.messaging import add_account
from typer.testing import Result

from guestlist.app import open_app
from guestlist.domain.messages import Channel
from guestlist.settings import load_settings

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
TO_SMS = ("--phone", "+44 7911 123456", "--rule", "sms", "--text", "Ready.")


@pytest.fixture
def sms(empty_folder: Path) -> str:
    """A sandbox account for SMS; its id."""

    async def add() -> str:
        async with open_app(load_settings()) as app:
            house: Any = SimpleNamespace(services=app.services, workspace_id=app.workspace_id)
            return str((await add_account(house, Channel.SMS))["id"])

    return asyncio.run(add())


def test_a_message_is_sent_here_where_no_server_runs(sms: str, ask: Ask, guestlist: Command) -> None:
    sent = ask("messages", "send", *TO_SMS)
    assert (sent["state"], sent["channel"], sent["deliveries"][0]["account_id"]) == ("sent", "sms", sms)
    shown = guestlist("messages", "show", sent["id"]).stdout
    assert "The provider took part 1." in shown
    assert "7911" not in shown
    assert [row["id"] for row in ask("messages", "list", "--state", "sent")["data"]] == [sent["id"]]
    assert sent["id"] in guestlist("messages", "list").stdout


def test_a_message_left_to_the_server_can_be_cancelled_and_redacted(
    sms: str, ask: Ask, guestlist: Command, refusal: Refusal
) -> None:
    sent = ask("messages", "send", *TO_SMS, "--no-wait")
    assert sent["state"] == "queued"
    assert refusal("messages", "redact", sent["id"])[0] == 6
    assert ask("messages", "cancel", sent["id"])["state"] == "cancelled"
    assert "redacted since" in guestlist("messages", "redact", sent["id"]).stdout
    assert ask("messages", "show", sent["id"])["content"]["text"] == ""


def test_explaining_says_what_closes_each_rule(sms: str, ask: Ask, guestlist: Command) -> None:
    words = ("--phone", "+447911123456", "--rule", "messenger", "--rule", f"sms:{sms}", "--text", "Ready.")
    said = guestlist("messages", "explain", *words).stdout.splitlines()
    assert said[0].startswith("1. messenger: no_account.")
    assert said[1] == "2. sms: would be taken"
    assert ask("messages", "explain", *words)["taken"] == 2
    assert ask("messages", "list")["data"] == []


def test_a_whole_message_comes_from_a_file(sms: str, ask: Ask, empty_folder: Path) -> None:
    given = {"to": {"phone": "+447911123456"}, "rules": ["email", "sms"], "text": "Ready.", "metadata": {"order": 7}}
    (empty_folder / "message.json").write_text(json.dumps(given))
    sent = ask("messages", "send", "--file", "message.json")
    assert (sent["state"], sent["metadata"]) == ("sent", {"order": 7})
    assert [(each["channel"], each["reason"]) for each in sent["deliveries"]] == [("email", "no_account"), ("sms", "")]


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("--rule", "sms", "--text", "x"), 2, "bad_message"),
        (("--phone", "0791", "--rule", "sms", "--text", "x"), 2, "bad_message"),
        (("--phone", "+447911123456", "--rule", "pigeon", "--text", "x"), 2, "bad_message"),
        (("--email", "a@b.example", "--rule", "sms", "--text", "x"), 6, "no_address"),
        (("--file", "nowhere.json"), 2, "bad_message"),
        (("--file", "nowhere.json", "--text", "x"), 2, "bad_message"),
    ],
)
def test_what_cannot_be_sent_is_refused(sms: str, refusal: Refusal, words: tuple[str, ...], code: int, problem: str) -> None:
    exit_code, told = refusal("messages", "send", *words)
    assert (exit_code, told["code"]) == (code, problem)


def test_a_message_that_is_not_there_is_not_found(guestlist: Command, refusal: Refusal) -> None:
    for verb in ("show", "cancel", "redact"):
        assert refusal("messages", verb, "msg_01m7w7anwyac6ndf6dfhcp9t9k")[0] == 5
    assert "guestlist messages send" in guestlist("messages", "list").stderr
