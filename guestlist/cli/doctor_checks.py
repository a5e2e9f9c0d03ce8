"""The checks of `guestlist doctor`, from the ground up: machine, files, database, Meta, each Page, what waits, records."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from guestlist.actions import pages
from guestlist.actions.checkups import Finding, Health, check_page, failed, read_backlog
from guestlist.actions.record_checks import check_records
from guestlist.app import App, find_server, open_app
from guestlist.cli.config import META, find_warnings
from guestlist.cli.output import count, plural
from guestlist.errors import GuestlistError
from guestlist.graph.base import GraphError, Request, TransportError
from guestlist.graph.transport import AiohttpTransport
from guestlist.settings import Settings, load_key
from guestlist.storage.database import is_sqlite, open_database, sqlite_path
from guestlist.storage.migrate import check_schema
from guestlist.storage.sqlite import sqlite_version

ROOM_LEAST = 100 * 1024**2
ROOM_GOOD = 1024**3
"""Bytes free on the data folder's disk: below the first nothing is safe, below the second it is time to think."""

SKEW_GOOD = timedelta(seconds=30)
WAITS_LONG = timedelta(minutes=2)


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, in order. What rests on something that failed is left out."""
    findings = [*check_machine(settings), *check_settings(settings)]
    database = await check_database(settings)
    graph = await check_graph(settings)
    findings += [*database, *graph]
    sound = not any(each.health is Health.FAIL for each in database)
    if sound and has_database(settings):
        reachable = not any(each.health is Health.FAIL for each in graph)
        findings += [each async for each in check_work(settings, reachable=reachable)]
    return findings


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Python, SQLite, the data folder, its disk, the key."""
    yield Finding("Python", Health.OK, platform.python_version())
    found = sqlite_version()
    if is_sqlite(settings.database_url) and found.wal_reset_fault:
        remedy = "Install the pysqlite3 wheel (Linux), or a Python with SQLite 3.51.3 or newer."
        yield Finding("SQLite", Health.WARN, f"{found.version} has a rare fault that can damage a database.", remedy)
    else:
        yield Finding("SQLite", Health.OK, f"{found.version} ({found.module})")
    yield check_folder(settings.data)
    yield check_key(settings)


def check_folder(folder: Path) -> Finding:
    """Whether the data folder can be written, and how much room there is. Nothing is written."""
    name = "Data folder"
    if folder.exists() and not folder.is_dir():
        return Finding(name, Health.FAIL, f"{folder} is no folder.", "Name another one with --data or GUESTLIST_DATA.")
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(name, Health.FAIL, f"{place} cannot be written.", "Change its rights, or name another one with --data.")
    free = shutil.disk_usage(place).free
    room = f"{count(free // 1024**2)} MiB free"
    if free < ROOM_LEAST:
        return Finding(name, Health.FAIL, f"{folder}: {room}.", "Make room: nothing can be stored on a full disk.", foreign=True)
    if free < ROOM_GOOD:
        return Finding(name, Health.WARN, f"{folder}: {room}.", "Make room soon.")
    return Finding(name, Health.OK, f"{folder}: {room}." if folder.exists() else f"{folder} will be made on first use; {room}.")


def check_key(settings: Settings) -> Finding:
    """Whether the key that encrypts tokens is there, sound, and its owner's only. It is not made here."""
    path = settings.data / "secret.key"
    if settings.secret_key is None and not path.exists():
        return Finding("Key", Health.OK, f"{path} will be made on first use.")
    try:
        load_key(settings)
    except GuestlistError as error:
        return failed("Key", error)
    where = "given by GUESTLIST_SECRET_KEY." if settings.secret_key else f"{path}, readable by its owner only."
    return Finding("Key", Health.OK, where)


def check_settings(settings: Settings) -> Iterator[Finding]:
    """The Meta app, the public address, and what is open that is usually closed."""
    missing = [name for name in ("meta_app_id", "meta_app_secret", "meta_verify_token") if getattr(settings, name) is None]
    if missing:
        names = ", ".join(f"GUESTLIST_{name.upper()}" for name in missing)
        yield Finding("Meta app", Health.FAIL, f"{names} not set.", "Copy them from your app's page at developers.facebook.com.")
    else:
        yield Finding("Meta app", Health.OK, f"app {settings.meta_app_id}, with its secret and verify token.")
    yield check_address(settings)
    told = ("GUESTLIST_META", "GUESTLIST_PUBLIC_URL")
    for warning in find_warnings(settings):
        if not warning.startswith(told):
            yield Finding("Settings", Health.WARN, warning)


def check_address(settings: Settings) -> Finding:
    """Whether Meta can send webhooks here."""
    name, url = "Public address", settings.public_url
    if url is None:
        remedy = "Set GUESTLIST_PUBLIC_URL to the https address at which Meta reaches this server."
        return Finding(name, Health.WARN, "not set: receipts and opt-outs cannot arrive.", remedy)
    if url.startswith("http://") and settings.graph_url == META:
        remedy = "Put a TLS proxy in front and set GUESTLIST_PUBLIC_URL to its address."
        return Finding(name, Health.FAIL, f"{url} is not https: Meta sends nothing there.", remedy)
    return Finding(name, Health.OK, f"{url}/webhooks/meta is what Meta is told.")


def has_database(settings: Settings) -> bool:
    """Whether there is a database to look into; SQLite's file is made on first use."""
    return not is_sqlite(settings.database_url) or Path(settings.database_url.removeprefix("sqlite:///")).exists()


async def check_database(settings: Settings) -> list[Finding]:
    """Whether the database answers and its schema is this code's."""
    name = "Database"
    if not has_database(settings):
        return [Finding(name, Health.OK, "will be made on first use.")]
    try:
        database = await open_database(settings.database_url)
        try:
            await check_schema(database)
        finally:
            await database.close()
    except GuestlistError as error:
        return [failed(name, error)]
    if not is_sqlite(settings.database_url):
        return [Finding(name, Health.OK, "PostgreSQL answers; its schema is current.")]
    mode = await asyncio.to_thread(read_journal_mode, sqlite_path(settings.database_url))
    return [Finding(name, Health.OK, f"SQLite in {mode.upper()} mode; its schema is current.")]


def read_journal_mode(path: Path) -> str:
    """The journal mode that the file says."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        connection.close()


async def check_graph(settings: Settings) -> list[Finding]:
    """Whether the Graph API answers, and how far its clock is from ours. Asks for its front door, without a token."""
    name = "Graph API"
    transport = AiohttpTransport(connect=settings.graph_connect_timeout, total=settings.graph_timeout, connections=1)
    try:
        response = await transport.send(Request("GET", f"{settings.graph_url}/{settings.graph_version}/"))
    except TransportError as error:
        remedy = "Check the network and GUESTLIST_GRAPH_URL; Meta's state is at metastatus.com."
        return [Finding(name, Health.FAIL, f"{settings.graph_url}: {error.sentence}", remedy, foreign=True)]
    finally:
        await transport.close()
    if response.status >= 500:
        sentence = f"{settings.graph_url} answers with HTTP {response.status}."
        return [Finding(name, Health.FAIL, sentence, "Meta's state is at metastatus.com.", foreign=True)]
    return [Finding(name, Health.OK, f"{settings.graph_url} answers ({settings.graph_version})."), check_clock(response.headers)]


def check_clock(headers: object) -> Finding:
    """How far our clock is from the `Date` of an answer."""
    date = dict(headers).get("Date") if hasattr(headers, "keys") else None  # type: ignore[call-overload]
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return Finding("Clock", Health.OK, "Graph tells no time to compare with.")
    skew = abs(datetime.now(UTC) - theirs)
    if skew > SKEW_GOOD:
        sentence = f"This machine's clock is {skew.total_seconds():,.0f} s from Graph's."
        return Finding("Clock", Health.WARN, sentence, "Let a time service set it (NTP): cool-downs and expiries rest on it.")
    return Finding("Clock", Health.OK, "within half a minute of Graph's.")


async def check_work(settings: Settings, *, reachable: bool) -> AsyncIterator[Finding]:
    """What the installation does: its server, app, Pages and what waits."""
    try:
        async with open_app(settings) as app:
            yield check_server(app)
            if reachable:
                async for finding in check_meta(app):
                    yield finding
            async for finding in check_backlog(app):
                yield finding
            for finding in await check_records(app.services):
                yield finding
    except GuestlistError as error:
        yield failed("Installation", error)


def check_server(app: App) -> Finding:
    """Whether somebody does the work that comes later."""
    if not is_sqlite(app.settings.database_url):
        return Finding("Server", Health.OK, "servers and workers share the PostgreSQL database.")
    server = find_server(app.settings)
    if server is None:
        remedy = "Start one: guestlist serve. Commands do their own work meanwhile, but nobody receives webhooks."
        return Finding("Server", Health.WARN, "none runs on this data folder.", remedy)
    return Finding("Server", Health.OK, f"process {server} runs on this data folder.")


async def check_meta(app: App) -> AsyncIterator[Finding]:
    """The app's credentials, then each connected Page."""
    if app.services.app.app_id and app.settings.meta_app_secret is not None:
        yield await check_credentials(app)
    after: str | None = None
    while found := await pages.list_pages(app.services, app.workspace_id, after=after):
        for page in found:
            for finding in await check_page(app.services, page):
                yield finding
        after = found[-1]["id"]
    if after is None:
        yield Finding("Pages", Health.WARN, "no Page is connected.", "Connect one: guestlist pages connect")


async def check_credentials(app: App) -> Finding:
    """Whether Meta knows the app by its id and secret."""
    try:
        await app.services.graph.with_token(app.services.app.app_token).debug_token()
    except GraphError as error:
        remedy = "Copy id and secret again from your app's page at developers.facebook.com."
        return Finding("App credentials", Health.FAIL, error.sentence, remedy)
    except GuestlistError as error:
        return failed("App credentials", error)
    return Finding("App credentials", Health.OK, "Meta accepts the app's id and secret.")


async def check_backlog(app: App) -> AsyncIterator[Finding]:
    """Webhooks that wait or were refused, recipients in doubt."""
    backlog = await read_backlog(app.services, app.workspace_id)
    waiting = plural(backlog.webhooks_waiting, "webhook")
    if backlog.oldest is not None and app.services.clock.now() - backlog.oldest > WAITS_LONG:
        sentence = f"{waiting} stored and not yet applied, the first since {backlog.oldest:%Y-%m-%d %H:%M} UTC."
        yield Finding("Webhooks", Health.WARN, sentence, "A running server applies them: guestlist serve")
    else:
        yield Finding("Webhooks", Health.OK, f"{waiting} waiting.")
    if backlog.webhooks_refused:
        sentence = f"{plural(backlog.webhooks_refused, 'stored body', 'stored bodies')} could not be read and moved nothing."
        yield Finding("Webhooks", Health.WARN, sentence, "Meta may have changed a format: report it with your version.")
    if backlog.unknown_recipients:
        sentence = f"{plural(backlog.unknown_recipients, 'recipient')} whose answer was lost; receipts may still settle them."
        remedy = "They are never sent to again: guestlist campaigns recipients CAMPAIGN --state unknown"
        yield Finding("Recipients", Health.WARN, sentence, remedy)
