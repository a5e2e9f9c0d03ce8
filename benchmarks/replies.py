"""100,000 inbound events, 5 % of them doubled and 5 % late, posted signed to a real server that is killed 20 times meanwhile.

What it keeps is then compared with what was said. Bar: nothing lost, no effect twice.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from guestlist.logging import configure_logging

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.reply_kills import run_reply_kills


def run(events: int = 100_000, kills: int = 20) -> None:
    """Prints the comparison. Raises when a promise did not hold."""
    configure_logging("error")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        verdict = asyncio.run(run_reply_kills(Path(folder), events=events, kills=kills))
    print(
        f"replies: {verdict.events:,} events in {verdict.bodies:,} bodies over {verdict.kills} kills (kill -9),"
        f" {verdict.sent_again:,} bodies sent again, in {time.perf_counter() - started:.0f} s"
    )
    print(
        f"  {verdict.replies:,} replies and {verdict.receipts:,} receipts kept: {len(verdict.lost)} lost,"
        f" {len(verdict.doubled)} doubled, {len(verdict.wrong)} otherwise wrong (bar 0)"
    )
    assert verdict.holds(), (verdict.lost[:10], verdict.doubled[:10], verdict.wrong[:10])


if __name__ == "__main__":
    run()
