"""Checking a customer file without keeping anything of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from guestlist.lists.base import ListOptions, ListReport

from .base import Services


async def check_list(services: Services, source: Path | BinaryIO, options: ListOptions, *, filename: str = "") -> ListReport:
    """The whole file accounted for, as an import would. Nothing is stored. Errors: ListError."""

    def read() -> ListReport:
        prepared = services.lists.prepare(source, options, filename=filename)
        for _ in prepared.payloads():
            prepared.rejects()  # taken, so that they do not pile up
        return prepared.report

    return await asyncio.to_thread(read)
