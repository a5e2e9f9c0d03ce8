"""Work that lanes do: who carries it out, and waiting for it where that is wanted.

A command writes its rows first, so whatever happens while it waits, nothing is lost: a server, or the same command again,
goes on from the rows. Leases keep the engine of a command and that of a server apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guestlist.cli.output import progress, say
from guestlist.errors import DependencyError, PartlyDoneError

if TYPE_CHECKING:
    from guestlist.app import App
    from guestlist.storage.base import Row

POLL_SECONDS = 0.1
PATIENCE = 60.0
"""Seconds without progress after which a command stops waiting, unless it is told otherwise."""

AWAY = frozenset({"unreachable", "bad_answer", "answer_lost", "not_found_once"})
"""Reasons of a row that mean that Meta did not answer, or not as Meta does."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the caller wants: to wait, not to, or (None) to wait where nobody else does the work. Units: seconds."""

    wait: bool | None
    seconds: float = PATIENCE
    quiet: bool = False  # no talk: the output is for a script


@dataclass(frozen=True, slots=True)
class Watch:
    """Something on its way. `is_settled` raises where the work stopped before its end."""

    title: str  # "Uploading"
    thing: str  # "Upload upl_…"
    page_id: str
    read: Callable[[], Awaitable[Row]]
    is_settled: Callable[[Row], bool]
    go_on: str  # how a person goes on: "guestlist serve"
    done: Callable[[Row], int] = lambda row: 0
    waits_until: Callable[[Row], int | None] = lambda row: None  # a wait that is no lack of progress; ms since 1970
    total: int | None = None
    noun: str = ""


async def settle(app: App, watch: Watch, waiting: Waiting) -> Row:
    """The watched row: settled where it was waited for, else as it is now.

    Errors: PartlyDoneError, DependencyError, and what `is_settled` raises; the work is durable and goes on later.
    """
    from guestlist.app import find_server, run_engine
    from guestlist.storage.database import is_sqlite

    embedded = is_sqlite(app.settings.database_url)
    server = find_server(app.settings) if embedded else None
    elsewhere = not embedded or server is not None
    if waiting.wait is False or (waiting.wait is None and elsewhere):
        await check_page(app, watch)
        if not waiting.quiet:
            say(tell_who(server, elsewhere))
        return await watch.read()
    async with AsyncExitStack() as stack:
        if server is None:
            await stack.enter_async_context(run_engine(app))
        try:
            return await wait_for(app, watch, waiting.seconds)
        except asyncio.CancelledError:
            if not waiting.quiet:
                say(f"{watch.thing}: nothing is lost. Go on with: {watch.go_on}")
            raise


def tell_who(server: str | None, elsewhere: bool) -> str:
    """Who will carry the work out."""
    if server is not None:
        return f"The running server (process {server}) carries it out."
    return "A server or worker on this database carries it out." if elsewhere else "`guestlist serve` will carry it out."


async def wait_for(app: App, watch: Watch, seconds: float) -> Row:
    """The watched row once it is settled. Errors: as `settle`."""
    moved, done = time.monotonic(), -1
    with progress(watch.title, watch.total, noun=watch.noun) as advance:
        while True:
            row = await watch.read()
            if watch.is_settled(row):
                return row
            await check_page(app, watch)
            if watch.done(row) > done or is_expected(app, watch.waits_until(row)):
                advance(watch.done(row) - max(done, 0))
                moved, done = time.monotonic(), watch.done(row)
            elif time.monotonic() - moved > seconds:
                raise out_of_patience(watch, row)
            await asyncio.sleep(POLL_SECONDS)


def is_expected(app: App, until: int | None) -> bool:
    """Whether a wait is known and not over yet."""
    return until is not None and app.services.now_ms() < until


async def check_page(app: App, watch: Watch) -> None:
    """Errors: PartlyDoneError when the Page's token died, for its lanes rest until it is connected again."""
    page = await app.services.get_page(app.workspace_id, watch.page_id)
    if page["state"] == "reconnect":
        raise PartlyDoneError(
            f"{watch.thing} rests: the Page {page['name']} must be connected again. {page['reason']}",
            code="reconnect_needed",
            remedy=f"guestlist pages connect with fresh tokens; then: {watch.go_on}",
            page=page["id"],
        )


def out_of_patience(watch: Watch, row: Row) -> DependencyError | PartlyDoneError:
    """Why nothing has moved for so long, as far as the row tells."""
    reason = str(row.get("reason") or "")
    if reason in AWAY:
        sentence = f"{watch.thing} waits for Meta, which does not answer as it should ({reason})."
        return DependencyError(sentence, code="meta_away", remedy=f"Nothing is lost. Go on later with: {watch.go_on}")
    sentence = f"{watch.thing} is not finished{f' ({reason})' if reason else ''}; stopped waiting."
    return PartlyDoneError(sentence, code="still_waiting", remedy=f"Nothing is lost. Go on with: {watch.go_on}")
