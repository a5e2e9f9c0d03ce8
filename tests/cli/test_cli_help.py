"""Every command explains itself, takes --json, and completes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from guestlist.cli.main import app

PIECES_OF_TYPER = {"help", "install_completion", "show_completion"}


def iterate_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands and groups of the tree with their words."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from iterate_commands(child, (*path, name))


EVERYTHING = list(iterate_commands(typer.main.get_command(app)))
COMMANDS = [(path, command) for path, command in EVERYTHING if not hasattr(command, "commands")]


@pytest.mark.parametrize(("path", "command"), EVERYTHING, ids=[" ".join(path) or "root" for path, _ in EVERYTHING])
def test_everything_has_a_sentence_of_help(path: tuple[str, ...], command: Any, guestlist: Callable[..., Result]) -> None:
    first = (command.help or "").strip().splitlines()[0]

    assert first.endswith(".")
    assert all(getattr(param, "help", None) for param in command.params if param.name not in PIECES_OF_TYPER)
    assert guestlist(*path, "--help").exit_code == 0


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_takes_json(path: tuple[str, ...], command: Any) -> None:
    assert any("--json" in param.opts for param in command.params)


def test_without_a_command_the_help_is_shown(guestlist: Callable[..., Result]) -> None:
    result = guestlist()

    assert result.exit_code == 2
    assert "Usage: guestlist" in result.output


def test_completion_knows_the_commands() -> None:
    environment = {"_GUESTLIST_COMPLETE": "complete_bash", "COMP_WORDS": "guestlist lists ", "COMP_CWORD": "2"}

    result = CliRunner(env=environment).invoke(app, [], prog_name="guestlist")

    assert {"check", "hash", "import", "list", "show", "rejects", "delete"} <= set(result.stdout.split())


@pytest.mark.parametrize("path", [(), ("demo",), ("lists", "check"), ("audiences", "delete")])
def test_flags_take_no_value_in_the_help(path: tuple[str, ...], guestlist: Callable[..., Result]) -> None:
    assert "bool" not in guestlist(*path, "--help").stdout
