"""Checkpoints beside the writer: what is committed moves from the WAL into the database file without holding up a commit.

SQLite's own checkpoint runs inside the commit that fills the WAL, and every caller waits for it: 10 ms in every 30 ms of heavy
writing. Here a thread with a connection of its own does it, soon after something was written. Under a load that never pauses it
cannot come to the WAL's end, so the writer's commit still does the rest once the WAL has grown to `WAL_PAGES`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

WAL_PAGES = 16_000
_PAUSE = 0.25  # seconds: several checkpoints in one cost less than each by itself


class Checkpointer:
    """A thread that checkpoints after writes. Not for an SQLite with the WAL-reset fault, which this would provoke."""

    def __init__(self, connection: Any, failure: type[Exception]) -> None:
        """Takes over `connection`. `failure` is its driver's error: what fails is tried again after the next write."""
        self._connection = connection
        self._failure = failure
        self._written = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sqlite-checkpointer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something was written. Costs nothing to speak of."""
        self._written.set()

    def close(self) -> None:
        """Waits for a checkpoint that is running, then closes the connection."""
        self._closing.set()
        self._written.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._written.wait():
            self._written.clear()  # before the look at `_closing`: a close in between sets it again
            if self._closing.wait(_PAUSE):
                return
            with suppress(self._failure):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
