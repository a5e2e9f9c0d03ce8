"""How a command reaches the installation: the same database and the same actions as the server, opened for one task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from guestlist.cli.output import print_facts, print_json, print_text
from guestlist.cli.state import run, state_of
from guestlist.logging import configure_logging

if TYPE_CHECKING:
    from guestlist.app import App

T = TypeVar("T")


def in_installation(context: typer.Context, task: Callable[[App], Awaitable[T]], *, lanes: Collection[str] = ()) -> T:
    """What the task gives, run in the opened installation. `lanes` are the kinds that its engine may run, if it starts one."""
    from guestlist.app import open_app  # late: `--help` needs no database

    state = state_of(context)
    settings = state.settings
    configure_logging("debug" if state.verbose else "error", as_json=settings.log_json)

    async def open_and_do() -> T:
        async with open_app(settings, kinds=lanes) as app:
            return await task(app)

    return run(open_and_do)


def print_rehearsal(sentence: str, *, as_json: bool, **numbers: Any) -> None:
    """What a dry run found out."""
    if as_json:
        print_json({"dry_run": True, "would": sentence, **numbers})
        return
    print_text(f"Would {sentence}")
    if numbers:
        print_facts(numbers)
    print_text("Nothing was changed.")
