"""What commands that delete share: the flag, and the question on a terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from guestlist.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


def confirm_deletion(question: str) -> None:
    """Asks on a terminal. Errors: UsageError where nobody can be asked, typer.Abort on a no."""
    if not sys.stdin.isatty():
        raise UsageError("Deleting cannot be undone.", code="not_confirmed", remedy="Say that it is meant: --yes")
    typer.confirm(question, abort=True, err=True)
