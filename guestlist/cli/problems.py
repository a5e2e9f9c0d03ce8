"""What a person or a script reads when a command fails: what, where, the way out, and an exit code that means one thing."""

from __future__ import annotations

import errno
import secrets
import sys
import traceback
from typing import Any

import typer
from typer._click.exceptions import ClickException
from typer.rich_utils import rich_format_error

from guestlist.cli.output import printable, say, say_json
from guestlist.errors import DependencyError, GuestlistError, type_of

INTERRUPTED = 130
READER_GONE = 141  # what a shell reports for a program that a closed pipe ended

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def report(error: BaseException, *, as_json: bool, verbose: bool) -> int:
    """Says on stderr what went wrong; the exit code."""
    match error:
        case ClickException():
            return report_usage(error, as_json=as_json)
        case KeyboardInterrupt() | typer.Abort():
            return report_interruption(as_json=as_json)
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):
            return READER_GONE
        case GuestlistError():
            return report_known(error, as_json=as_json, verbose=verbose)
        case OSError(errno=number) if number in DISK_FULL:
            full = DependencyError(
                "The disk is full; nothing more could be written.", code="disk_full", remedy="Make room and run it again."
            )
            return report_known(full, as_json=as_json, verbose=verbose)
        case _:
            return report_unexpected(error, as_json=as_json, verbose=verbose)


def report_interruption(*, as_json: bool) -> int:
    """Ctrl-C. What was accepted before stays accepted."""
    if as_json:
        print_problem({"code": "interrupted", "title": "Interrupted.", "exit_code": INTERRUPTED})
    else:
        say("Interrupted.")
    return INTERRUPTED


def report_usage(error: ClickException, *, as_json: bool) -> int:
    """A flag or argument is wrong."""
    if as_json:
        print_problem({"code": "usage", "title": error.format_message(), "status": 400, "exit_code": error.exit_code})
    else:
        rich_format_error(error)
    return error.exit_code


def report_known(error: GuestlistError, *, as_json: bool, verbose: bool) -> int:
    """An error of our tree: its own sentence, remedy and exit code."""
    if as_json:
        print_problem(
            {
                "code": error.code,
                "title": error.sentence,
                "detail": error.remedy,
                "status": error.status,
                "exit_code": error.exit_code,
            }
            | dict(error.data)
        )
        return error.exit_code
    say(f"Error: {printable(error.sentence)}", style="bold red")
    if error.remedy:
        say(f"What to do: {printable(error.remedy)}")
    if verbose:
        say(f"({error.code}, exit {error.exit_code})", style="dim")
    return error.exit_code


def report_unexpected(error: BaseException, *, as_json: bool, verbose: bool) -> int:
    """A fault of ours: one line with an id. The error's own text may hold a customer's data, so only its kind is told."""
    error_id = f"err_{secrets.token_hex(4)}"
    kind = type(error).__name__
    if verbose:
        frames = "".join(traceback.format_tb(error.__traceback__))
        sys.stderr.write(f"{error_id}, most recent call last:\n{frames}{kind}\n")
    if as_json:
        print_problem(
            {
                "code": "internal",
                "title": f"Something unexpected happened ({kind}).",
                "status": 500,
                "exit_code": 1,
                "error_id": error_id,
            }
        )
    else:
        say(
            f"Error {error_id}: something unexpected happened ({kind}). Run it again with --verbose to see where.",
            style="bold red",
        )
    return 1


def print_problem(problem: dict[str, Any]) -> None:
    """A problem object (RFC 9457) on stderr, one line."""
    document = {"type": type_of(problem["code"])} | problem
    say_json(document)
