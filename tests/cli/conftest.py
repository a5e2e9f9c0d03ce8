"""A command line in an empty folder, with and without an emulator of Meta behind it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from cli_meta import Meta, run_emulator
from typer.testing import CliRunner, Result

from guestlist.cli.main import app

CUSTOMERS = "email,phone,first_name\n" + "".join(f"guest{n}@example.com,07911 {123000 + n},Guest\n" for n in range(400))
CONSENT = ("--consent-by", "Ana, CRM", "--consent-words", "Yes, send me offers.", "--consent-basis", "checkbox at checkout")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, with no settings around."""
    for name in list(os.environ):
        if name.startswith(("GUESTLIST_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Puts the process's logging back after a command has set it up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def guestlist() -> Callable[..., Result]:
    """Runs a command inside the test: `guestlist("config", "show")`."""

    def invoke(*words: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=stdin, prog_name="guestlist")

    return invoke


@pytest.fixture
def ask(guestlist: Callable[..., Result]) -> Callable[..., Any]:
    """The document a command prints with `--json`; the command must succeed."""

    def invoke(*words: str) -> Any:
        result = guestlist(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return invoke


@pytest.fixture
def refusal(guestlist: Callable[..., Result]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """The exit code and the problem of a command that must not succeed, and must print nothing on stdout."""

    def invoke(*words: str) -> tuple[int, dict[str, Any]]:
        result = guestlist(*words, "--json")
        assert (result.exit_code != 0, result.stdout) == (True, "")
        problem = json.loads(result.stderr.splitlines()[-1])
        assert problem["exit_code"] == result.exit_code
        return result.exit_code, problem

    return invoke


@pytest.fixture
def start(empty_folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the program as a shell does; whatever still runs at the test's end is ended."""
    with ExitStack() as stack:

        def begin(*words: str) -> subprocess.Popen[bytes]:
            pipe = subprocess.PIPE
            command = [sys.executable, "-m", "guestlist", *words]
            process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture(scope="session")
def emulator() -> Iterator[Meta]:
    """One emulator for the whole run."""
    with run_emulator() as meta:
        yield meta


@pytest.fixture
def meta(emulator: Meta, monkeypatch: pytest.MonkeyPatch) -> Meta:
    """Meta as it is at first, and the settings of an installation that uses it."""
    emulator.reset()
    settings = {"META_APP_ID": "app_id", "META_APP_SECRET": "app_secret", "META_VERIFY_TOKEN": "verify_token"}
    for name, word in settings.items():
        monkeypatch.setenv(f"GUESTLIST_{name}", emulator.world[word])
    monkeypatch.setenv("GUESTLIST_GRAPH_URL", emulator.url)
    monkeypatch.setenv("PAGE_TOKEN", emulator.world["page_token"])
    monkeypatch.setenv("ADS_TOKEN", emulator.world["system_user_token"])
    return emulator


@pytest.fixture
def connect_words(meta: Meta) -> tuple[str, ...]:
    """The command that connects the emulator's Page."""
    ids = ("--page-id", meta.world["page_id"], "--ad-account", meta.world["ad_account_id"])
    return ("pages", "connect", *ids, "--page-token-env", "PAGE_TOKEN", "--ads-token-env", "ADS_TOKEN")


@pytest.fixture
def page(connect_words: tuple[str, ...], ask: Callable[..., Any]) -> str:
    """A connected Page."""
    return str(ask(*connect_words)["id"])


@pytest.fixture
def customer_list(ask: Callable[..., Any], empty_folder: Path) -> str:
    """An imported list of 400 customers."""
    (empty_folder / "customers.csv").write_text(CUSTOMERS)
    return str(ask("lists", "import", "customers.csv", "--region", "GB")["id"])


@pytest.fixture
def audience(page: str, ask: Callable[..., Any]) -> str:
    """An audience that Meta has."""
    return str(ask("audiences", "create", "--page", page, "--name", "Customers")["id"])


@pytest.fixture
def campaign(page: str, ask: Callable[..., Any]) -> str:
    """A campaign that Meta has, and subscribers to send it to."""
    ask("pages", "sync", page)
    return str(ask("campaigns", "create", "--page", page, "--name", "Autumn", "--text", "Two cups for one.")["id"])


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> tuple[int, bytes, bytes]:
    """Asks a process to end: its exit code and what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err
