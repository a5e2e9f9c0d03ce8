"""`kill -9` of real processes while they import a list and upload it: what Meta received is then compared with ours, row by row.

Bar: 300 kills during prepare and upload, 0 rows lost, 0 sent twice within a session.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from guestlist.logging import configure_logging

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.list_kills import run_list_kills

KILLS = 300
RINGS = 3
"""Installations side by side: most of a life is spent waiting for the lease of the one that was killed."""


def run(kills: int = KILLS) -> None:
    """Prints the comparison. Raises when a promise did not hold."""
    configure_logging("error")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        verdict = asyncio.run(run_list_kills(Path(folder), kills=kills, rings=RINGS))
    print(
        f"kill -9 at {verdict.kills_importing} random moments of importing and {verdict.kills_uploading} of uploading "
        f"({verdict.uploads} uploads, {verdict.rows_sent:,} rows, {time.perf_counter() - began:.0f} s): "
        f"rows lost {verdict.rows_lost}, sent twice within a session {verdict.sent_twice}, left in an audience by mistake "
        f"{verdict.rows_surplus}, ledger wrong {verdict.ledger_wrong}, sessions wrong {verdict.sessions_wrong}, "
        f"digests kept {verdict.payloads_kept}"
    )
    assert verdict.holds(), verdict
