"""A command line in an empty folder, with and without an emulator of Meta behind it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from cli_meta import CUSTOMERS, Meta, run_emulator
from typer.main import get_command
from typer.testing import CliRunner, Result

from guestlist.cli.main import app


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, with no settings around."""
    for name in list(os.environ):
        if name.startswith(("GUESTLIST_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def _one_tree() -> Iterator[None]:
    """Builds the tree of commands once a session: the runner would build it for every call, which takes longer than the call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield


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
