"""Tokens from a prompt, a file or the environment: never from the command line, which other processes and histories see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from guestlist.cli.list_files import STANDARD
from guestlist.errors import UsageError

LONGEST_FILE = 64 * 1024


def read_token(what: str, file: Path | None, variable: str | None, *, needed: bool) -> str:
    """The token; empty where none is given and none is needed. Errors: UsageError, which never quotes it."""
    if file is not None and variable is not None:
        raise UsageError(f"The {what} is given twice.", remedy="Give a file or a variable, not both.")
    if file is not None:
        token = read_token_file(what, file)
    elif variable is not None:
        token = os.environ.get(variable, "")
        if not token.strip():
            raise UsageError(f"The environment has no {variable}.", code="no_token", remedy="Set it, or give a file.")
    else:
        token = ask_token(what, needed=needed)
    token = token.strip()
    if needed and not token:
        raise UsageError(f"No {what} was given.", code="no_token", remedy=way_out(what))
    if len(token.split()) > 1:
        raise UsageError(f"The {what} has spaces or several lines in it.", code="bad_token", remedy="Give the token alone.")
    return token


def way_out(what: str) -> str:
    """How to give a token."""
    flag = "page" if what.startswith("Page") else "ads"
    return f"Give --{flag}-token-file FILE or --{flag}-token-env NAME, or run it on a terminal and be asked."


def read_token_file(what: str, file: Path) -> str:
    """A file's text; `-` is one line of standard input."""
    if file == STANDARD:
        return sys.stdin.readline()
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_FILE).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"The {what} file {file} cannot be read: {why}.", code="no_token", remedy="Check the path.") from error


def ask_token(what: str, *, needed: bool) -> str:
    """Asks on a terminal, without echo. Elsewhere nothing is asked."""
    if not sys.stdin.isatty():
        return ""
    note = "" if needed else " (leave it empty to use the Page token)"
    answer: str = typer.prompt(f"{what[:1].upper()}{what[1:]}{note}", default="", hide_input=True, show_default=False, err=True)
    return answer
