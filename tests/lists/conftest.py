"""Shared by the tests of this room: reading bytes as a list, in one call."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from guestlist.lists.base import ListOptions, ListReport, Payload, Rejected
from guestlist.lists.dedupe import IN_MEMORY
from guestlist.lists.engine import FileListEngine

NOW = datetime(2026, 7, 29, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """A list read to its end."""

    report: ListReport
    payloads: Sequence[Payload]
    rejects: Sequence[Rejected]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return [row for payload in self.payloads for row in payload.data]

    @property
    def codes(self) -> list[tuple[int, str, str]]:
        return [(one.row, one.column, one.code) for one in self.rejects]

    def adds_up(self) -> bool:
        report = self.report
        return report.rows == report.usable + report.duplicates + sum(report.rejected.values()) and report.usable == len(
            self.rows
        )


Read = Callable[..., Outcome]


@pytest.fixture
def read() -> Read:
    """Reads a file given as text or bytes, in the region GB unless told."""

    def run(data: str | bytes, region: str = "GB", in_memory: int = IN_MEMORY, **options: Any) -> Outcome:
        stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
        engine = FileListEngine(now=lambda: NOW, in_memory=in_memory)
        prepared = engine.prepare(stream, ListOptions(region=region, **options), filename="list.csv")
        payloads, rejects = [], []
        for step in prepared.steps():
            payloads += [step.payload] if step.payload else []
            rejects += step.rejects
        return Outcome(prepared.report, payloads, rejects)

    return run
