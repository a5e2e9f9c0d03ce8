"""`kill -9` of real servers at random moments of upload and send; Meta's log is then compared with our rows. Bar: all zeros."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from guestlist.logging import configure_logging

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.kills import describe, run_kills

KILLS = 30
ROWS = 9_000


def run() -> None:
    """Prints the comparison. Raises when a promise did not hold."""
    configure_logging("error")
    with tempfile.TemporaryDirectory() as folder:
        verdict = asyncio.run(run_kills(Path(folder), rounds=KILLS, rows=ROWS))
    print(f"kill -9 at {verdict.kills} random moments: {describe(verdict)}")
    assert verdict.holds(), verdict
