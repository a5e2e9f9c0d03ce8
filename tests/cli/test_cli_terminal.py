"""On a terminal what is missing is asked for: tokens without echo, the attestation part by part."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Any

import pytest
from cli_meta import CONSENT, Meta

ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
Ask = Callable[..., Any]


def converse(words: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Runs a command on a terminal and answers its questions: its exit code, and everything the terminal showed."""
    command = [sys.executable, "-c", ON_A_TERMINAL, sys.executable, "-m", "guestlist", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process, killed_late(process):
        assert process.stdin is not None
        assert process.stdout is not None
        shown = ""
        for question, answer in answers:
            asked = ""
            while question not in asked or not asked.endswith(": "):  # a hidden answer given before the last blank is dropped
                letter = process.stdout.read(1)
                assert letter, f"never asked: {question}\n{shown}"
                asked, shown = asked + letter, shown + letter
            process.stdin.write(f"{answer}\n")
            process.stdin.flush()
        rest, _ = process.communicate(timeout=60)
    return process.returncode, shown + rest


@contextmanager
def killed_late(process: subprocess.Popen[str]) -> Iterator[None]:
    """Ends a conversation in which one waits for the other."""
    timer = Timer(60, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def test_tokens_are_asked_for_and_not_echoed(meta: Meta, ask: Ask) -> None:
    words = ("pages", "connect", "--page-id", meta.world["page_id"], "--ad-account", meta.world["ad_account_id"])

    code, shown = converse(
        words, [("Page token:", meta.world["page_token"]), ("System user's token", meta.world["system_user_token"])]
    )

    assert code == 0
    assert not [secret for secret in meta.secrets if secret in shown]
    assert ask("pages", "list")["data"][0]["name"] == "Northwind Coffee"


def test_the_attestation_is_asked_for_part_by_part(audience: str, customer_list: str, ask: Ask) -> None:
    words = ("audiences", "upload", audience, "--list", customer_list, "--consent-by", "Ana, CRM")

    code, shown = converse(words, [("exact words", CONSENT[3]), ("How did they agree", CONSENT[5])])

    assert code == 0, shown
    (consent,) = ask("audiences", "show", audience)["consents"]
    assert (consent["by"], consent["words"], consent["basis"]) == CONSENT[1::2]


@pytest.mark.parametrize(("answer", "code", "state"), [("n", 130, "ready"), ("y", 0, "deleted")])
def test_deleting_is_asked_for(answer: str, code: int, state: str, audience: str, ask: Ask) -> None:
    assert converse(("audiences", "delete", audience), [("for good?", answer)])[0] == code
    assert ask("audiences", "show", audience)["state"] == state
