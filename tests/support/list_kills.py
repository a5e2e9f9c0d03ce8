"""Killing real processes while they import a list and upload it, and comparing what Meta received with our rows.

Every life is a process of its own, forked from one that has its imports done, so that a kill needs a second and not five. It is
killed with SIGKILL at a random moment. The emulator lives in the process that watches; a recorder before it keeps every row of
every accepted call: that is what really happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select

from guestlist.actions import audiences, lists, pages, uploads
from guestlist.app import App, open_app, run_engine
from guestlist.domain.consent import check_attestation
from guestlist.domain.uploads import Mode, member_key
from guestlist.emulator.config import EmulatorConfig
from guestlist.emulator.server import GraphApp
from guestlist.lists.base import ListOptions
from guestlist.logging import configure_logging
from guestlist.serving import address_of, bind, serve
from guestlist.settings import load_settings
from guestlist.storage import tables
from guestlist.storage import uploads as upload_rows

SPEED = 20.0
"""Business seconds in a real one: a batch in doubt is looked up after a quarter of a second."""

KILLS_AN_IMPORT, KILLS_AN_UPLOAD = 5, 8
"""At most; then one may end, so that all modes have their turn."""

MODES = (Mode.ADD, Mode.SYNC, Mode.REPLACE, Mode.SYNC)
ATTESTATION = check_attestation("kill test", "Yes, send me offers.", "test")
PRELOADED = ["guestlist.app", "guestlist.api.app", "guestlist.lists.engine", "guestlist.actions.uploads", "phonenumbers"]
Message = MutableMapping[str, Any]


@dataclass
class Verdict:
    """What the comparisons found. All but the first four are 0 when every promise held."""

    kills_importing: int = 0
    kills_uploading: int = 0
    uploads: int = 0
    rows_sent: int = 0
    rows_lost: int = 0  # a list's, or an audience's at Meta
    rows_surplus: int = 0  # that nobody sent, or that should have been removed
    sent_twice: int = 0  # rows Meta accepted more than once within a session
    ledger_wrong: int = 0  # rows by which our ledger differs from Meta
    sessions_wrong: int = 0  # sessions of which Meta counts other rows than we
    payloads_kept: int = 0  # digests of acknowledged batches

    def add(self, other: Verdict) -> None:
        """Takes in another's numbers."""
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)

    def holds(self) -> bool:
        """Whether nothing was lost, doubled or kept too long."""
        return not any(
            number for name, number in vars(self).items() if name.startswith(("rows_l", "rows_su", "sent", "l", "s", "p"))
        )


@dataclass(frozen=True)
class FastClock:
    """Business time that runs faster, the same in every process."""

    began: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.began + (time.time() - self.began) * SPEED, UTC)


@dataclass
class Recorder:
    """Keeps the rows of every upload call that Meta accepted, by audience, in order: (act, session, last, rows)."""

    app: GraphApp
    accepted: dict[str, list[tuple[str, int, bool, list[str]]]] = field(default_factory=lambda: defaultdict(list))

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Any]) -> None:
        edge = scope.get("path", "").rpartition("/")[2]
        if edge not in ("users", "usersreplace"):
            await self.app(scope, receive, send)
            return
        body, status = bytearray(), 0

        async def hear() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 200:
                    self._note(scope["path"].split("/")[-2], edge, bytes(body))
            await send(message)

        await self.app(scope, hear, tell)

    def _note(self, audience: str, edge: str, body: bytes) -> None:
        sent = orjson.loads(body)
        act = "replace" if edge == "usersreplace" else "remove" if sent.get("method") == "DELETE" else "add"
        session = sent["session"]
        digests = [row[0] for row in sent["payload"]["data"]]
        self.accepted[audience].append((act, session["session_id"], session["last_batch_flag"], digests))

    def inside(self, audience: str) -> set[str]:
        """Whom the accepted calls leave in an audience."""
        people: set[str] = set()
        replacing: dict[int, set[str]] = defaultdict(set)
        for act, session, last, digests in self.accepted[audience]:
            if act == "replace":
                replacing[session].update(digests)
                people = replacing[session] if last else people
            else:
                people = people | set(digests) if act == "add" else people - set(digests)
        return people

    def twice(self, audience: str) -> int:
        """Rows that were accepted more than once within a session."""
        seen: dict[int, Counter[str]] = defaultdict(Counter)
        for _, session, _, digests in self.accepted[audience]:
            seen[session].update(digests)
        return sum(number - 1 for counter in seen.values() for number in counter.values())


# -- lives ----------------------------------------------------------------------------------------------------------


def import_life(given: dict[str, Any], path: str, batch_rows: int) -> None:
    """A process that imports a file."""

    async def live() -> None:
        configure_logging("error")
        async with open_app(load_settings(**given), kinds=()) as app:
            options = ListOptions(region="GB", batch_rows=batch_rows)
            await lists.import_list(app.services, app.workspace_id, Path(path), options, name=Path(path).name)

    asyncio.run(live())


def upload_life(given: dict[str, Any], began: float) -> None:
    """A process that does what is due on the ad account."""

    async def live() -> None:
        configure_logging("error")
        async with open_app(load_settings(**given), clock=FastClock(began), kinds=("ads",)) as app, run_engine(app):
            await asyncio.Event().wait()

    asyncio.run(live())


# -- the ring -------------------------------------------------------------------------------------------------------


@dataclass
class Ring:
    """One installation, its lists and the kills it still gets."""

    app: App
    given: dict[str, Any]
    folder: Path
    recorder: Recorder
    began: float
    rows: int
    chance: random.Random
    audience: Any
    verdict: Verdict = field(default_factory=Verdict)
    lives: Any = None
    members: set[str] = field(default_factory=set)

    async def fight(self, kills: int) -> Verdict:
        """Versions of a list, imported and uploaded one after the other, until so many processes were killed."""
        self.lives = multiprocessing.get_context("forkserver")
        self.lives.set_forkserver_preload(PRELOADED)
        version = 0
        while self.verdict.kills_importing + self.verdict.kills_uploading < kills:
            left = kills - self.verdict.kills_importing - self.verdict.kills_uploading
            list_id, people = await self._import(version, min(KILLS_AN_IMPORT, (left + 1) // 2))
            await self._upload(list_id, people, MODES[version % len(MODES)], kills)
            version += 1
        return self.verdict

    async def _import(self, version: int, kills: int) -> tuple[str, set[str]]:
        """Imports are begun and killed; the last one may end. Whatever is ready must hold every row."""
        start = version * self.rows // 2
        mails = [f"person{n}@example.com" for n in range(start, start + self.rows)]
        path = self.folder / f"v{version}.csv"
        await asyncio.to_thread(path.write_text, "email\n" + "\n".join(mails) + "\n")
        arguments = (self.given, str(path), max(1, self.rows // 100))
        for _ in range(kills):
            self.verdict.kills_importing += await self._live(import_life, arguments, self.chance.uniform(0.05, 0.9))
        await self._live(import_life, arguments, None)
        ready = select(tables.lists).where(tables.lists.c.state == "ready", tables.lists.c.name == path.name)
        found = await self.app.services.db.read(lambda tx: tx.fetch_all(ready.order_by(tables.lists.c.id)))
        people = {hashlib.sha256(mail.encode()).hexdigest() for mail in mails}
        for row in found:
            self.verdict.rows_lost += len(people ^ await self._digests(row["id"]))
        return found[-1]["id"], people

    async def _digests(self, list_id: str) -> set[str]:
        kept, seq = set(), 1
        while True:
            body = await self.app.services.db.read(
                lambda tx, seq=seq: upload_rows.read_list_batch(tx, self.app.workspace_id, list_id, seq)  # type: ignore[misc]
            )
            if body is None:
                return kept
            kept |= {row[0] for row in upload_rows.unpack_payload(body).data}
            seq += 1

    async def _upload(self, list_id: str, people: set[str], mode: Mode, most: int) -> None:
        services, workspace_id = self.app.services, self.app.workspace_id
        upload = await uploads.start_upload(
            services, workspace_id, audience_id=self.audience["id"], list_id=list_id, attestation=ATTESTATION, mode=mode
        )

        async def done() -> bool:
            return (await uploads.get_upload(services, workspace_id, upload["id"]))["state"] in ("matching", "matched")

        before = self.verdict.kills_uploading
        while not await done():
            fallen = self.verdict.kills_uploading - before
            over = fallen >= KILLS_AN_UPLOAD or self.verdict.kills_importing + self.verdict.kills_uploading >= most
            wait = None if over else self.chance.uniform(0.7, 1.7)
            self.verdict.kills_uploading += await self._live(upload_life, (self.given, self.began), wait, done)
        self.members = self.members | people if mode is Mode.ADD else people
        await self._compare(await uploads.get_upload(services, workspace_id, upload["id"]))

    async def _live(
        self, life: Any, arguments: tuple[Any, ...], seconds: float | None, done: Callable[[], Awaitable[bool]] | None = None
    ) -> bool:
        """Lets one process live until it is killed after so many seconds, ends, or has done its work. Whether it was killed."""
        process = self.lives.Process(target=life, args=arguments, daemon=True)
        await asyncio.to_thread(process.start)
        until = time.monotonic() + (seconds if seconds is not None else 120.0)
        while process.is_alive() and time.monotonic() < until:
            if seconds is None and done is not None and await done():
                break
            await asyncio.sleep(0.01)
        killed = process.is_alive()
        process.kill()
        await asyncio.to_thread(process.join)
        assert seconds is not None or done is not None or process.exitcode == 0, "an import did not end well"
        return killed and seconds is not None

    async def _compare(self, upload: Any) -> None:
        """Meta's side beside ours, after an upload."""
        meta_id, verdict = self.audience["meta_id"], self.verdict
        inside = self.recorder.inside(meta_id)
        verdict.uploads += 1
        verdict.rows_sent += upload["rows_sent"]
        verdict.rows_lost += len(self.members - inside) + abs(upload["rows"] - upload["rows_sent"])
        verdict.rows_surplus += len(inside - self.members)
        verdict.sent_twice = self.recorder.twice(meta_id)
        book, batches = tables.audience_members, tables.upload_batches
        read = self.app.services.db.read
        keys = {bytes(row["key"]) for row in await read(lambda tx: tx.fetch_all(select(book.c.key)))}
        verdict.ledger_wrong += len(keys ^ {member_key(digest, "") for digest in inside})
        summed = select(batches.c.session_id, func.sum(batches.c.rows).label("n")).group_by(batches.c.session_id)
        ours = {str(row["session_id"]): int(row["n"]) for row in await read(lambda tx: tx.fetch_all(summed))}
        theirs = self.recorder.app.emulator.world.audiences[meta_id].sessions
        verdict.sessions_wrong += sum(theirs[session].received != number for session, number in ours.items())
        kept = select(func.count().label("n")).select_from(batches).where(batches.c.payload.is_not(None))
        verdict.payloads_kept += (await read(lambda tx: tx.fetch_all(kept)))[0]["n"]


async def run_list_kills(
    folder: Path, *, kills: int, rows: int = 3000, rings: int = 1, database_url: str | None = None, seed: int = 1
) -> Verdict:
    """Kills so many processes in all, about half of them while they import, in installations that run side by side."""
    verdict = Verdict()
    async with AsyncExitStack() as stack:
        fighting = [
            await stack.enter_async_context(
                _ring(folder / f"ring{number}", rows, database_url, random.Random(seed * 1000 + number))
            )
            for number in range(rings)  # one after the other: Alembic migrates one database at a time in a process
        ]
        share = [kills // rings + (number < kills % rings) for number in range(rings)]
        async with asyncio.TaskGroup() as group:
            fights = [group.create_task(ring.fight(share[number])) for number, ring in enumerate(fighting)]
    for each in fights:
        verdict.add(each.result())
    return verdict


@asynccontextmanager
async def _ring(folder: Path, rows: int, url: str | None, chance: random.Random) -> AsyncIterator[Ring]:
    """An installation with an emulator of its own and an audience that is ready."""
    folder.mkdir()
    async with _emulator() as (recorder, graph_url):
        world = recorder.app.emulator.world
        given = {
            "data": folder / "data",
            "database_url": url or f"sqlite:///{folder / 'data' / 'guestlist.db'}",
            "graph_url": graph_url,
            "meta_app_id": world.app.id,
            "meta_app_secret": world.app.secret,
            "lease_seconds": 1.0,
            "sweep_seconds": 0.1,
            "upload_poll_seconds": 5.0,
        }
        began = time.time()
        async with open_app(load_settings(**given), clock=FastClock(began), kinds=()) as app:
            yield Ring(app, given, folder, recorder, began, rows, chance, audience=await _make_audience(app, recorder))


@asynccontextmanager
async def _emulator() -> AsyncIterator[tuple[Recorder, str]]:
    config = EmulatorConfig(match_rate=1.0, matching_seconds=0.05, latency=0.005)
    recorder = Recorder(GraphApp(config))
    listener = bind("127.0.0.1", 0)
    async with serve(recorder, listener):
        yield recorder, address_of(listener)


async def _make_audience(app: App, recorder: Recorder) -> Any:
    from guestlist.emulator.control_world import show_world

    world = show_world(recorder.app.emulator, None)  # type: ignore[arg-type]
    tokens = (world["page_token"], world["system_user_token"])
    given = pages.Connection(world["page_id"], world["ad_account_id"], *tokens)
    page = await pages.connect_page(app.services, app.workspace_id, given)
    created = await audiences.create_audience(app.services, app.workspace_id, page_id=page["id"], name="Kills")
    await audiences.advance_audience(app.services, page, created, 0)
    return await audiences.get_audience(app.services, app.workspace_id, created["id"])
