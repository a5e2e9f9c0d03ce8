"""Which rows were seen before: digests in memory up to a budget, then in a temporary file. Exact, in one pass, in file order."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence, Set
from contextlib import suppress

from guestlist.errors import ListError

IN_MEMORY = 300_000
"""Identities kept in memory, at about 90 bytes each. More go to disk."""

CACHE_KIB = 32_768
"""What the file on disk may keep in memory."""

_AT_ONCE = 5_000
"""Identities asked for in one query: fewer than the variables any SQLite takes."""


class Seen:
    """The identities of a file so far."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._most = in_memory
        self._memory: set[bytes] = set()
        self._disk: _Disk | None = None

    def add(self, identities: Sequence[bytes]) -> Set[bytes]:
        """Remembers identities, each given once, and returns those seen in an earlier call. Errors: ListError, disk full."""
        if self._disk is not None:
            return self._disk.add(identities)
        again = self._memory.intersection(identities)
        self._memory.update(identities)
        if len(self._memory) > self._most:
            self._disk = _Disk()
            while self._memory:
                self._disk.add([self._memory.pop() for _ in range(min(_AT_ONCE, len(self._memory)))])
        return again

    def close(self) -> None:
        """Gives memory and disk back. The file has no name, so that it vanishes with the process too."""
        self._memory = set()
        if self._disk is not None:
            self._disk.close()


class _Disk:
    """A private SQLite file that exists while it is open: digests only, no journal, nothing to recover."""

    def __init__(self) -> None:
        # An empty name is a temporary file that SQLite unlinks at once. The steps of a list may run in changing threads.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{CACHE_KIB}"):
            self._file.execute(f"PRAGMA {pragma}")
        self._file.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY, since INTEGER) WITHOUT ROWID")
        self._file.execute("BEGIN")
        self._calls = 0

    def add(self, identities: Sequence[bytes]) -> Set[bytes]:
        """As `Seen.add`. Sorted, so that neighbours land on the same page."""
        file, before = self._file, self._file.total_changes
        self._calls += 1
        rows = [(identity, self._calls) for identity in sorted(identities)]
        try:
            file.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
        except sqlite3.OperationalError as error:
            raise ListError(
                "There is no room on disk to find the duplicates of so long a list.",
                code="disk_full",
                remedy="Free space in the temporary folder, or name a roomier one in the environment variable TMPDIR.",
            ) from error
        return set() if file.total_changes - before == len(rows) else self._older(identities)

    def _older(self, identities: Sequence[bytes]) -> Set[bytes]:
        """Those that an earlier call added."""
        older: set[bytes] = set()
        for start in range(0, len(identities), _AT_ONCE):
            some = identities[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT identity FROM seen WHERE since < ? AND identity IN ({marks})"  # noqa: S608 (marks only)
            older.update(identity for (identity,) in self._file.execute(query, (self._calls, *some)))
        return older

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._file.close()
