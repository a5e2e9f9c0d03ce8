"""Saved mappings for the commands that keep nothing: they read those of an installation, where there is one."""

from __future__ import annotations

from collections.abc import Callable

import typer

from guestlist.cli.output import say
from guestlist.cli.state import run, state_of
from guestlist.errors import GuestlistError
from guestlist.lists.base import ListReport, SavedMapping


def saved_mappings(context: typer.Context) -> Callable[[str], SavedMapping | None]:
    """Finds what was said for a header's fingerprint. Without an installation, or with one that is away, nothing was."""

    def find(fingerprint: str) -> SavedMapping | None:
        from guestlist.storage.database import is_sqlite, sqlite_path  # late: a file without a header asks for nothing

        url = state_of(context).settings.database_url
        try:
            if is_sqlite(url) and not sqlite_path(url).exists():
                return None
            return run(lambda: _find(url, fingerprint))
        except GuestlistError as error:
            if error.code != "no_folder":
                say(f"Saved mappings are left out: {error.sentence}")
            return None

    return find


def say_saved(report: ListReport, *, keeps: bool = False) -> None:
    """Says that a saved mapping is used, and, where the command `keeps` what was said for this file, that it is saved."""
    if report.mapping_saved:
        say(f"Columns are mapped as you said on {report.mapping_saved}, for a file with the same header.")
        say(f"To forget that: guestlist lists forget-mapping {report.fingerprint}")
    if keeps and report.mapping_from == "chosen" and report.fingerprint:
        say("What you said of the columns is saved for the next file with this header: guestlist lists mappings")


async def _find(url: str, fingerprint: str) -> SavedMapping | None:
    from guestlist.actions.access import DEFAULT_WORKSPACE
    from guestlist.actions.list_mappings import find_saved
    from guestlist.storage.database import open_database

    database = await open_database(url)
    try:
        return await find_saved(database, DEFAULT_WORKSPACE, fingerprint)
    finally:
        await database.close()
