"""Checking a customer file without keeping anything of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from guestlist.lists.base import ListOptions, ListReport

from .base import Services, in_thread
from .list_mappings import with_saved


async def check_list(
    services: Services, workspace_id: str, source: Path | BinaryIO, options: ListOptions, *, filename: str = ""
) -> ListReport:
    """The whole file accounted for, as an import would, saved mappings and all. Nothing is stored. Errors: ListError."""
    options = with_saved(services, workspace_id, options)
    prepared = await asyncio.to_thread(services.lists.prepare, source, options, filename=filename)
    async with aclosing(in_thread(prepared.steps())) as steps:
        async for _ in steps:
            pass
    return prepared.report
