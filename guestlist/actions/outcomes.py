"""Who waits, in this process, for what becomes of a message: rung when its first outcome is written."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Outcomes:
    """A bell a message. Another process' outcomes ring no bell here: who waits reads the rows as well."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listen(self, message_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something became of the message."""
        bell = asyncio.Event()
        self._waiting[message_id].add(bell)
        try:
            yield bell
        finally:
            self._waiting[message_id].discard(bell)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    def ring(self, message_ids: Iterable[str]) -> None:
        """Something became of these messages, durably."""
        for message_id in message_ids:
            for bell in self._waiting.get(message_id, ()):
                bell.set()
