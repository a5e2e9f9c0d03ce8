"""One Graph call as its handler sees it, and the log of all calls."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Any

from .auth import Token
from .errors import GraphFault, no_permission
from .limits import DAY, refusal, usage_headers
from .params import Params
from .things import Page

if TYPE_CHECKING:
    from .emulator import Emulator

MESSAGES_PER_PERSON = 200  # a day, for every person the Page can message


@dataclass(slots=True)
class Call:
    """One call. `path` has neither version nor slash at its end; `size`: bytes of its body; `facts` go into the call log."""

    emulator: Emulator
    method: str
    path: str
    url: str
    params: Params
    size: int = 0
    token: Token | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Unix seconds of the emulated clock."""
        return self.emulator.clock.now()

    @property
    def known_token(self) -> Token:
        """The caller's token; every route but the log-in has one."""
        if self.token is None:
            raise GraphFault("An access token is required to request this resource.", code=104)
        return self.token

    def require(self, *scopes: str) -> None:
        """The token holds one of the permissions. Errors: 200."""
        if not self.known_token.scopes.intersection(scopes):
            raise no_permission(f"Requires {' or '.join(scopes)} permission to manage the object")

    def require_page(self, page: Page) -> None:
        """The token is this Page's own. Errors: 210 another kind of token, 200 another Page's."""
        token = self.known_token
        if token.kind != "PAGE":
            raise GraphFault("A page access token is required to request this resource.", code=210, status=403)
        if token.page_id != page.id:
            raise no_permission("The token belongs to another Page")

    def count(self, use_case: str, object_id: str) -> None:
        """Counts the call against an hourly limit and notes the usage headers. Errors: 800xx, 2300080."""
        limits = self.emulator.limits
        self._note_usage(use_case, object_id, limits.count(use_case, object_id, self.now, allowed=limits.hourly[use_case]))

    def count_message(self, page: Page) -> None:
        """Counts a message against what a Page may send in a day. Errors: 80006."""
        allowed = MESSAGES_PER_PERSON * max(1, len(page.subscribers))
        self._note_usage(
            "messenger", page.id, self.emulator.limits.count("messenger", page.id, self.now, allowed=allowed, period=DAY)
        )

    def _note_usage(self, use_case: str, object_id: str, percent: float) -> None:
        """The usage headers stand on refusals too."""
        self.headers.extend(usage_headers(use_case, object_id, percent))
        if percent > 100:
            raise refusal(use_case)


@dataclass(slots=True)
class Entry:
    """One line of the call log. `time` is real, `at` emulated (unix seconds); `answered` is false when a fault kept it."""

    seq: int
    time: float
    at: float
    method: str
    path: str
    status: int
    code: int | None
    answered: bool
    facts: dict[str, Any]

    def show(self) -> dict[str, Any]:
        """The line as JSON."""
        return {
            "seq": self.seq,
            "time": self.time,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "code": self.code,
            "answered": self.answered,
            **self.facts,
        }


class CallLog:
    """The latest calls, oldest first."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self.total = 0

    def add(self, call: Call, *, status: int, code: int | None, answered: bool) -> None:
        self.total += 1
        self._entries.append(Entry(self.total, time.time(), call.now, call.method, call.path, status, code, answered, call.facts))

    def search(self, *, path: str | None, since: int, limit: int) -> list[Entry]:
        """Entries numbered above `since` whose path fits the glob, at most `limit`."""
        found: list[Entry] = []
        for entry in self._newer(since):
            if path is None or fnmatchcase(entry.path, path):
                found.append(entry)
                if len(found) == limit:
                    break
        return found

    def _newer(self, since: int) -> Iterator[Entry]:
        skipped = max(0, since - (self.total - len(self._entries)))
        return islice(self._entries, skipped, None)
