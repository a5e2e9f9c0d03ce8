"""A whole installation as its people meet it: real `guestlist` processes, a real emulator, HTTP between them.

Everything that any process says or answers is kept as evidence, so that the last test can look for leaks in all of it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROGRAM = [sys.executable, "-m", "guestlist"]
PATIENCE = 25.0
"""Seconds after which what must come has failed to come."""

ATTESTATION = {"by": "Ana, CRM", "words": "Yes, send me offers.", "basis": "checkbox at checkout"}


def until(probe: Callable[[], Any], what: str, *, seconds: float = PATIENCE) -> Any:
    """What the probe gives once it gives anything. Errors: AssertionError naming what did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not come within {seconds:g} s: {what}")


@dataclass(frozen=True)
class Ended:
    """A command that has ended. `problem` is its one-line JSON error, empty when there was none."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        return found


@dataclass(frozen=True)
class Answered:
    """An HTTP answer."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def document(self) -> Any:
        return json.loads(self.text)


def exchange(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
    """One HTTP request, whatever its status."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Answered(answer.status, answer.read().decode(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, error.read().decode(), dict(error.headers))


@dataclass
class Meta:
    """The emulator, moved by its control API."""

    url: str
    world: dict[str, str] = field(default_factory=dict)

    def control(self, path: str, body: object = None, *, method: str = "") -> dict[str, Any]:
        """One call under `/_emulator`: GET, or POST where there is a body."""
        sent = None if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        answer = exchange(method, f"{self.url}/_emulator{path}", sent, {"Content-Type": "application/json"})
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.document
        return found

    def fail(self, path: str, **fault: Any) -> None:
        """Scripts a fault for POSTs to a path."""
        self.control("/faults", {"faults": [{"method": "POST", "path": path, **fault}]})

    def heal(self) -> None:
        """No fault any more."""
        self.control("/faults", method="DELETE")

    def calls(self, path: str = "*") -> list[dict[str, Any]]:
        """What really arrived at paths like this one, in order."""
        found: list[dict[str, Any]] = self.control(f"/calls?limit=100000&path={path}")["data"]
        return found

    def token(self, kind: str = "SYSTEM_USER", **wanted: Any) -> str:
        """A fresh token."""
        return str(self.control("/tokens", {"kind": kind, **wanted})["token"])

    def kill(self, token: str) -> None:
        """From now on Meta says that this token is dead."""
        self.control("/tokens/kill", {"token": token})


@contextmanager
def run_meta(log: Path, *options: str) -> Iterator[Meta]:
    """An emulator process on a free port."""
    command = [sys.executable, "-m", "guestlist.emulator", "--port", "0", *options]
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        assert process.stdout is not None
        try:
            meta = Meta(process.stdout.readline().split()[-1])
            meta.world = {name: str(value) for name, value in meta.control("/world").items()}
            yield meta
        finally:
            process.terminate()


@dataclass
class Shop:
    """One Page with its ad account, and the tokens that were given for it."""

    page_id: str
    ad_account_id: str
    page_token: str
    ads_token: str
    id: str = ""  # ours, once it is connected

    def connect_words(self) -> tuple[str, ...]:
        """The command that connects it; the tokens come from the environment."""
        ids = ("--page-id", self.page_id, "--ad-account", self.ad_account_id)
        return ("pages", "connect", *ids, "--page-token-env", "PAGE_TOKEN", "--ads-token-env", "ADS_TOKEN")

    def tokens(self) -> dict[str, str]:
        """The environment that command needs."""
        return {"PAGE_TOKEN": self.page_token, "ADS_TOKEN": self.ads_token}

    def body(self) -> dict[str, Any]:
        """The same as a request."""
        names = ("page_id", "ad_account_id", "page_token", "ads_token")
        return {name: getattr(self, name) for name in names}


@dataclass
class Installation:
    """A data folder, the server on it, and every way in."""

    meta: Meta
    folder: Path
    environment: dict[str, str]
    logs: Path
    url: str = ""
    key: str = ""
    process: subprocess.Popen[bytes] | None = None
    evidence: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    # -- the ways in ------------------------------------------------------------------------------------------------

    def run(self, *words: str, stdin: bytes = b"", **more: str) -> Ended:
        """Runs a command to its end; `more` is added to its environment."""
        environment = {**self.environment, **more}
        ended = subprocess.run(
            [*PROGRAM, *words], input=stdin, capture_output=True, timeout=60, check=False, env=environment, cwd=self.logs
        )
        found = Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        assert "Traceback" not in found.err
        self.evidence += [found.out, found.err]
        return found

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answered:
        """One request to the API, with the key."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "text/csv" if isinstance(body, bytes) else "application/json"
        given = {"Authorization": f"Bearer {self.key}", "Content-Type": kind, **headers}
        answer = exchange(method, self.url + path, sent, given)
        self.evidence.append(answer.text)
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """What there is."""
        answer = self.call("GET", path)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.document
        return found

    def post(self, path: str, body: object = None) -> dict[str, Any]:
        """A request that must be accepted."""
        answer = self.call("POST", path, body if body is not None else {})
        assert answer.status in (200, 201, 202), answer.text
        found: dict[str, Any] = answer.document
        return found

    def webhook(self, body: bytes, signature: str | None = "ours") -> Answered:
        """What somebody sends as Meta; signed as Meta does unless told otherwise."""
        secret = self.meta.world["app_secret"].encode()
        if signature == "ours":
            signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json"} | ({"X-Hub-Signature-256": signature} if signature else {})
        answer = exchange("POST", self.url + "/webhooks/meta", body, headers)
        self.evidence.append(answer.text)
        return answer

    def announce(self, path: str, *, length: int) -> Answered:
        """A POST that says how long its body is and waits for the answer before it sends any of it."""
        with closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)) as connection:
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(length))
            connection.endheaders()
            answer = connection.getresponse()
            return Answered(answer.status, answer.read().decode(), dict(answer.headers))

    # -- what is kept -----------------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        return self.folder / "guestlist.db"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the database, read beside the server."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            found: list[tuple[Any, ...]] = connection.execute(query, values).fetchall()
            return found

    def change(self, statement: str, *values: object) -> None:
        """What only time may change otherwise: no test waits an hour."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            connection.execute(statement, values)

    def standing(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that a webhook could move."""
        tables = ("pages", "audiences", "uploads", "subscribers", "consents", "campaigns", "recipients", "events")
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}

    # -- the server -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with (self.logs / "server.log").open("ab") as errors:
            command = [*PROGRAM, "serve", "--json"]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=self.environment, cwd=self.logs)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.logs / "server.log").read_text()
        self.url = json.loads(line)["url"]

    def stop(self) -> None:
        """Ends the server as a service manager does."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    # -- the usual first steps --------------------------------------------------------------------------------------

    def open_shop(self, name: str) -> Shop:
        """A Page, an ad account and tokens at Meta, not connected yet: no case meddles with another's."""
        page = self.meta.control("/pages", {"name": name})
        account = self.meta.control("/ad_accounts", {"name": name})
        shop = Shop(page["page_id"], account["ad_account_id"], page["page_token"], self.meta.token())
        self.tokens |= {shop.page_token, shop.ads_token}
        return shop

    def connect(self, shop: Shop, **more: Any) -> Shop:
        """Connects it and reads its subscribers."""
        shop.id = self.post("/v1/pages", {**shop.body(), **more})["id"]
        until(lambda: self.get(f"/v1/pages/{shop.id}")["synced_at"], "the subscribers of the Page")
        return shop

    def renew(self, shop: Shop) -> Ended:
        """A person connects the Page again with a fresh token, by the command line."""
        shop.ads_token = self.meta.token()
        self.tokens.add(shop.ads_token)
        ended = self.run(*shop.connect_words(), "--json", **shop.tokens())
        assert ended.code == 0, ended.err
        return ended

    def launch(self, shop: Shop) -> str:
        """A campaign to all subscribers of the Page, warm as if its hour had passed."""
        text = {"page_id": shop.id, "name": "Autumn", "text": "Two cups for one."}
        campaign = str(self.post("/v1/campaigns", text)["id"])
        until(lambda: self.get(f"/v1/campaigns/{campaign}")["meta_id"], "the campaign at Meta")
        self.change("UPDATE campaigns SET ready_at = created_at, due_at = created_at WHERE id = ?", campaign)
        until(lambda: self.get(f"/v1/campaigns/{campaign}")["state"] == "ready", "the end of the warm-up")
        self.post(f"/v1/campaigns/{campaign}/launch")
        return campaign

    def funnel(self, campaign: str) -> dict[str, Any]:
        """How far the message got; it adds up at every moment."""
        funnel = self.get(f"/v1/campaigns/{campaign}/funnel")
        ended = funnel["accepted"] + sum(funnel["failed"].values()) + funnel["unknown"]
        assert funnel["recipients"] == ended + funnel["pending"] > 0
        return funnel

    def finished(self, campaign: str) -> dict[str, Any]:
        """The funnel once nobody is pending."""
        until(lambda: self.get(f"/v1/campaigns/{campaign}")["state"] == "finished", "the end of the campaign")
        return self.funnel(campaign)

    def sends(self, campaign: str) -> list[dict[str, Any]]:
        """What Meta saw of a campaign."""
        meta_id = self.get(f"/v1/campaigns/{campaign}")["meta_id"]
        return [call for call in self.meta.calls("/act_*/messages") if call.get("campaign_id") == meta_id]


@contextmanager
def install(meta: Meta, folder: Path, logs: Path, graph_url: str, **settings: str) -> Iterator[Installation]:
    """An installation whose Meta is the emulator, with its server running and a key made."""
    port = _free_port()
    given = {
        "GUESTLIST_DATA": str(folder),
        "GUESTLIST_PORT": str(port),
        "GUESTLIST_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GUESTLIST_GRAPH_URL": graph_url,
        "GUESTLIST_META_APP_ID": meta.world["app_id"],
        "GUESTLIST_META_APP_SECRET": meta.world["app_secret"],
        "GUESTLIST_META_VERIFY_TOKEN": meta.world["verify_token"],
        "GUESTLIST_GRAPH_TIMEOUT": "1",
        "GUESTLIST_SWEEP_SECONDS": "0.2",
        "GUESTLIST_UPLOAD_POLL_SECONDS": "1",
        "GUESTLIST_LOG_LEVEL": "debug",  # so that what would leak does
        **settings,
    }
    around = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "DATABASE_URL"))}
    here = Installation(meta, folder, {**around, **given}, logs)
    here.tokens = {meta.world[name] for name in ("page_token", "system_user_token", "user_token")}
    try:
        here.start()
        here.key = here.run("keys", "create", "e2e").out.strip()
        yield here
    finally:
        here.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
