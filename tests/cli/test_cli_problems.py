"""Errors as a person and as a script read them, and the exit code of each."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from guestlist import errors
from guestlist.cli.main import Root
from guestlist.cli.options import Json

SECRET = "jane@example.com"


def fail_with(error: BaseException, *flags: str) -> Result:
    """A command of one app that raises the error."""
    app = typer.Typer(cls=Root)

    @app.command()
    def fail(as_json: Json = False, verbose: bool = False) -> None:
        raise error

    @app.command()
    def other() -> None: ...

    return CliRunner().invoke(app, ["fail", *flags])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.ListError("x"), 2),
        (errors.ConfigurationError("x"), 3),
        (errors.NotAllowedError("x"), 4),
        (errors.UnauthenticatedError("x"), 4),
        (errors.NotFoundError("x"), 5),
        (errors.RefusedError("x"), 6),
        (errors.PartlyDoneError("x"), 7),
        (errors.DependencyError("x"), 8),
        (OSError(errno.ENOSPC, "No space left on device"), 8),
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
        (BrokenPipeError(), 141),
        (ZeroDivisionError(), 1),
        (typer.Exit(7), 7),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_every_error_has_its_exit_code_and_keeps_off_stdout(error: BaseException, code: int, flags: tuple[str, ...]) -> None:
    result = fail_with(error, *flags)

    assert (result.exit_code, result.stdout) == (code, "")
    assert "Traceback" not in result.stderr


def test_a_known_error_says_what_happened_and_the_way_out() -> None:
    result = fail_with(errors.RefusedError("The list has no attestation.", remedy="Add --attest."))

    assert result.stderr == "Error: The list has no attestation.\nWhat to do: Add --attest.\n"


def test_with_json_a_known_error_is_a_problem_object() -> None:
    error = errors.NotFoundError("No audience aud_1.", remedy="List them.", code="no_audience", audience="aud_1")

    result = fail_with(error, "--json")

    assert json.loads(result.stderr) == {
        "type": "urn:guestlist:error:no_audience",
        "code": "no_audience",
        "title": "No audience aud_1.",
        "detail": "List them.",
        "status": 404,
        "exit_code": 5,
        "audience": "aud_1",
    }


def test_an_unexpected_error_is_one_line_with_an_id_and_nobodys_data() -> None:
    result = fail_with(ValueError(f"cannot read {SECRET}"))

    assert len(result.stderr.splitlines()) == 1
    assert "err_" in result.stderr
    assert "ValueError" in result.stderr
    assert SECRET not in result.stderr


def test_verbose_shows_where_an_unexpected_error_came_from_but_not_its_text() -> None:
    result = fail_with(ValueError(f"cannot read {SECRET}"), "--verbose")

    assert "in fail" in result.stderr
    assert SECRET not in result.stderr


def test_a_sentence_cannot_steer_the_terminal() -> None:
    result = fail_with(errors.ListError("No column \x1b[2J\x07 here."))

    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr


@pytest.mark.parametrize(
    "words", [("lists", "chek"), ("nothing",), ("lists", "check"), ("version", "--jsn"), ("emulator", "--port", "x")]
)
def test_a_wrong_command_line_exits_with_2_and_names_the_mistake(
    words: tuple[str, ...], guestlist: Callable[..., Result]
) -> None:
    result = guestlist(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: guestlist" in result.stderr


def test_with_json_a_wrong_command_line_is_a_problem_object_too(guestlist: Callable[..., Result]) -> None:
    result = guestlist("version", "--json", "--nope")

    problem = json.loads(result.stderr)
    assert (problem["code"], problem["exit_code"]) == ("usage", 2)
    assert "--nope" in problem["title"]
